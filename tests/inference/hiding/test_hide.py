"""Films and photos written again with every face hidden, as a person does it: by the command."""

from __future__ import annotations

import csv
import io
import struct
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from fractions import Fraction
from types import SimpleNamespace

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from facetracker.cli.main import main
from facetracker.core.errors import FaceTrackerError
from facetracker.core.faces import Faces
from facetracker.inference.films.film import FilmReader
from facetracker.inference.films.sightings import Looks
from facetracker.inference.hiding.hide import HideAs, hide
from facetracker.scenes import Scene

SCENE = Scene(320, 240, faces=1, seed=4, fps=25)
FRAMES = 30


def write_film(path, frames=FRAMES, *, codec="mpeg4", sound=None, steps=None, scene=SCENE):
    """A film of a drawn face: `steps` are the stamps between its frames, `sound` a codec."""
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "my secret"
        stream = container.add_stream(codec, rate=25, options={"qscale": "2"})
        stream.width, stream.height, stream.pix_fmt = scene.width, scene.height, "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        voice = container.add_stream(sound, rate=8000, layout="mono") if sound else None
        stamp = 0
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(scene.frame(number).picture, format="bgr24")
            frame.pts, frame.time_base = stamp, Fraction(1, 1000)
            stamp += (steps or [40])[number % len(steps or [40])]
            container.mux(stream.encode(frame))
        if voice is not None:
            tone = (8000 * np.sin(np.arange(8000 * frames // 25) / 5)).astype(np.int16)[None]
            for begin in range(0, tone.shape[1] - 1023, 1024):
                chunk = av.AudioFrame.from_ndarray(tone[:, begin : begin + 1024], format="s16", layout="mono")
                chunk.rate, chunk.pts, chunk.time_base = 8000, begin, Fraction(1, 8000)
                container.mux(voice.encode(av.AudioResampler(voice.format, "mono", 8000).resample(chunk)[0]))
            container.mux(voice.encode(None))
        container.mux(stream.encode(None))
    return path


def packets(path, kind):
    with av.open(str(path)) as container:
        stream = next(one for one in container.streams if one.type == kind)
        return [(one.pts * one.time_base, bytes(one)) for one in container.demux(stream) if one.size]


def pictures(path):
    with av.open(str(path)) as container:
        return [(float(frame.time), frame.to_ndarray(format="bgr24")) for frame in container.decode(video=0)]


def eyes(picture, box):
    """The detail inside a box: what is left of eyes, nose and mouth."""
    high, wide = picture.shape[:2]
    x1, y1, x2, y2 = (box * [wide, high, wide, high]).round().astype(int)
    grey = cv2.cvtColor(picture[y1:y2, x1:x2], cv2.COLOR_BGR2GRAY).astype(np.float32)
    return float(np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 4)).mean())


def bare(film, hidden):
    """The frames of the drawn film whose face keeps more than half of its detail."""
    return [
        number
        for number, ((_, before), (_, after)) in enumerate(zip(pictures(film), pictures(hidden), strict=True))
        if eyes(after, SCENE.frame(number).boxes[0]) > 0.5 * eyes(before, SCENE.frame(number).boxes[0])
    ]


def run(*words):
    """The command as a person calls it: its exit code and all that it says."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(said):
        patch.setattr(sys, "argv", ["facetracker", "hide", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            main()
    return SimpleNamespace(exit_code=left.value.code, output=said.getvalue())


@pytest.mark.parametrize(("suffix", "sound"), [(".mp4", "aac"), (".mkv", "pcm_s16le"), (".mkv", "mp3")])
def test_every_frame_is_hidden_and_sound_and_times_stay(tmp_path, suffix, sound):
    film = write_film(tmp_path / f"film{suffix}", sound=sound, steps=[40, 20, 60])
    done = run(film)
    assert done.exit_code == 0, done.output
    hidden = tmp_path / f"film-hidden{suffix}"
    assert bare(film, film) == list(range(FRAMES))
    assert bare(film, hidden) == []
    assert packets(hidden, "audio") == packets(film, "audio")
    assert [at for at, _ in pictures(hidden)] == pytest.approx([at for at, _ in pictures(film)], abs=1e-3)
    with av.open(str(hidden)) as container:
        assert "secret" not in str(container.metadata)
    assert "1 face hidden, in 30 of 30 frames" in done.output


def test_the_rest_of_the_picture_stays(tmp_path):
    film = write_film(tmp_path / "film.mp4")
    hide(film, tmp_path / "out.mp4")
    (_, before), (_, after) = pictures(film)[10], pictures(tmp_path / "out.mp4")[10]
    corner = np.s_[:40, :40]
    assert np.abs(before[corner].astype(int) - after[corner]).mean() < 3


def test_a_person_decides_and_the_film_is_not_looked_through_again(tmp_path):
    film, out, check = write_film(tmp_path / "film.mp4"), tmp_path / "out.mp4", tmp_path / "check"
    assert run(film, "--save", out, "--check", check).exit_code == 0
    rows = list(csv.DictReader((check / "faces.csv").open()))
    assert [(row["number"], row["hide"]) for row in rows] == [("1", "yes")]
    assert cv2.imread(str(check / "faces.jpg")) is not None
    # From 0.4 seconds on this face is not hidden.
    (check / "faces.csv").write_text("number,hide,from,to\n1,yes,0,0.4\n")
    done = run(film, "--save", out, "--except", check / "faces.csv", "--force")
    assert done.exit_code == 0, done.output
    assert "looking" not in done.output
    assert bare(film, out) == list(range(11, FRAMES))
    (check / "faces.csv").write_text("number,hide,from,to\n1,no,0,1.16\n")
    run(film, "--save", out, "--except", check / "faces.csv", "--force")
    assert bare(film, out) == list(range(FRAMES))


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ("number,hide,from,to\n9,no,0,1\n", "line 2 is no answer"),
        ("number,hide,from,to\n1,perhaps,0,1\n", "line 2 is no answer"),
        ("number,hide,from,to\n1,no,2,1\n", "line 2 is no answer"),
        ("x\n1\n", "line 2 is no answer"),
    ],
)
def test_a_wrong_answer_is_one_line(tmp_path, answers, says):
    film, check = write_film(tmp_path / "film.mp4", 8), tmp_path / "check"
    hide(film, tmp_path / "out.mp4", check=check)
    (check / "faces.csv").write_text(answers)
    done = run(film, "--save", tmp_path / "again.mp4", "--except", check / "faces.csv")
    assert done.exit_code == 2
    assert says in done.output
    assert not (tmp_path / "again.mp4").exists()


def test_answers_belong_to_their_film(tmp_path):
    film, other = write_film(tmp_path / "film.mp4", 8), write_film(tmp_path / "other.mp4", 9)
    hide(film, tmp_path / "out.mp4", check=tmp_path / "check")
    with pytest.raises(FaceTrackerError, match="another film"):
        hide(other, tmp_path / "o.mp4", spare=tmp_path / "check" / "faces.csv")


def test_a_killed_run_leaves_nothing_that_plays(tmp_path):
    film, out = write_film(tmp_path / "film.mp4", 120), tmp_path / "out.mp4"
    command = [sys.executable, "-m", "facetracker.cli", "hide", str(film), "--save", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".part-*")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert not out.exists() or bare(film, out) == []
    for part in tmp_path.glob(".part-*"):
        with pytest.raises((OSError, ValueError)), av.open(str(part)) as container:
            next(container.decode(video=0))


def test_sound_that_does_not_fit_is_not_lost_in_silence(tmp_path):
    film = write_film(tmp_path / "film.mkv", 8, sound="pcm_s16le")
    done = run(film, "--save", tmp_path / "out.webm")
    assert done.exit_code == 2
    assert "out.webm: cannot hold the film's sound" in done.output
    assert ".part-" not in done.output
    assert ".mkv" in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["film.mkv"]


def matrix(a, b, c, d):
    """How a film in an mp4 is turned when it is shown: x' = a x + c y, y' = b x + d y."""
    return struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)


@pytest.mark.parametrize(("quarters", "turn"), [(1, (0, 1, -1, 0)), (2, (-1, 0, 0, -1)), (3, (0, -1, 1, 0))])
def test_a_film_that_was_held_upright_stays_upright(tmp_path, quarters, turn):
    film = write_film(tmp_path / "film.mp4", 12)
    lying = tmp_path / "lying.mp4"
    whole, track, rest = film.read_bytes().split(matrix(1, 0, 0, 1))  # one in the film's header, one in the track's
    lying.write_bytes(whole + matrix(1, 0, 0, 1) + track + matrix(*turn) + rest)
    hide(lying, tmp_path / "out.mp4")
    shown = pictures(tmp_path / "out.mp4")
    expected = np.rot90(pictures(film)[5][1], -quarters)  # to the right
    assert shown[5][1].shape == expected.shape
    corner = np.s_[:30, :30]
    assert np.abs(shown[5][1][corner].astype(int) - expected[corner]).mean() < 4
    with FilmReader(tmp_path / "out.mp4") as written:
        next(written.frames())
        assert written.turned == 0


def test_a_photo_loses_its_face_its_place_and_its_preview(tmp_path):
    picture = cv2.cvtColor(SCENE.frame(0).picture, cv2.COLOR_BGR2RGB)
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    exif[0x010F] = "SecretCamera"
    lying = Image.fromarray(np.ascontiguousarray(np.rot90(picture)))
    profile = b"a colour profile"
    lying.save(tmp_path / "photo.jpg", exif=exif, quality=97, icc_profile=profile)
    done = run(tmp_path / "photo.jpg", "--how", "pixelate")
    assert done.exit_code == 0, done.output
    data = (tmp_path / "photo-hidden.jpg").read_bytes()
    assert b"SecretCamera" not in data
    with Image.open(io.BytesIO(data)) as shown:
        assert not shown.getexif()
        assert shown.info["icc_profile"] == profile
    after = cv2.imread(str(tmp_path / "photo-hidden.jpg"))
    assert after.shape == (240, 320, 3)
    assert eyes(after, SCENE.frame(0).boxes[0]) < 0.5 * eyes(SCENE.frame(0).picture, SCENE.frame(0).boxes[0])


def test_a_folder_of_both_goes_on_where_it_was_and_over_what_is_damaged(tmp_path):
    data = tmp_path / "data"
    (data / "more").mkdir(parents=True)
    write_film(data / "film.mp4", 6)
    cv2.imwrite(str(data / "more" / "photo.png"), SCENE.frame(0).picture)
    (data / "bad.jpg").write_bytes(b"no photo")
    (data / "bad.mp4").write_bytes(b"no film")
    done = run(data)
    assert done.exit_code == 3, done.output
    out = tmp_path / "data-hidden"
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*.*")) == ["film.mp4", "more/photo.png"]
    assert "1 photo, 1 film" in done.output
    assert "bad.jpg" in done.output
    assert "bad.mp4" in done.output
    assert "2 there already" in run(data).output
    assert run(data, "--save", data / "inside").exit_code == 2


@pytest.mark.parametrize(
    ("make", "words", "says"),
    [
        (lambda path: None, ["film.mp4"], "no such film, photo or folder"),
        (lambda path: path.write_bytes(b"x"), ["film.mp4"], "is not a film"),
        (write_film, ["film.mp4", "--save", "film.mp4"], "would be overwritten"),
        (write_film, ["film.mp4", "--save", "film.gif"], "cannot be written to"),
        (write_film, ["film.mp4", "--picture", "none.png"], "none.png"),
    ],
)
def test_mistakes_are_one_line(tmp_path, monkeypatch, make, words, says):
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "film.mp4")
    done = run(*words)
    assert done.exit_code == 2
    assert says in done.output
    assert "Traceback" not in done.output


def test_answers_that_a_person_gave_are_not_overwritten(tmp_path):
    film, check = write_film(tmp_path / "film.mp4", 6), tmp_path / "check"
    hide(film, tmp_path / "out.mp4", check=check)
    (check / "faces.csv").write_text("mine")
    done = run(film, "--save", tmp_path / "again.mp4", "--check", check)
    assert done.exit_code == 2
    assert (check / "faces.csv").read_text() == "mine"
    assert not (tmp_path / "again.mp4").exists()


def test_boxes_are_drawn_on_demand_only(tmp_path):
    film = write_film(tmp_path / "film.mp4", 6)
    hide(film, tmp_path / "plain.mp4")
    hide(film, tmp_path / "boxed.mp4", show=HideAs(boxes=True))
    whites = [(pictures(tmp_path / name)[3][1] > 225).all(axis=2).sum() for name in ("plain.mp4", "boxed.mp4")]
    assert whites[1] > whites[0] + 100


def test_a_model_of_one_size_looks_once_a_frame():
    looks = Looks(None, 640)
    assert [len(looks.in_film(np.zeros((480, 640, 3), np.uint8), number)) for number in (0, 1)] == [2, 2]
    called = []
    looks.detectors = [SimpleNamespace(detect=lambda picture, least: called.append(1) or Faces.none(640, 480))]
    looks.in_film(np.zeros((480, 640, 3), np.uint8), 0)
    assert called == [1]
