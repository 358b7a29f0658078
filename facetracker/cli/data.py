"""The commands of the room `data`: split, augment, show."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facetracker.cli.cluster import Address, On, where
from facetracker.core import console

Folder = Annotated[Path, typer.Argument(metavar="DATA", help="The folder with the photos and labels.")]
Force = Annotated[bool, typer.Option("--force", help="Make it again if it was made with other arguments.")]
Unlabelled = Annotated[
    str, typer.Option(metavar="skip|no-face", help="Photos without a label file: leave out, or take as no face.")
]


def split(
    data: Folder,
    out: Annotated[Path | None, typer.Option(help="Where train, val and test go; default: DATA itself.")] = None,
    ratios: Annotated[
        tuple[float, float, float], typer.Option(metavar="TRAIN VAL TEST", help="Shares of the photos.")
    ] = (0.7, 0.15, 0.15),
    seed: Annotated[int, typer.Option(help="Random seed of the split.")] = 0,
    by: Annotated[
        str, typer.Option(metavar="session|near-duplicate|photo", help="What stays together in one part.")
    ] = "session",
    move: Annotated[bool, typer.Option("--move", help="Move the files instead of linking and copying.")] = False,
    force: Force = False,
) -> None:
    """Split photos and labels into train, val and test."""
    from facetracker.data.split import split as run

    one_of("--by", by, ("session", "near-duplicate", "photo"))
    report = run(data, out, ratios=ratios, seed=seed, by=by, move=move, force=force)  # type: ignore[arg-type]
    console.say(*report.lines())
    raise typer.Exit(report.rejects.exit_code)


def augment(
    data: Folder,
    aug_data: Annotated[Path, typer.Argument(metavar="AUG_DATA", help="Where the variants go.")] = Path("aug_data"),
    pipeline: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="standard, rough, turned, full, tutorial, or your own YAML.")
    ] = "standard",
    variants: Annotated[int, typer.Option(min=1, help="Pictures made from each train photo.")] = 60,
    seed: Annotated[int, typer.Option(help="Random seed of the variants.")] = 0,
    min_visibility: Annotated[
        float, typer.Option(help="Share of a face that must stay visible to keep its label.")
    ] = 0.5,
    format: Annotated[str, typer.Option(metavar="jpeg|tfrecord", help="Files, or TFRecord shards.")] = "jpeg",
    size: Annotated[int | None, typer.Option(min=32, help="Letterbox to this training size.")] = None,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Quality of the JPEGs.")] = 95,
    shard_photos: Annotated[
        int | None, typer.Option(min=1, help="Photos in a shard; default: chosen from their number.")
    ] = None,
    all_parts: Annotated[
        bool, typer.Option("--all-parts", help="Variants of val and test too, as the tutorial does.")
    ] = False,
    unlabelled: Unlabelled = "skip",
    prelabelled: Annotated[bool, typer.Option("--prelabelled", help="Also photos that are only prelabelled.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; default: one for each processor.")] = None,
    on: On = "local",
    address: Address = None,
    force: Force = False,
) -> None:
    """Make many variants of every train photo; val and test photos are taken as they are."""
    from facetracker.data.augment.augment import augment as run

    one_of("--format", format, ("jpeg", "tfrecord"))
    one_of("--unlabelled", unlabelled, ("skip", "no-face"))
    report = run(
        data,
        aug_data,
        **where(on, address),
        pipeline=pipeline,
        variants=variants,
        seed=seed,
        min_visibility=min_visibility,
        format=format,  # type: ignore[arg-type]
        size=size,
        quality=quality,
        shard_photos=shard_photos,
        all_parts=all_parts,
        unlabelled=unlabelled,  # type: ignore[arg-type]
        prelabelled=prelabelled,
        workers=workers,
        force=force,
    )
    console.say(*report.lines())
    raise typer.Exit(report.rejects.exit_code)


def show(
    data: Folder,
    part: Annotated[str | None, typer.Argument(metavar="PART", help="train, val or test.")] = None,
    count: Annotated[int, typer.Option(min=1, help="Pictures on the sheet.")] = 16,
    columns: Annotated[int, typer.Option(min=1)] = 4,
    seed: Annotated[int, typer.Option(help="Random seed: which pictures are shown.")] = 0,
    unlabelled: Unlabelled = "no-face",
    save: Annotated[Path | None, typer.Option(metavar="PNG", help="Write the sheet; default: a window.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
) -> None:
    """A sheet of pictures with their boxes, or their classes: photos, augmented sets, shards, class folders."""
    from facetracker.data.gallery import show as run

    one_of("--unlabelled", unlabelled, ("skip", "no-face"))
    shown = run(
        data,
        part,
        count=count,
        columns=columns,
        seed=seed,
        unlabelled=unlabelled,  # type: ignore[arg-type]
        save=save,
        force=force,
    )
    console.say(*shown.summary.lines())
    if shown.path is not None:
        console.say(f"written: {shown.path}")


def one_of(option: str, value: str, known: tuple[str, ...]) -> None:
    """Refuse a value that is not among the known ones, with the nearest right one."""
    from facetracker.core.errors import FaceTrackerError
    from facetracker.core.settings import way_out

    if value not in known:
        raise FaceTrackerError(f"{option} {value}: not known", fix=way_out(value, known))
