"""Variants of one photo: what is drawn again, what loses its label, and that a number is enough to make one again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facetracker.core.boxes import as_boxes
from facetracker.core.example import Example
from facetracker.data.augment.transforms import read_pipeline
from facetracker.data.augment.variants import MAX_DRAWS, Recipe, clean_variant, make_variants, visible_shares
from facetracker.scenes import photo


def crop(width: int, height: int) -> dict:
    step = {"__class_fullname__": "RandomCrop", "width": width, "height": height, "p": 1.0, "pad_if_needed": False}
    return {"transform": {"__class_fullname__": "Compose", "transforms": [step]}}


def plain(boxes, width=320, height=240) -> tuple[np.ndarray, Example]:
    """A black picture whose faces are white."""
    picture = np.zeros((height, width, 3), np.uint8)
    boxes = as_boxes(boxes)
    for x1, y1, x2, y2 in (boxes * [width, height, width, height]).round().astype(int):
        picture[y1:y2, x1:x2] = 255
    return picture, Example(Path("a.jpg"), width, height, boxes, ("face",) * len(boxes))


def test_no_variant_without_a_label_shows_a_part_of_a_face():
    picture, sample = plain([[0.0, 0.4, 0.2, 0.6]])
    recipe = Recipe(crop(160, 160))
    unlabelled = redrawn = 0
    for variant in make_variants(picture, sample, recipe, range(60)):
        redrawn += variant.draws > 1
        if not len(variant.boxes):
            unlabelled += 1
            assert variant.picture.max() == 0
        else:
            shown = (variant.picture[:, :, 0] > 0).sum()
            assert shown >= 0.5 * 64 * 48 - 100
    assert unlabelled > 5
    assert redrawn > 5


def test_a_face_cut_below_the_least_visibility_loses_its_label_but_others_keep_theirs():
    # Two faces at opposite edges: a crop that is wide enough for one always cuts the other, or loses it.
    picture, sample = plain([[0.0, 0.3, 0.3, 0.7], [0.55, 0.3, 0.95, 0.7]])
    recipe = Recipe(crop(230, 200), min_visibility=0.9)
    counts = {len(v.boxes) for v in make_variants(picture, sample, recipe, range(40))}
    assert counts == {1}
    for variant in make_variants(picture, sample, recipe, range(40)):
        for box in variant.boxes:
            assert (box >= 0).all()
            assert (box <= 1).all()
        assert len(variant.labels) == len(variant.boxes)


def test_where_no_draw_keeps_enough_of_the_face_the_whole_photo_is_taken():
    # A banner of a face: every square crop of it shows a third.
    picture, sample = plain([[0.0, 0.0, 1.0, 1.0]], width=300, height=100)
    (variant,) = make_variants(picture, sample, Recipe(crop(450, 450)), [0])
    assert variant.whole
    assert variant.draws == MAX_DRAWS
    assert variant.picture.shape == (100, 300, 3)
    assert variant.boxes.tolist() == [[0, 0, 1, 1]]


def test_a_photo_without_a_face():
    picture, sample = plain(np.zeros((0, 4)))
    for variant in make_variants(picture, sample, Recipe(read_pipeline("full")), range(10)):
        assert variant.boxes.shape == (0, 4)
        assert variant.draws == 1


def test_a_variant_depends_on_seed_photo_and_number_alone():
    drawn = photo(0, 1, width=160, height=120, faces=2)
    sample = Example(Path("a.jpg"), 160, 120, drawn.boxes, drawn.labels)
    recipe = Recipe(read_pipeline("full"), seed=3)
    all_of_them = list(make_variants(drawn.picture, sample, recipe, range(5)))
    (alone,) = make_variants(drawn.picture, sample, recipe, [3])
    assert (alone.picture == all_of_them[3].picture).all()
    assert (alone.boxes == all_of_them[3].boxes).all()

    def differs(recipe: Recipe, sample: Example) -> bool:
        (other,) = make_variants(drawn.picture, sample, recipe, [3])
        return other.picture.shape != alone.picture.shape or bool((other.picture != alone.picture).any())

    assert differs(Recipe(read_pipeline("full"), seed=4), sample)
    assert differs(recipe, Example(Path("b.jpg"), 160, 120, drawn.boxes, drawn.labels))


def test_labels_stay_with_their_faces():
    picture, _ = plain([[0.1, 0.1, 0.3, 0.4], [0.6, 0.5, 0.9, 0.95]])
    picture[:, 160:][picture[:, 160:] > 0] = 128
    boxes = as_boxes([[0.1, 0.1, 0.3, 0.4], [0.6, 0.5, 0.9, 0.95]])
    sample = Example(Path("a.jpg"), 320, 240, boxes, ("white", "grey"))
    flip = {"__class_fullname__": "HorizontalFlip", "p": 0.5}
    recipe = Recipe({"transform": {"__class_fullname__": "Compose", "transforms": [flip]}})
    for variant in make_variants(picture, sample, recipe, range(10)):
        for (x1, y1, x2, y2), label in zip(variant.boxes, variant.labels, strict=True):
            middle = variant.picture[int((y1 + y2) / 2 * 240), int((x1 + x2) / 2 * 320), 0]
            assert middle == {"white": 255, "grey": 128}[label]


@pytest.mark.parametrize("clean", [True, False])
def test_the_training_size_letterboxes_picture_and_boxes(clean):
    picture, sample = plain([[0.25, 0.25, 0.75, 0.75]])
    recipe = Recipe({"transform": {"__class_fullname__": "Compose", "transforms": []}}, size=64)
    variant = clean_variant(picture, sample, recipe) if clean else next(make_variants(picture, sample, recipe, [0]))
    assert variant.picture.shape == (64, 64, 3)
    rows, columns = np.nonzero(variant.picture[:, :, 0] > 200)
    np.testing.assert_allclose(
        variant.boxes[0] * 64, [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], atol=1
    )


def test_visible_shares():
    boxes = as_boxes(
        [[0, 0, 1, 1], [-0.5, 0, 0.5, 1], [-1, -1, -0.5, -0.5], [0.5, 0.5, 1.5, 1.5], [0.2, 0.2, 0.2, 0.4]]
    )
    np.testing.assert_allclose(visible_shares(boxes), [1, 0.5, 0, 0.25, 0], atol=1e-6)
    assert visible_shares(as_boxes([[0.1, 0.1, 0.2, 0.2]])).tolist() == [1.0]
