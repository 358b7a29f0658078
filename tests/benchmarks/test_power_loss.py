"""Power cuts in every stage that writes much: the next run ends with what an undisturbed run gives."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from facetracker.core import console
from facetracker.core.files import PART

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import power_loss

STAGES = power_loss.stages()


@pytest.mark.parametrize("name", [name for name in STAGES if name != "train"])
def test_a_power_cut_is_noticed_and_made_right(name, tmp_path):
    console.quiet = True
    result = power_loss.try_out(name, STAGES[name], 8, 1, tmp_path)
    assert result.trials == 8
    assert result.bad == []


@pytest.mark.no_cover
@pytest.mark.slow
def test_a_power_cut_in_a_training(tmp_path, monkeypatch):
    from facetracker.models import backbones

    console.quiet = True
    monkeypatch.setattr(backbones, "BACKBONES", dict(backbones.BACKBONES))
    power_loss.add_smallest_backbone()
    power_loss.tf_step_by_step()
    try:
        assert power_loss.try_out("train", STAGES["train"], 3, 1, tmp_path).bad == []
    finally:
        power_loss.tf_as_it_was()


def test_a_stage_that_leaves_a_cut_file_would_be_seen(tmp_path):
    def careless(folder: Path) -> None:
        out = folder / "out.txt"
        if not out.exists():
            power_loss.files.write_atomically(out, "a" * 100)

    def make(folder: Path) -> None:
        (folder / "in.txt").write_text("a")

    stage = power_loss.Stage(make, careless, careless, power_loss.same_bytes)
    assert len(power_loss.try_out("careless", stage, 10, 0, tmp_path).bad) >= 4
    assert not list(tmp_path.rglob(f"{PART}*"))
