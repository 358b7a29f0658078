"""im2col and col2im: pictures as the columns of a matrix, and back.

A convolution lays a small window over the picture, multiplies what lies under it with the filter, adds up, and moves
on. Written as loops that is slow. Written as a matrix it is one multiplication, which every computer is built to do
fast: put what lies under the window at each position into a *column*. All filters, one a row, times all columns is
the whole convolution.

    picture 3x3          window 2x2 at its four positions           columns (4 numbers, 4 positions)
    a b c                a b   b c   d e   e f                      a b d e
    d e f                d e   e f   g h   h i                      b c e f
    g h i                                                           d e g h
                                                                    e f h i

Every number of the picture turns up in several windows, so a copy of all windows is large. `windows` makes none: numpy
finds an array's numbers by its *strides*, how many bytes to walk for one step along each axis. Walking along the
window's columns is the same walk as along the picture's columns; so a view with two more axes, whose strides are the
picture's own strides once more, shows every window without moving a byte. `im2col` copies once, at the end, because
the multiplication wants the numbers side by side.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

# About what a processor's cache holds. An array that has to come back from main memory costs more than a new one.
CACHE_BYTES = 1 << 20


def few_at_a_time(pictures: int, bytes_each: int) -> Iterator[slice]:
    """Slices of a batch, each of so many pictures that what a layer makes of them fits into the cache."""
    few = max(1, CACHE_BYTES // max(1, bytes_each))
    for start in range(0, pictures, few):
        yield slice(start, start + few)


def output_size(size: int, window: int, stride: int, pad: int = 0) -> int:
    """How many positions a window has along one side of the picture."""
    if window > size + 2 * pad:
        raise ValueError(f"a window of {window} does not fit into a picture of {size} with a border of {pad}")
    return (size + 2 * pad - window) // stride + 1


def pad_border(x: np.ndarray, pad: int, value: float = 0.0) -> np.ndarray:
    """`x` (N, C, H, W) with a border of `pad` pixels around every picture: (N, C, H+2*pad, W+2*pad)."""
    if pad == 0:
        return x
    n, c, h, w = x.shape
    padded = np.full((n, c, h + 2 * pad, w + 2 * pad), value, dtype=x.dtype)
    padded[:, :, pad:-pad, pad:-pad] = x
    return padded


def windows(x: np.ndarray, height: int, width: int, stride: int = 1) -> np.ndarray:
    """Every window of `x` (N, C, H, W) as a read-only view (N, C, height, width, OH, OW); nothing is copied.

    `result[n, c, i, j, row, column]` is `x[n, c, row * stride + i, column * stride + j]`.
    """
    n, c, h, w = x.shape
    out_h = output_size(h, height, stride)
    out_w = output_size(w, width, stride)
    per_picture, per_channel, per_row, per_column = x.strides
    return as_strided(
        x,
        shape=(n, c, height, width, out_h, out_w),
        strides=(per_picture, per_channel, per_row, per_column, per_row * stride, per_column * stride),
        writeable=False,  # one number lies under several windows: writing through such a view goes wrong
    )


def im2col(x: np.ndarray, height: int, width: int, stride: int = 1, pad: int = 0) -> np.ndarray:
    """Pictures (N, C, H, W) as columns (N, C*height*width, OH*OW), one column for every position of the window.

    The positions come last, so that a filter matrix (F, C*height*width) times the columns is (N, F, OH*OW): already
    in the order of pictures, without another walk through memory.
    """
    view = windows(pad_border(x, pad), height, width, stride)  # (N, C, height, width, OH, OW)
    n, c, _, _, out_h, out_w = view.shape
    return view.reshape(n, c * height * width, out_h * out_w)  # the one copy


def col2im(
    columns: np.ndarray, shape: tuple[int, int, int, int], height: int, width: int, stride: int = 1, pad: int = 0
) -> np.ndarray:
    """The way back: columns (N, C*height*width, OH*OW) **added up** into pictures of `shape` (N, C, H, W).

    It is not the inverse of `im2col` but its transpose, which is what a gradient needs: a pixel that lay under several
    windows collects what each of them has to say. Windows overlap, so a strided view will not do here; instead the
    loop goes over the few places inside a window, and adds that place of all windows at once.
    """
    n, c, h, w = shape
    out_h = output_size(h, height, stride, pad)
    out_w = output_size(w, width, stride, pad)
    places = columns.reshape(n, c, height, width, out_h, out_w)
    x = np.zeros((n, c, h + 2 * pad, w + 2 * pad), dtype=columns.dtype)
    for i in range(height):
        for j in range(width):
            x[:, :, i : i + stride * out_h : stride, j : j + stride * out_w : stride] += places[:, :, i, j]
    return x[:, :, pad : pad + h, pad : pad + w]
