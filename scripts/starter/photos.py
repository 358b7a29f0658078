"""The photos the starter is made from: where each stands in the split, its lures, how often it is drawn.

train.py, train_second_look.py and what measures the starter share them. FACES holds images/, labels/ (labelme)
and sources.csv (name, source, labels_by, ...).
"""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import cv2
import numpy as np

from facetracker.core.boxes import IGNORED
from facetracker.core.hashing import fingerprint, near_groups
from facetracker.labels.labelme import read_labels

# How much of what is drawn comes from each source. People's labels count for more than their number.
SHARES = {
    "wider-train": 0.27,
    "ilc-2021": 0.24,
    "fddb-a": 0.12,
    "fddb-b": 0.03,
    "imagenet-sample": 0.05,
    "non-face-scenes": 0.04,
    "houses": 0.025,
    "clothing-cc0": 0.02,
    "ytf_p1_keypoints": 0.02,
    "muxspace_faces": 0.03,
    "rmfd_part1": 0.03,
    "web_18f": 0.03,
    "web_carpentries": 0.02,
    "web_rladies": 0.01,
    "web_ropensci": 0.02,
    "web_twfy": 0.015,
    "azure_face": 0.005,
    "bsds500": 0.015,
    "oleg_neg": 0.03,
}
# Of these people say that no face is in them.
NO_FACE_SOURCES = ("imagenet-sample", "non-face-scenes", "houses", "clothing-cc0")
SMALL_FACES_UNLABELLED = ("web_18f", "web_carpentries", "web_rladies", "web_ropensci")
# What the bundled starter takes for a face from this score up, and is none, is shown again and again.
LURE_SCORE, LURE_SIDES = 0.03, (320, 480)
TEST_PERCENT, VAL_PERCENT = 11, 5
SAME_PHOTO_BITS = 6


def read_rows(faces: Path) -> list[dict]:
    with (faces / "sources.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def split_photos(faces: Path, rows: list[dict]) -> dict[str, str]:
    """Every photo's part: train, val, test, or left_out (not labelled by people, but the twin of a held-out photo).

    Near-duplicates (at most 6 of 64 bits apart) stay together. A group's part follows from the SHA-1 of "starter:"
    and the smallest name of those labelled by people, so it depends on nothing but the photos.
    """
    names = [row["name"] for row in rows]
    # Decoded at a quarter of the size, which is enough for a fingerprint and several times faster.
    prints = [
        fingerprint(cv2.imread(str(faces / "images" / f"{name}.jpg"), cv2.IMREAD_REDUCED_GRAYSCALE_4)) for name in names
    ]
    human = [row["labels_by"] == "human" for row in rows]
    groups: dict[int, list[int]] = {}
    for i, group in enumerate(near_groups(prints, SAME_PHOTO_BITS)):
        groups.setdefault(group, []).append(i)
    parts = {}
    for members in groups.values():
        by_people = sorted(names[i] for i in members if human[i])
        place = int(hashlib.sha1(f"starter:{by_people[0]}".encode()).hexdigest(), 16) % 100 if by_people else 100
        part = "test" if place < TEST_PERCENT else "val" if place < TEST_PERCENT + VAL_PERCENT else "train"
        for i in members:
            parts[names[i]] = part if human[i] or part == "train" else "left_out"
    return parts


def read_faces(path: Path) -> np.ndarray:
    """Boxes `(N, 4)` of a labelme file, normalised."""
    return read_labels(path, photo=path).boxes


def find_lures(faces: Path, rows: list[dict]) -> dict[str, list]:
    """What the bundled starter takes for faces and is none, by photo: boxes `(N, 4)` normalised with their scores.

    Only where labels are sure to be complete: photos without a face, and large faces that a detector labelled.
    """
    from facetracker.core.boxes import iou
    from facetracker.inference.detector import Detector

    detectors = [Detector.load("starter", LURE_SCORE, threads=1, image_size=side) for side in LURE_SIDES]
    lures = {}
    for row in rows:
        boxes = read_faces(faces / "labels" / f"{row['name']}.json")
        if row["source"] in SMALL_FACES_UNLABELLED or (len(boxes) and row["labels_by"] == "human"):
            continue
        picture = cv2.imread(str(faces / "images" / f"{row['name']}.jpg"))
        for detector in detectors:
            found = detector.detect(picture)
            for box, score in zip(found.boxes, found.scores, strict=True):
                if not len(boxes) or iou(box[None], boxes).max() < 0.1:
                    lures.setdefault(row["name"], []).append([*map(float, box), float(score)])
    return lures


def parts_in(out: Path, faces: Path, rows: list[dict]) -> dict[str, str]:
    """The split as it stands in OUT, made and written there the first time."""
    if (out / "split.json").exists():
        return json.loads((out / "split.json").read_text())
    parts = split_photos(faces, rows)
    (out / "split.json").write_text(json.dumps(parts))
    for part in ("test", "val", "left_out"):
        (out / f"{part}.txt").write_text("".join(f"{n}\n" for n, p in sorted(parts.items()) if p == part))
    return parts


def lures_in(out: Path, faces: Path, rows: list[dict]) -> dict[str, list]:
    """The lures of these photos as they stand in OUT, found and written there the first time."""
    if not (out / "lures.json").exists():
        (out / "lures.json").write_text(json.dumps(find_lures(faces, rows)))
    return json.loads((out / "lures.json").read_text())


def load_photos(
    faces: Path,
    rows: list[dict],
    parts: dict[str, str],
    lures: dict[str, list],
    taught: dict[str, np.ndarray],
    shares: dict[str, float] = SHARES,
):
    """The photos to train on, with their faces as `teach.py` has them. Within its source a photo counts by the surest
    of its lures."""
    from facetracker.data.compose.compose import Photo

    train = [row for row in rows if parts[row["name"]] == "train"]
    appeal = {row["name"]: 0.05 + max((lure[4] for lure in lures.get(row["name"], [])), default=0.0) for row in train}
    total = {source: sum(appeal[row["name"]] for row in train if row["source"] == source) for source in shares}
    photos = []
    for row in train:
        rows_of = taught[row["name"]]
        boxes, ignored, known = rows_of[:, :4], rows_of[:, 4] > 0, rows_of[:, 5] > 0
        points = np.where(known[:, None, None], rows_of[:, 6:].reshape(-1, 5, 2), np.nan).astype(np.float32)
        source = row["source"]
        photos.append(
            Photo(
                (faces / "images" / f"{row['name']}.jpg").read_bytes(),
                boxes,
                np.where(ignored, IGNORED, 0).astype(np.int32),
                weight=shares[source] * appeal[row["name"]] / total[source],
                pasteable=source == "muxspace_faces" and len(boxes) == 1 and not ignored[0],
                may_enlarge=source not in SMALL_FACES_UNLABELLED,
                lures=np.array(lures.get(row["name"], np.zeros((0, 5))), np.float32)[:, :4],
                points=points,
            )
        )
    return photos
