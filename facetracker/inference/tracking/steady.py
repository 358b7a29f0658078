"""Steady boxes: a One-Euro filter for each face.

A detector's box trembles by a percent or two of the face even when nothing moves. A plain low-pass filter calms it
and lags behind a face that moves; the One-Euro filter (Casiez, Roussel, Vogel, CHI 2012) opens with speed: calm
when the face is still, quick when it moves. Speeds are taken relative to the face's own size, so that one setting
serves a face that fills the frame and one at the back of the room.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]


@dataclass(frozen=True)
class SteadySettings:
    """How calm and how quick. A speed of 1 is a face width (root of its area) a second."""

    cutoff: float = 0.25  # Hz, for a still face: the lower, the calmer
    opening: float = 6.0  # Hz for each unit of speed: the higher, the less lag
    rate_cutoff: float = 0.7  # Hz, for the speed itself
    tremble: float = 0.2  # speeds up to here are the detector's trembling, not the face


class Steady:
    """Filters boxes `(N, 4)` by id; a face not seen for `forget` seconds starts afresh."""

    def __init__(self, settings: SteadySettings | None = None, forget: float = 0.5):
        self.settings = settings or SteadySettings()
        self.forget = forget
        self._ids: Ids = np.zeros(0, np.int64)
        self._values: Floats = np.zeros((0, 4))  # centre x, y, width, height
        self._rates: Floats = np.zeros((0, 4))  # how they change a second
        self._times: Floats = np.zeros(0)

    def update(self, boxes: ArrayLike, ids: ArrayLike, time: float) -> Floats:
        """The steadied boxes `(N, 4)` of the faces `ids` `(N,)` measured at `time` (seconds), in the units given."""
        ids = np.asarray(ids, np.int64)
        values, rates = _as_centres(boxes), np.zeros((len(ids), 4))
        self._keep((time > self._times) & (time - self._times <= self.forget))
        _, now, before = np.intersect1d(ids, self._ids, assume_unique=True, return_indices=True)
        values[now], rates[now] = self._filter(values[now], before, time)
        self._keep(~(self._ids[:, None] == ids[None, :]).any(axis=1))
        self._ids = np.concatenate([self._ids, ids])
        self._values = np.concatenate([self._values, values])
        self._rates = np.concatenate([self._rates, rates])
        self._times = np.concatenate([self._times, np.full(len(ids), time)])
        return _as_corners(values)

    def predict(self, ids: ArrayLike, time: float) -> Floats:
        """Where the known faces `ids` `(N,)` will be at `time`, if they keep their speed: boxes `(N, 4)`."""
        order = np.argsort(self._ids)
        rows = order[np.searchsorted(self._ids, np.asarray(ids, np.int64), sorter=order)]
        ahead = np.clip(time - self._times[rows], 0.0, self.forget)[:, None]
        moved = self._values[rows] + self._rates[rows] * ahead * [1.0, 1.0, 0.0, 0.0]
        return _as_corners(moved)

    def _keep(self, rows: NDArray[np.bool_]) -> None:
        self._ids, self._values = self._ids[rows], self._values[rows]
        self._rates, self._times = self._rates[rows], self._times[rows]

    def _filter(self, values: Floats, rows: NDArray[np.int64], time: float) -> tuple[Floats, Floats]:
        chosen, passed = self.settings, (time - self._times[rows])[:, None]
        old = self._values[rows]
        share = _share(chosen.rate_cutoff, passed)
        rates = self._rates[rows] + share * ((values - old) / passed - self._rates[rows])
        face = np.sqrt(np.maximum(old[:, 2:3] * old[:, 3:4], 1e-12))
        moving = np.linalg.norm(rates[:, :2], axis=1, keepdims=True) / face
        growing = np.abs(rates[:, 2:]) / face
        speeds = np.concatenate([moving, moving, growing], axis=1)
        cutoffs = chosen.cutoff + chosen.opening * np.maximum(speeds - chosen.tremble, 0.0)
        return old + _share(cutoffs, passed) * (values - old), rates


def _share(cutoff: ArrayLike, passed: Floats) -> Floats:
    """The share of the new value that a first-order low-pass filter takes after `passed` seconds."""
    return 1.0 / (1.0 + 1.0 / (2.0 * np.pi * np.asarray(cutoff) * passed))


def _as_centres(boxes: ArrayLike) -> Floats:
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)


def _as_corners(values: Floats) -> Floats:
    return np.concatenate([values[:, :2] - values[:, 2:] / 2, values[:, :2] + values[:, 2:] / 2], axis=1)
