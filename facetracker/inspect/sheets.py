"""The PNGs of `inspect`: filters before and after, activations layer by layer, where the network looks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.capture.preview import write
from facetracker.inspect.gradcam import Look
from facetracker.inspect.record import Step
from facetracker.pictures import Picture, write_png

BLACK = (30, 30, 30)
MOST_FILTERS, CHANNELS, LAYERS = 64, 10, 18
FILTER, TILE, LOOK = 42, 84, 320  # pixels


def write_filters(path: str | Path, name: str, before: NDArray | None, after: NDArray) -> Path:
    """The first layer's filters `(h, w, C, F)`: left as training began (if known), right as they are now."""
    blocks = [("before training", before), ("now", after)] if before is not None else [("now", after)]
    pages = [_filters(kernel, f"{name}, {title}") for title, kernel in blocks if kernel is not None]
    gap = np.full((pages[0].shape[0], 24, 3), 255, np.uint8)
    page = pages[0] if len(pages) == 1 else np.concatenate([pages[0], gap, pages[1]], axis=1)
    return write_png(path, np.pad(page, ((8, 8), (8, 8), (0, 0)), constant_values=255))


def _filters(kernel: NDArray, title: str) -> Picture:
    channels, count = kernel.shape[2:]
    count = min(count, MOST_FILTERS)
    columns = max(4, int(np.ceil(np.sqrt(count))))
    rows = -(-count // columns)
    page = np.full((rows * (FILTER + 4) + 26, max(columns * (FILTER + 4), 220), 3), 255, np.uint8)
    write(page, title, 2, 16, 14, BLACK)
    for number in range(count):
        weights = kernel[..., number].astype(np.float64)
        # Grey is zero, and every filter uses the whole range: it is the pattern that is looked at.
        weights = 0.5 + 0.5 * weights / max(np.abs(weights).max(), 1e-9)
        shown = weights[..., :3] if channels >= 3 else weights[..., :1].repeat(3, axis=2)
        tile = (shown[..., ::-1] * 255).round().astype(np.uint8)
        top, left = 26 + number // columns * (FILTER + 4), number % columns * (FILTER + 4)
        page[top : top + FILTER, left : left + FILTER] = cv2.resize(
            tile, (FILTER, FILTER), interpolation=cv2.INTER_NEAREST
        )
    return page


def write_activations(path: str | Path, picture: Picture, steps: Sequence[Step]) -> Path:
    """What the layers made of a picture `(H, W, 3)` BGR, a row each: the liveliest channels, the strongest first."""
    seen = [step for step in steps if step.visible and min(step.shape[:2]) > 1]
    chosen = [seen[int(i)] for i in np.unique(np.linspace(0, len(seen) - 1, min(LAYERS, len(seen))).round())]
    tall = TILE + 22
    page = np.full((tall * len(chosen) + TILE + 26, CHANNELS * (TILE + 4) + 8, 3), 255, np.uint8)
    write(page, "the picture", 4, 16, 13, BLACK)
    page[22 : 22 + TILE, 4 : 4 + TILE] = cv2.resize(picture, (TILE, TILE), interpolation=cv2.INTER_AREA)
    for row, step in enumerate(chosen):
        top = TILE + 26 + row * tall
        values = np.asarray(step.output)[0].astype(np.float64)
        size = "x".join(str(side) for side in step.shape)
        write(page, f"{step.name}  {step.kind}  {size}", 4, top + 15, 13, BLACK)
        order = np.argsort(-values.std(axis=(0, 1)), kind="stable")[:CHANNELS]
        for place, channel in enumerate(order):
            one = values[..., channel]
            one = (one - one.min()) / max(one.max() - one.min(), 1e-9)
            tile = cv2.applyColorMap((one * 255).astype(np.uint8), cv2.COLORMAP_VIRIDIS)
            left = 4 + place * (TILE + 4)
            page[top + 20 : top + 20 + TILE, left : left + TILE] = cv2.resize(
                tile, (TILE, TILE), interpolation=cv2.INTER_NEAREST
            )
    return write_png(path, page)


def write_looks(path: str | Path, picture: Picture, looks: Sequence[Look]) -> Path:
    """The picture `(S, S, 3)` BGR, and beside it where each answer comes from."""
    page = np.full((LOOK + 30, (len(looks) + 1) * (LOOK + 8) + 8, 3), 255, np.uint8)
    plain = cv2.resize(picture, (LOOK, LOOK), interpolation=cv2.INTER_LINEAR)
    for place, (title, look) in enumerate([("the picture", None), *((one.title, one) for one in looks)]):
        shown = plain.copy()
        if look is not None:
            heat = cv2.resize(look.heat, (LOOK, LOOK), interpolation=cv2.INTER_CUBIC).clip(0, 1)
            colours = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
            share = (0.25 + 0.5 * heat)[..., None]
            shown = (plain * (1 - share) + colours * share).astype(np.uint8)
            if look.box is not None:
                left, top, right, bottom = (round(float(edge) * LOOK) for edge in look.box)
                cv2.rectangle(shown, (left, top), (right, bottom), (255, 220, 60), 2, cv2.LINE_AA)
        left = 8 + place * (LOOK + 8)
        page[26 : 26 + LOOK, left : left + LOOK] = shown
        write(page, title, left, 18, 15, BLACK)
    return write_png(path, page)
