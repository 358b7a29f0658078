"""The routes: what the page asks for, and which part answers. docs/web-api.md lists them for programs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from anyio import CapacityLimiter, to_thread
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from facetracker.core import console, disk
from facetracker.core.errors import FaceTrackerError, one_line
from facetracker.core.install import install_command
from facetracker.core.settings import first_fault
from facetracker.labels.film.storage import FilmChanged
from facetracker.version import __version__
from facetracker.web.bodies import mapping
from facetracker.web.bringing import Bringing
from facetracker.web.collect import Collecting
from facetracker.web.films import Films
from facetracker.web.labels import Changed, Labels
from facetracker.web.live import Live
from facetracker.web.models import ModelInUse
from facetracker.web.paths import NotThere, PhotoIndex, Place, picture_for_page, run_folder
from facetracker.web.report import PICTURES, POLICY, Reports
from facetracker.web.safety import Guard, Rules, hand_memory_back
from facetracker.web.tidying import Tidying
from facetracker.web.training import PING, Trainings, Wish

HERE = Path(__file__).parent
STATIC = HERE / "static"
TIDY_EVERY = 20.0  # seconds
THREADS, DECODING = 8, 2  # threads for requests; of them that may unpack a photo at once
MOST_AT_ONCE = 100  # photos whose boxes are asked for together
MOST_LISTENERS = 16  # pages that watch a training

Answer = Callable[[Request], Awaitable[Response]]


class Web:
    """One page's server: its parts, and the routes to them. What is no coroutine Starlette runs in a thread."""

    def __init__(self, place: Place, model: ModelInUse, rules: Rules, film: Path | None = None):
        self.place, self.model, self.rules = place, model, rules
        self.labels = Labels(PhotoIndex(place.data))
        self.tidying = Tidying(self.labels)
        self.collecting = Collecting(place)
        self.bringing = Bringing(place)
        self.trainer = Trainings(place)
        self.reports = Reports(place)
        self.live = Live(model.detector)
        self.listeners = 0
        self.decoding = CapacityLimiter(DECODING)
        self.films = Films(place, self.decoding, lambda: self.model.path, film)
        self._switching = asyncio.Lock()

    def app(self) -> ASGIApp:
        """The ASGI application, guarded."""
        routes = [
            Route("/", self.page),
            Route("/model.onnx", self.model_onnx),
            Route("/model.json", self.model_card),
            Route("/api/state", self.state),
            Route("/api/session", self.session, methods=["POST"]),
            Route("/api/collect", self.collect, methods=["POST"]),
            Route("/api/bring", self.bring, methods=["POST"]),
            Route("/api/bin/{ticket}", self.bring_back, methods=["POST"]),
            Route("/api/classes", self.change_classes, methods=["POST"]),
            Route("/api/photos", self.photos),
            Route("/api/photos/{name}", self.bin, methods=["DELETE"]),
            Route("/api/photos/{name}/image", self.image),
            Route("/api/photos/{name}/label", self.label),
            Route("/api/photos/{name}/label", self.save_label, methods=["PUT"]),
            Route("/api/photos/{name}/label", self.take_back, methods=["DELETE"]),
            Route("/api/suggestions", self.suggestions, methods=["POST"]),
            Route("/api/learner", self.learner),
            Route("/api/prelabel", self.prelabel, methods=["POST"]),
            Route("/api/train", self.train, methods=["POST"]),
            Route("/api/train/stop", self.stop, methods=["POST"]),
            Route("/api/train/resume", self.resume, methods=["POST"]),
            Route("/api/train/events", self.events),
            Route("/api/runs/{name}/report", self.report),
            Route("/api/runs/{name}/{picture}", self.run_picture),
            Route("/api/model", self.use_model, methods=["POST"]),
            *self.films.routes(),
            WebSocketRoute("/ws/detect", self.detect),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]
        handlers = {FaceTrackerError: mistake, HTTPException: http_error, ValidationError: invalid, OSError: no_disk}
        return Guard(Starlette(routes=routes, exception_handlers=handlers, lifespan=self._life), self.rules)  # type: ignore[arg-type]

    @asynccontextmanager
    async def _life(self, app: Starlette) -> AsyncIterator[None]:
        # Starlette's own forty threads would each hold a picture, and the memory of its last one.
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        tidying = asyncio.create_task(_hand_memory_back())
        yield
        tidying.cancel()
        self.live.close()
        self.films.close()
        self.labels.suggestions.close()

    async def page(self, request: Request) -> Response:
        return FileResponse(STATIC / "index.html", headers={"cache-control": "no-cache"})

    async def model_onnx(self, request: Request) -> Response:
        return FileResponse(self.model.for_tab(), media_type="application/octet-stream")

    async def model_card(self, request: Request) -> Response:
        self.model.for_tab()
        return JSONResponse(self.model.detector.card.as_dict())

    def state(self, request: Request) -> Response:
        listed = [photo.state for photo in self.labels.listed()]
        card = self.model.detector.card
        about = {
            "version": __version__,
            "data": str(self.place.data),
            "model": {
                "name": self.model.name,
                "classes": card.classes,
                "threshold": card.threshold,
                "in_tab": self.model.onnx is not None,
            },
            "runs": self.trainer.runs(),
            "photos": {
                "total": len(listed),
                "labelled": listed.count("reviewed"),
                "prelabelled": listed.count("prelabelled"),
                "unlabelled": listed.count("unlabelled"),
            },
            "training": self.trainer.running,
            "can_train": self.trainer.can_train,
            "install_training": install_command("train"),
        }
        return JSONResponse(about)

    async def session(self, request: Request) -> Response:
        wish = await mapping(request)
        word = wish.get("name")
        if word is not None and not isinstance(word, str):
            raise FaceTrackerError("that is no name for a session")
        return JSONResponse({"session": self.collecting.begin(word or None)})

    async def collect(self, request: Request) -> Response:
        keep = request.query_params.get("keep_similar") == "1"
        session, data = request.query_params.get("session", ""), await request.body()
        done = await to_thread.run_sync(self.collecting.take, session, data, keep, limiter=self.decoding)
        return JSONResponse({"similar": True}, 409) if done is None else JSONResponse(done)

    async def bring(self, request: Request) -> Response:
        query = request.query_params
        numbers = [query.get(key, "") for key in ("size", "at")]
        if not all(number.isascii() and number.isdigit() for number in numbers):
            raise FaceTrackerError("size and at are numbers of bytes")
        size, at = map(int, numbers)
        name, ticket, data = query.get("name", ""), query.get("ticket", ""), await request.body()
        done = await to_thread.run_sync(self.bringing.part, name, size, at, ticket, data, limiter=self.decoding)
        return JSONResponse(done)

    def bin(self, request: Request) -> Response:
        return JSONResponse({"ticket": self.tidying.bin(request.path_params["name"])})

    def bring_back(self, request: Request) -> Response:
        return JSONResponse({"name": self.tidying.bring_back(request.path_params["ticket"])})

    async def change_classes(self, request: Request) -> Response:
        wish = await mapping(request)
        name, old = wish.get("name"), wish.get("rename")
        if not isinstance(name, str) or not isinstance(old, str | None):
            raise FaceTrackerError("name is the class's name; rename, the one that it has now")
        if old is None:
            return JSONResponse({"classes": await run_in_threadpool(self.tidying.add_class, name), "changed": 0})
        return JSONResponse(await run_in_threadpool(self.tidying.rename_class, old, name))

    def photos(self, request: Request) -> Response:
        return JSONResponse(self.labels.overview(by_doubt=request.query_params.get("order") == "review"))

    def image(self, request: Request) -> Response:
        data, kind = picture_for_page(self.labels.index.find(request.path_params["name"]).photo)
        return Response(data, media_type=kind)

    def label(self, request: Request) -> Response:
        return JSONResponse(self.labels.read(request.path_params["name"]))

    async def save_label(self, request: Request) -> Response:
        etag, wish = _etag(request), await mapping(request)
        saved = await run_in_threadpool(self.labels.write, request.path_params["name"], wish, etag)
        return JSONResponse({"etag": saved, "learner": self.labels.suggestions.told()})

    async def take_back(self, request: Request) -> Response:
        name, etag = request.path_params["name"], _etag(request)
        return JSONResponse(await run_in_threadpool(self.labels.take_back, name, etag))

    async def suggestions(self, request: Request) -> Response:
        names = _names(await mapping(request))[:MOST_AT_ONCE]
        photos = await to_thread.run_sync(self.labels.read_all, names, limiter=self.decoding)
        return JSONResponse({"photos": photos, "learner": self.labels.suggestions.told()})

    def learner(self, request: Request) -> Response:
        return JSONResponse(self.labels.suggestions.told())

    async def prelabel(self, request: Request) -> Response:
        wish = await mapping(request)
        names = None if wish.get("names") is None else _names(wish)
        written = await run_in_threadpool(self.labels.prelabel, self.model.path, names)
        return JSONResponse({"written": written})

    async def train(self, request: Request) -> Response:
        return JSONResponse({"run": await self.trainer.start(Wish.model_validate(await mapping(request)))})

    async def stop(self, request: Request) -> Response:
        await self.trainer.stop()
        return JSONResponse({"stopped": True})

    async def resume(self, request: Request) -> Response:
        return JSONResponse({"run": await self.trainer.resume(str((await mapping(request)).get("run", "")))})

    async def events(self, request: Request) -> Response:
        run = request.query_params.get("run", "")
        if run != self.trainer.running:
            run_folder(self.place, run)
        if self.listeners >= MOST_LISTENERS:
            raise HTTPException(503, "too many pages watch this training")
        return StreamingResponse(self._stream(run), media_type="text/event-stream")

    async def _stream(self, run: str) -> AsyncIterator[str]:
        self.listeners += 1
        try:
            async for event, content in self.trainer.listen(run):
                yield ": still here\n\n" if event == PING else f"event: {event}\ndata: {json.dumps(content)}\n\n"
        finally:
            self.listeners -= 1

    async def report(self, request: Request) -> Response:
        path = await self.reports.find(request.path_params["name"])
        return FileResponse(path, media_type="text/html", headers={"content-security-policy": POLICY})

    async def run_picture(self, request: Request) -> Response:
        name, picture = request.path_params["name"], request.path_params["picture"]
        if picture not in PICTURES:
            raise NotThere("a run has no such picture", fix=", ".join(PICTURES))
        return FileResponse(self.reports.picture(name, picture), media_type="image/png")

    async def use_model(self, request: Request) -> Response:
        name = str((await mapping(request)).get("run", ""))
        async with self._switching:
            if name == "starter":
                model = await run_in_threadpool(ModelInUse)
            else:
                folder = run_folder(self.place, name)
                # What is being learnt can be used by its style already, as can a style where nothing can be exported.
                by_style = name == self.trainer.running or not self.trainer.can_train
                if not (folder / "model.onnx").is_file() and not (by_style and (folder / "model.tflite").is_file()):
                    await self.trainer.export(name)
                model = await run_in_threadpool(ModelInUse, folder, name)
            self.model = model
            self.live.use(model.detector)
        return JSONResponse({"model": model.name, "in_tab": model.onnx is not None})

    async def detect(self, websocket: WebSocket) -> None:
        await self.live.serve(websocket)


