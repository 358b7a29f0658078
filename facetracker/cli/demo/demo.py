"""`demo`: every stage of the house once, on drawn faces, and a report that shows what each of them did."""

from __future__ import annotations

import shutil
import sys
import time
import webbrowser
from pathlib import Path

from facetracker.cli.demo import stages
from facetracker.cli.demo.steps import Demo
from facetracker.core.errors import FaceTrackerError
from facetracker.core.files import write_atomically, write_json

FOLDER = Path("runs/demo")
MARK = "demo.json"  # says that a folder is a demo's and may be made again
EPOCHS, PICTURES_AN_EPOCH = 8, 384
SECONDS_OF_CLIP = 6


def demo(
    out: str | Path = FOLDER,
    epochs: int = EPOCHS,
    pictures_an_epoch: int = PICTURES_AN_EPOCH,
    seconds_of_clip: int = SECONDS_OF_CLIP,
) -> Demo:
    """Run the whole way of a photo on drawn faces in the folder `out`, which is made again, and write `report.html`.

    Needs no camera, no network and no answer: a drawn person in seven rooms takes the place of a webcam session.
    """
    folder = Path(out)
    _make_room(folder)
    done = Demo(folder, total=9)
    started = time.monotonic()
    stages.collect(done)
    stages.annotate(done)
    stages.audit(done)
    stages.split(done)
    stages.augment(done)
    stages.train(done, epochs, pictures_an_epoch)
    stages.evaluate(done)
    stages.export(done)
    stages.detect(done, seconds_of_clip)
    done.seconds = time.monotonic() - started
    from facetracker.cli.demo.report import report

    write_atomically(done.report, report(done))
    write_json(folder / MARK, {"finished": True, "seconds": round(done.seconds, 1), "steps": done.timings()})
    return done


def _make_room(folder: Path) -> None:
    """An earlier demo is replaced; a folder that holds something else is not."""
    if folder.exists() and not (folder.is_dir() and ((folder / MARK).is_file() or not any(folder.iterdir()))):
        raise FaceTrackerError("is no folder of a demo", path=folder, fix="Choose another --out.")
    shutil.rmtree(folder, ignore_errors=True)
    write_json(folder / MARK, {"finished": False})


def open_report(report: Path, wanted: bool | None = None) -> bool:
    """Show the report in the browser (None: where a person sits before a display); whether it was opened."""
    from facetracker.capture.display import has_display

    if wanted is None:
        wanted = sys.stdout.isatty() and has_display()
    return wanted and webbrowser.open(report.resolve().as_uri())
