"""First weights from a file: the same network, one with other classes, one that does not fit."""

from __future__ import annotations

import numpy as np
import pytest

from facetracker.core.errors import BadFile
from facetracker.core.settings import load_settings
from facetracker.models import FaceTracker
from facetracker.models import weights as module
from facetracker.models.backbones import preprocess
from facetracker.models.loading import save_h5
from facetracker.models.weights import arrays_of, of_unit_pictures, put_arrays, save_arrays
from facetracker.training.fit import build_model
from facetracker.training.plan import RunPlan


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


@pytest.mark.parametrize("suffix", ["keras", "npz"])
def test_a_network_takes_from_its_weights_whether_it_knows_landmarks(suffix, pictures, tmp_path):
    first = FaceTracker("nano", "dense", image_size=96, preprocessing="unit", landmarks=True)
    path = tmp_path / f"first.{suffix}"
    first.save(path) if suffix == "keras" else save_arrays(first, path)
    again = FaceTracker("nano", "dense", image_size=96, weights=str(path))
    assert (again.landmarks, again.preprocessing) == (True, "unit")
    wanted, got = first(pictures), again(pictures)
    assert got["landmarks"].shape[-1] == 10
    for name in wanted:
        np.testing.assert_allclose(got[name], wanted[name], rtol=0.02, atol=0.02)
    settings = load_settings("nano", [f"model.weights={path}", "model.image_size=96"])
    resumed = build_model(settings, RunPlan(), read_weights=False)  # a resumed run has its own, of the same shapes
    assert [tuple(v.shape) for v in resumed.variables] == [tuple(v.shape) for v in again.variables]


def test_a_backbone_of_unit_pictures_sees_the_same_in_signed_ones(pictures):
    tracker = FaceTracker("nano", "dense", image_size=96, preprocessing="unit", landmarks=True)
    signed = FaceTracker("nano", "dense", image_size=96, landmarks=True)
    put_arrays(signed, of_unit_pictures(arrays_of(tracker)), "tracker")
    features = [
        np.array(one.backbone(preprocess(pictures, one.how_preprocessed))[0])[:, :-4, :-4] for one in (tracker, signed)
    ]  # away from the edge, which is padded with black and with grey
    np.testing.assert_allclose(features[1], features[0], atol=1e-4 * np.abs(features[0]).max())
