"""The curves of a run as a picture. Without keras, so that a classifier's answers can be drawn where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from facetracker.core.files import written_beside

TRACKER = (
    ("total_loss", "Total loss"),
    ("class_loss", "Class loss"),
    ("regress_loss", "Regress loss"),
    ("mean_iou", "Mean IoU"),
)
PANEL = (5.0, 5.0)  # inches


def draw_curves(
    path: str | Path,
    history: Sequence[dict[str, float]],
    panels: Sequence[tuple[str, str]] = TRACKER,
    size: tuple[float, float] = PANEL,
) -> None:
    """A panel `(name, title)` for each of a run's numbers over the epochs, train and val, as one PNG."""
    figure, axes = new_figure(len(panels), size[0] * len(panels), size[1])
    epochs = [row["epoch"] for row in history]
    for axis, (name, title) in zip(axes, panels, strict=True):
        for key, colour, label in ((name, "teal", "train"), (f"val_{name}", "orange", "val")):
            values = [row.get(key, np.nan) for row in history]
            if not np.isnan(values).all():
                axis.plot(epochs, values, color=colour, label=label, marker="." if len(epochs) < 3 else None)
        axis.set_title(title)
        axis.set_xlabel("epoch")
        axis.grid(alpha=0.3)
        if axis.lines:
            axis.legend()
    save_figure(figure, path)


def new_figure(columns: int, width: float, height: float):
    """A figure of so many inches and its axes, side by side."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")  # not pyplot: it would look for a screen
    return figure, np.atleast_1d(figure.subplots(ncols=columns))


def save_figure(figure, path: str | Path) -> None:
    """Write the figure as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with written_beside(path) as part:
        FigureCanvasAgg(figure).print_png(part)
