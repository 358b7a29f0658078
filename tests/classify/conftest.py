"""Drawn people with and without masks, their faces as crops, and a small classifier trained on them once."""

from __future__ import annotations

from pathlib import Path

import pytest

from facetracker.annotate.labelme import write_labels
from facetracker.classify.crops import crops
from facetracker.pictures import write_jpeg
from facetracker.sample import Sample
from facetracker.scenes import photo


def write_masks(folder: Path, first: int, count: int) -> Path:
    """Drawn photos of two people each, one of them with a mask, with labelme files."""
    for number in range(first, first + count):
        still = photo(7, number, 240, 180, faces=2, masks=True)
        height, width = still.picture.shape[:2]
        path = write_jpeg(folder / "images" / f"drawn-{number:03d}.jpg", still.picture)
        sample = Sample(path, width, height, still.boxes, tuple(still.labels))
        write_labels(folder / "labels" / f"{path.stem}.json", sample)
    return folder


@pytest.fixture(scope="session")
def masks(tmp_path_factory) -> Path:
    """Labelled photos in train, val and test."""
    folder = tmp_path_factory.mktemp("masks")
    for partition, first, count in (("train", 0, 60), ("val", 60, 12), ("test", 80, 16)):
        write_masks(folder / partition, first, count)
    return folder


@pytest.fixture(scope="session")
def faces(masks, tmp_path_factory) -> Path:
    """The crops of those photos, in class folders."""
    folder = tmp_path_factory.mktemp("crops") / "faces"
    crops(masks, folder)
    return folder


@pytest.fixture(scope="session")
def run(faces, tmp_path_factory) -> Path:
    """The run folder of a small classifier, trained for a few seconds."""
    from facetracker.classify.train import train_classifier
    from facetracker.console import silenced

    with silenced():
        return train_classifier(
            faces, "nano", epochs=4, freeze_epochs=1, image_size=64, batch_size=16, runs=tmp_path_factory.mktemp("runs")
        )
