"""The second look: a few best cells are cut out of the picture and judged again; everything else stays as it is."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from facetracker.errors import BadFile, FaceTrackerError
from facetracker.export import export
from facetracker.model import FaceTracker
from facetracker.model.heads.dense import STRIDES, boxes_of, cells
from facetracker.model.loading import load_model
from facetracker.model.second_look import NEAR, REACH, SHARE, SIDE, SecondLook
from facetracker.runtime.engines import open_engine

HEIGHT, WIDTH = 64, 96
COUNTS = [HEIGHT // stride * (WIDTH // stride) for stride in STRIDES]


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture
def look() -> SecondLook:
    keras.utils.set_random_seed(0)
    look = SecondLook(looks=3)
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


def answering(look: SecondLook, logit: float) -> SecondLook:
    """The look with one verdict for everything."""
    look.verdict.kernel.assign(np.zeros(look.verdict.kernel.shape))
    look.verdict.bias.assign([logit])
    return look


def both(score, opinion):
    """The head's score after the second opinion."""
    return score ** (1 - SHARE) * opinion**SHARE


def test_the_best_cells_are_candidates_with_the_heads_own_boxes(look, pictures, outputs):
    scores, boxes, numbers = map(np.asarray, look.candidates(pictures, outputs))
    np.testing.assert_allclose(scores, [[0.9, 0.6, 0.3]] * 2, rtol=1e-6)
    np.testing.assert_array_equal(numbers % sum(COUNTS), [[5, 40, 100], [60, 99, 110]])
    np.testing.assert_array_equal(numbers // sum(COUNTS), [[0] * 3, [1] * 3])
    every = np.asarray(boxes_of(outputs["offsets"], *cells(HEIGHT, WIDTH))).reshape(-1, 4)
    np.testing.assert_allclose(boxes, every[numbers], rtol=1e-5)


def test_a_neighbour_of_a_better_cell_is_no_candidate(look, pictures, outputs):
    outputs["scores"][0, 6, 0] = 0.8  # beside the one with 0.9
    _, _, numbers = look.candidates(pictures, outputs)
    np.testing.assert_array_equal(np.asarray(numbers)[0], [5, 40, 100])


def test_what_is_cut_out_is_the_place_and_what_is_around_it(look):
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    picture = np.stack([x, y, np.zeros_like(x)], axis=-1)[None].astype(np.uint8)
    box = np.array([[[40, 20, 60, 40]], [[0, 0, 20, 20]]], np.float32)  # sides of 20, the second in the corner
    cut = np.asarray(look.cut(np.concatenate([picture, picture]), box))
    assert cut.shape == (2, SIDE, SIDE, 3)
    far = REACH * 20 / 2
    np.testing.assert_allclose(cut[0, 0, [0, -1], 0], [50 - far, 50 + far], atol=1)
    np.testing.assert_allclose(cut[0, [0, -1], 0, 1], [30 - far, 30 + far], atol=1)
    assert (cut[1, : SIDE // 8, : SIDE // 8, :2] == 0).all()  # beyond the edge the edge goes on
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
    judged = np.asarray(answering(look, logit)(pictures, outputs))
    strong = np.sort(judged[..., 0], axis=1)[:, -3:] if logit > 0 else judged[0, [5, 40, 100], 0]
    expected = both(np.array([0.9, 0.6, 0.3]), opinion)
    np.testing.assert_allclose(np.sort(strong, axis=-1), np.broadcast_to(np.sort(expected), strong.shape), rtol=0.02)


def test_cells_beside_a_rejected_one_lose_as_much_and_all_others_by_the_mean(look, pictures, outputs):
    before = outputs["scores"]
    after = np.asarray(answering(look, -6.0)(pictures, outputs))
    share = (after / before)[0, : COUNTS[0], 0].reshape(HEIGHT // 8, WIDTH // 8)
    opinion = 1 / (1 + np.exp(6.0))
    own = (opinion / np.array([0.9, 0.6, 0.3])) ** SHARE
    mean = np.exp(np.log(own).mean())
    expected = np.full_like(share, mean)
    for cell, factor in ((40, own[1]), (5, own[0])):
        row, column = divmod(cell, WIDTH // 8)
        reach = NEAR // 2
        expected[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1] = factor
    np.testing.assert_allclose(share, expected, rtol=1e-3)


def test_a_face_beside_what_was_rejected_keeps_its_gain(look, pictures, outputs, monkeypatch):
    outputs["scores"][0, 7, 0] = 0.7  # two cells beside the one with 0.9
    verdicts = np.full((6, 1), 4.0, np.float32)
    verdicts[0] = -4.0  # on the first picture's best
    monkeypatch.setattr(look, "judge", lambda *_: verdicts)
    after = np.asarray(look(pictures, outputs))[0, :, 0]
    assert after[5] == pytest.approx(both(0.9, 0.018), rel=0.01)
    assert after[7] == pytest.approx(both(0.7, 0.982), rel=0.01)


def test_further_faces_of_a_crowd_gain_with_those_looked_at(look, pictures, outputs):
    after = np.asarray(answering(look, 6.0)(pictures, outputs))
    rest = np.delete((after / outputs["scores"])[0, :, 0], [5, 40, 100])
    own = (0.9975 / np.array([0.9, 0.6, 0.3])) ** SHARE
    np.testing.assert_allclose(rest, np.exp(np.log(own).mean()), rtol=1e-3)
    assert after.max() <= 1


def test_a_flat_picture_with_hardly_a_peak_keeps_its_scores(look, pictures, outputs):
    outputs["scores"][:] = 0
    outputs["scores"][0, 30] = 0.5
    after = np.asarray(answering(look, 3.0)(pictures, outputs))
    assert after[0, 30, 0] == pytest.approx(both(0.5, 0.9526), rel=1e-3)
    assert np.delete(after[0], 30).max() == 0
    assert (after[1] == 0).all()


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


def test_only_scores_are_looked_at_again_and_nothing_of_it_is_trained(tracker, plain, pictures):
    once, twice = plain(pictures), tracker(pictures)
    np.testing.assert_allclose(twice["offsets"], once["offsets"], rtol=1e-5)
    assert np.abs(np.asarray(twice["scores"]) - np.asarray(once["scores"])).max() > 1e-4
    assert not any("second_look" in variable.path for variable in tracker.trainable_variables)


def test_with_two_heads_it_is_the_first_that_is_looked_at(tracker, pictures):
    both = FaceTracker("nano", "dense", image_size=96, weights="starter", two_heads=True, second_look=True)
    both.familiarity.middle.assign(1e4)  # nothing is familiar
    np.testing.assert_allclose(both(pictures)["scores"], tracker(pictures)["scores"], rtol=1e-4, atol=1e-6)
    both.familiarity.middle.assign(-1e4)
    own = FaceTracker("nano", "dense", image_size=96, weights="starter")
    np.testing.assert_allclose(both(pictures)["scores"], own(pictures)["scores"], rtol=1e-4, atol=1e-6)


def test_it_is_saved_and_opened(tracker, pictures, tmp_path):
    tracker.save(tmp_path / "twice.keras")
    for again in (
        load_model(tmp_path / "twice.keras"),
        FaceTracker("nano", "dense", image_size=96, weights=str(tmp_path / "twice.keras"), second_look=True),
    ):
        np.testing.assert_allclose(again(pictures)["scores"], tracker(pictures)["scores"], rtol=1e-6)


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
