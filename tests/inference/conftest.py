"""Model files with known answers, and sources of painted frames."""

from __future__ import annotations

import shutil
from pathlib import Path

import networks
import pytest
from painted import Painted, film


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> Path:
    """A folder with the dense network in every format, a single head, two classes, and bound sizes."""
    folder = tmp_path_factory.mktemp("models")
    dense = networks.write_dense_onnx(folder / "dense.onnx")
    networks.write_dense_onnx(folder / "two.onnx", classes=2)
    networks.write_dense_onnx(folder / "bound.onnx", size=(96, 128), batch=1)
    networks.write_single_onnx(folder / "single.onnx")
    networks.write_openvino(folder / "dense.xml", dense, networks.dense_card())
    shutil.copy(Path(networks.__file__).with_name("dense.tflite"), folder)
    networks.dense_card().write_beside(folder / "dense.tflite")
    return folder


@pytest.fixture(scope="session")
def green_film(tmp_path_factory) -> Path:
    """A film of 60 frames, 30 a second, 320x240: a green square that walks to the right."""
    return film(tmp_path_factory.mktemp("films") / "green.avi", 60)


@pytest.fixture
def painted():
    """Makes sources of painted frames: see `painted.Painted`."""
    return Painted
