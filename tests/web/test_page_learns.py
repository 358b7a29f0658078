"""What the tab learns from photos is what Python learns: views, pairs, style, threshold; it hides what Python hides."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from page_modules import run_node

from facetracker import scenes
from facetracker.core.boxes import as_boxes, to_pixels
from facetracker.inference.card import Card
from facetracker.inference.decode import best_of_parts, decode_dense, decode_single
from facetracker.inference.detector import ASSETS, Detector
from facetracker.inference.hiding.cover import Cover
from facetracker.inference.style import Style, learn_style
from facetracker.personal.choose import threshold_for
from facetracker.personal.teacher import join, match, pairs_in
from facetracker.personal.views import random_place

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")

LEARN = """
import { readFileSync } from "node:fs";
import { openSession } from "./js/runtime/session.js";
import { Detector } from "./js/vision/detector.js";
import { learn, pairsIn } from "./js/vision/teacher.js";
const { model, card, photos } = JSON.parse(readFileSync(0, "utf8"));
const session = await openSession(new Uint8Array(readFileSync(model)), (name) => readFileSync(`js/runtime/${name}`));
const detector = new Detector(session, card);
const pairs = photos.map((one) => pairsIn(detector, readFileSync(one.file), one.width, one.height, one.boxes));
console.log(JSON.stringify({ pairs, ...learn(pairs, card.threshold) }));
"""
VALUES = """
import { readFileSync } from "node:fs";
import { learnStyle, styled } from "./js/vision/style.js";
import { match, thresholdFor } from "./js/vision/teacher.js";
import { Random, lay, randomPlace } from "./js/vision/views.js";
const { found, drawn, scores, boxes, sizes, picture } = JSON.parse(readFileSync(0, "utf8"));
const random = new Random();
const places = sizes.map(([w, h]) => randomPlace(w, h, 320, 256, [[0.4, 0.3, 0.6, 0.7]], random));
const rgba = Uint8Array.from(picture);
const sides = { width: 40, height: 30, inputWidth: 64, inputHeight: 32 };
const place = { ...sides, scale: 1.3, left: -4.4, top: 2.7, mirrored: true };
console.log(JSON.stringify({
  styles: found.map((one, i) => learnStyle(one, drawn[i])),
  styled: boxes.map((box) => styled(box, [0.1, -0.2, 0.05, 0.3])),
  matches: found.map((one, i) => match(one, drawn[i])),
  thresholds: scores.map((list) => thresholdFor(list, 0.65)),
  places,
  view: Array.from(lay(rgba, place)),
}));
"""
HIDE = """
import { readFileSync } from "node:fs";
import { covers } from "./js/vision/hide.js";
const { boxes, width, height } = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(covers(boxes, width, height)));
"""
SIZES = """
import { readFileSync } from "node:fs";
import { inputSize } from "./js/vision/letterbox.js";
const { frames, cards } = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(cards.map((card) => frames.map(([width, height]) => inputSize(card, null, width, height)))));
"""
DECODE = """
import { readFileSync } from "node:fs";
import { decodeDense, decodeSingle } from "./js/vision/decode.js";
import { bestOfParts, isCut, partAround, partsOf, sideOf } from "./js/vision/parts.js";
const { dense, single, place, card, frames, crops, parts } = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify({
  dense: dense.map(({ scores, offsets, threshold }) =>
    decodeDense(Float32Array.from(scores), Float32Array.from(offsets), place, card, threshold)),
  single: single.map(({ classes, boxes }) => decodeSingle(classes, boxes, { inputWidth: 1, inputHeight: 1 }, 0.5)),
  parts: frames.map(([w, h]) => crops.map((crop) => [sideOf(crop, w, h), partsOf(crop, w, h),
    partAround(crop, w, h, [0.9 * w, 0, w, 0.3 * h]),
    isCut([0.01, 0.5, 0.6, 0.99], partsOf(crop, w, h).at(-1), w, h)])),
  best: bestOfParts(parts).number,
}));
"""


def photos(count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Drawn photos of some sizes, with boxes as one person might draw them."""
    random = np.random.default_rng(4)
    made = []
    for number in range(count):
        size = ((640, 480), (500, 375), (480, 640))[number % 3]
        frame = scenes.Scene(*size, faces=1 + number % 2, seed=number, size=0.6).frame(0)
        drawn = Style(-0.1, -0.25, 0.12, 0.1).apply(frame.boxes)
        made.append((frame.picture, as_boxes(drawn + random.normal(0, 0.004, drawn.shape))))
    return made


