"""What fine-tuning on one person's photos costs on everybody else's.

    python benchmarks/forgetting.py RUN... --own WEBCAM --photos FACES [--stems held_out.txt] [--start WEIGHTS]

RUN is a run folder of `train --preset nano`, or its model.keras. FACES are labelled photos of other people that no
training saw; WEBCAM the person's own (its partitions val and test are judged). A row each for the weights that
training started from, for every run, and for `--mix` shares of a run's weights with the rest from the start.

General: AP at IoU 0.4 with the longer side at 320. Own: mean IoU and AP at IoU 0.4 at the run's own image size.
The bar: at most 3 points of general AP lost, own mean IoU at least 0.91.
"""

from __future__ import annotations

import argparse
import fnmatch
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from measured import Row, write_rows

from facetracker.core.console import silenced, track
from facetracker.core.photo import read_picture
from facetracker.inference.detector import Detector, find_model
from facetracker.inference.engines.base import OUTPUT_NAMES, Engine, Outputs
from facetracker.inference.engines.keras import card_of
from facetracker.reports.evaluation.average_precision import precision
from facetracker.reports.evaluation.judged import JudgedPhoto
from facetracker.reports.evaluation.photos import LabelledPhotos, labelled_photos

FAINTEST = 0.02
GENERAL_SIDE = 320


class InMemory(Engine):
    """A Keras model as it is now; one trace for every size."""

    name = "keras"

    def __init__(self, model: Any):
        import tensorflow as tf

        self.card = card_of(model)
        self.constant = tf.constant
        signature = [tf.TensorSpec((None, None, None, 3), tf.uint8)]
        self.answer = tf.function(lambda pictures: model(pictures, training=False), input_signature=signature)

    def run(self, batch: np.ndarray) -> Outputs:
        outputs = self.answer(self.constant(batch))
        return {name: np.asarray(outputs[name], np.float32) for name in OUTPUT_NAMES[self.card.head]}


def judge(detector: Detector, photos: LabelledPhotos) -> list[JudgedPhoto]:
    """What the detector finds on every photo; every label counts as a face."""
    judged = []
    for sample in track(photos.samples, "photos"):
        found = detector.detect(read_picture(sample.photo))
        none = np.zeros(len(found), int)
        truth = np.zeros(len(sample), int)
        judged.append(
            JudgedPhoto(
                sample.stem,
                sample.width,
                sample.height,
                sample.boxes,
                truth,
                found.boxes,
                found.scores.clip(0, 1),
                none,
            )
        )
    return judged


def mean_iou(judged: Sequence[JudgedPhoto], threshold: float) -> float:
    """Of the best box at or above the threshold with the face it overlaps most, over the photos with a face."""
    from facetracker.core.boxes import iou

    found = []
    for photo in judged:
        if len(photo.truth):
            best = photo.boxes[photo.scores >= threshold][:1]  # best first
            found.append(float(iou(best, photo.truth).max()) if len(best) else 0.0)
    return float(np.mean(found))


def ap40(judged: Sequence[JudgedPhoto], group: str = "*") -> float:
    return precision([one for one in judged if fnmatch.fnmatch(one.name, group)], 1, ious=(0.4,)).average(0.4) or 0.0


def compare(options: argparse.Namespace) -> list[Row]:
    """The table, a row as soon as it is measured."""
    with silenced():
        from facetracker.models import FaceTracker
        from facetracker.models.loading import load_model
        from facetracker.models.weights import PARTS, arrays_of, put_arrays
    general = labelled_photos(options.photos)
    if options.stems:
        general = general.only(set(options.stems.read_text(encoding="utf-8").split()))
    own = [labelled_photos(options.own, partition) for partition in ("val", "test")]
    groups = options.group or []
    heads = ["all", *groups, "val IoU", "test IoU", "val AP40", "test AP40"]
    print(f"{'general AP40, own photos':<34}" + "".join(f"{head:>11}" for head in heads), flush=True)
    rows: list[Row] = []

    def show(name: str, model: Any, side: int) -> None:
        engine = InMemory(model)
        everybody = judge(Detector(engine, FAINTEST, image_size=GENERAL_SIDE), general)
        theirs = [judge(Detector(engine, FAINTEST, image_size=side), part) for part in own]
        values = [ap40(everybody), *(ap40(everybody, group) for group in groups)]
        values += [mean_iou(part, engine.card.threshold) for part in theirs] + [ap40(part) for part in theirs]
        print(f"{name:<34}" + "".join(f"{value:>11.4f}" for value in values), flush=True)
        rows.extend(Row(f"{name}: {head}", "", [value]) for head, value in zip(heads, values, strict=True))

    with silenced():
        starter = options.start == "starter"  # other weights may have no second look
        start = FaceTracker("nano", "dense", classes=["face"], weights=options.start, second_look=starter)
    began = arrays_of(start, PARTS)
    first = True
    for run in options.runs:
        with silenced():
            model = load_model(find_model(run))
        if first:
            show(f"start ({Path(options.start).stem})", start, model.image_size)
            first = False
        show(Path(run).stem if Path(run).stem != "model" else Path(run).parent.name, model, model.image_size)
        tuned = arrays_of(model, PARTS)
        for share in options.mix:
            put_arrays(model, {key: share * tuned[key] + (1 - share) * began[key] for key in tuned}, find_model(run))
            show(f"  {share:g} of it, {1 - share:g} start", model, model.image_size)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", help="run folders, or .keras files")
    parser.add_argument("--own", type=Path, required=True, help="the person's photos, split")
    parser.add_argument("--photos", type=Path, required=True, help="labelled photos of other people")
    parser.add_argument("--stems", type=Path, help="text file: only these photos (names without suffix)")
    parser.add_argument("--group", action="append", help="pattern of names reported apart; may be repeated")
    parser.add_argument("--start", default="starter", help="the weights that the runs started from")
    parser.add_argument("--mix", type=float, nargs="*", default=[], help="shares of the run's weights")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    write_rows(options.json, compare(options))


if __name__ == "__main__":
    main()
