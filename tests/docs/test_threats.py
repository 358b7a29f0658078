"""The threat page names code and tests that are there."""

from __future__ import annotations

import re

import pytest
from blocks import ROOT

PAGE = (ROOT / "docs" / "threats.md").read_text(encoding="utf-8")
PLACES = "facetracker|tests|benchmarks|core|models|reports|web|training"
NAMED = sorted(set(re.findall(rf"`((?:{PLACES})/[\w/]+\.py)[^`]*`", PAGE)))


@pytest.mark.parametrize("name", NAMED)
def test_what_the_threat_page_names_is_there(name):
    assert (ROOT / name).is_file() or (ROOT / "facetracker" / name).is_file()


def test_it_names_enough_and_fits_a_screen():
    assert len(NAMED) > 15
    assert len(PAGE.splitlines()) < 50
