"""Which frames of a film are worth a label: those that differ in place, size, light and pose, and are not doubtful.

A film of thirty seconds has nine hundred frames, and most of them are nearly the frame before.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.core.photo import Picture
from facetracker.labels.film.session import FilmSession
from facetracker.labels.film.tracks import PixelCorners

LOOKED_AT = 240  # frames that are compared, at most
WITHOUT = 0.1  # share of the chosen frames that show no face, where there are such
LOOK = 8  # pixels to a side: what is compared of a face
# How much each counts, in shares of the picture, doublings of the size, the whole range of brightness, and looks.
PLACE, SIZE, LIGHT, POSE = 1.0, 0.5, 1.0, 0.6


def choose_frames(session: FilmSession, count: int) -> list[int]:
    """At most `count` frames, in order of time. A person's keyframes come first, frames in doubt only where all are."""
    labels = session.labels
    doubtful: set[int] = set()
    for doubt in labels.doubts:
        doubtful.update(range(doubt.first, doubt.last + 1))
    every = [frame for frame in range(len(session.seen)) if frame not in doubtful] or list(range(len(session.seen)))
    there = [bool(labels.faces(frame)) for frame in every]
    shown = [frame for frame, face in zip(every, there, strict=True) if face]
    empty = [frame for frame, face in zip(every, there, strict=True) if not face]
    without = min(len(empty), round(count * WITHOUT)) if shown else min(len(empty), count)
    keys = {frame for track in labels.tracks.values() for frame, _ in track.keys} & set(shown)
    candidates = sorted({*_spread(shown, LOOKED_AT), *keys})
    looks = np.array([_look_of(session, frame) for frame in candidates]).reshape(len(candidates), -1)
    first = [candidates.index(frame) for frame in sorted(keys)][:count]
    chosen = [candidates[row] for row in _farthest(looks, count - without, first)]
    return sorted({*chosen, *_spread(empty, without)})


def _spread(frames: Sequence[int], count: int) -> list[int]:
    """At most `count` of the frames, evenly."""
    if not frames or count <= 0:
        return []
    rows = np.unique(np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int))
    return [frames[row] for row in rows]


def _farthest(looks: NDArray, count: int, first: Sequence[int]) -> list[int]:
    """Rows, each as far as can be from all that were taken before it."""
    chosen = list(first)[:count]
    if not len(looks) or count <= 0:
        return chosen
    if not chosen:
        chosen = [int(np.linalg.norm(looks - looks.mean(axis=0), axis=1).argmin())]
    nearest = np.min([np.linalg.norm(looks - looks[row], axis=1) for row in chosen], axis=0)
    while len(chosen) < min(count, len(looks)):
        row = int(nearest.argmax())
        if nearest[row] <= 0:
            break
        chosen.append(row)
        nearest = np.minimum(nearest, np.linalg.norm(looks - looks[row], axis=1))
    return chosen


def _look_of(session: FilmSession, frame: int) -> NDArray[np.float64]:
    """What tells a frame from others, by its largest face."""
    grey = session.frames.grey(frame)
    boxes = list(session.labels.faces(frame).values())
    box = max(boxes, key=lambda one: (one[2] - one[0]) * (one[3] - one[1]))
    width, height = session.seen.width, session.seen.height
    size = max((box[2] - box[0]) * (box[3] - box[1]), 1.0) / (width * height)
    look = _face(grey, box, session.frames.scale)
    place = [PLACE * (box[0] + box[2]) / 2 / width, PLACE * (box[1] + box[3]) / 2 / height]
    light = [LIGHT * look.mean() / 255, LIGHT * float(grey.mean()) / 255]
    pose = look - look.mean()
    pose = POSE * pose.ravel() / max(float(np.linalg.norm(pose)), 1e-6)
    return np.array([*place, SIZE * np.log2(size) / 2, 0.5 * len(boxes), *light, *pose])


def _face(grey: Picture, box: PixelCorners, scale: float) -> NDArray[np.float64]:
    left, top, right, bottom = (round(side * scale) for side in box)
    part = grey[top : max(top + 1, bottom), left : max(left + 1, right)]
    return cv2.resize(part, (LOOK, LOOK), interpolation=cv2.INTER_AREA).astype(np.float64)
