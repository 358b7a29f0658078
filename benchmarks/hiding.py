"""Hiding faces in films: how many stay bare, how much is hidden for nothing, how long it takes.

    python benchmarks/hiding.py --drawn 20 --deface PATH/TO/deface
    python benchmarks/hiding.py --drawn 0 --photos FOLDER --films 12        # a shaky camera over labelled photos
    python benchmarks/hiding.py --drawn 0 --clips FILM ...                  # any films: times, and sheets to look at

Every film is hidden by `facetracker hide`, by the old way (`detect --blur --save`) and, where it is installed, by
`deface`, one after the other. A face counts as bare in a frame when more than 35 % of its detail (a band of the
frequencies that make a face) is still in the written frame where it was in the film. Writes `hiding.json`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from held_out import read_truth

from facetracker.core import console
from facetracker.core.files import photos_in, write_json
from facetracker.core.photo import read_picture
from facetracker.scenes import Scene

FPS, SECONDS = 25, 6
VISIBLE = 0.3  # share of a face that must be seen for it to count
BARE = 0.35
SIZE = 640, 480
SMALLEST = 16  # pixels to a side; who is smaller cannot be told anyway

Row = tuple[np.ndarray, np.ndarray, np.ndarray]  # a frame, its boxes in pixels, the visible share of each


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--drawn", type=int, default=20, help="drawn films")
    parser.add_argument("--photos", type=Path, help="labelled photos, over which a shaky camera goes")
    parser.add_argument("--films", type=int, default=10, help="films of photos")
    parser.add_argument("--clips", type=Path, nargs="*", default=[], help="films without known faces")
    parser.add_argument("--deface", type=Path, help="the command of deface, from an environment of its own")
    parser.add_argument("--ways", nargs="+", default=["hide", "old", "detect", "deface"], help="which of them to run")
    parser.add_argument("--keep", type=Path, help="folder for the films; default: a temporary one")
    parser.add_argument("--out", type=Path, default=Path("hiding.json"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        films = [drawn(folder / f"drawn-{number:02d}.mp4", number) for number in range(options.drawn)]
        if options.photos:
            films += of_photos(folder, options.photos, options.films)
        rows = []
        for film in [*films, *options.clips]:
            for name, command in ways(film, folder, options.deface):
                if name not in options.ways:
                    continue
                rows.append({"film": film.stem, "way": name, **measured(film, *command)})
                console.say(" ".join(f"{key} {value}" for key, value in rows[-1].items()))
                write_json(options.out, {"sums": sums(rows), "films": rows})
    for name, one in sums(rows).items():
        console.say(f"{name}: " + ", ".join(f"{key} {value}" for key, value in one.items()))


def ways(film: Path, folder: Path, deface: Path | None) -> Iterator[tuple[str, tuple[list[str], Path]]]:
    """The ways of hiding: a name, a command, the file it writes."""
    ours = [sys.executable, "-m", "facetracker.cli"]
    for name, command in {
        "hide": ["hide", str(film), "--force", "--save"],
        "old": ["detect", "--source", str(film), "--blur", "--force", "--view", "none", "--save"],
        "detect": ["detect", "--source", str(film), "--force", "--view", "none", "--save"],
    }.items():
        out = folder / f"{film.stem}-{name}.mp4"
        yield name, ([*ours, *command, str(out)], out)
    if deface is not None:
        out = folder / f"{film.stem}-deface.mp4"
        yield "deface", ([str(deface), str(film), "--output", str(out)], out)


def measured(film: Path, command: list[str], out: Path) -> dict[str, Any]:
    """What a way did to a film."""
    out.unlink(missing_ok=True)
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    seconds = time.monotonic() - began
    if done.returncode or not out.is_file():
        return {"failed": (done.stderr or done.stdout)[-200:]}
    return {"seconds": round(seconds, 2), **judged(film, out)}


def judged(film: Path, out: Path) -> dict[str, Any]:
    """How many faces are bare in the written film, and how much of it was hidden."""
    known = film.with_suffix(".json")
    truth = json.loads(known.read_text()) if known.is_file() else None
    counts = {"frames": 0, "faces": 0, "bare": 0, "bare_frames": 0, "empty": 0, "empty_hidden": 0, "hidden_share": 0.0}
    for number, (before, after) in enumerate(zip(pictures(film), pictures(out), strict=False)):
        counts["frames"] += 1
        hidden = lost(before, after)
        counts["hidden_share"] += float(hidden.mean())
        if truth is None:
            continue
        faces = [face for face in truth[number] if face[4] >= VISIBLE]
        bare = sum(bool(detail_left(before, after, face) > BARE + (1 - face[4])) for face in faces)
        counts["faces"] += len(faces)
        counts["bare"] += bare
        counts["bare_frames"] += int(bare > 0)
        if not truth[number]:
            counts["empty"] += 1
            counts["empty_hidden"] += int(hidden.mean() > 0.0005)
    counts["hidden_share"] = round(counts["hidden_share"] / max(1, counts["frames"]), 4)
    return counts


def detail_left(before: np.ndarray, after: np.ndarray, face: list[float]) -> float:
    """The share of a face's detail that is still where it was, 0 to 1."""
    x1, y1, x2, y2 = (max(0, round(value)) for value in face[:4])
    one, other = before[y1:y2, x1:x2], after[y1:y2, x1:x2]
    if one.size == 0 or min(one.shape[:2]) < 4:
        return 0.0
    side = float(np.sqrt(one.shape[0] * one.shape[1]))
    first, second = (band(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), side) for part in (one, other))
    y, x = np.ogrid[-1 : 1 : first.shape[0] * 1j, -1 : 1 : first.shape[1] * 1j]
    oval = x * x + y * y <= 1
    return float((first * second)[oval].sum() / max((first * first)[oval].sum(), 1e-6))


