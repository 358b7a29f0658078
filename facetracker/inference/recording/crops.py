"""Faces cut out of what is seen, into a folder on this machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facetracker.core.boxes import areas
from facetracker.core.files import refuse_to_overwrite
from facetracker.core.photo import write_jpeg
from facetracker.inference.tracking.watch import Seen

MARGIN = 0.15  # of the box on each side: hair and chin belong to a face


def widened(boxes: np.ndarray, share: float, width: int, height: int) -> np.ndarray:
    """Pixel boxes `(N, 4)` grown by a share of their size on each side, inside the picture."""
    grown = np.array(boxes, np.float64)
    reach = (grown[:, 2:] - grown[:, :2]) * share
    grown[:, :2] -= reach
    grown[:, 2:] += reach
    return np.clip(grown, 0, [width, height, width, height])


class CropFolder:
    """Saves each face as a picture of its own: of a film one a second and face, of photos every face."""

    EVERY = 1.0  # seconds

    def __init__(self, folder: str | Path, name: str = "frame", *, force: bool = False):
        self.folder, self.name, self.force = Path(folder), name, force
        self.count = 0
        self._last: dict[int, float] = {}

    def take(self, seen: Seen) -> None:
        """Save the crops that are due."""
        picture, faces = seen.frame.picture, seen.faces
        boxes = widened(faces.pixels, MARGIN, picture.shape[1], picture.shape[0]).round().astype(int)
        stem = seen.frame.path.stem if seen.frame.path else f"{self.name}-{seen.frame.index:06d}"
        for row in np.flatnonzero(areas(boxes) > 0):
            number = int(row) if faces.ids is None else int(faces.ids[row])
            if faces.ids is not None:
                if (faces.coasting is not None and faces.coasting[row]) or seen.frame.time - self._last.get(
                    number, -np.inf
                ) < self.EVERY:
                    continue
                self._last[number] = seen.frame.time
            x1, y1, x2, y2 = boxes[row]
            path = self.folder / f"{stem}-{'face' if faces.ids is None else 'id'}{number}.jpg"
            refuse_to_overwrite(path, self.force)
            write_jpeg(path, picture[y1:y2, x1:x2])
            self.count += 1
        if len(self._last) > 1000:  # ids never come back: keep the newest
            self._last = dict(sorted(self._last.items())[-500:])
