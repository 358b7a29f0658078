"""A model file of an older version opens, and answers as it did when it was written.

`older/` keeps what such a file said of itself and what it answered; its weights are numbers drawn here, always the
same, so that no megabytes are kept.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from facetracker.core.errors import BadFile
from facetracker.models import FaceTracker
from facetracker.models.loading import load_model
from facetracker.models.second_look import SecondLookConfig

OLDER = sorted((Path(__file__).parent / "older").glob("*.json"))


def drawn_weights(tracker: FaceTracker) -> None:
    """Numbers as a trained network might have, the same on every machine."""
    random = np.random.default_rng(17)
    for variable in sorted(tracker.variables, key=lambda v: "/".join(v.path.split("/")[-2:])):
        kind, shape = variable.name, tuple(variable.shape)
        if "kernel" in kind:
            value = random.normal(0, np.prod(shape[:-1]) ** -0.5, shape)
        else:
            value = random.normal(0, 0.1, shape) + (1.0 if kind in ("gamma", "moving_variance") else 0.0)
        variable.assign(value.astype(variable.dtype) if variable.dtype == "float32" else np.zeros(shape))


def picture(size: int) -> np.ndarray:
    """Soft blobs: something to look at, `(1, size, size, 3)`."""
    y, x = np.mgrid[:size, :size] / size
    channels = [127 + 120 * np.sin(9 * x + 3 * k) * np.cos(7 * y - k) for k in range(3)]
    return np.stack(channels, axis=-1).astype(np.uint8)[None]


def older_file(recorded: dict, path: Path) -> Path:
    """The file as that version wrote it."""
    config = recorded["config"]["config"]
    tracker = FaceTracker("nano", config["head"], image_size=config["image_size"], second_look=True, landmarks=False)
    drawn_weights(tracker)
    tracker.save(path.with_name("today.keras"))
    with zipfile.ZipFile(path.with_name("today.keras")) as today, zipfile.ZipFile(path, "w") as older:
        for name in today.namelist():
            text = json.dumps(recorded["config"]) if name == "config.json" else today.read(name)
            older.writestr(name, text)
    return path


@pytest.mark.parametrize("record", OLDER, ids=[path.stem for path in OLDER])
def test_an_older_file_answers_as_it_did(record, tmp_path):
    recorded = json.loads(record.read_text())
    tracker = load_model(older_file(recorded, tmp_path / "older.keras"))
    answers = tracker(picture(tracker.image_size))
    cells = recorded["cells"]
    np.testing.assert_allclose(np.asarray(answers["scores"])[0, cells, 0], recorded["scores"], rtol=2e-3, atol=1e-5)
    np.testing.assert_allclose(np.asarray(answers["offsets"])[0, cells], recorded["offsets"], rtol=2e-3, atol=1e-3)


def test_a_file_keeps_how_its_second_look_was_made(tmp_path):
    how = SecondLookConfig(looks=3, share=0.4, crowd=2.0, units=((16, 2), (16, 2)))
    tracker = FaceTracker("nano", "dense", image_size=96, second_look=how)
    drawn_weights(tracker)
    tracker.save(tmp_path / "other.keras")
    opened = load_model(tmp_path / "other.keras")
    assert opened.second_look.how == how
    np.testing.assert_allclose(opened(picture(96))["scores"], tracker(picture(96))["scores"], rtol=1e-6)


@pytest.mark.parametrize("wrong", [{"looks": 10**9}, {"share": "most"}, {"eval": 1}, {"units": [[32, 1]]}])
def test_a_second_look_that_cannot_be_is_said(wrong, tmp_path):
    tracker = FaceTracker("nano", "dense", image_size=96, second_look=True)
    config = {**tracker.get_config(), "second_look": wrong, "dtype": "float32"}
    path = older_file(
        {"config": {"registered_name": "facetracker>FaceTracker", "config": config}}, tmp_path / "a.keras"
    )
    with pytest.raises(BadFile, match="settings are damaged"):
        load_model(path)
