"""ONNX Runtime: `.onnx`, the card in the file's metadata."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime

from facetracker.core.errors import BadFile, one_line
from facetracker.core.photo import Picture
from facetracker.inference.card import CARD_KEY, Card, no_card
from facetracker.inference.engines.base import Engine, Outputs

_DTYPES = {"tensor(uint8)": np.uint8, "tensor(float)": np.float32, "tensor(float16)": np.float16}
_ERRORS_ONLY = 3


class OnnxEngine(Engine):
    """Sizes that the file leaves open may change from call to call."""

    name = "onnxruntime"

    def __init__(self, path: Path, threads: int):
        self.path, self.threads = path, threads
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        # Its threads spin between two calls by default and take the cores from OpenCV's resizing and the camera.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its exceptions share no base class of their own
            fix = "Is it a model of another program? facetracker export writes those that are read here."
            raise BadFile(f"cannot be loaded as ONNX ({one_line(str(error))[:120]})", path=path, fix=fix) from None
        text = self._session.get_modelmeta().custom_metadata_map.get(CARD_KEY)
        if text is None:
            raise no_card(path, "nothing in its metadata")
        self.card = Card.from_text(text, path)
        source = self._session.get_inputs()[0]
        self._input, self._dtype = source.name, _DTYPES.get(source.type)
        if self._dtype is None:
            raise BadFile(f"its input is {source.type}, not uint8 or float", path=path)
        self.bind_input([side if isinstance(side, int) and side > 0 else None for side in source.shape])
        self._names = [output.name for output in self._session.get_outputs()]
        self._ours = self.name_outputs(self._names)
        self._checked = False

    def run(self, batch: Picture) -> Outputs:
        try:
            results = self._session.run(self._names, {self._input: batch.astype(self._dtype, copy=False)})
        except Exception as error:  # as above
            raise BadFile(f"cannot be run ({one_line(str(error))[:200]})", path=self.path) from None
        outputs = {self._ours[name]: np.asarray(array, np.float32) for name, array in zip(self._names, results)}  # noqa: B905
        if not self._checked:
            self.check(outputs)
            self._checked = True
        return outputs
