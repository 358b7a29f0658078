"""Films and lists that are damaged: refused in one line, or hidden as far as they go; never a traceback."""

from __future__ import annotations

import json

import av
import numpy as np
import pytest

from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.photo import encode_png
from facetracker.inference.films.film import FilmReader
from facetracker.inference.hiding.check import HidingPlan, read_plan
from facetracker.inference.hiding.hide import HideAs
from facetracker.inference.hiding.tracks import FilmTrack
from facetracker.inference.recording.record import VideoRecorder

FAULTS = [av.error.EOFError, av.error.DecoderNotFoundError, av.error.PatchWelcomeError, av.error.InvalidDataError]


@pytest.fixture
def film(tmp_path):
    recorder = VideoRecorder(tmp_path / "film.mp4", 10)
    for number in range(8):
        recorder.write(np.full((48, 64, 3), number * 20, np.uint8), number / 10)
    recorder.close()
    return tmp_path / "film.mp4"


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_opening_says_is_one_line(film, monkeypatch, fault):
    def fails(*words, **options):
        raise fault(1, "damaged")

    monkeypatch.setattr(av, "open", fails)
    with pytest.raises(BadFile, match="not a film that can be read"):
        FilmReader(film)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_film_that_breaks_off_is_read_as_far_as_it_goes(film, monkeypatch, capsys, fault):
    reader = FilmReader(film)
    packets = list(reader.container.demux(reader.stream))

    def breaks_off(streams):
        yield from packets[:5]
        raise fault(1, "damaged")

    monkeypatch.setattr(reader, "container", type("Cut", (), {"demux": staticmethod(breaks_off)})())
    assert 1 <= len(list(reader.frames())) <= 5
    assert "breaks off" in capsys.readouterr().err


def test_a_film_that_was_not_copied_whole_says_so(tmp_path, capsys):
    path = tmp_path / "film.mkv"
    recorder = VideoRecorder(path, 10)
    rng = np.random.default_rng(0)
    for number in range(40):
        recorder.write(rng.integers(0, 255, (48, 64, 3), np.uint8), number / 10)
    recorder.close()
    with FilmReader(path) as whole:
        assert len(list(whole.frames())) == 40
    assert "ends after" not in capsys.readouterr().err
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with FilmReader(path) as cut:
        assert 5 < len(list(cut.frames())) < 30
    assert "the rest cannot be read" in capsys.readouterr().err


@pytest.fixture
def plan(tmp_path):
    """A plan of one face, written beside the film that it tells of."""
    film = tmp_path / "film.mp4"
    film.write_bytes(b"a film")
    track = FilmTrack(1, 2, np.tile([[10.0, 10.0, 50.0, 60.0]], (5, 1)), np.full(5, 0.9))
    HidingPlan([track], list(range(10)), [number / 10 for number in range(10)], (160, 120)).write(tmp_path, film)
    return tmp_path


def test_the_plan_is_read_as_it_was_written(plan):
    read = read_plan(plan / "faces.csv", plan / "film.mp4")
    assert (read.tracks[0].first, read.tracks[0].last, read.size) == (2, 6, (160, 120))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("times", ["a"] * 10),
        ("times", [1e999] * 10),
        ("size", [10**400, 1e999]),
        ("size", [1]),
        ("stamps", [1e999] * 10),
        ("stamps", [None] * 10),
        ("faces", [{"number": 1e999}]),
        ("faces", {}),
        ("faces", [None]),
    ],
)
def test_numbers_that_are_none_are_refused(plan, key, value):
    record = json.loads((plan / "faces.json").read_text())
    (plan / "faces.json").write_text(json.dumps({**record, key: value}))
    if key == "faces" and value == {}:
        (plan / "faces.csv").write_text("number,hide,from,to\n")
        assert read_plan(plan / "faces.csv", plan / "film.mp4").tracks == []
        return
    with pytest.raises(FaceTrackerError, match=r"faces\.json: is no record"):
        read_plan(plan / "faces.csv", plan / "film.mp4")


@pytest.mark.parametrize("box", [[float("nan"), 0, 1, 1], [float("inf"), 0, 1, 1]])
def test_a_box_that_is_nowhere_is_refused(plan, box):
    record = json.loads((plan / "faces.json").read_text())
    record["faces"][0]["boxes"][0] = box
    (plan / "faces.json").write_text(json.dumps(record))
    with pytest.raises(FaceTrackerError, match="finite"):
        read_plan(plan / "faces.csv", plan / "film.mp4")


@pytest.mark.parametrize("row", ["1,yes,-inf,inf", "1,no,nan,1", "1,yes,2,1", "1,maybe,0,1", "2,yes,0,1", "1,yes,0"])
def test_an_answer_that_is_none_is_refused_with_its_line(plan, row):
    (plan / "faces.csv").write_text(f"number,hide,from,to\n{row}\n")
    with pytest.raises(BadFile, match="line 2 is no answer"):
        read_plan(plan / "faces.csv", plan / "film.mp4")


@pytest.mark.parametrize("kind", ["empty", "grey", "deep", "garbage", "huge"])
def test_a_picture_that_cannot_be_laid_over_a_face_is_refused(tmp_path, kind):
    content = {
        "empty": b"",
        "grey": encode_png(np.zeros((8, 8), np.uint8)),
        "deep": encode_png(np.zeros((8, 8, 3), np.uint16)),
        "garbage": b"\x89PNG\r\n\x1a\n" + bytes(50),
        "huge": encode_png(np.zeros((8, 8, 3), np.uint8)).replace(
            (8).to_bytes(4, "big") * 2, (60_000).to_bytes(4, "big") * 2, 1
        ),
    }[kind]
    (tmp_path / "over.png").write_bytes(content)
    with pytest.raises(FaceTrackerError, match=r"over\.png: "):
        HideAs("picture", tmp_path / "over.png").cover()


@pytest.mark.parametrize("channels", [3, 4])
def test_a_picture_is_taken_with_and_without_transparency(tmp_path, channels):
    (tmp_path / "over.png").write_bytes(encode_png(np.full((8, 8, channels), 90, np.uint8)))
    HideAs("picture", tmp_path / "over.png").cover()
