"""Drawn people turn their heads, and `notice` tells when they look away: detector, landmarks and events together."""

from __future__ import annotations

import numpy as np
import pytest

from facetracker.capture.frames import Frame
from facetracker.inference.detector import Detector
from facetracker.inference.events.events import Noticing
from facetracker.inference.tracking.watch import Watcher
from facetracker.scenes import Scene

pytestmark = pytest.mark.slow
FPS = 10


@pytest.mark.parametrize(("turning", "looks"), [(55.0, True), (20.0, False)])
def test_who_turns_far_enough_looks_away_and_back(turning, looks):
    scene = Scene(640, 480, seed=302, fps=FPS, turning=turning)
    watcher, noticing, events, aside = Watcher(Detector(), FPS), Noticing(), [], []
    for index in range(9 * FPS):
        drawn = scene.frame(index)
        seen = watcher.look(Frame(drawn.picture, index, index / FPS, index / FPS))
        events += noticing.look(seen.faces, index / FPS, seen.found)
        aside.append(abs(float(drawn.aside[0])))
    told = [(one.event, one.time) for one in events if one.event.startswith("looks_")]
    if not looks:
        assert told == []
        return
    assert [name for name, _ in told] == ["looks_away", "looks_back"] * 2 + ["looks_away"]
    for name, time in told:  # within 0.3 s the head crosses the angle that counts
        near = aside[max(0, round((time - 0.3) * FPS)) : round((time + 0.3) * FPS) + 1]
        counts = 35 if name == "looks_away" else 25
        assert np.min(near) <= counts <= np.max(near)
