"""The command of the room `web`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def web(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page; 0 takes a free one.")] = 8765,
    model: Annotated[str | None, typer.Option(help="Model file or run folder; default: the starter.")] = None,
    data: Annotated[Path, typer.Option(help="The folder with the photos.")] = Path("data"),
    host: Annotated[str, typer.Option(help="0.0.0.0 lets other machines in; they need the token.")] = "127.0.0.1",
    open_browser: Annotated[
        bool | None, typer.Option("--open/--no-open", help="Open the browser; default: where there is a screen.")
    ] = None,
    runs: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("runs"),
    aug_data: Annotated[Path, typer.Option(help="Where a training's augmented photos go.")] = Path("aug_data"),
    static: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write a page without a server, for any web host, and stop.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="With --static: replace an earlier page.")] = False,
) -> None:
    """Collect, label, train and watch in the browser: one page, on this machine only.

    Prints the address, with a token that lets you in. Ctrl-C ends it.
    """
    if static is not None:
        from facetracker.core import console
        from facetracker.web.site import write_site

        folder = write_site(static, force)
        console.say(f"{folder}: put it on any web host (https), or try it: python -m http.server --directory {folder}")
        return
    from facetracker.web import serve

    serve(port, model, data, host, open_browser, runs, aug_data)
