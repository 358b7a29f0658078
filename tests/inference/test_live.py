"""The live loop: newest frames only, shown in time whatever the model takes; it ends as it should."""

from __future__ import annotations

import json
import threading
import time
from itertools import pairwise

import numpy as np
import pytest
from painted import Painted, still_frames, walk

from facetracker.core.errors import FaceTrackerError
from facetracker.inference.detector import Detector
from facetracker.inference.engines import open_engine
from facetracker.inference.live.live import Inference, LiveLoop
from facetracker.inference.live.loop import Controls
from facetracker.inference.live.views import View
from facetracker.inference.recording.outputs import HardFrames, Outputs
from facetracker.inference.recording.record import JsonLines, VideoRecorder
from facetracker.inference.stages import Durations, Stages
from facetracker.inference.tracking.watch import Watcher


class Eyes(View):
    """A view that remembers what it was shown, and presses keys at given pictures."""

    def __init__(self, keys: dict[int, str] | None = None, shut_at: int | None = None):
        self.pictures: list[np.ndarray] = []
        self.keys, self.shut_at = keys or {}, shut_at

    def show(self, picture):
        self.pictures = [*self.pictures[-200:], picture]
        self.count = getattr(self, "count", 0) + 1
        self.closed = self.shut_at is not None and self.count >= self.shut_at
        return self.keys.get(self.count)

    def close(self):
        self.closed = True


class Slow(Detector):
    """A detector with a model that takes its time (not the processor's: it waits)."""

    def __init__(self, path, seconds: float):
        super().__init__(open_engine(path, 1))
        quick = self.engine.run

        def run(batch):
            time.sleep(seconds)
            return quick(batch)

        self.engine.run = run


def watcher(models, seconds=0.0, fps=30.0, **options):
    return Watcher(Slow(models / "dense.onnx", seconds), fps, **options)


@pytest.mark.parametrize("milliseconds", [5, 40, 150])
def test_what_is_shown_is_never_older_than_two_frames_and_one_look(models, milliseconds):
    for _attempt in range(4):  # test machines are busy at times; what is wrong with the loop is wrong every time
        eyes = Eyes()
        report = LiveLoop(Painted(75), watcher(models, milliseconds / 1000), view=eyes).run()
        # The middle here; benchmarks/realtime.py measures the slowest twentieth.
        in_time = report.ages.percentile(50) <= 2 / 30 + milliseconds / 1000
        smooth = report.shown >= 30  # a slow model does not slow the picture down
        if in_time and smooth and report.frames >= min(30, 1000 / milliseconds):
            break
    else:
        pytest.fail(f"each time late: {report.ages.percentile(50):.3f} s, {report.shown} shown")
    green = [(picture == (0, 255, 0)).all(axis=2).any() for picture in eyes.pictures]
    assert all(green)


def error_of(faces, index: int) -> float:
    """How many pixels the surest box is from where the square is in that frame."""
    box = faces.pixels[faces.scores.argmax()]
    return abs((box[0] + box[2]) / 2 - walk(index)[0])


def test_boxes_are_moved_on_to_where_the_face_is_by_now(models):
    """In the film's own time: a look takes three frames, and is shown for three more."""
    frames = list(still_frames(90))
    looking = Watcher(Detector.load(models / "dense.onnx", threads=1), 30.0)
    moved, left = [], []
    for frame in frames[3:]:
        if frame.index % 3 == 0:
            seen = looking.look(frames[frame.index - 3])
        if frame.index > 40:
            moved.append(error_of(looking.predict(frame.time), frame.index))
            left.append(error_of(seen.faces, frame.index))
    assert np.median(left) > 18
    assert np.median(moved) < 12  # it is found in steps of 8


def test_a_slow_model_s_boxes_are_shown_moved_on(models):
    """In real time: nearer than the last look left them, however long a busy machine takes for a look."""
    loop = LiveLoop(Painted(90), watcher(models, 0.25), view=Eyes())
    moved, left = [], []
    present = loop._present

    def check(frame, faces):
        if frame.index > 30 and len(faces) and loop._last_seen is not None and len(loop._last_seen.faces):
            moved.append(error_of(faces, frame.index))
            left.append(error_of(loop._last_seen.faces, frame.index))
        present(frame, faces)

    loop._present = check
    loop.run()
    assert len(moved) > 15
    assert np.median(moved) < 0.8 * np.median(left)


