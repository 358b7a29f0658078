"""First weights from a file: the same network, one with other classes, one that does not fit."""

from __future__ import annotations

import numpy as np
import pytest

from facetracker.core.errors import BadFile
from facetracker.models import FaceTracker
from facetracker.models import weights as module
from facetracker.models.loading import save_h5
from facetracker.models.weights import save_arrays


@pytest.fixture(scope="module")
def file(dense, tmp_path_factory):
    return save_arrays(dense, tmp_path_factory.mktemp("weights") / "dense.npz")


def test_weights_come_back_to_16_bits(dense, file, pictures):
    again = FaceTracker("nano", "dense", image_size=96, weights=str(file))
    np.testing.assert_allclose(again(pictures)["scores"], dense(pictures)["scores"], rtol=0.02)
    assert file.stat().st_size < 450_000


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_weights_of_a_whole_model(dense, suffix, pictures, tmp_path):
    path = tmp_path / f"dense.{suffix}"
    if suffix == "keras":
        dense.save(path)
    else:
        save_h5(dense, path)
    again = FaceTracker("nano", "dense", image_size=64, weights=str(path))
    np.testing.assert_allclose(again(pictures)["offsets"], dense(pictures)["offsets"], rtol=1e-6)


def test_more_classes_start_with_the_faces_that_were_known(dense, file, pictures):
    masks = FaceTracker("nano", "dense", classes=["with_mask", "without_mask"], image_size=96, weights=str(file))
    scores = np.array(masks(pictures)["scores"])
    np.testing.assert_allclose(scores.max(axis=-1, keepdims=True), dense(pictures)["scores"], rtol=0.02)


def test_classes_come_along_where_they_are_as_many(pictures, tmp_path):
    first = FaceTracker("nano", "dense", classes=["a", "b"], image_size=64)
    first.save(tmp_path / "two.keras")
    again = FaceTracker("nano", "dense", classes=["c", "d"], image_size=64, weights=str(tmp_path / "two.keras"))
    np.testing.assert_allclose(again(pictures)["scores"], first(pictures)["scores"], rtol=1e-5)
    three = FaceTracker("nano", "dense", classes=["a", "b", "c"], image_size=64, weights=str(tmp_path / "two.keras"))
    np.testing.assert_allclose(
        np.array(three(pictures)["scores"]).max(axis=-1), np.array(first(pictures)["scores"]).max(axis=-1), rtol=1e-5
    )


def test_another_network_is_refused(file):
    with pytest.raises(BadFile, match="does not fit nano with the single head"):
        FaceTracker("nano", "single", image_size=64, weights=str(file))


def test_a_damaged_file_is_refused(tmp_path, file):
    broken = tmp_path / "broken.npz"
    broken.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(BadFile, match="not readable as weights"):
        FaceTracker("nano", "dense", image_size=64, weights=str(broken))


def test_a_pickle_in_a_weights_file_is_never_opened(tmp_path):
    path = tmp_path / "evil.npz"
    np.savez(path, **{"backbone/stem_conv/kernel": np.array([{"a": print}], dtype=object)})
    with pytest.raises(BadFile, match="not readable as weights"):
        FaceTracker("nano", "dense", image_size=64, weights=str(path))


def test_a_missing_starter_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "STARTER", tmp_path / "starter.npz")
    with pytest.raises(BadFile, match=r"missing from this installation.*Use none"):
        FaceTracker("nano", "dense", weights="starter")
