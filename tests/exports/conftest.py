"""Two small trackers, one of each head, saved once, and exported once to each format that a test asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facetracker.exports import Exported, export


@dataclass(frozen=True)
class Case:
    """A tracker, its file, and what `export` makes of it."""

    model: Any
    path: Path
    made: dict[str, Exported] = field(default_factory=dict)

    def results(self, *names: str) -> list[Exported]:
        """The results of these formats; what is not there yet is made now, in one call."""
        missing = [name for name in names if name not in self.made]
        if missing:
            self.made.update((result.format, result) for result in export(self.path, missing))
        return [self.made[name] for name in names]

    def file(self, name: str) -> Path:
        (result,) = self.results(name)
        assert result.path is not None
        return result.path


def lively(model: Any, seed: int = 0) -> Any:
    """A new network answers nearly the same everywhere; with these weights every output depends on the picture."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if weight.path.endswith("gamma"):
            weight.assign(rng.uniform(0.8, 1.6, weight.shape))
        elif weight.path.endswith("moving_mean") or (weight.path.endswith("kernel") and "score" in weight.path):
            weight.assign(rng.normal(0, 0.3, weight.shape))
    return model


def tiny(input_shape: tuple[int | None, int | None, int] = (None, None, 3)) -> Any:
    """Five convolutions: converters take ten times as long for a real backbone.

    The last two are wide: most of a file is then weights, not graph, as in a real one.
    """
    import keras

    x = inputs = keras.Input(input_shape)
    for stride, width in ((2, 16), (4, 16), (8, 16), (16, 64), (32, 64)):
        x = keras.layers.Conv2D(width, 3, 2, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(name=f"level{stride}")(x)
    return keras.Model(inputs, x)


@pytest.fixture(scope="session", autouse=True)
def tiny_backbone():
    """The registry knows the tiny backbone while these tests run: files are loaded by its name."""
    from facetracker.models.backbones import BACKBONES, Backbone

    levels = ("level8", "level16", "level32")
    BACKBONES["tiny"] = Backbone("tiny", tiny, 64, "signed", levels, pretrained=False)
    yield
    del BACKBONES["tiny"]


def make(folder: Path, head: str, **options: Any) -> Case:
    import keras

    from facetracker.models import FaceTracker

    keras.utils.set_random_seed(1)  # with other weights int8 may cost too much, or nothing be found in the photos
    model = lively(FaceTracker("tiny", head, image_size=64, **options))
    path = folder / head / "model.keras"
    path.parent.mkdir()
    model.save(path)
    return Case(model, path)


@pytest.fixture(scope="session")
def dense(tmp_path_factory, tiny_backbone) -> Case:
    return make(tmp_path_factory.mktemp("export"), "dense", classes=("bare", "mask"))


@pytest.fixture(scope="session")
def single(tmp_path_factory, tiny_backbone) -> Case:
    return make(tmp_path_factory.mktemp("export"), "single")


@pytest.fixture(params=["dense", "single"])
def case(request) -> Case:
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def snapshots(tmp_path_factory) -> Path:
    """A folder of drawn photos that nobody has labelled."""
    from facetracker import scenes
    from facetracker.core.photo import write_jpeg

    folder = tmp_path_factory.mktemp("snapshots")
    for index in range(6):
        write_jpeg(folder / f"{index}.jpg", scenes.photo(2, index, width=96, height=72, faces=1).picture)
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder
