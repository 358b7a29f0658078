"""What all tests share: quiet libraries, the shared photos where they are there, drawn people with masks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
# Two test processes on two cores: pools of threads that wait for each other make everything several times slower.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

import pytest
from drawn_photos import draw_photos
from hypothesis import settings

from facetracker.core import console

REPOSITORY = Path(__file__).parent.parent

# A busy machine may take a second for what else takes a millisecond; that is no fault of the code.
settings.register_profile("calm", deadline=None)
settings.load_profile("calm")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits for a window, a browser or a cluster gets more tries: a busy machine may be late. A fault in the code
    fails three times.
    """
    for item in items:
        if any(item.get_closest_marker(name) for name in ("gui", "browser", "cluster")):
            item.add_marker(pytest.mark.flaky(reruns=2))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Of a test marked `no_cover` the lines of its child processes are not counted either.

    Counting makes tensorflow's Python half as slow again; so tests are marked that go through lines of which others
    have made sure.
    """
    marked = item.get_closest_marker("no_cover") is not None
    counting = os.environ.pop("COVERAGE_PROCESS_CONFIG", None) if marked else None
    try:
        return (yield)
    finally:
        if counting is not None:
            os.environ["COVERAGE_PROCESS_CONFIG"] = counting


@pytest.fixture(autouse=True)
def talkative() -> Iterator[None]:
    """A command called with --quiet in one test must not silence the next, nor the fixtures of the next file."""
    yield
    console.quiet = False


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the photos, clips and peers that may not be copied into the project; skips without it."""
    folder = Path(os.environ.get("FACETRACKER_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip("the shared photos are not on this machine")
    return folder


def write_masks(folder: Path, first: int, count: int) -> Path:
    """Drawn photos of two people each, one of them with a mask, with labelme files."""
    return draw_photos(folder, count, 7, 240, 180, first, faces=2, masks=True)


@pytest.fixture(scope="session")
def masks(tmp_path_factory) -> Path:
    """Labelled photos in train, val and test."""
    folder = tmp_path_factory.mktemp("masks")
    for part, first, count in (("train", 0, 60), ("val", 60, 12), ("test", 80, 16)):
        write_masks(folder / part, first, count)
    return folder


@pytest.fixture(scope="session")
def faces(masks, tmp_path_factory) -> Path:
    """The crops of those photos, in class folders."""
    from facetracker.data.crops import crops

    folder = tmp_path_factory.mktemp("crops") / "faces"
    crops(masks, folder)
    return folder


@pytest.fixture(scope="session")
def run(faces, tmp_path_factory) -> Path:
    """The run folder of a small classifier, trained for a few seconds."""
    from facetracker.core.console import silenced
    from facetracker.training.classifier.train import train_classifier

    with silenced():
        return train_classifier(
            faces, "nano", epochs=4, freeze_epochs=1, image_size=64, batch_size=16, runs=tmp_path_factory.mktemp("runs")
        )
