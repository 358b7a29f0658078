"""Any frame of a film, in any order: for a page that shows it, and for what is carried through it.

Frames that follow each other are read on; for others the film is wound to the nearest place from which it can be read.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import cv2

from facetracker.core.errors import BadFile
from facetracker.core.photo import Picture, encode_jpeg
from facetracker.inference.films.film import FilmFrame, FilmReader

READ_ON = 48  # frames ahead up to which reading on is quicker than winding
JPEG_BYTES = 48_000_000  # of the frames kept for the page
GREYS = 320  # small grey frames kept for carrying
SHOWN, CARRIED = 1280, 640  # pixels of the longer side


class FilmFrames:
    """The frames of a film by number; `stamps` are those of its first pass. Safe to use from several threads."""

    def __init__(self, path: Path, stamps: Sequence[int], fps: float, quality: int = 85):
        self.path, self.fps, self.quality = path, fps, quality
        self._stamps = stamps
        self._numbers = {stamp: number for number, stamp in enumerate(stamps)}
        self._lock = threading.RLock()
        self._reader = FilmReader(path)
        self._frames: Iterator[FilmFrame] = self._reader.frames()
        self._next = 0  # the number of the frame that is read next
        self._jpegs: OrderedDict[int, bytes] = OrderedDict()
        self._held = 0
        self._greys: OrderedDict[int, Picture] = OrderedDict()
        self._carried_scale = 1.0

    @property
    def scale(self) -> float:
        """Pixels of the grey frames to one of the film."""
        if self._carried_scale == 1.0 and not self._greys:
            self.grey(0)
        return self._carried_scale

    def picture(self, number: int, side: int = 1 << 14) -> Picture:
        """Frame `number`, BGR, upright, its longer side at most `side` pixels."""
        with self._lock:
            return self._reader.small(self._frame(number), side)

    def jpeg(self, number: int) -> bytes:
        """Frame `number` as a JPEG for the page."""
        with self._lock:
            if number in self._jpegs:
                self._jpegs.move_to_end(number)
                return self._jpegs[number]
            data = encode_jpeg(self.picture(number, SHOWN), self.quality)
            self._jpegs[number] = data
            self._held += len(data)
            while self._held > JPEG_BYTES and len(self._jpegs) > 1:
                self._held -= len(self._jpegs.popitem(last=False)[1])
            return data

    def grey(self, number: int) -> Picture:
        """Frame `number`, grey, small."""
        with self._lock:
            if number not in self._greys:
                frame = self._frame(number)
                picture = self._reader.small(frame, CARRIED)
                self._carried_scale = picture.shape[1] / self._reader.size[0]
                self._greys[number] = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
                while len(self._greys) > GREYS:
                    self._greys.popitem(last=False)
            return self._greys[number]

    def ahead(self, first: int, last: int) -> None:
        """Read these frames in order, once, for `grey` in any order."""
        with self._lock:
            last = min(last, first + GREYS - 1)
            for number in range(first, last + 1):
                self.grey(number)

    def close(self) -> None:
        """Close the film."""
        with self._lock:
            self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _frame(self, number: int) -> FilmFrame:
        if not 0 <= number < len(self._stamps):
            raise BadFile(f"has no frame {number}", path=self.path)
        if not self._next <= number <= self._next + READ_ON:
            self._wind(number)
        for again in (True, False):
            with suppress(BadFile):  # nothing follows the place to which it was wound
                for frame in self._frames:
                    at = self._numbers.get(frame.stamp, -1)
                    self._next = at + 1
                    if at == number:
                        return frame
                    if at > number:
                        break
            if again:  # the film's index was wrong, or its frames have no stamps: from the beginning
                self._open()
        raise BadFile(f"frame {number} cannot be read", path=self.path)

    def _wind(self, number: int) -> None:
        stream = self._reader.stream
        try:
            self._reader.container.seek(self._stamps[number], stream=stream, backward=True)
        except OSError:
            self._open()
            return
        self._frames = self._reader.frames()
        self._next = 0

    def _open(self) -> None:
        self._reader.close()
        self._reader = FilmReader(self.path)
        self._frames, self._next = self._reader.frames(), 0
