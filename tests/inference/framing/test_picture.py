"""The pictures of a framed film: exact shapes, a crop placed to a fraction of a pixel, cuts told from motion."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from facetracker.capture.frames import Frame
from facetracker.core.errors import FaceTrackerError
from facetracker.core.faces import Faces
from facetracker.inference.framing.framing import Framed, Framing, follow_of
from facetracker.inference.framing.picture import Cuts, cut_out, shape_of, size_for
from facetracker.scenes import Scene


@pytest.mark.parametrize("text", ["16:9", "9:16", "1:1", "4:5", "21:9", "32:18", "4x3"])
@pytest.mark.parametrize("source", [(1920, 1080), (1280, 720), (640, 480), (1080, 1920), (333, 517), (20, 20)])
def test_sizes_are_exactly_of_the_shape_and_even(text, source):
    shape = shape_of(text)
    width, height = size_for(shape, *source)
    assert width * shape[1] == height * shape[0]
    assert width % 2 == height % 2 == 0
    assert height <= max(720, 2 * shape[1])
    if min(source) > 2 * max(shape):
        assert width <= source[0]
        assert height <= source[1]


def test_more_lines_are_given_when_they_are_asked_for():
    assert size_for((16, 9), 1920, 1080) == (1280, 720)
    assert size_for((16, 9), 1920, 1080, 1080) == (1920, 1080)
    assert size_for((9, 16), 1920, 1080, 1080) == (594, 1056)


@pytest.mark.parametrize("text", ["", "16", "16:0", "0:9", "wide", "100:1", "-4:3", "16:9:1"])
def test_what_is_no_shape_is_refused(text):
    with pytest.raises(FaceTrackerError, match="no shape"):
        shape_of(text)


def test_whom_to_follow_is_understood_or_refused():
    assert [follow_of(text) for text in ("all", "largest", "3", "#12")] == ["all", "largest", 3, 12]
    with pytest.raises(FaceTrackerError, match="not known"):
        follow_of("anna")


def test_the_crop_is_placed_to_a_fraction_of_a_pixel():
    x = np.arange(400, dtype=np.float32)
    ramp = np.repeat(np.tile((x / 2).astype(np.float32), (300, 1))[..., None], 3, axis=2)
    picture = ramp.round().astype(np.uint8)
    for left in (40.0, 40.25, 40.5, 41.75):
        crop = np.array([left / 400, 0.2, (left + 200) / 400, 0.7])
        shown = cut_out(picture, crop, (400, 300))
        middles = (np.arange(400) + 0.5) / 2 + left - 0.5
        assert np.abs(shown[150, :, 0] - middles / 2).mean() < 0.45
        assert shown[150, 200:, 0].mean() - (middles[200:] / 2).mean() == pytest.approx(0, abs=0.06)


def test_a_far_smaller_picture_is_the_mean_of_what_it_shows():
    picture = np.zeros((1080, 1920, 3), np.uint8)
    picture[:, ::2] = 200  # stripes that would flicker
    shown = cut_out(picture, np.array([0.1, 0.1, 0.9, 0.9]), (320, 180))
    assert shown.std() < 12
    assert shown.mean() == pytest.approx(100, abs=4)


def test_the_whole_picture_at_its_own_size_is_a_copy():
    picture = np.random.default_rng(0).integers(0, 255, (90, 160, 3)).astype(np.uint8)
    shown = cut_out(picture, np.array([0.0, 0.0, 1.0, 1.0]), (160, 90))
    np.testing.assert_array_equal(shown, picture)
    assert not np.shares_memory(shown, picture)


def test_cuts_are_told_from_motion_and_from_a_lamp():
    walking, elsewhere = Scene(faces=3, seed=1, crossing=True), Scene(faces=2, seed=9)
    cuts = Cuts()
    told = [cuts.is_cut(walking.frame(index).picture) for index in range(20)]
    dimmed = cv2.convertScaleAbs(walking.frame(20).picture, alpha=0.85)
    told += [cuts.is_cut(dimmed), cuts.is_cut(elsewhere.frame(0).picture), cuts.is_cut(elsewhere.frame(1).picture)]
    assert told == [False] * 21 + [True, False]


def test_after_a_cut_the_camera_is_where_the_faces_are_at_once():
    def frame(index, picture):
        return Frame(picture, index, index / 30, 0.0)

    def face(x, ids=None):
        return Faces([[x, 0.3, x + 0.06, 0.42]], [0.9], [0], 640, 480, ids=ids)

    here, there = Scene(seed=1).frame(0).picture, Scene(seed=9).frame(0).picture
    for films in (True, False):
        framing = Framing(Framed("1:1"), 0.5, films=films)
        for index in range(30):
            framing.crop(frame(index, here), face(0.2, [1]), face(0.2))
        # Nobody has a number yet in the first frames after the cut: what was found counts.
        crops = [framing.crop(frame(30 + k, there), Faces.none(640, 480), face(0.7)) for k in range(2)]
        middle = [(crop[0] + crop[2]) / 2 for crop in crops]
        assert (min(middle) > 0.65) == films
    for index in range(32, 60):
        assert (framing.crop(frame(index, there), face(0.7, [2]), face(0.7))[2] > 0).all()


def test_faces_are_told_in_the_crop_and_those_outside_are_whole():
    """Who hides them must know of all of a face, not only of the part inside."""
    framing = Framing(Framed("1:1"), 0.5)
    faces = Faces([[0.2, 0.3, 0.26, 0.42], [0.9, 0.8, 0.95, 0.9]], [0.9, 0.9], [0, 0], 640, 480, ids=[1, 2])
    frame = Frame(Scene().frame(0).picture, 0, 0.0, 0.0)
    shot = framing.shot(frame, faces[:1], faces)
    shot = framing.shot(Frame(frame.picture, 1, 1 / 30, 0.0), faces[:1], faces)
    assert shot.picture.shape == (480, 480, 3)
    assert (shot.faces.width, shot.faces.height) == (480, 480)
    assert len(shot.faces) == 1
    assert 0 < shot.faces.boxes[0, 0] < shot.faces.boxes[0, 2] < 1
    assert shot.found.boxes[1, 0] > 1
    sides = shot.found.boxes[:, 2:] - shot.found.boxes[:, :2]
    assert (sides[0] / sides[1]) == pytest.approx([0.06 / 0.05, 0.12 / 0.1], rel=1e-4)