def test_the_tab_learns_what_python_learns(tmp_path):
    detector = Detector.load(ASSETS / "starter.onnx", threads=1)
    taken = photos(5)
    told = []
    for number, (picture, boxes) in enumerate(taken):
        file = tmp_path / f"{number}.rgba"
        file.write_bytes(cv2.cvtColor(picture, cv2.COLOR_BGR2RGBA).tobytes())
        height, width = picture.shape[:2]
        told.append({"file": str(file), "width": width, "height": height, "boxes": boxes.tolist()})
    card = json.loads(detector.card.to_text())
    ours = run_node(LEARN, tmp_path, {"model": str(ASSETS / "starter.onnx"), "card": card, "photos": told})
    theirs = [pairs_in(detector, picture, boxes) for picture, boxes in taken]
    for one, other in zip(ours["pairs"], theirs, strict=True):
        assert len(one["found"]) == len(other.found) > 0
        np.testing.assert_allclose(one["found"], other.found, atol=2e-4)
        np.testing.assert_allclose(one["scores"], other.scores, atol=1e-3)
    known = join(theirs)
    np.testing.assert_allclose(ours["style"], known.style().numbers, atol=1e-4)
    assert ours["threshold"] == pytest.approx(threshold_for(known.scores, detector.threshold), abs=0.011)


@pytest.fixture(scope="module")
def values(tmp_path_factory):
    random = np.random.default_rng(1)
    found = [as_boxes(scattered(random, count)) for count in (0, 1, 2, 7, 30)]
    drawn = [as_boxes(boxes + random.normal(0, 0.05, boxes.shape)) for boxes in found]
    drawn[3][2] += 3.0  # of something else
    told = {
        "found": [one.tolist() for one in found],
        "drawn": [one.tolist() for one in drawn],
        "scores": [[], [0.9], [0.3, 0.8, 0.5], random.random(40).tolist()],
        "boxes": found[4].tolist(),
        "sizes": [(640, 480), (480, 640), (333, 517), (1280, 720), (320, 256), (200, 150)] * 3,
        "picture": random.integers(0, 256, 40 * 30 * 4).tolist(),
    }
    return told, run_node(VALUES, tmp_path_factory.mktemp("values"), told)


def scattered(random, count: int) -> np.ndarray:
    corners = random.uniform(0, 0.6, (count, 2))
    return np.concatenate([corners, corners + random.uniform(0.05, 0.4, (count, 2))], axis=1)


def test_a_style_is_pythons(values):
    told, ours = values
    for found, drawn, style in zip(told["found"], told["drawn"], ours["styles"], strict=True):
        np.testing.assert_allclose(style, learn_style(as_boxes(found), as_boxes(drawn)).numbers, atol=1e-5)
    theirs = Style(0.1, -0.2, 0.05, 0.3).apply(as_boxes(told["boxes"]))
    np.testing.assert_allclose(ours["styled"], theirs, atol=1e-6)


def test_boxes_are_paired_and_thresholds_chosen_as_in_python(values):
    told, ours = values
    for found, drawn, pairs in zip(told["found"], told["drawn"], ours["matches"], strict=True):
        assert [tuple(pair) for pair in pairs] == match(as_boxes(found), as_boxes(drawn))
    for scores, threshold in zip(told["scores"], ours["thresholds"], strict=True):
        assert threshold == pytest.approx(threshold_for(np.array(scores, np.float32), 0.65), abs=1e-9)


def test_views_lie_where_pythons_lie(values):
    told, ours = values
    rng = np.random.default_rng(0)
    for size, place in zip(told["sizes"], ours["places"], strict=True):
        theirs = random_place(tuple(size), (320, 256), as_boxes([[0.4, 0.3, 0.6, 0.7]]), rng)
        assert place["mirrored"] == theirs.mirrored
        for name in ("scale", "left", "top"):
            assert place[name] == pytest.approx(getattr(theirs, name), abs=1e-6), name


def test_a_view_shows_what_pythons_shows(values):
    told, ours = values
    picture = np.array(told["picture"], np.uint8).reshape(30, 40, 4)[..., :3]
    matrix = np.array([[1.3, 0, -4.4], [0, 1.3, 2.7]])
    theirs = cv2.warpAffine(np.ascontiguousarray(picture), matrix, (64, 32), borderValue=(114,) * 3)[:, ::-1]
    view = np.array(ours["view"]).reshape(32, 64, 4)[..., :3]
    off = np.abs(view - theirs.astype(int))
    assert off.max() <= 12  # OpenCV rounds places to 1/32 of a pixel, and this picture is noise
    assert off.mean() < 1.0


def test_what_is_hidden_covers_all_that_python_hides(tmp_path):
    width, height = 160, 120
    boxes = [[20, 20, 60, 80], [140.2, 90.7, 171, 140], [-30, -30, 3, 4], [80, 30, 81.5, 32], [70.5, 60.5, 95.5, 93.5]]
    ours = run_node(HIDE, tmp_path, {"boxes": boxes, "width": width, "height": height})
    for box in boxes:
        picture = np.full((height, width, 3), 255, np.uint8)
        Cover("box").on_bgr(picture, [box])
        rows, columns = np.nonzero(picture[..., 0] == 0)
        inside = [one for one in ours if covered_by(one, columns, rows).all()]
        assert inside, box
        oval = inside[0]["oval"]
        ours = [one for one in ours if one is not inside[0]]
        area = np.pi * oval["across"] * oval["down"]
        assert len(rows) <= area + 2 * (oval["across"] + oval["down"])
        part = inside[0]["part"]
        assert (part["left"], part["top"]) == (columns.min(), rows.min()) or len(rows) < 20
    assert ours == []


