from dataclasses import replace

import numpy as np
import pytest

from facetracker.core.settings import load_settings
from facetracker.data.batches import Feed
from facetracker.data.pool import Pool
from facetracker.training.briefing import (
    brief,
    contents,
    one_position,
    shared_sessions,
    shared_with_train,
    time_a_step,
    warnings,
)
from facetracker.training.fit import build_model
from facetracker.training.plan import RunPlan
from facetracker.training.schedules import make_optimizer


def part(pool: Pool, rows) -> Pool:
    rows = np.arange(len(pool))[rows]
    return Pool(pool.pictures[rows], pool.boxes[rows], pool.classes[rows], [pool.names[row] for row in rows])


def test_contents_are_counted(pool):
    found = contents(pool, ["face", "mask"])
    assert str(found) == "20 pictures, 15 faces (face 15, mask 0), 5 without a face"


def test_good_data_has_no_warnings(pool):
    rows = np.arange(20)
    assert warnings(part(pool, rows < 12), part(pool, rows >= 12)) == []


def test_no_picture_without_a_face_is_warned_of(pool):
    with_face = part(pool, np.flatnonzero((pool.classes >= 0).any(axis=1)))
    assert any("no training picture is without a face" in warning for warning in warnings(with_face, None))


def test_no_face_at_all_is_warned_of(pool):
    empty = part(pool, [3, 7, 11])
    assert any("nothing to learn" in warning for warning in warnings(empty, None))


def test_no_val_is_warned_of(pool):
    assert any("no val pictures" in warning for warning in warnings(pool, None))


def test_faces_at_one_place_are_warned_of(pool):
    boxes = np.where((pool.classes >= 0)[..., None], np.array([0.4, 0.2, 0.6, 0.5], np.float32), 0)
    still = replace(pool, boxes=boxes)
    assert one_position(still) == pytest.approx((0.5, 0.35))
    assert one_position(pool) is None
    assert any("50% from the left, 35% from the top" in warning for warning in warnings(still, None))


def test_val_that_shares_a_session_with_train_is_warned_of(pool):
    session = "20261121-054122-k3f9"
    train = replace(pool, names=[f"{session}_{number:05d}.7" for number in range(20)])
    val = replace(pool, names=[f"{session}_{number:05d}" for number in range(100, 120)])
    assert shared_sessions(train, val) == {session}
    assert any(f"val shares 1 session with train ({session})" in warning for warning in warnings(train, val))


def test_val_pictures_with_a_twin_in_train_are_warned_of(pool):
    assert shared_with_train(pool, part(pool, slice(4))) == 1.0
    assert any("100% of the val pictures look nearly like" in warning for warning in warnings(pool, pool))


def test_the_briefing_says_it_all(pool, capsys):
    brief(pool, None, ["face"], "light")
    out, err = capsys.readouterr()
    assert "train: 20 pictures, 15 faces (face 15), 5 without a face" in out
    assert "light" in out
    assert "warning: there are no val pictures" in err


def test_timing_a_step_leaves_the_model_as_it_was(pool, tiny_preset):
    settings = load_settings(tiny_preset, ["training.ema=0.9"])
    model, feed = build_model(settings, RunPlan()), Feed(pool.pictures, pool.labels, 4)
    optimizer = make_optimizer(settings.training, feed.steps, 2)
    optimizer.build(model.trainable_variables)
    model.compile(optimizer=optimizer)
    before = [value.numpy() for value in [*model.variables, *optimizer.variables]]
    assert 0 < time_a_step(model, feed, epoch=0) < 60
    after = [value.numpy() for value in [*model.variables, *optimizer.variables]]
    assert all(np.array_equal(one, two) for one, two in zip(before, after, strict=True))
