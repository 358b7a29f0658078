"""What the words of a command line mean: a model or a source, a command or a file; and the list of commands by use."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from typer.core import TyperGroup

from facetracker.core.errors import FaceTrackerError

CAMERA = "0"
# What people want, and the commands for it, in the order in which they are needed; `--help` lists them so.
PURPOSES = {
    "Use a tracker": ("detect", "hide", "frame", "notice", "web"),
    "Make it yours": ("collect", "label", "annotate", "prelabel", "review", "learn"),
    "Train on many photos": ("audit", "convert", "split", "augment", "show", "train", "evaluate", "export", "inspect"),
    "Faces with classes": ("crops", "train-classifier", "classify"),
    "This machine": ("doctor", "benchmark", "demo"),
}


def is_model(word: str) -> bool:
    """Whether a word names a model: a name that comes with the package, a model's file, a folder that holds one."""
    from facetracker.inference.detector import STARTER, is_run
    from facetracker.inference.engines.base import SUFFIXES
    from facetracker.inference.haar import HAAR

    path = Path(word)
    if word in (STARTER, HAAR) or path.suffix.lower() in SUFFIXES:
        return True
    return path.is_dir() and (is_run(path) or any((path / f"model{suffix}").is_file() for suffix in SUFFIXES))


def model_and_sources(
    words: Sequence[str], model: str | None, sources: Sequence[str] | None
) -> tuple[str | None, list[str]]:
    """The model (None: the starter) and the sources that these words and the options mean.

    `detect film.mp4`, `detect runs/mine`, `detect runs/mine film.mp4`, `detect runs/mine --source film.mp4` and
    `detect 0 1 film.mp4` are all understood; whatever is no model is a source.
    """
    found = list(sources or [])
    for word in words:
        if not is_model(word):
            found.append(word)
        elif model is not None:
            raise FaceTrackerError(f"two models: {model} and {word}", fix="Name one.")
        else:
            model = word
    return model, found or [CAMERA]


def misread(error: Any) -> str:
    """What is wrong with the words of a command line, as one line, and where the right ones are listed."""
    context = getattr(error, "ctx", None)
    command = "facetracker" if context is None else context.command_path
    fault = " ".join(error.format_message().split()).rstrip(".")
    near = get_close_matches(getattr(error, "option_name", None) or "", getattr(error, "possibilities", None) or (), 1)
    if near:
        return f"{command}: no such option {error.option_name}. Did you mean {near[0]}?"
    return f"{command}: {fault[:1].lower()}{fault[1:]}. {command} --help lists what there is."


class ByPurpose(TyperGroup):
    """The commands by what people want; a file in place of a command is told what can be done with it."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        word = args[0]
        if word not in self.commands and (Path(word).exists() or "://" in word or word.isdigit()):
            raise FaceTrackerError(
                f"{word} is no command",
                fix=f"facetracker detect {word} finds the faces in it, facetracker hide {word} hides them.",
            )
        near = [] if word in self.commands else get_close_matches(word, self.commands, 1)
        if near:
            raise FaceTrackerError(f"{word} is no command", fix=f"facetracker {near[0]}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        named = {name for names in PURPOSES.values() for name in names}
        others = tuple(name for name in self.list_commands(ctx) if name not in named)
        widest = max(map(len, self.commands))
        for purpose, names in {**PURPOSES, "More": others}.items():
            rows = [
                (name.ljust(widest), self.commands[name].get_short_help_str(formatter.width - widest - 6))
                for name in names
                if name in self.commands
            ]
            if rows:
                with formatter.section(purpose):
                    formatter.write_dl(rows)
