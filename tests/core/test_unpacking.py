"""Files that claim more than they hold, and text that would steer a terminal."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from facetracker.core import console
from facetracker.core.errors import BadFile
from facetracker.core.settings import read_yaml
from facetracker.core.unpacking import BROKEN, MOST_VALUES, load_yaml, read_npz

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import fuzz

fuzz.BOMB = 100
NPZ, YAML = fuzz.npz_traps(), fuzz.yaml_traps()


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


def test_yaml_of_a_fair_size_and_with_names_for_parts_is_read(tmp_path):
    assert load_yaml("a: &a [1, 2]\nb: *a") == {"a": [1, 2], "b": [1, 2]}
    assert len(load_yaml("[" + "1," * (MOST_VALUES - 2) + "1]")) == MOST_VALUES - 1
    with pytest.raises(yaml.YAMLError, match="too many"):
        load_yaml("[" + "1," * MOST_VALUES + "1]")
    with pytest.raises(yaml.YAMLError, match="longer"):
        load_yaml("x" * 200_000)
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

    def fails():
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
    assert done["refused"] >= 10
