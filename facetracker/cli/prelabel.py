"""The commands `prelabel` and `review`: the model helps the labeller."""

from __future__ import annotations

from typing import Annotated

import typer

from facetracker.cli.cluster import Address, On, where
from facetracker.cli.labels import Data

Model = Annotated[str | None, typer.Option(help="Model file or run folder; default: the starter.")]


def prelabel(
    folder: Data,
    model: Model = None,
    threshold: Annotated[float | None, typer.Option(min=0, max=1, help="Score from which a box is written.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also photos that another model prelabelled and nobody has looked at.")
    ] = False,
    label: Annotated[str | None, typer.Option("--class", help="What the faces are called; default: face.")] = None,
    image_size: Annotated[int | None, typer.Option(help="Longer side at which the model looks, pixels.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of the engine.")] = None,
    on: On = "local",
    address: Address = None,
) -> None:
    """Let a model draw the first boxes, marked as unreviewed. What a person has saved is never touched."""
    from facetracker.core import console
    from facetracker.labels.prelabel import prelabel

    done = prelabel(
        folder,
        model,
        threshold,
        again=again,
        label=label,
        image_size=image_size,
        threads=threads,
        **where(on, address),
    )
    console.say(*done.lines())
    console.say(f"Next: facetracker review {folder}")
    raise typer.Exit(done.rejects.exit_code)


def review(
    folder: Data,
    model: Model = None,
    list_only: Annotated[bool, typer.Option("--list", help="Only print the order, open nothing.")] = False,
    first: Annotated[int | None, typer.Option(min=1, help="Only so many photos, the least certain ones.")] = None,
) -> None:
    """Look over what a model labelled, the least certain photos first: prelabels the rest and starts labelme."""
    from facetracker.core import console
    from facetracker.labels.review import review

    waiting = review(folder, model, list_only=list_only, first=first)
    console.say(
        f"{waiting} photos wait for a look" if waiting else f"All is reviewed. Next: facetracker audit {folder}"
    )