def band(grey: np.ndarray, side: float) -> np.ndarray:
    """What is between 3 and 8 hundredths of the face's size in a picture."""
    grey = grey.astype(np.float32)
    return cv2.GaussianBlur(grey, (0, 0), max(0.5, 0.03 * side)) - cv2.GaussianBlur(grey, (0, 0), max(1.0, 0.08 * side))


def lost(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Where the picture was changed by more than writing it again does."""
    change = cv2.GaussianBlur(cv2.absdiff(before, after).max(axis=2), (0, 0), 4)
    return change > 8


def pictures(film: Path) -> Iterator[np.ndarray]:
    with av.open(str(film)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="bgr24")


def write_film(path: Path, rows: Iterator[Row]) -> Path:
    """A film and, beside it, where its faces are."""
    truth = []
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "14", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for picture, boxes, visible in rows:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
            truth.append([[*map(float, box), float(seen)] for box, seen in zip(boxes, visible, strict=True)])
        container.mux(stream.encode(None))
    write_json(path.with_suffix(".json"), truth)
    return path


def drawn(path: Path, number: int) -> Path:
    """A drawn film: several faces, people who cross, leave and come back, cuts, a moving blur, dark rooms."""
    if path.is_file() and path.with_suffix(".json").is_file():
        return path
    random = np.random.default_rng((number, 0x41DE))
    shots, kind = 1 if number % 4 else 3, number % 5
    scenes = [
        Scene(
            *SIZE,
            faces=int(random.integers(1, 5)),
            seed=int(random.integers(1 << 30)),
            fps=FPS,
            crossing=kind == 1,
            leaving=kind == 2,
            light=0.3 if kind == 3 else 1.0,
            noise=8.0 if kind == 3 else 3.0,
            size=float(random.uniform(0.35, 0.95)),
        )
        for _ in range(shots)
    ]

    def rows() -> Iterator[Row]:
        length = FPS * SECONDS // shots
        for scene in scenes:
            begin = int(random.integers(2000))
            for index in range(begin, begin + length):
                shown = scene.frame(index)
                picture = shown.picture
                if kind == 4:  # a slow shutter: two moments in one frame
                    picture = cv2.addWeighted(picture, 0.5, scene.frame(index + 1).picture, 0.5, 0)
                yield picture, shown.boxes * np.float32([*SIZE, *SIZE]), shown.visible

    return write_film(path, rows())


def of_photos(folder: Path, data: Path, count: int) -> list[Path]:
    """Films of a shaky camera that goes over labelled photos, six in each film, with a cut between two."""
    photos = photos_in(data / "images")
    random = np.random.default_rng(0x5A4E)
    photos = [photos[row] for row in random.permutation(len(photos))]
    made = []
    for number in range(count):
        chosen = photos[6 * number : 6 * number + 6]
        path = folder / f"photos-{number:02d}.mp4"
        if not path.is_file():
            write_film(path, (row for photo in chosen for row in panned(photo, random)))
        made.append(path)
    return made


def panned(path: Path, random: np.random.Generator) -> Iterator[Row]:
    """A second over one photo: the camera moves, trembles, and zooms a little."""
    photo = read_picture(path)
    wide, high, boxes, ignored = read_truth(path.parent.parent / "labels" / f"{path.stem}.json")
    boxes = boxes * np.float32([wide, high, wide, high])
    fits = max(SIZE[0] / wide, SIZE[1] / high)
    zoom = fits * random.uniform(1.0, 1.6, 2)
    start, end = (np.array([wide, high]) * random.uniform(0.35, 0.65, 2) for _ in range(2))
    tremble = random.normal(0, 1.0, (FPS, 2)).cumsum(axis=0) * 1.5
    for step in range(FPS):
        share = step / FPS
        scale = zoom[0] * (1 - share) + zoom[1] * share
        room = np.array(SIZE) / (2 * scale)
        middle = np.clip(start * (1 - share) + end * share + tremble[step] / scale, room, np.array([wide, high]) - room)
        shift = np.array(SIZE) / 2 - middle * scale
        matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
        picture = cv2.warpAffine(photo, matrix, SIZE, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        whole = boxes * scale + np.tile(shift, 2)
        inside = np.clip(whole, 0, [*SIZE, *SIZE])
        areas = [np.prod(one[:, 2:] - one[:, :2], axis=1) for one in (inside, whole)]
        seen = areas[0] / np.maximum(areas[1], 1e-6)
        there = areas[0] > 0
        seen[ignored | (areas[1] < SMALLEST**2)] = 0.0
        yield picture, inside[there], seen[there]


def sums(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Each way over all films."""
    result: dict[str, dict[str, Any]] = {}
    for row in rows:
        one = result.setdefault(row["way"], {"films": 0, "failed": 0})
        one["films"] += 1
        one["failed"] += "failed" in row
        for key in ("seconds", "frames", "faces", "bare", "bare_frames", "empty", "empty_hidden", "hidden_share"):
            one[key] = round(one.get(key, 0) + row.get(key, 0), 4)
    return result


if __name__ == "__main__":
    main()
