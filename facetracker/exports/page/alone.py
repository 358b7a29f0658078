"""A tracker as one HTML file: model, runtime and page, opened by a double click, without a network."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import re
from functools import lru_cache
from importlib import resources
from pathlib import Path

from facetracker.core.errors import BadFile
from facetracker.exports.page.bundle import bundle
from facetracker.inference.card import Card

PACKAGE = Path(str(resources.files("facetracker")))
STATIC = PACKAGE / "web" / "static"
KERNELS = ("kernels.wasm", "kernels-fma.wasm")
STYLES = ("base.css", "parts.css", "views.css")
# Nothing may be asked for, by anyone: no request leaves the page, whatever its script might try.
POLICY = (
    "default-src 'none'; script-src {script} 'wasm-unsafe-eval'; worker-src blob:; connect-src 'none'; "
    "img-src blob: data:; media-src blob: mediastream:; style-src {style}; base-uri 'none'; form-action 'none'"
)


def page_alone(model: bytes, card: Card) -> bytes:
    """The HTML file of a tracker: `model` is its ONNX file, which the card need not be in."""
    told = json.dumps(card.as_dict(), ensure_ascii=False).replace("<", "\\u003c")
    texts = {"@@NAME@@": html.escape(card.name or "model"), "@@CARD@@": told}
    # Both at once: a name may be called like a place.
    return re.sub("@@(?:NAME|CARD)@@", lambda place: texts[place[0]], page_without_card(model)).encode()


def page_without_card(model: bytes) -> str:
    """The same with `@@NAME@@` and `@@CARD@@` in their places, for a page that fills them in."""
    return _shell().replace("@@MODEL@@", packed(model))


def model_of_page(page: bytes, path: Path) -> bytes:
    """The ONNX file in such a page."""
    found = re.search(rb'id="part-model\.onnx">([^<]*)<', page)
    if found is None:
        raise BadFile("is no page with a tracker in it", path=path)
    return gzip.decompress(base64.b64decode(found[1]))


def packed(data: bytes) -> str:
    """Bytes as text that the page unpacks, the same every time."""
    return base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()


@lru_cache(maxsize=1)
def _shell() -> str:
    """The file without its model: `@@NAME@@`, `@@CARD@@`, `@@MODEL@@` stand in their places."""
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    script = bundle("alone/main.js", STATIC / "js")
    worker = bundle("live/tab.worker.js", STATIC / "js")
    style = "".join((STATIC / "css" / name).read_text(encoding="utf-8") for name in STYLES)
    if any("</script" in text for text in (script, worker)):
        raise ValueError("a script that ends itself cannot lie in a page")
    policy = POLICY.format(script=_hash(script), style=_hash(style))
    texts = {
        "POLICY": policy,
        "STYLE": style,
        "SCRIPT": script,
        "WORKER": worker,
        "ICON": base64.b64encode((STATIC / "icon.svg").read_bytes()).decode(),
        "SHEET": piece(page, '<svg class="sheet"', "</svg>\n\n"),
        "MARK": piece(page, '<svg class="mark"', "</svg>"),
        "TOOLS": piece(page, '<button type="button" class="round" id="theme"', "  </div>\n</header>"),
        "LIVE": piece(page, '<section class="view" id="view-live"', "  <section").replace(" hidden>", ">", 1),
        "HELP": piece(page, '<dialog id="help"', "</dialog>") + "</dialog>",
        "LICENCE": html.escape((Path(__file__).parent / "licence.txt").read_text(encoding="utf-8")),
        **{name.upper(): packed((STATIC / "js" / "runtime" / name).read_bytes()) for name in KERNELS},
    }
    shell = (Path(__file__).parent / "alone.html").read_text(encoding="utf-8")
    for name, text in texts.items():
        shell = shell.replace(f"@@{name}@@", text)
    return shell


def piece(page: str, begin: str, end: str) -> str:
    """The part of the server's page from `begin` to before `end`; an end tag of a picture is part of it."""
    start = page.index(begin)
    stop = page.index(end, start)
    return page[start : stop + (len("</svg>") if end.startswith("</svg>") else 0)]


def _hash(text: str) -> str:
    """A script or style as a policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
