"""Films in the page: recorded with the browser's camera, looked through, labelled, and frames taken out of them.

A film is one that lies in `films` of the data folder, or the one that `facetracker label FILM` names. Its name is
looked up among those and never made into a path.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anyio import CapacityLimiter, to_thread
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from facetracker.capture.filming import FILMS, MOST_SECONDS, SUFFIX, FilmRecorder
from facetracker.capture.source import FILM_SUFFIXES
from facetracker.core.errors import FaceTrackerError
from facetracker.core.naming import is_session, new_session
from facetracker.inference.films.film import FilmReader
from facetracker.labels.film.choose import choose_frames
from facetracker.labels.film.found import look_at, read_seen, seen_beside
from facetracker.labels.film.session import FilmSession
from facetracker.labels.film.taking import take_frames
from facetracker.web.bodies import mapping
from facetracker.web.live import decode_frame
from facetracker.web.paths import NotThere, Place, inside

MOST_OPEN = 2  # films whose frames are held
MOST_FRAMES = 20_000
WORD_LENGTH = 40
GIVEN_UP = 30.0  # seconds without a frame after which a recording is over
KEPT = "private, max-age=3600"  # a frame's address names what was found in the film, which changes with it


class TakeWish(BaseModel):
    """What the page asks to be taken out of a film; `frames` null: every one."""

    model_config = ConfigDict(extra="forbid")

    frames: int | None = Field(30, ge=1, le=MOST_FRAMES)
    accept: bool = False


@dataclass
class Looking:
    """A film that is being looked through."""

    total: int | None = None
    done: int = 0
    fault: str = ""
    over: bool = False


@dataclass
class Recording:
    """A film that is being recorded."""

    name: str
    recorder: FilmRecorder | None = None
    heard: float = 0.0


class Films:
    """The films of one page; safe to use from several threads."""

    def __init__(self, place: Place, decoding: CapacityLimiter, model: Any, film: Path | None = None):
        """`model()` is the file of the model that looks through films; `film` is one from elsewhere."""
        self.place, self.decoding, self.model, self.film = place, decoding, model, film
        self._open: OrderedDict[Path, FilmSession] = OrderedDict()
        self._looking: dict[Path, Looking] = {}
        self._recording: Recording | None = None
        self._counts: dict[str, int] = {}  # frames of films recorded here: these files do not say how many they hold
        self._lock = threading.RLock()

    def routes(self) -> list[Route]:
        """What the page may ask."""
        return [
            Route("/api/films", self._list),
            Route("/api/films/{name}", self._film),
            Route("/api/films/{name}/look", self._look, methods=["POST"]),
            Route("/api/films/{name}/act", self._act, methods=["POST"]),
            Route("/api/films/{name}/take", self._take, methods=["POST"]),
            Route("/api/films/{name}/frames/{number:int}", self._frame),
            Route("/api/record", self._begin, methods=["POST"]),
            Route("/api/record/{name}/end", self._end, methods=["POST"]),
            Route("/api/record/{name}", self._record, methods=["POST"]),
        ]

    def close(self) -> None:
        """Close every film; a recording is finished."""
        with self._lock:
            self._finish()
            for session in self._open.values():
                session.close()
            self._open.clear()

    # Which films there are

    def paths(self) -> dict[str, Path]:
        """Every film by name."""
        found: dict[str, Path] = {}
        folder = self.place.data / FILMS
        recording = self._recording.name if self._recording is not None else None
        if folder.is_dir():
            for path in sorted(folder.iterdir()):
                if path.suffix.lower() not in FILM_SUFFIXES or path.name.startswith(".") or path.name == recording:
                    continue
                try:
                    inside(self.place.data, path)
                except NotThere:
                    continue
                if path.is_file():
                    found[path.name] = path
        if self.film is not None and self.film.is_file():
            found[self.film.name] = self.film
        return found

    def find(self, name: str) -> Path:
        """The film of that name."""
        path = self.paths().get(name)
        if path is None:
            raise NotThere("no film of that name", fix="Load the page again.")
        return path

    def listed(self) -> list[dict[str, Any]]:
        """Every film and where it stands, the latest first."""
        rows = [(path.stat().st_mtime, name, path) for name, path in self.paths().items()]
        return [{"name": name, **self.state(path)} for _, name, path in sorted(rows, reverse=True)]

    def state(self, path: Path) -> dict[str, Any]:
        """Where a film stands: `new`, `looking` (with how far), `ready`, `failed` (with why)."""
        job = self._looking.get(path)
        if job is not None and not job.over:
            return {"state": "looking", "done": job.done, "total": job.total, "fault": ""}
        if job is not None and job.fault:
            return {"state": "failed", "done": job.done, "total": job.total, "fault": job.fault}
        return {"state": "ready" if seen_beside(path).is_file() else "new", "done": 0, "total": None, "fault": ""}

    # Looking through one, and labelling it

    def look(self, path: Path) -> dict[str, Any]:
        """Begin to look through a film, unless that is done or under way: its state."""
        with self._lock:
            known = self._looking.get(path)
            if (known is not None and not known.over) or self.state(path)["state"] == "ready":
                return self.state(path)
            if any(not job.over for job in self._looking.values()):
                raise FaceTrackerError("another film is being looked through", fix="Wait until it is done.")
            with FilmReader(path) as film:
                job = Looking(film.count or self._counts.get(path.name))
            if (job.total or 0) > MOST_FRAMES:
                raise FaceTrackerError(f"the film has more than {MOST_FRAMES:,} frames", fix="Cut it into parts.")
            self._looking[path] = job
        threading.Thread(target=self._looked, args=(path, job), daemon=True).start()
        return self.state(path)

    def _looked(self, path: Path, job: Looking) -> None:
        def heard() -> None:
            job.done += 1

        try:
            look_at(path, self.model(), heard=heard)
        except FaceTrackerError as error:
            job.fault = str(error)
        except Exception as error:  # a thread's traceback is seen by nobody: the page says that it failed
            job.fault = f"{path.name} cannot be looked through ({type(error).__name__})"
            raise
        finally:
            job.over = True

    def session(self, path: Path) -> FilmSession:
        """The film, opened; one that nobody has looked through yet is a conflict."""
        with self._lock:
            session = self._open.pop(path, None)
            if session is None:
                if read_seen(path) is None:
                    raise HTTPException(409, "nobody has looked for faces in this film yet")
                session = FilmSession(path, self.model())
                if len(session.seen) > MOST_FRAMES:
                    raise FaceTrackerError(f"the film has more than {MOST_FRAMES:,} frames", fix="Cut it into parts.")
            self._open[path] = session
            while len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)[1].close()
            return session

    def act(self, path: Path, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Do one thing to the labels, and save; the film as the page then shows it."""
        wish = dict(wish)
        etag = wish.pop("etag", None)
        session = self.session(path)
        session.act(wish, None if etag is None else str(etag))
        return session.as_json()

    def read(self, path: Path) -> dict[str, Any]:
        """The film as the page shows it, with what another program did to its labels."""
        session = self.session(path)
        session.again()
        return session.as_json()

    def take(self, path: Path, wish: TakeWish) -> dict[str, Any]:
        """Take frames out of the film into the data folder."""
        session = self.session(path)
        inside(self.place.data, self.place.images)
        chosen = list(range(len(session.seen))) if wish.frames is None else choose_frames(session, wish.frames)
        done = take_frames(session, self.place.data, chosen, wish.accept)
        names = [one.stem for one in done.written]
        return {"written": len(names), "kept": done.kept, "faces": done.faces, "first": names[0] if names else None}

    # Recording one

    def begin(self, word: str | None) -> str:
        """Begin to record a film: its name. One at a time."""
        with self._lock:
            if self._recording is not None and time.monotonic() - self._recording.heard < GIVEN_UP:
                raise FaceTrackerError("a film is being recorded already", fix="End it first.")
            self._finish()
            session = new_session(word)
            if (word is not None and len(word) > WORD_LENGTH) or not is_session(session):
                raise FaceTrackerError("that is no film name", fix="Letters, digits and `-`, for example kitchen-1")
            self._recording = Recording(f"{session}{SUFFIX}", heard=time.monotonic())
            return self._recording.name

    def record(self, name: str, seconds: float, data: bytes) -> dict[str, Any]:
        """Add a frame, a JPEG that was taken so many seconds into the film."""
        picture = decode_frame(data)
        height, width = picture.shape[:2]
        with self._lock:
            recording = self._recorded(name)
            if not 0 <= seconds <= MOST_SECONDS:
                raise FaceTrackerError(f"a film is at most {MOST_SECONDS:g} s long", fix="End it, and begin another.")
            if not data.startswith(b"\xff\xd8"):
                raise FaceTrackerError("a film's frame is a JPEG")
            if recording.recorder is None:
                folder = self.place.data / FILMS
                if folder.is_dir() or folder.is_symlink():
                    inside(self.place.data, folder)
                recording.recorder = FilmRecorder(folder / name, width, height)
            if recording.recorder.size != (width, height):
                raise FaceTrackerError("the camera's picture has another size now", fix="Record again.")
            recording.recorder.add(data, seconds)
            recording.heard = time.monotonic()
            return {"frames": recording.recorder.frames}

    def end(self, name: str) -> dict[str, Any]:
        """Finish the film that is being recorded."""
        with self._lock:
            recorder = self._recorded(name).recorder
            self._finish()
        if recorder is None or not recorder.frames:
            raise FaceTrackerError("no frame was recorded")
        self._counts[name] = recorder.frames
        return {"film": name, "frames": recorder.frames, "seconds": round(recorder.seconds, 2)}

    def _recorded(self, name: str) -> Recording:
        if self._recording is None or self._recording.name != name:
            raise NotThere("no such recording", fix="Begin it first.")
        return self._recording

    def _finish(self) -> None:
        recording, self._recording = self._recording, None  # over also where the disk is too full to close it
        if recording is not None and recording.recorder is not None:
            recording.recorder.close()

    # The routes

    def _list(self, request: Request) -> Response:
        return JSONResponse({"films": self.listed()})

    def _film(self, request: Request) -> Response:
        path = self.find(request.path_params["name"])
        state = self.state(path)
        return JSONResponse(state if state["state"] != "ready" else {**state, **self.read(path)})

    def _look(self, request: Request) -> Response:
        return JSONResponse(self.look(self.find(request.path_params["name"])))

    async def _act(self, request: Request) -> Response:
        path = self.find(request.path_params["name"])
        return JSONResponse(await run_in_threadpool(self.act, path, await mapping(request)))

    async def _take(self, request: Request) -> Response:
        path, wish = self.find(request.path_params["name"]), TakeWish.model_validate(await mapping(request))
        return JSONResponse(await to_thread.run_sync(self.take, path, wish, limiter=self.decoding))

    async def _frame(self, request: Request) -> Response:
        path, number = self.find(request.path_params["name"]), request.path_params["number"]
        session = await run_in_threadpool(self.session, path)
        if not 0 <= number < len(session.seen):
            raise NotThere(f"the film has no frame {number}")
        data = await to_thread.run_sync(session.frames.jpeg, number, limiter=self.decoding)
        return Response(data, media_type="image/jpeg", headers={"cache-control": KEPT})

    async def _begin(self, request: Request) -> Response:
        word = (await mapping(request)).get("name")
        if word is not None and not isinstance(word, str):
            raise FaceTrackerError("that is no film name")
        return JSONResponse({"film": self.begin(word or None)})

    async def _record(self, request: Request) -> Response:
        name, data = request.path_params["name"], await request.body()
        try:
            seconds = float(request.query_params.get("t", ""))
        except ValueError:
            raise FaceTrackerError("t is the frame's time in seconds") from None
        return JSONResponse(await to_thread.run_sync(self.record, name, seconds, data, limiter=self.decoding))

    async def _end(self, request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self.end, request.path_params["name"]))
