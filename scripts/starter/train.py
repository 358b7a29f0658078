"""Train the starter: the tracker that comes with the package. docs/starter.md says what, why and how well.

    python scripts/starter/train.py FACES OUT [--minutes N]

FACES holds images/, labels/ (labelme) and sources.csv (name, source, labels_by, ...). OUT gets last.keras (weights,
averaged weights, optimizer, step), ema.weights.h5, log.csv and the lists of held-out photos. Started again on the
same OUT it goes on where it was. OUT/control.json, {"decay_from": s, "decay_to": s} in seconds since 1970, says when
the learning rate falls to zero: the end can be chosen while it runs.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from pathlib import Path

import cv2
import numpy as np
from photos import load_photos, lures_in, parts_in, read_faces, read_rows

# Side, pictures a batch (about the same number of pixels each), how often.
SIDES = ((160, 64, 0.1), (192, 44, 0.25), (224, 32, 0.3), (256, 24, 0.2), (320, 16, 0.15))
MOST_FACES = 20
# Masks in crowds lagged behind: smaller faces than the photos show by themselves.
RECIPE = {"lookalike": 0.15, "usual_shift": -0.1, "largest_face": 0.5, "smallest_face": 8.0}
STEPS_A_ROUND = 100
# What it is judged on while it trains: photos of these sources that are held out, at this longer side.
GROUPS = {"fddb": ("fddb-a", "fddb-b"), "mask": ("ilc-2021",), "none": ("non-face-scenes", "imagenet-sample")}
JUDGED_SIDE = 320
FAINTEST, SHOWN = 0.02, 0.5  # scores from which boxes count for AP, and as false alarms


def compose_batches(photos, seed: int, first: int, step: int, queue) -> None:
    """A worker's life: batch `first`, `first + step`, ... into the queue."""
    from facetracker.data.compose.compose import Composer, pad_targets
    from facetracker.data.compose.recipe import ComposeRecipe

    parent = os.getppid()
    composer = Composer(photos, seed, ComposeRecipe(**RECIPE), cache_bytes=3 << 30)
    odds = np.cumsum([share for _, _, share in SIDES])
    number = first
    while os.getppid() == parent:
        side, size, _ = SIDES[int(np.searchsorted(odds, np.random.default_rng([seed, number]).random() * odds[-1]))]
        made = [composer.compose(number * 64 + i, side) for i in range(size)]
        pictures, boxes, classes = zip(*made, strict=True)
        queue.put((np.stack(pictures), pad_targets(boxes, classes, MOST_FACES)))
        number += step


def batches(photos, seed: int, first: int, workers: int):
    """An endless generator of batches, composed by other processes."""
    context = multiprocessing.get_context("fork")
    queues = [context.Queue(4) for _ in range(workers)]
    for w, queue in enumerate(queues):
        context.Process(target=compose_batches, args=(photos, seed, first + w, workers, queue), daemon=True).start()
    while True:
        for queue in queues:
            yield queue.get()


# --- judging on the way -------------------------------------------------------------------------------------------


def judge(model: Path, faces: Path, rows: list[dict], parts: dict[str, str], part: str) -> dict[str, float]:
    """A model file on the held-out photos of one part: AP at IoU 0.4 and 0.5 of every group with faces, and the number
    of false alarms of the group without."""
    from facetracker.inference.detector import Detector
    from facetracker.reports.evaluation.average_precision import precision
    from facetracker.reports.evaluation.judged import JudgedPhoto
    from facetracker.reports.evaluation.operating import false_alarms

    detector = Detector.load(model, FAINTEST, image_size=JUDGED_SIDE)
    scores: dict[str, float] = {}
    for group, sources in GROUPS.items():
        judged = []
        for name in (row["name"] for row in rows if row["source"] in sources and parts[row["name"]] == part):
            picture = cv2.imread(str(faces / "images" / f"{name}.jpg"))
            truth = read_faces(faces / "labels" / f"{name}.json")
            found = detector.detect(picture)
            size, kinds = (found.width, found.height), np.zeros(len(truth), int)
            judged.append(JudgedPhoto(name, *size, truth, kinds, found.boxes, found.scores, found.classes))
        if sum(len(photo.truth) for photo in judged):
            table = precision(judged, 1, ious=(0.4, 0.5))
            scores |= {f"{group}_ap{iou * 100:.0f}": round(table.average(iou) or 0.0, 4) for iou in table.ious}
        else:
            scores[f"{group}_alarms"] = false_alarms(judged, SHOWN).boxes
    return scores


# --- training -----------------------------------------------------------------------------------------------------


