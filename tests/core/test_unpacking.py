"""Files that claim more than they hold, and text that would steer a terminal."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml

from facetracker.core import console, unpacking
from facetracker.core.errors import BadFile
from facetracker.core.settings import read_yaml
from facetracker.core.unpacking import (
    BROKEN,
    LITTLE,
    MOST_BYTES,
    MOST_TEXT,
    MOST_TIMES,
    MOST_VALUES,
    _claimed,
    check_archive,
    load_yaml,
    read_npz,
)

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import fuzz
import fuzz_traps

fuzz_traps.BOMB = 100
NPZ, YAML = fuzz_traps.npz_traps(), fuzz_traps.yaml_traps()


@pytest.mark.parametrize("number", range(len(NPZ)))
def test_arrays_that_are_not_there_are_refused(tmp_path, number):
    (tmp_path / "a.npz").write_bytes(NPZ[number][1])
    with pytest.raises((BadFile, *BROKEN)):
        read_npz(tmp_path / "a.npz")


def test_sound_arrays_are_read_also_long_rows_of_zeros(tmp_path):
    np.savez_compressed(
        tmp_path / "a.npz", zeros=np.zeros(1_000_000), some=np.arange(6, dtype=np.float16).reshape(2, 3)
    )
    arrays = read_npz(tmp_path / "a.npz")
    assert arrays["zeros"].nbytes == 8_000_000
    assert arrays["some"].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("number", range(len(YAML)))
def test_yaml_that_is_too_deep_or_too_much_is_one_line(tmp_path, number):
    from facetracker.core.errors import FaceTrackerError
    from facetracker.core.settings import load_settings

    (tmp_path / "a.yaml").write_bytes(YAML[number][1])
    with pytest.raises(FaceTrackerError) as refused:
        load_settings(tmp_path / "a.yaml")
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 2000


@pytest.fixture
def small(monkeypatch):
    """The same bounds, smaller: parsing as much as may be takes a second."""
    monkeypatch.setattr(unpacking, "MOST_TEXT", 1000)
    monkeypatch.setattr(unpacking, "MOST_VALUES", 100)


def test_yaml_of_a_fair_size_and_with_names_for_parts_is_read(tmp_path, small):
    assert load_yaml("a: &a [1, 2]\nb: *a") == {"a": [1, 2], "b": [1, 2]}
    assert len(load_yaml("[" + "1," * 98 + "1]")) == 99  # with the list itself a hundred
    with pytest.raises(yaml.YAMLError, match="too many"):
        load_yaml("[" + "1," * 99 + "1]")
    (tmp_path / "a.yaml").write_text("a: 1")
    assert read_yaml(tmp_path / "a.yaml") == {"a": 1}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jface", r"\x1b[2Jface"),
        ("a\rb\x07\x00", r"a\rb\x07\x00"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202eecaf", r"\u202eecaf"),
        ("\udce4.jpg", r"\udce4.jpg"),
        ("얼굴 é 👩‍👩‍👧 a\tb", "얼굴 é 👩‍👩‍👧 a\tb"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_nothing_steers_the_terminal(text, shown, capsys):
    assert console.shown(text) == shown
    console.say(text)
    console.warn(text)
    said = capsys.readouterr()
    assert said.out == f"{shown}\n"
    assert said.err == f"warning: {shown}\n"


def test_the_name_of_a_file_cannot_fake_a_line_of_ours(monkeypatch, capsys):
    from facetracker.cli import main as door

    def fails(**_):
        raise BadFile("is empty", path="a\nfacetracker: all is well\x1b[8m.jpg")

    monkeypatch.setattr(door, "app", fails)
    with pytest.raises(SystemExit):
        door.main()
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "\x1b" not in said


@pytest.mark.slow
@pytest.mark.parametrize("name", list(fuzz.KINDS))
def test_damaged_files_and_traps_are_refused_in_one_line(name, tmp_path):
    done, found = fuzz.fuzz(name, 30, 5, tmp_path)
    assert found == []
    # Any text is a list of classes, and a plan that cannot be read is made again.
    assert (done.read if name in ("class lists", "plans of a split") else done.refused) >= 10


def archive(*entries: tuple[int, int]) -> Any:
    """A stand-in for an archive: what each entry unpacks to and takes, in bytes."""
    return SimpleNamespace(infolist=lambda: [SimpleNamespace(file_size=one, compress_size=two) for one, two in entries])


@pytest.mark.parametrize(
    ("entries", "refused"),
    [
        ([], False),
        ([(MOST_BYTES, MOST_BYTES)], False),
        ([(MOST_BYTES, MOST_BYTES), (1, 1)], True),
        ([(LITTLE, 0)], False),  # so little may be all zeros
        ([(LITTLE + 1, 0)], True),
        ([(LITTLE, 1), (LITTLE, 1)], True),
        ([(MOST_TIMES * LITTLE, LITTLE)], False),
        ([(MOST_TIMES * LITTLE + 1, LITTLE)], True),
        ([(MOST_TIMES * LITTLE + 1, LITTLE), (0, 1)], False),
    ],
)
def test_an_archive_may_unpack_to_so_much_and_so_many_times_its_size(entries, refused):
    if not refused:
        check_archive(archive(*entries), "a.npz")
        return
    with pytest.raises(BadFile, match=r"a\.npz: unpacks to more"):
        check_archive(archive(*entries), "a.npz")


def test_the_most_may_be_said():
    check_archive(archive((100, 100)), "a.npz", most=100)
    with pytest.raises(BadFile):
        check_archive(archive((101, 101)), "a.npz", most=100)


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4)])
def test_an_array_says_how_many_bytes_it_has(version, shape):
    data = io.BytesIO()
    np.lib.format.write_array(data, np.zeros(shape, np.float64), version=version)
    data.seek(0)
    assert _claimed(data) == 8 * int(np.prod(shape))


def test_an_array_may_claim_as_much_as_its_entry_holds_and_not_more(tmp_path):
    data = io.BytesIO()
    np.save(data, np.zeros(100))
    held = len(data.getvalue())
    for claimed, good in ((held // 8, True), (held // 8 + 1, False)):
        changed = data.getvalue().replace(b"(100,)", f"({claimed},)".encode())
        path = tmp_path / f"{claimed}.npz"
        path.write_bytes(fuzz_traps.zipped({"a.npy": changed}))
        with pytest.raises(ValueError, match="claims more" if not good else "EOF: reading array data"):
            read_npz(path)


def test_pickled_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.array([{}], object))
    with pytest.raises(BROKEN):
        read_npz(tmp_path / "a.npz")


def test_the_bounds_of_yaml_to_the_character(small):
    assert load_yaml(" " * 999 + "1") == 1
    with pytest.raises(yaml.YAMLError, match="longer than 1,000"):
        load_yaml(" " * 1000 + "1")
    assert len(load_yaml('"' + "[{" * 50 + '"')) == 100
    for brackets in ("[" * 101, "{" * 101, "[{" * 50 + "{"):
        with pytest.raises(yaml.YAMLError, match="too many"):
            load_yaml(f'"{brackets}"')


def test_every_value_counts_also_in_mappings_and_as_often_as_it_is_named(small):
    rows = "\n".join(f"k{number}: [1, 1, 1]" for number in range(24))  # each row counts 4, the mapping itself 1
    assert len(load_yaml(rows + "\na: 1\nb: 1\nc: 1")) == 27
    with pytest.raises(yaml.YAMLError, match="too many"):
        load_yaml(rows + "\na: 1\nb: 1\nc: 1\nd: 1")
    named = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(f"k{number}: *a\n" for number in range(12))
    with pytest.raises(yaml.YAMLError, match="too many"):
        load_yaml(named)


def test_the_bounds_are_what_a_second_of_parsing_allows():
    assert (MOST_TEXT, MOST_VALUES, MOST_BYTES) == (100_000, 20_000, 4 << 30)
    assert (MOST_TIMES, LITTLE) == (50, 32 << 20)


@pytest.mark.parametrize("text", ["[" * 500, "x: 2001-99-99", "a: !!python/object/apply:os.system [id]", "a: ["])
def test_what_yaml_cannot_be_is_a_yaml_error(text):
    with pytest.raises(yaml.YAMLError):
        load_yaml(text)


def test_what_unpacks_to_too_much_is_refused_before_its_arrays_are_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "LITTLE", 1000)
    np.savez_compressed(tmp_path / "a.npz", zeros=np.zeros(100_000))
    with pytest.raises(BadFile, match="unpacks to more"):
        read_npz(tmp_path / "a.npz")
