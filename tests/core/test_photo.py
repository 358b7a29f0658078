import time

import cv2
import numpy as np
import pytest

from facetracker.core import photo as pictures
from facetracker.core.errors import BadFile


@pytest.fixture
def photo():
    across = np.linspace(0, 255, 64).astype(np.uint8)
    return np.dstack([np.tile(across, (48, 1)), np.full((48, 64), 90), np.tile(across[::-1], (48, 1))]).astype(np.uint8)


def test_jpeg_round_trip_keeps_the_picture(tmp_path, photo):
    path = pictures.write_jpeg(tmp_path / "a.jpg", photo)
    assert np.abs(pictures.read_picture(path).astype(int) - photo).mean() < 3


def test_png_round_trip_is_exact(tmp_path, photo):
    np.testing.assert_array_equal(pictures.read_picture(pictures.write_png(tmp_path / "a.png", photo)), photo)


def test_grey_files_come_as_three_channels(tmp_path, photo):
    path = pictures.write_png(tmp_path / "a.png", photo[..., 0])
    assert pictures.read_picture(path).shape == (48, 64, 3)


def test_exif_orientation_is_applied(tmp_path, photo):
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side: turn right to see it upright
    Image.fromarray(photo[..., ::-1]).save(tmp_path / "a.jpg", exif=exif, quality=95)
    upright = pictures.read_picture(tmp_path / "a.jpg")
    assert upright.shape == (64, 48, 3)
    assert np.abs(upright.astype(int) - cv2.rotate(photo, cv2.ROTATE_90_CLOCKWISE)).mean() < 4


def test_written_jpegs_carry_no_exif(photo):
    assert b"Exif" not in pictures.encode_jpeg(photo)


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda data: b"", "is empty"),
        (lambda data: data[: len(data) // 2], "is truncated"),
        (lambda data: b"not a picture at all", "is not a readable picture"),
        (lambda data: data[:2] + bytes(len(data) - 4) + data[-2:], "is not a readable picture"),
    ],
)
def test_damaged_pictures_are_refused_by_name(tmp_path, photo, damage, fault):
    path = tmp_path / "a.jpg"
    path.write_bytes(damage(pictures.encode_jpeg(photo)))
    with pytest.raises(BadFile, match=rf"a\.jpg: {fault}"):
        pictures.read_picture(path)


def test_a_truncated_png_is_refused(tmp_path, photo):
    path = pictures.write_png(tmp_path / "a.png", photo)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BadFile, match="is truncated"):
        pictures.read_picture(path)


def test_missing_files_and_huge_pictures_are_named(tmp_path, photo, monkeypatch):
    with pytest.raises(BadFile, match="cannot be read"):
        pictures.read_picture(tmp_path / "a.jpg")
    monkeypatch.setattr(pictures, "MAX_PIXELS", 100)
    with pytest.raises(BadFile, match="too large"):
        pictures.decode_picture(pictures.encode_jpeg(photo))


def test_a_header_that_claims_a_giant_is_refused_before_decoding(photo):
    """OpenCV would spend a minute and 5 GB on these few bytes."""
    giant = (30_000).to_bytes(2) * 2
    jpeg = bytearray(pictures.encode_jpeg(photo))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = giant
    padded = jpeg[:2] + b"\xff\x01\0\0\xff" + jpeg[2:]  # a marker without a length, stray bytes, a filler
    png = bytearray(cv2.imencode(".png", photo)[1].tobytes())
    png[16:24] = (30_000).to_bytes(4) * 2
    started = time.process_time()
    for data, fault in ((jpeg, "too large"), (padded, "header"), (png, "too large")):
        with pytest.raises(BadFile, match=fault):
            pictures.decode_picture(bytes(data))
    assert time.process_time() - started < 1


def test_headers_that_lead_nowhere_do_not_hang(photo):
    jpeg = pictures.encode_jpeg(photo)
    for data in (
        b"\xff\xd8" + b"\0" * 50 + b"\xff\xd9",
        jpeg[:2] + b"\xff\xd0" * 500 + jpeg[2:],
        b"\xff\xd8" + b"\xff" * 90,
    ):
        assert pictures._stated_pixels(data) in (None, photo.shape[0] * photo.shape[1])


def test_a_png_whose_chunk_claims_gigabytes_is_refused_before_decoding(photo):
    png = bytearray(cv2.imencode(".png", photo)[1].tobytes())
    data = png.index(b"IDAT")
    png[data - 4 : data] = b"\x7f\xff\xff\xff"
    started = time.process_time()
    with pytest.raises(BadFile, match="truncated"):
        pictures.decode_picture(bytes(png))
    assert time.process_time() - started < 1


def test_the_header_of_a_jpeg_is_read_without_its_pixels(photo):
    height, width = photo.shape[:2]
    for settings in ([], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]):
        jpeg = cv2.imencode(".jpg", photo, settings)[1].tobytes()
        assert pictures.jpeg_header(jpeg[:1000]) == (width, height, 3)
    grey = cv2.imencode(".jpg", photo[..., 0])[1].tobytes()
    assert pictures.jpeg_header(grey) == (width, height, 1)
    for data in (b"", b"nothing", b"\xff\xd8\xff\xe0", cv2.imencode(".png", photo)[1].tobytes()):
        assert pictures.jpeg_header(data) is None
