"""`Faces`: what was found or labelled in one picture, from the detector to the last drawn line.

Boxes are kept normalised, so that faces mean the same at every size of their picture; `.pixels` are their boxes in
the pixels of the picture. `supervision` is met here only, and only when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facetracker.core.boxes import Boxes, as_boxes, empty, from_pixels, to_pixels
from facetracker.core.errors import FaceTrackerError
from facetracker.core.install import install_command

if TYPE_CHECKING:
    import supervision as sv


# What has one value a face; the rest of `Faces` belongs to the picture.
A_ROW_EACH = ("boxes", "scores", "classes", "ids", "coasting", "class_scores", "landmarks")


# The eyes, the tip of the nose and the corners of the mouth of a grown head that looks at the camera, left to right in
# the picture: millimetres to the right, down, and towards the camera.
HEAD = np.array([[-32, -34, 0], [32, -34, 0], [0, 2, 24], [-25, 34, 2], [25, 34, 2]], np.float64)
_CENTRED = HEAD - HEAD.mean(axis=0)
_FIT = np.linalg.pinv(_CENTRED)  # (3, 5)


@dataclass(frozen=True)
class FoundFace:
    """One of the faces: its box `(4,)` normalised, the same in pixels of the picture, and the rest as in `Faces`."""

    box: Boxes
    pixels: Boxes
    score: float
    label: str
    id: int | None = None
    coasting: bool = False
    landmarks: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Faces:
    """The faces of a picture of `width` x `height` pixels.

    `boxes` `(N, 4)` normalised xyxy, float32; `scores` `(N,)`; `classes` `(N,)` numbers into `names`. Where faces are
    followed, `ids` `(N,)` are their numbers, and `coasting` `(N,)` is True for those that this frame does not show.
    `class_scores` `(N,)` is how sure a classifier is of the class; `landmarks` `(N, 5, 2)` are normalised points.

    >>> faces = Faces([[0.1, 0.2, 0.3, 0.6]], [0.9], [0], 640, 480)
    >>> len(faces), faces.pixels.tolist(), faces[0].label
    (1, [[64.0, 96.0, 192.0, 288.0]], 'face')
    """

    boxes: Boxes
    scores: NDArray[np.float32]
    classes: NDArray[np.int64]
    width: int
    height: int
    names: Sequence[str] = ("face",)
    ids: NDArray[np.int64] | None = None
    coasting: NDArray[np.bool_] | None = None
    class_scores: NDArray[np.float32] | None = None
    landmarks: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        count = len(self._set("boxes", as_boxes(self.boxes)))
        kinds = {"scores": np.float32, "classes": np.int64, "ids": np.int64, "coasting": bool}
        for name, kind in {**kinds, "class_scores": np.float32, "landmarks": np.float32}.items():
            values = getattr(self, name)
            if values is not None and len(self._set(name, np.asarray(values, kind))) != count:
                raise ValueError(f"{len(getattr(self, name))} {name} for {count} boxes")

    def _set(self, name: str, values: Any) -> Any:
        object.__setattr__(self, name, values)
        return values

    @classmethod
    def none(cls, width: int, height: int, names: Sequence[str] = ("face",)) -> Faces:
        """A picture without a face."""
        return cls(empty(), np.zeros(0, np.float32), np.zeros(0, np.int64), width, height, names)

    @classmethod
    def from_pixels(
        cls, boxes: ArrayLike, width: int, height: int, *, scores: ArrayLike | None = None, **more: Any
    ) -> Faces:
        """Faces of boxes `(N, 4)` in pixels; without `scores` all are sure, without `classes` of the first class."""
        boxes = from_pixels(boxes, width, height)
        classes = more.pop("classes", np.zeros(len(boxes), np.int64))
        return cls(boxes, np.ones(len(boxes)) if scores is None else scores, classes, width, height, **more)  # type: ignore[arg-type]

    @property
    def pixels(self) -> Boxes:
        """The boxes `(N, 4)` in pixels of the picture."""
        return to_pixels(self.boxes, self.width, self.height)

    @property
    def pose(self) -> NDArray[np.float32] | None:
        """Roll, yaw and pitch of each face in degrees `(N, 3)`, as `pose_of` has them; None without landmarks."""
        return None if self.landmarks is None else pose_of(self.landmarks * [self.width, self.height])

    @property
    def labels(self) -> list[str]:
        """The name of each face's class."""
        return [str(self.names[number]) for number in self.classes.tolist()]

    def __len__(self) -> int:
        return len(self.boxes)

    def __iter__(self) -> Iterator[FoundFace]:
        return (self[row] for row in range(len(self)))

    @overload
    def __getitem__(self, rows: int) -> FoundFace: ...
    @overload
    def __getitem__(self, rows: slice | NDArray | list) -> Faces: ...
    def __getitem__(self, rows: Any) -> Any:
        """One face by its number; some of them, as `Faces`, by a slice, a mask `(N,)` or numbers."""
        if not isinstance(rows, int | np.integer):
            rows = rows if isinstance(rows, slice) or len(rows) else np.zeros(0, int)
            return replace(self, **{name: values[rows] for name, values in self._rows().items()})
        return FoundFace(
            self.boxes[rows],
            self.pixels[rows],
            float(self.scores[rows]),
            str(self.names[self.classes[rows]]),
            None if self.ids is None else int(self.ids[rows]),
            False if self.coasting is None else bool(self.coasting[rows]),
            None if self.landmarks is None else self.landmarks[rows],
        )

    def __add__(self, more: Faces) -> Faces:
        """These faces and more of the same picture; what only one of the two knows is left out."""
        others, rows = more._rows(), self._rows()
        joined = {name: np.concatenate([rows[name], others[name]]) for name in rows if name in others}
        return replace(self, **{name: joined.get(name) for name in A_ROW_EACH})  # type: ignore[arg-type]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Faces):
            return NotImplemented
        pairs = [(getattr(self, one.name), getattr(other, one.name)) for one in fields(self) if one.name != "names"]
        return list(self.names) == list(other.names) and all(
            a is b if a is None or b is None else np.array_equal(a, b) for a, b in pairs
        )

    __hash__ = None  # type: ignore[assignment]

    def _rows(self) -> dict[str, NDArray]:
        return {name: values for name in A_ROW_EACH if (values := getattr(self, name)) is not None}

    def mirrored(self) -> Faces:
        """The faces of the same picture flipped left to right; of the five landmarks, left and right change places."""
        boxes = np.stack([1 - self.boxes[:, 2], self.boxes[:, 1], 1 - self.boxes[:, 0], self.boxes[:, 3]], axis=1)
        points = self.landmarks
        if points is not None:
            points = points[:, [1, 0, 2, 4, 3]].copy()
            points[..., 0] = 1 - points[..., 0]
        return replace(self, boxes=boxes, landmarks=points)

    def as_json(self) -> dict[str, Any]:
        """The faces as plain values, as recordings hold them: boxes in pixels, left, top, right, bottom."""
        row: dict[str, Any] = {
            "width": self.width,
            "height": self.height,
            "boxes": [[round(side, 2) for side in box] for box in self.pixels.tolist()],
            "ids": [] if self.ids is None else self.ids.tolist(),
            "scores": _rounded(self.scores),
            "classes": self.labels,
        }
        if self.class_scores is not None:
            row["class_probabilities"] = _rounded(self.class_scores)
        if self.coasting is not None:
            row["coasting"] = self.coasting.tolist()
        if self.landmarks is not None:
            row["landmarks"] = np.round(self.landmarks * [self.width, self.height], 2).tolist()
            row["pose"] = np.round(np.asarray(self.pose), 1).tolist()
        return row

    @classmethod
    def from_json(cls, row: Mapping[str, Any], names: Sequence[str] | None = None) -> Faces:
        """The faces of one line of a recording; `names` of the classes in order (default: in the order met)."""
        names = list(dict.fromkeys(row["classes"])) or ["face"] if names is None else names
        landmarks = row.get("landmarks")
        size = row["width"], row["height"]
        return cls.from_pixels(
            row["boxes"],
            *size,
            scores=row["scores"],
            classes=np.array([names.index(label) for label in row["classes"]], np.int64),
            names=names,
            ids=row["ids"] if row["ids"] or "coasting" in row else None,
            coasting=row.get("coasting"),
            class_scores=row.get("class_probabilities"),
            landmarks=None if landmarks is None else np.reshape(landmarks, (-1, 5, 2)) / size,
        )

    def to_supervision(self) -> sv.Detections:
        """The faces as `supervision.Detections`: boxes in pixels, names in `data["class_name"]`."""
        try:
            import supervision as sv
        except ImportError:
            raise FaceTrackerError("supervision is not installed", fix=install_command("convert")) from None
        data = {"class_name": np.array(self.labels, dtype=str), "coasting": self.coasting, "landmarks": self.landmarks}
        return sv.Detections(
            xyxy=self.pixels,
            confidence=self.scores,
            class_id=self.classes.astype(int),
            tracker_id=None if self.ids is None else self.ids.astype(int),
            data={name: values for name, values in data.items() if values is not None},
        )

    @classmethod
    def from_supervision(
        cls, detections: sv.Detections, width: int, height: int, names: Sequence[str] = ("face",)
    ) -> Faces:
        """`supervision.Detections` of a picture; without scores all are sure, without classes of the first class."""
        classes = detections.class_id
        return cls.from_pixels(
            detections.xyxy,
            width,
            height,
            scores=detections.confidence,
            classes=np.zeros(len(detections), np.int64) if classes is None else classes,
            names=names,
            ids=detections.tracker_id,
            coasting=detections.data.get("coasting"),
            landmarks=detections.data.get("landmarks"),
        )


