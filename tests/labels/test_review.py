"""`review`: the least certain first, in the real labelme, whose saving decides what is reviewed."""

from __future__ import annotations

import json
import shutil
import threading
import time
from pathlib import Path

import pytest
from labeller import drawn_rectangle, own_display, shown, skip_without_labelme, x
from typer.testing import CliRunner
from waiting import until

from facetracker.capture.source import Frame
from facetracker.cli.main import app
from facetracker.core.errors import FaceTrackerError
from facetracker.core.faces import Faces
from facetracker.core.naming import session_of
from facetracker.inference.recording.outputs import HardFrames, Outputs
from facetracker.inference.tracking.watch import Seen
from facetracker.labels.labelme import read_content, read_labels
from facetracker.labels.prelabel import prelabel
from facetracker.labels.program import find_labelme, labelme_version
from facetracker.labels.provenance import state_of
from facetracker.labels.review import Waiting, in_order, review, review_queue

UNREVIEWED = {"6": (655, 145), "7": (1035, 185)}  # the flag's tick in the window of that labelme as it opens


def label(folder: Path, photo: Path) -> Path:
    return folder / "labels" / f"{photo.stem}.json"


def test_the_least_certain_come_first(prelabelled, pictures):
    queue = review_queue(prelabelled)
    doubts = [one.doubt for one in queue]
    assert len(queue) == 6
    assert doubts == sorted(doubts, reverse=True)
    assert doubts[0] > doubts[-1]
    (prelabelled / "labels" / "p3.json").unlink()
    first = review_queue(prelabelled)[0]
    assert (first.photo.stem, first.label, first.doubt) == ("p3", None, None)


def test_links_sort_in_the_order_of_the_queue(prelabelled, tmp_path):
    queue = [Waiting(one.photo, one.label, one.doubt) for one in review_queue(prelabelled)] * 2
    links = in_order(queue, tmp_path / "queue")
    assert sorted(links) == links
    assert [link.name for link in links] == [one.photo.name for one in queue]
    assert links[10].read_bytes() == queue[10].photo.read_bytes()


def test_the_list_opens_nothing_and_prelabels_what_is_new(folder):
    result = CliRunner().invoke(app, ["review", str(folder), "--list"])
    assert result.exit_code == 0, result.output
    names = [line.split()[0] for line in result.output.splitlines() if line.startswith("p") and ".jpg" in line]
    assert names == [one.photo.name for one in review_queue(folder)]
    assert "6 photos wait for review" in result.output


def test_a_split_folder_is_reviewed_a_part_at_a_time(folder):
    for part in ("train", "val"):
        shutil.copytree(folder / "images", folder / part / "images")
    shutil.rmtree(folder / "images")
    with pytest.raises(FaceTrackerError, match="Name one part"):
        review(folder)


def test_frames_in_doubt_come_back_as_photos_to_review(tmp_path, pictures):
    """The loop closes: what `detect --collect-uncertain data/images` saves is prelabelled and queued."""
    frames = HardFrames(tmp_path / "data" / "images", session="20261121-120000-hard")
    frames.save(Seen(Frame(pictures[0].picture, 0, 0.0, 0.0), Faces.none(640, 480), doubt="score in doubt"))
    assert "facetracker review" in Outputs(hard_frames=frames).summary()[0]
    prelabel(tmp_path / "data")
    (waiting,) = review_queue(tmp_path / "data")
    assert session_of(waiting.photo.stem) == "20261121-120000-hard"
    assert waiting.faces >= 1


@pytest.mark.gui
@pytest.mark.slow
def test_what_is_saved_in_labelme_is_reviewed(folder, tmp_path, monkeypatch):
    skip_without_labelme()
    tick = UNREVIEWED[labelme_version(find_labelme()).split(".")[0]]
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    prelabel(folder)
    order = [one.photo for one in review_queue(folder)]
    before = {photo: label(folder, photo).read_text() for photo in order}
    accepted, looked_at, corrected = order[:3]
    results: list[int] = []
    with own_display() as display:
        monkeypatch.setenv("DISPLAY", display)
        person = threading.Thread(target=lambda: results.append(review(folder)))
        person.start()
        window = shown(accepted.name)
        time.sleep(2)
        try:
            x("mousemove", *tick, "click", 1)  # right as it is
            until(lambda: label(folder, accepted).read_text() not in ("", before[accepted]))
            for photo in (looked_at, corrected):
                x("windowfocus", window)
                x("key", "d")
                shown(photo.name)
                time.sleep(1)
            drawn_rectangle(window, (440, 380), (600, 480))  # one that the model had overlooked
            until(lambda: label(folder, corrected).read_text() not in ("", before[corrected]))
            time.sleep(1)
        finally:
            x("windowfocus", window)
            x("key", "ctrl+q")
            person.join(60)
    states = {photo: state_of(read_content(label(folder, photo))) for photo in order}
    assert states[accepted] == states[corrected] == "reviewed"
    assert {states[photo] for photo in order if photo not in (accepted, corrected)} == {"prelabelled"}
    assert results == [4]
    assert not list((folder / "labels").glob(".review-*"))

    kept = json.loads(label(folder, accepted).read_text())
    was = json.loads(before[accepted])
    assert kept["flags"] == {"no_face": False, "unreviewed": False}
    assert kept["facetracker"] == was["facetracker"]
    for new, old in zip(kept["shapes"], was["shapes"], strict=True):
        assert (new["flags"], new["description"]) == (old["flags"], old["description"])
        assert new["points"] == old["points"]
    assert read_labels(label(folder, corrected)).photo == corrected
    assert len(read_labels(label(folder, corrected))) == len(json.loads(before[corrected])["shapes"]) + 1
    saved = label(folder, corrected).read_bytes()
    assert len(prelabel(folder, threshold=0.3, again=True).written) == 4
    assert label(folder, corrected).read_bytes() == saved
