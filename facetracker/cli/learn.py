"""The command `learn`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def learn(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder of labelled photos, split or not.")] = Path(
        "data"
    ),
    name: Annotated[str, typer.Option(help="Name of your tracker: it is written to runs/NAME.")] = "mine",
    instant: Annotated[bool, typer.Option("--instant", help="Only the style: a few seconds, no tensorflow.")] = False,
    runs: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("runs"),
    seed: Annotated[int, typer.Option(help="Of the random views.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace a run of this name.")] = False,
) -> None:
    """Learn a tracker of your own from your labelled photos; five are enough."""
    from facetracker.core import console
    from facetracker.personal.learn import learn as stage

    learned = stage(data, name, instant=instant, runs=runs, force=force, seed=seed)
    console.say(*learned.lines())
    if learned.rejects:
        raise typer.Exit(learned.rejects.exit_code)
