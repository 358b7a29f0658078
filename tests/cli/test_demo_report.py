"""The demo's page from a demo that was never run: whole, and what stands in it is text."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from facetracker.cli.demo.chapters import CHAPTERS
from facetracker.cli.demo.report import report
from facetracker.cli.demo.steps import Demo, DemoPicture, DemoStep, Film
from facetracker.core.boxes import as_boxes

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def page(tmp_path) -> str:
    (tmp_path / "film.mp4").write_bytes(b"a film")
    photo = DemoPicture(
        np.full((60, 80, 3), 90, np.uint8), f"a room {HOSTILE}", truth=as_boxes([0.25, 0.25, 0.5, 0.75])
    )
    scores = SimpleNamespace(
        mean_iou=0.9,
        ap75=0.8,
        photos=8,
        at_threshold=SimpleNamespace(f1=0.95),
        false_alarms=SimpleNamespace(photos_with_alarm=0, photos=2),
    )
    demo = Demo(tmp_path, total=len(CHAPTERS), seconds=60.0, counts={"train": 40, "val": 8, "test": 8})
    demo.steps = [DemoStep(name, f"facetracker {name}", f"done {HOSTILE}", 5.0, [photo]) for name in CHAPTERS]
    demo.findings = [
        SimpleNamespace(photo=f"images/{HOSTILE}.jpg", kind="wrong class", detail=HOSTILE, fix="rename it")
    ]
    demo.history = [
        {"epoch": epoch, "mean_iou": 0.5, "val_mean_iou": 0.4, "total_loss": 2.0, "val_total_loss": 3.0}
        for epoch in (1, 2, 3)
    ]
    demo.evaluation = SimpleNamespace(models=[SimpleNamespace(scores=scores)] * 3)
    demo.page = tmp_path / "<b>.html"
    demo.page.write_bytes(bytes(1_200_000))
    demo.film = Film(tmp_path / "film.mp4", 25, 24, 1, own=0.93, starter=0.65)
    demo.steps[4].film = demo.film.path
    return report(demo)


def test_names_are_text_and_not_html(page):
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 2 * len(CHAPTERS) + 2
    assert 'href="&lt;b&gt;.html"' in page


def test_every_step_has_its_chapter(page):
    for name, (title, _) in CHAPTERS.items():
        assert f'<section id="{name}">' in page
        assert title in page
    assert '<rect class="truth" x="20.0" y="15.0" width="20.0" height="30.0" rx="4"/>' in page
    assert "prefers-color-scheme: dark" in page
    assert "0.900" in page
    assert "1.2 MB" in page
    assert "0.65 → 0.93" in page
    assert page.count("<video ") == 2
    assert page.count('<path class="line') == 4  # train and val, twice
