"""`report.html` of `inspect`: one self-contained file with the layers, the pictures, and what to see in them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from markupsafe import Markup

from facetracker.core import boxes
from facetracker.core.console import counted
from facetracker.core.photo import encode_jpeg, encode_png
from facetracker.reports.charts import bar_chart
from facetracker.reports.inspect import words
from facetracker.reports.inspect.gradcam import Look
from facetracker.reports.inspect.record import Step, counted_once
from facetracker.reports.inspect.sheets import MOST_FILTERS, channel_row, filter_grid, overlay, steps_shown
from facetracker.reports.page import data_address, render

if TYPE_CHECKING:
    from facetracker.reports.inspect.inspecting import Inside

QUALITY = 88


class LayerRow(NamedTuple):
    """A layer of the table; the shares are of the most that a layer has."""

    name: str
    kind: str
    size: str
    parameters: int
    parameters_share: float
    adds: int
    adds_share: float


class ActivationRow(NamedTuple):
    """What one layer made of the picture, and what to see in it."""

    name: str
    kind: str
    size: str
    address: str
    hints: list[str]


def report(inside: Inside) -> str:
    """The page about the inside of a network; nothing in it is fetched from elsewhere."""
    name = "/".join(inside.model.parts[-2:])
    steps, parameters = inside.steps, counted_once(inside.steps)
    adds = [step.multiply_adds for step in steps]
    every, all_adds = sum(parameters), sum(adds)
    return render(
        "reports/templates/inspect.html",
        f"Inside {name}",
        inside=inside,
        name=name,
        words=words,
        numbers=[
            (f"{len({step.name for step in steps}):,}", "layers"),
            (_short(every), "parameters"),
            (_short(all_adds), "multiply-adds a picture"),
            (f"{inside.model.stat().st_size / 1e6:.2f}", "MB on disk"),
        ],
        costs=_costs(steps, parameters),
        costliest=_most(steps, adds, all_adds),
        largest=_most(steps, parameters, every),
        layers=_layers(steps, parameters),
        all_parameters=every,
        all_adds=all_adds,
        filters=_filters(inside),
        side=inside.picture.shape[0],
        picture=data_address(encode_jpeg(overlay(inside.picture), QUALITY)),
        activations=_activations(inside),
        looks=[_look(inside, look) for look in inside.looks],
        commands=_again(inside),
    )


def _short(number: int) -> str:
    """A large number as it is remembered: `4.41 G`, `16.8 M`, `183 k`."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {letter}"
    return str(number)


def _most(steps: Sequence[Step], values: Sequence[int], whole: int) -> dict[str, str]:
    """The layer that has most of something, and its share of the whole."""
    value, step = max(zip(values, steps, strict=True), key=lambda pair: pair[0])
    return {"name": step.name, "share": f"{100 * value / max(1, whole):.0f} %"}


def _layers(steps: Sequence[Step], parameters: Sequence[int]) -> list[LayerRow]:
    most = max(1, *parameters), max(1, *(step.multiply_adds for step in steps))
    return [
        LayerRow(
            step.name,
            step.kind,
            _size(step.shape),
            own,
            own / most[0],
            step.multiply_adds,
            step.multiply_adds / most[1],
        )
        for own, step in zip(parameters, steps, strict=True)
    ]


def _size(shape: Sequence[int]) -> str:
    return "×".join(str(side) for side in shape) or "1"


def _costs(steps: Sequence[Step], parameters: Sequence[int]) -> Markup:
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


def _filters(inside: Inside) -> list[tuple[str, str, str]]:
    """Title, address and a line about the filters, before training (where they are known) and now."""
    height, width, channels, number = inside.after.shape
    size = f"{counted(number, 'filter')} of {height}×{width} pixels and {counted(channels, 'colour')}"
    size += f", the first {MOST_FILTERS} of them" if number > MOST_FILTERS else ""
    shown = [("Now", inside.after, size)]
    if inside.before is not None:
        moved = float(np.linalg.norm(inside.after - inside.before)) / float(np.linalg.norm(inside.before))
        far = f"moved by {100 * moved:.0f} % of their length" if moved else "not one has moved: this layer was frozen"
        shown = [("As training began", inside.before, size), ("Now", inside.after, far)]
    return [(title, data_address(encode_png(filter_grid(kernel, clear=True))), text) for title, kernel, text in shown]


def _activations(inside: Inside) -> list[ActivationRow]:
    said: set[str] = set()
    rows = []
    for step in steps_shown(inside.steps):
        fineness = next(text for share, text in words.FINENESS if step.shape[0] >= share * inside.picture.shape[0])
        hints = [text for text in (fineness, words.KINDS.get(step.kind, "")) if text and text not in said]
        said.update(hints)
        address = data_address(encode_png(channel_row(step, clear=True)))
        rows.append(ActivationRow(step.name, step.kind, _size(step.shape), address, hints))
    return rows


def _look(inside: Inside, look: Look) -> tuple[str, str, list[str]]:
    """Title, address and what to see in the map of one answer."""
    address = data_address(encode_jpeg(overlay(inside.picture, look), QUALITY))
    return look.title, address, [words.LOOK[look.kind], *_where(look)]


def _where(look: Look) -> list[str]:
    """How much of a map lies in the box, beside how much it would be if the map were even."""
    if not look.heat.any():
        return ["Here nothing speaks for it: the map is empty."]
    share = look.share_in_box()
    if share is None or look.box is None:
        return []
    area = float(boxes.areas(boxes.clip(look.box))[0])
    covers = f"{100 * area:.0f} % of the picture"
    return [f"Here {100 * share:.0f} % of the map lies in the box, which covers {covers}."]


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
