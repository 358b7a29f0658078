"""Where a face looks: roll, yaw and pitch from its five landmarks, by the turn of a head that fits them best."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

# The eyes, the tip of the nose and the corners of the mouth of a grown head that looks at the camera, left to right in
# the picture: millimetres to the right, down, and towards the camera.
HEAD = np.array([[-32, -34, 0], [32, -34, 0], [0, 2, 24], [-25, 34, 2], [25, 34, 2]], np.float64)
_CENTRED = HEAD - HEAD.mean(axis=0)
_FIT = np.linalg.pinv(_CENTRED)  # (3, 5)


def pose_of(points: ArrayLike) -> NDArray[np.float32]:
    """Roll, yaw and pitch in degrees `(N, 3)` of faces with landmarks `(N, 5, 2)` in pixels.

    Roll is positive where the head leans clockwise in the picture, yaw where it looks to the picture's right, pitch
    where it looks up. The camera is taken to be far away: more cannot be told from five points.
    """
    points = np.asarray(points, np.float64).reshape(-1, 5, 2)
    shape = np.swapaxes(_FIT @ (points - points.mean(axis=1, keepdims=True)), 1, 2)  # (N, 2, 3)
    left, _, right = np.linalg.svd(shape, full_matrices=False)
    turn = left @ right  # the nearest turn: the picture's x and y as directions of the head
    ahead = np.cross(turn[:, 0], turn[:, 1])
    yaw = np.arcsin(np.clip(-ahead[:, 0], -1, 1))
    pitch = np.arctan2(ahead[:, 1], ahead[:, 2])
    roll = np.arctan2(turn[:, 1, 0], turn[:, 0, 0])
    return np.degrees(np.stack([roll, yaw, pitch], axis=1)).astype(np.float32)
