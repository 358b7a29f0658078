"""How fast the numpy networks are: against the study notes' way of doing it, and beside Keras.

    python benchmarks/from_scratch.py [--rounds 5] [--batch 16] [--threads N] [--json FILE]

A step is one pass forward and one back, loss and all parameters' gradients included. Three ways do the same step with
the same weights on the same pictures, one after the other in every round, so that a busy moment hits them all; the
medians count. Before that the results are compared: equal to rounding, or the benchmark stops.

The "notes" layers below follow the study notes' description: im2col collects its windows place by place into an array
of six axes that is then turned round, one row a position; pooling goes through the same columns and argmax; every
layer hands a gradient on; float64 throughout. (Their batch normalisation, one mean a pixel, is a fault and has no
equal results; here it is the same formula, step by step, over the rows of one channel.)
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
if "--threads" in sys.argv:  # all of them read it once, when they are imported
    for library in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[library] = sys.argv[sys.argv.index("--threads") + 1]

import numpy as np

from facetracker import from_scratch as fs


def rows_of_windows(x: np.ndarray, size: int, stride: int, pad: int) -> np.ndarray:
    """(N, C, H, W) as rows (N*OH*OW, C*size*size), collected place by place."""
    n, c, h, w = x.shape
    out_h, out_w = (h + 2 * pad - size) // stride + 1, (w + 2 * pad - size) // stride + 1
    bordered = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    collected = np.zeros((n, c, size, size, out_h, out_w))
    for row in range(size):
        for column in range(size):
            rows, columns = slice(row, row + stride * out_h, stride), slice(column, column + stride * out_w, stride)
            collected[:, :, row, column] = bordered[:, :, rows, columns]
    return collected.transpose(0, 4, 5, 1, 2, 3).reshape(n * out_h * out_w, -1)


def pictures_of_rows(rows: np.ndarray, shape: tuple[int, ...], size: int, stride: int, pad: int) -> np.ndarray:
    """Rows (N*OH*OW, C*size*size) added up into pictures (N, C, H, W)."""
    n, c, h, w = shape
    out_h, out_w = (h + 2 * pad - size) // stride + 1, (w + 2 * pad - size) // stride + 1
    places = rows.reshape(n, out_h, out_w, c, size, size).transpose(0, 3, 4, 5, 1, 2)
    pictures = np.zeros((n, c, h + 2 * pad + stride - 1, w + 2 * pad + stride - 1))
    for row in range(size):
        for column in range(size):
            target = pictures[:, :, row : row + stride * out_h : stride, column : column + stride * out_w : stride]
            target += places[:, :, row, column]
    return pictures[:, :, pad : pad + h, pad : pad + w]


class NotesConvolution(fs.Layer):
    def __init__(self, layer: fs.Convolution) -> None:
        super().__init__()
        self.parameters, self.stride, self.pad = layer.parameters, layer.stride, layer.pad

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        weights = self.parameters["W"]
        f, _, size, _ = weights.shape
        self.shape = x.shape
        self.rows = rows_of_windows(x, size, self.stride, self.pad)
        out = np.dot(self.rows, weights.reshape(f, -1).T) + self.parameters["b"]
        out_h, out_w = ((side + 2 * self.pad - size) // self.stride + 1 for side in x.shape[2:])
        return out.reshape(len(x), out_h, out_w, f).transpose(0, 3, 1, 2)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        weights = self.parameters["W"]
        f, _, size, _ = weights.shape
        drows = dout.transpose(0, 2, 3, 1).reshape(-1, f)
        dweights = np.dot(self.rows.T, drows).transpose(1, 0).reshape(weights.shape)
        self.gradients = {"W": dweights, "b": drows.sum(axis=0)}
        return pictures_of_rows(np.dot(drows, weights.reshape(f, -1)), self.shape, size, self.stride, self.pad)


class NotesPooling(fs.Layer):
    def __init__(self, layer: fs.MaxPooling) -> None:
        super().__init__()
        self.size, self.stride = layer.size, layer.stride

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        n, c, h, w = self.shape = x.shape
        out_h, out_w = (h - self.size) // self.stride + 1, (w - self.size) // self.stride + 1
        rows = rows_of_windows(x, self.size, self.stride, 0).reshape(-1, self.size * self.size)
        self.winner = rows.argmax(axis=1)
        return rows.max(axis=1).reshape(n, out_h, out_w, c).transpose(0, 3, 1, 2)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        dout = dout.transpose(0, 2, 3, 1)
        spread = np.zeros((dout.size, self.size * self.size))
        spread[np.arange(self.winner.size), self.winner] = dout.flatten()
        rows = spread.reshape(dout.shape[0] * dout.shape[1] * dout.shape[2], -1)
        return pictures_of_rows(rows, self.shape, self.size, self.stride, 0)


class NotesReLU(fs.Layer):
    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        self.zero = x <= 0
        out = x.copy()
        out[self.zero] = 0
        return out

    def backward(self, dout: np.ndarray) -> np.ndarray:
        dout = dout.copy()
        dout[self.zero] = 0
        return dout


class NotesNormalisation(fs.Layer):
    def __init__(self, layer: fs.BatchNormalisation) -> None:
        super().__init__()
        self.parameters, self.epsilon = layer.parameters, layer.epsilon

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        n, c, h, w = x.shape
        rows = x.transpose(0, 2, 3, 1).reshape(-1, c)
        self.centred = rows - rows.mean(axis=0)
        self.deviation = np.sqrt(np.mean(self.centred**2, axis=0) + self.epsilon)
        self.normalised = self.centred / self.deviation
        out = self.parameters["gamma"] * self.normalised + self.parameters["beta"]
        return out.reshape(n, h, w, c).transpose(0, 3, 1, 2)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        n, c, h, w = dout.shape
        rows = dout.transpose(0, 2, 3, 1).reshape(-1, c)
        self.gradients = {"gamma": (self.normalised * rows).sum(axis=0), "beta": rows.sum(axis=0)}
        dnormalised = self.parameters["gamma"] * rows
        dcentred = dnormalised / self.deviation
        ddeviation = -((dnormalised * self.centred) / self.deviation**2).sum(axis=0)
        dcentred += self.centred * (ddeviation / self.deviation / len(rows))
        dx = dcentred - dcentred.sum(axis=0) / len(rows)
        return dx.reshape(n, h, w, c).transpose(0, 3, 1, 2)


def notes_network(network: fs.Network) -> fs.Network:
    """The same network with the same weights (copied), its layers done the notes' way."""
    ways: dict[type, Callable] = {
        fs.Convolution: NotesConvolution,
        fs.MaxPooling: NotesPooling,
        fs.ReLU: lambda layer: NotesReLU(),
        fs.BatchNormalisation: NotesNormalisation,
    }
    copied = copy.deepcopy(network)
    layers = {name: ways.get(type(layer), lambda same: same)(layer) for name, layer in copied.layers.items()}
    return fs.Network(layers, network.dtype)


