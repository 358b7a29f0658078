"""A personal tracker hands on the starter's landmarks, unless an own head answers, which nobody taught any."""

from __future__ import annotations

import numpy as np
import pytest

from facetracker.models import PersonalTracker

PICTURES = np.random.default_rng(0).integers(0, 256, (2, 96, 128, 3)).astype(np.uint8)


@pytest.mark.parametrize("own_head", [False, True])
def test_landmarks_are_the_starters_or_none(own_head):
    tracker = PersonalTracker(own_head=own_head, image_size=96, landmarks=True)
    outputs = tracker(PICTURES, training=False)
    assert set(outputs) == ({"scores", "offsets"} if own_head else {"scores", "offsets", "landmarks"})
    cells = {value.shape[1] for value in outputs.values()}
    assert cells == {252 + 60 if own_head else 252}
    if own_head:
        # The own head begins as a copy: its boxes are coded as the starter's are, beside their cells too.
        assert tracker.own_head.head.to_reach.shift == tracker.head.to_reach.shift > 0
        again = PersonalTracker.from_config(tracker.get_config())
        assert again.own_head.head.landmarks
