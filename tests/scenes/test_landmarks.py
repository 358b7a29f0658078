"""The landmarks of drawn faces lie where eyes, nose and mouth are drawn, however the head is turned."""

from __future__ import annotations

import numpy as np
import pytest

from facetracker.scenes import Scene, face
from facetracker.scenes.face import Expression
from facetracker.scenes.paths import Pose
from facetracker.scenes.person import person
from facetracker.scenes.placing import _map_of_head, landmarks_of

# roll in radians, yaw and pitch as shares, aside in degrees
TURNS = [
    (0, 0, 0, 0), (0.3, 0, 0, 0), (0, 1, 0, 0), (0, -1, 1, 0), (-0.2, 0.7, -1, 0),
    (0, 0, 0, 20), (0, 0, 0, -45), (0.2, 0, 0, 35), (-0.1, 0, 0, -10),
]  # fmt: skip


@pytest.mark.parametrize(("roll", "yaw", "pitch", "aside"), TURNS)
def test_the_picture_shows_there_what_is_drawn_there(roll, yaw, pitch, aside):
    """The drawing's own map, from the picture back to the canvas, leads from each landmark to where it was drawn."""
    who, look, pose = person(3), Expression(smile=0.8), Pose(320.0, 240.0, 80.0, roll, yaw, pitch, 0.0, aside)
    u, v, left, top = _map_of_head(pose, 110, who)
    for (x, y), drawn in zip(landmarks_of(who, pose, look), face.landmarks(who, look), strict=True):
        column, row = round(x - left - 0.5), round(y - top - 0.5)
        found = np.array([u[row, column] + 0.5, v[row, column] + 0.5]) / 110 + [face.LEFT, face.TOP]
        assert found == pytest.approx(drawn, abs=0.02)  # a pixel of the picture is 0.0125 units


def test_every_face_of_a_frame_has_its_landmarks():
    frame = Scene(640, 480, faces=3, seed=5).frame(40)
    assert frame.landmarks.shape == (3, 5, 2)
    left, right, nose, _, mouth = frame.landmarks.transpose(1, 0, 2)
    assert (left[:, 0] < right[:, 0]).all()
    assert (nose[:, 1] < mouth[:, 1]).all()
    inside = (frame.landmarks >= frame.boxes[:, None, :2]) & (frame.landmarks <= frame.boxes[:, None, 2:])
    assert inside.all()
    assert Scene(faces=0).frame(0).landmarks.shape == (0, 5, 2)


def test_heads_turn_aside_and_back():
    scene = Scene(320, 240, seed=3, fps=5, turning=40.0)
    frames = [scene.frame(index) for index in range(0, 60, 3)]
    aside = np.array([frame.aside[0] for frame in frames])
    assert aside.min() < -30
    assert 30 < aside.max() <= 40
    for frame in frames:
        left, right, nose = frame.landmarks[0, :3, 0]
        middle, wide = (left + right) / 2, right - left
        assert (nose - middle) / wide == pytest.approx(np.sin(np.radians(frame.aside[0])), abs=0.45)
    still = Scene(320, 240, seed=3, fps=5).frame(0)
    assert still.aside.tolist() == [0.0]
