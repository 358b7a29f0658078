"""Lists in a temporary file: in Python's own order, whatever the names, and hardly any of them in memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

from facetracker.core.errors import FaceTrackerError
from facetracker.core.listing import Names, Rows

# What Linux allows: accents, an emoji, bytes that are no Unicode, a line break, blanks, digits that sort as text.
ODD = [
    "b.jpg",
    "a.jpg",
    "a-1.jpg",
    "a.1.jpg",
    "ä.jpg",
    "\U0001f600.jpg",
    "\udcff.jpg",
    "\uffff",
    "a\nb",
    " ",
    "10",
    "9",
]


def test_names_are_sorted_as_strings_are():
    with Names([*ODD, "a.jpg"]) as names:
        assert list(names) == sorted(ODD)
        assert all(name in names for name in ODD)
        assert "a" not in names
    with Names() as nothing:
        assert list(nothing) == []
        assert "a" not in nothing


def test_names_that_begin_alike():
    with Names(ODD) as names:
        assert list(names.beginning_with("a.")) == ["a.1.jpg", "a.jpg"]
        assert list(names.beginning_with("ä.")) == ["ä.jpg"]
        assert list(names.beginning_with("c.")) == []


def test_rows_are_read_by_number():
    rows = Rows(2)
    for number, name in enumerate(ODD):
        rows.append(name, number)
    assert [rows[number] for number in range(len(rows))] == [(name, number) for number, name in enumerate(ODD)]
    for number in (-1, len(ODD)):
        with pytest.raises(IndexError):
            rows[number]
    rows.close()


def test_a_full_disk_is_one_line():
    rows = Rows(1)
    rows._file.do("PRAGMA max_page_count = 3")
    with pytest.raises(FaceTrackerError, match=r"does not fit .*full.*SQLITE_TMPDIR"):
        rows.append("x" * 20_000)


# Not `getrusage`: in a new process its peak begins with the memory of the one that started it, this one's.
MANY = """
from facetracker.core.listing import Names, Rows

def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))  # KiB

def fill(count):
    rows = Rows(2)
    with Names(f"photo-{number:09d}.jpg" for number in range(count)) as names:
        for name in names:
            rows.append(name, 1)

fill(1000)
before = peak()
fill(300_000)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_many_names_take_no_more_memory_than_a_few():
    grown = subprocess.run([sys.executable, "-c", MANY], capture_output=True, check=True, text=True).stdout
    assert int(grown) < 4096  # KiB, most of them for the sorting; as Python's strings they take 24 MB and more
