"""`report.html` of `inspect`: one self-contained file with the layers, the pictures, and what to see in them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from facetracker.core import boxes
from facetracker.core.photo import encode_jpeg, encode_png
from facetracker.reports.charts import bar_chart
from facetracker.reports.inspect import words
from facetracker.reports.inspect.gradcam import Look
from facetracker.reports.inspect.record import Step, counted_once
from facetracker.reports.inspect.sheets import MOST_FILTERS, channel_row, filter_grid, overlay, steps_shown
from facetracker.reports.page import commands, count, definitions, figures, image, page
from facetracker.version import __version__

if TYPE_CHECKING:
    from facetracker.reports.inspect.inspecting import Inside

QUALITY = 88
STYLE = """
figcaption { align-content:start; } figcaption span { white-space:normal; }
.layers { max-height:34rem; overflow:auto; } .layers th { position:sticky; top:0; background:var(--card); z-index:1; }
.layers th:first-child { z-index:2; } .layers td:nth-child(2),.layers th:nth-child(2) { text-align:left; }
.layers td[style] { --bar:color-mix(in srgb,currentColor 24%,transparent);
  background:linear-gradient(var(--bar),var(--bar)) right/calc((100% - 14px)*var(--part)) 64% no-repeat; }
.layers td[style] b { color:var(--ink); font-weight:400; }
.layers tr:last-child td { font-weight:650; color:var(--ink); }
.filters { display:grid; grid-template-columns:repeat(auto-fit,minmax(min(100%,320px),1fr)); gap:14px; }
.filters img { display:block; width:calc(100% - 28px); max-width:420px; margin:14px; image-rendering:pixelated; }
.rows figure { border:0; border-bottom:1px solid var(--line); border-radius:0; display:grid; align-items:center;
  grid-template-columns:minmax(0,290px) minmax(0,1fr); gap:6px 16px; padding:9px 0; }
.rows figure:last-child { border-bottom:0; } .rows figcaption { padding:0; }
.rows figcaption span + span { margin-top:3px; }
.rows img { width:100%; display:block; image-rendering:pixelated; }
.rows img[src^="data:image/jpeg"] { width:120px; image-rendering:auto; border-radius:6px; }
.looks { display:grid; grid-template-columns:repeat(auto-fit,minmax(min(100%,240px),1fr)); gap:14px; }
.looks img { display:block; width:100%; }
@media (max-width:760px) { .rows figure { grid-template-columns:minmax(0,1fr); } }
@media print { .layers { max-height:none; } }
"""


def report(inside: Inside) -> str:
    """The page about the inside of a network; nothing in it is fetched from elsewhere."""
    name = "/".join(inside.model.parts[-2:])
    whose = (
        "This file shows a photo: keep it as private as the photo."
        if inside.photo is not None
        else "The person in it is drawn by the software; nobody is real."
    )
    parts = [
        _head(inside, name),
        _layers(inside.steps),
        _filters(inside),
        _activations(inside),
        _looks(inside),
        f'<h2>Make it again</h2><div class="card">{commands(_again(inside))}</div>',
        f"<footer>facetracker {__version__}. {whose}</footer>",
    ]
    return page(f"Inside {name}", "\n".join(parts), STYLE)


def _head(inside: Inside, name: str) -> str:
    steps = inside.steps
    seen = "a drawn face" if inside.photo is None else f"<code>{escape(str(inside.photo))}</code>"
    numbers = [
        (f"{len({step.name for step in steps}):,}", "layers"),
        (_short(sum(counted_once(steps))), "parameters"),
        (_short(sum(step.multiply_adds for step in steps)), "multiply-adds a picture"),
        (f"{inside.model.stat().st_size / 1e6:.2f}", "MB on disk"),
    ]
    return (
        f"<h1><span class=soft>Inside</span> {escape(name)}</h1><p>A {escape(inside.head)}. It looks at {seen}.</p>"
        + "".join(f'<p class="note">{escape(note[:1].upper() + note[1:])}.</p>' for note in inside.notes)
        + figures(numbers)
    )


def _short(number: int) -> str:
    """A large number as it is remembered: `4.41 G`, `16.8 M`, `183 k`."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {letter}"
    return str(number)


def _layers(steps: Sequence[Step]) -> str:
    """Where the work is done, and every layer with its cost."""
    parameters = counted_once(steps)
    costliest = max(steps, key=lambda step: step.multiply_adds)
    largest = max(zip(parameters, steps, strict=True), key=lambda pair: pair[0])[1]
    most = (max(1, *parameters), max(1, *(step.multiply_adds for step in steps)))
    rows = "".join(
        f"<tr><td>{escape(step.name)}</td><td>{escape(step.kind)}</td><td>{_size(step.shape)}</td>"
        f"{_cell(own, most[0], 1)}{_cell(step.multiply_adds, most[1], 0)}</tr>"
        for own, step in zip(parameters, steps, strict=True)
    )
    every = (sum(parameters), sum(step.multiply_adds for step in steps))
    return (
        '<h2>Layers and what they cost</h2><div class="charts"><div class="card"><h3>By the size of the map</h3>'
        '<p class="soft small">Share of the multiply-adds, and of the parameters, in layers whose map is so large. '
        f"</p>{_costs(steps, parameters)}</div>{definitions('How to read it', words.TERMS)}</div>"
        f"<p style='margin-top:16px'>The costliest layer is <code>{escape(costliest.name)}</code> with "
        f"{_percent(costliest.multiply_adds, every[1])} of the multiply-adds, the largest "
        f"<code>{escape(largest.name)}</code> with {_percent(largest.parameters, every[0])} of the parameters.</p>"
        '<div class="card scroll layers" tabindex="0"><table><tr><th>layer</th><th>kind</th><th>output</th>'
        f"<th>parameters</th><th>multiply-adds</th></tr>{rows}<tr><td>all</td><td></td><td></td>"
        f"<td>{every[0]:,}</td><td>{every[1]:,}</td></tr></table></div>"
    )


