"""Faces as the mask write-up finds them: OpenCV's Haar cascade on a quarter of the frame.

For comparison: the starter finds more faces and fewer that are none. OpenCV 5 has no cascades any more; where
`cv2.CascadeClassifier` is there (opencv-python 4), a `HaarDetector` stands where a `Detector` does.
"""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np

from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.faces import Faces
from facetracker.core.photo import Picture
from facetracker.inference.detector import Timer, as_bgr

HAAR = "haar"
CASCADE = "haarcascade_frontalface_default.xml"
FOLDER = Path(cv2.__file__).parent / "data"


class HaarDetector:
    """`detect(frame) -> Faces` with a cascade file (default: OpenCV's own for frontal faces).

    `shrink`: the frame is looked at that many times smaller, as in the write-up. A cascade says yes or no: every score
    is 1.
    """

    threshold = 0.5

    def __init__(self, cascade: str | Path | None = None, shrink: int = 4):
        if not hasattr(cv2, "CascadeClassifier"):
            raise FaceTrackerError(
                f"OpenCV {cv2.__version__} has no Haar cascades any more",
                fix='opencv-python 4 has: pip install "opencv-python<5". The starter needs none.',
            )
        path = FOLDER / CASCADE if cascade is None else Path(cascade)
        fault = BadFile("is no cascade of OpenCV", path=path, fix=f"opencv-python 4 brings {CASCADE}.")
        if not path.is_file():
            raise fault
        self.cascade = cv2.CascadeClassifier(str(path))
        if self.cascade.empty():
            raise fault
        self.shrink = shrink
        self.classes = ["face"]

    def detect(self, frame: Picture, threshold: float | None = None, timer: Timer | None = None) -> Faces:
        """The faces in a BGR frame, in the cascade's order."""
        began = time.perf_counter()
        frame = as_bgr(frame)
        height, width = frame.shape[:2]
        small = cv2.resize(frame, (max(1, width // self.shrink), max(1, height // self.shrink)))
        found = np.asarray(self.cascade.detectMultiScale(small), np.float64).reshape(-1, 4) * self.shrink
        corners = np.concatenate([found[:, :2], found[:, :2] + found[:, 2:]], axis=1)
        if timer is not None:
            timer.add("infer", time.perf_counter() - began)
        return Faces.from_pixels(corners, width, height, names=self.classes)
