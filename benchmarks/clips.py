"""Films of one person: in how many frames is the face found, in how many is there a second box.

    python benchmarks/clips.py FILM... [--model MODEL] [--png SHEET]
    python benchmarks/clips.py FILM... --photos FACES --stems held_out.txt --group 'fddb_*' --group 'mask_*'

Every frame must show exactly one face, as the sign-language clips of shared/data/video do. Counted are the detector's
boxes at the model's threshold for every overlap from which two boxes are one face (--nms), and what a person sees of
`facetracker detect`, where faces are followed: they must be seen twice before they count, and survive short misses.
With --photos the average precision on labelled photos stands beside it, because what is good for one face may merge
two in a crowd. The network runs once a frame; only the suppression differs.
"""

from __future__ import annotations

import argparse
import fnmatch
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from facetracker.capture.source import open_source
from facetracker.console import track
from facetracker.evaluation.average_precision import precision
from facetracker.evaluation.judged import Judged
from facetracker.evaluation.photos import labelled_photos
from facetracker.pictures import Picture, read_picture, write_png
from facetracker.runtime.detections import as_detections
from facetracker.runtime.detector import Detector
from facetracker.runtime.draw import Overlay
from facetracker.runtime.follow import Follower

FAINTEST = 0.02  # score from which boxes count for average precision
TILE = 320  # pixels, width of a frame on the sheet


def look(detector: Detector, picture: Picture, overlaps: Sequence[float], threshold: float | None = None) -> list:
    """Boxes, scores and classes of one picture for each overlap of the suppression; the network runs once."""
    batch, place = detector.prepare(picture)
    outputs = detector.engine.run(batch[None])
    found = []
    for overlap in overlaps:
        detector.iou_threshold = overlap
        found.append(detector.decode(outputs, 0, place, threshold))
    return found


def count(detector: Detector, film: str, overlaps: Sequence[float], default: float) -> tuple[np.ndarray, int, Picture]:
    """`(frames, faces)` counts: for each overlap the boxes in every frame `(overlaps + 1, frames)`, last the followed
    faces; numbers given to faces; and a frame from the middle with its boxes drawn."""
    with open_source(film) as source:
        follower = Follower(detector.threshold, source.fps)
        rows, numbers, pictures = [], set(), []
        for frame in source:
            height, width = frame.picture.shape[:2]
            row = [len(one[0]) for one in look(detector, frame.picture, overlaps)]
            (faint,) = look(detector, frame.picture, [default], follower.low_threshold)
            seen = follower.update(as_detections(*faint, detector.classes, width, height), frame.time)
            numbers.update(seen.tracker_id.tolist())
            rows.append([*row, len(seen)])
            pictures.append((frame.picture, seen))
    picture, seen = pictures[len(pictures) // 2]
    drawn = picture.copy()
    Overlay(detector.classes, drawn.shape[1], drawn.shape[0]).faces(drawn, seen)
    return np.array(rows).T, len(numbers), drawn


def clips(detector: Detector, films: Sequence[str], overlaps: Sequence[float], png: Path | None) -> None:
    """Found and second boxes over all films, and a row a film for the default overlap."""
    default = detector.card.iou_threshold
    counts, tiles = [], []
    print(f"{'film':<20}{'frames':>8}{'face found %':>14}{'second box %':>14}{'ids':>5}   (followed)")
    for film in films:
        rows, numbers, picture = count(detector, film, overlaps, default)
        counts.append(rows[:, 2:])  # a follower shows nobody before the second frame
        seen = rows[-1, 2:]
        print(
            f"{Path(film).name:<20}{len(seen):>8}{(seen >= 1).mean() * 100:>14.2f}{(seen > 1).mean() * 100:>14.2f}"
            f"{numbers:>5}"
        )
        tiles.append(cv2.resize(picture, (TILE, round(picture.shape[0] * TILE / picture.shape[1]))))
    together = np.concatenate(counts, axis=1)
    print(f"\n{together.shape[1]} frames{'face found %':>25}{'second box %':>14}")
    names = [f"detector, nms {overlap:g}{' (card)' if overlap == default else ''}" for overlap in overlaps]
    for name, row in zip([*names, f"followed, nms {default:g}"], together, strict=True):
        print(f"{name:<24}{(row >= 1).mean() * 100:>14.2f}{(row > 1).mean() * 100:>14.2f}")
    if png is not None:
        print(write_png(png, sheet(tiles)))


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
    judged: list[list[Judged]] = [[] for _ in overlaps]
    for sample in track(found.samples, "photos"):
        answers = look(detector, read_picture(sample.photo), overlaps, FAINTEST)
        for own, (boxes, scores, _) in zip(judged, answers, strict=True):
            nothing, none = np.zeros(len(boxes), int), np.zeros(len(sample), int)
            own.append(
                Judged(sample.stem, sample.width, sample.height, sample.boxes, none, boxes, scores.clip(0, 1), nothing)
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
    parser.add_argument("--png", type=Path, help="a frame of every film with its boxes, as one picture")
    parser.add_argument("--photos", type=Path, help="folder of labelled photos")
    parser.add_argument("--stems", type=Path, help="text file: only these photos (names without suffix)")
    parser.add_argument("--group", action="append", help="pattern of names reported apart; may be repeated")
    given = parser.parse_args()
    detector = Detector(given.model, threads=1)
    if given.films:
        clips(detector, given.films, given.nms, given.png)
    if given.photos:
        photos(detector, given.photos, given.stems, given.group or ["*"], given.nms)


if __name__ == "__main__":
    main()
