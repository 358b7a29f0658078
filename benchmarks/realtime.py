"""Real time, measured: `python benchmarks/realtime.py latency|film|follow|long [--help]`.

latency  how old a frame is when it is shown, for models of 5, 40 and 150 ms, beside a loop that reads, predicts and
         shows; what everything but inference costs
film     a film from its file to boxes: frames a second, and where the time goes
follow   switched numbers and lost faces on drawn scenes, jitter and lag of the boxes, with a plot
long     hours of frames at full speed: memory and open files on the way (--frames 1080000: ten hours)
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from measured import Row, write_rows
from ten_hours import long

from facetracker.capture.display import Window, has_display
from facetracker.capture.frames import now
from facetracker.capture.source import Frame, Source
from facetracker.core import console
from facetracker.core.boxes import iou, to_pixels
from facetracker.inference.detect import Show, detect
from facetracker.inference.detector import Detector, find_model
from facetracker.inference.engines import open_engine
from facetracker.inference.live.live import LiveLoop
from facetracker.inference.stages import Durations
from facetracker.inference.tracking.follow import Follower
from facetracker.inference.tracking.steady import Steady
from facetracker.inference.tracking.watch import Watcher
from facetracker.scenes import Scene

FPS = 30.0


class Camera(Source):
    """A camera of 30 frames a second: frames drawn beforehand, due at their time.

    `waits`: frames wait for a slow reader, as in the buffers of OpenCV, FFmpeg and the network; `taken` stays the
    moment at which they were due. Without it a late reader gets the frame that is due now.
    """

    live, name, fps, width, height = True, "camera of the benchmark", FPS, 640, 480

    def __init__(self, seconds: float, pictures: list[np.ndarray], waits: bool = True):
        self.count, self.pictures, self.waits = int(seconds * FPS), pictures, waits
        self._index, self._began = -1, 0.0

    def _next(self) -> float | None:
        if self._index < 0:
            self._began = now()
        self._index += 1
        if self._index >= self.count:
            return None
        time.sleep(max(0.0, self._began + self._index / FPS - now()))
        return self._index / FPS

    def _frame(self) -> Frame:
        picture = self.pictures[self._index % len(self.pictures)]
        return Frame(picture.copy(), self._index, self._index / FPS, self._began + self._index / FPS)

    def close(self) -> None:
        pass


class Takes(Detector):
    """A detector whose inference lasts `seconds`: the real one, and waiting for the rest of the time."""

    def __init__(self, model: str | None, seconds: float):
        super().__init__(open_engine(find_model(model), threads=1))
        self.real, self.computed, self.lasted = self.engine.run, 0.0, Durations()

        def run(batch):
            began, used = time.perf_counter(), time.thread_time()
            outputs = self.real(batch)
            self.computed += time.thread_time() - used
            time.sleep(max(0.0, began + seconds - time.perf_counter()))
            self.lasted.add(time.perf_counter() - began)
            return outputs

        self.engine.run = run  # type: ignore[method-assign]


def latency(model: str | None, seconds: float, rounds: int = 1) -> list[Row]:
    """Age of shown frames, ours and the naive loop's; processor time of everything but inference."""
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, age in _latency_once(model, seconds):
            found.setdefault(name, []).append(age)
    return [Row(name, "ms", ages) for name, ages in found.items()]


def _latency_once(model: str | None, seconds: float) -> Iterator[tuple[str, float]]:
    """One table; each loop and model with the age in ms under which 95 of 100 frames are."""
    pictures = there_and_back([Scene(faces=2, seed=4).frame(index).picture for index in range(60)])
    shown = has_display()
    print(f"30 frames/s, 640x480, {seconds:g} s each, {'a window' if shown else 'no window (only drawn)'}")
    print(
        f"{'model':>7}{'loop':>8}{'age 50 %':>11}{'age 95 %':>11}{'bound':>8}{'shown/s':>9}"
        f"{'processor but inference':>25}"
    )
    for milliseconds in (5, 40, 150):
        for loop in (ours, naive):
            detector = Takes(model, milliseconds / 1000)
            detector.detect(pictures[0])
            detector.computed, detector.lasted = 0.0, Durations()
            used, began = processor(), now()
            ages, count = loop(detector, Camera(seconds, pictures), shown)
            used, lasted = processor() - used - detector.computed, now() - began
            bound = 2 / FPS + detector.lasted.percentile(95)
            print(
                f"{milliseconds:>4} ms{loop.__name__:>8}{ages.percentile(50) * 1000:>8.0f} ms"
                f"{ages.percentile(95) * 1000:>8.0f} ms{bound * 1000:>5.0f} ms{count / lasted:>9.1f}"
                f"{used / lasted * 100:>14.1f} % of a core, {used / lasted / (os.cpu_count() or 1) * 100:.1f} %"
            )
            yield f"{loop.__name__}, a model of {milliseconds} ms", ages.percentile(95) * 1000


