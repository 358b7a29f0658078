"""A tracker as one HTML file: what is in it, and when nothing need be converted. Browsers open it in tests/web."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from facetracker.core.errors import FaceTrackerError
from facetracker.core.files import write_json
from facetracker.exports import export
from facetracker.exports.formats.html import write_page
from facetracker.exports.page import model_of_page, page_alone
from facetracker.exports.page.bundle import bundle
from facetracker.inference.card import Card
from facetracker.inference.detector import ASSETS, find_model

STARTER = ASSETS / "starter.onnx"


def card_of(page: bytes) -> Card:
    found = re.search(rb'id="part-card">([^<]*)<', page)
    return Card.from_text(found[1], "page")


def test_the_starter_is_put_into_a_page_as_it_is(tmp_path):
    [made] = export("starter", ["html"], tmp_path)
    page = made.path.read_bytes()
    assert made.path == tmp_path / "starter.html"
    assert "as it is" in made.line()
    assert model_of_page(page, made.path) == STARTER.read_bytes()
    assert card_of(page) == Card.read_beside(find_model())
    assert page == page_alone(STARTER.read_bytes(), card_of(page))
    assert b"@@" not in page
    with pytest.raises(FaceTrackerError, match="is there already"):
        export("starter", ["html"], tmp_path)
    [again] = export("starter", ["html"], tmp_path, force=True, threshold=0.4)
    assert card_of(again.path.read_bytes()).threshold == 0.4


def test_a_style_goes_with_the_starter(tmp_path):
    run = tmp_path / "me"
    run.mkdir()
    (run / "model.tflite").write_bytes((ASSETS / "starter.tflite").read_bytes())
    card = replace(Card.read_beside(find_model()), style=[-0.1, -0.2, 0.1, 0.05], name="<b>me</b>")
    write_json(run / "model.tflite.json", card.as_dict())
    [made] = export(run, ["html"])
    page = made.path.read_bytes()
    assert made.path == run / "model.html"
    assert card_of(page) == card
    assert b"<b>me" not in page
    assert b"<title>&lt;b&gt;me" in page


def test_a_model_that_is_onnx_already_is_taken(single, tmp_path):
    [made] = export(single.file("onnx"), ["html"], tmp_path)
    assert model_of_page(made.path.read_bytes(), made.path) == single.file("onnx").read_bytes()
    assert card_of(made.path.read_bytes()).head == "single"


def test_a_classifier_is_no_tracker(tmp_path):
    card = Card(["mask", "none"], 64, "classifier")
    with pytest.raises(FaceTrackerError, match="classifies faces"):
        write_page(STARTER, card, tmp_path / "page.html")


def test_a_file_without_a_tracker_is_told(tmp_path):
    with pytest.raises(FaceTrackerError, match="no page"):
        model_of_page(b"<html></html>", tmp_path / "page.html")


def test_the_page_forbids_every_connection(tmp_path):
    page = page_alone(STARTER.read_bytes(), Card.read_beside(find_model())).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)


def test_modules_are_bundled_in_the_order_in_which_they_are_needed(tmp_path):
    files = {
        "main.js": 'import { twice as double } from "./lib/numbers.js";\nimport * as all from "./lib/numbers.js";\n'
        "\nglobalThis.answer = double(all.THREE);\n",
        "lib/numbers.js": 'import { ONE } from "../one.js";\n\nexport const THREE = 2 + ONE;\n\n'
        "export function twice(x) {\n  return 2 * x;\n}\n",
        "one.js": "export const ONE = 1;\n",
    }
    (tmp_path / "lib").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    script = bundle("main.js", tmp_path)
    assert [line for line in script.splitlines() if line.startswith("// ")] == [
        "// one.js",
        "// lib/numbers.js",
        "// main.js",
    ]
    assert "import" not in script
    (tmp_path / "one.js").write_text('import { twice } from "./lib/numbers.js";\n\nexport const ONE = twice;\n')
    with pytest.raises(ValueError, match="imports itself"):
        bundle("main.js", tmp_path)
    (tmp_path / "one.js").write_text("export default 1;\n")
    with pytest.raises(ValueError, match="cannot be bundled"):
        bundle("main.js", tmp_path)
