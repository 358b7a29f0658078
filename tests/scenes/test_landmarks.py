"""The landmarks of drawn faces lie where eyes, nose and mouth are drawn, however the head is turned."""

from __future__ import annotations

import numpy as np
import pytest

from facetracker.scenes import Scene, face
from facetracker.scenes.face import Expression
from facetracker.scenes.paths import Pose
from facetracker.scenes.person import person
from facetracker.scenes.scene import _map_of_head, landmarks_of


@pytest.mark.parametrize(("roll", "yaw", "pitch"), [(0, 0, 0), (0.3, 0, 0), (0, 1, 0), (0, -1, 1), (-0.2, 0.7, -1)])
def test_the_picture_shows_there_what_is_drawn_there(roll, yaw, pitch):
    """The drawing's own map, from the picture back to the canvas, leads from each landmark to where it was drawn."""
    who, look, pose = person(3), Expression(smile=0.8), Pose(320.0, 240.0, 80.0, roll, yaw, pitch, 0.0)
    u, v, left, top = _map_of_head(pose, 110, bend=True)
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
