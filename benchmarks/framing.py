"""Framing, measured on drawn films at 1080p whose paths are known, beside a crop that follows the boxes.

For each film: the share of frames in which every face is inside the safe area (5 % within the crop, or at the picture's
rim), how hard the crop is accelerated and jerked, how often it turns against how often the faces do, and the most
changes of shot in 5 s. Then the processor time of each stage on a film of 1080p30, and hours of the operator alone.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
from framed_films import FILMS, FPS, HEIGHT, WIDTH, Film
from measured import Row, write_rows
from numpy.typing import NDArray
from ten_hours import sample

from facetracker.capture.frames import Frame, now
from facetracker.capture.source import open_source
from facetracker.core.faces import Faces
from facetracker.core.files import written_beside
from facetracker.inference.detector import Detector
from facetracker.inference.framing.framing import Framed, Framing
from facetracker.inference.framing.operator import CameraOperator
from facetracker.inference.framing.picture import cut_out
from facetracker.inference.framing.settings import FramingSettings
from facetracker.inference.recording.record import VideoRecorder
from facetracker.inference.tracking.watch import Watcher
from facetracker.scenes.scene import SceneFrame

SAFE = 0.05  # of the crop on each side: what television calls title safe
SEEN = 0.5  # a face of which less can be seen is not asked for
TURN = 0.004  # picture widths: a smaller way back is no turn
HOLD = 5.0  # seconds in which one change of shot is allowed
NOTHING = np.zeros((0, 0, 3), np.uint8)
ASKED_SAFE, ASKED_MS = 0.99, 500 / FPS  # half a core
WAYS = ("operator", "follows the boxes")


@dataclass
class Course:
    """What one film gave: for each frame the truth, and the crop of each way; the shots with their times."""

    film: Film
    truths: list[SceneFrame] = field(default_factory=list)
    crops: dict[str, list[NDArray[np.float64]]] = field(default_factory=lambda: {way: [] for way in WAYS})
    following: list[bool] = field(default_factory=list)  # whether the camera followed somebody
    changes: list[float] = field(default_factory=list)

    def states(self, way: str) -> NDArray[np.float64]:
        """Middle x, height of the eyes (the crop's upper third) and width of each crop, picture widths `(N, 3)`."""
        left, top, right, bottom = np.array(self.crops[way]).T
        eyes = top + (bottom - top) / 3
        return np.stack([(left + right) / 2, eyes * HEIGHT / WIDTH, right - left], axis=1)

    def faces(self) -> NDArray[np.float64]:
        """Middle x and y of the faces together, picture widths `(N, 2)`; where none is, the last one."""
        rows, last = [], np.array([0.5, 0.5 * HEIGHT / WIDTH])
        for truth in self.truths:
            if len(truth.boxes):
                first, end = truth.boxes[:, :2].min(axis=0), truth.boxes[:, 2:].max(axis=0)
                last = (first + end) / 2 * [1, HEIGHT / WIDTH]
            rows.append(last)
        return np.array(rows)

    def safe(self, way: str) -> float:
        """Share of the frames with faces in which all of them are inside the safe area."""
        good = [
            all(_is_safe(box, crop) for box in truth.boxes[truth.visible >= SEEN])
            for truth, crop in zip(self.truths, self.crops[way], strict=True)
            if (truth.visible >= SEEN).any()
        ]
        return float(np.mean(good))

    def strongest(self, way: str, order: int) -> float:
        """The largest acceleration (order 2) or jerk (3) of the crop, picture widths / s^order.

        Without the first second, in which a crop that follows the boxes jumps to its first one.
        """
        return float(np.abs(np.diff(self.states(way)[round(FPS) :], order, axis=0)).max() * FPS**order)

    def turns(self, way: str) -> tuple[int, int]:
        """How often the crop changes its direction while it follows somebody, and how often the faces do then; across
        and along together. On the way to another shot, and to the whole picture, it follows nobody."""
        crop, faces = self.states(way), self.faces()
        rims = np.flatnonzero(np.diff([0, *self.following, 0]))
        pairs = list(zip(rims[::2].tolist(), rims[1::2].tolist(), strict=True))
        counted = [sum(turns(values[a:b, i]) for a, b in pairs for i in (0, 1)) for values in (crop, faces)]
        return counted[0], counted[1]

    @property
    def most_changes(self) -> int:
        """The most changes of shot in any `HOLD` seconds."""
        return max((sum(at <= other < at + HOLD - 1e-6 for other in self.changes) for at in self.changes), default=0)


def _is_safe(box: NDArray[np.floating], crop: NDArray[np.float64]) -> bool:
    inset = SAFE * (crop[2:] - crop[:2])
    first = np.where(crop[:2] <= 0.002, -1.0, crop[:2] + inset)
    last = np.where(crop[2:] >= 0.998, 2.0, crop[2:] - inset)
    return bool((box[:2] >= first).all() and (box[2:] <= last).all())


def turns(values: NDArray[np.float64]) -> int:
    """How often a value turns round, ways back of up to `TURN` left out."""
    count = way = 0
    low = high = values[0]
    for value in values.tolist():
        low, high = min(low, value), max(high, value)
        if way <= 0 and value > low + TURN:
            count, way, high = count + (way < 0), 1, value
        elif way >= 0 and value < high - TURN:
            count, way, low = count + (way > 0), -1, value
    return count


def frames_of(film: Film) -> Iterator[Frame]:
    """The film's frames as a source gives them."""
    for index in range(film.count):
        drawn = film.frame(index)
        yield Frame(drawn.picture, index, index / FPS, now(), truth=drawn)


def course(film: Film, shape: str) -> Course:
    """Detect, follow and frame a film, both ways."""
    detector = Detector.load()
    watcher, framing = Watcher(detector, FPS), Framing(Framed(shape), detector.threshold, films=True)
    boxes = CameraOperator(framing.operator.shape)
    found = Course(film)
    for frame in frames_of(film):
        seen = watcher.look(frame)
        crop = framing.crop(frame, seen.faces, seen.found)
        found.truths.append(replace(frame.truth, picture=NOTHING))  # the pictures of a film are gigabytes
        others = found.crops[WAYS[1]]
        found.crops[WAYS[0]].append(crop)
        others.append(boxes.start(seen.faces, frame.time) if len(seen.faces) or not others else others[-1])
        found.following.append(bool(framing.operator.subjects) and not framing.operator.turning)
        if framing.operator.changed == frame.time:  # a face that gets another number is no new shot
            found.changes.append(frame.time)
    return found


def processor_time(lines: int | None, every: int, seconds: float) -> dict[str, float]:
    """Milliseconds of processor time a frame, by stage, of a film of 1080p30 from its file to the framed picture."""
    film = FILMS[0]
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "film.mp4"
        recorder = VideoRecorder(path, FPS)
        for frame in frames_of(film):
            if frame.time > seconds:
                break
            recorder.write(frame.picture, frame.time)
        recorder.close()
        source, detector = open_source(path), Detector.load()
        watcher = Watcher(detector, FPS, every=every)
        framing = Framing(Framed(lines=lines), detector.threshold, films=True)
        spent: dict[str, list[float]] = {"read": [], "detect, follow": [], "operator": [], "cut out": [], "hand on": []}
        frames = iter(source)
        with open("/dev/null", "wb", buffering=0) as nowhere:
            while True:
                clock = [time.process_time()]
                if (frame := next(frames, None)) is None:
                    break
                clock.append(time.process_time())
                seen = watcher.look(frame)
                clock.append(time.process_time())
                crop = framing.crop(frame, seen.faces, seen.found)
                clock.append(time.process_time())
                shown = cut_out(frame.picture, crop, framing.size)
                clock.append(time.process_time())
                nowhere.write(shown.tobytes())
                clock.append(time.process_time())
                for name, took in zip(spent, np.diff(clock) * 1000, strict=True):
                    spent[name].append(took)
    return {name: float(np.mean(values[10:])) for name, values in spent.items()}


def hours(count: float) -> tuple[int, float, float]:
    """So many hours of three people who come and go: frames, MB gained after the first minute, seconds it took."""
    operator, rng = CameraOperator(16 / 9), np.random.default_rng(0)
    frames, began, held = round(count * 3600 * FPS), time.monotonic(), []
    drift = rng.normal(0, 0.003, (4096, 4))
    for index in range(frames):
        seconds = index / FPS
        number = int(seconds / 40)  # people leave and others come: numbers grow without end
        here = [3 * number + k + 1 for k in range(3) if (seconds + 9 * k) % 40 > 12]
        x = np.array([0.25 + 0.25 * k + 0.1 * np.sin(seconds / (2 + k)) for k in range(len(here))])
        boxes = np.stack([x - 0.03, 0 * x + 0.3, x + 0.03, 0 * x + 0.42], axis=1) + drift[index % 4096]
        faces = Faces(boxes, np.ones(len(x)), np.zeros(len(x)), WIDTH, HEIGHT, ids=here)
        crop = operator.update(faces, seconds)
        if not (np.isfinite(crop).all() and (crop >= 0).all() and (crop <= 1).all()):
            raise AssertionError(f"frame {index}: {crop}")
        if index and index % (60 * FPS) == 0:
            held.append(sample(index).megabytes)
    return frames, max(held) - held[0], time.monotonic() - began


def table(courses: list[Course]) -> list[Row]:
    """Print a line a film, and give its figures."""
    print(
        f"{'film':<21}{'safe':>8}{'(boxes)':>9}{'accel.':>8}{'(boxes)':>9}{'jerk':>7}{'(boxes)':>9}"
        f"{'turns':>7}{'(faces)':>9}{'(boxes)':>9}{'changes in 5 s':>16}"
    )
    rows = []
    for one in courses:
        ours, naive = WAYS
        (mine, faces), (boxes, _) = one.turns(ours), one.turns(naive)
        print(
            f"{one.film.name:<21}{one.safe(ours):>8.2%}{one.safe(naive):>9.2%}{one.strongest(ours, 2):>8.2f}"
            f"{one.strongest(naive, 2):>9.1f}{one.strongest(ours, 3):>7.1f}{one.strongest(naive, 3):>9.0f}"
            f"{mine:>7}{faces:>9}{boxes:>9}{one.most_changes:>16}"
        )
        rows += [
            Row(f"{one.film.name}: faces in the safe area", "share", [one.safe(ours)]),
            Row(f"{one.film.name}: acceleration", "widths/s2", [one.strongest(ours, 2)]),
            Row(f"{one.film.name}: acceleration, follows the boxes", "widths/s2", [one.strongest(naive, 2)]),
            Row(f"{one.film.name}: jerk", "widths/s3", [one.strongest(ours, 3)]),
            Row(f"{one.film.name}: jerk, follows the boxes", "widths/s3", [one.strongest(naive, 3)]),
            Row(f"{one.film.name}: turns of the crop", "turns", [float(mine)]),
            Row(f"{one.film.name}: turns of the faces", "turns", [float(faces)]),
            Row(f"{one.film.name}: changes of shot in 5 s", "changes", [float(one.most_changes)]),
        ]
    bounds = FramingSettings()
    print(f"bounds for whatever input: acceleration {bounds.acceleration:.1f}, jerk {bounds.jerk:.0f}")
    return rows


def draw(courses: list[Course], path: Path) -> None:
    """The ways of two films, and the jerk of all, as a picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    ink, ours, naive = "#1d2126", "#2f62d9", "#d9822b"
    figure = Figure(figsize=(11, 6.4), layout="constrained", dpi=110)
    ways = figure.subplot_mosaic([["walk", "jerk"], ["sit", "safe"]], width_ratios=[1.7, 1])
    for name, film, axis, title in (
        ("walk", "walk", 0, "A brisk walk to and fro: across"),
        ("sit", "sit and nod", 1, "Sitting down, nodding, getting up: downwards"),
    ):
        one = next(c for c in courses if c.film.name == film)
        count = round(13 * FPS)
        seconds = np.arange(count) / FPS
        plot = ways[name]
        faces = one.faces()[:count, axis]
        for way, colour, width in ((WAYS[1], naive, 1.0), (WAYS[0], ours, 2.4)):
            values = one.states(way)[:count, axis]
            label = {"operator": "the operator's crop"}.get(way, "a crop that follows the boxes")
            plot.plot(seconds, values, color=colour, linewidth=width, label=label)
        plot.plot(seconds, faces, color=ink, linewidth=1.0, linestyle=(0, (4, 3)), label="the face (truth)")
        plot.set_title(title, loc="left", fontsize=10.5, fontweight="bold")
        plot.set_ylabel("picture widths")
        plot.set_xlim(0, seconds[-1])
        if axis:
            plot.invert_yaxis()
            plot.set_xlabel("seconds")
    ways["sit"].legend(frameon=False, fontsize=9, loc="upper center")
    names, places = [one.film.name for one in courses], np.arange(len(courses))
    jerk = ways["jerk"]
    for shift, way, colour in ((-0.19, WAYS[0], ours), (0.19, WAYS[1], naive)):
        values = [one.strongest(way, 3) for one in courses]
        jerk.barh(places + shift, values, height=0.36, color=colour)
        for place, value in zip(places + shift, values, strict=True):
            jerk.annotate(
                f"{value:,.0f}", (value, place), (4, 0), textcoords="offset points", va="center", fontsize=8.5
            )
    bound = FramingSettings().jerk
    jerk.axvline(bound, color=ink, linewidth=1, linestyle=":")
    jerk.annotate(f"bound for any input: {bound:.0f}", (bound, -0.72), (3, 0), textcoords="offset points", fontsize=8.5)
    jerk.set_xscale("log")
    jerk.set_xlim(0.3, 1e5)
    jerk.set_yticks(places, names)
    jerk.set_ylim(len(names) - 0.5, -0.95)
    jerk.set_title("Largest jerk, picture widths / s³", loc="left", fontsize=10.5, fontweight="bold")
    safe = ways["safe"]
    values = [100 * one.safe(WAYS[0]) for one in courses]
    safe.barh(places, values, height=0.55, color=ours)
    for place, value in zip(places, values, strict=True):
        safe.annotate(f"{value:.1f} %", (value, place), (-4, 0), textcoords="offset points", va="center", ha="right",
                      fontsize=8.5, color="white")  # fmt: skip
    safe.axvline(100 * ASKED_SAFE, color=ink, linewidth=1, linestyle=":")
    safe.set_xlim(80, 100)
    safe.set_yticks(places, names)
    safe.invert_yaxis()
    safe.set_title("Frames with all faces safe, %", loc="left", fontsize=10.5, fontweight="bold")
    for axis in ways.values():
        axis.spines[["top", "right"]].set_visible(False)
    with written_beside(path) as part:
        FigureCanvasAgg(figure).print_png(part)


def show(path: Path) -> None:
    """Frames of two films with the crop drawn into them, and beside each what is shown: the README's picture."""
    columns = []
    for name, chosen, second in (("walk", "9:16", 4.5), ("two talk", "16:9", 9.0)):
        film = next(film for film in FILMS if film.name == name)
        detector = Detector.load()
        watcher = Watcher(detector, FPS)
        framing = Framing(Framed(chosen, lines=540), detector.threshold, films=True)
        for frame in frames_of(film):
            seen = watcher.look(frame)
            crop = framing.crop(frame, seen.faces, seen.found)
            if frame.index == round(second * FPS):
                columns.append(_beside(frame.picture, crop, cut_out(frame.picture, crop, framing.size)))
                break
    gap = np.full((columns[0].shape[0], 14, 3), 255, np.uint8)
    joined = np.concatenate([part for column in columns for part in (gap, column)][1:], axis=1)
    with written_beside(path) as part:
        cv2.imwrite(str(part), joined, [cv2.IMWRITE_JPEG_QUALITY, 88])


def _beside(picture: NDArray[np.uint8], crop: NDArray[np.float64], shown: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The whole picture, darker outside the crop, and the framed one at the same height."""
    high, wide = 300, 533
    left, top, right, bottom = (crop * [WIDTH, HEIGHT, WIDTH, HEIGHT]).round().astype(int)
    whole = cv2.convertScaleAbs(picture, alpha=0.45)
    whole[top:bottom, left:right] = picture[top:bottom, left:right]
    cv2.rectangle(whole, (left, top), (right, bottom), (255, 255, 255), 6)
    whole = cv2.resize(whole, (wide, high), interpolation=cv2.INTER_AREA)
    scaled = cv2.resize(shown, (round(shown.shape[1] * high / shown.shape[0]), high), interpolation=cv2.INTER_AREA)
    return np.concatenate([whole, scaled], axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", default="16:9", help="of the crop")
    parser.add_argument("--film", action="append", help="only this one; may be given several times")
    parser.add_argument(
        "--seconds", type=float, default=8.0, help="of the film whose processor time is measured; 0: none"
    )
    parser.add_argument("--hours", type=float, default=10.0, help="of the operator alone; 0: none")
    parser.add_argument("--png", type=Path, help="draw the ways and the jerk into this file")
    parser.add_argument("--picture", type=Path, help="draw frames with their crops into this file, and measure nothing")
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    if chosen.picture:
        return show(chosen.picture)
    courses = [course(film, chosen.shape) for film in FILMS if not chosen.film or film.name in chosen.film]
    rows = table(courses)
    if chosen.seconds:
        for lines, every in ((None, 1), (None, 2), (1080, 1)):
            spent = processor_time(lines, every, chosen.seconds)
            name = f"1080p30 to {lines or 720} lines" + (f", --every {every}" if every > 1 else "")
            stages = ", ".join(f"{stage} {took:.2f}" for stage, took in spent.items())
            total = sum(spent.values())
            print(f"{name}: {total:.2f} ms of processor time a frame (half a core: {ASKED_MS:.1f}): {stages}")
            rows.append(Row(name, "ms", [total]))
    if chosen.hours:
        frames, gained, took = hours(chosen.hours)
        print(f"{frames:,} updates in {took:.0f} s: {gained:+.3f} MB since the first minute")
        rows.append(Row("memory gained in ten hours", "MB", [gained]))
    if chosen.png:
        draw(courses, chosen.png)
    write_rows(chosen.json, rows)
    return None


if __name__ == "__main__":
    main()
