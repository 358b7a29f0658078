"""How a part that is missing is installed: beside the package as it is here, never from a stranger's."""

from __future__ import annotations

import json
from importlib.util import find_spec

from facetracker.core.errors import FaceTrackerError

# On the package index "facetracker" is somebody else's; the import and the command keep that name.
DISTRIBUTION = "own-facetracker"

# What brings a module that is missing; the first part of its name counts.
BROUGHT_BY = {
    "train": (
        "tensorflow", "keras", "albumentations", "albucore", "jinja2", "markupsafe", "matplotlib", "pycocotools",
        "tensorboard", "google_crc32c", "google", "onnx", "tf2onnx", "onnxruntime", "h5py",
    ),
    "openvino": ("openvino",),
    "convert": ("supervision",),
    "scale": ("ray", "upath", "fsspec"),
    "heic": ("pillow_heif",),
    "camera": ("pyvirtualcam",),
}  # fmt: skip


def is_installed(module: str) -> bool:
    """Whether a module can be imported; it is not."""
    try:
        return find_spec(module) is not None
    except ValueError:  # it stands in sys.modules as None: an import would fail
        return False


def needed(module: str) -> None:
    """Refuse, with the command that adds it, where a module is not installed."""
    if not is_installed(module) and (error := missing(module)) is not None:
        raise error


def missing(module: str | None) -> FaceTrackerError | None:
    """What a person is told who lacks a module; None where it belongs to no extra."""
    first = (module or "").partition(".")[0]
    extra = next((extra for extra, modules in BROUGHT_BY.items() if first in modules), None)
    if extra is None:
        return None
    return FaceTrackerError(f"this needs {first}, which is not installed", fix=install_command(extra))


def install_command(*extras: str) -> str:
    """The command that adds extras (`train`, `web` ...) to this installation: from the folder or file it came from.

    >>> install_command("train").startswith("pip install ")
    True
    """
    # A twentieth of a second, which `--help` does not pay.
    from importlib.metadata import PackageNotFoundError, distribution
    from urllib.parse import unquote, urlsplit

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
