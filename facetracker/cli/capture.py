"""The commands of the room `capture`."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer


def collect(
    source: Annotated[
        str, typer.Option(help="Camera number, film, folder, f_%03d.jpg, rtsp/http address, or scene: (drawn faces).")
    ] = "0",
    folder: Annotated[Path, typer.Option("--folder", "-o", help="Where the photos go.")] = Path("data/images"),
    count: Annotated[int, typer.Option(help="How many photos the session should have.")] = 30,
    every: Annotated[float, typer.Option(help="Seconds between two photos.")] = 0.5,
    session: Annotated[
        str | None, typer.Option(help="Name of the session (kitchen); the same name again continues it.")
    ] = None,
    keep_similar: Annotated[bool, typer.Option("--keep-similar", help="Keep near-identical frames too.")] = False,
    preview: Annotated[
        bool | None, typer.Option("--preview/--no-preview", help="Default: where there is a camera and a display.")
    ] = None,
    start: Annotated[float, typer.Option(help="Seconds to leave out at the beginning.")] = 0.0,
    stop: Annotated[float | None, typer.Option(help="End at this time of the source, seconds.")] = None,
    film: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Record a film instead, into `films` beside the folder.")
    ] = None,
) -> None:
    """Take photos with a camera (or from a film, photos, a stream, a drawn scene)."""
    from facetracker.capture.collect import collect
    from facetracker.core import console

    if film is not None:
        from facetracker.capture.filming import record_film

        path = record_film(source, folder.parent, film, session)
        console.say(f"{path}. Next: facetracker label {quote(str(path))} --data {quote(str(folder.parent))}")
        return
    done = collect(source, folder, count, every, session, keep_similar, preview, start, stop)
    console.say(str(done))
    if done.rejects:
        console.say(*done.rejects.lines())
    if done.photos:
        data = folder.parent if folder.name == "images" else folder
        console.say(f"Next: facetracker annotate {quote(str(data))}")
    raise typer.Exit(done.rejects.exit_code)
