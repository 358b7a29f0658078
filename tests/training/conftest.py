"""A tiny network and a few drawn photos: every part of a run in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn import draw_photo, write_photos

from facetracker.core.console import silenced

with silenced():
    import keras

from facetracker.data.pool import Pool
from facetracker.models import backbones


def tiny() -> keras.Model:
    """Strides 8, 16, 32; a dozen variables; dropout, whose seeds a resumed run must restore as well."""
    x = inputs = keras.Input((None, None, 3))
    features = []
    for number, width in enumerate((4, 6, 8, 8, 8)):
        x = keras.layers.Conv2D(width, 3, 2, padding="same", activation="relu", name=f"conv{number}")(x)
        features.append(x)
    x = keras.layers.Dropout(0.1, name="dropped")(x)
    return keras.Model(inputs, [*features[:-1], x])


ENTRY = backbones.Backbone("tiny", tiny, 64, "unit", levels=("conv2", "conv3", "dropped"), pretrained=False)


@pytest.fixture(scope="module", autouse=True)
def tiny_backbone():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(backbones.BACKBONES, "tiny", ENTRY)
        yield


@pytest.fixture(scope="session")
def photos_folder(tmp_path_factory) -> Path:
    """`train` with 24 photos and `val` with 8; a quarter of them shows no face."""
    folder = tmp_path_factory.mktemp("photos")
    write_photos(folder / "train", 24, seed=1)
    write_photos(folder / "val", 8, seed=2)
    return folder


@pytest.fixture(scope="session")
def pool() -> Pool:
    """Twenty pictures of 64x64, five of them without a face; two rows of targets."""
    random = np.random.default_rng(3)
    pictures, boxes, classes = [], np.zeros((20, 2, 4), np.float32), np.full((20, 2), -1, np.int32)
    for number in range(20):
        picture, pixels = draw_photo(random, face=number % 4 != 3)
        pictures.append(np.concatenate([picture, picture[:16]])[..., ::-1])
        if len(pixels):
            boxes[number, 0], classes[number, 0] = pixels[0] / 64, 0
    return Pool(np.stack(pictures), boxes, classes, [f"p{number}" for number in range(20)])


@pytest.fixture(scope="session")
def tiny_preset(tmp_path_factory) -> Path:
    """A preset file: the tiny network, two short epochs."""
    path = tmp_path_factory.mktemp("preset") / "tiny.yaml"
    path.write_text(
        "model: {backbone: tiny, head: single, image_size: 64, weights: none}\n"
        "data: {batch_size: 8}\n"
        "training: {epochs: 2, learning_rate: 1.0e-3, optimizer: adam}\n"
    )
    return path
