"""`prelabel`: a machine's boxes, marked as such, and a person's work never touched."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from facetracker.cli.main import app
from facetracker.core import boxes
from facetracker.core.errors import FaceTrackerError
from facetracker.core.example import Example
from facetracker.core.files import PART
from facetracker.labels.guesses import doubt_of
from facetracker.labels.labelme import read_content, read_labels, write_content, write_labels
from facetracker.labels.prelabel import prelabel
from facetracker.labels.provenance import accepted, is_unreviewed, state_of


def label(folder: Path, name: str) -> Path:
    return folder / "labels" / f"{name}.json"


def parsed(folder: Path, name: str):
    return json.loads(label(folder, name).read_text())


def rewrite(folder: Path, name: str, change) -> None:
    """As labelme saves: the same keys, changed by a person, in its own format."""
    content = parsed(folder, name)
    change(content)
    label(folder, name).write_text(json.dumps(content))


def test_the_boxes_are_found_and_marked_as_a_machines(folder, pictures):
    done = prelabel(folder)
    assert [path.name for path in done.written] == [f"p{number}.json" for number in range(6)]
    assert done.no_face == 1
    assert done.faces == sum(len(parsed(folder, f"p{number}")["shapes"]) for number in range(6)) >= 5
    for number, still in enumerate(pictures):
        content = parsed(folder, f"p{number}")
        assert content["flags"] == {"unreviewed": True}
        assert content["facetracker"]["prelabelled_by"] == "starter"
        assert state_of(content) == "prelabelled"
        for shape in content["shapes"]:
            assert is_unreviewed(shape)
            assert 0.5 <= float(shape["description"]) <= 1
        sample = read_labels(label(folder, f"p{number}"))
        assert not sample.reviewed
        assert bool(len(sample)) == bool(len(still.boxes))
        if len(sample):
            assert boxes.iou(sample.boxes[:1], still.boxes).max() > 0.5


def test_a_second_run_has_nothing_to_do_and_a_new_photo_is_added(prelabelled, pictures):
    before = {path.name: path.read_bytes() for path in (prelabelled / "labels").iterdir()}
    (prelabelled / "images" / "p0.jpg").rename(prelabelled / "images" / "new.jpg")
    done = prelabel(prelabelled)
    assert [path.name for path in done.written] == ["new.json"]
    assert done.waiting == 5
    assert {name: (prelabelled / "labels" / name).read_bytes() for name in before} == before


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["shapes"][0]["points"][0].__setitem__(0, 12.5),  # a corner was moved
        lambda content: content["shapes"].clear(),  # no face after all
        lambda content: content["flags"].update(unreviewed=False),  # right as it is
        lambda content: content["flags"].update(no_face=False),  # labelme saved, and nothing was changed
        lambda content: content["shapes"][0].update(mask=None),
        lambda content: content.pop("facetracker"),
    ],
)
def test_what_a_person_saved_is_reviewed_and_never_touched(prelabelled, change):
    rewrite(prelabelled, "p0", change)
    saved = label(prelabelled, "p0").read_bytes()
    assert state_of(read_content(label(prelabelled, "p0"))) == "reviewed"
    assert read_labels(label(prelabelled, "p0")).reviewed
    done = prelabel(prelabelled, threshold=0.3, again=True)
    assert done.reviewed == 1
    assert len(done.written) == 5
    assert label(prelabelled, "p0").read_bytes() == saved


def test_a_file_saved_while_the_model_looks_is_left_alone(folder, monkeypatch):
    from facetracker.inference.detector import Detector

    looked = Detector.detect_batch

    def meanwhile(self, *given):
        photo = folder / "images" / "p3.jpg"
        if not label(folder, "p3").exists():
            write_labels(label(folder, "p3"), Example(photo, 320, 240))
        return looked(self, *given)

    monkeypatch.setattr(Detector, "detect_batch", meanwhile)
    done = prelabel(folder)
    assert len(done.written) == 5
    assert parsed(folder, "p3")["shapes"] == []
    assert "facetracker" not in parsed(folder, "p3")


def test_again_only_where_another_model_or_threshold_spoke(prelabelled):
    assert prelabel(prelabelled, again=True).written == []
    assert prelabel(prelabelled, threshold=0.9).written == []
    done = prelabel(prelabelled, threshold=0.9, again=True)
    assert len(done.written) == 6
    assert prelabel(prelabelled, threshold=0.9, again=True).written == []
    assert all(float(shape["description"]) >= 0.9 for n in range(6) for shape in parsed(prelabelled, f"p{n}")["shapes"])


def test_a_killed_run_goes_on(folder):
    half = prelabel(folder, only={"p0", "p1"})
    assert len(half.written) == 2
    part = folder / "labels" / f"{PART}999999999-p2.json"
    part.write_text("{")
    assert len(prelabel(folder).written) == 4
    assert not part.exists()


def test_one_bad_photo_is_a_reject(folder):
    (folder / "images" / "p1.jpg").write_bytes(b"no picture")
    (folder / "images" / "p4.png").write_bytes((folder / "images" / "p4.jpg").read_bytes())
    label(folder, "p5").parent.mkdir()
    label(folder, "p5").write_text('{"shapes": 5}')
    done = prelabel(folder)
    assert len(done.written) == 4 - 1 + 1
    assert [Path(path).name for path, _ in done.rejects] == ["p1.jpg", "p4.png", "p5.json"]
    assert not label(folder, "p1").exists()
    assert label(folder, "p5").read_text() == '{"shapes": 5}'


@pytest.mark.parametrize("left", ["", "{", '{"version": "5.0.1", "flags": {"unrev'])
def test_what_a_power_cut_left_is_made_again_and_kept_beside(prelabelled, left):
    whole = label(prelabelled, "p2").read_bytes()
    label(prelabelled, "p2").write_text(left)
    done = prelabel(prelabelled)
    assert done.written == [label(prelabelled, "p2")]
    assert label(prelabelled, "p2").read_bytes() == whole
    aside = prelabelled / "labels" / "p2.json.damaged"
    assert (aside.read_text() if aside.exists() else "") == left


def test_what_the_faces_are_called(folder):
    (folder / "labels.txt").write_text("anna\n")
    prelabel(folder, only={"p0"})
    assert [shape["label"] for shape in parsed(folder, "p0")["shapes"]] == ["anna"]
    prelabel(folder, only={"p1"}, label="bea")
    assert [shape["label"] for shape in parsed(folder, "p1")["shapes"]] == ["bea"]
    (folder / "labels.txt").write_text("anna\nbea\n")
    prelabel(folder, only={"p3"})
    assert [shape["label"] for shape in parsed(folder, "p3")["shapes"]] == ["face"]


def test_accepting_takes_the_marks_away_and_keeps_the_rest(prelabelled):
    def add(content):
        content["mine"] = 7

    rewrite(prelabelled, "p0", add)
    assert state_of(read_content(label(prelabelled, "p0"))) == "prelabelled"  # an unknown key is nobody's review
    before = parsed(prelabelled, "p0")
    path = label(prelabelled, "p0")
    write_content(path, accepted(read_content(path)))
    after = parsed(prelabelled, "p0")
    assert state_of(after) == "reviewed"
    assert after["shapes"][0]["points"] == before["shapes"][0]["points"]
    assert after["shapes"][0]["flags"] == after["flags"] == {}
    assert after["shapes"][0]["description"] == ""
    assert (after["mine"], after["facetracker"]["prelabelled_by"]) == (7, "starter")


def test_a_photo_without_a_file_is_not_labelled():
    assert state_of(None) == "unlabelled"


def test_doubt_is_greatest_at_the_threshold():
    doubts = [doubt_of(np.array([score]), 0.5) for score in (0.1, 0.3, 0.5, 0.7, 1.0)]
    assert doubts[2] == max(doubts) == 1
    assert doubts[0] < doubts[1]
    assert doubts[3] > doubts[4] == 0
    assert doubt_of(np.array([0.99, 0.45]), 0.5) == doubt_of(np.array([0.45]), 0.5)
    assert doubt_of(np.array([]), 0.5) == 0


def test_as_typed(folder):
    (folder / "images" / "p1.jpg").write_bytes(b"")
    result = CliRunner().invoke(app, ["prelabel", str(folder)])
    assert result.exit_code == 3
    assert "5 photos prelabelled with starter" in result.output
    assert "p1.jpg" in result.output
    with pytest.raises(FaceTrackerError, match="no such folder"):
        prelabel(folder / "nowhere")
    with pytest.raises(FaceTrackerError, match=r"gone\.tflite"):
        prelabel(folder, folder / "gone.tflite")