def ours(detector: Detector, camera: Camera, shown: bool) -> tuple[Durations, int]:
    """The live loop."""
    view = Window("ours") if shown else Drawn()
    try:
        report = LiveLoop(camera, Watcher(detector, FPS), view=view).run()
    finally:
        view.close()
    return report.ages, report.shown


def naive(detector: Detector, camera: Camera, shown: bool) -> tuple[Durations, int]:
    """Read, predict, draw, show: the tutorial's loop, with our detector and our drawing."""
    from facetracker.inference.live.render import Renderer

    view, renderer, ages = Window("naive") if shown else Drawn(), Renderer(detector.classes), Durations()
    for frame in camera:
        view.show(renderer.render(frame.picture, detector.detect(frame.picture), status=["naive"]))
        ages.add(now() - frame.taken)
    view.close()
    return ages, ages.count


class Drawn:
    """A view without a window."""

    closed = False

    def show(self, picture: np.ndarray) -> str | None:
        return None

    def close(self) -> None:
        pass


def film(model: str | None, path: str, rounds: int) -> list[Row]:
    """A film from its file to boxes."""
    console.quiet = True
    best, rates = None, []
    for _ in range(rounds):
        done = detect(model, path, show=Show("none"))
        rate = done.report.frames / done.report.seconds
        rates.append(rate)
        print(f"{path}: {done.report.frames} frames, {rate:.0f} frames/s")
        if best is None or rate > best[0]:
            best = rate, done
    assert best is not None
    print(f"the quickest of {rounds}: {best[0]:.0f} frames/s\n{best[1].stages.table()}")
    return [Row("a film, from its file to boxes", "frames/s", rates)]


def follow(model: str | None, png: str, clips: list[str], frames: int, seeds: int) -> None:
    """Switched numbers, lost faces, jitter and lag."""
    print(f"drawn scenes, {frames} frames of each of {seeds}, against their truth")
    print(f"{'scene':<28}{'faces':>6}{'found %':>9}{'switches':>10}{'of these hidden before':>24}{'lost':>6}")
    detector = Detector.load(model, threads=1)
    for name, options in {
        "5 people": {"faces": 5},
        "8 people": {"faces": 8, "width": 1280, "height": 720},
        "5 people crossing": {"faces": 5, "crossing": True},
        "10 people crossing": {"faces": 10, "crossing": True, "width": 1280, "height": 720},
    }.items():
        total = np.zeros(5, int)
        for seed in range(seeds):
            total += count_switches(detector, Scene(seed=seed, **options), frames)
        faces, found, switches, hidden, lost = total
        print(f"{name:<28}{faces:>6}{found / faces * 100:>9.2f}{switches:>10}{hidden:>24}{lost:>6}")
    for clip in clips:
        count_on_clip(detector, clip)
    draw_steadiness(detector, png)


def count_switches(detector: Detector, scene: Scene, frames: int) -> np.ndarray:
    """(faces, found, switches, switches after the face was hidden, faces missing for longer than 0.3 s)."""
    follower = Follower(detector.threshold, FPS)
    last: dict[int, int] = {}
    hidden_at: dict[int, int] = {}
    missing: dict[int, int] = {}
    faces = found = switches = hidden = lost = 0
    for index in range(frames):
        truth = scene.frame(index)
        height, width = truth.picture.shape[:2]
        seen = detector.detect(truth.picture, follower.low_threshold)
        result = follower.update(seen, index / FPS)
        boxes = to_pixels(truth.boxes, width, height)
        pairs = iou(result.pixels / width, boxes / width) if len(result) else np.zeros((0, len(boxes)))
        clear = {int(who) for who, share in zip(truth.ids, truth.visible, strict=True) if share > 0.7}
        for who in range(scene.faces):
            if who not in clear:
                hidden_at[who] = index
        for column, who in enumerate(truth.ids.tolist()):
            if who not in clear or index < 3:
                continue
            faces += 1
            if len(pairs) and pairs[:, column].max() > 0.35:
                found += 1
                missing[who] = 0
                number = int(result.ids[pairs[:, column].argmax()])
                if last.get(who, number) != number:
                    switches += 1
                    hidden += index - hidden_at.get(who, -999) < FPS * 2
                last[who] = number
            else:
                missing[who] = missing.get(who, 0) + 1
                lost += missing[who] == 10
    return np.array([faces, found, switches, hidden, lost])


def count_on_clip(detector: Detector, clip: str) -> None:
    """A clip of one person: every frame holds one face, so every further number is a switch."""
    from facetracker.capture.source import open_source

    with open_source(clip) as source:
        follower, counts, numbers = Follower(detector.threshold, source.fps), [], set()
        for frame in source:
            result = follower.update(detector.detect(frame.picture, follower.low_threshold), frame.time)
            counts.append(len(result))
            numbers.update(face.id for face in result)
    counts = counts[2:]
    print(
        f"{Path(clip).name}: {len(counts)} frames, one face in {np.mean(np.equal(counts, 1)) * 100:.1f} %, "
        f"numbers given {len(numbers)}"
    )


