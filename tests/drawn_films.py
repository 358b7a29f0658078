"""Films that are numbers only, and small real ones, for the tests of labelling films."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from facetracker.inference.films.sightings import Sightings
from facetracker.labels.film.found import FilmSeen, faces_in, write_seen
from facetracker.scenes import Scene

WIDTH, HEIGHT, FPS = 640, 480, 25
THRESHOLD = 0.65
SCENE = Scene(320, 240, faces=1, seed=4, fps=FPS)


def moving(frame: int, start: float = 100.0, speed: float = 2.0) -> list[float]:
    """A face of 80x100 pixels that goes to the right."""
    left = start + speed * frame
    return [left, 150.0, left + 80, 250.0]


def seen_of(frames: list[list[tuple[list[float], float]]]) -> FilmSeen:
    """What was found in a film whose frames show these boxes (pixels) with these scores."""
    seen = Sightings(WIDTH, HEIGHT)
    for number, faces in enumerate(frames):
        seen.stamps.append(number * 40)
        seen.times.append(number / FPS)
        seen.boxes.append(np.array([box for box, _ in faces], np.float32).reshape(-1, 4))
        seen.scores.append(np.array([score for _, score in faces], np.float32))
        seen.changes.append(0.0)
    return faces_in(seen, THRESHOLD)


def two_faces(count: int = 80, gap: tuple[int, int] = (40, 48)) -> FilmSeen:
    """One face that goes to the right and is not seen for a while, and one that stands still."""
    still = [420.0, 100.0, 500.0, 200.0]
    return seen_of(
        [([] if gap[0] <= frame < gap[1] else [(moving(frame), 0.9)]) + [(still, 0.8)] for frame in range(count)]
    )


def write_film(path: Path, count: int = 30, scene: Scene = SCENE, looked: bool = True) -> list[np.ndarray]:
    """A small film; its true boxes in pixels, frame by frame. `looked`: with what was found beside it, the truth."""
    truth = []
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "18", "g": "12"})
        stream.width, stream.height, stream.pix_fmt = scene.width, scene.height, "yuv420p"
        for index in range(count):
            shown = scene.frame(index)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(shown.picture, format="bgr24")))
            truth.append(shown.boxes * np.float32([scene.width, scene.height] * 2))
        container.mux(stream.encode(None))
    if looked:
        with av.open(str(path)) as container:
            frames = [(frame.pts, float(frame.pts * frame.time_base)) for frame in container.decode(video=0)]
        seen = Sightings(scene.width, scene.height)
        for (stamp, time), boxes in zip(frames, truth, strict=True):
            seen.stamps.append(stamp)
            seen.times.append(time)
            seen.boxes.append(boxes)
            seen.scores.append(np.full(len(boxes), 0.9, np.float32))
            seen.changes.append(0.0)
        write_seen(path, faces_in(seen, THRESHOLD))
    return truth