def _rounded(values: NDArray) -> list[float]:
    return [round(value, 4) for value in values.tolist()]


def pose_of(points: ArrayLike) -> NDArray[np.float32]:
    """Where faces look: roll, yaw and pitch in degrees `(N, 3)`, from landmarks `(N, 5, 2)` in pixels, by the turn of a
    head that fits them best.

    Roll is positive where the head leans clockwise in the picture, yaw where it looks to the picture's right, pitch
    where it looks up. The camera is taken to be far away: more cannot be told from five points.
    """
    points = np.asarray(points, np.float64).reshape(-1, 5, 2)
    shape = np.swapaxes(_FIT @ (points - points.mean(axis=1, keepdims=True)), 1, 2)  # (N, 2, 3)
    left, _, right = np.linalg.svd(shape, full_matrices=False)
    turn = left @ right  # the nearest turn: the picture's x and y as directions of the head
    ahead = np.cross(turn[:, 0], turn[:, 1])
    yaw = np.arcsin(np.clip(-ahead[:, 0], -1, 1))
    pitch = np.arctan2(ahead[:, 1], ahead[:, 2])
    roll = np.arctan2(turn[:, 1, 0], turn[:, 0, 0])
    return np.degrees(np.stack([roll, yaw, pitch], axis=1)).astype(np.float32)
