"""Max pooling: keep the strongest answer of each neighbourhood."""

from __future__ import annotations

import numpy as np

from facetracker.from_scratch.layer import Layer
from facetracker.from_scratch.windows import few_at_a_time, output_size, pad_border


class MaxPooling(Layer):
    """The largest number in every `size` x `size` window: (N, C, H, W) becomes (N, C, OH, OW).

    No columns are needed here. The pictures are looked at once for every place in the window (four times for 2x2),
    each time as a strided slice that holds that place of all windows; the largest so far wins. A few pictures at a
    time, so that what is looked at four times stays in the cache.
    """

    def __init__(self, size: int = 2, stride: int | None = None, pad: int = 0) -> None:
        super().__init__()
        if not 1 <= size <= 16:
            raise ValueError(f"a pooling window is 1 to 16 pixels wide, not {size}")  # its places are counted in a byte
        if pad >= size:
            raise ValueError(f"with a border of {pad} a window of {size} could lie beside the picture")
        self.size = size
        self.stride = size if stride is None else stride
        self.pad = pad
        self._winner: np.ndarray | None = None
        self._input_shape: tuple[int, int, int, int] = (0, 0, 0, 0)

    def _slices(self, h: int, w: int) -> list[tuple[slice, slice]]:
        """For every place in the window the rows and columns of the padded picture where it lies in all windows."""
        out_h = output_size(h, self.size, self.stride, self.pad)
        out_w = output_size(w, self.size, self.stride, self.pad)
        return [
            (slice(i, i + self.stride * out_h, self.stride), slice(j, j + self.stride * out_w, self.stride))
            for i in range(self.size)
            for j in range(self.size)
        ]

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        n, c, h, w = x.shape
        self._input_shape = (n, c, h, w)
        padded = pad_border(x, self.pad, value=-np.inf)  # a border of zeros could win over negative numbers
        places = self._slices(h, w)
        shape = padded[:1, :, *places[0]].shape[1:]
        out = np.empty((n, *shape), x.dtype)  # (N, C, OH, OW)
        winner = np.empty(out.shape, dtype=np.uint8) if training else None  # which place in the window won
        for few in few_at_a_time(n, padded[:1].nbytes):
            largest = padded[few, :, *places[0]].copy()  # (few, C, OH, OW)
            newest = np.zeros(largest.shape, np.uint8)
            for place, (rows, columns) in enumerate(places[1:], start=1):
                candidate = padded[few, :, rows, columns].copy()  # side by side in memory: read twice, worth the copy
                if winner is not None:
                    # True times the place is the place, and the places count upwards: the larger one is the newer
                    # one. Only a truly larger number takes over; of several equals the first stays the winner.
                    np.maximum(newest, (candidate > largest) * np.uint8(place), out=newest)
                np.maximum(largest, candidate, out=largest)
            out[few] = largest
            if winner is not None:
                winner[few] = newest
        self._winner = winner
        return out

    def backward(self, dout: np.ndarray) -> np.ndarray:
        if self._winner is None:
            raise RuntimeError("backward() needs a forward() with training=True before it")
        n, c, h, w = self._input_shape
        dx = np.zeros((n, c, h + 2 * self.pad, w + 2 * self.pad), dtype=dout.dtype)
        # Only the winner had a say in the output, so only the winner gets the gradient.
        for few in few_at_a_time(n, dx[:1].nbytes):
            for place, (rows, columns) in enumerate(self._slices(h, w)):
                if self.stride >= self.size:  # no pixel lies under two windows
                    np.multiply(dout[few], self._winner[few] == place, out=dx[few, :, rows, columns])
                else:
                    dx[few, :, rows, columns] += dout[few] * (self._winner[few] == place)
        return dx[:, :, self.pad : self.pad + h, self.pad : self.pad + w]
