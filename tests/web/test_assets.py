"""What the tab runs: the starter as ONNX, and little beside it."""

from __future__ import annotations

import numpy as np
from page_modules import JS

from facetracker import scenes
from facetracker.inference.card import Card
from facetracker.inference.detector import ASSETS, Detector

MOST_BYTES = 2_000_000  # of the model and every file of the page; it was 15.6 MB with onnxruntime-web


def test_the_tab_loads_little():
    loaded = [ASSETS / "starter.onnx", *JS.parent.rglob("*.*")]
    assert sum(path.stat().st_size for path in loaded) <= MOST_BYTES


def test_the_kernels_are_served_as_what_they_are(served):
    with served.client() as page:
        answer = page.get("/static/js/runtime/kernels.wasm")
        assert answer.headers["content-type"] == "application/wasm"
        assert answer.content == (JS / "runtime" / "kernels.wasm").read_bytes()


def test_the_starter_of_the_tab_is_the_starter_of_the_server():
    assert (ASSETS / "starter.onnx").stat().st_size <= 1_200_000
    server, tab = Detector(), Detector.load(ASSETS / "starter.onnx")
    assert server.card == tab.card
    assert isinstance(tab.card, Card)
    for number in range(6):
        frame = scenes.photo(3, number, faces=1).picture
        ours, theirs = server.detect(frame, 0.4), tab.detect(frame, 0.4)
        sure = ours.scores > 0.45  # a score at the threshold may fall on either side
        assert sure.sum() <= len(theirs)
        for box, score in zip(ours.pixels[sure], ours.scores[sure], strict=True):
            nearest = np.abs(theirs.pixels - box).max(axis=1).argmin()
            assert np.abs(theirs.pixels[nearest] - box).max() < 1.0  # pixels
            assert abs(theirs.scores[nearest] - score) < 0.02
