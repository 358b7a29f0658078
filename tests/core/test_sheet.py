"""Sheets of tiles: pictures whole, boxes where they are, words that fit."""

from __future__ import annotations

import numpy as np
import pytest

from facetracker.core.boxes import as_boxes
from facetracker.core.errors import FaceTrackerError
from facetracker.core.lettering import shortened
from facetracker.core.sheet import (
    BED,
    GAP,
    GREEN,
    HEAD,
    PAPER,
    RED,
    TITLE,
    Outline,
    Tile,
    beside,
    headed,
    outlines,
    sheet,
    stacked,
)

BLACK = np.zeros((100, 200, 3), np.uint8)


def has(part: np.ndarray, colour) -> bool:
    return bool((part == colour).all(axis=2).any())


def test_a_picture_is_shown_whole_and_its_box_where_it_is():
    page = sheet([Tile(BLACK, outlines=[Outline(as_boxes([0.5, 0.0, 1.0, 1.0])[0])])], 4, 100)
    assert page.shape == (100 + 2 * GAP, 100 + 2 * GAP, 3)
    inner = page[GAP:-GAP, GAP:-GAP]
    assert (inner[:20] == BED).all()  # twice as wide as high: a bed above and below
    assert (inner[30:70, 5:40] == 0).all()
    assert (inner[50, 50] == GREEN).all()
    assert (page[:GAP] == PAPER).all()


def test_boxes_that_stick_out_are_seen_beside_the_picture():
    page = sheet([Tile(BLACK, outlines=outlines(as_boxes([-0.03, 0.2, 0.5, 0.8]), RED))], 1, 100, margin=10, edge=0)
    assert has(page[:, :10], RED)
    assert has(sheet([Tile(BLACK, outlines=outlines(as_boxes([-9e9, 0.2, 9e9, 0.8]), RED))], 1, 100), RED)


def test_tiles_wrap_and_words_stay_under_their_tile():
    tiles = [
        Tile(BLACK, "a caption that is a good deal longer than any tile is wide", colour=RED),
        Tile(BLACK),
        Tile(None),
    ]
    page = sheet(tiles, 2, 100)
    row = 100 + TITLE + GAP
    assert page.shape[:2] == (2 * row + GAP, 2 * (100 + GAP) + GAP)
    words = page[GAP + 100 : GAP + row]
    assert (words[:, : GAP + 100] < 128).sum() > 50
    assert (words[:, GAP + 101 :] == PAPER).all()
    last = page[GAP + row : GAP + row + 100, GAP : GAP + 100]
    assert (last[50, 45:56] != BED).any()  # crossed out: it has no picture
    assert (page[GAP + row :, GAP + 101 :] == PAPER).all()


def test_a_frame_goes_around_its_tile():
    page = sheet([Tile(BLACK, frame=RED)], 1, 60, edge=0)
    assert (page[1, 30] == RED).all()
    assert (page[30, 1] == RED).all()


def test_a_clear_sheet_is_seen_through_between_tiles():
    page = sheet([Tile(BLACK), Tile(BLACK)], 2, 40, gap=6, edge=0, clear=True)
    assert page.shape == (40, 86, 4)
    assert (page[:, :40, 3] == 255).all()
    assert (page[:, 40:46, 3] == 0).all()
    assert sheet([Tile(BLACK)], 2, 40, gap=6, edge=0, clear=True).shape == page.shape


def test_sheets_are_joined_on_paper():
    one, other = sheet([Tile(BLACK)], 1, 40), sheet([Tile(BLACK)], 1, 60)
    assert stacked([one, other]).shape[:2] == (100 + 4 * GAP, 60 + 2 * GAP)
    side = beside([one, other])
    assert side.shape[:2] == (60 + 2 * GAP, 100 + 4 * GAP)
    assert (side[40 + 2 * GAP :, : 40 + 2 * GAP] == PAPER).all()
    assert headed(one, "a heading").shape[0] == one.shape[0] + HEAD
    assert (headed(one, "a heading", "and more")[:HEAD] < 128).any()


def test_too_many_or_none_are_a_persons_mistake():
    with pytest.raises(FaceTrackerError, match="no picture"):
        sheet([], 4, 100)
    with pytest.raises(FaceTrackerError, match="too large"):
        sheet([Tile(BLACK)] * 10_000, 4, 240)


def test_shortened_keeps_both_ends():
    assert shortened("short", 10) == "short"
    assert shortened("abcdefghijklmnop", 10) == "abc...mnop"
