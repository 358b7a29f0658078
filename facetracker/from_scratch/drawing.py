"""Curves and filters as pictures. matplotlib is loaded when something is drawn, and not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facetracker.from_scratch.trainer import History, Pictures

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_curves(history: History) -> Figure:
    """The loss on the left, both accuracies on the right, one point an epoch. `.savefig(path)` keeps it."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    figure = Figure(figsize=(10, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = np.arange(1, len(history.loss) + 1)
    left.plot(epochs, history.loss, marker="o", color="tab:red")
    left.set(title="Loss while training", xlabel="epoch", ylim=(0, None))
    right.plot(epochs, history.train_accuracy, marker="o", label="training pictures")
    right.plot(epochs, history.test_accuracy, marker="s", label="test pictures")
    right.set(title="Accuracy", xlabel="epoch", ylim=(min(0.9, *history.test_accuracy) - 0.05, 1.005))
    right.yaxis.set_major_formatter(PercentFormatter(1.0))
    right.legend(loc="lower right")
    for axes in (left, right):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
    return figure


def draw_filters(filters: dict[str, np.ndarray], columns: int = 10) -> Figure:
    """Filters (F, C, height, width) as small pictures, one row of pictures after another under each title.

    Filters over three channels are drawn in colour, others as the mean over their channels in grey. In grey the middle
    is zero, white positive and black negative, and each filter has its own scale: what counts is the pattern.
    """
    from matplotlib.figure import Figure

    rows = {title: -(-len(array) // columns) for title, array in filters.items()}
    figure = Figure(figsize=(columns * 0.75, sum(rows.values()) * 0.75 + 0.5 * len(rows)), layout="constrained")
    parts = figure.subfigures(len(filters), 1, height_ratios=[n + 0.4 for n in rows.values()], squeeze=False)
    for part, (title, array) in zip(parts.ravel(), filters.items(), strict=True):
        part.suptitle(title)
        axes = part.subplots(rows[title], columns, squeeze=False).ravel()
        for place in axes:
            place.set_axis_off()
        for place, single in zip(axes, array, strict=False):
            place.imshow(_as_picture(single), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    return figure


def draw_digits(test: Pictures, probabilities: np.ndarray, count: int = 20) -> Figure:
    """Test pictures (N, 1, H, W) with what was said of them (N, K): green where right, red where wrong, and how sure.

    The wrong ones come first, the surest of them before all.
    """
    from matplotlib.figure import Figure

    pictures, classes = test
    said = probabilities.argmax(axis=1)
    order = np.lexsort((-probabilities.max(axis=1), said == classes))[:count]
    figure = Figure(figsize=(10, 1.3 * -(-len(order) // 10)), layout="constrained")
    for place, number in zip(figure.subplots(-(-len(order) // 10), 10, squeeze=False).ravel(), order, strict=False):
        place.imshow(pictures[number, 0], cmap="gray_r")
        colour = "green" if said[number] == classes[number] else "red"
        place.set_title(f"{said[number]}  {probabilities[number].max():.2f}", fontsize=9, color=colour)
    for place in figure.axes:
        place.set_axis_off()
    return figure


def _as_picture(single: np.ndarray) -> np.ndarray:
    """One filter (C, height, width) as (height, width, 3) or (height, width) between 0 and 1; zero becomes 0.5."""
    picture = single.transpose(1, 2, 0) if len(single) == 3 else single.mean(axis=0)
    largest = np.abs(picture).max()
    return picture / (2 * largest) + 0.5 if largest > 0 else np.full_like(picture, 0.5)
