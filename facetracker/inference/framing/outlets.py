"""Where pictures go besides a file: a pipe, an address on this machine, a virtual camera, a folder of photos."""

from __future__ import annotations

import errno
import math
import os
import queue
import re
import sys
import threading
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

from facetracker.capture.frames import Frame
from facetracker.core import console
from facetracker.core.console import counted
from facetracker.core.errors import FaceTrackerError, one_line
from facetracker.core.files import refuse_to_overwrite
from facetracker.core.install import install_command
from facetracker.core.photo import Picture, write_jpeg
from facetracker.inference.live.browser import BrowserView

STDOUT, STDERR = 1, 2
LONGEST = 10.0  # seconds: a longer gap of the source is not filled, it is left out
PATIENCE = 3.0  # seconds
WAITING = 2  # pictures that may wait for whoever reads them; a live run then leaves some out rather than fall behind
DRIVERS = {
    "linux": "sudo apt install v4l2loopback-dkms && sudo modprobe v4l2loopback exclusive_caps=1 card_label=facetracker",
    "darwin": "install OBS (obsproject.com), start its virtual camera once, and close it",
    "win32": "install OBS (obsproject.com): its virtual camera comes with it",
}


def loopbacks() -> list[str]:
    """The virtual cameras that v4l2loopback has made on a Linux machine: `/dev/video9`, ..."""
    made = Path("/sys/devices/virtual/video4linux").glob("video*")
    return sorted(f"/dev/{path.name}" for path in made)


class RawPipe:
    """Standard output as raw video, `bgr24`, at a constant rate: what the source leaves out is sent twice.

    Everything else that is printed goes to stderr from here on. `left` once nobody reads any more.
    """

    def __init__(self, fps: float, *, live: bool = False):
        if os.isatty(STDOUT):
            raise FaceTrackerError(
                "standard output is a terminal, which shows no video", fix="... --to - | ffmpeg -f rawvideo ..."
            )
        self.fps = Fraction(fps).limit_denominator(1001)
        self.live, self.left, self._closed = live, False, False
        self.frames = self.left_out = 0
        sys.stdout.flush()
        self._stdout = os.dup(STDOUT)
        os.dup2(STDERR, STDOUT)
        self._began: float | None = None
        self._last: Picture | None = None
        self._number = -1
        self._queue: queue.Queue[tuple[Picture, float] | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._work, name="writes the pipe", daemon=True)
        self._thread.start()

    def show(self, picture: Picture, frame: Frame) -> None:
        """Send a picture; it must not change afterwards."""
        if self._began is None:
            self._began = frame.time
            print(self.command(picture), file=sys.stderr, flush=True)
        if self.left:
            return
        if not self.live:
            self._queue.put((picture, frame.time))
            return
        try:
            self._queue.put_nowait((picture, frame.time))
        except queue.Full:
            self.left_out += 1

    def command(self, picture: Picture) -> str:
        """What reads this pipe and hands it on, to OBS for example (a media source, input udp://127.0.0.1:5000)."""
        height, width = picture.shape[:2]
        return (
            f"ffmpeg -f rawvideo -pixel_format bgr24 -video_size {width}x{height} -framerate {self.fps} -i - "
            "-c:v libx264 -preset veryfast -tune zerolatency -pix_fmt yuv420p -f mpegts udp://127.0.0.1:5000"
        )

    def close(self) -> None:
        """Send what is waiting and give standard output back; a live run waits a moment only for a slow reader."""
        if self._closed:
            return
        self._closed, limit = True, PATIENCE if self.live else None
        with suppress(queue.Full):
            self._queue.put(None, timeout=limit)
        self._thread.join(limit)
        if self._thread.is_alive():
            return
        os.dup2(self._stdout, STDOUT)
        os.close(self._stdout)

    def summary(self) -> str:
        """A line about it."""
        left = f", {self.left_out} left out (read too slowly)" if self.left_out else ""
        return f"pipe: {counted(self.frames, 'frame')}{left}"

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            if not self.left:
                self._send(*item)

    def _send(self, picture: Picture, at: float) -> None:
        assert self._began is not None
        number = round((at - self._began) * self.fps)
        missing = number - self._number - 1
        if missing < 0 or missing > LONGEST * self.fps:  # two frames within one frame time; a clock that jumps
            if missing < 0 and number > self._number - LONGEST * self.fps:
                return
            self._began, missing = at - float((self._number + 1) / self.fps), 0
        try:
            for _ in range(missing if self._last is not None else 0):
                self._write(self._last)
            self._write(picture)
        except OSError as error:
            self.left = True
            if error.errno not in (errno.EPIPE, errno.EINVAL):
                console.warn(f"pipe: {error.strerror}")
        self._last = picture
        self._number += missing + 1

    def _write(self, picture: Picture | None) -> None:
        rest = memoryview(picture).cast("B")  # type: ignore[arg-type]
        while rest:
            rest = rest[os.write(self._stdout, rest) :]
        self.frames += 1


