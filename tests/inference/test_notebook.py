"""In a notebook `detect` shows one picture below the cell, which changes; a window would end the kernel."""

from __future__ import annotations

import base64
from pathlib import Path

import cv2
import numpy as np
import pytest


@pytest.mark.slow
def test_frames_are_shown_inline(models: Path, green_film: Path, tmp_path: Path, monkeypatch) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("DISPLAY", ":0")  # as on a person's desktop: a window would be tried, and end the kernel
    code = f"""
import cv2
def no_window(*given): raise SystemExit("a window in a notebook")
cv2.imshow = cv2.namedWindow = no_window
from facetracker.inference.detect import detect
done = detect({str(models / "dense.onnx")!r}, {str(green_film)!r})
print(done.report.frames, done.report.shown)
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    client = nbclient.NotebookClient(notebook, timeout=250, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    outputs = notebook.cells[0].outputs
    printed = "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stdout")
    frames, shown = map(int, printed.split()[-2:])
    assert frames == 60
    assert shown >= 1
    (picture,) = [output for output in outputs if output.output_type == "display_data"]  # one, updated in place
    jpeg = np.frombuffer(base64.b64decode(picture["data"]["image/jpeg"]), np.uint8)
    assert cv2.imdecode(jpeg, cv2.IMREAD_COLOR).shape == (240, 320, 3)
