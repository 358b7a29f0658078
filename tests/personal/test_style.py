"""A style in four numbers: learnt by medians, drawn back a little when photos are few, and undone."""

from __future__ import annotations

import numpy as np
import pytest

from facetracker.inference.style import DOUBT, Style, learn_style

FOUND = np.array([[0.1, 0.2, 0.3, 0.5], [0.4, 0.4, 0.5, 0.55], [0.6, 0.1, 0.9, 0.6]], np.float32)
STYLE = Style(-0.2, -0.3, 0.1, 0.05)


def test_a_style_is_told_from_pairs_of_boxes():
    many = np.tile(FOUND, (20, 1))
    learnt = learn_style(many, STYLE.apply(many))
    np.testing.assert_allclose(learnt.numbers, np.array(STYLE.numbers) * 60 / (60 + DOUBT), atol=1e-5)


def test_few_photos_are_believed_a_little_less():
    one = learn_style(FOUND[:1], STYLE.apply(FOUND[:1]))
    assert one.top == pytest.approx(STYLE.top / (1 + DOUBT), abs=1e-5)


def test_one_wrong_box_in_five_changes_nothing():
    found = np.tile(FOUND[:1], (5, 1))
    drawn = STYLE.apply(found)
    drawn[0] = [0.12, 0.22, 0.2, 0.3]
    np.testing.assert_allclose(learn_style(found, drawn).numbers, np.array(STYLE.numbers) * 5 / (5 + DOUBT), atol=1e-4)


def test_a_box_of_something_else_does_not_count():
    drawn = np.concatenate([STYLE.apply(FOUND), [[0.5, 0.5, 0.99, 0.99]]])
    found = np.concatenate([FOUND, [[0.0, 0.0, 0.1, 0.1]]])
    assert learn_style(found, drawn) == learn_style(FOUND, STYLE.apply(FOUND))


def test_without_any_pair_there_is_no_style():
    assert learn_style(np.zeros((0, 4)), np.zeros((0, 4))) == Style()


def test_a_style_is_undone():
    np.testing.assert_allclose(STYLE.undo(STYLE.apply(FOUND)), FOUND, atol=1e-6)
