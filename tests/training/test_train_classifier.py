"""Training a classifier: it learns, keeps the best, is resumed as if nothing had been, and writes what it promises."""

from __future__ import annotations

import csv
import json
import shutil

import cv2
import numpy as np
import pytest
import yaml
from without_graph import without_graph

from facetracker.core.errors import FaceTrackerError, Rejects
from facetracker.data.folders import Face
from facetracker.exports import export
from facetracker.inference.classifier import Classifier
from facetracker.models import FaceClassifier
from facetracker.models.loading import load_model
from facetracker.training.classifier.feed import PIPELINES, FacePictures, changing, class_weights, make_feed, read_faces
from facetracker.training.classifier.scores import score
from facetracker.training.classifier.settings import (
    ClassifierData,
    changed,
    default_settings,
    read_classifier_settings,
)
from facetracker.training.classifier.train import train_classifier
from facetracker.training.plan import read_plan


def test_it_tells_drawn_masks_from_faces(run):
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["measured_on"] == "test"
    assert metrics["accuracy"] >= 0.9
    assert sum(map(sum, metrics["confusion"])) == metrics["faces"]["test"]
    assert metrics["by_size"]["48 px and more"]["faces"] > 0


def test_a_run_folder_holds_what_a_run_folder_holds(run, faces):
    settings = yaml.safe_load((run / "config.yaml").read_text())
    assert settings["kind"] == "classifier"
    plan = read_plan(run / "plan.json")
    assert (plan.classes, plan.margin) == (("with_mask", "without_mask"), 0.15)
    rows = list(csv.DictReader((run / "history.csv").open()))
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3, 4]
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= set(rows[0])
    for name in ("batch.png", "curves.png", "confusion.png", "predictions.png"):
        assert cv2.imread(str(run / name)).shape[0] > 100
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["best_epoch"] == 1 + int(np.argmin([float(row["val_loss"]) for row in rows]))
    assert load_model(run / "model.keras").margin == 0.15
    assert (run / "last.keras").is_file()
    events = {path.parent.name for path in (run / "logs").rglob("events*")}
    assert events >= {"train", "validation", "val_predictions"}


@without_graph()
def test_a_loss_that_is_no_number_stops_it_too(faces, tmp_path):
    with pytest.raises(FaceTrackerError, match=r"the loss is .* that batch is in this file"):
        train_classifier(faces, "lenet5", image_size=32, epochs=2, learning_rate=1e30, name="wild", runs=tmp_path)
    assert set(np.load(tmp_path / "wild" / "bad_batch.npz")) == {"pictures", "labels_0", "labels_1"}


@pytest.mark.no_cover
@pytest.mark.slow
@without_graph()
def test_a_resumed_run_is_the_undisturbed_one(faces, tmp_path, monkeypatch):
    from facetracker.training import callbacks

    options = {"backbone": "lenet5", "image_size": 32, "epochs": 3, "runs": tmp_path}
    whole = train_classifier(faces, name="whole", **options)

    keep = callbacks.KeepRun.on_epoch_end

    def killed(self, epoch, logs=None):
        keep(self, epoch, logs)
        if epoch == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(callbacks.KeepRun, "on_epoch_end", killed)
    with pytest.raises(KeyboardInterrupt):
        train_classifier(faces, name="killed", **options)
    monkeypatch.setattr(callbacks.KeepRun, "on_epoch_end", keep)
    again = train_classifier(faces, name="killed", resume=True, runs=tmp_path)
    for ours, theirs in zip(
        load_model(again / "model.keras").weights, load_model(whole / "model.keras").weights, strict=True
    ):
        np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), atol=1e-6)
    with pytest.raises(FaceTrackerError, match="this run trains on"):
        train_classifier(tmp_path, name="killed", resume=True, runs=tmp_path)


