"""Curves and bars as SVG: sharp at every size, coloured by the page's own variables, in light and in dark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

from markupsafe import Markup

WIDTH, HEIGHT = 460, 300
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 14, 40
COLOURS = 6  # the page has so many
THIN = 24  # a bar under this has no room for its number
Number = float | None


@dataclass(frozen=True)
class Line:
    """One curve; None breaks it. `colour` is the number of a model, `style` a class of the page (`thin`, `dashed`)."""

    name: str
    x: Sequence[Number]
    y: Sequence[Number]
    colour: int = 0
    style: str = ""
    mark: tuple[float, float] | None = None


def line_chart(
    lines: Sequence[Line],
    x_title: str,
    y_title: str,
    diagonal: bool = False,
    legend: bool = True,
    x_axis: tuple[float, float] = (1.0, 0.2),
    y_axis: tuple[float, float] = (1.0, 0.2),
) -> Markup:
    """Curves with a grid, and a legend where there is more than one; an axis is `(its end, a tick every so much)`."""
    parts = [_frame(x_title, y_title, x_axis=x_axis, y_axis=y_axis)]
    lines = [_in_unit_square(line, x_axis[0], y_axis[0]) for line in lines]
    if diagonal:
        parts.append(f'<path class="ideal" d="M{_x(0)} {_y(0)}L{_x(1)} {_y(1)}"/>')
    for line in lines:
        parts.append(f'<path class="line c{line.colour} {line.style}" d="{_path(line)}"/>')
        if line.mark is not None:
            x, y = line.mark
            parts.append(f'<circle class="mark c{line.colour}" cx="{_x(x)}" cy="{_y(y)}" r="4.5"/>')
    chart = _svg("".join(parts), f"{y_title} against {x_title}")
    return Markup(chart + (_legend([(line.name, line.colour, line.style) for line in lines]) if legend else ""))


def bar_chart(
    groups: Sequence[str], bars: Sequence[tuple[str, Sequence[Number], Sequence[str]]], y_title: str, x_title: str = ""
) -> Markup:
    """Bars in groups, one bar a model: `(name, heights in 0..1, hover texts)`; a missing height leaves a gap."""
    parts = [_frame(x_title, y_title, x_ticks=False)]
    step = (WIDTH - LEFT - RIGHT) / max(1, len(groups))
    thick = min(34.0, step * 0.72 / max(1, len(bars)))
    for place, group in enumerate(groups):
        middle = LEFT + (place + 0.5) * step
        parts.append(f'<text class="tick" x="{middle:.1f}" y="{HEIGHT - BOTTOM + 16}">{escape(group)}</text>')
        for number, (name, heights, texts) in enumerate(bars):
            height = heights[place]
            if height is None:
                continue
            x, y = middle + (number - len(bars) / 2) * thick, _y(height)
            parts.append(
                f'<rect class="bar c{number % COLOURS}" x="{x + 1:.1f}" y="{y}" width="{thick - 2:.1f}" rx="2" '
                f'height="{max(1.0, _y(0) - y):.1f}"><title>{escape(name)}: {escape(texts[place])}</title></rect>'
            )
            if thick > THIN:
                parts.append(f'<text class="value" x="{x + thick / 2:.1f}" y="{y - 4:.1f}">{height:.2f}</text>')
    chart = _svg("".join(parts), f"{y_title} by {x_title or 'group'}")
    names = [(name, number % COLOURS, "") for number, (name, _, _) in enumerate(bars)]
    return Markup(chart + _legend(names))


def _frame(
    x_title: str,
    y_title: str,
    x_ticks: bool = True,
    x_axis: tuple[float, float] = (1.0, 0.2),
    y_axis: tuple[float, float] = (1.0, 0.2),
) -> str:
    parts = []
    for value, place in _ticks(*y_axis):
        parts.append(f'<path class="grid" d="M{LEFT} {_y(place)}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text class="tick end" x="{LEFT - 7}" y="{_y(place) + 4}">{value}</text>')
    for value, place in _ticks(*x_axis) if x_ticks else ():
        parts.append(f'<text class="tick" x="{_x(place)}" y="{HEIGHT - BOTTOM + 16}">{value}</text>')
    parts.append(f'<path class="axis" d="M{LEFT} {TOP}V{_y(0)}H{WIDTH - RIGHT}"/>')
    parts.append(f'<text class="title" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 5}">{escape(x_title)}</text>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(f'<text class="title" transform="translate(11 {middle}) rotate(-90)">{escape(y_title)}</text>')
    return "".join(parts)


def _ticks(most: float, step: float) -> list[tuple[str, float]]:
    """`(text, place in 0..1)` of each tick of an axis from 0 to `most`."""
    return [(f"{number * step:.4g}", number * step / most) for number in range(int(most / step + 1e-6) + 1)]


def _in_unit_square(line: Line, x_most: float, y_most: float) -> Line:
    def scaled(values: Sequence[Number], most: float) -> list[Number]:
        return [None if value is None else value / most for value in values]

    mark = None if line.mark is None else (line.mark[0] / x_most, line.mark[1] / y_most)
    return replace(line, x=scaled(line.x, x_most), y=scaled(line.y, y_most), mark=mark)


def _path(line: Line) -> str:
    commands, drawing = [], False
    for x, y in zip(line.x, line.y, strict=True):
        if x is None or y is None:
            drawing = False
            continue
        commands.append(f"{'L' if drawing else 'M'}{_x(x)} {_y(y)}")
        drawing = True
    return "".join(commands)


def _x(value: float) -> float:
    return round(LEFT + value * (WIDTH - LEFT - RIGHT), 1)


def _y(value: float) -> float:
    return round(TOP + (1 - value) * (HEIGHT - TOP - BOTTOM), 1)


def _svg(content: str, title: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">{content}</svg>'


def _legend(entries: Sequence[tuple[str, int, str]]) -> str:
    if len(entries) < 2:
        return ""
    items = "".join(
        f'<li><i class="swatch c{colour} {style}"></i>{escape(name)}</li>' for name, colour, style in entries
    )
    return f'<ul class="legend">{items}</ul>'
