"""report.html: one file, complete, harmless, and its curves and cut-outs where they belong."""

from __future__ import annotations

import os
import re

import numpy as np
import pytest
from by_hand import LEFT, photo
from pages import pictures_in, self_contained
from small_files import labelled_photo

from facetracker.core.photo import write_png
from facetracker.reports.charts import HEIGHT, WIDTH, Line, bar_chart, line_chart
from facetracker.reports.evaluation import evaluate
from facetracker.reports.evaluation.gallery import false_alarms, loose_boxes, missed_faces, window


@pytest.fixture
def page(constant, photos, tmp_path):
    labelled_photo(photos / "images", "<b>bold", boxes=((0.0, 0.0, 0.1, 0.1),), index=4)
    models = [constant("right"), constant("half", box=(0.25, 0.25, 0.75, 0.5))]
    evaluate(models, photos, out=tmp_path / "out")
    return (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_one_file_that_fetches_nothing_and_runs_nothing(page):
    assert self_contained(page)


def test_light_and_dark_and_phone(page):
    assert "prefers-color-scheme: dark" in page
    assert 'name="viewport"' in page


def test_names_are_text_and_not_html(page):
    assert "<b>bold" not in page
    assert "&lt;b&gt;bold.jpg" in page


def test_a_class_and_a_model_are_text_too(constant, tmp_path):
    hostile = "<script>alert(1)</script>"
    labelled_photo(tmp_path / "images", "a", labels=(hostile,))
    labelled_photo(tmp_path / "images", "b", labels=("face",))
    labelled_photo(tmp_path / "images", "cut<i>").write_bytes(b"\xff\xd8")
    evaluate(constant("<u>m", scores=(0.1, 0.8), classes=("face", hostile)), tmp_path, out=tmp_path / "out")
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert not re.search("<script|<u>|cut<", text)
    assert "cut&lt;i&gt;.jpg" in text
    assert "<th>&lt;script&gt;alert(1)&lt;/script&gt;</th>" in text
    assert "&lt;u&gt;m" in text


def test_both_models_stand_side_by_side_with_the_better_marked(page):
    assert "Side by side" in page
    row = re.search(r"<tr><td>AP75</td>(.*?)</tr>", page).group(1)
    assert re.findall(r'<td( class="best")?>', row) == [' class="best"', ""]
    assert "half.onnx" in page


def test_a_report_without_a_gallery_shows_nobody(constant, photos, tmp_path):
    evaluate(constant("right"), photos, out=tmp_path / "out", gallery=0)
    text = (tmp_path / "out" / "report.html").read_text()
    assert "<img" not in text
    assert "keep it as private" not in text


@pytest.fixture
def inspected(constant, tmp_path):
    """A run folder with the pictures of `inspect`, younger than its network; and the pictures' bytes."""
    run = tmp_path / "run"
    run.mkdir()
    (run / "model.onnx").write_bytes(constant("right").read_bytes())
    (run / "model.keras").write_bytes(b"the network")
    os.utime(run / "model.keras", (1e9, 1e9))
    sheets = [run / "inspect" / name for name in ("gradcam.png", "filters.png")]
    return run, [write_png(path, np.full((8, 8, 3), grey, np.uint8)).read_bytes() for grey, path in enumerate(sheets)]


def report_of(run, photos, **options):
    return (evaluate(run, photos, out=run / "evaluation", force=True, **options).folder / "report.html").read_text()


def test_a_run_that_was_inspected_brings_the_pictures(inspected, photos):
    run, sheets = inspected
    text = report_of(run, photos)
    self_contained(text)
    assert [data for data in pictures_in(text) if data in sheets] == sheets
    assert str(run / "inspect") in text


def test_pictures_of_an_earlier_network_and_of_a_face_stay_out(inspected, photos):
    run, _ = inspected
    assert "Looking inside" not in report_of(run, photos, gallery=0)
    os.utime(run / "model.keras")  # trained again since
    os.utime(run / "inspect" / "gradcam.png", (1e9, 1e9))
    assert "Looking inside" not in report_of(run, photos)


def test_classes_bring_a_confusion_table(constant, tmp_path):
    labelled_photo(tmp_path / "images", "a", labels=("mask",))
    labelled_photo(tmp_path / "images", "b", labels=("other",))
    evaluate(constant("m", scores=(0.1, 0.8), classes=("bare", "mask")), tmp_path, out=tmp_path / "out")
    text = (tmp_path / "out" / "report.html").read_text()
    assert "Which class is taken for which" in text
    assert "does not know other" in text
    assert "Not measured: every photo here shows a face" in text


def test_lines_stay_in_the_frame_and_break_where_nothing_is_known():
    chart = line_chart([Line("a", [0, 0.5, None, 1], [1, 0, None, 0.5]), Line("b", [0, 1], [0, 1], 1)], "x", "y")
    paths = re.findall(r'class="line c0 " d="([^"]+)"', chart)[0]
    assert paths.count("M") == 2
    numbers = [float(part) for part in re.findall(r"[ML]([\d.]+) [\d.]+", chart)]
    assert min(numbers) >= 0
    assert max(numbers) <= WIDTH
    assert "<li>" in chart
    assert "<li>" not in line_chart([Line("a", [0, 1], [0, 1])], "x", "y")


def test_bars_leave_out_what_is_not_known():
    chart = bar_chart(["small", "large"], [("a", [None, 0.5], ["", "half"]), ("b", [1.0, 0.0], ["all", "none"])], "AP")
    assert chart.count("<rect") == 3
    assert "<title>a: half</title>" in chart
    heights = [float(value) for value in re.findall(r'height="([\d.]+)"', chart)]
    assert max(heights) < HEIGHT


def test_the_worst_come_first():
    small, large = [0.0, 0.0, 0.1, 0.1], [0.5, 0.5, 0.9, 0.9]
    missed = missed_faces([photo([small]), photo([large])])
    assert [mistake.caption for mistake in missed] == ["missed, 40×40 px", "missed, 10×10 px"]
    alarms = false_alarms([photo([], [LEFT], scores=[0.3]), photo([large], [LEFT, large], scores=[0.8, 0.9])])
    assert [mistake.caption[:10] for mistake in alarms] == ["score 0.80", "score 0.30"]
    loose = loose_boxes([photo([LEFT], [[0.0, 0.0, 0.4, 0.28]]), photo([LEFT], [[0.0, 0.0, 0.4, 0.2]])])
    assert [mistake.caption for mistake in loose] == ["IoU 0.50", "IoU 0.70"]


def test_a_small_face_is_cut_out_and_a_large_one_is_not():
    small, large = missed_faces([photo([[0.9, 0.9, 1.0, 1.0]])])[0], missed_faces([photo([LEFT])])[0]
    assert window(large) == (0.0, 0.0, 1.0, 1.0)
    left, top, right, bottom = window(small)
    assert right - left < 0.6
    assert (right, bottom) == pytest.approx((1.0, 1.0))
    assert left > 0
    assert top > 0
