"""The command `demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option(help="Folder for all that it makes; an earlier one is replaced.")] = Path(
        "runs/demo"
    ),
    show: Annotated[
        bool | None, typer.Option("--open/--no-open", help="Open the report; default: where there is a display.")
    ] = None,
) -> None:
    """See it all on drawn faces: three labels, a tracker, a film followed, hidden, framed; a training; a report."""
    from facetracker.cli.demo.demo import demo, open_report
    from facetracker.core import console

    done = demo(out)
    opened = open_report(done.report, show)
    console.say(f"Done in {console.duration(done.seconds)}. {'Opened' if opened else 'Look at'}: {done.report}")
    console.say(f"With your own camera, in a browser: {done.page}")
