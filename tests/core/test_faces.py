"""`Faces`: one value for what is in a picture, whoever made it and whoever reads it."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import supervision as sv

from facetracker.core.faces import Faces

BOXES = [[10, 20, 30, 60], [100, 50, 180, 150], [0, 0, 200, 100]]


@pytest.fixture
def faces():
    points = np.arange(30, dtype=np.float32).reshape(3, 5, 2) / 100
    return Faces.from_pixels(
        BOXES, 200, 100,
        scores=[0.9, 0.5, 0.7], classes=[0, 1, 0], names=["mask", "no_mask"], ids=[4, 7, 9],
        coasting=[False, True, False], landmarks=points,
    )  # fmt: skip


def test_boxes_are_normalised_and_known_in_pixels(faces):
    assert faces.boxes.dtype == np.float32
    np.testing.assert_allclose(faces.boxes[0], [0.05, 0.2, 0.15, 0.6])
    np.testing.assert_allclose(faces.pixels, BOXES, atol=1e-4)
    assert faces.labels == ["mask", "no_mask", "mask"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        faces.width = 3


def test_a_number_gives_one_face(faces):
    face = faces[1]
    assert (face.label, face.id, face.score, face.coasting) == ("no_mask", 7, 0.5, True)
    np.testing.assert_allclose(face.pixels, BOXES[1], atol=1e-4)
    assert faces[-1].id == faces[np.int64(2)].id == 9
    assert [one.id for one in faces] == [4, 7, 9]
    with pytest.raises(IndexError):
        faces[3]


@pytest.mark.parametrize(
    ("rows", "ids"),
    [
        (slice(1, None), [7, 9]),
        (np.array([True, False, True]), [4, 9]),
        ([2, 0], [9, 4]),
        ([], []),
        (np.zeros(3, bool), []),
    ],
)
def test_slices_masks_and_numbers_give_some_of_them(faces, rows, ids):
    some = faces[rows]
    assert some.ids.tolist() == ids
    assert len(some) == len(some.boxes) == len(some.scores) == len(some.coasting) == len(some.landmarks) == len(ids)
    assert (some.width, some.height, some.names) == (200, 100, ["mask", "no_mask"])


def test_no_face_is_a_value_too():
    none = Faces.none(64, 48)
    assert len(none) == 0
    assert none.pixels.shape == (0, 4)
    assert list(none) == none.labels == []
    assert none == Faces.none(64, 48) != Faces.none(64, 49)


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match="1 scores for 2 boxes"):
        Faces([[0, 0, 1, 1]] * 2, [0.5], [0, 0], 10, 10)


def test_two_make_one(faces):
    joined = faces[:1] + faces[1:]
    assert joined == faces
    unknown = dataclasses.replace(faces, ids=None)
    assert (faces + unknown).ids is None
    assert len(faces + unknown) == 6


def test_a_mirrored_face_looks_the_other_way(faces):
    mirrored = faces.mirrored()
    np.testing.assert_allclose(mirrored.pixels[0], [170, 20, 190, 60], atol=1e-4)
    # The left eye is the other one now, and lies as far from the other edge.
    np.testing.assert_allclose(mirrored.landmarks[0, 0], [1 - faces.landmarks[0, 1, 0], faces.landmarks[0, 1, 1]])
    again = mirrored.mirrored()
    np.testing.assert_allclose(again.boxes, faces.boxes, atol=1e-6)
    np.testing.assert_allclose(again.landmarks, faces.landmarks, atol=1e-6)


def test_a_line_of_a_recording_gives_the_faces_back(faces):
    row = json.loads(json.dumps(faces.as_json()))
    assert row["boxes"][0] == [10.0, 20.0, 30.0, 60.0]
    assert row["classes"] == ["mask", "no_mask", "mask"]
    back = Faces.from_json(row)
    assert back.names == ["mask", "no_mask"]
    for name in ("boxes", "scores", "landmarks"):
        np.testing.assert_allclose(getattr(back, name), getattr(faces, name), atol=1e-4)
    for name in ("ids", "classes", "coasting"):
        assert getattr(back, name).tolist() == getattr(faces, name).tolist()
    assert Faces.from_json(row, ["no_mask", "mask"]).classes.tolist() == [1, 0, 1]


@pytest.mark.parametrize("followed", [True, False])
def test_a_line_without_a_face_keeps_whether_it_was_followed(followed):
    none = Faces.from_pixels([], 8, 8, ids=[] if followed else None, coasting=[] if followed else None)
    assert Faces.from_json(none.as_json()) == none


def test_to_supervision_and_back(faces):
    theirs = faces.to_supervision()
    assert isinstance(theirs, sv.Detections)
    np.testing.assert_allclose(theirs.xyxy, BOXES, atol=1e-4)
    assert theirs.data["class_name"].tolist() == faces.labels
    back = Faces.from_supervision(theirs, 200, 100, faces.names)
    np.testing.assert_allclose(back.boxes, faces.boxes, atol=1e-6)
    assert dataclasses.replace(back, boxes=faces.boxes) == faces


def test_supervisions_bare_boxes_are_sure_faces():
    faces = Faces.from_supervision(sv.Detections(xyxy=np.array([[1.0, 2, 3, 4]])), 10, 10)
    assert (faces.labels, faces.scores.tolist(), faces.ids) == (["face"], [1.0], None)
