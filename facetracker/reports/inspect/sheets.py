"""The pictures of `inspect`: filters before and after, activations layer by layer, where the network looks.

Each comes alone, for the report, and on a sheet with its titles, as a PNG.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.core.lettering import write
from facetracker.core.photo import Picture, write_png
from facetracker.reports.inspect.gradcam import Look
from facetracker.reports.inspect.record import Step

BLACK = (30, 30, 30)
MOST_FILTERS, CHANNELS, LAYERS = 64, 10, 18
FILTER, TILE, LOOK, GAP = 42, 84, 320, 4  # pixels


def grid(tiles: Sequence[Picture], columns: int) -> Picture:
    """Square tiles `(s, s, 3)` BGR in rows of `columns`, as BGRA: what lies between them is transparent."""
    side = tiles[0].shape[0]
    stride, rows = side + GAP, -(-len(tiles) // columns)
    page = np.zeros((rows * stride - GAP, columns * stride - GAP, 4), np.uint8)
    for number, tile in enumerate(tiles):
        top, left = number // columns * stride, number % columns * stride
        page[top : top + side, left : left + side, :3] = tile
        page[top : top + side, left : left + side, 3] = 255
    return page


def filter_tiles(kernel: NDArray) -> Picture:
    """The filters of a kernel `(h, w, C, F)` as tiles, BGRA; of many the first `MOST_FILTERS`."""
    tiles = []
    for number in range(min(kernel.shape[3], MOST_FILTERS)):
        weights = kernel[..., number].astype(np.float64)
        # Grey is zero, and every filter uses the whole range: it is the pattern that is looked at.
        weights = 0.5 + 0.5 * weights / max(np.abs(weights).max(), 1e-9)
        shown = weights[..., :3] if kernel.shape[2] >= 3 else weights[..., :1].repeat(3, axis=2)
        tile = (shown[..., ::-1] * 255).round().astype(np.uint8)
        tiles.append(cv2.resize(tile, (FILTER, FILTER), interpolation=cv2.INTER_NEAREST))
    return grid(tiles, max(4, int(np.ceil(np.sqrt(len(tiles))))))


def write_filters(path: str | Path, name: str, before: NDArray | None, after: NDArray) -> Path:
    """The first layer's filters `(h, w, C, F)`: left as training began (if known), right as they are now."""
    blocks = [("before training", before), ("now", after)] if before is not None else [("now", after)]
    pages = [_titled(filter_tiles(kernel), f"{name}, {title}") for title, kernel in blocks if kernel is not None]
    space = np.full((pages[0].shape[0], 24, 3), 255, np.uint8)
    page = pages[0] if len(pages) == 1 else np.concatenate([pages[0], space, pages[1]], axis=1)
    return write_png(path, np.pad(page, ((8, 8), (8, 8), (0, 0)), constant_values=255))


def _titled(tiles: Picture, title: str) -> Picture:
    page = np.full((tiles.shape[0] + 26 + GAP, max(tiles.shape[1] + GAP, 220), 3), 255, np.uint8)
    write(page, title, 2, 16, 14, BLACK)
    _paste(page, tiles, 26, 0)
    return page


def _paste(page: Picture, tiles: Picture, top: int, left: int) -> None:
    place = page[top : top + tiles.shape[0], left : left + tiles.shape[1]]
    place[tiles[..., 3] > 0] = tiles[..., :3][tiles[..., 3] > 0]


def steps_shown(steps: Sequence[Step]) -> list[Step]:
    """Those whose maps are shown: at most `LAYERS` of those worth a look, spread evenly from first to last."""
    seen = [step for step in steps if step.visible and min(step.shape[:2]) > 1]
    return [seen[int(i)] for i in np.unique(np.linspace(0, len(seen) - 1, min(LAYERS, len(seen))).round())]


def channel_tiles(step: Step) -> Picture:
    """The liveliest channels of what a layer `(1, h, w, C)` put out, the strongest first, in one row, BGRA."""
    values = np.asarray(step.output)[0].astype(np.float64)
    tiles = []
    for channel in np.argsort(-values.std(axis=(0, 1)), kind="stable")[:CHANNELS]:
        one = values[..., channel]
        one = (one - one.min()) / max(one.max() - one.min(), 1e-9)
        tile = cv2.applyColorMap((one * 255).astype(np.uint8), cv2.COLORMAP_VIRIDIS)
        tiles.append(cv2.resize(tile, (TILE, TILE), interpolation=cv2.INTER_NEAREST))
    return grid(tiles, CHANNELS)


def write_activations(path: str | Path, picture: Picture, steps: Sequence[Step]) -> Path:
    """What the layers made of a picture `(H, W, 3)` BGR, a row each: the liveliest channels, the strongest first."""
    chosen = steps_shown(steps)
    tall = TILE + 22
    page = np.full((tall * len(chosen) + TILE + 26, CHANNELS * (TILE + GAP) + 8, 3), 255, np.uint8)
    write(page, "the picture", 4, 16, 13, BLACK)
    page[22 : 22 + TILE, 4 : 4 + TILE] = cv2.resize(picture, (TILE, TILE), interpolation=cv2.INTER_AREA)
    for row, step in enumerate(chosen):
        top = TILE + 26 + row * tall
        size = "x".join(str(side) for side in step.shape)
        write(page, f"{step.name}  {step.kind}  {size}", 4, top + 15, 13, BLACK)
        _paste(page, channel_tiles(step), top + 20, 4)
    return write_png(path, page)


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
    page = np.full((LOOK + 30, (len(looks) + 1) * (LOOK + 8) + 8, 3), 255, np.uint8)
    for place, (title, look) in enumerate([("the picture", None), *((one.title, one) for one in looks)]):
        left = 8 + place * (LOOK + 8)
        page[26 : 26 + LOOK, left : left + LOOK] = overlay(picture, look)
        write(page, title, left, 18, 15, BLACK)
    return write_png(path, page)
