"""What a teacher adds to the labels of the photos the starter is trained on: landmarks, and faces that nobody labelled.

    python scripts/starter/teach.py FACES OUT --teacher yunet_n_dynamic.onnx     # about three minutes

Writes OUT/taught.npz. YuNet_n looks at every training photo, at those with small faces at twice the size too. Where it
is sure of a face that is labelled, its five landmarks are taken. What it finds beside the labels is neither face nor
background, or, on photos from the web whose small faces are known to lack labels, a face; on photos in which people
saw no face it is ignored.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
from photos import NO_FACE_SOURCES, SMALL_FACES_UNLABELLED, parts_in, read_rows

from facetracker.core.boxes import as_boxes, from_pixels, iou

SIDES, SMALL_SIDES = (320,), (320, 672)
LARGE = ("muxspace_faces", "ytf_p1_keypoints", "oleg_neg", "bsds500")  # nothing small to be found in these
FAINTEST, SURE, MISSED, MISSED_BESIDE_PEOPLE = 0.2, 0.7, 0.4, 0.7
LEAST_SIDE, MOST_SIDE = 7.0, 300.0  # pixels of what it sees: beyond them it errs


class Teacher:
    """YuNet in ONNX Runtime: a BGR picture to rows `(N, 15)`: box, score, five points; normalised, best first."""

    def __init__(self, path: Path):
        import onnx
        import onnxruntime

        model = onnx.load(str(path))
        for axis, dim in enumerate(model.graph.input[0].type.tensor_type.shape.dim):
            if axis > 1:
                dim.dim_param = ("height", "width")[axis - 2]
        for output in model.graph.output:
            output.type.tensor_type.shape.dim[1].dim_param = "cells"
        options = onnxruntime.SessionOptions()
        options.log_severity_level, options.intra_op_num_threads = 3, 1
        self.session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self.names = [output.name for output in self.session.get_outputs()]

    def look(self, picture: np.ndarray, side: int) -> np.ndarray:
        scale = side / max(picture.shape[:2])
        size = tuple(max(1, round(length * scale)) for length in picture.shape[1::-1])
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR if scale > 1 else cv2.INTER_AREA)
        height, width = picture.shape[:2]
        high, wide = -(-height // 32) * 32, -(-width // 32) * 32
        padded = cv2.copyMakeBorder(picture, 0, high - height, 0, wide - width, cv2.BORDER_CONSTANT)
        blob = padded.transpose(2, 0, 1)[None].astype(np.float32)
        outputs = dict(zip(self.names, self.session.run(self.names, {"input": blob}), strict=True))
        rows = np.concatenate([_rows(outputs, stride, wide // stride) for stride in (8, 16, 32)])
        sides = np.sqrt(np.maximum((rows[:, 2:4] - rows[:, :2]).prod(axis=1), 0))
        rows = rows[(sides > LEAST_SIDE) & (sides < MOST_SIDE)]
        rows[:, [0, 2, *range(5, 15, 2)]] /= width
        rows[:, [1, 3, *range(6, 15, 2)]] /= height
        return rows


def _rows(outputs: dict[str, np.ndarray], stride: int, columns: int) -> np.ndarray:
    """Rows `(N, 15)` in pixels of one of the teacher's grids."""
    scores = np.sqrt(outputs[f"cls_{stride}"][0, :, 0].clip(0, 1) * outputs[f"obj_{stride}"][0, :, 0].clip(0, 1))
    cells = np.flatnonzero(scores >= FAINTEST)
    row, column = np.divmod(cells, columns)
    place = np.stack([column, row], axis=1)
    box = outputs[f"bbox_{stride}"][0, cells]
    centre, size = (place + box[:, :2]) * stride, np.exp(box[:, 2:]) * stride
    points = (outputs[f"kps_{stride}"][0, cells].reshape(-1, 5, 2) + place[:, None]) * stride
    return np.concatenate(
        [centre - size / 2, centre + size / 2, scores[cells, None], points.reshape(-1, 10)], axis=1
    ).astype(np.float32)


