"""OpenVINO: `.xml` with its `.bin`, the card in `MODEL.xml.json`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from facetracker.core.errors import BadFile, one_line
from facetracker.core.photo import Picture
from facetracker.inference.card import Card
from facetracker.inference.engines.base import Engine, ForShapes, Outputs
from facetracker.private import mute_openvino

mute_openvino()

import openvino  # noqa: E402


class OpenVINOEngine(Engine):
    """Compiled once per input shape: with open sizes it would plan again inside every call."""

    name = "openvino"

    def __init__(self, path: Path, threads: int):
        self.path, self.threads = path, threads
        self.card = Card.read_beside(path)
        self._core = openvino.Core()
        model = self._read()
        source = model.inputs[0]
        self._dtype = np.dtype(source.element_type.to_dtype())
        if self._dtype not in (np.uint8, np.float32, np.float16):
            raise BadFile(f"its input is {self._dtype}, not uint8 or float", path=path)
        self.bind_input([None if side.is_dynamic else side.get_length() for side in source.partial_shape])
        ours = self.name_outputs([_output_name(output, index) for index, output in enumerate(model.outputs)])
        self._outputs = [ours[_output_name(output, index)] for index, output in enumerate(model.outputs)]
        self._ready = ForShapes(self._compile)

    def _read(self) -> Any:
        try:
            return self._core.read_model(str(self.path))
        except RuntimeError as error:
            raise BadFile(f"cannot be loaded by OpenVINO ({one_line(str(error))[:200]})", path=self.path) from None

    def run(self, batch: Picture) -> Outputs:
        return self._infer(self._ready.of(batch.shape), batch)

    def _infer(self, request: Any, batch: Picture) -> Outputs:
        results = request.infer([batch.astype(self._dtype, copy=False)], share_inputs=True, share_outputs=True)
        return {name: np.asarray(results[index], np.float32) for index, name in enumerate(self._outputs)}

    def _compile(self, shape: tuple[int, ...]) -> Any:
        model = self._read()
        settings = {
            "INFERENCE_NUM_THREADS": self.threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            "ENABLE_CPU_PINNING": False,
            # On recent Intel cores it would compute in bfloat16 unasked, and scores would differ between machines.
            "INFERENCE_PRECISION_HINT": "f32",
        }
        try:
            model.reshape(list(shape))
            request = self._core.compile_model(model, "CPU", settings).create_infer_request()
        except RuntimeError as error:
            raise BadFile(f"does not take a batch of {shape} ({one_line(str(error))[:200]})", path=self.path) from None
        self.check(self._infer(request, np.zeros(shape, np.uint8)))
        return request


def _output_name(output: Any, index: int) -> str:
    names = sorted(output.get_names())
    return names[0] if names else f"output_{index}"
