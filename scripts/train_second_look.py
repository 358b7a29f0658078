"""Train the starter's second look (facetracker/model/second_look.py): the small network that judges its candidates.

    python scripts/train_second_look.py FACES OUT [--minutes N]

FACES and OUT as for train_starter.py, whose split, sources and composed pictures it shares. The bundled starter
proposes places in composed pictures; whether there is a face is what is learnt. The starter itself stays as it is. OUT
gets second_look.npz, the averaged weights, every few minutes; the learning rate falls to nothing within the minutes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from starter_photos import SHARES as STARTER_SHARES
from starter_photos import SMALL_FACES_UNLABELLED, load_photos, lures_in, parts_in, read_rows
from train_starter import RECIPE as STARTER_RECIPE

from facetracker.files import written_beside

# Faces where it is hard (masks, crowds), and much of what has none; what is easy teaches a judge nothing.
SHARES = STARTER_SHARES | {
    "ilc-2021": 0.34,
    "imagenet-sample": 0.20,
    "non-face-scenes": 0.12,
    "oleg_neg": 0.08,
    "bsds500": 0.04,
    "ytf_p1_keypoints": 0.05,
    "web_twfy": 0.03,
    # Tiny faces have no label there, and a judge must not learn that they are none.
    **dict.fromkeys(SMALL_FACES_UNLABELLED, 0.0),
}
RECIPE = {**STARTER_RECIPE, "mosaic": 0.6, "lookalike": 0.2}
SIDE = 320
# Places the starter proposes in a picture of four views; those below the score are no face and known to be none.
PROPOSALS, LEAST_SCORE = 24, 0.04
EASY_SCORE, EASY_KEPT = 0.10, 0.3
# From the first overlap up a place shows the face; between the two nobody can say.
FACE_IOU, NO_FACE_IOU = 0.35, 0.12
BATCH = 256
RATE = 2e-3


def write_proposer(path: Path) -> None:
    """The starter as a file that gives cuts, scores and boxes of the places it would look at again."""
    import keras

    from facetracker.model import FaceTracker
    from facetracker.model.second_look import SecondLook

    tracker = FaceTracker("nano", "dense", classes=["face"], image_size=SIDE, weights="starter")
    look = SecondLook(looks=PROPOSALS)
    look.build()

    class Propose(keras.layers.Layer):
        def call(self, pictures, outputs):
            scores, boxes = look.candidates(pictures, outputs)[:2]
            return {"cuts": look.cut(pictures, boxes), "scores": scores, "boxes": boxes}

    pictures = keras.Input((SIDE, SIDE, 3), dtype="uint8", name="pictures")
    graph = keras.Model(pictures, Propose()(pictures, tracker(pictures, training=False)))
    graph(np.zeros((1, SIDE, SIDE, 3), np.uint8))
    graph.export(str(path), format="litert", verbose=False)


def propose(photos, proposer: bytes, seed: int, worker: int, queue) -> None:
    """A worker's life: batches of cuts `(BATCH, S, S, 3)`, their scores, boxes and whether they show a face."""
    from ai_edge_litert.interpreter import Interpreter

    from facetracker.boxes import iou
    from facetracker.dataset.compose import Composer, Recipe

    parent = os.getppid()
    cv2.setNumThreads(1)
    composer = Composer(photos, seed * 100 + worker, Recipe(**RECIPE), cache_bytes=2 << 30)
    net = Interpreter(model_content=proposer, num_threads=1)
    run = net.get_signature_runner()
    random = np.random.default_rng([seed, worker])
    rows: list[tuple] = []
    number = 0
    while os.getppid() == parent:
        picture, truth, classes = composer.compose(number, SIDE)
        number += 1
        answer = run(pictures=picture[None])
        scores, boxes = answer["scores"][0], answer["boxes"][0]
        cuts = answer["cuts"].astype(np.uint8)
        faces, doubtful = truth[classes >= 0] * SIDE, truth[classes < 0] * SIDE
        overlap = iou(boxes, faces).max(axis=1) if len(faces) else np.zeros(len(boxes))
        unsure = iou(boxes, doubtful).max(axis=1) > 0.02 if len(doubtful) else np.zeros(len(boxes), bool)
        is_face = overlap >= FACE_IOU
        kept = is_face | ((overlap <= NO_FACE_IOU) & ~unsure)
        kept &= (scores >= LEAST_SCORE) & (is_face | (scores >= EASY_SCORE) | (random.random(len(scores)) < EASY_KEPT))
        rows += [(cuts[i], scores[i], boxes[i], is_face[i]) for i in np.flatnonzero(kept)]
        if len(rows) >= 8 * BATCH:  # mixed, so that one picture's places do not all come in one batch
            order = random.permutation(len(rows))
            for first in range(0, len(rows) - BATCH + 1, BATCH):
                batch = [rows[i] for i in order[first : first + BATCH]]
                queue.put([np.stack(part) for part in zip(*batch, strict=True)])
            rows = []


