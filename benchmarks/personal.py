"""How good is a tracker that `learn` makes of a few photos? For any number of people's folders.

    python benchmarks/personal.py FOLDER ... --photos 1 2 3 5 10 20 all --draws 3 --out personal

Each folder is one person's: `train`, `val`, `test` as `split` makes them, or the tutorial's. From train and val so many
photos are drawn at random, learnt from, and the tracker is asked about all of test: mean overlap of the surest box
(0 where none is), the share of overlaps of 0.75 and more, the share found at the threshold that the tracker came with,
seconds. Beside it the starter, and the style alone. Writes `personal.json` and `personal.png`; what stands in
`personal.json` already is not measured again, so a run that was stopped goes on, and draws can be added.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from facetracker.core import console
from facetracker.core.boxes import Boxes
from facetracker.core.example import Example
from facetracker.core.faces import Faces
from facetracker.core.files import read_json, write_json
from facetracker.core.photo import read_picture
from facetracker.inference.detector import Detector
from facetracker.labels.collection import Collection
from facetracker.labels.labelme import write_labels
from facetracker.personal.learn import FEWEST, learn
from facetracker.personal.teacher import overlaps_at

FAINTEST = 0.05
WAYS = ("starter", "style", "learn")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--photos", nargs="+", default=["5", "all"], help="numbers of photos to learn from, or all")
    parser.add_argument("--draws", type=int, default=3, help="random draws of so many photos")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--out", type=Path, default=Path("personal"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    kept = options.out / "personal.json"
    rows: list[dict[str, Any]] = read_json(kept) if kept.is_file() else []
    measured = {_key(row) for row in rows}
    for folder in options.folders:
        known = [example for example in Collection.open(folder) if len(example)]
        test = [example for example in known if example.part == "test"]
        usable = [example for example in known if example.part != "test"]
        for count in options.photos:
            draws = 1 if count == "all" else options.draws
            for draw in range(draws):
                chosen = usable if count == "all" else random.Random(draw).sample(usable, min(int(count), len(usable)))
                for way in options.ways:
                    what = {"person": folder.name, "photos": count, "draw": draw, "way": way}
                    if _key(what) in measured:
                        continue
                    rows.append(what | measure(way, chosen, test))
                    console.say(" ".join(f"{key} {value}" for key, value in rows[-1].items()))
                    write_json(kept, rows)
    table(rows)
    draw_curves(rows, options.out / "personal.png")


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("person", "photos", "draw", "way"))


def measure(way: str, photos: list[Example], test: list[Example]) -> dict[str, Any]:
    """One way on one draw of photos: scores on the test photos and the seconds that learning took."""
    with tempfile.TemporaryDirectory() as place:
        began, model = time.monotonic(), None
        if way != "starter":
            data = Path(place) / "data"
            for sample in photos:
                (data / "images").mkdir(parents=True, exist_ok=True)
                photo = Path(shutil.copy(sample.photo, data / "images" / sample.photo.name))
                own = Example(photo, sample.width, sample.height, sample.boxes, sample.labels)
                write_labels(data / "labels" / f"{photo.stem}.json", own)
            instant = way == "style" or len(photos) < FEWEST
            model = learn(data, instant=instant, runs=Path(place) / "runs").run
        seconds = time.monotonic() - began
        return {**scores(Detector.load(model), test), "seconds": round(seconds, 1)}


def scores(detector: Detector, test: list[Example]) -> dict[str, float]:
    """Mean overlap of the surest box, the share of 0.75 and more, the share found at the detector's threshold."""
    overlaps, found, second = [], [], []
    for sample in test:
        faces = detector.detect(read_picture(sample.photo), FAINTEST)
        best = surest_overlap(faces, sample.boxes)
        shown = int((faces.scores >= detector.threshold).sum())
        overlaps.append(best)
        found.append(shown > 0 and best > 0.3)
        second.append(shown > len(sample))
    return {
        "overlap": round(float(np.mean(overlaps)), 4),
        "ap75": round(float(np.mean(np.array(overlaps) >= 0.75)), 4),
        "found": round(float(np.mean(found)), 4),
        "second_boxes": round(float(np.mean(second)), 4),
    }


def surest_overlap(faces: Faces, boxes: Boxes) -> float:
    """The overlap of the surest box with the face of `boxes` `(N, 4)` that it fits best; 0 where nothing is found."""
    return float(overlaps_at(faces.boxes[:1], boxes).max())


def table(rows: list[dict[str, Any]]) -> None:
    """Means over people, with the spread between draws, for each number of photos and way."""
    groups = defaultdict(list)
    for row in rows:
        groups[row["photos"], row["way"]].append(row)
    console.say("photos  way      overlap (least)  0.75+   found   seconds")
    for (photos, way), members in groups.items():
        mean = {key: np.mean([row[key] for row in members]) for key in ("overlap", "ap75", "found", "seconds")}
        least = min(row["overlap"] for row in members)
        console.say(
            f"{photos:>6}  {way:8} {mean['overlap']:.3f} ({least:.3f})   {mean['ap75']:.3f}   {mean['found']:.3f}"
            f"   {mean['seconds']:.1f}"
        )


def draw_curves(rows: list[dict[str, Any]], path: Path) -> None:
    """A curve for each way: mean overlap over people against the number of photos, the people's range behind it."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    order = sorted({row["photos"] for row in rows}, key=lambda count: 10**6 if count == "all" else int(count))
    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    for way in WAYS:
        groups = {
            count: [row["overlap"] for row in rows if row["photos"] == count and row["way"] == way] for count in order
        }
        places = [place for place, count in enumerate(order) if groups[count]]
        if places:
            known = [groups[order[place]] for place in places]
            line = axes.plot(places, [np.mean(values) for values in known], marker="o", label=way)[0]
            low, high = [min(values) for values in known], [max(values) for values in known]
            axes.fill_between(places, low, high, alpha=0.12, color=line.get_color())
    axes.set_xticks(range(len(order)), order)
    axes.set(xlabel="labelled photos", ylabel="mean overlap on test photos", ylim=(0.2, 1.0))
    axes.legend()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
