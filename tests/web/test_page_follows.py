"""The page's follower is Python's: the same numbers, boxes and coasting from the same detections, under node."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facetracker.core.boxes import to_pixels
from facetracker.core.faces import Faces
from facetracker.inference.tracking.follow import Follower
from facetracker.scenes import Scene
from facetracker.web import app

VISION = Path(app.__file__).parent / "static" / "js" / "vision"
FPS, THRESHOLD = 30.0, 0.5
RUN = """
import { readFileSync } from "node:fs";
import { Follower } from "./follow.js";
const { threshold, fps, frames } = JSON.parse(readFileSync(0, "utf8"));
const follower = new Follower(threshold, fps);
const answers = frames.map(({ time, faces }) => follower.update(faces, time));
console.log(JSON.stringify({ low: follower.lowThreshold, answers }));
"""


def recorded(scene: Scene, frames: int, seed: int) -> list[tuple[float, Faces]]:
    """What a detector might say of a scene: it trembles, misses faces, is unsure, sees some twice and some for once."""
    random = np.random.default_rng(seed)
    rows = []
    for index in range(frames):
        truth = to_pixels(scene.frame(index).boxes, scene.width, scene.height)
        truth = truth[random.random(len(truth)) > 0.05]
        doubled = np.concatenate([truth, truth[random.random(len(truth)) < 0.1] + 9])
        flicker = random.uniform(0, 200, (int(random.random() < 0.1), 2))
        boxes = np.concatenate([doubled, np.concatenate([flicker, flicker + 60], axis=1)])
        boxes += random.normal(0, 0.01, boxes.shape) * np.tile(boxes[:, 2:] - boxes[:, :2], 2)
        scores = random.uniform(0.21, 1, len(boxes))
        time = index / FPS + random.uniform(0, 0.01)
        found = Faces.from_pixels(boxes, scene.width, scene.height, scores=scores)
        corners, sides = found.boxes[:, None, :2], (found.boxes[:, 2:] - found.boxes[:, :2])[:, None]
        points = corners + sides * random.uniform(0.2, 0.8, (len(boxes), 5, 2))
        rows.append((time, replace(found, landmarks=points.astype(np.float32))))
    return rows


def told(faces: Faces) -> list[dict]:
    """Faces as the page has them, points in pixels too."""
    rows = zip(faces, in_pixels(faces), strict=True)
    return [{"box": one.pixels.tolist(), "score": one.score, "class": one.label, "points": at} for one, at in rows]


def in_pixels(faces: Faces) -> list:
    assert faces.landmarks is not None
    return (faces.landmarks * [faces.width, faces.height]).tolist()


def on_the_page(rows: list[tuple[float, Faces]], folder: Path) -> dict:
    """What the page's follower says of them."""
    for file in VISION.glob("*.js"):
        shutil.copy(file, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "run.js").write_text(RUN)
    frames = [{"time": time, "faces": told(faces)} for time, faces in rows]
    settings = json.dumps({"threshold": THRESHOLD, "fps": FPS, "frames": frames})
    done = subprocess.run(["node", "run.js"], cwd=folder, input=settings, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def jumping() -> list[tuple[float, Faces]]:
    """A clock that stands still for a while, leaves a gap, and is wound back."""
    rows = recorded(Scene(faces=3, seed=4), 90, 4)
    times = [max(0.5, time) if time < 1 else time + 2 if time < 2 else time - 2 for time, _ in rows]
    return [(time, faces) for time, (_, faces) in zip(times, rows, strict=True)]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.slow
@pytest.mark.parametrize(
    "rows",
    [
        lambda: recorded(Scene(faces=5, seed=0), 100, 0),
        lambda: recorded(Scene(faces=5, seed=1, crossing=True), 100, 1),
        lambda: recorded(Scene(1280, 720, faces=10, seed=2, crossing=True), 100, 2),
        lambda: recorded(Scene(faces=1, seed=3, leaving=True), 100, 3),
        jumping,
    ],
    ids=["calm", "crossing", "a crowd", "leaving", "a clock that jumps"],
)
def test_the_page_follows_as_python_does(rows, tmp_path):
    rows = rows()
    follower = Follower(THRESHOLD, FPS)
    answer = on_the_page(rows, tmp_path)
    assert answer["low"] == follower.low_threshold
    shown = coasted = 0
    for (time, found), theirs in zip(rows, answer["answers"], strict=True):
        ours = follower.update(found, time)
        assert [face["id"] for face in theirs] == [face.id for face in ours]
        assert [face["coasting"] for face in theirs] == [face.coasting for face in ours]
        assert [face["score"] for face in theirs] == pytest.approx([face.score for face in ours])
        boxes = np.reshape([face["box"] for face in theirs], (-1, 4))
        np.testing.assert_allclose(boxes, ours.pixels, atol=0.01)
        points = np.reshape([face["points"] for face in theirs], (-1, 5, 2))
        np.testing.assert_allclose(points, np.reshape(in_pixels(ours), (-1, 5, 2)), atol=0.02)
        shown += len(ours)
        coasted += sum(face.coasting for face in ours)
    assert shown > len(rows) / 2  # not because nobody was followed
    assert coasted > 0
