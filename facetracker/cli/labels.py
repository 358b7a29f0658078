"""The commands about labels: annotate, audit, convert, and prelabel and review, in which a model helps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from facetracker.cli.cluster import Address, On, where
from facetracker.core.console import counted

Data = Annotated[
    Path,
    typer.Argument(metavar="DATA", help="A folder of photos: images/, {train,val,test}/images/, or pictures in it."),
]
Classes = Annotated[
    list[str] | None, typer.Option("--class", metavar="NAME", help="A class name; once for each. Default: labels.txt.")
]


def annotate(
    data: Data,
    classes: Classes = None,
    keep_prev: Annotated[
        bool, typer.Option("--keep-prev", help="Start each photo with the boxes of the one before.")
    ] = False,
    prelabel: Annotated[bool, typer.Option("--prelabel", help="Let the starter draw the first boxes.")] = False,
    model: Annotated[str | None, typer.Option(help="For --prelabel: a model other than the starter.")] = None,
) -> None:
    """Draw boxes around faces: starts labelme on the photos, waits, and says how many are labelled."""
    from facetracker.core.console import say
    from facetracker.labels.program import annotate

    if prelabel or model is not None:
        from facetracker.labels.prelabel import prelabel as draw_first

        say(*draw_first(data, model).lines())
    with _learning(data, prelabel and model is None):
        labelling = annotate(data, classes or None, keep_prev)
    say(f"{labelling}. Next: facetracker audit {quote(str(data))}")


@contextmanager
def _learning(folder: Path, wanted: bool) -> Iterator[None]:
    """While labelme is open, each photo saved moves the boxes of those that nobody has looked at yet."""
    if not wanted:
        yield
        return
    from facetracker.core.console import say
    from facetracker.personal.beside import learning_beside

    with learning_beside(folder) as learner:
        yield
        if learner.lessons:
            done = ", ".join(f"{count} {how}" for how, count in learner.counts().items() if count)
            say(f"{done}; boxes that nobody has looked at are drawn by your {learner.by} now")


def audit(
    data: Data,
    classes: Classes = None,
    fix: Annotated[bool, typer.Option("--fix", help="Fix corner order, clipping and sizes, after a backup.")] = False,
    rename: Annotated[list[str] | None, typer.Option(metavar="WRONG=RIGHT", help="Give labels another name.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for report, contact sheet and backups.")] = Path("runs/audit"),
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    on: On = "local",
    address: Address = None,
) -> None:
    """Look for everything wrong in photos and labels before training on them."""
    from facetracker.core.console import say
    from facetracker.labels.audit.audit import audit
    from facetracker.labels.audit.report import as_text

    report = audit(data, classes or None, fix, _pairs(rename or []), out, workers, **where(on, address))
    say(as_text(report))
    say(f"written to {out}/: audit.json{', contact_sheet.png' if (out / 'contact_sheet.png').exists() else ''}")
    raise typer.Exit(report.exit_code)


def convert(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A folder of photos and labels, or a COCO file.")],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="The folder to write, empty or not there yet.")],
    to: Annotated[str, typer.Option(help="coco, voc, yolo or labelme.")],
    come_from: Annotated[
        str | None, typer.Option("--from", help="The format of the source; usually not needed.")
    ] = None,
    classes: Classes = None,
    force: Annotated[bool, typer.Option("--force", help="Write into a folder that is there already.")] = False,
) -> None:
    """Convert labels from and to COCO, Pascal VOC and YOLO; photos are linked or copied, never moved."""
    from facetracker.core.console import say, warn
    from facetracker.labels.formats.convert import REJECTS, convert

    done = convert(source, target, to, come_from, classes or None, force)
    say(
        f"{done.come_from} to {to}: {counted(done.photos, 'photo')}, {counted(done.faces, 'face')}, "
        f"{counted(done.no_face, 'photo')} without a face"
    )
    say(f"classes: {', '.join(done.classes) or 'none'}")
    if done.unlabelled:
        say(f"{done.unlabelled} photos are not labelled{'' if to == 'labelme' else ' and were left out'}")
    for note in done.notes[:5]:
        say(note)
    if done.rejects:
        warn(f"{len(done.rejects)} could not be converted, see {target / REJECTS}")
    raise typer.Exit(done.rejects.exit_code)


def _pairs(changes: list[str]) -> dict[str, str]:
    from facetracker.core.errors import FaceTrackerError

    pairs = {}
    for change in changes:
        old, equals, new = change.partition("=")
        if not (old and equals and new.strip()):
            raise FaceTrackerError(f"--rename {change}: not of the form WRONG=RIGHT", fix="Example: --rename fase=face")
        pairs[old] = new.strip()
    return pairs


Model = Annotated[str | None, typer.Option(help="Model file or run folder; default: the starter.")]


def prelabel(
    folder: Data,
    model: Model = None,
    threshold: Annotated[float | None, typer.Option(min=0, max=1, help="Score from which a box is written.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also photos that are prelabelled and that nobody has looked at.")
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
    console.say(f"Next: facetracker review {quote(str(folder))}")
    raise typer.Exit(done.rejects.exit_code)


def review(
    folder: Data,
    model: Model = None,
    list_only: Annotated[bool, typer.Option("--list", help="Only print the order, open nothing.")] = False,
    first: Annotated[int | None, typer.Option(min=1, help="Only this many photos, the least certain ones.")] = None,
) -> None:
    """Review what a model labelled, the least certain photos first: prelabels the rest and starts labelme."""
    from facetracker.core import console
    from facetracker.labels.review import review

    with _learning(folder, model is None and not list_only):
        waiting = review(folder, model, list_only=list_only, first=first)
    console.say(
        f"{counted(waiting, 'photo')} wait for review"
        if waiting
        else f"All photos are reviewed. Next: facetracker audit {quote(str(folder))}"
    )
