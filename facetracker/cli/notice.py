"""The command `notice`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from facetracker.cli.inference import ViewChoice, tell_left_out
from facetracker.cli.words import CAMERA


class WithPairs(TyperCommand):
    """`--on EVENT COMMAND` takes two words, and may be given several times: typer knows only one or the other."""

    def parse_args(self, ctx, args: list[str]) -> list[str]:
        joined, rest = [], list(args)
        while rest:
            word = rest.pop(0)
            if word == "--":
                joined += [word, *rest]
                break
            if word == "--on" and rest:
                word = f"--on={rest.pop(0)}"
            if word.startswith("--on=") and word.count("=") == 1 and rest:
                word += f"={rest.pop(0)}"
            joined.append(word)
        return super().parse_args(ctx, joined)


KINDS = {"notice": WithPairs}


def notice(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SOURCE]...",
            help="Camera number, film, address, or scene: for drawn faces; default: the first camera.",
            show_default=False,
        ),
    ] = None,
    source: Annotated[list[str] | None, typer.Option(help="As the word SOURCE; may be given several times.")] = None,
    model: Annotated[str | None, typer.Option(help="Model file or run folder; default: the starter.")] = None,
    stay: Annotated[
        list[float] | None, typer.Option(help="Report when somebody has stayed for this many seconds.")
    ] = None,
    zone: Annotated[
        list[str] | None,
        typer.Option(help="A part of the picture, as shares of it: desk=LEFT,TOP,RIGHT,BOTTOM, or x,y of each corner."),
    ] = None,
    on: Annotated[
        list[str] | None,
        typer.Option(metavar="EVENT COMMAND", help="Run a command at an event (any: at every event), without a shell."),
    ] = None,
    webhook: Annotated[str | None, typer.Option(metavar="URL", help="POST every event there, as JSON.")] = None,
    anywhere: Annotated[bool, typer.Option("--anywhere", help="The webhook may be outside of this network.")] = False,
    keep_pictures: Annotated[Path | None, typer.Option(help="Keep the frame of every came in this folder.")] = None,
    gone: Annotated[
        float | None, typer.Option(help="Seconds unseen after which somebody has left; default: 1.5.")
    ] = None,
    believe: Annotated[
        float | None, typer.Option(help="Seconds for which a face must be seen before it counts as come; default: 0.5.")
    ] = None,
    view: Annotated[ViewChoice, typer.Option(help="Show the picture, with the zones.")] = ViewChoice.none,
    threshold: Annotated[float | None, typer.Option(min=0, max=1, help="Score from which a face counts.")] = None,
    start: Annotated[float, typer.Option(min=0, help="Seconds to leave out at the beginning.")] = 0.0,
    stop: Annotated[float | None, typer.Option(help="End at this time of the source, seconds.")] = None,
    every: Annotated[int, typer.Option(min=1, help="Detect only in every Nth frame.")] = 1,
    mirror: Annotated[bool | None, typer.Option(help="Show the view as in a mirror; default for cameras.")] = None,
    width: Annotated[int | None, typer.Option(help="Width to ask the camera for, pixels.")] = None,
    height: Annotated[int | None, typer.Option(help="Height to ask the camera for, pixels.")] = None,
    fps: Annotated[float | None, typer.Option(help="Rate to ask the camera for, frames a second.")] = None,
    image_size: Annotated[int | None, typer.Option(help="Longer side at which the model looks, pixels.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of the engine.")] = None,
) -> None:
    """Tell who comes, goes and stays: events as lines of JSON, to a webhook, to commands.

    Several sources are watched side by side; their events say which source they are from.
    Events: came, left, stayed, entered, left_zone, looks_away, looks_back, count. People are counted, not recognised;
    no picture is stored unless you ask for it.
    """
    import sys

    from facetracker.core import console
    from facetracker.inference import detect as parts
    from facetracker.inference.events import notice as stage
    from facetracker.inference.events.settings import settings_of
    from facetracker.inference.events.several import notice_several
    from facetracker.inference.events.zones import parse_zones

    commands = []
    for one in on or []:
        event, _, command = one.partition("=")
        commands.append((event, command))
    watched = [*(source or []), *(sources or [])] or [CAMERA]
    wishes: dict[str, Any] = {
        "patience": settings_of(believe, gone),
        "zones": parse_zones(zone or []),
        "stays": stay or [],
        "tell": stage.Tell(sys.stdout, webhook, anywhere, commands, keep_pictures),
        "take": parts.Take(start, stop, 1, width, height, fps),
        "find": parts.Find(threshold, image_size, threads, every),
        "show": parts.Show(view.value, mirror),
    }
    with console.on_stderr():
        if len(watched) == 1:
            console.say(stage.notice(watched[0], model, **wishes).summary())
            return
        done = notice_several(watched, model, **wishes)
        console.say(done.summary())
        tell_left_out(done.rejects)
