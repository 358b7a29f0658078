"""The write-up's Haar cascade beside the starter: who finds more faces, who sees some where none are, how fast.

    python benchmarks/haar.py FACES [--photos 300] [--json FILE]

It needs an OpenCV with cascades: opencv-python 4, in an environment of its own (OpenCV 5, which the package is made
for, has none). FACES is a folder with `images/` and `labels/` (labelme); of the photos `fddb_*`, `mask_*` and
`none_sc_*` every so many are looked at: faces labelled by people, and pictures without any. A face is found when a box
covers it by half (IoU 0.5); the cascade's boxes lie more closely than labels do, so 0.3 is told as well.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import cv2
import numpy as np
from measured import Row, write_rows

from facetracker.core import boxes as box_arithmetic
from facetracker.core.photo import read_picture
from facetracker.inference.detector import Detector
from facetracker.inference.haar import HaarDetector
from facetracker.labels.labelme import read_labels

GROUPS = ("fddb", "mask", "none_sc")
CLEAR = 32  # pixels of the shorter side: smaller faces neither count nor spoil


def main() -> None:
    parser = argparse.ArgumentParser(description="the Haar cascade beside the starter")
    parser.add_argument("faces", type=Path)
    parser.add_argument("--photos", type=int, default=300, help="of each group, at most")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    ways = {
        "haar, a quarter": HaarDetector(),
        "haar, whole": HaarDetector(shrink=1),
        "starter": Detector.load(threads=1),
    }
    rows = []
    print(f"OpenCV {cv2.__version__}, one thread; faces of {CLEAR} pixels and more")
    for group in GROUPS:
        labels = sorted((arguments.faces / "labels").glob(f"{group}_*.json"))
        labels = [labels[int(i)] for i in np.linspace(0, len(labels) - 1, min(arguments.photos, len(labels)))]
        photos = [read_labels(path, arguments.faces / "images" / f"{path.stem}.jpg") for path in labels]
        pictures = [read_picture(one.photo) for one in photos]
        for name, detector in ways.items():
            faces, found, false, times = 0, {0.5: 0, 0.3: 0}, 0, []
            for one, picture in zip(photos, pictures, strict=True):
                began = time.perf_counter()
                boxes = detector.detect(picture).boxes
                times.append(time.perf_counter() - began)
                sides = box_arithmetic.sizes(one.boxes) * (one.width, one.height)
                overlaps = box_arithmetic.iou(one.boxes, boxes)
                clear = sides.min(axis=1) >= CLEAR if len(sides) else np.zeros(0, bool)
                best = overlaps.max(axis=1) if len(boxes) and len(one.boxes) else np.zeros(len(one.boxes))
                faces += int(clear.sum())
                for least in found:
                    found[least] += int((best[clear] >= least).sum())
                false += int((overlaps.max(axis=0) < 0.3).sum()) if len(one.boxes) else len(boxes)
            shares = {least: count / faces if faces else None for least, count in found.items()}
            line = f"{group:8} {name:16} {len(photos)} photos, {faces} faces, {false} boxes on none"
            if faces:
                line += f", found {shares[0.5]:.1%} (at 0.3: {shares[0.3]:.1%})"
            print(f"{line}, {1000 * statistics.median(times):.1f} ms")
            rows.append(Row(f"{group}, {name}: boxes on no face", "boxes", [float(false)]))
            rows.append(Row(f"{group}, {name}", "s a photo", times))
            rows += [Row(f"{group}, {name}: found at {k}", "share", [v]) for k, v in shares.items() if v is not None]
    write_rows(arguments.json, rows)


if __name__ == "__main__":
    main()
