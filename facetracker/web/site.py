"""`web --static`: the whole way in the browser as plain files, for any web host. Nobody's photos reach the host."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from facetracker.core.errors import FaceTrackerError
from facetracker.core.files import write_atomically, write_json
from facetracker.exports.page import STATIC, page_without_card, piece
from facetracker.inference.card import Card
from facetracker.inference.detector import ASSETS, STARTER, find_model

# The server's modules by the names under which the views import them, answered in the browser instead.
ANSWERS = {"api.js": 'export * from "./site/api.js";\n', "main.js": 'import "./site/main.js";\n'}
NEEDLESS = ("alone", "train", "report.js", "live/server.worker.js")
NOTE = (
    "A face tracker that is collected, labelled, learnt and tried in the browser. Made by facetracker web --static.\n"
)


def write_site(folder: str | Path, force: bool = False) -> Path:
    """Write the static page into a folder that is new or empty, or with `force` over an earlier one."""
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise FaceTrackerError("is no folder", path=folder)
    if folder.is_dir() and any(folder.iterdir()) and not (force and (folder / "tracker.html").is_file()):
        fix = "Name a new folder, or --force over an earlier page."
        raise FaceTrackerError("is not empty", path=folder, fix=fix)
    model = (ASSETS / "starter.onnx").read_bytes()
    card = replace(Card.read_beside(find_model()), name=STARTER)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _workplace(folder.parent) as work:
        shutil.copytree(STATIC, work / "static", ignore=shutil.ignore_patterns("index.html"))
        for name in NEEDLESS:
            path = work / "static" / "js" / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for name, text in ANSWERS.items():
            (work / "static" / "js" / name).write_text(text, encoding="utf-8")
        write_atomically(work / "index.html", _page().encode())
        write_atomically(work / "tracker.html", page_without_card(model).encode())
        write_atomically(work / "model.onnx", model)
        write_json(work / "model.json", card.as_dict())
        write_atomically(work / "README.txt", NOTE.encode())
        shutil.copy(ASSETS / "starter.md", work / "starter.md")
        licence = STATIC.parents[1] / "exports" / "page" / "licence.txt"
        shutil.copy(licence, work / "LICENSE.txt")
        if folder.is_dir():
            shutil.rmtree(folder)
        work.replace(folder)
    return folder


def _page() -> str:
    """The page, of the same pieces as the server's."""
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    pieces = {
        "SHEET": piece(page, '<svg class="sheet"', "</svg>\n\n"),
        "MARK": piece(page, '<svg class="mark"', "</svg>"),
        "TOOLS": piece(page, '<button type="button" class="round" id="theme"', "  </div>\n</header>"),
        "LIVE": piece(page, '<section class="view" id="view-live"', "</section>") + "</section>",
        "COLLECT": piece(page, '<section class="view" id="view-collect"', "</section>") + "</section>",
        "LABEL": piece(page, '<section class="view" id="view-label"', "</section>") + "</section>",
        "DIALOGS": piece(page, '<dialog id="help"', "<noscript"),
    }
    text = (Path(__file__).parent / "site.html").read_text(encoding="utf-8")
    for name, content in pieces.items():
        text = text.replace(f"@@{name}@@", content)
    return text


@contextmanager
def _workplace(beside: Path) -> Iterator[Path]:
    """A folder that is moved to its place when all is in it, and gone otherwise."""
    made = Path(tempfile.mkdtemp(prefix=".part-site-", dir=beside))
    work = made / "site"
    work.mkdir()
    try:
        yield work
    finally:
        shutil.rmtree(made, ignore_errors=True)
