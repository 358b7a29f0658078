"""JavaScript modules as one script, for a page in one file: a browser loads no module from a file beside it.

It knows what the page's own modules are written with, and refuses anything else: imports of names or of a whole module,
exports of functions, classes and constants, no circles.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

_IMPORT = re.compile(
    r'^import (?:\{(?P<names>[^}]*)\}|\* as (?P<whole>\w+)) from "(?P<module>\.[^"]+)";\n', re.MULTILINE
)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const) (?P<name>\w+))", re.MULTILINE)
_LEFT = re.compile(r"^(?:import|export)\b", re.MULTILINE)


def bundle(entry: str, folder: Path) -> str:
    """The module `entry` ("live/tab.worker.js") of a folder and all that it imports, as one script for a module."""
    done: dict[str, str] = {}
    parts: list[str] = []
    _add(entry, folder, done, parts, ())
    return "\n".join(parts)


def _add(name: str, folder: Path, done: dict[str, str], parts: list[str], above: tuple[str, ...]) -> None:
    if name in above:
        raise ValueError(f"{name} imports itself by way of {', '.join(above)}")
    if name in done:
        return
    text = (folder / name).read_text(encoding="utf-8")
    lines = []
    for found in _IMPORT.finditer(text):
        other = posixpath.normpath(posixpath.join(posixpath.dirname(name), found["module"]))
        _add(other, folder, done, parts, (*above, name))
        what = found["whole"] or "{ " + ", ".join(_renamed(found["names"])) + " }"
        lines.append(f"const {what} = {done[other]};")
    body, names = _IMPORT.sub("", text), [found["name"] for found in _EXPORT.finditer(text)]
    body = _EXPORT.sub("", body)
    if _LEFT.search(body):
        raise ValueError(f"{name} imports or exports in a way that cannot be bundled")
    done[name] = f"module{len(done)}"
    exported = f"return {{ {', '.join(names)} }};"
    parts.append(f"// {name}\nconst {done[name]} = (() => {{\n{chr(10).join(lines)}\n{body}\n{exported}\n}})();")


def _renamed(names: str) -> list[str]:
    """`a as b` of an import is `a: b` in what stands for it."""
    return [name.strip().replace(" as ", ": ") for name in names.split(",") if name.strip()]
