"""How near the starter's five landmarks are: to drawn faces, whose eyes are known, and to another detector's on photos.

    python benchmarks/landmarks.py [MODEL] [--faces FACES --stems OUT/test.txt --peer peers/yunet_n_dynamic.onnx]

Errors are distances in percent of the face's width, the mean of five points. Drawn: frames of `facetracker.scenes`,
640x480. Photos: the longer side at 320 and 640; faces that both detectors are sure of (0.6) and that overlap by half,
16 pixels and more. The angle is that of the line between the eyes, in degrees.

Drawn heads that turn aside by up to 45 degrees say how far the yaw of `Faces.pose` is from the true one.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from peers import longer_side

from facetracker import scenes
from facetracker.core.boxes import iou
from facetracker.core.files import write_json
from facetracker.core.photo import read_picture
from facetracker.inference.detector import Detector

SURE = 0.6
LEAST_SIDE = 16
SEEDS = range(100, 140)
FRAMES = range(0, 150, 30)
TURNING = 45.0  # degrees
ASIDE = ((0, 15), (15, 30), (30, 45))  # degrees of true yaw that are told together

Pair = tuple[np.ndarray, np.ndarray, float]  # landmarks (5, 2) found and true, the face's width; all in pixels


def pairs(boxes, landmarks, true_boxes, true_landmarks) -> Iterator[Pair]:
    """Each true face with the found one that overlaps it most, by half at least; all in pixels of one picture."""
    if not len(boxes) or not len(true_boxes):
        return
    overlaps = iou(true_boxes, boxes)
    for face, found in enumerate(overlaps.argmax(axis=1)):
        if overlaps[face, found] >= 0.5:
            yield landmarks[found], true_landmarks[face], float(true_boxes[face, 2] - true_boxes[face, 0])


def drawn(detector: Detector, turning: float = 0.0) -> Iterator[Pair]:
    for seed in SEEDS:
        scene = scenes.Scene(640, 480, faces=1 + seed % 3, seed=seed, turning=turning)
        for number in FRAMES:
            frame = scene.frame(number)
            found = detector.detect(frame.picture)
            size = np.array([640, 480], float)
            box_size = np.tile(size, 2)
            seen = frame.visible > 0.9
            yield from pairs(
                found.boxes * box_size,
                found.landmarks * size,
                (frame.boxes * box_size)[seen],
                (frame.landmarks * size)[seen],
            )


def yaws(detector: Detector) -> dict[str, dict[str, float]]:
    """Degrees by which the yaw of turned drawn heads is off, by how far they are turned; and how many were found."""
    off: list[tuple[float, float | None]] = []
    for seed in SEEDS:
        scene = scenes.Scene(640, 480, faces=1 + seed % 3, seed=seed, turning=TURNING)
        for number in FRAMES:
            frame = scene.frame(number)
            found = detector.detect(frame.picture)
            overlaps = iou(frame.boxes, found.boxes) if len(found) else np.zeros((len(frame.boxes), 1))
            for face in np.flatnonzero(frame.visible > 0.9):
                best, true = int(overlaps[face].argmax()), float(frame.aside[face])
                seen = overlaps[face, best] >= 0.5
                off.append((abs(true), float(abs(found.pose[best, 1] - true)) if seen else None))
    told = {}
    for least, most in ASIDE:
        here = [wrong for true, wrong in off if least <= true < most]
        wrong = np.array([one for one in here if one is not None])
        told[f"yaw {least} to {most}"] = {
            "faces": len(here),
            "found": len(wrong),
            "off_degrees": round(float(wrong.mean()), 2),
            "off_degrees_90": round(float(np.percentile(wrong, 90)), 2),
        }
    return told


def photos(detector: Detector, peer: Path, faces: Path, names: list[str], side: int) -> Iterator[Pair]:
    other = cv2.FaceDetectorYN.create(str(peer), "", (side, side), SURE, 0.3, 5000)
    for name in names:
        picture = longer_side(read_picture(faces / "images" / f"{name}.jpg"), side)
        height, width = picture.shape[:2]
        other.setInputSize((width, height))
        rows = other.detect(picture)[1]
        if rows is None:
            continue
        rows = rows[np.minimum(rows[:, 2], rows[:, 3]) >= LEAST_SIDE]
        found = detector.detect(picture)
        sure = found[found.scores >= SURE]
        true_boxes = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
        size = np.array([width, height], float)
        yield from pairs(
            sure.boxes * np.tile(size, 2), sure.landmarks * size, true_boxes, rows[:, 4:14].reshape(-1, 5, 2)
        )


def figures(found: list[Pair]) -> dict[str, float]:
    """Mean and 90th percentile of the error, and the mean difference of the eyes' angle."""
    errors = np.array([100 * np.linalg.norm(ours - true, axis=1).mean() / width for ours, true, width in found])
    turns = []
    for ours, true, _ in found:
        across, truth = ours[1] - ours[0], true[1] - true[0]
        turn = np.degrees(np.arctan2(across[1], across[0]) - np.arctan2(truth[1], truth[0]))
        turns.append(abs((turn + 180) % 360 - 180))
    return {
        "faces": len(found),
        "error_percent": round(float(errors.mean()), 2),
        "error_percent_90": round(float(np.percentile(errors, 90)), 2),
        "angle_degrees": round(float(np.mean(turns)), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="starter")
    parser.add_argument("--faces", type=Path)
    parser.add_argument("--stems", type=Path)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    detector = Detector.load(options.model)
    table = {"drawn": figures(list(drawn(detector))), "turned": figures(list(drawn(detector, TURNING)))}
    table |= yaws(detector)
    if options.faces:
        names = options.stems.read_text().split()
        for side in (320, 640):
            detector = Detector.load(options.model, image_size=side)
            table[f"photos {side}"] = figures(list(photos(detector, options.peer, options.faces, names, side)))
    for kind, values in table.items():
        print(f"{kind:12}", "  ".join(f"{key} {value}" for key, value in values.items()))
    if options.json:
        write_json(options.json, table)


if __name__ == "__main__":
    main()