def proposals(photos, proposer: bytes, seed: int, workers: int):
    """An endless generator of batches, made by other processes."""
    context = multiprocessing.get_context("fork")
    queue = context.Queue(32)
    for worker in range(workers):
        context.Process(target=propose, args=(photos, proposer, seed, worker, queue), daemon=True).start()
    while True:
        yield queue.get()


def train(faces: Path, out: Path, minutes: float, seed: int, workers: int) -> None:
    out.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    rows = read_rows(faces)
    parts = parts_in(out, faces, rows)
    lures = lures_in(out, faces, [row for row in rows if parts[row["name"]] == "train"])
    proposer = out / "proposer.tflite"
    # In a process of its own: the workers are forked before TensorFlow has any threads.
    subprocess.run([sys.executable, __file__, str(faces), str(out), "--write-proposer"], check=True)
    photos = [p for p in load_photos(faces, rows, parts, lures, SHARES) if p.weight]
    source = proposals(photos, proposer.read_bytes(), seed, workers)
    ready = next(source)
    del photos

    import keras
    import tensorflow as tf

    from facetracker.model import FaceTracker

    keras.utils.set_random_seed(seed)
    tracker = FaceTracker("nano", "dense", classes=["face"], second_look=True)
    look = tracker.second_look
    look.trainable = True
    optimizer = keras.optimizers.AdamW(RATE, weight_decay=0.02, clipnorm=5.0, use_ema=True, ema_momentum=0.999)
    variables = look.trainable_variables

    @tf.function
    def step(cuts, scores, boxes, is_face):
        with tf.GradientTape() as tape:
            logits = look.judge(tf.cast(cuts, tf.float32), scores, boxes, training=True)[:, 0]
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(tf.cast(is_face, tf.float32), logits))
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    begun = said = time.time()
    number, mean = 0, 0.0
    while (share := (time.time() - begun) / (minutes * 60)) < 1:
        optimizer.learning_rate = RATE * min(1.0, (number + 1) / 300) * max(0.01, (1 + np.cos(np.pi * share)) / 2)
        loss = float(step(*(ready if not number else next(source))))
        number += 1
        mean = loss if number == 1 else 0.995 * mean + 0.005 * loss
        if time.time() - said > 120:
            said = time.time()
            print(time.strftime("%H:%M:%S"), {"step": number, "loss": round(mean, 4)}, flush=True)
            save(tracker, optimizer, out)
    save(tracker, optimizer, out)
    print(time.strftime("%H:%M:%S"), {"step": number, "loss": round(mean, 4)}, flush=True)


def save(tracker, optimizer, out: Path) -> None:
    """Write the averaged weights."""
    from facetracker.model.weights import LOOK, arrays_of

    look = tracker.second_look
    live = look.get_weights()
    optimizer.finalize_variable_values(look.trainable_variables)
    with written_beside(out / "second_look.npz") as part:
        np.savez(part, **arrays_of(tracker, (LOOK,)))
    look.set_weights(live)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=45)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write-proposer", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write_proposer:
        write_proposer(options.out / "proposer.tflite")
    else:
        train(options.faces, options.out, options.minutes, options.seed, options.workers)


if __name__ == "__main__":
    main()
