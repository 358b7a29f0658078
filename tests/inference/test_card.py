"""The card travels with the model and says what is wrong with it."""

from __future__ import annotations

import pytest

from facetracker.core.errors import BadFile
from facetracker.inference.card import Card, card_path


def test_a_card_survives_the_file_beside_the_model(tmp_path):
    card = Card(classes=["mask", "no_mask"], image_size=320, head="dense", threshold=0.4, strides=[8, 16], crop=0.9375)
    assert card.write_beside(tmp_path / "m.tflite") == tmp_path / "m.tflite.json" == card_path(tmp_path / "m.tflite")
    assert Card.read_beside(tmp_path / "m.tflite") == card


def test_keys_of_a_newer_version_are_passed_over(tmp_path):
    text = Card(classes=["face"], image_size=64, head="single").to_text().replace("{", '{"taste": "sweet",', 1)
    assert Card.from_text(text, "m").classes == ["face"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("not json", "JSON"),
        ('{"classes": ["face"], "image_size": 64}', "head"),
        ('{"classes": [], "image_size": 64, "head": "single"}', "classes"),
        ('{"classes": ["face"], "image_size": 64, "head": "single", "threshold": 7}', "threshold"),
        ('{"classes": ["face", 3], "image_size": 64, "head": "single"}', "classes"),
        ('{"classes": ["face"], "image_size": "64", "head": "single"}', "image_size"),
        ('{"classes": ["face"], "image_size": 8, "head": "single"}', "image_size"),
        ('{"classes": ["face"], "image_size": 64, "head": "round"}', "head"),
        ('{"classes": ["face"], "image_size": 64, "head": "single", "strides": []}', "strides"),
        ('{"classes": ["face"], "image_size": 64, "head": "single", "precision": "int4"}', "precision"),
        ('{"classes": ["face"], "image_size": 64, "head": "single", "name": 7}', "name"),
        ('{"classes": ["face"], "image_size": 64, "head": "single", "crop": 0}', "crop"),
        ('{"classes": ["face"], "image_size": 64, "head": "single", "crop": "450"}', "crop"),
        ("[]", "object"),
    ],
)
def test_a_damaged_card_is_named(text, says):
    with pytest.raises(BadFile, match=says):
        Card.from_text(text, "model.onnx")


def test_a_missing_card_is_named(tmp_path):
    with pytest.raises(BadFile, match=r"m\.tflite\.json is not beside it"):
        Card.read_beside(tmp_path / "m.tflite")
