"""Thousands of damaged label files and pictures: no traceback, no hang, no wrong box, every reject named.

A reduced number runs in the suite. `FACETRACKER_DAMAGED=10000` runs as many label files and a fifth as many
pictures (2,000), the numbers that are promised.
"""

from __future__ import annotations

import json
import math
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from damage import HEIGHT, WIDTH, damaged_label, damaged_picture, sound_label, sound_pictures
from hypothesis import given, settings
from hypothesis import strategies as st
from photo_set import PhotoSet

from facetracker.core.boxes import to_pixels
from facetracker.core.errors import BadFile
from facetracker.core.example import Example
from facetracker.core.photo import read_picture
from facetracker.labels.audit.audit import audit
from facetracker.labels.audit.checks import KINDS, label_findings
from facetracker.labels.audit.fixes import fixed_content
from facetracker.labels.labelme import find_photo, read_content, read_labels, write_content, write_labels

LABEL_FILES = int(os.environ.get("FACETRACKER_DAMAGED", "500"))
PICTURES = LABEL_FILES // 5
LONGEST = 0.5  # seconds of processor time that one file may take; a chunk or header that lies used to cost minutes


def expected_boxes(content) -> list[list[float]]:
    """The boxes of an accepted file in pixels, worked out again and as plainly as can be."""
    found = []
    for shape in content["shapes"]:
        kind, points = shape.get("shape_type"), shape.get("points")
        if kind in ("point", "points", "line", "linestrip"):
            continue
        if kind == "circle":
            (a, b), (c, d) = points
            radius = math.sqrt((a - c) ** 2 + (b - d) ** 2)
            points = [[a - radius, b - radius], [a + radius, b + radius]]
        xs, ys = sorted(point[0] for point in points), sorted(point[1] for point in points)
        found.append([max(xs[0], 0), max(ys[0], 0), min(xs[-1], WIDTH), min(ys[-1], HEIGHT)])
    return found


def refusal(read: Callable[..., Any], *arguments: Any, **named: Any) -> tuple[Any, BadFile | None]:
    """What a reader gives, or its refusal; any other error is a failure of the test."""
    try:
        return read(*arguments, **named), None
    except BadFile as error:
        return None, error


def check_label(path: Path, photo: Path) -> str:
    """Read, audit, fix and rewrite one label file; `read` or `refused`."""
    sample, error = refusal(read_labels, path, photo, size=(WIDTH, HEIGHT))
    if error is not None:
        assert error.path in (path, photo)
        assert error.fault.strip()
        assert "\n" not in str(error)
        str(error).encode("utf-8", "strict")
        check_refused(path)
        return "refused"
    content = json.loads(path.read_bytes())
    wanted = expected_boxes(content)
    got = to_pixels(sample.boxes, WIDTH, HEIGHT)
    assert got.shape == (len(wanted), 4)
    assert np.isfinite(got).all()
    if wanted:
        assert np.abs(got - np.array(wanted)).max() < 0.01
        assert sample.boxes.min() >= 0
        assert sample.boxes.max() <= 1
        assert (got[:, 2:] - got[:, :2]).min() > 0.99
    assert all(isinstance(label, str) and label.strip() for label in sample.labels)

    fixed = path.with_name("fixed.json")
    write_content(fixed, fixed_content(content, (WIDTH, HEIGHT)))
    assert_same_faces(sample, read_labels(fixed, photo, size=(WIDTH, HEIGHT)))
    again = path.with_name("again.json")
    write_labels(again, sample, keep=path, force=True)
    assert_same_faces(sample, read_labels(again, photo, size=(WIDTH, HEIGHT)))
    return "read"


def check_refused(path: Path) -> None:
    """What the reader refuses the audit must call a fault, and mending must not fail on it."""
    try:
        content = read_content(path)
    except BadFile:
        return
    assert any(KINDS[kind][0] == "fault" for kind, _ in label_findings(content, (WIDTH, HEIGHT)))
    fixed_content(content, (WIDTH, HEIGHT))
    find_photo(path)


def assert_same_faces(one: Example, two: Example) -> None:
    assert one.labels == two.labels
    assert one.boxes.shape == two.boxes.shape
    assert np.abs(one.boxes - two.boxes).max(initial=0) < 1e-3


