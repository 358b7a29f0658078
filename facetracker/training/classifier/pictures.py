"""The pictures of a classifier's run: curves, the confusion matrix, and a sheet of faces with what was said of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facetracker.core.photo import Picture
from facetracker.core.sheet import Tile, sheet
from facetracker.training import curves
from facetracker.training.curves import new_figure, save_figure

RIGHT, WRONG = (60, 150, 30), (40, 40, 210)  # BGR, dark enough to be read on white
SIDE = 128  # of a face on the sheet, pixels


def draw_curves(path: str | Path, history: Sequence[dict[str, float]]) -> None:
    """Loss and accuracy over the epochs, train and val, as one PNG."""
    curves.draw_curves(path, history, panels=(("loss", "Loss"), ("accuracy", "Accuracy")), size=(6, 4.5))


def draw_confusion(path: str | Path, counts: NDArray[Any], classes: Sequence[str], title: str) -> None:
    """`counts[i][j]`: faces of class i that were called j, as a PNG; the shade is the share of the row."""
    counts = np.asarray(counts)
    kinds = [name.replace("_", " ") for name in classes]
    side = 2.4 + 1.1 * len(kinds)
    figure, axes = new_figure(1, side + 0.6, side)
    axis = axes[0]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i, j in np.ndindex(*counts.shape):
        dark = shares[i, j] > 0.55
        axis.text(
            j,
            i,
            f"{counts[i, j]}\n{shares[i, j]:.1%}",
            ha="center",
            va="center",
            color="white" if dark else "black",
            fontsize=11,
        )
    axis.set_xticks(range(len(kinds)), kinds)
    axis.set_yticks(range(len(kinds)), kinds)
    axis.set_xlabel("said")
    axis.set_ylabel("true")
    axis.set_title(title)
    save_figure(figure, path)


def answer_tile(picture: Picture, caption: str, right: bool) -> Tile:
    """A face `(H, W, 3)` BGR and what was said of it: green when it is right, red and framed when it is wrong."""
    return Tile(picture, caption, colour=RIGHT if right else WRONG, frame=None if right else WRONG)


def draw_answers(answers: Sequence[Tile], columns: int = 6) -> Picture:
    """The answers as one picture BGR, in rows."""
    return sheet(answers, columns, SIDE)
