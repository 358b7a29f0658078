"""The pictures of `inspect`: filters before and after, activations layer by layer, where the network looks.

Each comes alone, for the report, and on a sheet with its titles, as a PNG.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.core.photo import Picture, write_png
from facetracker.core.sheet import Tile, beside, headed, sheet, stacked
from facetracker.reports.inspect.gradcam import Look
from facetracker.reports.inspect.record import Step

MOST_FILTERS, CHANNELS, LAYERS = 64, 10, 18
FILTER, TILE, LOOK, GAP, EDGE = 42, 84, 320, 4, 8  # pixels


def filter_grid(kernel: NDArray, clear: bool = False) -> Picture:
    """The filters of a kernel `(h, w, C, F)` side by side; of many the first `MOST_FILTERS`.

    BGR on white, or `clear`: BGRA, for a page that is dark at times.
    """
    tiles = []
    for number in range(min(kernel.shape[3], MOST_FILTERS)):
        weights = kernel[..., number].astype(np.float64)
        # Grey is zero, and every filter uses the whole range: it is the pattern that is looked at.
        weights = 0.5 + 0.5 * weights / max(np.abs(weights).max(), 1e-9)
        shown = weights[..., :3] if kernel.shape[2] >= 3 else weights[..., :1].repeat(3, axis=2)
        tile = (shown[..., ::-1] * 255).round().astype(np.uint8)
        tiles.append(Tile(cv2.resize(tile, (FILTER, FILTER), interpolation=cv2.INTER_NEAREST)))
    columns = max(4, int(np.ceil(np.sqrt(len(tiles)))))
    return sheet(tiles, columns, FILTER, gap=GAP, edge=0 if clear else EDGE, clear=clear)


def write_filters(path: str | Path, name: str, before: NDArray | None, after: NDArray) -> Path:
    """The first layer's filters `(h, w, C, F)`: left as training began (if known), right as they are now."""
    blocks = [("before training", before), ("now", after)] if before is not None else [("now", after)]
    pages = [headed(filter_grid(kernel), f"{name}, {title}") for title, kernel in blocks if kernel is not None]
    return write_png(path, beside(pages))


def steps_shown(steps: Sequence[Step]) -> list[Step]:
    """Those whose maps are shown: at most `LAYERS` of those worth a look, spread evenly from first to last."""
    seen = [step for step in steps if step.visible and min(step.shape[:2]) > 1]
    return [seen[int(i)] for i in np.unique(np.linspace(0, len(seen) - 1, min(LAYERS, len(seen))).round())]


def channel_row(step: Step, clear: bool = False) -> Picture:
    """The liveliest channels of what a layer `(1, h, w, C)` put out, the strongest first; `clear` as in filters."""
    values = np.asarray(step.output)[0].astype(np.float64)
    tiles = []
    for channel in np.argsort(-values.std(axis=(0, 1)), kind="stable")[:CHANNELS]:
        one = values[..., channel]
        one = (one - one.min()) / max(one.max() - one.min(), 1e-9)
        tile = cv2.applyColorMap((one * 255).astype(np.uint8), cv2.COLORMAP_VIRIDIS)
        tiles.append(Tile(cv2.resize(tile, (TILE, TILE), interpolation=cv2.INTER_NEAREST)))
    return sheet(tiles, CHANNELS, TILE, gap=GAP, edge=0 if clear else EDGE, clear=clear)


def write_activations(path: str | Path, picture: Picture, steps: Sequence[Step]) -> Path:
    """What the layers made of a picture `(H, W, 3)` BGR, a row each: the liveliest channels, the strongest first."""
    rows = [headed(sheet([Tile(picture)], 1, TILE, edge=EDGE), "the picture")]
    for step in steps_shown(steps):
        size = "x".join(str(side) for side in step.shape)
        rows.append(headed(channel_row(step), f"{step.name}  {step.kind}  {size}"))
    return write_png(path, stacked(rows))


def overlay(picture: Picture, look: Look | None = None) -> Picture:
    """The picture `(S, S, 3)` BGR at `LOOK` pixels, under the map of an answer and with its box."""
    plain = cv2.resize(picture, (LOOK, LOOK), interpolation=cv2.INTER_LINEAR)
    if look is None:
        return plain
    heat = cv2.resize(look.heat, (LOOK, LOOK), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    colours = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    share = (0.25 + 0.5 * heat)[..., None]
    shown = (plain * (1 - share) + colours * share).astype(np.uint8)
    if look.box is not None:
        left, top, right, bottom = (round(float(edge) * LOOK) for edge in look.box)
        cv2.rectangle(shown, (left, top), (right, bottom), (255, 220, 60), 2, cv2.LINE_AA)
    return shown


def write_looks(path: str | Path, picture: Picture, looks: Sequence[Look]) -> Path:
    """The picture `(S, S, 3)` BGR, and beside it where each answer comes from."""
    tiles = [Tile(overlay(picture), "the picture"), *(Tile(overlay(picture, look), look.title) for look in looks)]
    return write_png(path, sheet(tiles, len(tiles), LOOK))
