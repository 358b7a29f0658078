"""What else must hold for a tracker that `learn` made: cameras of any size, its time, strangers, corrections.

    python benchmarks/personal_checks.py RUN FOLDER --strangers FACES

RUN is a run of `learn`, FOLDER its person's photos with a part `test`, FACES labelled photos of other people.

- sizes: mean overlap of the surest box on the test photos at several sizes, and cut to an upright picture;
- time: a frame of 640x480 with the starter and with this tracker, in turns, one thread and two;
- strangers: the share of FACES' faces found when one photo in ten has a false alarm, the style undone, for a person's
  idea of a box is not in question there; the starter beside it;
- corrections: how long one takes, and the overlap on the next ten photos after three.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path

import cv2
import numpy as np
from personal import FAINTEST, surest_overlap

from facetracker.core import console
from facetracker.core.boxes import Boxes, as_boxes, sizes
from facetracker.core.errors import FaceTrackerError
from facetracker.core.example import Example
from facetracker.core.photo import Picture, read_picture
from facetracker.inference.detector import Detector
from facetracker.inference.style import Style
from facetracker.labels.collection import Collection
from facetracker.personal.corrections import Corrections
from facetracker.personal.teacher import join, pairs_in

LONGER_SIDES = (320, 640, 1280, 1920)
UPRIGHT = 3 / 4  # width to height
ALARMS = 0.1  # share of the strangers' photos with one
ROUNDS = 300
NEXT = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--strangers", type=Path, help="folder of other people's labelled photos")
    parser.add_argument("--most", type=int, default=500, help="photos of strangers, a random sample")
    parser.add_argument("--only", nargs="+", choices=CHECKS, default=list(CHECKS))
    options = parser.parse_args()
    known = [example for example in Collection.open(options.folder) if len(example)]
    for check in options.only:
        for line in CHECKS[check](options, known):
            console.say(f"{options.folder.name} {check}: {line}")


def sizes_of_cameras(options: argparse.Namespace, known: list[Example]) -> list[str]:
    detector = Detector.load(options.run)
    test = [(read_picture(one.photo), one.boxes) for one in known if one.part == "test"]
    lines = []
    for side in LONGER_SIDES:
        scaled = [(_resized(picture, side), boxes) for picture, boxes in test]
        lines.append(f"longer side {side}: {_overlap(detector, scaled):.4f}")
    upright = [_upright(picture, boxes) for picture, boxes in test]
    return [*lines, f"upright: {_overlap(detector, upright):.4f}"]


def time_of_a_frame(options: argparse.Namespace, known: list[Example]) -> list[str]:
    frame = cv2.resize(read_picture(known[0].photo), (640, 480))
    lines = []
    for threads in (1, 2):
        ways = {"starter": Detector.load(None, threads=threads), "own": Detector.load(options.run, threads=threads)}
        taken: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(ROUNDS):
            for way, detector in ways.items():
                began = time.perf_counter()
                detector.detect(frame)
                taken[way].append(time.perf_counter() - began)
        starter, own = (float(np.quantile(taken[way], 0.25)) * 1e3 for way in ways)
        lines.append(f"{threads} thread{'s' * (threads > 1)}: {own:.2f} ms, starter {starter:.2f}, {own / starter:.3f}")
    return lines


def found_strangers(options: argparse.Namespace, known: list[Example]) -> list[str]:
    if options.strangers is None:
        return ["no folder of --strangers"]
    theirs = list(Collection.open(options.strangers))
    theirs = random.Random(0).sample(theirs, min(options.most, len(theirs)))
    starter, own = Detector(), Detector.load(options.run)
    photos = [one for one in known if one.part != "test"]
    style = join([pairs_in(starter, read_picture(one.photo), one.boxes, views=1) for one in photos]).style()
    shares = [_found_at(Detector(), theirs, Style()), _found_at(own, theirs, style)]
    return [f"found {shares[1]:.4f}, starter {shares[0]:.4f} ({len(theirs)} photos, an alarm in {ALARMS:.0%} of them)"]


def corrected(options: argparse.Namespace, known: list[Example]) -> list[str]:
    """Three photos before the test's are put right, one after the other; then the first ten of the test are asked."""
    mine = Corrections(Detector())
    seconds = []
    for one in [example for example in known if example.part != "test"][-3:]:
        picture = read_picture(one.photo)
        began = time.monotonic()
        mine.correct(picture, one.boxes)
        seconds.append(time.monotonic() - began)
    test = [(read_picture(one.photo), one.boxes) for one in known if one.part == "test"][:NEXT]
    mine.threshold = FAINTEST
    after, own = _overlap(mine, test), _overlap(Detector.load(options.run), test)
    return [f"{max(seconds):.2f} s; next {len(test)} photos {after:.4f}, learnt from all {own:.4f}, {after / own:.3f}"]


