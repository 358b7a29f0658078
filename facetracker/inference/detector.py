"""`Detector`: a frame in, the faces in it out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.core.boxes import clip
from facetracker.core.errors import FaceTrackerError
from facetracker.core.faces import Faces
from facetracker.core.letterbox import Letterbox, letterbox, round_half_up
from facetracker.core.parts import FramePart, parts_of, side_of
from facetracker.core.photo import Picture
from facetracker.inference.decode import Decoded, best_of_parts, decode_dense, decode_single
from facetracker.inference.engines import Engine, Outputs, open_engine
from facetracker.inference.engines.base import LANDMARKS, SUFFIXES
from facetracker.inference.style import style_of

Places = tuple[Letterbox | FramePart, ...]
CLOSER = 2  # looks more at a face that was found in a part of a frame
ASSETS = Path(__file__).parent.parent / "assets"
STARTER = "starter"


class Timer(Protocol):
    """Hears how long each step took; `Stages` is one."""

    def add(self, stage: str, seconds: float) -> None: ...


class Detector:
    """Finds faces with a model: an engine, which holds the network and its card. Without one, the starter's.

    `threshold` and `iou_threshold` default to the model's card; `image_size` is the longer side, in pixels, at which
    a model with open sizes looks at a frame. One detector serves one thread. `Detector.load` opens a file.

    >>> faces = Detector().detect(frame)        # Faces, best first   # doctest: +SKIP
    """

    def __init__(
        self,
        engine: Engine | None = None,
        threshold: float | None = None,
        *,
        image_size: int | None = None,
        iou_threshold: float | None = None,
    ):
        if isinstance(engine, str | Path):
            raise FaceTrackerError("is a file, not an engine", path=engine, fix="Detector.load(...) opens it.")
        self.engine = engine or open_engine(find_model())
        self.card = self.engine.card
        if self.card.head == "classifier":
            fix = f"Name a tracker, and pass --classifier {self.engine.path} beside it."
            raise FaceTrackerError("classifies faces, it does not find them", path=self.engine.path, fix=fix)
        self.threshold = self.card.threshold if threshold is None else threshold
        self.iou_threshold = self.card.iou_threshold if iou_threshold is None else iou_threshold
        self.image_size = image_size or self.card.image_size
        self.style = style_of(self.card.style)
        self.crop = self.card.crop if image_size is None or self.card.head == "single" else None
        for what, value in (("threshold", self.threshold), ("iou_threshold", self.iou_threshold)):
            if not 0 <= value <= 1:
                raise FaceTrackerError(f"{what} {value:g} is not between 0 and 1")

    @classmethod
    def load(
        cls,
        model: str | Path | None = None,
        threshold: float | None = None,
        threads: int | None = None,
        *,
        image_size: int | None = None,
        iou_threshold: float | None = None,
    ) -> Self:
        """A detector with a model file (.tflite, .onnx, .xml, .keras), a folder that holds one, or "starter".

        `threads` are the engine's; the rest is as in `Detector`.
        """
        engine = open_engine(find_model(model), threads)
        return cls(engine, threshold, image_size=image_size, iou_threshold=iou_threshold)

    @property
    def classes(self) -> list[str]:
        """The names of the classes, by number."""
        return self.card.classes

    def detect(self, frame: Picture, threshold: float | None = None, timer: Timer | None = None) -> Faces:
        """The faces in a BGR frame, best first.

        `threshold` for this frame only: a follower also wants the weak ones. `timer` hears how many seconds
        "resize", "infer" and "decode" took.
        """
        clock = time.perf_counter
        began = clock()
        batch, places = self.prepare(frame)
        prepared = clock()
        outputs = self.run(batch)
        ran = clock()
        faces = self.decode(outputs, 0, places, threshold)
        if timer is not None:
            timer.add("resize", prepared - began)
            timer.add("infer", ran - prepared)
            timer.add("decode", clock() - ran)
        return faces

    def detect_batch(self, frames: Sequence[Picture], threshold: float | None = None) -> list[Faces]:
        """As `detect` for several frames; those of one input size go through the network together."""
        prepared = [self.prepare(frame) for frame in frames]
        found: dict[int, Faces] = {}
        for members in _same_shape([batch.shape for batch, _ in prepared]):
            outputs = self.run(np.concatenate([prepared[i][0] for i in members]))
            row = 0
            for i in members:
                found[i] = self.decode(outputs, row, prepared[i][1], threshold)
                row += len(prepared[i][1])
        return [found[i] for i in range(len(prepared))]

    def prepare(self, frame: Picture) -> tuple[Picture, Places]:
        """The network's inputs `(P, H, W, 3)` RGB for one frame, and what of the frame each shows.

        P is 1, except for a single head that was trained on crops: it looks at the frame in parts.
        """
        frame = as_bgr(frame)
        height, width = frame.shape[:2]
        wide, high = self.input_size(width, height)
        if self._in_parts:
            parts = parts_of(self.crop or 1.0, width, height, wide, frame)
            return np.stack([_shown(part) for part in parts]), parts
        whole, place = letterbox(frame, wide, high)
        return cv2.cvtColor(whole, cv2.COLOR_BGR2RGB)[None], (place,)

    def run(self, batch: Picture) -> Outputs:
        """The head's outputs for inputs `(P, H, W, 3)`, however many the file takes at once."""
        most = self.engine.fixed_batch or len(batch)
        if len(batch) <= most and not self._in_parts:
            return self.engine.run(batch)
        # An engine's arrays are its own until the next call, and parts get a closer look while decoding.
        runs = [
            {name: values.copy() for name, values in self.engine.run(batch[first : first + most]).items()}
            for first in range(0, len(batch), most)
        ]
        return {name: np.concatenate([one[name] for one in runs]) for name in runs[0]}

    def input_size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the input for a frame of `width` x `height` pixels.

        A single head was trained on squares. A dense head with open sizes gets the smallest rectangle that holds
        the frame, grey bars cost time like any other pixel; one trained on crops gets the frame at their scale.
        """
        if self.engine.fixed_size is not None:
            return self.engine.fixed_size[1], self.engine.fixed_size[0]
        if self.card.head == "single":
            return self.image_size, self.image_size
        step = max(self.card.strides)
        seen = max(width, height) if self.crop is None else side_of(self.crop, width, height)
        scale = self.image_size / seen
        sides = (max(1, round_half_up(side * scale)) for side in (width, height))
        wide, high = (-(-side // step) * step for side in sides)
        return wide, high

    def decode(self, outputs: Outputs, row: int, places: Places, threshold: float | None = None) -> Faces:
        """The faces of the frame that `places` shows in the inputs from `row` on."""
        threshold = self.threshold if threshold is None else threshold
        found = [self._decode(outputs, row + number, place, threshold) for number, place in enumerate(places)]
        best = found[0]
        if len(found) > 1:
            parts = [place for place in places if isinstance(place, FramePart)]
            cut = [part.cuts(outputs["boxes"][row + number]) for number, part in enumerate(parts)]
            best = self._closer(best_of_parts(found, cut), parts[0], threshold)
        size = places[0].width, places[0].height
        return Faces(best.boxes, best.scores, best.classes, *size, self.classes, landmarks=best.landmarks)

    @property
    def _in_parts(self) -> bool:
        return self.card.head == "single" and self.crop is not None

    def _closer(self, found: Decoded, part: FramePart, threshold: float) -> Decoded:
        """What a single head finds with the face in the middle of its part: a box at an edge is a poor one."""
        for _ in range(CLOSER if len(found[0]) else 0):
            near = part.around(self.crop or 1.0, found[0][0])
            again = self._decode(self.engine.run(_shown(near)[None]), 0, near, threshold)
            if not len(again[0]):
                break
            found = again
        return found

    def _decode(self, outputs: Outputs, row: int, place: Letterbox | FramePart, threshold: float) -> Decoded:
        """What one input shows, normalised to the frame."""
        if self.card.head == "single":
            found = decode_single(outputs["classes"][row], outputs["boxes"][row], threshold)
        else:
            found = decode_dense(
                outputs["scores"][row],
                outputs["offsets"][row],
                place.input_height,
                place.input_width,
                self.card.strides,
                threshold,
                self.iou_threshold,
                outputs[LANDMARKS][row] if LANDMARKS in outputs else None,
            )
        boxes = found.boxes if self.style is None else self.style.apply(found.boxes)
        boxes = clip(place.to_picture(boxes))
        points = None if found.landmarks is None else _points(place, found.landmarks)
        inside = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])  # a box in the bars is no face
        if not inside.all():
            points = None if points is None else points[inside]
            return Decoded(boxes[inside], found.scores[inside], found.classes[inside], points)
        return Decoded(boxes, found.scores, found.classes, points)


def find_model(model: str | Path | None = None) -> Path:
    """The model file meant by a path, a folder (a run or an export), "starter" or None (the starter)."""
    if model is None or str(model) == STARTER:
        folder, stem = ASSETS, STARTER
    elif Path(model).is_dir():
        folder, stem = Path(model), "model"
    else:
        return Path(model)
    for suffix in SUFFIXES:
        if (folder / f"{stem}{suffix}").is_file():
            return folder / f"{stem}{suffix}"
    if folder is ASSETS:
        raise FaceTrackerError("the starter model is not installed", path=folder, fix="Name a model file.")
    if is_run(folder):
        fix = f"Finish it: facetracker train --resume --runs {folder.parent} --name {folder.name}"
        raise FaceTrackerError("is a run that was never finished: it holds no model yet", path=folder, fix=fix)
    files = ", ".join(f"model{suffix}" for suffix in SUFFIXES)
    raise FaceTrackerError(f"holds no model ({files})", path=folder, fix="Name a run folder or a model file.")


def is_run(folder: Path) -> bool:
    """Whether a folder is one that `train` or `learn` has made, finished or not."""
    return any((folder / name).is_file() for name in ("config.yaml", "run.json"))


def as_bgr(frame: Picture) -> Picture:
    """A frame as `(H, W, 3)` uint8 BGR: grey, BGRA and 16-bit frames are converted, anything else is refused."""
    if not isinstance(frame, np.ndarray):
        fix = "cv2.imread gives None where it cannot read the file." if frame is None else "cv2.imread gives one."
        raise FaceTrackerError(f"a frame is a numpy array, not {type(frame).__name__}", fix=fix)
    channels = frame.shape[2] if frame.ndim == 3 else 1
    if frame.ndim not in (2, 3) or channels not in (1, 3, 4) or not frame.size:
        raise FaceTrackerError(f"a frame of shape {frame.shape} is no picture", fix="(height, width[, 1, 3 or 4])")
    if frame.dtype == np.uint16:
        frame = cv2.convertScaleAbs(frame, alpha=1 / 257)  # 0..65535 onto 0..255
    elif frame.dtype != np.uint8:
        raise FaceTrackerError(f"a frame of {frame.dtype} cannot be judged", fix="Pass uint8 (0..255) or uint16.")
    if channels == 3:
        return frame
    return cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR if channels == 1 else cv2.COLOR_BGRA2BGR)


def _points(place: Letterbox | FramePart, points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Points `(N, 5, 2)` normalised to the input, normalised to the picture."""
    spots = np.tile(points.reshape(-1, 2), 2)  # a box without a size is a point
    return place.to_picture(spots)[:, :2].reshape(points.shape)


def _shown(part: FramePart) -> Picture:
    """A part of a frame as the network's input, RGB."""
    return cv2.cvtColor(letterbox(part.cut(), part.input_width, part.input_height)[0], cv2.COLOR_BGR2RGB)


def _same_shape(shapes: Sequence[tuple[int, ...]]) -> list[list[int]]:
    """Indices of equal shapes together."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for index, shape in enumerate(shapes):
        groups.setdefault(shape, []).append(index)
    return list(groups.values())
