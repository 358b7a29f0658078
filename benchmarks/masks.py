"""Mask or no mask on photos of people: two stages (a classifier behind the starter) and one (a tracker with classes).

    python benchmarks/masks.py FACES OUT [--split OUT_OF_STARTER/split.json] [--epochs 15] [--stage-epochs 8]

FACES is a folder with `images/`, `labels/` (labelme) and `sources.csv`; its photos `mask_*` are used. They are split as
the starter's training split them (near-duplicates together, `scripts/starter/train.py`): the networks begin with the
starter's weights, so a photo that the starter has seen could not test them. Everything lands in OUT: the crops, the
runs with their confusion matrices, the evaluation, and the figures as `figures.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

from facetracker.core.files import link_or_copy, read_json, write_json
from facetracker.data.crops import crops
from facetracker.exports import export
from facetracker.reports.evaluation import evaluate
from facetracker.training.classifier.train import train_classifier
from facetracker.training.fit import train

CLASSES = ("with_mask", "without_mask")
STAGE = ("training.samples_per_epoch=400", "training.val_pictures=40")


def lay_out(faces: Path, out: Path, parts: dict[str, str]) -> None:
    """The mask photos and their labels in train, val and test."""
    for photo in sorted((faces / "images").glob("mask_*")):
        part = parts[photo.stem]
        if part not in ("train", "val", "test"):  # the twin of a held-out photo
            continue
        link_or_copy(photo, out / part / "images" / photo.name)
        (out / part / "labels").mkdir(parents=True, exist_ok=True)
        shutil.copy(faces / "labels" / f"{photo.stem}.json", out / part / "labels")


def starters_split(faces: Path) -> dict[str, str]:
    """Every photo's part, as the starter's training has it."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "scripts" / "starter"))
    from photos import read_rows, split_photos

    return split_photos(faces, read_rows(faces))


def main() -> None:
    parser = argparse.ArgumentParser(description="mask or no mask, in two stages and in one")
    parser.add_argument("faces", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--split", type=Path, help="split.json of a starter's run, which saves making it again")
    parser.add_argument("--epochs", type=int, default=15, help="of the classifier")
    parser.add_argument("--stage-epochs", type=int, default=8, help="of the tracker with classes")
    arguments = parser.parse_args()
    faces, out = arguments.faces, arguments.out
    lay_out(faces, out / "data", read_json(arguments.split) if arguments.split else starters_split(faces))
    for line in crops(out / "data", out / "crops", classes=CLASSES, force=True).lines():
        print(line)
    runs = out / "runs"
    two = train_classifier(out / "crops", "nano", epochs=arguments.epochs, name="masks", runs=runs, force=True)
    changes = [*STAGE, f"training.epochs={arguments.stage_epochs}"]
    one = train(out / "data", "nano", changes, name="stage", runs=runs, force=True)
    exported = export(one, ["tflite"], force=True)[0].path
    found = evaluate(
        ["starter", exported], out / "data", "test", image_size=320, out=out / "evaluation", gallery=0, force=True
    )
    figures = {
        "two_stages": json.loads((two / "metrics.json").read_text()),
        "one_stage": {
            model.name: {
                "ap50": model.scores.ap50,
                "any_face_ap50": model.scores.any_face_ap50,
                "class_ap50": model.scores.class_ap50,
                "confusion": model.scores.confusion.counts,
            }
            for model in found.models
        },
    }
    write_json(out / "figures.json", figures)
    print(json.dumps({"two_stages": figures["two_stages"]["by_size"], "one_stage": figures["one_stage"]}, indent=2))


if __name__ == "__main__":
    main()