def _cell(value: int, most: int, colour: int) -> str:
    if not value:
        return "<td></td>"
    return f'<td class="c{colour}" style="--part:{value / most:.3f}"><b>{value:,}</b></td>'


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / max(1, whole):.0f} %"


def _size(shape: Sequence[int]) -> str:
    return "×".join(str(side) for side in shape) or "1"


def _costs(steps: Sequence[Step], parameters: Sequence[int]) -> str:
    """Bars: what layers cost together whose maps are of one size, the largest maps first."""
    costs: dict[tuple[int, ...], tuple[int, int]] = {}
    for step, own in zip(steps, parameters, strict=True):
        place = step.shape[:2] if len(step.shape) == 3 else ()
        adds, numbers = costs.get(place, (0, 0))
        costs[place] = (adds + step.multiply_adds, numbers + own)
    shown = sorted((place for place in costs if any(costs[place])), key=lambda place: -np.prod(place))
    bars = []
    for number, name in enumerate(("multiply-adds", "parameters")):
        values = [costs[place][number] for place in shown]
        bars.append((name, [value / max(1, sum(values)) for value in values], [f"{value:,}" for value in values]))
    return bar_chart([_size(place) if place else "no map" for place in shown], bars, "share", "size of the map")


def _filters(inside: Inside) -> str:
    height, width, channels, number = inside.after.shape
    size = f"{count(number, 'filter')} of {height}×{width} pixels and {count(channels, 'colour')}"
    size += f", the first {MOST_FILTERS} of them" if number > MOST_FILTERS else ""
    shown = [("Now", inside.after, size)]
    if inside.before is not None:
        moved = float(np.linalg.norm(inside.after - inside.before)) / float(np.linalg.norm(inside.before))
        far = f"moved by {100 * moved:.0f} % of their length" if moved else "not one has moved: this layer was frozen"
        shown = [("As training began", inside.before, size), ("Now", inside.after, far)]
    tiles = "".join(
        f"<figure>{image(encode_png(filter_grid(kernel, clear=True)), f'filters of {inside.layer}')}"
        f"<figcaption><b>{title}</b><span>{escape(inside.layer)}: {text}</span></figcaption></figure>"
        for title, kernel, text in shown
    )
    return f'<h2>What the first layer looks for</h2><p>{words.FILTERS}</p><div class="filters">{tiles}</div>'


def _activations(inside: Inside) -> str:
    side = inside.picture.shape[0]
    rows = (
        f"<figure><figcaption><b>the picture</b><span>{side}×{side} pixels, as the network gets it</span></figcaption>"
        f"{image(encode_jpeg(overlay(inside.picture), QUALITY), 'the picture')}</figure>"
    )
    said: set[str] = set()
    for step in steps_shown(inside.steps):
        fineness = next(text for share, text in words.FINENESS if step.shape[0] >= share * side)
        new = [text for text in (fineness, words.KINDS.get(step.kind, "")) if text and text not in said]
        said.update(new)
        hints = "".join(f"<span>{text}</span>" for text in new)
        rows += (
            f"<figure><figcaption><b>{escape(step.name)}</b><span>{escape(step.kind)}, {_size(step.shape)}</span>"
            f"{hints}</figcaption>"
            f"{image(encode_png(channel_row(step, clear=True)), f'channels of {step.name}')}</figure>"
        )
    return f'<h2>What the layers make of the picture</h2><p>{words.ACTIVATIONS}</p><div class="card rows">{rows}</div>'


def _looks(inside: Inside) -> str:
    shown = f"<figure>{image(encode_jpeg(overlay(inside.picture), QUALITY), 'the picture')}<figcaption>"
    shown += "<b>the picture</b><span>To compare with.</span></figcaption></figure>"
    for look in inside.looks:
        shown += (
            f"<figure>{image(encode_jpeg(overlay(inside.picture, look), QUALITY), f'Grad-CAM of {look.title}')}"
            f"<figcaption><b>{escape(look.title)}</b><span>{words.LOOK[look.kind]}</span>{_where(look)}"
            "</figcaption></figure>"
        )
    return f'<h2>Where each answer comes from</h2><p>{words.LOOKS}</p><div class="looks">{shown}</div>'


def _where(look: Look) -> str:
    """How much of a map lies in the box, beside how much it would be if the map were even."""
    if not look.heat.any():
        return "<span>Here nothing speaks for it: the map is empty.</span>"
    share = look.share_in_box()
    if share is None or look.box is None:
        return ""
    area = float(boxes.areas(boxes.clip(look.box))[0])
    return (
        f"<span>Here {100 * share:.0f} % of the map lies in the box, which covers {100 * area:.0f} % of the "
        "picture.</span>"
    )


def _again(inside: Inside) -> list[tuple[str, str]]:
    """The commands: this very page, another photo, and what the numbers say."""
    model = inside.command[2]
    another = ["facetracker", "inspect", model, "YOUR_PHOTO.jpg", "--out", f"{inside.folder}-2"]
    measured = (
        (["facetracker", "classify", model, "faces/test"], "how well it tells many faces apart, in numbers")
        if inside.is_classifier
        else (["facetracker", "evaluate", model, "data"], "how well it finds the faces of many photos, in numbers")
    )
    lines = (
        (inside.command, "this page and its pictures, again"),
        (another, "the same for another photo, beside this one"),
        measured,
    )
    return [(shlex.join(command), what) for command, what in lines]
