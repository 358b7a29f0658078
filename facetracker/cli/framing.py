"""The command `frame`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facetracker.cli.inference import ViewChoice, tell_left_out


def frame(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="Camera number, film, photo, folder, address, or scene:.")
    ] = "0",
    shape: Annotated[str, typer.Option(help="Width to height of the picture: 16:9, 9:16, 1:1, 4:5.")] = "16:9",
    follow: Annotated[str, typer.Option(help="all, largest, or the number of a face.")] = "all",
    save: Annotated[
        Path | None, typer.Option(help="Record it (.mp4, .webm, .avi, .mkv); for photos: a folder, or one .jpg.")
    ] = None,
    to: Annotated[
        list[str] | None,
        typer.Option(help="- (raw video on standard output), mjpeg, mjpeg:8090, camera; may be given several times."),
    ] = None,
    view: Annotated[ViewChoice, typer.Option(help="auto: a window where there is a display.")] = ViewChoice.auto,
    lines: Annotated[
        int | None, typer.Option(min=32, help="Height of the picture at most, pixels; default 720.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Model file or run folder; default: the starter.")] = None,
    threshold: Annotated[float | None, typer.Option(min=0, max=1, help="Score from which a face counts.")] = None,
    start: Annotated[float, typer.Option(min=0, help="Seconds to leave out at the beginning.")] = 0.0,
    stop: Annotated[float | None, typer.Option(help="End at this time of the source, seconds.")] = None,
    every: Annotated[int, typer.Option(min=1, help="Detect in every Nth frame, follow in between.")] = 1,
    mirror: Annotated[bool | None, typer.Option(help="Show the view as in a mirror; default for cameras.")] = None,
    width: Annotated[
        int | None, typer.Option(help="Width to ask the camera for, pixels: 1920 leaves room to frame.")
    ] = None,
    height: Annotated[int | None, typer.Option(help="Height to ask the camera for, pixels.")] = None,
    fps: Annotated[float | None, typer.Option(help="Rate to ask the camera for, frames a second.")] = None,
    blur: Annotated[bool, typer.Option("--blur", help="Blur every face.")] = False,
    pixelate: Annotated[bool, typer.Option("--pixelate", help="Pixelate every face.")] = False,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of the engine.")] = None,
    table: Annotated[bool, typer.Option("--table", help="Show where the time went.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
) -> None:
    """Frame faces as a camera operator would: a calm crop of any shape that follows one person or a group.

    Keys: q or Esc quits, space pauses, s saves the whole frame for labelling, m mirrors, b blurs, h helps.
    No picture leaves this machine.
    """
    from facetracker.core import console
    from facetracker.inference import detect as stage
    from facetracker.inference.framing.framing import Framed, follow_of
    from facetracker.inference.hiding.cover import hidden_by

    targets = tuple(to or ())
    seen = ViewChoice.none if view is ViewChoice.auto and targets else view
    console.quiet |= "-" in targets  # the pipe's own line is the only one on stderr
    done = stage.detect(
        model,
        source,
        take=stage.Take(start, stop, 1, width, height, fps),
        find=stage.Find(threshold, threads=threads, every=every),
        show=stage.Show(seen.value, mirror, hidden_by(blur, pixelate)),
        keep=stage.Keep(save, force=force, to=targets),
        framed=Framed(shape, follow_of(follow), lines),
    )
    console.say(done.summary())
    if table:
        console.say(done.stages.table())
    tell_left_out(done.rejects)