def train(
    faces: Path,
    out: Path,
    minutes: float,
    rate: float,
    workers: int,
    seed: int,
    judge_minutes: float,
    weights: str,
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)  # before it starts threads of its own: the workers forked below would wait for them forever
    rows = read_rows(faces)
    parts = parts_in(out, faces, rows)
    lures = lures_in(out, faces, [row for row in rows if parts[row["name"]] == "train"])
    photos = load_photos(faces, rows, parts, lures)
    print(
        len(photos), "photos to train on;", {p: list(parts.values()).count(p) for p in set(parts.values())}, flush=True
    )
    # The workers are forked before TensorFlow has any threads.
    done = int((out / "step.txt").read_text()) if (out / "step.txt").exists() else 0
    source = batches(photos, seed, done, workers)
    ready = [next(source)]
    del photos

    import keras
    import tensorflow as tf

    from facetracker.models import FaceTracker

    if (out / "last.keras").exists():
        model = keras.models.load_model(out / "last.keras", compile=True)
    else:
        keras.utils.set_random_seed(seed)
        model = FaceTracker("nano", "dense", classes=["face"], weights=weights)
        optimizer = keras.optimizers.AdamW(rate, weight_decay=0.03, clipnorm=10.0, use_ema=True, ema_momentum=0.998)
        model.compile(optimizer, jit_compile=False)

    def stream():
        yield ready[0]
        yield from source

    spec = (
        tf.TensorSpec((None, None, None, 3), tf.uint8),
        {"boxes": tf.TensorSpec((None, MOST_FACES, 4)), "classes": tf.TensorSpec((None, MOST_FACES))},
    )
    data = tf.data.Dataset.from_generator(stream, output_signature=spec).prefetch(2)
    glue = _glue(keras, out, faces, rows, parts, rate, minutes, judge_minutes)
    model.fit(data, epochs=100000, steps_per_epoch=STEPS_A_ROUND, verbose=0, callbacks=[glue])


def _glue(keras, out: Path, faces: Path, rows, parts, rate: float, minutes: float, judge_minutes: float):
    class Glue(keras.callbacks.Callback):
        """Learning rate, checkpoints, scores on the validation photos, the end."""

        def on_train_begin(self, logs=None):
            self.begun = self.last_saved = self.last_judged = time.time()

        def on_train_batch_begin(self, batch, logs=None):
            step = int(self.model.optimizer.iterations)
            now, share = time.time(), min(1.0, (step + 1) / 300)
            control = out / "control.json"
            if batch % 10 == 0 and control.exists():
                plan = json.loads(control.read_text())
                self.plan = (plan["decay_from"], plan["decay_to"])
            start, end = getattr(self, "plan", (np.inf, np.inf))
            if now > start:
                share *= max(0.01, (end - now) / (end - start))
            self.model.optimizer.learning_rate = rate * share

        def on_epoch_end(self, epoch, logs=None):
            now = time.time()
            step = int(self.model.optimizer.iterations)
            row = {"minutes": (now - self.begun) / 60, "step": step, "rate": float(self.model.optimizer.learning_rate)}
            row.update({name: float(value) for name, value in (logs or {}).items()})
            print(time.strftime("%H:%M:%S"), {name: round(value, 4) for name, value in row.items()}, flush=True)
            over = now - self.begun > minutes * 60
            if now - self.last_saved > 200 or over:
                self.last_saved = now
                self.save(step)
            if now - self.last_judged > judge_minutes * 60 or over:
                self.last_judged = now
                self.judge(step)
            self.model.stop_training = over

        def save(self, step):
            self.model.save(out / "part.keras")
            os.replace(out / "part.keras", out / "last.keras")
            (out / "step.txt").write_text(str(step))

        def judge(self, step):
            live = self.model.get_weights()
            self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
            self.model.save_weights(out / "part.weights.h5")
            os.replace(out / "part.weights.h5", out / "ema.weights.h5")
            self.model.save(out / "judged.keras")
            self.model.set_weights(live)
            scores = judge(out / "judged.keras", faces, rows, parts, "val")
            print(time.strftime("%H:%M:%S"), "VAL", step, scores, flush=True)
            with (out / "val.jsonl").open("a") as file:
                file.write(json.dumps({"time": time.strftime("%H:%M:%S"), "step": step, **scores}) + "\n")

    return Glue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--judge-minutes", type=float, default=12)
    parser.add_argument("--weights", default="none", help="none, starter (the bundled ones), or a file")
    options = parser.parse_args()
    train(
        options.faces,
        options.out,
        options.minutes,
        options.rate,
        options.workers,
        options.seed,
        options.judge_minutes,
        options.weights,
    )


if __name__ == "__main__":
    main()
