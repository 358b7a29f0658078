"""The tutorial's own recipe on any camera: is what is trained the same view of the world as what is run?

    python benchmarks/tutorial.py FOLDER ... --pipelines standard tutorial --backbone nano --epochs 25

Each folder is one person's photos with train, val and test. They are augmented, and a single head is trained from
nothing (no download) with both pipelines: `standard` makes whole frames, `tutorial` parts of 450 pixels. Then the
tracker is asked about the test photos as they are, and about test pictures made by the same pipeline, at the scale of
the training. The two mean overlaps should agree, and so should that of the validation during training. Writes
`tutorial.json`.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from pathlib import Path
from typing import Any

from facetracker import augment, evaluate, train
from facetracker.core import console
from facetracker.core.files import write_json

SIZES = {"nano": 192, "vgg16": 120}
OF_A_TEST_PHOTO = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--pipelines", nargs="+", default=["standard", "tutorial"])
    parser.add_argument("--backbone", choices=SIZES, default="nano")
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--variants", type=int, default=12, help="augmented pictures of each photo")
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--out", type=Path, default=Path("tutorial.json"))
    options = parser.parse_args()
    rows = []
    for folder in options.folders:
        for pipeline in options.pipelines:
            rows.append({"person": folder.name, "pipeline": pipeline, **measure(folder, pipeline, options)})
            console.say(" ".join(f"{key} {value}" for key, value in rows[-1].items()))
            write_json(options.out, rows)


def measure(folder: Path, pipeline: str, options: argparse.Namespace) -> dict[str, Any]:
    """One training: mean overlaps on whole test photos, on pictures as trained on, and on the val photos."""
    with tempfile.TemporaryDirectory() as place:
        began, pictures, asked = time.monotonic(), Path(place) / "aug_data", Path(place) / "asked"
        augment(folder, pictures, pipeline=pipeline, variants=options.variants)
        augment(folder, asked, pipeline=pipeline, variants=OF_A_TEST_PHOTO, seed=1, all_parts=True)
        changes = {
            "model.backbone": options.backbone,
            "model.image_size": SIZES[options.backbone],
            "model.weights": "none",
            "training.epochs": options.epochs,
            "training.learning_rate": options.learning_rate,
        }
        run = train(pictures, "vgg16", [f"{key}={value}" for key, value in changes.items()], "run", runs=place)
        with (run / "history.csv").open(newline="") as file:
            epochs = list(csv.DictReader(file))
        best = max(epochs, key=lambda row: float(row["val_mean_iou"]))
        return {
            "whole": _overlap(run, folder),
            "as_trained": _overlap(run, asked),
            "validation": round(float(best["val_mean_iou"]), 4),
            "best_epoch": int(best["epoch"]),
            "seconds": round(time.monotonic() - began),
        }


def _overlap(run: Path, data: Path) -> float:
    """Mean overlap of the surest box on the part `test`, whatever its score."""
    (result,) = evaluate(run, data, "test", threshold=0.01, gallery=0).models
    return round(float(result.scores.mean_iou), 4)


if __name__ == "__main__":
    main()
