"""HEIC, AVIF, GIF and JPEG 2000: read upright, their first frame; damaged or huge ones are refused in one line."""

from __future__ import annotations

import io
import re
import sys

import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from facetracker.capture.source import open_source
from facetracker.cli.main import app
from facetracker.core.errors import BadFile
from facetracker.core.other_formats import HEIC, PILLOW, kind_of, passed_over
from facetracker.core.photo import decode_picture, encode_jpeg, read_picture
from facetracker.labels.pairing import no_photos
from facetracker.scenes import Scene

FORMATS = {".gif": "GIF", ".avif": "AVIF", ".jp2": "JPEG2000", ".heic": "HEIF"}


@pytest.fixture(scope="module")
def scene():
    return Scene(320, 240, seed=3).frame(0).picture


def encoded(picture, suffix, **options):
    """The BGR picture in one of the formats."""
    if suffix == ".heic":
        pytest.importorskip("pillow_heif").register_heif_opener()
    file = io.BytesIO()
    Image.fromarray(picture[..., ::-1]).save(file, FORMATS[suffix], **options)
    return file.getvalue()


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_photo_is_what_it_was(scene, suffix):
    data = encoded(scene, suffix)
    assert kind_of(data) == (HEIC if suffix == ".heic" else PILLOW)
    read = decode_picture(data)
    assert (read.shape, read.dtype) == (scene.shape, np.uint8)
    assert np.abs(read.astype(int) - scene).mean() < 12  # a GIF has 256 colours


def test_it_stands_upright(scene):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn clockwise
    read = decode_picture(encoded(scene, ".avif", exif=exif))
    assert np.abs(read.astype(int) - cv2.rotate(scene, cv2.ROTATE_90_CLOCKWISE)).mean() < 12


def test_of_a_moving_gif_the_first_frame_counts(scene):
    file = io.BytesIO()
    frames = [Image.fromarray(frame[..., ::-1]) for frame in (scene, scene[::-1], scene[:, ::-1])]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    assert np.abs(decode_picture(file.getvalue()).astype(int) - scene).mean() < 12


def test_formats_of_opencv_are_left_to_it(scene):
    assert kind_of(encode_jpeg(scene)) is None
    assert kind_of(b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2") is None  # a film
    assert kind_of(b"") is None


@pytest.mark.parametrize("suffix", FORMATS)
def test_damage_is_one_line(scene, suffix):
    data = encoded(scene, suffix)
    for cut in (20, 60):
        with pytest.raises(BadFile, match=r"^a\.x: .*readable picture.*$"):
            decode_picture(data[:cut], "a.x")


def test_a_small_file_that_claims_to_be_huge_is_refused(scene):
    data = bytearray(encoded(scene, ".gif"))
    data[6:10] = (60000).to_bytes(2, "little") * 2
    with pytest.raises(BadFile, match="is too large"):
        decode_picture(bytes(data))


def test_without_the_extra_a_heic_says_how_to_get_it(scene, monkeypatch):
    data = encoded(scene, ".heic")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(BadFile, match=r"is HEIC, as iPhones take them.*pip install .*\[heic\]"):
        decode_picture(data)


def test_a_folder_of_them_says_what_comes_first(scene, tmp_path, monkeypatch):
    (tmp_path / "IMG_1.HEIC").write_bytes(encoded(scene, ".heic"))
    assert str(no_photos(tmp_path)).count("pip install") == 0
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for told in (str(no_photos(tmp_path)), passed_over(tmp_path, ()).rows[0][1]):
        assert re.search(r"pip install .*\[heic\].*, then facetracker collect --source", told)


def test_a_folder_of_them_is_a_source_and_is_collected_as_jpeg(scene, tmp_path):
    for suffix in (".gif", ".avif", ".jp2"):
        (tmp_path / f"photo{suffix[1:]}{suffix}").write_bytes(encoded(scene, suffix))
    assert [frame.picture.shape for frame in open_source(tmp_path)] == [scene.shape] * 3
    words = ["collect", "--source", tmp_path, "--folder", tmp_path / "data/images", "--keep-similar", "--every", 0]
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    assert len(list((tmp_path / "data/images").glob("*.jpg"))) == 3
    assert read_picture(next((tmp_path / "data/images").glob("*.jpg"))).shape == scene.shape


def test_a_folder_of_nothing_else_says_how_to_label_them(scene, tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "IMG_1.HEIC").write_bytes(encoded(scene, ".heic"))
    told = str(no_photos(tmp_path))
    assert "holds only photos that labelme cannot open (HEIC)" in told
    assert f"facetracker collect --source {tmp_path}/images" in told
    assert "holds no photos" in str(no_photos(tmp_path / "labels"))
