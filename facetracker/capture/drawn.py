"""A drawn scene as a source: `scene:faces=3,seed=7,count=300,live=1`."""

from __future__ import annotations

import time
from dataclasses import fields
from typing import Any

from facetracker.capture.frames import Frame, Source, now
from facetracker.core.errors import FaceTrackerError
from facetracker.core.settings import way_out
from facetracker.scenes import Scene
from facetracker.scenes.turned import FARTHEST

COUNT = 300  # frames of a scene that is not live and has no count: ten seconds


class Drawn(Source):
    """A drawn scene. Live, it behaves like a stream: frames become due at their own pace and wait for a slow reader."""

    LAG = 8.0  # seconds of frames that wait at most, as in a network stream's buffers

    def __init__(self, scene: Scene, count: int | None = COUNT, live: bool = False, name: str = "scene:"):
        self.scene, self.count, self.live, self.name = scene, count, live, name
        self.fps, self.width, self.height = scene.fps, scene.width, scene.height
        self._index = -1
        self._began: float | None = None
        self._closed = False

    def _next(self) -> float | None:
        if self._closed or (self.count is not None and self._index + 1 >= self.count):
            return None
        self._index += 1
        if self.live:
            self._began = now() if self._began is None else self._began
            overdue = now() - self._began - self._index / self.scene.fps
            if overdue > self.LAG:
                self._index += int((overdue - self.LAG) * self.scene.fps)
            elif overdue < 0:
                time.sleep(-overdue)
        return self._index / self.scene.fps

    def _frame(self) -> Frame:
        drawn = self.scene.frame(self._index)
        time_of = self._index / self.scene.fps
        taken = self._began + time_of if self.live and self._began is not None else now()
        return Frame(drawn.picture, self._index, time_of, taken, truth=drawn)

    def interrupt(self) -> None:
        self._closed = True

    def close(self) -> None:
        self._closed = True


def open_scene(spec: str) -> Drawn:
    """The source of a `scene:` specification; unknown options are refused with the nearest right one."""
    text = spec.partition(":")[2]
    kinds: dict[str, Any] = {field.name: _kind(str(field.type)) for field in fields(Scene)}
    kinds |= {"count": int, "live": _yes}
    values: dict[str, Any] = {}
    for option in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = option.partition("=")
        if key not in kinds:
            raise FaceTrackerError(f"{spec}: a scene has no option {key}", fix=way_out(key, sorted(kinds)))
        try:
            values[key] = kinds[key](value if equals else "1")
        except ValueError:
            raise FaceTrackerError(f"{spec}: {option} is not understood", fix="Example: scene:faces=3,seed=7") from None
    live = values.pop("live", False)
    count = values.pop("count", None if live else COUNT)
    if not 0 < values.get("fps", 30.0) <= 1000 or min(values.get("width", 64), values.get("height", 64)) < 32:
        raise FaceTrackerError(f"{spec}: a scene needs 32 pixels a side and a frame rate above 0")
    if (
        not 0 <= values.get("faces", 1) <= 64
        or min(values.get("seed", 0), values.get("people", 0)) < 0
        or (count is not None and count < 1)
    ):
        raise FaceTrackerError(f"{spec}: a scene has 0 to 64 faces, a seed from 0 and at least one frame")
    if not 0 <= values.get("turning", 0.0) <= FARTHEST:
        raise FaceTrackerError(f"{spec}: heads turn by 0 to {FARTHEST:g} degrees")
    return Drawn(Scene(**values), count, live, spec)


def _kind(annotation: str) -> Any:
    return {"int": int, "bool": _yes}.get(annotation.removesuffix(" | None"), float)


def _yes(text: str) -> bool:
    if text.lower() in ("1", "yes", "true", "on"):
        return True
    if text.lower() in ("0", "no", "false", "off"):
        return False
    raise ValueError(text)
