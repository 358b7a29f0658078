"""The commands of the room `inference`."""

from __future__ import annotations

from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from facetracker.core.errors import Rejects


class ViewChoice(StrEnum):
    """Where the picture is shown."""

    auto = "auto"
    window = "window"
    web = "web"
    none = "none"


def tell_left_out(rejects: Rejects) -> None:
    """Name every file that could not be read, and end with the exit code that says so."""
    from facetracker.core import console

    if rejects:
        console.say(*rejects.lines())
        raise typer.Exit(rejects.exit_code)


def detect(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL] [SOURCE]...",
            help="Camera number, film, photo, folder, address, or scene: for drawn faces; default: the first camera.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Model file, run folder, or haar; default: the starter.")] = None,
    source: Annotated[list[str] | None, typer.Option(help="As the word SOURCE; may be given several times.")] = None,
    view: Annotated[ViewChoice, typer.Option(help="auto: a window where there is a display.")] = ViewChoice.auto,
    threshold: Annotated[float | None, typer.Option(min=0, max=1, help="Score from which a face counts.")] = None,
    start: Annotated[float, typer.Option(min=0, help="Seconds to leave out at the beginning.")] = 0.0,
    stop: Annotated[float | None, typer.Option(help="End at this time of the source, seconds.")] = None,
    stride: Annotated[int, typer.Option(min=1, help="Take only every Nth frame of the source.")] = 1,
    every: Annotated[int, typer.Option(min=1, help="Detect in every Nth frame, follow in between.")] = 1,
    follow: Annotated[bool, typer.Option(help="Give each face a number that stays.")] = True,
    steady: Annotated[bool, typer.Option(help="Keep the boxes from trembling.")] = True,
    save: Annotated[
        Path | None, typer.Option(help="Save what you see: .mp4, .webm, .avi, .mkv; for photos: a folder, or one .jpg.")
    ] = None,
    jsonl: Annotated[
        Path | None, typer.Option(help="Write a line of JSON for each frame; - is standard output.")
    ] = None,
    blur: Annotated[bool, typer.Option("--blur", help="Blur every face.")] = False,
    pixelate: Annotated[bool, typer.Option("--pixelate", help="Pixelate every face.")] = False,
    landmarks: Annotated[bool, typer.Option("--landmarks", help="Mark eyes, nose and mouth.")] = False,
    crop_to: Annotated[Path | None, typer.Option(help="Save the faces as pictures into this folder.")] = None,
    collect_uncertain: Annotated[
        Path | None, typer.Option(help="Save frames in doubt here, at most one a second: data/images.")
    ] = None,
    mirror: Annotated[bool | None, typer.Option(help="Show the picture as in a mirror; default for cameras.")] = None,
    width: Annotated[int | None, typer.Option(help="Width to ask the camera for, pixels.")] = None,
    height: Annotated[int | None, typer.Option(help="Height to ask the camera for, pixels.")] = None,
    fps: Annotated[float | None, typer.Option(help="Rate to ask the camera for, frames a second.")] = None,
    image_size: Annotated[int | None, typer.Option(help="Longer side at which the model looks, pixels.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of the engine.")] = None,
    classifier: Annotated[
        Path | None, typer.Option(help="A model that says which class each face is: mask or no mask.")
    ] = None,
    table: Annotated[bool, typer.Option("--table", help="Show where the time went.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
) -> None:
    """Find and follow faces in a camera, a film, photos: in a window, a recording, or lines of JSON.

    A model may stand before the source: facetracker detect runs/mine film.mp4
    Several sources are watched side by side: facetracker detect 0 rtsp://door/1 film.mp4

    Keys: q or Esc quits, space pauses, s saves the frame for labelling, m mirrors, b blurs, h helps.
    No picture leaves this machine.
    """
    from facetracker.cli.words import model_and_sources
    from facetracker.core import console
    from facetracker.inference import detect as stage
    from facetracker.inference.hiding.cover import hidden_by
    from facetracker.inference.several import detect_several

    model, sources = model_and_sources(words or [], model, source)
    wishes: dict[str, Any] = {
        "take": stage.Take(start, stop, stride, width, height, fps),
        "find": stage.Find(threshold, image_size, threads, every, follow, steady, classifier),
        "show": stage.Show(view.value, mirror, hidden_by(blur, pixelate), landmarks),
        "keep": stage.Keep(save, jsonl, crop_to, collect_uncertain, force),
    }
    with console.on_stderr() if str(jsonl) == "-" else nullcontext():
        several = len(sources) > 1
        done = detect_several(model, sources, **wishes) if several else stage.detect(model, sources[0], **wishes)
        console.say(done.summary())
        if table:
            console.say(done.stages.table())
        tell_left_out(done.rejects)


def benchmark(
    models: Annotated[
        list[str] | None, typer.Argument(metavar="MODEL", help="Model files or folders; default: the starter.")
    ] = None,
    threads: Annotated[list[int] | None, typer.Option(min=1, help="Threads; may be given several times.")] = None,
    width: Annotated[int, typer.Option(min=32, help="Width of the frame, pixels.")] = 640,
    height: Annotated[int, typer.Option(min=32, help="Height of the frame, pixels.")] = 480,
    image_size: Annotated[int | None, typer.Option(help="Longer side at which the model looks, pixels.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Frames for each model and number of threads.")] = 100,
    png: Annotated[Path | None, typer.Option(help="Draw the table into this file.")] = None,
) -> None:
    """Time models on this machine: milliseconds for resizing, inference, decoding, and in all."""
    from facetracker.core import console
    from facetracker.inference import benchmark as stage

    timings = stage.benchmark(
        models or [],
        threads=threads,
        width=width,
        height=height,
        image_size=image_size,
        rounds=rounds,
        png=png,
    )
    console.say(stage.table(timings))
    if png is not None:
        console.say(f"{png}: the table as a picture")


class HowChoice(StrEnum):
    """What becomes of a face."""

    blur = "blur"
    pixelate = "pixelate"
    box = "box"


def hide(
    sources: Annotated[list[Path], typer.Argument(metavar="FILM|PHOTO|FOLDER...", help="Hide the faces in these.")],
    save: Annotated[
        Path | None,
        typer.Option(help="The file to write, or the folder for several; default: beside it, with -hidden."),
    ] = None,
    how: Annotated[HowChoice, typer.Option(help="What becomes of a face.")] = HowChoice.blur,
    picture: Annotated[Path | None, typer.Option(help="Lay this picture over every face.")] = None,
    check: Annotated[
        Path | None, typer.Option(help="Leave a list of the film's faces and a sheet of them, bare, in this folder.")
    ] = None,
    spare: Annotated[
        Path | None,
        typer.Option("--except", help="The list with your changes: who is not hidden, who is hidden longer."),
    ] = None,
    boxes: Annotated[bool, typer.Option("--boxes", help="Draw boxes and numbers as well.")] = False,
    model: Annotated[str | None, typer.Option(help="Model file or run folder; default: the starter.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of the engine.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
) -> None:
    """Hide every face in a film, a photo or a folder of them, from its first frame to its last.

    Sound, subtitles and times of a film stay; places, dates and other notes of the camera are left out.
    No picture leaves this machine.
    """
    from facetracker.core import console
    from facetracker.core.errors import FaceTrackerError
    from facetracker.inference.hiding import hide as stage
    from facetracker.inference.hiding.several import hide_several

    look = stage.HideAs(how.value, picture, boxes)
    if len(sources) == 1:
        wishes: dict[str, Any] = {"check": check, "spare": spare, "threads": threads, "force": force}
        done = stage.hide(sources[0], save, model=model, show=look, **wishes)
    elif check is not None or spare is not None:
        raise FaceTrackerError("--check and --except belong to one film", fix="Hide it by itself.")
    else:
        done = hide_several(sources, save, model=model, show=look, threads=threads, force=force)
    console.say(done.summary())
    tell_left_out(done.rejects)