def test_damaged_label_files(tmp_path):
    chance = random.Random(2)
    photo, path = tmp_path / "a.jpg", tmp_path / "a.json"
    photo.write_bytes(sound_pictures()[0][1])
    counts = {"read": 0, "refused": 0}
    slowest = 0.0
    for number in range(LABEL_FILES):
        path.write_bytes(damaged_label(chance))
        started = time.process_time()
        try:
            counts[check_label(path, photo)] += 1
        except Exception as error:
            raise AssertionError(f"file {number}: {path.read_bytes()[:2000]!r}") from error
        slowest = max(slowest, time.process_time() - started)
    print(f"{LABEL_FILES} label files: {counts}, slowest {slowest:.2f} s")
    assert slowest < LONGEST
    assert min(counts.values()) > LABEL_FILES / 10


def test_damaged_label_files_through_the_audit(photos: PhotoSet):
    """Every file is accounted for: read, or named with a fault."""
    chance = random.Random(3)
    number = max(100, LABEL_FILES // 20)
    sound = sound_pictures()[0][1]
    for index in range(number):
        photos.add(f"{index:05}", [], sound)
        photos.label(f"{index:05}").write_bytes(damaged_label(chance))
    result = audit(photos.folder, classes=["face", "mask"], out=None)
    assert result.photos == number
    for photo in sorted((photos.folder / "images").iterdir()):
        _, error = refusal(read_labels, photos.label(photo.stem), photo, size=(320, 240))
        assert error is None or f"images/{photo.name}" in result.faulty


def test_damaged_pictures(photos: PhotoSet):
    chance = random.Random(4)
    sound = sound_pictures()
    slowest, refused = 0.0, set()
    for number in range(PICTURES):
        suffix, data = damaged_picture(chance, sound)
        photo = photos.add(f"{number:05}", [], data, suffix=suffix)
        started = time.process_time()
        picture, error = refusal(read_picture, photo)
        if error is not None:
            assert error.path == photo
            assert error.fault.strip()
            refused.add(f"images/{photo.name}")
        else:
            assert picture.dtype == np.uint8
            assert picture.ndim == 3
            assert picture.shape[2] == 3
        slowest = max(slowest, time.process_time() - started)
    started = time.monotonic()
    result = audit(photos.folder, out=photos.folder.parent / "out")
    seconds = time.monotonic() - started
    print(f"{PICTURES} pictures: {len(refused)} refused, slowest {slowest:.2f} s, audit {seconds:.1f} s")
    assert result.photos == PICTURES
    assert {finding.photo for finding in result.of("unreadable picture")} == refused
    assert slowest < LONGEST
    assert PICTURES / 10 < len(refused) < PICTURES


def test_a_cut_picture_never_passes_for_a_whole_one(tmp_path):
    """OpenCV hands out half a JPEG with the rest grey; its box would lie on nothing."""
    for number, (suffix, data) in enumerate(sound_pictures()):
        whole = tmp_path / f"whole{number}{suffix}"
        whole.write_bytes(data)
        assert read_picture(whole).shape == (240, 320, 3)
        for share in (0.1, 0.5, 0.9):
            cut = tmp_path / f"cut{number}{suffix}"
            cut.write_bytes(data[: int(len(data) * share)])
            with pytest.raises(BadFile):
                read_picture(cut)


side = st.floats(0, 1, width=32)


@settings(max_examples=min(PICTURES, 2000), deadline=None)
@given(
    corners=st.lists(st.tuples(side, side, side, side), max_size=6),
    names=st.lists(st.sampled_from(["face", "mask", "한글"]), min_size=6, max_size=6),
    width=st.integers(200, 5000),
    height=st.integers(200, 5000),
)
def test_what_is_written_is_read_back(tmp_path_factory, corners, names, width, height):
    ordered = [[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in corners]
    wide_enough = [box for box in ordered if (box[2] - box[0]) * width > 2 and (box[3] - box[1]) * height > 2]
    folder = tmp_path_factory.getbasetemp()
    sample = Example(folder / "p.jpg", width, height, wide_enough, tuple(names[: len(wide_enough)]))
    again = read_labels(write_labels(folder / "p.json", sample, force=True), folder / "p.jpg")
    assert again.labels == sample.labels
    assert np.abs(again.boxes - sample.boxes).max(initial=0) * max(width, height) < 0.01


def test_undamaged_files_are_all_read(tmp_path):
    """The damage is what makes files unreadable, not the way the sound ones are made (slivers aside)."""
    chance = random.Random(5)
    photo, path = tmp_path / "a.jpg", tmp_path / "a.json"
    photo.write_bytes(b"x")
    for _ in range(100):
        write_content(path, sound_label(chance))
        _, error = refusal(read_labels, path, photo, size=(WIDTH, HEIGHT))
        assert error is None or "pixels large" in error.fault or "outside" in error.fault
