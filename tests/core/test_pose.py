"""Roll, yaw and pitch come back out of the landmarks of a turned head."""

from __future__ import annotations

import numpy as np
import pytest

from facetracker.core.faces import HEAD, Faces, pose_of


def turned_head(roll, yaw, pitch, size=0.8, at=(300.0, 200.0)):
    """The landmarks `(5, 2)` of a head turned so, seen from far away."""
    r, y, p = np.radians([roll, yaw, pitch])
    nod = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    shake = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    lean = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return (HEAD @ (lean @ shake @ nod).T)[:, :2] * size + at


@pytest.mark.parametrize("turn", [(0, 0, 0), (25, 0, 0), (0, 40, 0), (0, -40, 0), (0, 0, 20), (-15, 30, -12)])
def test_a_turned_head_is_seen_as_turned(turn):
    np.testing.assert_allclose(pose_of(turned_head(*turn)[None])[0], turn, atol=0.01)


def test_signs_are_those_of_the_picture():
    looks_right, leans_clockwise, looks_up = turned_head(0, 30, 0), turned_head(20, 0, 0), turned_head(0, 0, 20)
    ahead = turned_head(0, 0, 0)
    assert looks_right[2, 0] > ahead[2, 0] + 5  # the nose goes right
    assert leans_clockwise[1, 1] > leans_clockwise[0, 1]  # the eye on the right is lower
    assert looks_up[2, 1] < ahead[2, 1] - 2  # the nose goes up


def test_faces_know_their_pose_and_write_it():
    points = np.stack([turned_head(10, 20, 0), turned_head(0, -30, 5, 0.4)]) / [640, 480]
    faces = Faces([[0.1, 0.1, 0.5, 0.6], [0.5, 0.2, 0.8, 0.6]], [0.9, 0.8], [0, 0], 640, 480, landmarks=points)
    np.testing.assert_allclose(faces.pose, [[10, 20, 0], [0, -30, 5]], atol=0.01)
    np.testing.assert_allclose(faces.mirrored().pose, [[-10, -20, 0], [0, 30, 5]], atol=0.01)
    assert faces.as_json()["pose"] == [[10.0, 20.0, 0.0], [0.0, -30.0, 5.0]]
    assert Faces.from_json(faces.as_json()).landmarks == pytest.approx(points, abs=1e-4)
    assert Faces.none(640, 480).pose is None
    assert pose_of(np.zeros((0, 5, 2))).shape == (0, 3)
