"""The commands about classes of faces: crops, train-classifier, classify."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facetracker.cli.training import Change, KeepEvery, settings_of
from facetracker.core import console

Force = Annotated[bool, typer.Option("--force", help="Replace what is there.")]


def crops(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Labelled photos, split or not.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Where the class folders go.")],
    margin: Annotated[
        float, typer.Option(min=0, max=1, help="Margin around each face: share of its longer side.")
    ] = 0.15,
    smallest: Annotated[float, typer.Option(min=1, help="Leave out faces smaller than this, pixels.")] = 16,
    classes: Annotated[list[str] | None, typer.Option("--class", help="Only this label; may be repeated.")] = None,
    seed: Annotated[int, typer.Option(help="Random seed of the split, if DATA is not split.")] = 0,
    force: Force = False,
) -> None:
    """Cut the faces out of labelled photos, into a folder for each class."""
    from facetracker.data.crops import crops as run

    report = run(data, out, margin=margin, smallest=smallest, classes=classes, seed=seed, force=force)
    console.say(*report.lines())
    raise typer.Exit(report.rejects.exit_code)


def train_classifier(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder of class folders, split or not.")],
    backbone: Annotated[
        str, typer.Option(help="nano, resnet50, vgg16, efficientnet_v2_b0, ..., lenet5, alexnet, vgg6, ...")
    ] = "nano",
    weights: Annotated[
        str | None, typer.Option(help="Where to start: imagenet, starter, none, or a model file.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1)] = None,
    freeze_epochs: Annotated[int | None, typer.Option(min=0, help="Epochs in which only the new top learns.")] = None,
    image_size: Annotated[int | None, typer.Option(help="Side of the pictures, pixels.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1)] = None,
    learning_rate: Annotated[float | None, typer.Option(min=0)] = None,
    dropout: Annotated[float | None, typer.Option(min=0, max=0.99, help="In the new top.")] = None,
    pipeline: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="How pictures are changed in every epoch: standard, scratch, transfer, classic, none, a YAML file.",
        ),
    ] = None,
    keep_every: KeepEvery = None,
    change: Change = None,
    seed: Annotated[int, typer.Option(help="Random seed of the split, the order and the changes.")] = 0,
    name: Annotated[str | None, typer.Option(help="Name of the run.")] = None,
    runs: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("runs"),
    resume: Annotated[bool, typer.Option("--resume", help="Continue a stopped run.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a run of this name.")] = False,
) -> None:
    """Train a classifier of faces, such as mask or no mask; everything it writes is in one run folder."""
    from facetracker.core.errors import EXIT_REJECTS

    with console.silenced():
        import tensorflow  # noqa: F401
    from facetracker.training.classifier.train import train_classifier as run

    made = run(
        folder,
        backbone,
        weights=weights,
        epochs=epochs,
        freeze_epochs=freeze_epochs,
        image_size=image_size,
        batch_size=batch_size,
        learning_rate=learning_rate,
        dropout=dropout,
        pipeline=pipeline,
        changes=settings_of(change, keep_every),
        seed=seed,
        name=name,
        resume=resume,
        force=force,
        runs=runs,
    )
    if (made / "rejects.txt").is_file():
        raise typer.Exit(EXIT_REJECTS)


def classify(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A classifier: a file or its run folder.")],
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTOS", help="Pictures of faces, or folders of them.")],
    csv: Annotated[Path, typer.Option(help="The answers, one row for each picture.")] = Path("runs/classified.csv"),
    png: Annotated[Path, typer.Option(help="A sheet of the pictures with the answers.")] = Path("runs/classified.png"),
    top: Annotated[int, typer.Option(min=1, help="Classes named for each picture.")] = 2,
    sheet: Annotated[int, typer.Option(min=1, help="Pictures on the sheet, at most.")] = 36,
    find: Annotated[bool, typer.Option("--find", help="Find the faces in the photos first.")] = False,
    columns: Annotated[
        str | None,
        typer.Option(help="Columns of the CSV, such as id,label: id, label, class, probability, truth, file."),
    ] = None,
    force: Force = False,
) -> None:
    """Say which class each picture belongs to: a CSV, and a sheet with green and red titles."""
    from facetracker.reports.classify import classify as run

    done = run(model, photos, csv=csv, png=png, top=top, sheet=sheet, find=find, columns=columns, force=force)
    console.say(*done.lines())
    raise typer.Exit(done.rejects.exit_code)
