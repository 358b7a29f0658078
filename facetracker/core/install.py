"""How a part that is missing is installed: beside the package as it is here, never from a stranger's."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, distribution
from urllib.parse import unquote, urlsplit

# On the package index "facetracker" is somebody else's; the import and the command keep that name.
DISTRIBUTION = "own-facetracker"


def install_command(*extras: str) -> str:
    """The command that adds extras (`train`, `web` ...) to this installation: from the folder or file it came from.

    >>> install_command("train").startswith("pip install ")
    True
    """
    asked = f"[{','.join(extras)}]" if extras else ""
    try:
        told = distribution(DISTRIBUTION).read_text("direct_url.json")
    except PackageNotFoundError:
        told = None
    origin = json.loads(told) if told else {}
    url = urlsplit(str(origin.get("url", "")))
    if url.scheme != "file":
        return f"pip install '{DISTRIBUTION}{asked}'"
    editable = "-e " if origin.get("dir_info", {}).get("editable") else ""
    return f"pip install {editable}'{unquote(url.path)}{asked}'"