CHECKS = {
    "sizes": sizes_of_cameras,
    "time": time_of_a_frame,
    "strangers": found_strangers,
    "corrections": corrected,
}


def _overlap(detector: Detector | Corrections, photos: list[tuple[Picture, Boxes]]) -> float:
    """Mean overlap of the surest box; photos are pictures with their boxes `(N, 4)`."""
    values = []
    for picture, boxes in photos:
        faces = detector.detect(picture, FAINTEST) if isinstance(detector, Detector) else detector.detect(picture)
        values.append(surest_overlap(faces, boxes))
    return float(np.mean(values))


def _resized(picture: Picture, side: int) -> Picture:
    scale = side / max(picture.shape[:2])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=way)


def _upright(picture: Picture, boxes: Boxes) -> tuple[Picture, Boxes]:
    """An upright part of a photo, of its whole height, with the first face in its middle as far as that goes."""
    height, width = picture.shape[:2]
    wide = min(width, round(height * UPRIGHT))
    left = int(np.clip((boxes[0, 0] + boxes[0, 2]) / 2 * width - wide / 2, 0, width - wide))
    moved = (boxes * np.array([width, 1, width, 1]) - np.array([left, 0, left, 0])) / np.array([wide, 1, wide, 1])
    return picture[:, left : left + wide], as_boxes(np.clip(moved, 0, 1))


def _found_at(detector: Detector, photos: list[Example], style: Style) -> float:
    """The share of faces found, by middle and size, at the threshold that gives an alarm in a tenth of the photos."""
    hits, alarms, faces = [], [], 0
    for one in photos:
        try:
            found = detector.detect(read_picture(one.photo), FAINTEST)
        except FaceTrackerError:
            continue
        boxes, theirs = style.undo(found.boxes), one.boxes
        faces += len(theirs)
        free = np.ones(len(theirs), bool)
        highest = 0.0
        for box, score in zip(boxes, found.scores, strict=True):
            same = _same_face(box, theirs) & free
            if same.any():
                free[int(same.argmax())] = False
                hits.append(float(score))
            elif not _same_face(box, theirs).any():
                highest = max(highest, float(score))
        alarms.append(highest)
    threshold = float(np.quantile(alarms, 1 - ALARMS))
    return float(np.sum(np.array(hits) > threshold)) / max(1, faces)


def _same_face(box: Boxes, theirs: Boxes) -> np.ndarray:
    """Which of the faces `(N, 4)` a box `(4,)` shows: middles within half a side, sizes within a factor of two."""
    if not len(theirs):
        return np.zeros(0, bool)
    away = np.abs((box[:2] + box[2:]) / 2 - (theirs[:, :2] + theirs[:, 2:]) / 2) / np.maximum(sizes(theirs), 1e-6)
    larger = np.sqrt(np.prod(np.maximum(box[2:] - box[:2], 1e-6)) / np.maximum(np.prod(sizes(theirs), axis=1), 1e-12))
    return (away < 0.5).all(axis=1) & (larger > 0.5) & (larger < 2)


if __name__ == "__main__":
    main()
