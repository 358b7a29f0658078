"""The page around every report: one HTML file that needs nothing else, in light and dark, on a phone and on paper.

What it looks like stands in Jinja2 templates, in `reports/templates/` and beside the demo. Every value that they are
given is text: a class or a file may be called `<script>`.
"""

from __future__ import annotations

import base64
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import facetracker
from facetracker.core.boxes import Boxes, to_pixels
from facetracker.core.console import counted
from facetracker.core.photo import PNG
from facetracker.version import __version__

if TYPE_CHECKING:
    from jinja2 import Environment


class DrawnBox(NamedTuple):
    """A box over a photo of a report, in the photo's pixels; `this` is the one that the figure is about."""

    kind: str  # truth or found: a class of the style
    left: float
    top: float
    width: float
    height: float
    text: str = ""
    this: bool = False

    def text_place(self, height: float) -> float:
        """The base line of the text: above the box, or below it where there is no room."""
        return self.top - 5 if self.top > 18 else min(height - 4, self.top + self.height + 15)


class ReportPhoto(NamedTuple):
    """A photo of a report: `width` x `height` pixels at `address`, with its boxes."""

    address: str
    alt: str
    width: int
    height: int
    boxes: list[DrawnBox]


def render(template: str, title: str, **values: Any) -> str:
    """The whole file from a template, named by its path in the package. No script, nothing fetched."""
    return _environment().get_template(template).render(title=title, version=__version__, **values)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(Path(facetracker.__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["count"] = counted
    return made


def data_address(data: bytes) -> str:
    """A JPEG or PNG as the address of itself, so that it is a part of the page."""
    return f"data:image/{'png' if data.startswith(PNG) else 'jpeg'};base64,{base64.b64encode(data).decode()}"


def drawn_boxes(boxes: Boxes, kind: str, width: int, height: int) -> list[DrawnBox]:
    """Normalised boxes `(N, 4)` over a photo of `width` x `height` pixels."""
    corners = to_pixels(boxes, width, height).tolist()
    return [DrawnBox(kind, x0, y0, max(0.0, x1 - x0), max(0.0, y1 - y0)) for x0, y0, x1, y1 in corners]
