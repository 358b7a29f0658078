"""Does a tracker know its own photos from other people's? One person at a time, by how familiar pictures are to it.

    python benchmarks/familiar.py FILM... --others FACES [--stems held_out.txt] [--own AUGMENTED --photos WEBCAM]

Of each film the first half is learnt from, as light crops of its frames, and the last 30 % are looked at whole; of
`--own` the training pictures of an augmented set are learnt from, and the val and test photos of `--photos` looked at.
FACES are labelled photos of other people. Shares of pictures that count as familiar (0.5 and more), at the size the
preset nano trains at and at that of the starter.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from measured import Row, write_rows

from facetracker.capture.source import open_source
from facetracker.core.console import silenced
from facetracker.core.photo import Picture, read_picture
from facetracker.inference.detector import Detector
from facetracker.reports.evaluation.photos import labelled_photos

SIZE, SIDES = 192, (192, 320)
CROPS, SMALLEST_CROP = 400, 0.7
FAMILIAR = 0.5


def frames_of(film: Path) -> list[Picture]:
    with open_source(film) as source:
        return [frame.picture for frame in source]


def crops(frames: list[Picture], random: np.random.Generator) -> Iterator[Picture]:
    """Square crops of random frames, as `augment` makes them."""
    for _ in range(CROPS):
        frame = frames[random.integers(len(frames))]
        height, width = frame.shape[:2]
        size = int(min(height, width) * random.uniform(SMALLEST_CROP, 1))
        top, left = random.integers(0, height - size + 1), random.integers(0, width - size + 1)
        yield np.ascontiguousarray(frame[top : top + size, left : left + size])


def means(tracker: Any, pictures: Iterable[Picture], side: int) -> np.ndarray:
    """Feature means `(N, C)` of pictures as the detector sees them with the longer side at `side`."""
    from facetracker.models.familiarity import means_of

    detector = Detector(image_size=side)
    return np.concatenate([means_of(tracker, detector.prepare(picture)[0][None]) for picture in pictures])


def compare(options: argparse.Namespace) -> list[Row]:
    with silenced():
        from facetracker.core.settings import load_settings
        from facetracker.models import FaceTracker
        from facetracker.training.familiar import feature_means
        from facetracker.training.photos import read_photos
    tracker = FaceTracker("nano", "dense", classes=["face"], weights="starter", two_heads=True)
    others = labelled_photos(options.others)
    if options.stems:
        others = others.only(set(options.stems.read_text(encoding="utf-8").split()))
    people = [sample.photo for sample in others.samples if len(sample)]
    theirs = {side: means(tracker, map(read_picture, people), side) for side in SIDES}
    rows: list[Row] = []
    print(f"{'learnt from':<14}{'apart':>7}" + "".join(f"{f'own, {s}':>10}{f'others, {s}':>13}" for s in SIDES))

    def show(name: str, learnt: np.ndarray, looked_at: list[Picture]) -> None:
        apart = tracker.familiarity.learn(learnt)
        shares = []
        for side in SIDES:
            own = means(tracker, looked_at, side)
            shares += [share_familiar(tracker, own), share_familiar(tracker, theirs[side])]
        print(f"{name:<14}{apart!s:>7}" + "".join(f"{shares[i]:>10.3f}{shares[i + 1]:>13.3f}" for i in (0, 2)))
        names = [f"{whose}, {side}" for side in SIDES for whose in ("own", "others")]
        rows.extend(Row(f"{name}: {which}", "", [share]) for which, share in zip(names, shares, strict=True))

    if options.own:
        pool = read_photos(options.own, load_settings("nano")).train
        photos = [sample.photo for part in ("val", "test") for sample in labelled_photos(options.photos, part).samples]
        show("the webcam", feature_means(tracker, pool, 0), [read_picture(photo) for photo in photos])
    for film in options.films:
        frames = frames_of(film)
        learnt = means(tracker, crops(frames[: len(frames) // 2], np.random.default_rng(0)), SIZE)
        show(film.stem, learnt, frames[int(len(frames) * 0.7) :])
    return rows


def share_familiar(tracker: Any, feature_means: np.ndarray) -> float:
    return float((np.asarray(tracker.familiarity(feature_means[:, None, None])) >= FAMILIAR).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("films", nargs="*", type=Path, help="films of one person each")
    parser.add_argument("--others", type=Path, required=True, help="labelled photos of other people")
    parser.add_argument("--stems", type=Path, help="text file: only these photos of theirs (names without suffix)")
    parser.add_argument("--own", type=Path, help="an augmented set of one person's photos")
    parser.add_argument("--photos", type=Path, help="the photos that it was made from, split")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    write_rows(options.json, compare(options))


if __name__ == "__main__":
    main()
