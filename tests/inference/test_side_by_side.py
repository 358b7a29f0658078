"""Several sources in one process: fair, in order, undisturbed by each other, and shown as tiles."""

from __future__ import annotations

import threading
import time
from itertools import pairwise

import numpy as np
import pytest
from painted import Painted, frame_with, walk

from facetracker.capture.frames import Frame, Source, now
from facetracker.inference.detector import Detector
from facetracker.inference.live import side_by_side
from facetracker.inference.live.loop import Controls
from facetracker.inference.live.side_by_side import OneOfSeveral, SideBySide
from facetracker.inference.live.tiles import mosaic
from facetracker.inference.live.views import View
from facetracker.inference.recording.outputs import HardFrames, Outputs
from facetracker.inference.several import Detectors
from facetracker.inference.tracking.watch import Watcher

pytestmark = pytest.mark.slow


class Film(Source):
    """A film of painted frames, there whenever they are asked for."""

    fps, width, height = 30.0, 320, 240

    def __init__(self, count: int, name: str = "film"):
        self.count, self.name, self._index = count, name, -1

    def _next(self):
        self._index += 1
        return self._index / self.fps if self._index < self.count else None

    def _frame(self):
        return Frame(frame_with(walk(self._index)), self._index, self._index / self.fps, now())

    def close(self):
        pass


class Notes(Outputs):
    """Remembers what it was given, and in which order among all sources."""

    def __init__(self, name: str, turns: list[str]):
        super().__init__()
        self.name, self.turns, self.frames, self.losses = name, turns, [], 0

    def __bool__(self):
        return True

    def take(self, seen):
        self.turns.append(self.name)
        self.frames.append(seen.frame.index)

    def lost(self):
        self.losses += 1


class Eyes(View):
    """Remembers pictures, presses keys at given ones."""

    def __init__(self, keys=None):
        self.pictures, self.keys = [], keys or {}

    def show(self, picture):
        self.pictures.append(picture)
        return self.keys.get(len(self.pictures))

    def close(self):
        self.closed = True


@pytest.fixture
def side(models):
    """Puts sources side by side: `side(sources, lookers, seconds of a look)`; the run, and the outputs by name."""

    def make(sources, lookers=1, seconds=0.0, view=None, stop=None, saved=None):
        def load():
            detector = Detector.load(models / "dense.onnx", threads=1)
            quick = detector.engine.run
            detector.engine.run = lambda batch: time.sleep(seconds) or quick(batch)
            return detector

        finder, news, controls, turns = Detectors(load, lookers), threading.Condition(), Controls(), []
        places = []
        for number, source in enumerate(sources):
            notes = Notes(str(number), turns)
            watcher = Watcher(finder, source.fps)
            places.append(
                OneOfSeveral(str(number), source, watcher, news, controls=controls, outputs=notes, saved=saved)
            )
        return SideBySide(places, news, lookers, controls=controls, view=view, stop=stop), turns

    return make


def test_no_source_starves_and_none_is_old_though_there_is_more_than_can_be_looked_at(side):
    """Six cameras of 30 frames a second and a film, 25 looks a second: each gets its seventh."""
    run, turns = side([*(Painted(90) for _ in range(6)), Film(10**6)], seconds=0.04, stop=3.0)
    run.places[-1].source.stop = 0.5  # of the film's own time
    run.run()
    counts = [len(place.outputs.frames) for place in run.places[:6]]
    assert min(counts) >= 5
    assert max(counts) - min(counts) <= 2
    both = turns[: 2 + max(at for at, name in enumerate(turns) if name == "6")]
    gaps = [b - a for name in "0123456" for a, b in pairwise([at for at, one in enumerate(both) if one == name])]
    assert np.median(gaps) == 7  # in turn
    assert max(gaps) <= 14
    for place in run.places[:6]:  # at most a frame's time old when its turn comes, then one look
        assert place.report.ages.percentile(50) < 1 / 30 + 2 * 0.04 + 0.1


def test_of_a_film_every_frame_counts_and_every_source_is_in_order(side):
    run, _ = side([Film(60), Painted(45), Film(40)], lookers=3)
    run.run()
    film, camera, other = (place.outputs.frames for place in run.places)
    assert film == list(range(60))
    assert other == list(range(40))
    assert camera == sorted(set(camera))
    assert len(camera) > 10
    assert run.seconds > 0


def test_a_source_that_fails_does_not_disturb_the_others(side, capsys):
    run, _ = side([Painted(10**6, fails_after=10), Painted(60)], lookers=2)
    run.run()
    assert "plugged in" in str(run.places[0].failed)
    assert run.places[1].failed is None
    assert run.places[1].outputs.frames[-1] > 50
    assert "no pictures any more" in capsys.readouterr().err
    assert all(place.source.closed for place in run.places)


def test_an_error_of_the_model_ends_all_of_it(side):
    threads = threading.active_count()
    run, _ = side([Painted(10**6), Film(10**6)], lookers=2)
    run.places[0].watcher.look = lambda frame: 1 / 0
    with pytest.raises(ZeroDivisionError):
        run.run()
    assert threading.active_count() <= threads
    assert run.places[0].source.closed


def test_what_is_silent_is_told_once_and_ends_at_its_stop(side, monkeypatch):
    monkeypatch.setattr(side_by_side, "LOST", 0.4)
    source = Painted(10**6, stalls=(10, 1.5))
    run, _ = side([source, Painted(10**6)], stop=1.0)
    source.stop = 1.0
    began = time.monotonic()
    run.run()
    assert time.monotonic() - began < 8
    assert [place.outputs.losses for place in run.places] == [1, 0]


def test_tiles_show_every_source_and_keys_are_for_all(side, tmp_path):
    eyes = Eyes({3: "h", 5: "h", 6: "s", 8: "space", 20: "space", 30: "q"})
    run, _ = side([Painted(10**6), Film(10**6), Painted(3)], view=eyes, saved=HardFrames(tmp_path, session="s"))
    run.run()
    assert len(eyes.pictures) == 30
    assert eyes.pictures[0].shape == (960, 1280, 3)
    last = eyes.pictures[-1]
    for top, left in ((0, 0), (0, 640), (480, 0)):  # the green square of each, twice as large
        assert (last[top : top + 480, left : left + 640] == (0, 255, 0)).all(axis=2).sum() > 5000
    assert (last[480:, 640:] == 40).all()  # three sources, four tiles
    assert np.abs(eyes.pictures[3].astype(int) - eyes.pictures[5]).sum() > 0  # help, over the middle
    assert (eyes.pictures[15][60:480] == eyes.pictures[17][60:480]).all()  # paused
    assert len(list(tmp_path.iterdir())) == 3


def test_a_tile_that_waits_and_many_tiles():
    class One:
        def tile(self, width, height):
            return np.full((height, width, 3), 200, np.uint8)

    assert mosaic([One()] * 64).shape == (8 * 120, 1280, 3)
    assert mosaic([One()] * 2).shape == (480, 1280, 3)
    assert (mosaic([One()] * 64) == 200).all()
