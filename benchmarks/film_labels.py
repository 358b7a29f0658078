"""Labelling films: how many actions until the boxes are right, and how right they are.

    python benchmarks/film_labels.py                                  # drawn films of 300 frames, against their truth
    python benchmarks/film_labels.py --clips FILM ... --out films.json   # any films: doubts, and a sheet to look at

A scripted person looks through a drawn film and does what a person would do: takes away boxes where no face is, draws
a face that was missed, and puts a box right in the middle of the longest stretch in which it is poor. It stops as
soon as nothing is to be done, or at the number of actions that the film allows. Writes `film_labels.json`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from facetracker.core import console
from facetracker.core.boxes import iou
from facetracker.core.files import write_json
from facetracker.core.photo import write_jpeg
from facetracker.core.sheet import Tile, sheet
from facetracker.labels.film.labels import FilmLabels
from facetracker.labels.film.session import FilmSession
from facetracker.labels.film.storage import BEFORE, labels_beside
from facetracker.scenes import Scene

SIZE, FPS, FRAMES = (640, 480), 30, 300
SEEN, GOOD, ENOUGH = 0.3, 0.85, 0.9  # overlap: of a face that has its box; of a box to be left alone; median to reach
STRETCH = 15  # frames of a box without a face that a person notices
# The kinds of films, and how many actions each allows.
KINDS: dict[str, tuple[int, dict[str, Any]]] = {
    "moving": (6, {"faces": 1}),
    "crossing": (12, {"faces": 2, "crossing": True}),
    "leaving": (8, {"faces": 1, "leaving": True}),
}
SEEDS = {"moving": (3, 8, 11), "crossing": (2, 7, 12), "leaving": (5, 9, 14)}
TILES = 40


@dataclass(frozen=True)
class Truth:
    """Where the faces of a film are: for each frame boxes in pixels by person."""

    frames: list[dict[int, np.ndarray]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), help="which drawn films")
    parser.add_argument("--clips", type=Path, nargs="*", default=[], help="films without known faces")
    parser.add_argument("--sheets", type=Path, help="folder for the sheets of the clips")
    parser.add_argument("--keep", type=Path, help="folder for the films and what was found; default: a temporary one")
    parser.add_argument("--out", type=Path, default=Path("film_labels.json"))
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for kind in [] if options.clips else options.kinds:
            for seed in SEEDS[kind]:
                film = folder / f"{kind}-{seed}.mp4"
                rows.append({"film": film.stem, **labelled(film, write_film(film, kind, seed), KINDS[kind][0])})
                told(rows, options.out)
        for clip in options.clips:
            film = folder / clip.name
            if not film.is_file():
                shutil.copy(clip, film)
            rows.append({"film": clip.stem, **looked_at(film, options.sheets)})
            told(rows, options.out)


def told(rows: list[dict[str, Any]], out: Path) -> None:
    console.say(" ".join(f"{key} {value}" for key, value in rows[-1].items()))
    write_json(out, rows)


def write_film(path: Path, kind: str, seed: int) -> Truth:
    """A drawn film, and where its faces are."""
    scene = Scene(*SIZE, seed=seed, fps=FPS, **KINDS[kind][1])
    known = path.with_suffix(".json")
    if path.is_file() and known.is_file():
        return Truth([{int(who): np.array(box) for who, box in row.items()} for row in json.loads(known.read_text())])
    frames = []
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "18", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for index in range(FRAMES):
            shown = scene.frame(index)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(shown.picture, format="bgr24")))
            frames.append(dict(zip(shown.ids.tolist(), shown.boxes * np.float32([*SIZE, *SIZE]), strict=True)))
        container.mux(stream.encode(None))
    write_json(known, [{who: box.tolist() for who, box in row.items()} for row in frames])
    return Truth(frames)


def labelled(film: Path, truth: Truth, allowed: int) -> dict[str, Any]:
    """What the scripted person reaches."""
    began = time.monotonic()
    labels_beside(film).unlink(missing_ok=True)
    film.with_name(film.name + BEFORE).unlink(missing_ok=True)
    with FilmSession(film) as session:
        opened = time.monotonic() - began
        before = judged(session.labels, truth)
        done = []
        while session.labels.actions < allowed and (act := next_act(session.labels, truth)) is not None:
            session.act(act)
            done.append(act["act"])
        return {
            "found": before,
            "labelled": judged(session.labels, truth),
            "actions": session.labels.actions,
            "allowed": allowed,
            "did": done,
            "opened_s": round(opened, 1),
            "doubts": len(session.labels.doubts),
        }


def judged(labels: FilmLabels, truth: Truth) -> dict[str, Any]:
    """How well every face of the film has its box."""
    overlaps, extra, owners = [], 0, {}
    for frame, faces in enumerate(truth.frames):
        boxes = labels.faces(frame)
        for who, box in faces.items():
            best = max(boxes, key=lambda number: _overlap(boxes[number], box), default=None)
            overlaps.append(0.0 if best is None else _overlap(boxes[best], box))
            if best is not None and overlaps[-1] >= 0.5:
                owners.setdefault(who, []).append(best)
        extra += sum(all(_overlap(box, other) < 0.1 for other in faces.values()) for box in boxes.values())
    return {
        "median_iou": round(float(np.median(overlaps)), 3),
        "worst": round(float(np.quantile(overlaps, 0.05)), 3),
        "missed": int(np.sum(np.array(overlaps) < SEEN)),
        "extra": extra,
        "changes": sum(int(np.count_nonzero(np.diff(one))) for one in owners.values()),
    }


def next_act(labels: FilmLabels, truth: Truth) -> dict[str, Any] | None:
    """The next thing that a person would do; None when all is well.

    Two boxes are put right first: they say how this person draws. Then come the faces that were missed.
    """
    begun = sum(step.name == "correct" for step in labels.past) >= 2
    return (
        _taken_away(labels, truth, whole=True)
        or (None if begun else _put_right(labels, truth))
        or _drawn(labels, truth)
        or _put_right(labels, truth)
        or _taken_away(labels, truth, whole=False)
    )


def _taken_away(labels: FilmLabels, truth: Truth, whole: bool) -> dict[str, Any] | None:
    """Boxes where no face is: a whole track, or a stretch of one."""
    for number, boxed in labels.boxed.items():
        wrong = []
        for frame, box in zip(boxed.frames.tolist(), boxed.boxes, strict=True):
            here = [other for other in truth.frames[frame].values() if _overlap(box, other) >= 0.1]
            others = [one for one in labels.faces(frame) if one != number]
            better = [
                other
                for other in here
                if any(_overlap(labels.box(one, frame), other) > _overlap(box, other) for one in others)
            ]
            wrong.append(not here or len(better) == len(here))
        if all(wrong):
            return {"act": "delete", "track": number}
        for first, last in [] if whole else _runs(np.array(wrong), boxed.frames):
            if last - first + 1 >= STRETCH:
                return {"act": "no_face", "track": number, "first": first, "last": last}
    return None


def _drawn(labels: FilmLabels, truth: Truth) -> dict[str, Any] | None:
    """A face without a box: drawn in the middle of the longest stretch without."""
    longest: tuple[int, int, int] | None = None
    for who in {who for frame in truth.frames for who in frame}:
        missed = [
            who in faces and all(_overlap(box, faces[who]) < SEEN for box in labels.faces(frame).values())
            for frame, faces in enumerate(truth.frames)
        ]
        for first, last in _runs(np.array(missed), np.arange(len(missed))):
            if longest is None or last - first > longest[2] - longest[1]:
                longest = (who, first, last)
    if longest is None:
        return None
    who, first, last = longest
    frame = (first + last) // 2
    mine = truth.frames[frame][who]
    others = [box for other, box in truth.frames[frame].items() if other != who]
    near = [
        number
        for number, box in labels.faces(frame).items()
        if _overlap(box, mine) > max([0.05, *(_overlap(box, other) for other in others)])
    ]
    box = mine.tolist()
    if near:
        return {"act": "correct", "track": near[0], "frame": frame, "box": box}
    return {"act": "add", "frame": frame, "box": box}


def _put_right(labels: FilmLabels, truth: Truth) -> dict[str, Any] | None:
    """A poor box, in the middle of the longest stretch of poor ones; as long as the film is not good enough."""
    if judged(labels, truth)["median_iou"] >= ENOUGH:
        return None
    longest: tuple[int, int, int] | None = None
    for number, boxed in labels.boxed.items():
        poor = []
        for frame, box in zip(boxed.frames.tolist(), boxed.boxes, strict=True):
            best = max((_overlap(box, other) for other in truth.frames[frame].values()), default=1.0)
            poor.append(best < ENOUGH)
        for first, last in _runs(np.array(poor), boxed.frames):
            if longest is None or last - first > longest[2] - longest[1]:
                longest = (number, first, last)
    if longest is None:
        return None
    number, frame = longest[0], (longest[1] + longest[2]) // 2
    now = labels.box(number, frame)
    box = max(truth.frames[frame].values(), key=lambda other: _overlap(now, other)).tolist()
    return {"act": "correct", "track": number, "frame": frame, "box": box}


def looked_at(film: Path, sheets: Path | None) -> dict[str, Any]:
    """What a person finds in a film whose faces nobody has drawn: tracks, doubtful places, a sheet of its frames."""
    began = time.monotonic()
    with FilmSession(film) as session:
        labels = session.labels
        opened = round(time.monotonic() - began, 1)
        if sheets is not None:
            write_jpeg(sheets / f"{film.stem}.jpg", sheet(list(_tiles(session)), 8, 200))
        return {
            "frames": len(session.seen),
            "tracks": [[one.first, one.last] for one in labels.tracks.values()],
            "doubts": [[one.track, one.first, one.last, one.why] for one in labels.doubts],
            "without": sum(not labels.faces(frame) for frame in range(len(session.seen))),
            "opened_s": opened,
        }


def _tiles(session: FilmSession) -> Iterator[Tile]:
    for frame in np.unique(np.linspace(0, len(session.seen) - 1, TILES).round().astype(int)).tolist():
        picture = session.frames.picture(frame)
        for number, box in session.labels.faces(frame).items():
            left, top, right, bottom = (round(side) for side in box)
            cv2.rectangle(picture, (left, top), (right, bottom), (60, 220, 60), 2)
            cv2.putText(picture, str(number), (left, top - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (60, 220, 60), 2)
        doubts = [one.why for one in session.labels.doubts if one.first <= frame <= one.last]
        yield Tile(picture, str(frame), ", ".join(doubts))


def _overlap(one: Any, other: Any) -> float:
    return float(iou(np.array([one]), np.array([other]))[0, 0])


def _runs(flags: np.ndarray, frames: np.ndarray) -> Iterator[tuple[int, int]]:
    rows = np.flatnonzero(flags)
    if not len(rows):
        return
    breaks = np.flatnonzero(np.diff(rows) > 1)
    for first, last in zip([0, *(breaks + 1)], [*breaks, len(rows) - 1], strict=True):
        yield int(frames[rows[first]]), int(frames[rows[last]])


if __name__ == "__main__":
    main()
