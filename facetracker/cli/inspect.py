"""The command `inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facetracker.core import console


def inspect(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A .keras file, or a run folder.")],
    photo: Annotated[
        Path | None, typer.Argument(metavar="[PHOTO]", help="What the network looks at; default: a drawn face.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the report and its pictures go; default: inspect/ beside the model.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
) -> None:
    """Look inside a network: layers and their cost, filters before and after training, activations, Grad-CAM."""
    from facetracker.reports.inspect.inspecting import inspect as run

    done = run(model, photo, out=out, force=force)
    console.say(done.summary)
    for note in done.notes:
        console.say(note)
    for path in done.written:
        console.say(str(path))
