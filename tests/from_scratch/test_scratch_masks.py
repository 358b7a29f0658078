"""VGG6 tells mask from no mask on people it has not seen, as well as the same network in Keras."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from mask_crops import mask_crops

from facetracker import from_scratch as fs
from facetracker.from_scratch.photos import from_photos
from facetracker.from_scratch.trainer import mirror_half
from facetracker.models import classic

SIZE = 64
EPOCHS = 10
BATCH = 32


def keras_accuracy(start: list[np.ndarray], train: tuple, test: tuple) -> float:
    """The test accuracy of the twin after the same training: same start, same epochs, mirrored pictures."""
    keras.utils.set_random_seed(0)
    twin = classic.vgg6((SIZE, SIZE, 3), classes=2)
    twin.set_weights(start)
    twin.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    random = np.random.default_rng(0)

    def last(pictures: np.ndarray) -> np.ndarray:
        return pictures.transpose(0, 2, 3, 1)

    for _ in range(EPOCHS):
        twin.fit(last(mirror_half(train[0], random)), train[1], batch_size=BATCH, epochs=1, verbose=0)
    scores = twin.predict(last(test[0]), verbose=0)
    return float((scores.argmax(axis=1) == test[1]).mean())


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.study
@pytest.mark.timeout(1800)
def test_numpys_vgg6_is_as_good_as_kerass(shared: Path, one_thread: None) -> None:
    (train_photos, train_classes), (test_photos, test_classes) = mask_crops(shared / "data" / "faces", SIZE)
    train, test = (from_photos(train_photos), train_classes), (from_photos(test_photos), test_classes)
    network = fs.VGG6((3, SIZE, SIZE), dropout=0.5)
    start = fs.to_keras_weights(network)
    history = fs.Trainer(network, train, test, EPOCHS, BATCH, fs.Adam(1e-3), mirror_half, quiet=True).train()
    ours, theirs = history.test_accuracy[-1], keras_accuracy(start, train, test)
    majority = max(np.bincount(test_classes)) / len(test_classes)
    print(
        f"{len(train_classes)} crops, tested on {len(test_classes)} (majority {majority:.1%}): "
        f"numpy {ours:.1%}, Keras {theirs:.1%}"
    )
    assert ours >= 0.95 * theirs
    assert ours > majority + 0.1  # the notes' network gave the same answer for every photo
