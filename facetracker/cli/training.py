"""The commands that train a tracker: train, and learn for one of your own."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from facetracker.cli.cluster import Address, where
from facetracker.core.errors import EXIT_REJECTS

Change = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting: training.ema=0.99.")
]
KeepEvery = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Keep the model of every Nth epoch too; 1 keeps all.")
]


def learn(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder of labelled photos, split or not.")] = Path(
        "data"
    ),
    name: Annotated[str, typer.Option(help="Name of your tracker: it is written to runs/NAME.")] = "mine",
    instant: Annotated[bool, typer.Option("--instant", help="Only the style: a few seconds, no tensorflow.")] = False,
    runs: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("runs"),
    seed: Annotated[int, typer.Option(help="Random seed of the views.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace a run of this name.")] = False,
) -> None:
    """Learn a tracker of your own from your labelled photos; five are enough."""
    from facetracker.core import console
    from facetracker.personal.learn import learn as stage

    learned = stage(data, name, instant=instant, runs=runs, force=force, seed=seed)
    console.say(*learned.lines())
    if learned.rejects:
        console.say(*learned.rejects.lines())
        raise typer.Exit(learned.rejects.exit_code)


def train(
    data: Annotated[
        Path, typer.Argument(metavar="AUG_DATA", help="Augmented set, split photos, or TFRecord shards.")
    ] = Path("aug_data"),
    preset: Annotated[str, typer.Option(help="vgg16, nano, mobilenet_v3_small, resnet50, or a YAML file.")] = "vgg16",
    epochs: Annotated[int | None, typer.Option(help="Short for --set training.epochs=N.")] = None,
    weights: Annotated[
        str | None, typer.Option(help="Where to start: imagenet, starter, none, or a model file.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run; default: the preset's and a number.")] = None,
    keep_every: KeepEvery = None,
    change: Change = None,
    runs: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("runs"),
    resume: Annotated[bool, typer.Option("--resume", help="Continue a stopped run (default: the latest).")] = False,
    workers: Annotated[int, typer.Option(min=1, help="Workers that train together (docs/scale.md).")] = 1,
    on: Annotated[
        str | None,
        typer.Option(metavar="local|ray", help="Where the workers run; default: on Ray, if it is installed."),
    ] = None,
    address: Address = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a run of this name.")] = False,
) -> None:
    """Train a tracker; everything it writes is in one run folder."""
    changes = settings_of(change, keep_every)
    if epochs is not None:
        changes.append(f"training.epochs={epochs}")
    if weights is not None:
        changes.append(f"model.weights={weights}")
    arguments: dict[str, Any] = {"name": name, "resume": resume, "force": force, "runs": runs}
    if workers > 1:
        from facetracker.training.launch import train_with_workers

        arguments |= where("ray" if on is None and address else on or "local", address) if on or address else {}
        run = train_with_workers(data, preset, changes, workers=workers, **arguments)
    else:
        from facetracker.core.console import silenced
        from facetracker.training.run import settings_of_new_run

        if not resume:  # tensorflow takes seconds to load: a wrong word is told before
            settings_of_new_run(data, preset, changes, name, force, runs)
        with silenced():
            import tensorflow  # noqa: F401
        from facetracker.training.fit import train as train_run

        run = train_run(data, preset, changes, **arguments)
    from facetracker.core import console

    console.say(f"Next: facetracker detect {quote(str(run))}")
    if (run / "rejects.txt").is_file():
        raise typer.Exit(EXIT_REJECTS)


def settings_of(change: list[str] | None, keep_every: int | None) -> list[str]:
    """The changes of the command line, `--keep-every` among them."""
    return [*(change or []), *([] if keep_every is None else [f"training.keep_every={keep_every}"])]
