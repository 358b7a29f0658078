"""Live on the server: frames come over a WebSocket, faces go back.

One thread looks at the frames of all pages, one frame of each in turn, so that a page that sends too much waits for
itself and not for the others. Of each page at most two frames are under way: the one looked at, and the newest. A
page answers for its own mistakes: frames too large are refused by their header, before they are unpacked.
"""

from __future__ import annotations

import asyncio
import io
import json
import struct
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from starlette.websockets import WebSocket, WebSocketDisconnect

from facetracker.core.errors import FaceTrackerError
from facetracker.core.faces import Faces
from facetracker.core.photo import Picture, decode_picture, encode_jpeg
from facetracker.inference.detector import Detector
from facetracker.inference.tracking.follow import Follower

MOST_PAGES = 16
IDLE = 60.0  # seconds without any message after which a page is taken to be asleep; it connects again
MOST_PIXELS = 9_000_000  # 3840 x 2160 and a little
MOST_WAITING = 32_000_000  # bytes of frames of all pages together
MOST_BAD = 20  # messages in a row
FORMATS = ("JPEG", "PNG", "WEBP")
NUMBER = struct.Struct("<I")
ASLEEP, CROWDED, NONSENSE = 4000, 4001, 1008  # codes with which a socket is closed


class Page:
    """One open page: its settings, the frame that waits, and the answers on their way."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.receiver = asyncio.current_task()
        self.answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue(16)
        self.waiting: tuple[int, bytes, float] | None = None
        self.threshold: float | None = None
        self.follow = True
        self.since = time.monotonic()
        self.good_at = 0.0  # when its last good frame was answered; 0: none yet
        self.bad = 0
        self.looked_at = False
        self.ousted: int | None = None
        self._follower: Follower | None = None

    def answer(self, answer: dict[str, Any]) -> None:
        """Queue an answer; a page that reads none of them goes. On the event loop."""
        try:
            self.answers.put_nowait(answer)
        except asyncio.QueueFull:
            self.oust(ASLEEP)

    def oust(self, code: int) -> None:
        """End this page's socket. On the event loop."""
        if self.ousted is None and self.receiver is not None:
            self.ousted = code
            self.receiver.cancel()

    @property
    def worth(self) -> tuple[bool, bool, float]:
        """How much speaks for keeping this page when there are too many: the least goes."""
        promising = self.bad == 0 and (self.looked_at or self.waiting is not None)
        return self.good_at > 0, promising, self.good_at or self.since

    def settings(self, text: str) -> str | None:
        """Take new settings from the page; what is wrong with them, or None."""
        try:
            wish = json.loads(text)
        except (ValueError, RecursionError):
            return "the settings are not JSON"
        if not isinstance(wish, dict):
            return "the settings are no mapping"
        threshold, follow = wish.get("threshold", self.threshold), wish.get("follow", self.follow)
        if threshold is not None and not (isinstance(threshold, int | float) and 0 < threshold <= 1):
            return "threshold is not between 0 and 1"
        if not isinstance(follow, bool):
            return "follow is not true or false"
        if (threshold, follow) != (self.threshold, self.follow):
            self.threshold, self.follow, self._follower = threshold, follow, None
        return None

    def look(self, detector: Detector, number: int, data: bytes, came: float) -> dict[str, Any]:
        """The faces in one frame. On the looking thread."""
        started = time.perf_counter()
        try:
            frame = decode_frame(data)
        except FaceTrackerError as error:
            return {"frame": number, "error": error.fault}
        decoded = time.perf_counter()
        threshold = detector.threshold if self.threshold is None else self.threshold
        follower = self._following(threshold) if self.follow else None
        found = faces = detector.detect(frame, follower.low_threshold if follower else threshold)
        if follower is not None:
            faces = follower.update(faces, came)
        done = time.perf_counter()
        return {
            "frame": number,
            "width": faces.width,
            "height": faces.height,
            "faces": _rows(faces),
            "found": _rows(found) if follower else [],
            "ms": {
                "decode": round((decoded - started) * 1000, 2),
                "infer": round((done - decoded) * 1000, 2),
                "all": round((time.monotonic() - came) * 1000, 2),
            },
        }

    def _following(self, threshold: float) -> Follower:
        self._follower = self._follower or Follower(threshold)
        return self._follower