class Mjpeg:
    """An address on this machine that streams the pictures as MJPEG, for whoever knows its token."""

    left = False

    def __init__(self, title: str, port: int = 0):
        try:
            self._view = BrowserView(title, port, quiet=True)
        except OSError as error:
            told = one_line(str(error))
            raise FaceTrackerError(f"port {port} cannot be used: {told}", fix="Choose another.") from None
        console.say(f"MJPEG: {self._view.stream}")
        self.frames = 0

    def show(self, picture: Picture, frame: Frame) -> None:
        """The next picture of the stream; encoded only while somebody watches."""
        self._view.show(picture)
        self.frames += 1

    def close(self) -> None:
        """End the stream."""
        self._view.close()

    def summary(self) -> str:
        """A line about it."""
        return f"MJPEG: {counted(self.frames, 'frame')}"


class VirtualCamera:
    """A camera that other programs can choose, through pyvirtualcam and a driver."""

    left = False

    def __init__(self, fps: float, device: str | None = None):
        try:
            import pyvirtualcam
        except ImportError:
            told = "a virtual camera needs the package pyvirtualcam"
            raise FaceTrackerError(told, fix=install_command("camera")) from None
        self.fps, self.device, self.frames = fps, device, 0
        self._made: Any = pyvirtualcam
        self._camera: Any = None

    def open(self, width: int, height: int) -> None:
        """Make the camera appear; a driver that is missing is told here."""
        bgr, rate = self._made.PixelFormat.BGR, max(1.0, self.fps)
        try:
            self._camera = self._made.Camera(width, height, rate, fmt=bgr, device=self.device)
        except (RuntimeError, OSError, ValueError) as error:
            told = one_line(str(error))
            raise FaceTrackerError(f"no virtual camera: {told}", fix=DRIVERS.get(sys.platform, "")) from None
        console.say(f"virtual camera: {self._camera.device}, {width}x{height}")

    def show(self, picture: Picture, frame: Frame) -> None:
        """The camera's next picture."""
        if self._camera is None:
            self.open(picture.shape[1], picture.shape[0])
        self._camera.send(picture)
        self.frames += 1

    def close(self) -> None:
        """Take the camera away."""
        if self._camera is not None:
            self._camera.close()

    def summary(self) -> str:
        """A line about it."""
        return f"virtual camera: {counted(self.frames, 'frame')}"


class SavedPhotos:
    """A folder that gets every photo's picture under the photo's own name, as JPEG; or a file for one photo.

    Photos that lie deeper in the folder `root` that was read keep their subfolders.
    """

    left = False

    def __init__(self, target: Path, root: Path, *, force: bool = False):
        self.target, self.root, self.force, self.frames = target, root, force, 0
        self.one = target.suffix.lower() in (".jpg", ".jpeg")

    def show(self, picture: Picture, frame: Frame) -> None:
        """Write the picture of one photo."""
        path = self.target if self.one else self.target / self._name(frame)
        if frame.path is not None and path.exists() and path.samefile(frame.path):
            raise FaceTrackerError("is the photo itself", path=path, fix="Name another file or folder.")
        refuse_to_overwrite(path, self.force)
        write_jpeg(path, picture)
        self.frames += 1

    def _name(self, frame: Frame) -> Path:
        if frame.path is None:
            return Path(f"frame-{frame.index:06d}.jpg")
        inside = frame.path.is_relative_to(self.root) and frame.path != self.root
        return (frame.path.relative_to(self.root) if inside else Path(frame.path.name)).with_suffix(".jpg")

    def close(self) -> None:
        """Nothing is left to do."""

    def summary(self) -> str:
        """A line about it."""
        return f"{self.target}: {console.counted(self.frames, 'photo')}"


Outlet = RawPipe | Mjpeg | VirtualCamera | SavedPhotos


def open_outlet(target: str, title: str, fps: float, live: bool) -> Outlet:
    """The outlet that `--to TARGET` names: `-`, `mjpeg`, `mjpeg:8090`, `camera`, `camera:/dev/video9`."""
    fps = fps if math.isfinite(fps) and fps > 0 else 30.0
    kind, _, more = target.partition(":")
    if target == "-":
        return RawPipe(fps, live=live)
    if kind == "mjpeg" and re.fullmatch(r"\d{0,5}", more) and int(more or 0) < 65536:
        return Mjpeg(title, int(more or 0))
    if kind == "camera":
        return VirtualCamera(fps, more or None)
    raise FaceTrackerError(f"--to {target}: not known", fix="-, mjpeg, mjpeg:8090 or camera.")
