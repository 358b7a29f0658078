"""Train the starter's second look (facetracker/models/second_look.py): the small network that judges its candidates.

    python scripts/starter/train_second_look.py FACES OUT [--minutes N] [--again]

FACES and OUT as for train.py, whose split, sources and composed pictures it shares. The bundled starter
proposes places in composed pictures; whether there is a face, and where its box ends, is what is learnt. The starter
itself stays as it is. OUT gets second_look.npz, the averaged weights, every few minutes; the learning rate falls to
nothing within the minutes. `--again` starts from the bundled second look, not from nothing.
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
from photos import SHARES as STARTER_SHARES
from photos import SMALL_FACES_UNLABELLED, load_photos, lures_in, parts_in, read_rows
from train import RECIPE as STARTER_RECIPE
from train import read_taught

from facetracker.core.files import written_beside

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
RECIPE = {**STARTER_RECIPE, "mosaic": 0.6, "lookalike": 0.3, "cut_off": 0.2}
SIDE = 320
# Places the starter proposes in a picture of four views; those below the score are no face and known to be none.
PROPOSALS, LEAST_SCORE = 24, 0.04
EASY_SCORE, EASY_KEPT = 0.10, 0.3
# From the first overlap up a place shows a face, whose box it may correct; between the two nobody can say.
FACE_IOU, NO_FACE_IOU = 0.25, 0.12
# A corrected box that overlaps by the first is no face, by the second one without a doubt; in proportion between them.
USELESS_IOU, GOOD_IOU = 0.15, 0.5
BOX_SHARE = 0.5
# Of the places without a face, so many are shown upside down or lying: a scene has four times as many lookalikes then.
TURNED = 0.4
BATCH = 256
RATE = 2e-3


def write_proposer(path: Path) -> None:
    """The starter as a file that gives cuts, scores and boxes of the places it would look at again."""
    import keras

    from facetracker.models import FaceTracker
    from facetracker.models.second_look import SecondLook, SecondLookConfig

    tracker = FaceTracker("nano", "dense", classes=["face"], image_size=SIDE, weights="starter")
    look = SecondLook(SecondLookConfig(looks=PROPOSALS))
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
    """A worker's life: batches of cuts `(BATCH, S, S, 3)`, their scores, boxes, whether they show a face, its box."""
    from ai_edge_litert.interpreter import Interpreter

    from facetracker.core.boxes import iou
    from facetracker.data.compose.compose import Composer
    from facetracker.data.compose.recipe import ComposeRecipe

    parent = os.getppid()
    cv2.setNumThreads(1)
    composer = Composer(photos, seed * 100 + worker, ComposeRecipe(**RECIPE), cache_bytes=2 << 30)
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
        overlaps = iou(boxes, faces) if len(faces) else np.zeros((len(boxes), 1))
        overlap = overlaps.max(axis=1)
        true = faces[overlaps.argmax(axis=1)] if len(faces) else boxes
        unsure = iou(boxes, doubtful).max(axis=1) > 0.02 if len(doubtful) else np.zeros(len(boxes), bool)
        is_face = overlap >= FACE_IOU
        kept = is_face | ((overlap <= NO_FACE_IOU) & ~unsure)
        kept &= (scores >= LEAST_SCORE) & (is_face | (scores >= EASY_SCORE) | (random.random(len(scores)) < EASY_KEPT))
        for i in np.flatnonzero(~is_face & (random.random(len(cuts)) < TURNED)):
            cuts[i] = np.rot90(cuts[i], random.integers(1, 4))
        rows += [(cuts[i], scores[i], boxes[i], is_face[i], true[i]) for i in np.flatnonzero(kept)]
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


def train(faces: Path, out: Path, minutes: float, seed: int, workers: int, again: bool) -> None:
    out.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    rows = read_rows(faces)
    parts = parts_in(out, faces, rows)
    taught = read_taught(out / "taught.npz")
    rows = [row for row in rows if parts[row["name"]] == "train" and row["name"] in taught]
    lures = lures_in(out, faces, rows)
    proposer = out / "proposer.tflite"
    # In a process of its own: the workers are forked before TensorFlow has any threads.
    subprocess.run([sys.executable, __file__, str(faces), str(out), "--write-proposer"], check=True)
    photos = [p for p in load_photos(faces, rows, parts, lures, taught, SHARES) if p.weight]
    source = proposals(photos, proposer.read_bytes(), seed, workers)
    ready = next(source)
    del photos

    import keras
    import tensorflow as tf

    from facetracker.models import FaceTracker
    from facetracker.models.losses import box_similarity, pair_iou
    from facetracker.models.weights import LOOK, STARTER, put_arrays, read_arrays

    keras.utils.set_random_seed(seed)
    tracker = FaceTracker("nano", "dense", classes=["face"], second_look=True)
    if again:
        put_arrays(tracker, read_arrays(STARTER), STARTER, (LOOK,))
    look = tracker.second_look
    look.trainable = True
    optimizer = keras.optimizers.AdamW(RATE, weight_decay=0.02, clipnorm=5.0, use_ema=True, ema_momentum=0.999)
    variables = look.trainable_variables

    @tf.function
    def step(cuts, scores, boxes, is_face, true):
        is_face = tf.cast(is_face, tf.float32)
        with tf.GradientTape() as tape:
            logits, moves = look.judge(tf.cast(cuts, tf.float32), scores, boxes, training=True)
            corrected = boxes + moves * [-1.0, -1.0, 1.0, 1.0]
            overlap = tf.stop_gradient(pair_iou(corrected, true))
            useful = is_face * tf.clip_by_value((overlap - USELESS_IOU) / (GOOD_IOU - USELESS_IOU), 0.0, 1.0)
            doubt = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(useful, logits[:, 0]))
            faces = tf.maximum(tf.reduce_sum(is_face), 1.0)
            misfit = tf.reduce_sum((1.0 - box_similarity(true, corrected)) * is_face) / faces
            loss = doubt + BOX_SHARE * misfit
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        before = tf.reduce_sum(pair_iou(boxes, true) * is_face) / faces
        return tf.stack([doubt, misfit, before, tf.reduce_sum(overlap * is_face) / faces])

    begun = said = time.time()
    number, mean = 0, None
    while (share := (time.time() - begun) / (minutes * 60)) < 1:
        optimizer.learning_rate = RATE * min(1.0, (number + 1) / 300) * max(0.01, (1 + np.cos(np.pi * share)) / 2)
        losses = step(*(ready if not number else next(source))).numpy()
        number += 1
        mean = losses if mean is None else 0.995 * mean + 0.005 * losses
        if time.time() - said > 120:
            said = time.time()
            report(number, mean)
            save(tracker, optimizer, out)
    save(tracker, optimizer, out)
    report(number, mean)


def report(step: int, means) -> None:
    names = ("doubt", "misfit", "overlap_before", "overlap_after")
    row = {name: round(float(value), 4) for name, value in zip(names, means, strict=True)}
    print(time.strftime("%H:%M:%S"), {"step": step, **row}, flush=True)


def save(tracker, optimizer, out: Path) -> None:
    """Write the averaged weights."""
    from facetracker.models.weights import LOOK, arrays_of

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
    parser.add_argument("--again", action="store_true", help="start from the bundled second look")
    parser.add_argument("--write-proposer", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write_proposer:
        write_proposer(options.out / "proposer.tflite")
    else:
        train(options.faces, options.out, options.minutes, options.seed, options.workers, options.again)


if __name__ == "__main__":
    main()
