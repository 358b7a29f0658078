"""The second look: a few best cells are cut out of the picture, judged again, and their boxes corrected."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.exports import export
from facetracker.inference.engines import open_engine
from facetracker.models import FaceTracker
from facetracker.models.heads.dense import STRIDES, boxes_of, cells
from facetracker.models.loading import load_model
from facetracker.models.second_look import SecondLook, SecondLookConfig

HOW = SecondLookConfig()
HEIGHT, WIDTH = 64, 96
COUNTS = [HEIGHT // stride * (WIDTH // stride) for stride in STRIDES]


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture
def look() -> SecondLook:
    keras.utils.set_random_seed(0)
    look = SecondLook(SecondLookConfig(looks=3))
    look.build()
    return look


@pytest.fixture
def pictures(random) -> np.ndarray:
    return random.integers(0, 256, (2, HEIGHT, WIDTH, 3), dtype=np.uint8)


@pytest.fixture
def outputs(random) -> dict[str, np.ndarray]:
    """A head's answers for two pictures: weak scores everywhere, three strong ones in each, every box its own."""
    scores = random.uniform(0.01, 0.1, (2, sum(COUNTS), 1)).astype(np.float32)
    for picture, strong in enumerate(((5, 40, 100), (60, 99, 110))):
        scores[picture, strong, 0] = (0.9, 0.6, 0.3)
    return {"scores": scores, "offsets": random.uniform(0.5, 2.0, (2, sum(COUNTS), 4)).astype(np.float32)}


def answering(look: SecondLook, logit: float, move: tuple[float, ...] = (0, 0, 0, 0)) -> SecondLook:
    """The look with one verdict for everything, and one move (in sides of the box)."""
    for layer, answer in ((look.verdict, [logit]), (look.move, move)):
        layer.kernel.assign(np.zeros(layer.kernel.shape))
        layer.bias.assign(answer)
    return look


def both(score, opinion):
    """The head's score after the second opinion."""
    return (score ** (1 - HOW.share) * opinion**HOW.share) ** 2


def others(scores, gains, opinion):
    """The scores of cells that nobody looked at, in a picture where one opinion was given of all that was."""
    return (scores * np.exp(min(np.log(gains).mean(), 0))) ** (2 / (1 + HOW.crowd * opinion))


