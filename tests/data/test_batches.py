"""The batches of a run: their order, their shape, and that an epoch is the same wherever the run starts."""

import numpy as np
import pytest

from facetracker.data.batches import Feed, in_order
from facetracker.data.pool import Pool


def rows_of(feed: Feed, start: int, end: int) -> list[np.ndarray]:
    return [pictures for pictures, _ in feed.batches(start, end).as_numpy_iterator()]


@pytest.fixture(scope="module")
def numbered() -> Pool:
    """Pictures whose pixels are their own row number."""
    pictures = np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    return Pool(pictures, np.zeros((10, 1, 4), np.float32), np.full((10, 1), -1, np.int32))


def all_numbers(batches: list[np.ndarray]) -> list[int]:
    return [number for batch in numbers(batches) for number in batch]


def numbers(batches: list[np.ndarray]) -> list[list[int]]:
    return [batch[:, 0, 0, 0].tolist() for batch in batches]


def test_every_epoch_has_its_own_order_and_every_picture(numbered):
    feed = Feed(numbered.pictures, numbered.labels, batch_size=5, seed=4)
    first, second = all_numbers(rows_of(feed, 0, 1)), all_numbers(rows_of(feed, 1, 2))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert all_numbers(rows_of(Feed(numbered.pictures, numbered.labels, batch_size=5, seed=5), 0, 1)) != first


def brighter(pictures, boxes, classes, numbers):
    seed, epoch, step = numbers
    return pictures + np.uint8(10 * epoch + step), boxes + np.float32(seed), classes


def test_an_epoch_is_the_same_wherever_the_run_starts(numbered):
    feed = Feed(numbered.pictures, numbered.labels, batch_size=4, seed=1, change=brighter)
    whole, late = list(feed.batches(0, 4).as_numpy_iterator()), list(feed.batches(2, 4).as_numpy_iterator())
    assert len(whole) == 4 * feed.steps
    for (pictures, targets), (others, other_targets) in zip(whole[2 * feed.steps :], late, strict=True):
        assert np.array_equal(pictures, others)
        assert np.array_equal(targets["boxes"], other_targets["boxes"])


def test_every_batch_is_full_and_its_shape_known(numbered):
    feed = Feed(numbered.pictures, numbered.labels, batch_size=4)
    assert feed.steps == 3
    pictures, targets = feed.batches(0, 1).element_spec
    assert pictures.shape == (4, 4, 4, 3)
    assert targets["boxes"].shape == (4, 1, 4)
    order = all_numbers(rows_of(feed, 0, 1))
    assert len(order) == 12
    assert set(order) == set(range(10))


@pytest.mark.parametrize(("samples", "steps"), [(4, 1), (10, 3), (25, 7)])
def test_samples_per_epoch_may_be_fewer_or_more_than_there_are(numbered, samples, steps):
    feed = Feed(numbered.pictures, numbered.labels, batch_size=4, samples_per_epoch=samples)
    order = all_numbers(rows_of(feed, 0, 1))
    assert feed.steps == steps
    assert len(order) == 4 * steps
    counts = np.bincount(order, minlength=10)
    assert counts.max() - counts.min() <= 1


def test_composed_pictures_take_the_place_of_the_pools_own(numbered):
    def compose(pictures, boxes, classes, numbers):
        seed, epoch, step = numbers
        assert seed == 7
        first = (epoch * 2 + step) * len(pictures)
        new = np.arange(first, first + len(pictures)).astype(np.uint8)
        return new[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8), boxes, classes

    feed = Feed(numbered.pictures, numbered.labels, batch_size=5, seed=7, change=compose)
    assert all_numbers(rows_of(feed, 3, 4)) == list(range(30, 40))  # counted on through the run


def test_a_pool_in_a_file_gives_the_same_batches(numbered, tmp_path):
    mapped = np.memmap(tmp_path / "pictures", np.uint8, "w+", shape=numbered.pictures.shape)
    mapped[:] = numbered.pictures
    pool = Pool(mapped, numbered.boxes, numbered.classes)
    filed, kept = (Feed(one.pictures, one.labels, 4) for one in (pool, numbered))
    assert numbers(rows_of(filed, 0, 2)) == numbers(rows_of(kept, 0, 2))
    assert filed.batches(0, 1).element_spec == kept.batches(0, 1).element_spec


def test_validation_has_every_picture_once_in_order(numbered):
    batches = [pictures for pictures, _ in in_order(numbered.pictures, numbered.labels, 4).as_numpy_iterator()]
    assert numbers(batches) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_a_batch_is_described_by_plain_arrays(numbered):
    arrays = Feed(numbered.pictures, numbered.labels, 4).batch(0, 1)
    assert set(arrays) == {"pictures", "boxes", "classes"}
    assert all(isinstance(values, np.ndarray) for values in arrays.values())
    weighted = Feed(numbered.pictures, (np.arange(10), np.ones(10, np.float32)), 4).batch(2, 0)
    assert set(weighted) == {"pictures", "labels_0", "labels_1"}
    assert np.array_equal(weighted["pictures"][:, 0, 0, 0], weighted["labels_0"])
