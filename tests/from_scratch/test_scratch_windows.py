"""im2col and col2im against the plainest way of writing them."""

from __future__ import annotations

import numpy as np
import pytest

from facetracker.from_scratch.windows import col2im, im2col, output_size, pad_border, windows

SETTINGS = [(2, 2, 1, 0), (3, 3, 1, 1), (3, 3, 2, 1), (3, 2, 2, 0), (1, 1, 1, 0), (2, 3, 3, 2)]


def test_the_drawing_in_the_explanation() -> None:
    a, b, c, d, e, f, g, h, i = range(9)
    picture = np.arange(9.0).reshape(1, 1, 3, 3)
    assert im2col(picture, 2, 2)[0].tolist() == [[a, b, d, e], [b, c, e, f], [d, e, g, h], [e, f, h, i]]


@pytest.mark.parametrize(("height", "width", "stride", "pad"), SETTINGS)
def test_each_column_is_what_lies_under_the_window(height: int, width: int, stride: int, pad: int) -> None:
    x = np.random.default_rng(0).random((2, 3, 7, 6))
    columns = im2col(x, height, width, stride, pad)
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    out_h, out_w = output_size(7, height, stride, pad), output_size(6, width, stride, pad)
    assert columns.shape == (2, 3 * height * width, out_h * out_w)
    for row in range(out_h):
        for column in range(out_w):
            under = padded[:, :, row * stride : row * stride + height, column * stride : column * stride + width]
            np.testing.assert_array_equal(columns[:, :, row * out_w + column], under.reshape(2, -1))


@pytest.mark.parametrize(("height", "width", "stride", "pad"), SETTINGS)
def test_col2im_is_the_transpose_of_im2col(height: int, width: int, stride: int, pad: int) -> None:
    # A @ x weighted with y is the same number as x weighted with A.T @ y: that is what transposed means.
    random = np.random.default_rng(0)
    x = random.random((2, 3, 7, 6))
    columns = im2col(x, height, width, stride, pad)
    y = random.random(columns.shape)
    back = col2im(y, x.shape, height, width, stride, pad)
    assert back.shape == x.shape
    assert (columns * y).sum() == pytest.approx((x * back).sum(), rel=1e-12)


def test_windows_copy_nothing_and_cannot_be_written_to() -> None:
    x = np.zeros((1, 1, 4, 4))
    view = windows(x, 2, 2)
    assert np.shares_memory(view, x)
    with pytest.raises(ValueError, match="read-only"):
        view[...] = 1


def test_windows_of_a_view_that_is_not_contiguous() -> None:
    x = np.arange(64.0).reshape(1, 1, 8, 8)
    np.testing.assert_array_equal(im2col(x[:, :, ::2, ::-1], 3, 3), im2col(x[:, :, ::2, ::-1].copy(), 3, 3))


def test_a_window_larger_than_the_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="a window of 5 does not fit"):
        im2col(np.zeros((1, 1, 2, 2)), 5, 5, pad=1)
    assert im2col(np.zeros((1, 1, 3, 3)), 5, 5, pad=1).shape == (1, 25, 1)


def test_the_border_has_the_value_and_the_type() -> None:
    padded = pad_border(np.ones((1, 1, 2, 2), np.float32), 1, -np.inf)
    assert padded.dtype == np.float32
    assert np.isneginf(padded[0, 0, 0]).all()
    assert padded[0, 0, 1:3, 1:3].sum() == 4