def keras_step(name: str, network: fs.Network, x: np.ndarray, targets: np.ndarray) -> Callable:
    """The same step in Keras on TensorFlow, as a compiled function in float32."""
    import keras
    import tensorflow as tf

    from facetracker.models import classic

    if name == "simple_convnet":
        model = classic.simple_convnet(classes=10)
    else:
        model = classic.vgg6(classes=2, dropout=0.0)
    model.set_weights(fs.to_keras_weights(network))
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    pictures = tf.constant(x.transpose(0, 2, 3, 1).astype(np.float32))
    classes = tf.constant(targets)

    @tf.function(jit_compile=False)
    def step():
        with tf.GradientTape() as tape:
            loss = loss_of(classes, model(pictures, training=True))
        return loss, tape.gradient(loss, model.trainable_weights)

    return lambda: [array.numpy() for array in step()[1]]


def relative_difference(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> float:
    """The largest difference between two sets of gradients, relative to the largest gradient in each array.

    The bias of a convolution before a batch normalisation is left out: its gradient is zero but for rounding.
    """
    normalised = {name.replace("norm", "conv").replace("gamma", "b") for name in a if name.endswith(".gamma")}
    return max(float(np.abs(a[k] - b[k]).max() / np.abs(a[k]).max()) for k in a if k not in normalised)


def measure(name: str, network_of: Callable, x: np.ndarray, targets: np.ndarray, rounds: int) -> dict:
    """Compare the results, then time every way `rounds` times, turn by turn."""
    ours64, ours32 = network_of(np.float64), network_of(np.float32)
    for key, array in ours32.parameters.items():
        array[...] = ours64.parameters[key]
    notes = notes_network(ours64)
    reference = notes.loss_and_gradients(x, targets)[1]
    difference64 = relative_difference(reference, ours64.loss_and_gradients(x, targets)[1])
    difference32 = relative_difference(reference, ours32.loss_and_gradients(x, targets)[1])
    if difference64 > 1e-9 or difference32 > 1e-3:
        raise SystemExit(f"{name}: the results differ: float64 {difference64:.1e}, float32 {difference32:.1e}")
    ways = {
        "notes float64": lambda: notes.loss_and_gradients(x, targets),
        "numpy float64": lambda: ours64.loss_and_gradients(x, targets),
        "numpy float32": lambda: ours32.loss_and_gradients(x, targets),
        "keras float32": keras_step(name, ours64, x, targets),
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    for way in ways.values():
        way()  # warm
    for _ in range(rounds):
        for way, step in ways.items():
            start = time.perf_counter()
            step()
            times[way].append(time.perf_counter() - start)
    medians = {way: statistics.median(values) for way, values in times.items()}
    # Each round is a comparison of its own; the median of the rounds is steadier than the ratio of two medians.
    against = {
        way: statistics.median(a / b for a, b in zip(times["notes float64"], times[way], strict=True)) for way in ways
    }
    return {
        "network": name,
        "batch": len(x),
        "seconds": medians,
        "times_faster_than_notes": against,
        "difference": {"numpy float64": difference64, "numpy float32": difference32},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="numpy against the study notes' way, and beside Keras")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=16, help="pictures of 224x224 in VGG6's batch")
    parser.add_argument("--threads", type=int, help="threads for numpy and for Keras (default: all cores)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()

    random = np.random.default_rng(0)
    results = []
    for name, network_of, shape, batch, classes in (
        ("simple_convnet", lambda dtype: fs.SimpleConvNet(dtype=dtype), (1, 28, 28), 100, 10),
        ("vgg6", lambda dtype: fs.VGG6(dropout=0.0, dtype=dtype), (3, 224, 224), arguments.batch, 2),
    ):
        x = random.random((batch, *shape))
        targets = random.integers(0, classes, batch)
        result = measure(name, network_of, x, targets, arguments.rounds)
        results.append(result)
        print(f"{name}, {batch} pictures of {shape}, median of {arguments.rounds} rounds")
        for way, seconds in result["seconds"].items():
            faster = result["times_faster_than_notes"][way]
            print(f"  {way:14} {1000 * seconds:9.1f} ms a step   {faster:6.2f}x the notes' speed")
        print(f"  largest difference of a gradient from the notes': {result['difference']}")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
