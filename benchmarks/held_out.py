"""The starter's bars: how detectors do on photos of many kinds that were held out, beside each other.

    python benchmarks/held_out.py FACES starter [MODEL...] --stems OUT/test.txt --peers PEERS

FACES is the collection the starter is made from (images/, labels/, sources.csv); `--stems` names the held-out photos,
as `scripts/starter/train.py` writes them. Every detector of `peers.py` sees the same photos with the longer side at 320
and at 640 pixels. WIDER's faces that nobody could judge (flag `ignore`) count neither way. False alarms: boxes in 100
photos without a face, at the threshold that finds 0.9 of the faces with masks; in how many of these photos there is one
at a detector's own threshold (`--shown` for peers), and how many photos of one single face are answered at it.
Grey and blurred copies: WIDER again, without colour, and with a Gaussian of 1.2 pixels at the size that is looked at.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from peers import FAINTEST, Peer, peers_in

from facetracker.core.boxes import from_pixels, iou
from facetracker.core.files import write_json
from facetracker.core.photo import Picture, read_picture
from facetracker.inference.detector import Detector
from facetracker.reports.evaluation.average_precision import precision
from facetracker.reports.evaluation.judged import JudgedPhoto, pool
from facetracker.reports.evaluation.operating import threshold_for_recall

SIDES = (320, 640)
LEAST_SIDE = 16  # pixels of the photo
GROUPS = {"WIDER": "wider_", "FDDB": "fddb_", "masks": "mask_", "none": "none_"}
BLUR = 1.2


def read_truth(path: Path) -> tuple[int, int, np.ndarray, np.ndarray]:
    """Width, height, boxes `(N, 4)` normalised of a labelme file, and which are to be ignored `(N,)`."""
    content = json.loads(path.read_text())
    size = content["imageWidth"], content["imageHeight"]
    corners = [np.array(shape["points"], float) for shape in content["shapes"]]
    boxes = np.array([[*points.min(0), *points.max(0)] for points in corners]).reshape(-1, 4)
    ignored = np.array([bool((shape["flags"] or {}).get("ignore")) for shape in content["shapes"]], bool)
    return *size, from_pixels(boxes, *size), ignored


def changed(picture: Picture, how: str, side: int) -> Picture:
    """The photo as it is, without colour, or out of focus."""
    if how == "grey":
        return cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    if how == "blurred":
        return cv2.GaussianBlur(picture, (0, 0), BLUR * max(picture.shape[:2]) / side)
    return picture


def judge(peer: Peer, faces: Path, names: Sequence[str], side: int, how: str = "") -> list[JudgedPhoto]:
    """What the peer finds on these photos."""
    detect = peer.load(FAINTEST, 1, side)
    judged = []
    for name in names:
        width, height, truth, ignored = read_truth(faces / "labels" / f"{name}.json")
        boxes, scores = detect(changed(read_picture(faces / "images" / f"{name}.jpg"), how, side))
        kept = truth[~ignored]
        kinds = np.zeros(len(kept), int), np.zeros(len(boxes), int)
        judged.append(
            JudgedPhoto(
                name, width, height, kept, kinds[0], boxes, np.clip(scores, 0, 1), kinds[1], ignored=truth[ignored]
            )
        )
    return judged


def average(photos: Sequence[JudgedPhoto], overlap: float = 0.5) -> tuple[float, float]:
    """AP at an overlap over all faces, and over those of at least LEAST_SIDE pixels."""
    table = precision(photos, 1, ious=(overlap,), sizes={"large": (LEAST_SIDE**2, 1e10)}, pixels=True)
    return table.average(overlap) or 0.0, table.average(overlap, size="large") or 0.0


def single(photo: JudgedPhoto) -> bool:
    """Whether the photo shows one face, clearly: a tenth of its longer side or more."""
    side = np.sqrt((photo.truth[:, 2:] - photo.truth[:, :2]).prod(1) * photo.width * photo.height)
    return len(photo.truth) == 1 and not len(photo.ignored) and side[0] >= 0.1 * max(photo.width, photo.height)


def found(photo: JudgedPhoto, threshold: float) -> bool:
    shown = photo.boxes[photo.scores >= threshold]
    return bool(len(shown)) and bool(iou(photo.truth, shown).max() >= 0.4)


def row(peer: Peer, faces: Path, groups: dict[str, list[str]], shown: float) -> dict[str, float]:
    """All figures of one detector."""
    values: dict[str, float] = {}
    for side in SIDES:
        wider = judge(peer, faces, groups["WIDER"], side)
        values[f"WIDER {side} all"], values[f"WIDER {side} {LEAST_SIDE}+"] = average(wider)
    at = {group: judge(peer, faces, groups[group], SIDES[0]) for group in ("FDDB", "masks", "none", "WIDER")}
    values["FDDB"], values["masks"] = average(at["FDDB"])[0], average(at["masks"])[0]
    threshold = threshold_for_recall(pool(at["masks"], 0.4), 0.9)
    for kind in ("none", "none_sc"):
        empty = [photo for photo in at["none"] if photo.name.startswith(kind)]
        alarms = sum(int((photo.scores >= threshold).sum()) for photo in empty) if threshold is not None else np.nan
        values[f"{kind} alarms/100 at 0.9"] = 100 * alarms / len(empty)
    for how in ("grey", "blurred"):
        values[f"WIDER {SIDES[0]} {how}"] = average(judge(peer, faces, groups["WIDER"], SIDES[0], how))[0]
    alone = [photo for photo in at["FDDB"] + at["WIDER"] + at["masks"] if single(photo)]
    values["shown from"] = shown
    values["single faces found %"] = 100 * float(np.mean([found(photo, shown) for photo in alone]))
    values["single faces"] = len(alone)
    values["none with an alarm %"] = 100 * float(np.mean([bool((p.scores >= shown).any()) for p in at["none"]]))
    return values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=Path)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--stems", type=Path, required=True)
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--only", help="part of the names of the peers that are asked")
    parser.add_argument("--shown", type=float, default=0.6, help="the peers' own threshold")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    stems = options.stems.read_text().split()
    groups = {group: [stem for stem in stems if stem.startswith(start)] for group, start in GROUPS.items()}
    table = {}
    for peer in peers_in(options.peers, options.models):
        if options.only and options.only not in peer.name and peer.name not in options.models:
            continue
        ours = peer.name in options.models
        shown = Detector.load(peer.name).threshold if ours else options.shown
        table[peer.name] = row(peer, options.faces, groups, shown)
        print(peer.name, {key: round(value, 3) for key, value in table[peer.name].items()}, flush=True)
    for key in next(iter(table.values())):
        print(f"{key:26}" + "".join(f"{values[key]:12.3f}" for values in table.values()))
    if options.json:
        write_json(options.json, table)


if __name__ == "__main__":
    main()
