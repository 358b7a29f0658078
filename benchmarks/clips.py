"""Films of one person: in how many frames is the face found, in how many is there a second box.

    python benchmarks/clips.py FILM... [--model MODEL] [--png SHEET]
    python benchmarks/clips.py FILM... --photos FACES --stems held_out.txt --group 'fddb_*' --group 'mask_*'

Every frame must show exactly one face, as the sign-language clips of shared/data/video do. Counted are the detector's
boxes for every overlap from which two boxes are one face (--nms) and for several score thresholds, and what a person
sees of `facetracker detect`, where faces are followed: they must be seen three times before they count, and survive
misses. With --photos the average precision on labelled photos stands beside it, because what is good for one face may
merge two in a crowd. The network runs once a frame; only the suppression differs.
"""

from __future__ import annotations

import argparse
import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from facetracker.capture.source import open_source
from facetracker.core.console import track
from facetracker.core.faces import Faces
from facetracker.core.photo import Picture, read_picture, write_png
from facetracker.inference.detector import Detector
from facetracker.inference.draw import Overlay
from facetracker.inference.tracking.follow import Follower
from facetracker.reports.evaluation.average_precision import precision
from facetracker.reports.evaluation.judged import JudgedPhoto
from facetracker.reports.evaluation.photos import labelled_photos

FAINTEST = 0.02  # score from which boxes count for average precision
CONFIRMED = 2  # frames at the start of a film: a follower shows nobody before the third
TILE = 320  # pixels, width of a frame on the sheet


def look(
    detector: Detector, picture: Picture, overlaps: Sequence[float], threshold: float | None = None
) -> list[Faces]:
    """The faces of one picture for each overlap of the suppression; the network runs once."""
    batch, places = detector.prepare(picture)
    outputs = detector.run(batch)
    found = []
    for overlap in overlaps:
        detector.iou_threshold = overlap
        found.append(detector.decode(outputs, 0, places, threshold))
    return found


@dataclass
class Counts:
    """One film: scores of the boxes in every frame for each overlap, followed faces in every frame, and one frame.

    `numbers` is how many numbers were given to faces.
    """

    scores: list[list[np.ndarray]]  # for each overlap, of each frame
    followed: list[int]
    numbers: int
    picture: Picture