def draw_steadiness(detector: Detector, png: str) -> None:
    """Jitter on a face that stands still before a noisy camera, lag on one that walks; a plot of both."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    scene = Scene(seed=2, size=0.5, noise=6.0)
    still = scene.frame(0)
    random = np.random.default_rng(0)
    noisy = [
        np.clip(still.picture + random.normal(0, 6, still.picture.shape), 0, 255).astype(np.uint8) for _ in range(300)
    ]
    raw, calm = centres(detector, noisy)
    jitter = np.std(calm[60:], axis=0) / np.std(raw[60:], axis=0)
    print(
        f"a still face: raw centre {np.std(raw[60:], axis=0).round(3)} px (x, y), steadied "
        f"{np.std(calm[60:], axis=0).round(3)} px: {jitter.max():.2f} of it"
    )
    walking = [scene.frame(index) for index in range(300)]
    true = np.array([centre(to_pixels(f.boxes, 640, 480)[0]) for f in walking])
    raw2, calm2 = centres(detector, [frame.picture for frame in walking])
    print(f"a moving face: lag {lag(true, calm2):.2f} frames steadied, {lag(true, raw2):.2f} raw")
    figure, axes = pyplot.subplots(2, 1, figsize=(8, 5), layout="constrained")
    axes[0].plot(raw[:, 0] - raw[60:, 0].mean(), lw=0.8, color="#bbbbbb", label="detector")
    axes[0].plot(calm[:, 0] - raw[60:, 0].mean(), color="#219ebc", label="steadied")
    axes[0].set_title(f"still face: jitter {jitter.max():.2f} of the detector's")
    axes[1].plot(true[:, 0], color="#222222", lw=1, label="truth")
    axes[1].plot(raw2[:, 0], lw=0.8, color="#bbbbbb", label="detector")
    axes[1].plot(calm2[:, 0], color="#219ebc", label="steadied")
    axes[1].set_title(f"moving face: lag {lag(true, calm2):.2f} frames")
    for axis in axes:
        axis.set_ylabel("centre x, px")
        axis.legend()
    axes[1].set_xlabel("frame")
    Path(png).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(png, dpi=120)
    print(png)


def centres(detector: Detector, pictures: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Centres of the best box `(N, 2)` as detected and as steadied."""
    steady, raw, calm = Steady(), [], []
    for index, picture in enumerate(pictures):
        found = detector.detect(picture)
        box = found.pixels[0] if len(found) else np.full(4, np.nan)
        raw.append(centre(box))
        calm.append(centre(steady.update(box[None], [1], index / FPS)[0]) if len(found) else raw[-1])
    return np.array(raw), np.array(calm)


def centre(box: np.ndarray) -> np.ndarray:
    return (box[:2] + box[2:]) / 2


def lag(true: np.ndarray, seen: np.ndarray) -> float:
    """By how many frames `seen` follows `true`, from the error along the direction of movement."""
    speed = np.gradient(true, axis=0)[30:]
    error = (true - seen)[30:]
    error -= error.mean(axis=0)  # a box that is always a little too high does not lag
    return float((speed * error).sum() / (speed**2).sum())


def processor() -> float:
    """Seconds of processor time of this process."""
    return time.process_time()


def there_and_back(pictures: list[np.ndarray]) -> list[np.ndarray]:
    return pictures + pictures[-2:0:-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("latency", "film", "follow", "long"))
    parser.add_argument("--model", help="model file; default: the starter")
    parser.add_argument("--seconds", type=float, default=4.0, help="latency: for each model and loop")
    parser.add_argument("--film", help="film: the file")
    parser.add_argument("--rounds", type=int, default=5, help="latency, film: how often")
    parser.add_argument("--clips", nargs="*", default=[], help="follow: films of one person each")
    parser.add_argument("--png", default="follow.png", help="follow: the plot")
    parser.add_argument("--frames", type=int, help="follow: of each scene (300); long: all, ten hours are 1080000")
    parser.add_argument("--seeds", type=int, default=3, help="follow: scenes of each kind")
    parser.add_argument("--minutes", type=float, default=10.0, help="long: how long, without --frames")
    parser.add_argument("--size", type=int, default=128, help="long: width of the frames, pixels")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    given = parser.parse_args()
    rows: list[Row] = []
    if given.what == "latency":
        rows = latency(given.model, given.seconds, given.rounds)
    elif given.what == "film":
        rows = film(given.model, given.film, given.rounds)
    elif given.what == "follow":
        follow(given.model, given.png, given.clips, given.frames or 300, given.seeds)
    else:
        rows = long(given.model, given.frames, given.minutes, given.size)
    write_rows(given.json, rows)


if __name__ == "__main__":
    main()
