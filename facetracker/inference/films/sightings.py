"""The first pass over a film: in each frame everything that may be a face, and where a shot ends and another begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.core import console
from facetracker.core.boxes import suppress, to_pixels
from facetracker.core.photo import Picture
from facetracker.inference.detector import Detector
from facetracker.inference.films.film import FilmFrame, FilmReader

EVIDENCE = 0.1  # score from which a box may carry on a face that is seen better before or after
SAME = 0.4  # overlap from which two boxes of one frame are the same face
CLOSER = 2  # how much larger than usual the second look at a frame is at least: for the small faces of a crowd
LARGEST = 1280  # pixels of the longer side, at most
THUMBNAIL = 32, 18  # pixels: what two frames are compared by
CUT = 18.0  # grey levels by which the thumbnails of two shots differ at least
SUDDEN = 2.0  # and how many times as much as the frames around do,
AROUND = 3  # so many before and after


@dataclass
class Sightings:
    """What the first pass saw: of each frame its stamp, its time (seconds), boxes `(N, 4)` in pixels, scores `(N,)`.

    `changes` is by how many grey levels the thumbnail of each frame differs from the one before.
    """

    width: int
    height: int
    stamps: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    boxes: list[NDArray[np.float32]] = field(default_factory=list)
    scores: list[NDArray[np.float32]] = field(default_factory=list)
    changes: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.times)

    @property
    def cuts(self) -> list[int]:
        """The frames with which a shot begins: they differ from the one before, and none of their neighbours does so.

        A camera that shakes changes its picture all the time, a flash changes it twice.
        """
        changes = np.array(self.changes)
        around = np.pad(changes, AROUND)
        others = np.max(
            [np.roll(around, shift)[AROUND:-AROUND] for shift in range(-AROUND, AROUND + 1) if shift], axis=0
        )
        return [0, *np.flatnonzero((changes > CUT) & (changes > SUDDEN * others)).tolist()]

    @property
    def shots(self) -> list[tuple[int, int]]:
        """First frame and one past the last of each shot."""
        return list(pairwise([*self.cuts, len(self)]))

    def times_of(self, frames: Sequence[int]) -> NDArray[np.float64]:
        """When these frames are shown `(N,)`, seconds."""
        return np.array([self.times[frame] for frame in frames])

    @cached_property
    def step(self) -> float:
        """Seconds from one frame to the next, as a rule; asked for once the film has been seen to its end."""
        return float(np.median(np.diff(self.times))) if len(self) > 1 else 1 / 30


class Looks:
    """Looks at a picture at more than one size: as usual for the faces close by, larger for those far off.

    A large look costs as much as it has pixels. In a film one twice as large as usual is taken in every second frame,
    one four times as large in every fourth; what it finds is carried from one to the next.
    """

    def __init__(self, model: Any, side: int, threads: int | None = None):
        """`side` is the pictures' longer side, pixels: no look is larger."""
        first = Detector.load(model, threads=threads)
        self.threshold, self.usual = first.threshold, first.image_size
        self.detectors = [first]
        if first.engine.fixed_size is None and first.card.head != "single":
            sizes = {self.usual * CLOSER, max(self.usual * CLOSER, min(side, LARGEST))}
            self.detectors += [Detector.load(model, threads=threads, image_size=size) for size in sorted(sizes)]
        self.large = self.detectors[-1].image_size
        self.every = max(1, round(self.large / self.usual))

    def in_photo(self, picture: Picture, least: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Boxes `(N, 4)` normalised and scores `(N,)`, from `least` on, of all looks that are not larger than it."""
        side = max(self.usual * CLOSER, *picture.shape[:2])
        return _joined([one.detect(picture, least) for one in self.detectors if one.image_size <= side])

    def side_for(self, number: int) -> int:
        """The longer side, pixels, at which a film's frame of this number is needed."""
        return self.large if number % self.every == 0 else self.detectors[0].image_size

    def in_film(self, picture: Picture, number: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The same for the frame of this number of a film: the usual look, and the largest when it is its turn."""
        looks = [self.detectors[0], *self.detectors[1:][-1:]] if number % self.every == 0 else self.detectors[:1]
        return _joined([one.detect(picture, EVIDENCE) for one in looks])


def _joined(found: Sequence[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The boxes of several looks at one picture, each face once."""
    boxes = np.concatenate([one.boxes for one in found])
    scores = np.concatenate([one.scores for one in found])
    kept = suppress(boxes, scores, SAME)
    return boxes[kept], scores[kept]


def look_through(film: FilmReader, looks: Looks, heard: Callable[[], None] | None = None) -> Sightings:
    """Every frame of the film looked at once; `heard` is called after each."""
    seen: Sightings | None = None
    last: Picture | None = None
    with console.progress(f"{film.path.name}, looking", film.count, "frames") as meter:
        for frame, picture in _read_ahead(film, looks):
            seen = seen or Sightings(*film.size)
            boxes, scores = looks.in_film(picture, frame.number)
            thumbnail = cv2.resize(picture, THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32)
            seen.changes.append(0.0 if last is None else float(np.abs(thumbnail - last).mean()))
            seen.stamps.append(frame.stamp)
            seen.times.append(frame.time)
            seen.boxes.append(to_pixels(boxes, seen.width, seen.height))
            seen.scores.append(scores)
            last = thumbnail
            meter.advance()
            if heard is not None:
                heard()
    assert seen is not None  # a film without a frame was refused
    return seen


def _read_ahead(film: FilmReader, looks: Looks) -> Iterator[tuple[FilmFrame, Picture]]:
    """The frames and their pictures; the next one is unpacked while somebody looks at this one."""
    frames = film.frames()

    def read() -> tuple[FilmFrame, Picture] | None:
        frame = next(frames, None)
        return None if frame is None else (frame, film.small(frame, looks.side_for(frame.number)))

    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(read)
        while (read_one := coming.result()) is not None:
            coming = reader.submit(read)
            yield read_one