def covered_by(cover: dict, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Which pixels' middles lie in an oval that is a seam of one pixel larger, as the page draws it."""
    oval = cover["oval"]
    across = (columns + 0.5 - oval["x"]) / (oval["across"] + 1)
    down = (rows + 0.5 - oval["y"]) / (oval["down"] + 1)
    return across**2 + down**2 <= 1


def test_outputs_are_decoded_as_in_python(tmp_path):
    random = np.random.default_rng(3)
    cells = 20 * 16 + 10 * 8 + 5 * 4
    dense = []
    for threshold in (0.3, 0.9, 0.0):
        scores = random.random((cells, 2)).astype(np.float32)
        offsets = random.uniform(0.2, 3, (cells, 4)).astype(np.float32)
        dense.append((scores, offsets, threshold))
    single = [
        ([0.9, 0.2], [0.1, 0.2, 0.5, 0.6]),
        ([0.1, 0.4], [0.1, 0.2, 0.5, 0.6]),
        ([0.2, 0.9], [0.5, 0.2, 0.1, 0.6]),
    ]
    frames, crops = [(640, 480), (480, 640), (333, 517), (200, 200)], [0.5, 1.0, 150, 999]
    boxes = as_boxes([[0.1, 0.1, 0.4, 0.4], [0.12, 0.1, 0.42, 0.4], [0.6, 0.6, 0.9, 0.9]])
    parts = [
        {"box": box.tolist(), "score": score, "isCut": cut, "number": number}
        for number, (box, score, cut) in enumerate(zip(boxes, (0.7, 0.75, 0.9), (False, True, False), strict=True))
    ]
    told = {
        "dense": [{"scores": s.ravel().tolist(), "offsets": o.ravel().tolist(), "threshold": t} for s, o, t in dense],
        "single": [{"classes": classes, "boxes": box} for classes, box in single],
        "place": {"inputWidth": 128, "inputHeight": 160},
        "card": {"classes": ["a", "b"], "strides": [8, 16, 32], "iou_threshold": 0.5},
        "frames": frames,
        "crops": crops,
        "parts": parts,
    }
    ours = run_node(DECODE, tmp_path, told)
    for (scores, offsets, threshold), found in zip(dense, ours["dense"], strict=True):
        theirs = decode_dense(scores, offsets, 160, 128, threshold=threshold)
        assert len(found) == len(theirs.boxes)
        np.testing.assert_allclose([one["box"] for one in found], to_pixels(theirs.boxes, 128, 160), atol=1e-3)
        assert [one["class"] for one in found] == theirs.classes.tolist()
    for (classes, box), found in zip(single, ours["single"], strict=True):
        theirs = decode_single(np.array(classes, np.float32), np.array(box, np.float32), 0.5)
        assert [one["class"] for one in found] == theirs.classes.tolist()
    decoded = [decode_single(np.array([one["score"]]), np.array(one["box"]), 0.1) for one in parts]
    assert decoded[ours["best"]] is best_of_parts(decoded, [one["isCut"] for one in parts])
    check_parts(frames, crops, ours["parts"])


def check_parts(frames, crops, ours) -> None:
    from facetracker.core.parts import part_around, parts_of, side_of

    for (width, height), rows in zip(frames, ours, strict=True):
        frame = np.zeros((height, width, 3), np.uint8)
        for crop, (side, parts, around, cut) in zip(crops, rows, strict=True):
            assert side == side_of(crop, width, height)
            theirs = parts_of(crop, width, height, 96, frame)
            assert [(one["left"], one["top"], one["side"]) for one in parts] == [
                (p.left, p.top, p.side) for p in theirs
            ]
            box = [0.9, 0.0, 1.0, 0.3]
            assert (around["left"], around["top"], around["side"]) == part_around(crop, width, height, box)
            assert cut == theirs[-1].cuts([0.01, 0.5, 0.6, 0.99])


def test_frames_are_looked_at_at_the_scale_of_training(tmp_path):
    frames, crops = [(640, 480), (480, 640), (333, 517), (1280, 720), (90, 60)], [None, 0.5, 1.0, 250, 2000]
    cards = [Card(["face"], 320, "dense", crop=crop) for crop in crops]
    told = {"frames": frames, "cards": [card.as_dict() for card in cards]}
    ours = run_node(SIZES, tmp_path, told)
    for card, sizes in zip(cards, ours, strict=True):
        detector = Detector(SimpleNamespace(card=card, fixed_size=None))  # type: ignore[arg-type]
        assert [tuple(size) for size in sizes] == [detector.input_size(*frame) for frame in frames]
