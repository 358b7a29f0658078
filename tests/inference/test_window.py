"""The real window: a person looks at it, presses its keys, and shuts it."""

from __future__ import annotations

import time

import av
import numpy as np
import pytest
from desktop import Person, needs_display, opened_screen
from painted import film

from facetracker.inference.draw import FACE

pytestmark = needs_display
BOX = tuple(int(FACE[i : i + 2], 16) for i in (5, 3, 1))


@pytest.fixture
def screen(tmp_path_factory):
    with opened_screen(tmp_path_factory.mktemp("screen")) as screen:
        yield screen


@pytest.fixture
def person(screen, models, tmp_path):
    """Watches a film of a green square that walks to the right; it is much longer than the test."""
    path = endless(film(tmp_path / "short.avi", 96), tmp_path / "film.avi")
    person = Person(
        screen, "facetracker: ", "detect", str(models / "dense.onnx"), "--source", str(path), folder=tmp_path
    )
    yield person
    person.program.kill()
    person.program.communicate()


def endless(source, target, times=200):
    """The film over and over, without encoding it again."""
    with av.open(str(target), "w") as film:
        last = 0
        stream = None
        for _ in range(times):
            with av.open(str(source)) as once:
                stream = stream or film.add_stream_from_template(once.streams.video[0])
                for packet in once.demux(video=0):
                    if packet.size:
                        packet.stream, packet.pts, packet.dts, last = stream, last, last, last + 1
                        film.mux(packet)
    return target


def boxed(picture):
    """How many pixels have the colour of the boxes."""
    return int((np.abs(picture.astype(int) - BOX) <= 3).all(axis=2).sum())


def green(picture):
    """How many pixels are as green as the square."""
    return int((np.abs(picture.astype(int) - (0, 255, 0)).max(axis=2) < 40).sum())


def stands_still(person, picture) -> bool:
    """Whether the window shows this picture and no other for two seconds: a busy machine may take one for a frame."""
    return all(time.sleep(0.4) is None and (person.look() == picture).all() for _ in range(5))


def test_boxes_are_drawn_and_keys_work(person, tmp_path):
    shown = person.sees(lambda picture: boxed(picture) > 150 and green(picture) > 1000)
    assert shown.shape == (240, 320, 3)

    person.press("h")
    person.sees(lambda picture: np.median(picture[90:150, 75:245]) < 45)  # the shade on a grey of 60
    person.press("h")

    person.press("b")
    person.sees(lambda picture: boxed(picture) > 150 and green(picture) == 0)
    person.press("b")
    person.sees(lambda picture: green(picture) > 1000)

    person.press("space")
    before = person.sees(lambda picture: stands_still(person, picture))
    person.press("m")
    mirrored = person.sees(lambda picture: (picture != before).any() and stands_still(person, picture))
    square = [np.flatnonzero(np.abs(p[120].astype(int) - (0, 255, 0)).max(axis=1) < 40) for p in (before, mirrored)]
    assert 320 - square[1].mean() == pytest.approx(square[0].mean(), abs=6)
    person.press("space")
    person.sees(lambda picture: (picture[60:] != mirrored[60:]).any())

    person.press("s")
    end = time.monotonic() + 30
    while not list(tmp_path.glob("data/images/*.jpg")) and time.monotonic() < end:
        time.sleep(0.05)
    assert len(list(tmp_path.glob("data/images/*.jpg"))) == 1

    person.press("q")
    code, out, err = person.ended()
    assert code == 0, err
    assert "frames in" in out
    assert "Traceback" not in err


def test_a_window_that_is_shut_ends_it_cleanly(person):
    person.sees(lambda picture: boxed(picture) > 150)
    person.shut_window()
    code, out, err = person.ended()
    assert code == 0, err
    assert "frames in" in out


def test_escape_ends_it(person):
    person.sees(lambda picture: boxed(picture) > 150)
    person.press("Escape")
    assert person.ended()[0] == 0
