"""The quick way, as the demo goes it: a film, three labels, a tracker that draws boxes as this person does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from facetracker.cli.demo import drawing
from facetracker.cli.demo.steps import Demo, DemoPicture, Film
from facetracker.core.boxes import Boxes, iou
from facetracker.core.errors import FaceTrackerError
from facetracker.core.naming import number_of

LABELLED = 3  # frames
SHOWN = 4
JUDGED_EVERY = 10  # of the film's frames, those on which the two trackers are compared


def film(demo: Demo, seconds: int) -> None:
    """The person before the camera."""
    from facetracker.capture.filming import record_film

    with demo.step("film", "filming a drawn person", f"facetracker collect --film {seconds}") as step:
        demo.raw_film = record_film(drawing.film_source(seconds), demo.data, seconds, "demo")
        step.result = f"{seconds} s of a drawn person, {drawing.FILM.width}x{drawing.FILM.height} pixels"
        step.pictures = [
            DemoPicture(drawing.FILM.frame(number).picture, f"after {number / drawing.FILM.fps:.1f} s")
            for number in _some(seconds, SHOWN)
        ]


def label(demo: Demo) -> None:
    """Three frames that differ, with the starter's boxes; the person draws whole heads."""
    from facetracker.labels.collection import Collection
    from facetracker.labels.film.label import label_film

    with demo.step("label", "labelling three frames", "facetracker label data/films/FILM.mkv") as step:
        label_film(_film_of(demo), demo.data, frames=LABELLED)
        suggested = Collection.open(demo.data, prelabelled=True).examples
        drawn = drawing.draw_heads(suggested)
        step.result = (
            f"{len(drawn)} frames that differ, {sum(map(len, drawn))} boxes moved to where the person wants them"
        )
        step.pictures = [
            DemoPicture(after.picture(), f"frame {number_of(after.stem)}", after.boxes, before.boxes)
            for before, after in zip(suggested, drawn, strict=True)
        ]


def learn(demo: Demo) -> None:
    """The style: four numbers."""
    from facetracker.personal.learn import learn

    with demo.step("learn", "learning how the person draws", "facetracker learn data --instant") as step:
        learned = learn(demo.data, demo.mine.name, instant=True, runs=demo.mine.parent)
        sides = ("left", "top", "right", "bottom")
        told = ", ".join(f"{side} {number:+.2f}" for side, number in zip(sides, learned.style.numbers, strict=True))
        step.result = f"where this person's boxes lie beside the starter's: {told}"


def detect(demo: Demo, seconds: int) -> None:
    """Follow the face through the film, and see how well the boxes are this person's."""
    from facetracker.inference.detect import Keep, Show, detect
    from facetracker.inference.detector import Detector

    with demo.step("detect", "following the face", "facetracker detect runs/mine FILM") as step:
        followed, lines = demo.folder / "followed.mp4", demo.folder / "followed.jsonl"
        detect(demo.mine, _film_of(demo), show=Show("none"), keep=Keep(save=followed, jsonl=lines))
        rows: list[dict[str, Any]] = [json.loads(line) for line in lines.read_text().splitlines()]
        numbers = {number for row in rows for number in row["ids"]}
        own, starter = Detector.load(demo.mine), Detector()
        scores: list[tuple[float, float]] = []
        seen: list[DemoPicture] = []
        for number in _some(seconds, len(rows) // JUDGED_EVERY):
            frame = drawing.FILM.frame(number)
            picture, wanted = frame.picture, drawing.as_drawn(frame.boxes)
            found = own.detect(picture).boxes
            scores.append((_overlap(found, wanted), _overlap(starter.detect(picture).boxes, wanted)))
            seen.append(DemoPicture(picture, f"after {number / drawing.FILM.fps:.1f} s", wanted, found))
        step.pictures = seen[:: -(-len(seen) // SHOWN)]
        count = len(rows)
        demo.film = Film(
            followed,
            frames=count,
            found=sum(bool(row["boxes"]) for row in rows),
            numbers=len(numbers),
            own=sum(own for own, _ in scores) / len(scores),
            starter=sum(starter for _, starter in scores) / len(scores),
        )
        step.result = (
            f"{demo.film.found} of {count} frames with the face; mean IoU with this person's boxes "
            f"{demo.film.own:.2f}, the starter's {demo.film.starter:.2f}"
        )


def hide(demo: Demo) -> None:
    """The film again, the face hidden from the first frame to the last."""
    from facetracker.inference.hiding.hide import hide

    with demo.step("hide", "hiding the face", "facetracker hide FILM") as step:
        step.film = demo.folder / "hidden.mp4"
        done = hide(_film_of(demo), step.film)
        step.result = done.lines[0].partition(": ")[2]


def frame(demo: Demo) -> None:
    """The film again, upright, with the face in the middle."""
    from facetracker.inference.detect import Keep, Show, detect
    from facetracker.inference.framing.framing import Framed

    with demo.step("frame", "framing the face", "facetracker frame FILM --shape 9:16 --save framed.mp4") as step:
        step.film = demo.folder / "framed.mp4"
        done = detect(demo.mine, _film_of(demo), show=Show("none"), keep=Keep(save=step.film), framed=Framed("9:16"))
        step.result = f"{done.report.frames} frames, upright, led by the face as a camera operator would"


def page(demo: Demo) -> None:
    """The tracker as one HTML file: whoever opens it tries it with their own camera."""
    from facetracker.exports import export

    with demo.step("export", "writing a page with the tracker in it", "facetracker export runs/mine --to html") as step:
        (done,) = export(demo.mine, ["html"])
        demo.page = done.path
        step.result = f"one file of {done.size / 1e6:.1f} MB, to open on any computer or phone with a camera"


def _film_of(demo: Demo) -> Path:
    if demo.raw_film is None:
        raise FaceTrackerError("no film was taken")
    return demo.raw_film


def _some(seconds: int, count: int) -> list[int]:
    """`count` frames of the film, evenly over its length."""
    frames = seconds * int(drawing.FILM.fps)
    return [(2 * number + 1) * frames // (2 * count) for number in range(count)]


def _overlap(found: Boxes, wanted: Boxes) -> float:
    """IoU of the best box with the one that is wanted; 0 where nothing was found."""
    return float(iou(wanted, found).max(initial=0.0))
