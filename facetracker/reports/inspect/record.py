"""What every layer did in one pass: shapes, parameters, multiply-adds, and its output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

# Layers whose outputs are worth a look; padding, dropout and adding constants are not.
SEEN = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.ReLU,
    keras.layers.Activation,
    keras.layers.Add,
    keras.layers.MaxPooling2D,
    keras.layers.AveragePooling2D,
)


@dataclass(frozen=True)
class Step:
    """One layer's turn: its name and kind, what came out `(1, ...)`, its parameters and multiply-adds."""

    name: str
    kind: str
    output: Any
    parameters: int
    multiply_adds: int
    visible: bool

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(int(side) for side in self.output.shape[1:])


def record(model: keras.Model, picture: np.ndarray) -> list[Step]:
    """Every layer of a model in the order in which they worked on one picture `(H, W, 3)` RGB."""
    steps: list[Step] = []
    with _listening(steps):
        model(np.asarray(picture, np.float32)[None], training=False)
    return steps


@contextmanager
def _listening(steps: list[Step]) -> Iterator[None]:
    """Within it every layer that is called leaves a step: whatever a model is made of, it cannot hide one."""
    original = keras.layers.Layer.__call__

    def call(self, *arguments, **options):
        outputs = original(self, *arguments, **options)
        if not isinstance(self, keras.Model) and hasattr(outputs, "shape") and not getattr(self, "_layers", None):
            source = arguments[0] if arguments else None
            steps.append(
                Step(
                    self.name,
                    type(self).__name__,
                    outputs,
                    int(self.count_params()) if self.built else 0,
                    multiply_adds(self, source, outputs),
                    isinstance(self, SEEN) and len(outputs.shape) == 4,
                )
            )
        return outputs

    keras.layers.Layer.__call__ = call
    try:
        yield
    finally:
        keras.layers.Layer.__call__ = original


def multiply_adds(layer: keras.layers.Layer, source: Any, output: Any) -> int:
    """Multiplications with a weight that a layer does for one picture; other layers do none worth counting."""
    if not isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D | keras.layers.Dense):
        return 0
    weights = int(np.prod(layer.kernel.shape))
    if isinstance(layer, keras.layers.Dense):
        return weights * int(np.prod(output.shape[1:-1]))
    return weights * int(np.prod(output.shape[1:3]))


def counted_once(steps: Sequence[Step]) -> list[int]:
    """The parameters that each step adds to the network's: a layer that works several times has its weights once."""
    seen: set[str] = set()
    added = []
    for step in steps:
        added.append(0 if step.name in seen else step.parameters)
        seen.add(step.name)
    return added


def table(steps: Sequence[Step]) -> str:
    """The layers as text, one a line, and the totals."""
    wide = max(len(step.name) for step in steps) + 2
    lines = [f"{'layer':<{wide}}{'kind':<24}{'output':>18}{'parameters':>14}{'multiply-adds':>16}"]
    added = counted_once(steps)
    for step, own in zip(steps, added, strict=True):
        shape = "x".join(str(side) for side in step.shape) or "1"
        adds = f"{step.multiply_adds:,}" if step.multiply_adds else ""
        lines.append(f"{step.name:<{wide}}{step.kind:<24}{shape:>18}{f'{own:,}' if own else '':>14}{adds:>16}")
    total = f"{sum(step.multiply_adds for step in steps):,}"
    lines.append(f"{'all':<{wide}}{'':<24}{'':>18}{f'{sum(added):,}':>14}{total:>16}")
    return "\n".join(lines)


def first_filters(model: keras.Model) -> tuple[str, np.ndarray]:
    """The name and the kernel `(h, w, C, F)` of the first convolution of a model's backbone."""
    for layer in model.backbone._flatten_layers():
        if isinstance(layer, keras.layers.Conv2D):
            return layer.name, np.asarray(ops.convert_to_numpy(layer.kernel))
    raise ValueError("the backbone has no convolution")
