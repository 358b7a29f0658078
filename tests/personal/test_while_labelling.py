"""Learning while labelling: three boxes drawn, and the others lie right; what is undone is forgotten."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from own_style import DRAWN

from facetracker.core.boxes import iou
from facetracker.inference.detector import Detector
from facetracker.labels.labelme import read_content, write_content
from facetracker.labels.provenance import accepted, how_reviewed, signed
from facetracker.personal import while_labelling
from facetracker.personal.choose import OWN_HEAD, STYLE
from facetracker.personal.photos import read_photos
from facetracker.personal.seen import most_teaching_first
from facetracker.personal.while_labelling import WhileLabelling


@pytest.fixture
def photos(person):
    return [photo for photo in read_photos(person).photos if len(photo.boxes)]


@pytest.fixture
def learner():
    with WhileLabelling(Detector(threshold=0.3), own_head=False) as learner:
        yield learner


def content_of(photo) -> dict:
    return read_content(photo.path.parent.parent / "labels" / f"{photo.path.stem}.json")


def overlap(learner, photos) -> float:
    suggested = [learner.suggest(photo.path).boxes for photo in photos]
    return float(np.mean([iou(boxes, one.boxes).max(initial=0) for boxes, one in zip(suggested, photos, strict=True)]))


def test_three_boxes_drawn_put_the_others_right_at_once(learner, photos):
    assert (learner.by, overlap(learner, photos[3:]) < 0.75) == ("starter", True)
    began = time.process_time()
    for photo in photos[:3]:
        learner.note(photo.path, content_of(photo))
    assert (time.process_time() - began) / 3 < 1.5, "a lesson is learnt before the next photo is shown"
    assert (learner.by, learner.lessons) == ("style", 3)
    assert overlap(learner, photos[3:]) > 0.9
    assert learner.counts() == {"drawn": 3, "corrected": 0, "accepted": 0}
    assert learner.usual_label() == "face"


def test_a_new_style_is_applied_to_the_starters_boxes_and_not_to_older_ones(learner, photos):
    photo, seen = photos[5], learner.look(photos[5].path)
    for one in photos[:3]:
        learner.note(one.path, content_of(one))
        np.testing.assert_allclose(
            learner.suggest(photo.path).boxes, np.clip(learner.style.apply(seen.boxes[:1]), 0, 1), atol=0.03
        )
    np.testing.assert_allclose(learner.style.numbers, DRAWN.numbers, atol=0.08)


def test_what_is_undone_is_forgotten(learner, photos):
    before = learner.suggest(photos[5].path)
    for photo in photos[:2]:
        learner.note(photo.path, content_of(photo))
    one = learner.style
    learner.note(photos[2].path, content_of(photos[2]))
    assert learner.style != one
    learner.note(photos[2].path, None)
    assert learner.style == one
    for photo in photos[:2]:
        learner.note(photo.path, None)
    np.testing.assert_array_equal(learner.suggest(photos[5].path).boxes, before.boxes)
    assert (learner.by, learner.lessons, learner.counts()["drawn"]) == ("starter", 0, 0)


def test_another_box_on_the_same_photo_takes_the_lessons_place(learner, photos):
    content = content_of(photos[0])
    learner.note(photos[0].path, content)
    version = learner.version
    learner.note(photos[0].path, content)
    assert learner.version == version, "nothing new"
    content["shapes"][0]["points"][1][0] -= 40
    learner.note(photos[0].path, content)
    assert (learner.lessons, learner.version > version) == (1, True)


def test_what_was_only_accepted_teaches_nothing(learner, photos):
    content = signed(content_of(photos[0]), prelabelled_by="style")
    learner.note(photos[0].path, content)
    assert learner.counts() == {"drawn": 0, "corrected": 0, "accepted": 0}, "nobody has looked yet"
    right = accepted(content)
    assert how_reviewed(right) == "accepted"
    learner.note(photos[0].path, right)
    assert (learner.lessons, learner.counts()["accepted"]) == (0, 1)
    right["shapes"][0]["points"][0][0] += 7
    assert how_reviewed(right) == "corrected"
    learner.note(photos[0].path, right)
    assert (learner.lessons, learner.counts()["corrected"]) == (1, 1)


def test_a_photo_that_cannot_be_read_is_no_lesson_and_stops_nothing(learner, photos, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    learner.note(broken, content_of(photos[0]))
    learner.look_ahead([broken, tmp_path / "gone.jpg", photos[0].path])
    assert learner.wait()
    assert learner.lessons == 0
    assert learner.in_order([broken, photos[0].path]) == [photos[0].path, broken], "what was seen comes first"


def test_lessons_come_before_looking_ahead(learner, photos):
    learner.look_ahead([photo.path for photo in photos])
    for photo in photos[:3]:
        learner.note_later(photo.path, content_of(photo))
    assert learner.wait()
    assert learner.lessons == 3
    began = time.process_time()
    assert all(len(learner.suggest(photo.path).boxes) for photo in photos)
    assert time.process_time() - began < 0.2, "all were looked at before anybody asked"


def test_what_teaches_most_comes_first():
    one, other, third = [0.0, 0.0], [10.0, 0.0], [0.0, 10.0]
    looks = np.array([one, one, one, one, other, third], np.float32)
    order = most_teaching_first(looks, [0.0] * 6, np.zeros((0, 2), np.float32))
    assert order[0] in (0, 1, 2, 3), "the usual photo first: what it teaches fits most"
    assert set(order[1:3]) == {4, 5}
    assert sorted(order) == [0, 1, 2, 3, 4, 5]
    known = np.array([one], np.float32)
    assert most_teaching_first(looks, [0, 0, 1, 0, 0, 0], known)[2] == 2, "of what is known, what is doubtful"
    assert most_teaching_first(np.zeros((0, 2), np.float32), [], known) == []


class Apart:
    """Stands in for the process that learns own heads."""

    def __init__(self, on_answer):
        self.on_answer, self.asked, self.can_learn, self.busy = on_answer, [], True, False

    def warm_up(self):
        self.warm = True

    def learn(self, photos, to_answer):
        if not self.busy:
            self.asked.append((dict(photos), list(to_answer)))
        return not self.busy

    def close(self):
        pass


@pytest.fixture
def with_head(monkeypatch):
    monkeypatch.setattr(while_labelling, "OwnHeadApart", Apart)
    with WhileLabelling(Detector(threshold=0.3)) as learner:
        yield learner


def told(kept: str, photos, boxes) -> dict:
    faces = {
        str(photo.path): [[*box, 0.8], [0.0, 0.0, 0.1, 0.1, 0.2]] for photo, box in zip(photos, boxes, strict=True)
    }
    return {"kept": kept, "why": "because", "threshold": 0.5, "faces": faces if kept == OWN_HEAD else {}}


def test_an_own_head_is_asked_for_from_five_photos_on_and_takes_over(with_head, photos):
    apart: Apart = with_head._apart
    with_head.look_ahead([photo.path for photo in photos])
    assert with_head.wait()
    for photo in photos[:5]:
        assert not apart.asked
        with_head.note(photo.path, content_of(photo))
    (lessons, to_answer) = apart.asked[0]
    assert list(lessons) == [photo.path for photo in photos[:5]]
    assert set(to_answer) == {photo.path for photo in photos[5:]}
    box = [0.25, 0.25, 0.5, 0.5]
    apart.on_answer(told(OWN_HEAD, photos[5:], [box] * 7))
    suggestion = with_head.suggest(photos[6].path)
    assert (suggestion.by, suggestion.boxes.tolist()) == (OWN_HEAD, [box]), "the second one is below the threshold"
    with_head.note(photos[5].path, content_of(photos[5]))
    assert len(apart.asked) == 2, "one in five more: it is learnt again"
    apart.on_answer(told(STYLE, [], []))
    assert with_head.suggest(photos[6].path).by == "style", "it is not better any more"


def test_without_its_lessons_an_own_head_is_gone_too(with_head, photos):
    for photo in photos[:5]:
        with_head.note(photo.path, content_of(photo))
    with_head._apart.on_answer(told(OWN_HEAD, photos[5:6], [[0.1, 0.1, 0.2, 0.2]]))
    for photo in photos[:5]:
        with_head.note(photo.path, None)
    assert with_head.suggest(photos[5].path).by == "starter"


@pytest.mark.slow
def test_the_process_apart_learns_an_own_head_and_ends_with_us(photos):
    with WhileLabelling(Detector(threshold=0.3)) as learner:
        learner.look_ahead([photo.path for photo in photos])
        assert learner.wait()
        for photo in photos[:6]:
            learner.note(photo.path, content_of(photo))
        end = time.monotonic() + 280
        while learner.version <= 6:
            assert time.monotonic() < end, "no answer"
            time.sleep(0.2)
        assert learner.by in (OWN_HEAD, "style")
        assert overlap(learner, photos[6:]) > 0.8
        process = learner._apart._process
    assert process.poll() is not None


def test_the_files_tell_what_was_learnt(learner, photos, tmp_path):
    """A server that starts again reads the label files, and has learnt the same."""
    for photo in photos[:4]:
        path = write_content(tmp_path / f"{photo.path.stem}.json", content_of(photo))
        learner.note(photo.path, content_of(photo))
        assert Path(path).is_file()
    with WhileLabelling(Detector(threshold=0.3), own_head=False) as again:
        for photo in photos[:4]:
            again.note_later(photo.path, read_content(tmp_path / f"{photo.path.stem}.json"))
        assert again.wait()
        np.testing.assert_allclose(again.style.numbers, learner.style.numbers, atol=1e-6)
        assert again.counts() == learner.counts()