def count(detector: Detector, film: str, overlaps: Sequence[float], default: float) -> Counts:
    """Look at every frame of a film."""
    with open_source(film) as source:
        follower = Follower(detector.threshold, source.fps)
        scores: list[list[np.ndarray]] = [[] for _ in overlaps]
        followed, numbers, pictures = [], set(), []
        for frame in source:
            answers = look(detector, frame.picture, [*overlaps, default], FAINTEST)
            for own, answer in zip(scores, answers, strict=False):
                own.append(np.sort(answer.scores)[::-1])
            found = answers[-1]
            seen = follower.update(found[found.scores >= follower.low_threshold], frame.time)
            numbers.update(face.id for face in seen)
            followed.append(len(seen))
            pictures.append((frame.picture, seen))
    picture, seen = pictures[len(pictures) // 2]
    drawn = picture.copy()
    Overlay(detector.classes, drawn.shape[1], drawn.shape[0]).faces(drawn, seen)
    return Counts(scores, followed, len(numbers), drawn)


def clips(
    detector: Detector, films: Sequence[str], overlaps: Sequence[float], thresholds: Sequence[float], png: Path | None
) -> None:
    """A row a film as it is followed, then over all films: found and second boxes by overlap and by threshold."""
    default = detector.card.iou_threshold
    counted = []
    print(f"{'followed':<20}{'frames':>8}{'face found %':>14}{'second box %':>14}{'ids':>5}")
    for film in films:
        one = count(detector, film, overlaps, default)
        counted.append(one)
        seen = np.array(one.followed[CONFIRMED:])
        print(f"{Path(film).name:<20}{len(seen):>8}{shares(seen >= 1, seen > 1)}{one.numbers:>5}")
    seen = np.concatenate([one.followed[CONFIRMED:] for one in counted])
    print(f"{'together':<20}{len(seen):>8}{shares(seen >= 1, seen > 1)}")
    print(f"\n{'detector alone':<28}{'face found %':>14}{'second box %':>14}")
    for row, overlap in enumerate(overlaps):
        frames = [scores for one in counted for scores in one.scores[row]]
        print(
            f"{f'nms {overlap:g}, threshold {detector.threshold:g}':<28}{found_and_second(frames, detector.threshold)}"
        )
    frames = [scores for one in counted for scores in one.scores[nearest(overlaps, default)]]
    for threshold in thresholds:
        print(f"{f'nms {default:g}, threshold {threshold:g}':<28}{found_and_second(frames, threshold)}")
    if png is not None:
        tiles = [one.picture for one in counted]
        print(write_png(png, sheet([cv2.resize(t, (TILE, round(t.shape[0] * TILE / t.shape[1]))) for t in tiles])))


def found_and_second(frames: Sequence[np.ndarray], threshold: float) -> str:
    counts = np.array([(scores >= threshold).sum() for scores in frames])
    return shares(counts >= 1, counts > 1)


def shares(found: np.ndarray, second: np.ndarray) -> str:
    return f"{found.mean() * 100:>14.2f}{second.mean() * 100:>14.2f}"


def nearest(overlaps: Sequence[float], default: float) -> int:
    return int(np.abs(np.array(overlaps) - default).argmin())


def sheet(tiles: Sequence[Picture], columns: int = 4) -> Picture:
    """Tiles of one size side by side."""
    tiles = [*tiles, *[np.zeros_like(tiles[0])] * (-len(tiles) % columns)]
    return np.vstack([np.hstack(tiles[row : row + columns]) for row in range(0, len(tiles), columns)])


def photos(
    detector: Detector, folder: Path, stems: Path | None, groups: Sequence[str], overlaps: Sequence[float]
) -> None:
    """Average precision at IoU 0.4 and 0.5 of every group for each overlap of the suppression."""
    found = labelled_photos(folder)
    if stems is not None:
        found = found.only(set(stems.read_text(encoding="utf-8").split()))
    judged: list[list[JudgedPhoto]] = [[] for _ in overlaps]
    for sample in track(found.examples, "photos"):
        answers = look(detector, read_picture(sample.photo), overlaps, FAINTEST)
        for own, (boxes, scores, _) in zip(judged, answers, strict=True):
            nothing, none = np.zeros(len(boxes), int), np.zeros(len(sample), int)
            own.append(
                JudgedPhoto(
                    sample.stem, sample.width, sample.height, sample.boxes, none, boxes, scores.clip(0, 1), nothing
                )
            )
    print(f"\n{'AP at IoU 0.4, 0.5':<24}" + "".join(f"{group:>18}" for group in groups))
    for overlap, own in zip(overlaps, judged, strict=True):
        cells = []
        for group in groups:
            table = precision([one for one in own if fnmatch.fnmatch(one.name, group)], 1, ious=(0.4, 0.5))
            cells.append(f"{table.average(0.4) or 0:.4f}  {table.average(0.5) or 0:.4f}".rjust(18))
        print(f"nms {overlap:<20g}" + "".join(cells))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("films", nargs="*", help="films in which every frame shows one face")
    parser.add_argument("--model", help="model file; default: the starter")
    parser.add_argument("--nms", type=float, nargs="+", default=[0.3, 0.35, 0.4, 0.45, 0.5])
    parser.add_argument("--thresholds", type=float, nargs="+", default=[0.4, 0.45, 0.5, 0.55, 0.6])
    parser.add_argument("--png", type=Path, help="a frame of every film with its boxes, as one picture")
    parser.add_argument("--photos", type=Path, help="folder of labelled photos")
    parser.add_argument("--stems", type=Path, help="text file: only these photos (names without suffix)")
    parser.add_argument("--group", action="append", help="pattern of names reported apart; may be repeated")
    given = parser.parse_args()
    detector = Detector.load(given.model, threads=1)
    if given.films:
        clips(detector, given.films, given.nms, given.thresholds, given.png)
    if given.photos:
        photos(detector, given.photos, given.stems, given.group or ["*"], given.nms)


if __name__ == "__main__":
    main()
