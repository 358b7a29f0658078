"""The command that labels a film."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer


def label(
    film: Annotated[Path, typer.Argument(metavar="FILM", help="A film, or what `collect --film` recorded.")],
    data: Annotated[Path, typer.Option(help="The folder into which frames go, as photos with labels.")] = Path("data"),
    frames: Annotated[int | None, typer.Option(help="Take this many frames that differ, without the page.")] = None,
    every_frame: Annotated[bool, typer.Option("--all", help="Take every frame, without the page.")] = False,
    mot: Annotated[
        Path | None, typer.Option(help="Write the tracks into this folder as MOTChallenge has them.")
    ] = None,
    coco_video: Annotated[Path | None, typer.Option(help="Write the tracks into this folder as COCO has them.")] = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Frames that are taken count as reviewed, except doubtful ones.")
    ] = False,
    model: Annotated[str | None, typer.Option(help="Model file or run folder; default: the starter.")] = None,
    name: Annotated[str, typer.Option("--class", help="What the faces are called.")] = "face",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page; 0 takes a free one.")] = 8765,
    open_browser: Annotated[
        bool | None, typer.Option("--open/--no-open", help="Open the browser; default: where there is a screen.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
) -> None:
    """Label a film: faces are found and followed, you correct a few boxes in the page, and frames are taken out.

    With --frames, --all, --mot or --coco-video there is no page: the faces that were found
    are written, with your earlier corrections.
    """
    from facetracker.core import console

    if frames is None and not every_frame and mot is None and coco_video is None:
        from facetracker.web import serve

        serve(port, model, data, open_browser=open_browser, film=film)
        return
    from facetracker.labels.film.label import label_film

    lines = label_film(
        film,
        data,
        frames=frames,
        every_frame=every_frame,
        mot=mot,
        coco_video=coco_video,
        model=model,
        label=name,
        reviewed=accept,
        force=force,
    )
    console.say(*lines)
    if (frames is not None or every_frame) and not accept:
        console.say(f"Next: facetracker review {quote(str(data))}")