class Live:
    """The looking thread and the pages it serves. `use` changes the model between two frames."""

    def __init__(self, detector: Detector):
        warm_up(detector)
        self._detector = detector
        self._pages: deque[Page] = deque()
        self._stopping = False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="looks for the pages", daemon=True)
        self._thread.start()

    @property
    def detector(self) -> Detector:
        """The model in use; only its card may be read from outside."""
        return self._detector

    @property
    def pages(self) -> int:
        """How many pages are connected."""
        return len(self._pages)

    def use(self, detector: Detector) -> None:
        """Look with another model from the next frame on."""
        with self._news:
            self._detector = detector
            for page in self._pages:
                page._follower = None

    def close(self) -> None:
        """Finish the frame that is looked at, and end."""
        with self._news:
            self._stopping = True
            self._news.notify_all()
        self._thread.join(10)

    async def serve(self, websocket: WebSocket) -> None:
        """One page's socket, until it goes."""
        await websocket.accept()
        page = Page()
        self._join(page)
        sender = asyncio.create_task(_send_answers(websocket, page))
        code = 1000
        try:
            while page.bad < MOST_BAD:
                async with asyncio.timeout(IDLE):
                    message = await websocket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                self._take(page, message)
                await asyncio.sleep(0)  # messages that came together: let the answers out in between
            code = NONSENSE
        except TimeoutError:
            code = ASLEEP
        except asyncio.CancelledError:
            if page.ousted is None:
                raise
            code = page.ousted
        except WebSocketDisconnect:
            return
        finally:
            with self._news:
                if page in self._pages:
                    self._pages.remove(page)
            sender.cancel()
            with suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
                await sender
        with suppress(WebSocketDisconnect, RuntimeError):
            await websocket.close(code)

    def _join(self, page: Page) -> None:
        """One page more. Of too many, one that never sent a good frame goes, else the one that is quiet longest."""
        with self._news:
            if len(self._pages) >= MOST_PAGES:
                stale = min(self._pages, key=lambda one: one.worth)
                self._pages.remove(stale)
                stale.oust(CROWDED)
            self._pages.append(page)

    def _take(self, page: Page, message: Mapping[str, Any]) -> None:
        """A message of the page: settings, or a frame for the looking thread."""
        data, text = message.get("bytes"), message.get("text")
        if text is not None:
            fault = page.settings(text)
        elif data is None or len(data) <= NUMBER.size:
            fault = "a frame is its number (4 bytes) and a JPEG, PNG or WebP"
        else:
            fault = None
            number = NUMBER.unpack_from(data)[0]
            with self._news:
                held = sum(len(one.waiting[1]) for one in self._pages if one.waiting is not None and one is not page)
                if held + len(data) > MOST_WAITING:
                    page.answer({"frame": number, "skipped": True})
                    return
                replaced = page.waiting
                page.waiting = (number, data[NUMBER.size :], time.monotonic())
                self._news.notify_all()
            if replaced is not None:
                page.answer({"frame": replaced[0], "skipped": True})
        if fault is not None:
            page.bad += 1
            page.answer({"error": fault})

    def _work(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._stopping or any(page.waiting for page in self._pages))
                if self._stopping:
                    return
                page = self._next()
                assert page.waiting is not None
                (number, data, came), page.waiting = page.waiting, None
                page.looked_at = True
                detector = self._detector
            try:
                answer = page.look(detector, number, data, came)
            except Exception as error:  # a model that cannot do it must not end the thread that serves every page
                answer = {"frame": number, "error": str(error)[:200]}
            with suppress(RuntimeError):  # the loop has closed
                page.loop.call_soon_threadsafe(_hand_over, page, answer)

    def _next(self) -> Page:
        """The page whose turn it is, of those with a frame that waits."""
        while True:
            page = self._pages[0]
            self._pages.rotate(-1)
            if page.waiting is not None:
                return page


def warm_up(detector: Detector) -> None:
    """Look at one frame from end to end, on the thread that starts the server: no page should wait for that."""
    frame = decode_frame(encode_jpeg(np.zeros((48, 64, 3), np.uint8)))
    detector.detect(frame)


def decode_frame(data: bytes) -> Picture:
    """A frame of a page as BGR; what is no picture, or too large a one, is refused before it is unpacked."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as header:
            width, height = header.size
    except Exception:  # Pillow's readers raise whatever they stumble over
        raise FaceTrackerError("the frame is no JPEG, PNG or WebP") from None
    if width * height > MOST_PIXELS:
        raise FaceTrackerError(f"the frame is too large ({width}x{height} pixels)")
    return decode_picture(data, "frame")


def _hand_over(page: Page, answer: dict[str, Any]) -> None:
    page.looked_at = False
    if "error" in answer:
        page.bad += 1
        if page.bad >= MOST_BAD:
            page.oust(NONSENSE)
            return
    else:
        page.bad, page.good_at = 0, time.monotonic()
    page.answer(answer)


async def _send_answers(websocket: WebSocket, page: Page) -> None:
    while True:
        await websocket.send_text(json.dumps(await page.answers.get()))


def _rows(faces: Faces) -> list[dict[str, Any]]:
    """Faces as the page draws them: boxes, and eyes, nose and mouth where known, in pixels of the frame it sent."""
    rows = [
        {
            "id": face.id,
            "box": [round(side, 2) for side in face.pixels.tolist()],
            "score": round(face.score, 4),
            "class": face.label,
        }
        for face in faces
    ]
    if faces.landmarks is not None:
        for row, points in zip(rows, faces.landmarks * [faces.width, faces.height], strict=True):
            row["points"] = points.round(1).tolist()
    return rows
