"""LiteRT (formerly TensorFlow Lite): `.tflite`, the card in `MODEL.tflite.json`."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from facetracker.core.console import silenced
from facetracker.core.errors import BadFile, one_line
from facetracker.core.photo import Picture
from facetracker.inference.card import Card
from facetracker.inference.engines.base import Engine, ForShapes, Outputs


class LiteRTEngine(Engine):
    """One interpreter per input shape: resizing one back and forth would plan its memory again each time."""

    name = "litert"

    def __init__(self, path: Path, threads: int):
        self.path, self.threads = path, threads
        self.card = Card.read_beside(path)
        self._file = path.read_bytes()
        self._ready = ForShapes(self._prepare)
        first = self._interpreter()
        source = first.get_input_details()[0]
        self._dtype, self._scale = source["dtype"], source["quantization"]
        if self._dtype not in (np.uint8, np.int8, np.float32):
            raise BadFile(f"its input is {np.dtype(self._dtype)}, not uint8, int8 or float32", path=path)
        signature = source["shape_signature"] if len(source["shape_signature"]) else source["shape"]
        self.bind_input([int(side) if side > 0 else None for side in signature])
        self._outputs = self._find_outputs(first)

    def _interpreter(self) -> Interpreter:
        try:
            return Interpreter(model_content=self._file, num_threads=self.threads)
        except (ValueError, RuntimeError) as error:
            why = one_line(str(error))[:120]
            fix = "Is it a model of another program? facetracker export writes those that are read here."
            raise BadFile(f"cannot be loaded as LiteRT ({why})", path=self.path, fix=fix) from None

    def _find_outputs(self, interpreter: Interpreter) -> dict[str, int]:
        """Tensor number of each of the head's outputs: the details come in no order, a signature has names."""
        if interpreter.get_signature_list():
            details = interpreter.get_signature_runner().get_output_details()
            named = {name: int(detail["index"]) for name, detail in details.items()}
        else:
            named = {detail["name"]: int(detail["index"]) for detail in interpreter.get_output_details()}
        return {ours: named[name] for name, ours in self.name_outputs(list(named)).items()}

    def run(self, batch: Picture) -> Outputs:
        return self._ready.of(batch.shape).run(self._as_input(batch))

    def _as_input(self, batch: Picture) -> Picture:
        if self._dtype == np.int8:  # full-integer files: 0..255 as -128..127 unless they say otherwise
            scale, zero = self._scale
            if abs(scale - 1.0) < 1e-3 or scale == 0:
                return (batch ^ 128).view(np.int8)
            return np.clip(np.round(batch / scale) + zero, -128, 127).astype(np.int8)
        return batch.astype(self._dtype, copy=False)

    def _prepare(self, shape: tuple[int, ...]) -> _Ready:
        interpreter = self._interpreter()
        source = interpreter.get_input_details()[0]
        try:
            if tuple(source["shape"]) != shape:
                interpreter.resize_tensor_input(source["index"], shape, strict=False)
            with _no_greeting():
                interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise BadFile(f"does not take a batch of {shape} ({one_line(str(error))[:200]})", path=self.path) from None
        ready = _Ready(interpreter, source["index"], self._outputs)
        self.check(ready.run(np.zeros(shape, self._dtype)))
        return ready


_greeted = False


def _no_greeting() -> AbstractContextManager[None]:
    """LiteRT writes a line about its delegate to file descriptor 2, once a process, whatever its log level."""
    global _greeted
    greeted, _greeted = _greeted, True
    return nullcontext() if greeted else silenced(2)


class _Ready:
    """An interpreter with its memory planned for one input shape."""

    def __init__(self, interpreter: Interpreter, source: int, outputs: dict[str, int]):
        self._interpreter, self._source = interpreter, source
        details: dict[int, dict[str, Any]] = {d["index"]: d for d in interpreter.get_output_details()}
        self._outputs = [(name, index, *details[index]["quantization"]) for name, index in outputs.items()]

    def run(self, batch: Picture) -> Outputs:
        try:
            self._interpreter.set_tensor(self._source, batch)
            self._interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            raise BadFile(f"cannot be run ({one_line(str(error))[:200]})") from None
        return {name: self._output(index, scale, zero) for name, index, scale, zero in self._outputs}

    def _output(self, index: int, scale: float, zero: int):
        array = self._interpreter.get_tensor(index)
        if array.dtype == np.float32:
            return array
        return (array.astype(np.float32) - zero) * np.float32(scale)
