"""The convolution: a few small filters that look at every place of the picture."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from facetracker.from_scratch.layer import Layer
from facetracker.from_scratch.windows import col2im, few_at_a_time, im2col, output_size


class Convolution(Layer):
    """F filters over C channels: (N, C, H, W) becomes (N, F, OH, OW).

    `weights` W is (F, C, height, width), `bias` b is (F,). Both are kept, not copied: the optimizer changes them in
    place.

    The columns of a whole batch are the largest array of all, height*width times the pictures. So both passes make
    the columns of a few pictures at a time, use them while they are in the cache and forget them; making them a second
    time in `backward` is cheaper than fetching them from memory.
    """

    def __init__(self, weights: np.ndarray, bias: np.ndarray, stride: int = 1, pad: int = 0) -> None:
        super().__init__()
        self.parameters = {"W": weights, "b": bias}
        self.stride = stride
        self.pad = pad
        self._x: np.ndarray | None = None

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        weights, bias = self.parameters["W"], self.parameters["b"]
        f, c, height, width = weights.shape
        n, channels, h, w = x.shape
        if channels != c:
            raise ValueError(f"the filters look at {c} channels, the pictures have {channels}")
        out_h = output_size(h, height, self.stride, self.pad)
        out_w = output_size(w, width, self.stride, self.pad)
        out = np.empty((n, f, out_h * out_w), dtype=np.result_type(x, weights))
        for few in self._few_at_a_time(x):
            columns = im2col(x[few], height, width, self.stride, self.pad)  # (few, C*height*width, OH*OW)
            # (F, C*height*width) times the columns of each picture: (few, F, OH*OW)
            np.matmul(weights.reshape(f, -1), columns, out=out[few])
            out[few] += bias[:, np.newaxis]
        self._x = x if training else None
        return out.reshape(n, f, out_h, out_w)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        if self._x is None:
            raise RuntimeError("backward() needs a forward() with training=True before it")
        x, weights = self._x, self.parameters["W"]
        f, _, height, width = weights.shape
        flat_weights = weights.reshape(f, -1)  # (F, C*height*width)
        dout = dout.reshape(len(x), f, -1)  # (N, F, OH*OW)
        dweights = np.zeros_like(flat_weights)
        dx = np.empty_like(x) if self.needs_input_gradient else np.zeros(0, x.dtype)
        for few in self._few_at_a_time(x):
            # out = W @ columns + b. So W gets dout times the columns, each picture its share, added up ...
            columns = im2col(x[few], height, width, self.stride, self.pad)  # (few, C*height*width, OH*OW)
            dweights += (dout[few] @ columns.transpose(0, 2, 1)).sum(axis=0)  # (few, F, C*height*width), summed
            # ... and the columns get W times dout, which then goes back to the pixels they were copied from.
            if self.needs_input_gradient:
                dcolumns = flat_weights.T @ dout[few]  # (few, C*height*width, OH*OW)
                dx[few] = col2im(dcolumns, x[few].shape, height, width, self.stride, self.pad)
        # b was added at every position, so it gets the sum over them all.
        self.gradients = {"W": dweights.reshape(weights.shape), "b": dout.sum(axis=2).sum(axis=0)}
        return dx

    def _few_at_a_time(self, x: np.ndarray) -> Iterator[slice]:
        """Slices of the batch x (N, C, H, W), each of so many pictures that their columns fit into the cache."""
        n, c, h, w = x.shape
        height, width = self.parameters["W"].shape[2:]
        positions = output_size(h, height, self.stride, self.pad) * output_size(w, width, self.stride, self.pad)
        return few_at_a_time(n, positions * c * height * width * x.itemsize)
