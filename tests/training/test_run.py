import csv
import os

import pytest

from facetracker.core.errors import FaceTrackerError
from facetracker.core.settings import Settings, load_settings, read_settings
from facetracker.training.run import RunFolder, differences, find_run, resumed_settings, start_run


def test_a_run_is_named_after_its_preset_and_numbered(tmp_path):
    settings = load_settings("nano")
    first, second = (start_run(settings, "aug_data", None, tmp_path) for _ in range(2))
    assert (first.name, second.name) == ("nano-1", "nano-2")
    assert read_settings(first.config) == settings
    assert first.data().endswith("aug_data")


def test_a_run_is_replaced_only_by_force(tmp_path):
    run = start_run(Settings(), "data", "mine", tmp_path)
    (run.folder / "model.keras").write_bytes(b"old")
    with pytest.raises(FaceTrackerError, match=r"is there already.*--resume"):
        start_run(Settings(), "data", "mine", tmp_path)
    assert run.best.read_bytes() == b"old"
    start_run(Settings(), "data", "mine", tmp_path, force=True)
    assert not run.best.exists()


def test_force_never_empties_a_folder_that_is_no_run(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").write_bytes(b"x")
    with pytest.raises(FaceTrackerError, match="is not a run folder"):
        start_run(Settings(), "data", "photos", tmp_path, force=True)
    assert (tmp_path / "photos" / "me.jpg").exists()


def test_resuming_finds_the_named_or_the_latest_run(tmp_path):
    old, new = (start_run(Settings(), "data", name, tmp_path) for name in ("old", "new"))
    for path in old.folder.iterdir():
        os.utime(path, (1, 1))
    assert find_run(None, tmp_path).folder == new.folder
    assert find_run("old", tmp_path).folder == old.folder
    with pytest.raises(FaceTrackerError, match="is not a run that can be resumed"):
        find_run("other", tmp_path)
    with pytest.raises(FaceTrackerError, match="no run to resume"):
        find_run(None, tmp_path / "empty")


def test_half_written_files_of_a_killed_process_are_swept(tmp_path):
    run = start_run(Settings(), "data", "killed", tmp_path)
    (run.folder / ".part-999999999-state.npz").write_bytes(b"half")
    find_run("killed", tmp_path)
    assert not list(run.folder.glob(".part-*"))


def test_a_resumed_run_may_only_change_its_number_of_epochs(tmp_path):
    run = start_run(load_settings("vgg16"), "data", "r", tmp_path)
    assert resumed_settings(run).training.epochs == 40
    assert resumed_settings(run, ["training.epochs=60"]).training.epochs == 60
    assert read_settings(run.config).training.epochs == 60
    with pytest.raises(FaceTrackerError, match=r"training\.learning_rate is 0.0001 in this run, not 0.1"):
        resumed_settings(run, ["training.learning_rate=0.1"])


def test_a_run_goes_on_with_its_own_photos(tmp_path):
    run = start_run(Settings(), tmp_path / "mine", "r", tmp_path)
    run.refuse_other_data(tmp_path / "mine")
    with pytest.raises(FaceTrackerError, match=r"trains on .*mine, not on .*other"):
        run.refuse_other_data(tmp_path / "other")


def test_differences_name_section_and_values():
    new = load_settings("vgg16", ["data.batch_size=4"])
    assert differences(load_settings("vgg16"), new) == [("data.batch_size", 8, 4)]
    assert ("preset", "vgg16", "nano") in differences(load_settings("vgg16"), load_settings("nano"))


def test_history_is_written_whole_with_the_columns_of_all_rows(tmp_path):
    run = RunFolder(tmp_path)
    run.write_history([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25, "val_loss": 1.0}])
    with run.history.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [{"epoch": "1", "loss": "0.5", "val_loss": ""}, {"epoch": "2", "loss": "0.25", "val_loss": "1.0"}]