def test_the_best_cells_are_candidates_with_the_heads_own_boxes(look, pictures, outputs):
    scores, boxes, numbers, strides = map(np.asarray, look.candidates(pictures, outputs))
    np.testing.assert_allclose(scores, [[0.9, 0.6, 0.3]] * 2, rtol=1e-6)
    np.testing.assert_array_equal(numbers % sum(COUNTS), [[5, 40, 100], [60, 99, 110]])
    np.testing.assert_array_equal(numbers // sum(COUNTS), [[0] * 3, [1] * 3])
    every = np.asarray(boxes_of(outputs["offsets"], *cells(HEIGHT, WIDTH))).reshape(-1, 4)
    np.testing.assert_allclose(boxes, every[numbers], rtol=1e-5)
    np.testing.assert_array_equal(strides[..., 0], [[8, 8, 16], [8, 16, 16]])


def test_a_neighbour_of_a_better_cell_is_no_candidate(look, pictures, outputs):
    outputs["scores"][0, 6, 0] = 0.8  # beside the one with 0.9
    numbers = look.candidates(pictures, outputs)[2]
    np.testing.assert_array_equal(np.asarray(numbers)[0], [5, 40, 100])


def test_what_is_cut_out_is_the_place_and_what_is_around_it(look):
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    picture = np.stack([x, y, np.zeros_like(x)], axis=-1)[None].astype(np.uint8)
    box = np.array([[[40, 20, 60, 40]], [[0, 0, 20, 20]]], np.float32)  # sides of 20, the second in the corner
    cut = np.asarray(look.cut(np.concatenate([picture, picture]), box))
    assert cut.shape == (2, HOW.side, HOW.side, 3)
    far = HOW.reach * 20 / 2
    np.testing.assert_allclose(cut[0, 0, [0, -1], 0], [50 - far, 50 + far], atol=1)
    np.testing.assert_allclose(cut[0, [0, -1], 0, 1], [30 - far, 30 + far], atol=1)
    assert (cut[1, : HOW.side // 8, : HOW.side // 8, :2] == 0).all()  # beyond the edge the edge goes on
    assert cut[1, -1, -1].tolist() == pytest.approx([10 + far, 10 + far, 0], abs=1)


def test_each_picture_of_a_batch_is_cut_out_of_itself(look, pictures, outputs):
    both = np.asarray(look.cut(pictures, look.candidates(pictures, outputs)[1]))
    for number in range(2):
        own = {name: values[number : number + 1] for name, values in outputs.items()}
        one = pictures[number : number + 1]
        alone = np.asarray(look.cut(one, look.candidates(one, own)[1]))
        np.testing.assert_array_equal(both[3 * number : 3 * number + 3], alone)


@pytest.mark.parametrize(("logit", "opinion"), [(0.0, 0.5), (-4.0, 0.018), (4.0, 0.982)])
def test_a_score_becomes_the_mean_of_both_opinions(look, pictures, outputs, logit, opinion):
    judged = np.asarray(answering(look, logit)(pictures, outputs)["scores"])
    for picture, strong in enumerate(((5, 40, 100), (60, 99, 110))):
        np.testing.assert_allclose(judged[picture, strong, 0], both(np.array([0.9, 0.6, 0.3]), opinion), rtol=0.02)


def test_boxes_of_faces_looked_at_are_corrected_and_no_others(look, pictures, outputs):
    after = answering(look, 0.0, (0.1, -0.2, 0.0, 0.3))(pictures, outputs)["offsets"]
    before, strong = outputs["offsets"][0], [5, 40, 100]
    reach = before[strong]
    sides = np.sqrt((reach[:, 0] + reach[:, 2]) * (reach[:, 1] + reach[:, 3]))
    moved = reach + HOW.move * sides[:, None] * [0.1, -0.2, 0.0, 0.3]
    np.testing.assert_allclose(np.asarray(after)[0, strong], moved.clip(0), rtol=1e-4)
    np.testing.assert_array_equal(np.delete(np.asarray(after)[0], strong, axis=0), np.delete(before, strong, axis=0))


def test_a_box_is_never_turned_inside_out(look, pictures, outputs):
    after = answering(look, 0.0, (-9.0, -9.0, -9.0, -9.0))(pictures, outputs)["offsets"]
    assert np.asarray(after).min() == 0


def test_cells_beside_a_rejected_one_lose_as_much_and_all_others_by_the_mean(look, pictures, outputs):
    before = outputs["scores"][0, : COUNTS[0], 0].reshape(HEIGHT // 8, WIDTH // 8)
    after = np.asarray(answering(look, -6.0)(pictures, outputs)["scores"])
    opinion = 1 / (1 + np.exp(6.0))
    own = (opinion / np.array([0.9, 0.6, 0.3])) ** HOW.share
    expected = others(before, own, opinion)
    for cell, factor in ((40, own[1]), (5, own[0])):
        row, column = divmod(cell, WIDTH // 8)
        reach = HOW.near // 2
        beside = np.s_[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1]
        expected[beside] = (factor * before[beside]) ** 2
    np.testing.assert_allclose(after[0, : COUNTS[0], 0].reshape(before.shape), expected, rtol=2e-3, atol=1e-9)


def test_a_face_beside_what_was_rejected_keeps_its_gain(look, pictures, outputs, monkeypatch):
    outputs["scores"][0, 7, 0] = 0.7  # two cells beside the one with 0.9
    verdicts = np.full((6, 1), 4.0, np.float32)
    verdicts[0] = -4.0  # on the first picture's best
    monkeypatch.setattr(look, "judge", lambda *_: (verdicts, np.zeros((6, 4), np.float32)))
    after = np.asarray(look(pictures, outputs)["scores"])[0, :, 0]
    assert after[5] == pytest.approx(both(0.9, 0.018), rel=0.01)
    assert after[7] == pytest.approx(both(0.7, 0.982), rel=0.01)


def test_further_faces_of_a_crowd_gain_with_those_looked_at(look, pictures, outputs):
    after = np.asarray(answering(look, 6.0)(pictures, outputs)["scores"])
    own = (0.9975 / np.array([0.9, 0.6, 0.3])) ** HOW.share
    expected = others(outputs["scores"], own, 0.9975)
    rest = [20, 80, 110]  # far from what was looked at
    np.testing.assert_allclose(after[0, rest], expected[0, rest], rtol=1e-3)
    assert (after[0, rest] > 1.2 * outputs["scores"][0, rest]).all()
    assert after.max() <= 1


def test_cells_beside_a_face_gain_as_much_and_stay_behind_it(look, pictures, outputs):
    outputs["scores"][0, [6, 41], 0] = (0.89, 0.59)  # beside the first and the second
    after = np.asarray(answering(look, 6.0)(pictures, outputs)["scores"])[0, :, 0]
    gains = (0.9975 / np.array([0.9, 0.6])) ** HOW.share
    np.testing.assert_allclose(after[[6, 41]], (gains * [0.89, 0.59]) ** 2, rtol=1e-3)
    assert after[6] < after[5]
    assert after[41] < after[40]


def test_an_opinion_on_what_is_hardly_a_peak_does_not_count(look, pictures, outputs):
    outputs["scores"][:] = HOW.unseen / 2
    outputs["scores"][:, 7] = HOW.unseen
    after = answering(look, 6.0, (1, 1, 1, 1))(pictures, outputs)
    np.testing.assert_array_equal(after["offsets"], outputs["offsets"])
    # Beside it scores are squared, as they all are; further off nobody gains by what was hardly a face.
    np.testing.assert_allclose(np.asarray(after["scores"])[:, 7], HOW.unseen**2, rtol=1e-3)
    expected = others(outputs["scores"], np.ones(3), HOW.unseen)
    np.testing.assert_allclose(np.asarray(after["scores"])[:, 30:90], expected[:, 30:90], rtol=1e-3)


def test_a_flat_picture_with_hardly_a_peak_keeps_its_scores(look, pictures, outputs):
    outputs["scores"][:] = 0
    outputs["scores"][0, 30] = 0.5
    after = np.asarray(answering(look, 3.0)(pictures, outputs)["scores"])
    assert after[0, 30, 0] == pytest.approx(both(0.5, 0.9526), rel=1e-3)
    assert np.delete(after[0], 30).max() < 1e-4
    assert after[1].max() < 1e-4


@pytest.fixture(scope="module")
def tracker() -> FaceTracker:
    return FaceTracker("nano", "dense", image_size=96, weights="starter", second_look=True)


@pytest.fixture(scope="module")
def plain() -> FaceTracker:
    return FaceTracker("nano", "dense", image_size=96, weights="starter")


def test_training_looks_once(pictures):
    # Trackers of its own: in training a batch norm takes note of the pictures.
    taught = [
        FaceTracker("nano", "dense", image_size=96, weights="starter", second_look=twice)(pictures, training=True)
        for twice in (True, False)
    ]
    np.testing.assert_allclose(taught[0]["scores"], taught[1]["scores"], rtol=1e-4, atol=1e-6)


def test_a_few_boxes_are_corrected_and_nothing_of_the_look_is_trained(tracker, plain, pictures):
    once, twice = plain(pictures), tracker(pictures)
    corrected = (np.abs(np.asarray(twice["offsets"]) - np.asarray(once["offsets"])) > 1e-4).any(axis=-1)
    assert (corrected.sum(axis=1) <= HOW.looks).all()
    assert corrected.any()
    assert np.abs(np.asarray(twice["scores"]) - np.asarray(once["scores"])).max() > 1e-4
    assert not any("second_look" in variable.path for variable in tracker.trainable_variables)


def test_it_is_saved_and_opened(tracker, pictures, tmp_path):
    tracker.save(tmp_path / "twice.keras")
    for again in (
        load_model(tmp_path / "twice.keras"),
        FaceTracker("nano", "dense", image_size=96, weights=str(tmp_path / "twice.keras"), second_look=True),
    ):
        np.testing.assert_allclose(again(pictures)["scores"], tracker(pictures)["scores"], rtol=1e-6)


@pytest.mark.no_cover
@pytest.mark.slow
def test_every_engine_looks_twice(tracker, random, tmp_path):
    tracker.save(tmp_path / "twice.keras")
    results = export(tmp_path / "twice.keras", ["tflite", "onnx", "openvino"])
    batch = random.integers(0, 256, (2, HEIGHT, WIDTH, 3), dtype=np.uint8)
    expected = np.asarray(tracker(batch)["scores"])
    for result in results:
        assert result.path is not None, result.line()
        np.testing.assert_allclose(open_engine(result.path).run(batch)["scores"], expected, atol=1e-4)


def test_what_has_no_second_look_says_so(dense, tmp_path):
    dense.save(tmp_path / "once.keras")
    with pytest.raises(BadFile, match=r"second_look/.* is missing"):
        FaceTracker("nano", "dense", image_size=96, weights=str(tmp_path / "once.keras"), second_look=True)
    for head, classes in (("single", ["face"]), ("dense", ["with", "without"])):
        with pytest.raises(FaceTrackerError, match="dense head and one class"):
            FaceTracker("nano", head, classes, second_look=True)