def test_batches_depend_on_seed_and_epoch_alone():
    pictures = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), dtype=np.uint8)
    faces = FacePictures(pictures, np.arange(10) % 5 // 4, [])  # two of ten are of class 1
    data = ClassifierData(batch_size=5)
    feed = make_feed(faces, 2, data, 5, changing(data).change(32), 32)
    (first, _), later = (list(feed.batches(epoch, epoch + 1).as_numpy_iterator()) for epoch in (0, 1))
    again = next(feed.batches(0, 2).as_numpy_iterator())
    for ours, theirs in zip(first, again, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not np.array_equal(first[0], later[0][0])
    np.testing.assert_allclose(first[2], np.array([10 / 16, 10 / 4], np.float32)[first[1]])
    data = ClassifierData(batch_size=10, pipeline="none", class_weights=False)
    plain = make_feed(faces, 2, data, 5, changing(data).change(32), 32)
    ((taken, _, weights),) = plain.batches(0, 1).as_numpy_iterator()
    assert sorted(picture.tobytes() for picture in taken) == sorted(picture.tobytes() for picture in pictures)
    assert (weights == 1).all()


PIPELINE_NAMES = sorted(path.stem for path in PIPELINES.glob("*.yaml"))


def test_the_write_ups_have_their_pipelines():
    assert PIPELINE_NAMES == ["classic", "scratch", "standard", "transfer"]
    centres = [changing(ClassifierData(pipeline=name)).centre for name in PIPELINE_NAMES]
    assert centres == [0.875, None, None, 0.875]
    steps = {
        name: [
            step["__class_fullname__"]
            for step in changing(ClassifierData(pipeline=name)).spec["transform"]["transforms"]
        ]
        for name in PIPELINE_NAMES
    }
    assert steps["classic"] == ["RandomResizedCrop", "HorizontalFlip"]
    assert steps["scratch"] == ["Rotate", "HorizontalFlip", "RandomResizedCrop"]
    assert steps["transfer"] == ["RandomResizedCrop", "Rotate", "HorizontalFlip", "CenterCrop"]


@pytest.mark.parametrize("name", [*PIPELINE_NAMES, "none"])
def test_every_pipeline_gives_pictures_of_the_networks_size(name, tmp_path):
    rings = np.zeros((100, 160, 3), np.uint8)
    cv2.circle(rings, (80, 50), 48, (0, 0, 255), -1)
    cv2.imwrite(str(tmp_path / "a.png"), rings)
    way, data = changing(ClassifierData(pipeline=name)), ClassifierData(pipeline=name, batch_size=2)
    size, centre = way.read_at(48)
    assert size == (55 if name in ("classic", "transfer") else 48)
    faces = read_faces([Face(tmp_path / "a.png", "a", "train")] * 4, ["a", "b"], Rejects(), size, centre)
    batch = make_feed(faces, 2, data, 0, way.change(48), 48).batch(0, 0)
    assert batch["pictures"].shape == (2, 48, 48, 3)
    assert (batch["pictures"][:, 20:28, 20:28, 0] > 120).mean() > 0.8  # red, in the middle


def test_a_pipeline_of_ones_own_and_ones_that_are_none(tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text((PIPELINES / "classic.yaml").read_text().replace("centre: 0.875", "centre: 0.5"))
    assert changing(ClassifierData(pipeline=str(mine))).centre == 0.5
    assert changing(ClassifierData(pipeline=str(mine)), 1.0).centre == 1.0
    mine.write_text(mine.read_text().replace("centre: 0.5", "centre: 2"))
    with pytest.raises(FaceTrackerError, match="centre 2 is not a share between 0 and 1"):
        changing(ClassifierData(pipeline=str(mine)))
    with pytest.raises(FaceTrackerError, match=r"no pipeline is called clasic. Did you mean classic\?"):
        changing(ClassifierData(pipeline="clasic"))


def test_changes_are_settings_of_a_classifier():
    settings = changed(default_settings("nano"), ["training.optimizer=sgd", "data.pipeline=none", "fine_tune=0.5"])
    assert (settings.training.optimizer, settings.data.pipeline, settings.fine_tune) == ("sgd", "none", 0.5)
    with pytest.raises(FaceTrackerError, match=r"Did you mean model\.hidden"):
        changed(settings, ["model.hiden=3"])
    with pytest.raises(FaceTrackerError, match=r"no setting is called model\.head"):
        changed(settings, ["model.head=dense"])


def test_a_run_of_an_earlier_version_is_read(tmp_path):
    values = default_settings("nano").model_dump(mode="json")
    for augment, pipeline in ((True, "standard"), (False, "none")):
        values["data"] = {"batch_size": 8, "augment": augment, "class_weights": True}
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(values))
        assert read_classifier_settings(tmp_path / "config.yaml").data.pipeline == pipeline


@without_graph()
def test_a_broken_picture_is_counted_once(faces, tmp_path):
    folder = tmp_path / "faces"
    for part in ("train", "test"):  # not split: looked at for their likeness, then read
        for path in sorted((faces / part).rglob("*.jpg"))[::3]:
            (folder / path.parent.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / path.parent.name / path.name)
    broken = folder / "with_mask" / "broken.jpg"
    broken.write_bytes(b"\xff\xd8 not a picture")
    run = train_classifier(folder, "lenet5", epochs=2, name="one", runs=tmp_path, changes=["training.keep_every=1"])
    (line,) = (run / "rejects.txt").read_text().splitlines()
    assert line.startswith(str(broken))
    assert sorted(path.name for path in (run / "epochs").iterdir()) == ["epoch-001.keras", "epoch-002.keras"]
    assert load_model(run / "epochs" / "epoch-001.keras").backbone_name == "lenet5"


def test_what_is_looked_at_in_the_middle_is_so_wherever_it_runs(faces, tmp_path):
    with without_graph():
        run = train_classifier(
            faces, "lenet5_224", image_size=48, epochs=1, name="one", runs=tmp_path, changes=["data.batch_size=16"]
        )
    assert read_plan(run / "plan.json").centre == load_model(run / "model.keras").centre == 0.875
    settings = read_classifier_settings(run / "config.yaml")
    assert (settings.training.optimizer, settings.training.momentum) == ("sgd", 0.9)
    classifier = Classifier(export(run, ["tflite"])[0].path)
    assert classifier.card.centre == 0.875
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    framed = picture.copy()
    framed[:4] = framed[-4:] = framed[:, :4] = framed[:, -4:] = 0  # 56 of 64 in the middle stay
    np.testing.assert_array_equal(classifier.classify([picture]), classifier.classify([framed]))


@pytest.mark.no_cover
@pytest.mark.slow  # alexnet has its figures in benchmarks/study.py: its files are half a gigabyte
@pytest.mark.parametrize(
    ("backbone", "size", "epochs"),
    [("lenet5", 32, 20), ("lenet5_224", 96, 10), ("vgg6", 96, 10), ("simple_convnet", 28, 10)],
)
def test_a_classic_network_learns_from_its_default_settings(backbone, size, epochs, faces, tmp_path):
    run = train_classifier(faces, backbone, image_size=size, epochs=epochs, name="one", runs=tmp_path)
    assert json.loads((run / "metrics.json").read_text())["accuracy"] >= 0.85


@without_graph()
def test_a_frozen_backbone_from_a_file_stays_as_it_was(faces, tmp_path):
    donor = FaceClassifier("mobilenet_v3_small", ["a", "b", "c"], image_size=64, hidden=4)
    donor.save(tmp_path / "donor.keras")
    run = train_classifier(
        faces,
        "mobilenet_v3_small",
        weights=str(tmp_path / "donor.keras"),
        image_size=32,
        epochs=1,
        freeze_epochs=1,
        pipeline="transfer",
        name="frozen",
        runs=tmp_path,
    )
    trained = load_model(run / "model.keras")
    for ours, theirs in zip(trained.backbone.get_weights(), donor.backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert trained.centre == 0.875


def test_classes_count_alike():
    faces = FacePictures(np.zeros((10, 8, 8, 3), np.uint8), np.array([0] * 8 + [1] * 2), [])
    np.testing.assert_allclose(class_weights(faces, 2), [10 / 16, 10 / 4])
    np.testing.assert_allclose(class_weights(faces, 3), [10 / 16, 10 / 4, 0])


def test_scores_by_hand():
    said = np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.2, 0.8]])
    origin = [Face(None, "", "test", size) for size in (20, 40, 50, 60)]
    result = score(said, FacePictures(np.zeros((4, 8, 8, 3), np.uint8), np.array([0, 0, 1, 0]), origin), ["a", "b"])
    assert result.accuracy == 0.5
    assert result.balanced == pytest.approx((1 / 3 + 1) / 2)
    assert result.confusion.tolist() == [[1, 2], [0, 1]]
    assert result.by_size == {"under 32 px": (1, 1.0), "32 to 48 px": (1, 0.0), "48 px and more": (2, 0.5)}
    assert result.as_dict()["by_class"]["b"] == {"faces": 1, "recall": 1.0, "precision": pytest.approx(1 / 3)}


@pytest.mark.parametrize(
    ("backbone", "weights", "frozen", "share"),
    [("nano", "starter", 3, 1.0), ("resnet152", "imagenet", 3, 0.1), ("vgg6", "none", 0, 1.0)],
)
def test_what_knows_pictures_is_frozen_first(backbone, weights, frozen, share):
    settings = default_settings(backbone)
    assert (settings.model.weights, settings.training.freeze_epochs, settings.fine_tune) == (weights, frozen, share)


def test_a_name_that_is_taken_is_not_overwritten(run, faces):
    with pytest.raises(FaceTrackerError, match="is there already"):
        train_classifier(faces, name=run.name, runs=run.parent)