def test_every_result_is_written_and_the_recording_keeps_time(models, tmp_path):
    outputs = Outputs(
        recorder=VideoRecorder(tmp_path / "out.mp4", 30, live=True), lines=JsonLines(tmp_path / "out.jsonl")
    )
    report = LiveLoop(Painted(60), watcher(models, 0.02), outputs=outputs).run()
    outputs.close()
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert len(rows) == report.frames >= 40
    assert all(a["time"] < b["time"] for a, b in pairwise(rows))
    assert rows[-1]["ids"][0] == 1
    assert rows[-1]["classes"][0] == "face"
    assert len(rows[-1]["boxes"][0]) == 4
    assert outputs.recorder.frames >= 30


def test_a_camera_that_is_pulled_out_is_an_error_and_everything_is_closed(models, tmp_path):
    source = Painted(1000, fails_after=20)
    outputs = Outputs(lines=JsonLines(tmp_path / "out.jsonl"))
    threads = threading.active_count()
    loop = LiveLoop(source, watcher(models), outputs=outputs)
    with pytest.raises(FaceTrackerError, match="plugged in"):
        loop.run()
    outputs.close()
    assert source.closed
    assert 10 <= len((tmp_path / "out.jsonl").read_text().splitlines()) <= 20
    time.sleep(0.1)
    assert threading.active_count() <= threads


def test_a_source_that_stalls_is_reported_on_the_picture_and_goes_on(models):
    eyes = Eyes()
    report = LiveLoop(Painted(75, stalls=(15, 1.6)), watcher(models), view=eyes).run()
    assert report.frames > 20
    corner = [picture[:40, :140].astype(int) for picture in eyes.pictures]
    changed = [np.abs(a - b).sum() for a, b in pairwise(corner)]
    assert max(changed) > 0  # the note comes and goes
    assert eyes.count > report.shown  # the window lived on meanwhile


def test_a_silent_source_ends_at_its_stop(models):
    source = Painted(10**6, stalls=(10, 2.0))
    source.stop = 0.5
    began = time.monotonic()
    LiveLoop(source, watcher(models), view=Eyes()).run()
    assert time.monotonic() - began < 8


def test_keys_do_what_they_say(models, tmp_path):
    eyes = Eyes({3: "h", 5: "m", 7: "b", 9: "s", 11: "space", 40: "space", 60: "q"})
    controls = Controls()
    loop = LiveLoop(
        Painted(10**6),
        watcher(models),
        view=eyes,
        controls=controls,
        saved=HardFrames(tmp_path, session="20261121-120000-keys"),
    )
    report = loop.run()
    assert (controls.help, controls.mirror, controls.blur, controls.paused, controls.quit) == (
        True,
        True,
        True,
        False,
        True,
    )
    assert [path.name for path in tmp_path.iterdir()] == ["20261121-120000-keys_00001.jpg"]
    assert eyes.count - report.shown >= 25  # while paused the last picture is shown again
    paused = eyes.pictures[15:35]
    assert all((picture[60:] == paused[0][60:]).all() for picture in paused)


def test_a_window_that_is_shut_ends_it(models):
    report = LiveLoop(Painted(10**6), watcher(models), view=Eyes(shut_at=5)).run()
    assert 0 < report.shown <= 5  # a slow start shows a waiting picture first


def test_detecting_every_third_frame_follows_in_between(models):
    stages = Stages()
    report = LiveLoop(Painted(60), watcher(models, every=3, stages=stages)).run()
    assert stages.durations["infer"].count == pytest.approx(report.frames / 3, abs=1.5)
    assert report.faces >= 1


def test_wrong_wishes_are_refused(models):
    with pytest.raises(FaceTrackerError, match="every"):
        watcher(models, every=0)
    with pytest.raises(FaceTrackerError, match="following"):
        watcher(models, every=2, follow=False)


def test_an_error_of_the_model_reaches_the_one_who_waits(models):
    broken = watcher(models)
    broken.detector.engine.run = lambda batch: 1 / 0
    with pytest.raises(ZeroDivisionError):
        LiveLoop(Painted(30), broken).run()


def test_inference_replaces_a_frame_that_waits(models):
    frames = list(Painted(6, fps=1000))
    with Inference(watcher(models, 0.05)) as inference:
        for frame in frames:
            inference.offer(frame)
        time.sleep(0.3)
        seen = [one.frame.index for one in inference.finished()]
    assert len(seen) <= 2
    assert seen[-1] == frames[-1].index


def test_durations_are_measured_in_constant_memory():
    durations = Durations()
    for value in range(1000):
        durations.add(value / 1000)
    durations.add(99.0)
    assert durations.percentile(50) == pytest.approx(0.5, abs=0.002)
    assert durations.percentile(95) == pytest.approx(0.95, abs=0.002)
    assert durations.mean == pytest.approx((499.5 + 99) / 1001, abs=0.001)
    assert Durations().percentile(50) == Durations().mean == 0
    stages = Stages()
    with stages.timed("look"):
        pass
    assert "look" in stages.table()
