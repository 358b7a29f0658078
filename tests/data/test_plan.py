"""The plan of `augment`: every photo in one job, made when asked for; of a photo only its name is held."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from facetracker.data.augment.augment import AugmentReport, augment, fill
from facetracker.data.augment.plan import Chosen, Plan
from facetracker.data.augment.transforms import read_pipeline
from facetracker.data.augment.variants import Recipe
from facetracker.data.augment.writing import AugmentJob
from facetracker.labels.pairing import Pair

RECIPE = Recipe(read_pipeline("standard"), 0, 2)
FEW, MANY = 250, 2500  # photos
MOST = 400  # bytes a photo that the driver may hold: its name, three times; as a list of samples it was 1,900


def planned(format: str, folder: Path = Path("aug"), **how) -> Plan:
    """Five photos in train and two in val, of which the last has no label file."""
    plan = Plan(folder, RECIPE, format, **how)
    for part, stems in (("train", "abcde"), ("val", "fg")):
        images, labels = Path("data", part, "images"), Path("data", part, "labels")
        pairs = [Pair(images / f"{s}.jpg", None if s == "g" else labels / f"{s}.json", part) for s in stems]
        plan.add(part, images, pairs)
    plan.add("test", Path("data/test/images"), [])
    return plan


def test_files_are_a_job_a_photo():
    plan = planned("jpeg")
    assert [(job.part, job.name, job.clean) for job in map(plan.__getitem__, range(len(plan)))] == [
        *(("train", stem, False) for stem in "abcde"),
        *(("val", stem, True) for stem in "fg"),
    ]
    labels = [pair.label for number in range(7) for pair in plan[number].pairs]
    assert labels[0] == Path("data/train/labels/a.json")
    assert labels[5:] == [Path("data/val/labels/f.json"), None]
    assert plan.done_file(6) == plan[6].done_file == Path("aug/.done/val/g.json")
    with pytest.raises(IndexError):
        plan[7]


def test_photos_are_dealt_to_shards_as_cards():
    plan = planned("tfrecord", shard_photos=2)
    dealt = ["".join(pair.stem for pair in plan[number].pairs) for number in range(len(plan))]
    assert dealt == ["ad", "be", "c", "fg"]
    assert list(plan.names("train")) == [f"train-0000{number}-of-00003.tfrecord" for number in range(3)]
    assert list(plan.names("test")) == []
    assert plan.photo(1) == Path("data/train/images/b.jpg")
    chosen = Chosen(plan)
    for number in (0, 2):
        chosen.add(number)
    assert (len(chosen), chosen.photos, chosen.number(1), chosen[1]) == (2, 3, 2, plan[2])


def test_a_label_that_breaks_on_the_way_is_a_reject(data, tmp_path):
    plan = Plan(tmp_path / "aug", RECIPE, "tfrecord")
    fill(plan, data, AugmentReport(tmp_path / "aug"))
    broken = data / "train/labels/00-001.json"
    broken.write_text("{")
    outcome = plan[0].run()
    assert [path for path, _ in outcome.rejects] == [str(broken)]
    assert outcome.pictures == 6


@pytest.mark.parametrize("done", [True, False])
def test_the_index_is_what_json_writes(data, tmp_path, monkeypatch, done):
    for folder, suffix in (("images", "jpg"), ("labels", "json")):
        (data / f"train/{folder}/00-001.{suffix}").rename(data / f"train/{folder}/ä\u2028b.{suffix}")
    if not done:
        monkeypatch.setattr("facetracker.data.augment.augment.run_job", AugmentJob.digest)  # leaves nothing behind
    augment(data, tmp_path / "aug", variants=1, workers=1, format="tfrecord", shard_photos=3)
    text = (tmp_path / "aug/train/index.json").read_text()
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"
    assert len(json.loads(text)["shards"]) == (2 if done else 0)


# In a process of its own, for that of the tests has other threads. The worker is left out: its memory is its own. So
# is Python's table of interned strings, which pathlib fills: now and then it is made again, for any number of photos.
GROWTH = """
import gc, sys, tracemalloc
from pathlib import Path
from facetracker.core import console
from facetracker.data.augment import augment as stage
from facetracker.data.augment.writing import Outcome

def nothing_made(job):
    gc.collect()
    return Outcome(pictures=len(job.pairs), photos={pair.stem: 1 for pair in job.pairs})

def peak(photos):
    tracemalloc.start()
    stage.augment(photos, photos / "out", variants=1, workers=1, format=sys.argv[1], shard_photos=20)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most

sys.intern = lambda text: text
console.quiet = True
stage.run_job, stage.preview_of = nothing_made, lambda plan, undone: None
few, many = (Path(name) for name in sys.argv[2:])
peak(few)  # imports
gc.freeze()  # what they hold need not be looked through each time
print(peak(many) - peak(few))
"""


@pytest.mark.no_cover
@pytest.mark.slow
@pytest.mark.parametrize("format", ["jpeg", "tfrecord"])
def test_the_driver_holds_no_more_of_a_photo_than_its_name(data, tmp_path, format):
    folders = [str(replicated(data, tmp_path / str(count), count)) for count in (FEW, MANY)]
    child = subprocess.run([sys.executable, "-c", GROWTH, format, *folders], capture_output=True, check=True, text=True)
    assert int(child.stdout) / (MANY - FEW) < MOST


def replicated(data: Path, folder: Path, count: int) -> Path:
    """A photo and its label file under so many names."""
    for place, suffix in (("images", "jpg"), ("labels", "json")):
        (folder / "train" / place).mkdir(parents=True)
        for number in range(count):
            os.link(data / f"train/{place}/00-000.{suffix}", folder / f"train/{place}/photo-{number:06d}.{suffix}")
    return folder
