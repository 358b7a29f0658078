"""Draw the picture of the house in docs/design.md from what the rooms really import: `python scripts/house.py`.

Left the floors, as import-linter holds them (setup.cfg). Right who uses whom: a dot for every room that a room imports
from, larger the more of its files do. All dots lie below the steps that the floors make: nobody imports upwards.
"""

from __future__ import annotations

import ast
import configparser
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "images" / "house.svg"

PURPOSE = {
    "cli": "commands, demo, doctor",
    "web": "the browser page and its server",
    "personal": "a person's own tracker",
    "exports": "files for other engines",
    "reports": "scores, pages, a look inside",
    "training": "one loop for all networks",
    "data": "split, augment, batches",
    "labels": "the one reader of photos",
    "inference": "find, follow, show, record",
    "models": "the networks, Keras alone",
    "capture": "cameras, films, collecting",
    "scenes": "drawn faces that move",
    "cluster": "many processes and machines",
    "core": "boxes, faces, photos, files",
    "from_scratch": "numpy networks, apart",
}
LEFT, TOP, ROW, STEP = 24, 120, 40, 34  # pixels: the house's edges, a room's height, a column's width
WIDE, MATRIX = 330, 480  # width of the house; where the columns begin
MOST = 13.0  # radius of the largest dot

STYLE = """
  .paper { fill: #fff } .wall { fill: #f4f1ea; stroke: #5b5346; stroke-width: 1.5 } .roof { fill: #b5533c }
  .ground { fill: #6f8f5f } .thin { stroke: #d8d2c6 } .step { stroke: #b5533c; stroke-width: 2; fill: none }
  .dot { fill: #2f6f8f } .name { fill: #2b2b2b; font-weight: 600 } .soft { fill: #6a655c }
  text { font: 14px system-ui, sans-serif } .small { font-size: 12px } .head { font-size: 17px; font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #131416 } .wall { fill: #23252a; stroke: #8d8674 } .thin { stroke: #34373d }
    .dot { fill: #6fb6d6 } .name { fill: #ececec } .soft { fill: #a7a294 }
  }
"""


def floors() -> list[list[str]]:
    """The rooms of each floor, from the roof to the ground."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    lines = settings["importlinter:contract:floors"]["layers"].replace("facetracker.", "").split("\n")
    return [line.split(" | ") for line in lines if line]


def uses() -> Counter[tuple[str, str]]:
    """How many files of a room import from another one, inside functions too; not what only types need."""
    found: Counter[tuple[str, str]] = Counter()
    for path in sorted((ROOT / "facetracker").rglob("*.py")):
        room, *inner = path.relative_to(ROOT / "facetracker").parts
        if inner:
            names = imports(ast.parse(path.read_text(encoding="utf-8")))
            others = {name.split(".")[1] for name in names if name.startswith("facetracker.")}
            found.update((room, other) for other in others & PURPOSE.keys() - {room})
    return found


def imports(tree: ast.AST) -> Iterator[str]:
    """The modules that are imported below this node."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        yield from imports(node)


def draw() -> str:
    """The picture as SVG."""
    storeys, used = floors(), uses()
    rooms = [room for floor in storeys for room in floor]
    most = max(used.values())
    bottom = TOP + ROW * len(rooms)
    shed = bottom + 34
    width, height = MATRIX + STEP * len(rooms) + 30, shed + ROW + 28
    middle = LEFT + WIDE / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        "<title>The rooms of the house by floor, and which room uses which</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{width}" height="{height}" rx="10"/>',
        f'<path class="roof" d="M{LEFT - 14} {TOP}L{middle} 34L{LEFT + WIDE + 14} {TOP}Z"/>',
        f'<text class="head" x="{middle}" y="{TOP - 18}" text-anchor="middle" style="fill:#fff">facetracker</text>',
    ]
    y = TOP
    for floor in storeys:
        parts.append(f'<rect class="wall" x="{LEFT}" y="{y}" width="{WIDE}" height="{ROW * len(floor)}"/>')
        y += ROW * len(floor)
    parts.append(f'<rect class="ground" x="{LEFT - 14}" y="{bottom}" width="{WIDE + 28}" height="7"/>')
    for row, room in enumerate(rooms):
        y = TOP + row * ROW + ROW / 2
        x = MATRIX + row * STEP + STEP / 2
        parts.append(_room(room, y))
        parts.append(f'<text class="name small" text-anchor="end" x="{MATRIX - 12}" y="{y + 4}">{room}</text>')
        parts.append(f'<line class="thin" x1="{MATRIX}" x2="{width - 24}" y1="{y}" y2="{y}"/>')
        parts.append(f'<line class="thin" x1="{x}" x2="{x}" y1="{TOP}" y2="{bottom}"/>')
        parts.append(f'<text class="small name" transform="translate({x + 4} {TOP - 8}) rotate(-55)">{room}</text>')
    parts.append(f'<path class="step" d="{_steps(storeys)}"/>')
    for row, room in enumerate(rooms):
        for column, other in enumerate(rooms):
            if count := used[room, other]:
                x, y = MATRIX + column * STEP + STEP / 2, TOP + row * ROW + ROW / 2
                radius = MOST * (count / most) ** 0.5
                said = f"{room} uses {other}: {count} file{'s' * (count > 1)}"
                parts.append(f'<circle class="dot" cx="{x}" cy="{y}" r="{radius:.1f}"><title>{said}</title></circle>')
    parts.append(f'<rect class="wall" x="{LEFT}" y="{shed}" width="{WIDE}" height="{ROW}"/>')
    parts.append(_room("from_scratch", shed + ROW / 2))
    said = "A row uses the columns in which it has a dot: the larger, the more of its files do."
    parts.append(f'<text class="soft small" x="{MATRIX}" y="{bottom + 24}">{said}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _room(room: str, y: float) -> str:
    return (
        f'<text class="name" x="{LEFT + 14}" y="{y + 5}">{room}</text>'
        f'<text class="soft small" x="{LEFT + 122}" y="{y + 4}">{PURPOSE[room]}</text>'
    )


def _steps(storeys: list[list[str]]) -> str:
    """The line that no dot lies below: a step for each floor."""
    row, path = 0, f"M{MATRIX} {TOP}"
    for floor in storeys:
        row += len(floor)
        path += f"H{MATRIX + row * STEP}V{TOP + row * ROW}"
    return path


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
    print(PICTURE)
