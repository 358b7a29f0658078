"""The stage `learn`: from a few labelled photos to a tracker that draws boxes as their owner does.

At once the style: four numbers in closed form, without tensorflow. Then, from five photos on, an own head, trained at
the scale at which it will run. What photos held back show to be better is kept. The starter stays inside, unchanged.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from facetracker.core import console
from facetracker.core.console import counted
from facetracker.core.errors import Rejects
from facetracker.core.files import write_atomically, write_json
from facetracker.core.install import install_command, is_installed
from facetracker.inference.card import Card
from facetracker.inference.detector import Detector, find_model
from facetracker.inference.style import Style
from facetracker.personal.choose import STYLE, Choice, threshold_for
from facetracker.personal.photos import OwnPhotos, read_photos
from facetracker.personal.teacher import VIEWS, FacePairs, join, pairs_in
from facetracker.personal.views import usual_input
from facetracker.training.run import RUNS, new_run
from facetracker.version import __version__

if TYPE_CHECKING:
    from facetracker.personal.own import OwnLearner

FEWEST = 5  # photos with a face, from which on an own head is learnt
TRACKER, CARD, ABOUT = "model.tflite", "model.tflite.json", "learn.json"


@dataclass(frozen=True)
class Learned:
    """A person's tracker: its run folder, style and threshold, and which way was kept (`style` or `own head`)."""

    run: Path
    style: Style
    threshold: float
    choice: Choice
    seconds: float
    rejects: Rejects

    def lines(self) -> list[str]:
        """What a person is told."""
        where = ", ".join(f"{number:+.2f}" for number in self.style.numbers)
        return [
            f"your boxes differ from the starter's by {where} of their width and height (left, top, right, bottom)",
            f"{self.choice.why}; a face counts from {self.threshold:.2f}",
            f"{self.run} ({console.duration(self.seconds)}); try it: facetracker detect {quote(str(self.run))}",
        ]


def learn(
    data: str | Path,
    name: str = "mine",
    *,
    instant: bool = False,
    runs: str | Path = RUNS,
    force: bool = False,
    seed: int = 0,
) -> Learned:
    """Learn a tracker from the labelled photos of `data` (split or not; the part `test` is left alone).

    It is written to `runs/NAME`, as `train` does it. `instant` stops at the style. The style is usable as soon as it
    is there: `detect` takes it while the own head is being learnt.
    """
    began = time.monotonic()
    photos = read_photos(data)
    faces = sum(len(photo.boxes) > 0 for photo in photos.photos)
    made = new_run(data, name, Path(runs), force, resumable=False)  # kept to the end: it holds the claim on the folder
    run = made.folder
    alone = _why_style_alone(instant, faces)
    with _importing(not alone):
        detector = Detector()
        pairs = [pairs_in(detector, photo.picture, photo.boxes, seed=seed) for photo in photos.photos]
        known = join(pairs)
        style = known.style()
        threshold = threshold_for(known.scores, detector.threshold)
        choice = Choice(STYLE, None, None, 0, alone)
        learned = Learned(run, style, threshold, choice, time.monotonic() - began, photos.rejects)
        _write_style(run, style, threshold)
        _write_about(learned, photos, seed)
    if not alone:
        console.say(f"style learnt from {counted(faces, 'photo')}; learning an own head ...")
        with console.silenced():
            choice, threshold = _own_head(run, photos, pairs, detector, style, threshold, seed)
        learned = replace(learned, threshold=threshold, choice=choice, seconds=time.monotonic() - began)
        _write_about(learned, photos, seed)
    made.release()
    return learned


def _why_style_alone(instant: bool, faces: int) -> str:
    """Why no own head is learnt; "" where one is."""
    if instant:
        return "nothing more was asked for (--instant)"
    if faces < FEWEST:
        return f"an own head needs {FEWEST} photos with a face"
    if not is_installed("tensorflow"):
        return f"an own head needs TensorFlow: {install_command('train')}, then learn again with --force"
    return ""


@contextmanager
def _importing(wanted: bool) -> Iterator[None]:
    """Import tensorflow in the meantime: it takes seconds, in which the style is learnt on the other processor.

    Nothing can be shown until it is done, an error neither; so it is waited for in any case.
    """

    def imported() -> None:
        with console.silenced():
            import_module("facetracker.personal.own")

    worker = threading.Thread(target=imported, daemon=True)
    if wanted:
        worker.start()
    try:
        yield
    finally:
        if wanted:
            worker.join()


def _own_head(
    run: Path,
    photos: OwnPhotos,
    pairs: Sequence[FacePairs],
    detector: Detector,
    style: Style,
    threshold: float,
    seed: int,
) -> tuple[Choice, float]:
    """Learn an own head; where it is better, it takes the style's place in the run folder."""
    from facetracker.personal.own import OwnLearner, learn_and_choose

    sizes = [detector.input_size(photo.picture.shape[1], photo.picture.shape[0]) for photo in photos.photos]
    learner = OwnLearner(style, usual_input(sizes), detector.image_size, seed)
    choice, scores = learn_and_choose(learner, photos, pairs, detector)
    if choice.kept == STYLE:
        return choice, threshold
    threshold = threshold_for(scores)
    _write_own_head(run, learner, style, threshold)
    return choice, threshold


def _write_style(run: Path, style: Style, threshold: float) -> None:
    """The starter's file with a card of its own: nothing else is needed to draw as this person does."""
    starter = find_model()
    card = replace(
        Card.read_beside(starter), style=list(style.numbers), threshold=threshold, name=run.name, version=__version__
    )
    write_atomically(run / TRACKER, starter.read_bytes())
    write_json(run / CARD, card.as_dict())


def _write_own_head(run: Path, learner: OwnLearner, style: Style, threshold: float) -> None:
    from facetracker.exports.exporting import export

    learner.save(run / "model.keras", threshold, style)
    export(run, to=["tflite"], force=True)


def _write_about(learned: Learned, photos: OwnPhotos, seed: int) -> None:
    if learned.rejects:
        write_atomically(learned.run / "rejects.txt", learned.rejects.as_text())
    write_json(
        learned.run / ABOUT,
        {
            "version": __version__,
            "data": str(photos.folder.resolve()),
            "photos": len(photos),
            "faces": sum(len(photo.boxes) for photo in photos.photos),
            "style": list(learned.style.numbers),
            "kept": learned.choice.kept,
            "held_back": {
                "photos": learned.choice.photos,
                "style": learned.choice.style,
                "own_head": learned.choice.own,
            },
            "threshold": learned.threshold,
            "views": VIEWS,
            "seed": seed,
            "seconds": round(learned.seconds, 1),
        },
    )
