"""`demo`: both ways to a tracker on drawn faces, the quick and the trained, and a report that shows every step."""

from __future__ import annotations

import shutil
import sys
import time
import webbrowser
from importlib.util import find_spec
from pathlib import Path

from facetracker.cli.demo import quick, trained
from facetracker.cli.demo.steps import Demo
from facetracker.core import console
from facetracker.core.errors import FaceTrackerError
from facetracker.core.files import write_atomically, write_json

FOLDER = Path("runs/demo")
MARK = "demo.json"  # says that a folder is a demo's and may be made again
EPOCHS, PICTURES_AN_EPOCH = 5, 256
SECONDS_OF_FILM = 5


def demo(
    out: str | Path = FOLDER,
    epochs: int = EPOCHS,
    pictures_an_epoch: int = PICTURES_AN_EPOCH,
    seconds_of_film: int = SECONDS_OF_FILM,
) -> Demo:
    """Go both ways to a tracker on drawn faces in the folder `out`, which is made again, and write `report.html`.

    First the quick one: a person is filmed, three frames are labelled, the style is learnt, the film is followed,
    hidden and framed. Then the trained one, on photos of seven rooms. Needs no camera, no network and no answer.
    """
    folder = Path(out)
    _all_there()
    _make_room(folder)
    console.say(f"A drawn person takes your place; everything goes into {folder}/. About a minute on two cores.")
    done = Demo(folder, total=13)
    started = time.monotonic()
    quick.film(done, seconds_of_film)
    quick.label(done)
    quick.learn(done)
    quick.detect(done, seconds_of_film)
    quick.hide(done)
    quick.frame(done)
    quick.page(done)
    trained.collect(done)
    trained.audit(done)
    trained.split(done)
    trained.augment(done)
    trained.train(done, epochs, pictures_an_epoch)
    trained.evaluate(done)
    done.seconds = time.monotonic() - started
    from facetracker.cli.demo.report import report

    write_atomically(done.report, report(done))
    write_json(folder / MARK, {"finished": True, "seconds": round(done.seconds, 1), "steps": done.timings()})
    return done


def _all_there() -> None:
    """Say at once that the second half cannot be, not after the first."""
    for module in ("tensorflow", "albumentations", "jinja2"):
        if find_spec(module) is None:
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)


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