def _etag(request: Request) -> str | None:
    """The label file that a page saw, which a write must name; None: it saw none."""
    etag = request.headers.get("if-match")
    if etag is None and request.headers.get("if-none-match") != "*":
        raise HTTPException(428, "If-Match, or If-None-Match: * for a new file, is missing")
    return None if etag is None else etag.strip('"')


def _names(wish: dict[str, Any]) -> list[str]:
    """The photos that a request names."""
    names = wish.get("names")
    if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise FaceTrackerError("names is a list of photos")
    return names


async def _hand_memory_back() -> None:
    """What a crowd of frames has left is not kept for ever."""
    while True:
        await asyncio.sleep(TIDY_EVERY)
        await to_thread.run_sync(hand_memory_back)


async def mistake(request: Request, error: Exception) -> Response:
    """A person's mistake: one line and the way out."""
    assert isinstance(error, FaceTrackerError)
    status = 404 if isinstance(error, NotThere) else 412 if isinstance(error, Changed | FilmChanged) else 400
    fault = error.fault if error.path is None else f"{error.path.name}: {error.fault}"
    return JSONResponse({"error": fault, "fix": error.fix or ""}, status)


async def http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail, "fix": ""}, error.status_code)


async def invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, ValidationError)
    return JSONResponse({"error": one_line(": ".join(first_fault(error))), "fix": ""}, 400)


async def no_disk(request: Request, error: Exception) -> Response:
    assert isinstance(error, OSError)
    fault = disk.fault(error) or f"the disk said: {error.strerror}"
    return JSONResponse({"error": console.shown(fault), "fix": "Make room, or allow writing, then save again."}, 500)
