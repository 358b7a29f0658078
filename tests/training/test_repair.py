"""A run folder after the machine fell over: what can be put back is, and what cannot begins again."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

from facetracker.core.errors import FaceTrackerError
from facetracker.core.settings import load_settings, read_settings
from facetracker.training.plan import RunPlan, read_plan
from facetracker.training.run import RunFolder, find_run, new_run, start_run


@pytest.fixture
def run(tmp_path) -> RunFolder:
    """A run with its settings and plan, two epochs old, the second one the best."""
    run = start_run(load_settings("nano", ["training.epochs=7"]), tmp_path / "data", "one", tmp_path)
    run.keep(run.plan, RunPlan(("face",), crop=0.5).to_json())
    progress = {"epoch": 2, "history": [], "best": 0.5, "best_epoch": 2, "seconds": 1.0, "finished": False}
    np.savez(run.state, progress=np.frombuffer(json.dumps(progress).encode(), np.uint8), weights=np.ones(1000))
    for path in (run.best, run.of_epoch(1)):
        path.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("model.weights.h5", bytes(range(256)) * 20)
    return run


@pytest.mark.parametrize("share", [0, 0.3, 0.9, None])
@pytest.mark.parametrize("name", ["config.yaml", "plan.json"])
def test_settings_and_plan_are_put_back(run, name, share):
    path = run.folder / name
    whole = path.read_text()
    if share is None:
        path.unlink()
    else:
        path.write_text(whole[: int(len(whole) * share)])
    for named in ("one", None):
        found = find_run(named, run.folder.parent)
        assert path.read_text() == whole
        assert read_settings(found.config).training.epochs == 7
        assert read_plan(found.plan).crop == 0.5
        assert found.state.is_file()


def test_what_a_person_changed_stays(run):
    run.config.write_text(run.config.read_text().replace("epochs: 7", "epochs: 9"))
    assert read_settings(find_run("one", run.folder.parent).config).training.epochs == 9


@pytest.mark.parametrize("content", [None, "", '{"data": "/ho'])
def test_a_lost_note_of_the_data_is_written_again(run, content, tmp_path):
    run.about.unlink() if content is None else run.about.write_text(content)
    found = find_run("one", tmp_path)
    found.refuse_other_data(tmp_path / "data")
    assert found.data() == str(tmp_path / "data")
    found.config.unlink()
    assert read_settings(find_run("one", tmp_path).config).training.epochs == 7
    with pytest.raises(FaceTrackerError, match="trains on"):
        found.refuse_other_data(tmp_path / "other")


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
@pytest.mark.parametrize("name", ["state.npz", "model.keras", "epochs/epoch-001.keras"])
def test_without_a_whole_state_or_model_the_run_begins_again(run, name, cut, capsys):
    path = run.folder / name
    path.write_bytes(path.read_bytes()[:cut])
    assert not find_run("one", run.folder.parent).state.exists()
    assert f"{path}: is damaged, or missing; the run begins again" in capsys.readouterr().err


def test_a_changed_byte_is_noticed_and_a_kept_model_that_was_taken_away_is_not_missed(run):
    run.of_epoch(1).unlink()
    assert find_run("one", run.folder.parent).state.exists()
    data = bytearray(run.best.read_bytes())
    data[len(data) // 2] ^= 1
    run.best.write_bytes(data)
    assert not find_run("one", run.folder.parent).state.exists()


def test_a_run_that_was_cut_off_before_its_settings_is_no_obstacle(tmp_path):
    for content in (None, "", '{"data": "x"}'):
        (tmp_path / "one").mkdir(exist_ok=True)
        if content is not None:
            (tmp_path / "one" / "run.json").write_text(content)
        with pytest.raises(FaceTrackerError, match="Start it without --resume"):
            find_run("one", tmp_path)
        assert new_run("data", "one", tmp_path).data().endswith("data")
    (tmp_path / "one" / "model.tflite").write_bytes(b"what learn made")
    with pytest.raises(FaceTrackerError, match="is there already"):
        new_run("data", "one", tmp_path)
