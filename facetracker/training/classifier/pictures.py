"""The pictures of a classifier's run: curves, the confusion matrix, and a sheet of faces with what was said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.core.crop import fit_square
from facetracker.core.lettering import text_width, write
from facetracker.core.photo import Picture, write_png
from facetracker.training import curves
from facetracker.training.curves import new_figure, save_figure

GREEN, RED, GREY = (60, 150, 30), (40, 40, 210), (110, 110, 110)  # BGR
CELL, CAPTION = 128, 26  # pixels


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


@dataclass(frozen=True)
class Answer:
    """One picture `(H, W, 3)` BGR on the sheet, its caption, and whether it is right (None: nobody knows)."""

    picture: Picture
    caption: str
    right: bool | None
    colour: tuple[int, int, int] | None = None


def answer_sheet(answers: Sequence[Answer], columns: int = 6) -> Picture:
    """Faces in rows, the caption above each: green when it is right, red when it is wrong, as in the notes."""
    columns = max(1, min(columns, len(answers)))
    rows = -(-max(1, len(answers)) // columns)
    wide, high = CELL + 8, CELL + CAPTION + 6
    page = np.full((rows * high + 6, columns * wide + 8, 3), 255, np.uint8)
    for number, answer in enumerate(answers):
        top, left = number // columns * high + 6, number % columns * wide + 8
        page[top + CAPTION : top + CAPTION + CELL, left : left + CELL] = fit_square(answer.picture, CELL)
        colour = answer.colour or {True: GREEN, False: RED, None: GREY}[answer.right]
        size = 14
        while size > 8 and text_width(answer.caption, size) > CELL:
            size -= 1
        write(page, answer.caption, left, top + CAPTION - 7, size, colour)
        if answer.right is False:
            cv2.rectangle(page, (left, top + CAPTION), (left + CELL - 1, top + CAPTION + CELL - 1), RED, 3)
    return page


def write_sheet(path: str | Path, answers: Sequence[Answer], columns: int = 6) -> Path:
    """The sheet as a PNG."""
    return write_png(path, answer_sheet(answers, columns))
