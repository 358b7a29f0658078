"""`web`: the page, served on this machine until Ctrl-C."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from facetracker.core import console
from facetracker.core.errors import FaceTrackerError
from facetracker.core.install import install_command, is_installed

if TYPE_CHECKING:
    import uvicorn

    from facetracker.web.safety import Rules

PORT = 8765
MESSAGE_BYTES = 4_000_000 + 4  # of a WebSocket: a frame and its number


def serve(
    port: int = PORT,
    model: str | Path | None = None,
    data: str | Path = "data",
    host: str = "127.0.0.1",
    open_browser: bool | None = None,
    runs: str | Path = "runs",
    aug_data: str | Path = "aug_data",
    film: str | Path | None = None,
) -> None:
    """Serve the page until Ctrl-C, and say its address; with a `film`, opened on it.

    `model` is the one that Live begins with (default: the starter). `data` is the folder with the photos; trained
    models go to `runs`, what is made for a training to `aug_data`. Other machines can reach it only when `host` says
    so. Port 0 takes a free one. `open_browser` None opens the page where there is a screen.
    """
    rules = make_rules(host)
    wanted = has_screen() if open_browser is None else open_browser
    with listening(host, port) as listener:
        address = address_of(listener, host, rules.token) + ("" if film is None else f"#film/{quote(Path(film).name)}")
        server = make_server(
            rules, model, data, runs, aug_data, on_start=lambda: _greet(address, host, wanted), film=film
        )
        server.run(sockets=[listener])


def make_rules(host: str, notebook: bool = False) -> Rules:
    """Fresh rules, with a fresh token, for a server on `host`."""
    need_libraries()
    from facetracker.web.safety import Rules

    return Rules(everywhere=not _is_loopback(host), notebook=notebook)


def make_server(
    rules: Rules,
    model: str | Path | None,
    data: str | Path,
    runs: str | Path = "runs",
    aug_data: str | Path = "aug_data",
    on_start: Callable[[], None] | None = None,
    film: str | Path | None = None,
) -> uvicorn.Server:
    """The server, ready to run on a socket that listens."""
    need_libraries()
    import uvicorn

    from facetracker.inference.films.film import needed_film
    from facetracker.web.app import Web
    from facetracker.web.connections import Http, WebSocket
    from facetracker.web.models import ModelInUse
    from facetracker.web.paths import Place

    if Path(data).is_file():
        raise FaceTrackerError("is a file; a folder of photos is expected", path=data, fix="Name a folder, new or old.")
    place = Place(Path(data).resolve(), Path(runs).resolve(), Path(aug_data).resolve())
    web = Web(place, ModelInUse(model), rules, None if film is None else needed_film(film).resolve())
    config = uvicorn.Config(
        web.app(),
        http=Http,
        ws=WebSocket,
        ws_max_size=MESSAGE_BYTES,
        ws_per_message_deflate=False,  # a JPEG does not shrink, and a bomb would unpack
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,  # uvicorn's own would shut every handler of the process, a notebook's log file among them
        log_level="error",
        timeout_keep_alive=10,
        timeout_graceful_shutdown=5,
        lifespan="on",
    )

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if on_start is not None:
                on_start()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            # First, because pages that watch the training keep their connection until it is over.
            if web.trainer.running is not None:
                console.say(f"saving {web.trainer.running} ...")
            await web.trainer.stop()
            await super().shutdown(sockets)

    return Server(config)


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; a port that is taken is a person's mistake."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        why = getattr(error, "strerror", None) or str(error)
        raise FaceTrackerError(f"{host}:{port}: {why}", fix=f"Choose another: --port {PORT + 1}, or 0.") from None
    return listener


def address_of(listener: socket.socket, host: str, token: str) -> str:
    """The address that opens the page, token included."""
    port = listener.getsockname()[1]
    name = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    return f"http://{f'[{name}]' if ':' in name else name}:{port}/?token={token}"


def has_screen() -> bool:
    """Is somebody likely to sit before this machine?"""
    if os.environ.get("SSH_CONNECTION"):
        return False
    return not sys.platform.startswith("linux") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def need_libraries() -> None:
    """The page's libraries come with the package; somebody may have taken them away."""
    missing = [library for library in ("starlette", "uvicorn", "websockets") if not is_installed(library)]
    if missing:
        raise FaceTrackerError(f"the page needs {', '.join(missing)}", fix=install_command())


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _greet(address: str, host: str, open_browser: bool) -> None:
    console.say(address)
    if not _is_loopback(host):
        console.warn(f"{host}: other machines can reach this page, unencrypted; whoever has the address can use it")
        console.say(
            "Browsers give a camera only to 127.0.0.1 or https: use `ssh -L 8765:127.0.0.1:8765` from elsewhere."
        )
    console.say("Open this address in a browser. Ctrl-C ends the page.")
    if open_browser:  # some browsers return only when they are closed
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
