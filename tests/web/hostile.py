"""Names that are scripts, and a page of chromium in which it is noticed when one of them runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from browser import PATIENCE

IMAGE = "<img src=x onerror=hacked('image')>"
QUOTE = "\"'><svg onload=hacked('svg')>"
SCRIPT = "</script></style></title></textarea><script>hacked('script')</script>"
LINK = "javascript:hacked('link')"
FILES = (IMAGE, QUOTE, LINK)  # a file's name holds no slash
TEXTS = (*FILES, SCRIPT)

# What no view and no report has: scripts in attributes, addresses that run something, our markup as elements.
FOREIGN = """() => {
  const leads = ["src", "href", "data", "action", "xlink:href"];
  const runs = ({ name, value }) =>
    name.startsWith("on") || leads.includes(name) && /^\\s*javascript:/i.test(value);
  const foreign = (one) => [...one.attributes].some(runs) || one.getAttribute("src") === "x" ||
    one.tagName === "SCRIPT" && one.type !== "text/plain" && one.textContent.includes("hacked");
  return [...document.querySelectorAll("*")].filter(foreign).map((one) => one.outerHTML.slice(0, 200));
}"""


@contextmanager
def watched(browser, *, policy: bool = False) -> Iterator:
    """A page in which `hacked` and dialogs are noticed; at the end none of them may have happened."""
    context = browser.new_context(bypass_csp=not policy, viewport={"width": 1280, "height": 860})
    context.set_default_timeout(PATIENCE)
    ran: list[str] = []
    context.expose_function("hacked", lambda what="": ran.append(what))
    page = context.new_page()
    page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
    try:
        yield page
        page.wait_for_timeout(300)  # a picture that is missing says so a moment later
        for frame in page.frames:
            ran += [] if policy and frame != page.main_frame else frame.evaluate(FOREIGN)
        assert ran == [], ran
    finally:
        context.close()


def label_content(width: int, height: int, labels: tuple[str, ...]) -> dict[str, Any]:
    """What stands in a label file of labelme, with markup wherever a text may stand."""
    shapes = [
        {
            "label": label,
            "points": [[10.0 + number, 10.0], [60.0 + number, 60.0]],
            "group_id": QUOTE,
            "description": text,
            "shape_type": "rectangle",
            "flags": {SCRIPT: True, IMAGE: False},
            QUOTE: text,
        }
        for number, (label, text) in enumerate(zip(labels, TEXTS * 2, strict=False))
    ]
    head = {"version": IMAGE, "flags": dict.fromkeys(TEXTS, True), "imagePath": SCRIPT, "imageData": None}
    return {**head, "shapes": shapes, "imageWidth": width, "imageHeight": height, IMAGE: SCRIPT}


def labelme(path: Path, width: int, height: int, labels: tuple[str, ...]) -> None:
    """Such a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(label_content(width, height, labels)), encoding="utf-8")
