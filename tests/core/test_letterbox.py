import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facetracker.core.letterbox import GREY, Letterbox, letterbox, round_half_up

side = st.integers(1, 3000)
input_side = st.integers(8, 640)


@given(side, side, input_side, input_side)
def test_the_scaled_picture_lies_inside_the_input(width, height, input_width, input_height):
    box = Letterbox(width, height, input_width, input_height)
    assert box.left >= 0
    assert box.left + box.scaled_width <= input_width
    assert box.top >= 0
    assert box.top + box.scaled_height <= input_height
    assert box.scaled_width == input_width or box.scaled_height == input_height


@given(side, side, input_side)
def test_boxes_to_the_input_and_back(width, height, size):
    box = Letterbox(width, height, size, size)
    boxes = [[0.1, 0.2, 0.6, 0.9], [0, 0, 1, 1]]
    np.testing.assert_allclose(box.to_picture(box.to_input(boxes)), boxes, atol=1e-3)


def test_a_known_case():
    picture = np.full((480, 640, 3), 200, np.uint8)
    padded, box = letterbox(picture, 320, 320)
    assert padded.shape == (320, 320, 3)
    assert (box.top, box.left, box.scaled_height) == (40, 0, 240)
    assert (padded[:40] == GREY).all()
    assert (padded[40:280] == 200).all()
    np.testing.assert_allclose(box.to_input([[0, 0, 1, 1]]), [[0, 0.125, 1, 0.875]])


def test_a_picture_that_fits_is_not_copied():
    picture = np.zeros((32, 64, 3), np.uint8)
    assert letterbox(picture, 64, 32)[0] is picture


@pytest.mark.parametrize(("value", "rounded"), [(0.5, 1), (1.5, 2), (2.5, 3), (2.4, 2)])
def test_halves_go_up_as_in_javascript(value, rounded):
    assert round_half_up(value) == rounded