def without_doubles(rows: np.ndarray, overlap: float = 0.45) -> np.ndarray:
    """The best of rows that overlap."""
    rows, kept = rows[np.argsort(-rows[:, 4], kind="stable")], []
    for number in range(len(rows)):
        if not kept or iou(rows[number : number + 1, :4], rows[kept, :4]).max() < overlap:
            kept.append(number)
    return rows[kept]


def taught(boxes: np.ndarray, ignored: np.ndarray, seen: np.ndarray, source: str, by_people: bool) -> np.ndarray:
    """The faces `(N, 16)` of a photo: box, ignored, landmarks known, landmarks."""
    faces = np.zeros((len(boxes), 16), np.float32)
    faces[:, :4], faces[:, 4] = boxes, ignored
    if not len(seen) or source in NO_FACE_SOURCES:
        return faces
    overlap = iou(boxes, seen[:, :4]) if len(boxes) else np.zeros((0, len(seen)))
    if len(boxes):
        best = overlap.argmax(axis=1)
        known = (overlap.max(axis=1) > 0.5) & (seen[best, 4] > SURE) & ~ignored
        faces[known, 5], faces[known, 6:] = 1.0, seen[best[known], 5:]
    extra = []
    for number, row in enumerate(seen):
        if len(boxes) and (overlap[:, number].max() >= 0.3 or _inside(row[:4], boxes)):
            continue
        if source in SMALL_FACES_UNLABELLED and row[4] > 0.75:
            extra.append([*row[:4], 0.0, 1.0, *row[5:]])
        elif row[4] > (MISSED_BESIDE_PEOPLE if by_people or source in LARGE[2:] else MISSED):
            extra.append([*row[:4], 1.0, 0.0, *np.zeros(10)])
    return np.concatenate([faces, np.array(extra, np.float32).reshape(-1, 16)])


def _inside(box: np.ndarray, boxes: np.ndarray) -> bool:
    """Whether half of a box lies in one of others: a second box on the same face, no second face."""
    shared = (np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])).clip(min=0).prod(axis=1)
    return bool(shared.max() > 0.5 * (box[2:] - box[:2]).prod())


def read_truth(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Boxes `(N, 4)` of a labelme file, normalised and in the picture, and which are to be ignored `(N,)`."""
    content = json.loads(path.read_text())
    corners = [np.array(shape["points"], float) for shape in content["shapes"]]
    boxes = np.array([[*points.min(0), *points.max(0)] for points in corners]).reshape(-1, 4)
    ignored = np.array([bool((shape["flags"] or {}).get("ignore")) for shape in content["shapes"]], bool)
    boxes = from_pixels(boxes, content["imageWidth"], content["imageHeight"]).clip(0, 1)
    there = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    return as_boxes(boxes[there]), ignored[there]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--teacher", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rows = read_rows(options.faces)
    parts = parts_in(options.out, options.faces, rows)
    teacher, names, faces = Teacher(options.teacher), [], []
    for row in (row for row in rows if parts[row["name"]] == "train"):
        name, source = row["name"], row["source"]
        boxes, ignored = read_truth(options.faces / "labels" / f"{name}.json")
        seen = np.zeros((0, 15), np.float32)
        if source not in NO_FACE_SOURCES:
            picture = cv2.imread(str(options.faces / "images" / f"{name}.jpg"))
            sides = SIDES if source in LARGE else SMALL_SIDES
            seen = without_doubles(np.concatenate([teacher.look(picture, side) for side in sides]))
        names.append(name)
        faces.append(taught(boxes, ignored, seen, source, row["labels_by"] == "human"))
    first = np.cumsum([0, *map(len, faces)])
    np.savez_compressed(options.out / "taught.npz", names=np.array(names), faces=np.concatenate(faces), first=first)
    every = np.concatenate(faces)
    print(f"{len(names)} photos, {len(every)} faces, {int(every[:, 5].sum())} with landmarks", flush=True)


if __name__ == "__main__":
    main()
