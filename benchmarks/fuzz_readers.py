"""What each kind of file is read by, for `fuzz.py`: the way in which a person's command reads it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from facetracker.core import console
from facetracker.core.photo import photo_size, read_picture
from facetracker.labels.labelme import read_labels

STARTER = Path(console.__file__).parents[1] / "assets" / "starter.tflite"


def detector(path: Path) -> object:
    from facetracker.inference.detector import Detector

    return Detector.load(path, threads=1).detect(np.zeros((96, 128, 3), np.uint8))


def label_file(path: Path) -> object:
    photo = path.with_name("photo.jpg")
    return read_labels(path, photo, size=(160, 120))


def picture(path: Path) -> object:
    photo_size(path)
    return read_picture(path)


def film(path: Path) -> object:
    from facetracker.capture.source import open_source

    with open_source(str(path)) as source:
        return [frame.index for frame, _ in zip(source, range(5), strict=False)]


def converted(path: Path) -> object:
    """COCO's file, VOC's XML or YOLO's text with what must lie around it."""
    from facetracker.labels.formats.convert import convert

    out = path.with_name("converted")
    shutil.rmtree(out, ignore_errors=True)
    source: Path = path
    if path.suffix != ".json":
        source = path.with_name("source")
        place = {"xml": source / "Annotations", "txt": source / "labels", "yaml": source}[path.suffix[1:]]
        place.mkdir(parents=True, exist_ok=True)
        images = source / ("JPEGImages" if path.suffix == ".xml" else "images")
        images.mkdir(parents=True, exist_ok=True)
        shutil.copy(path.with_name("photo.jpg"), images / "photo.jpg")
        name = "data.yaml" if path.suffix == ".yaml" else f"photo{path.suffix}"
        shutil.copy(path, place / name)
        if path.suffix == ".txt":
            (source / "classes.txt").write_text("face\n")
        if path.suffix == ".yaml":
            (source / "labels").mkdir(exist_ok=True)
            (source / "labels" / "photo.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    try:
        return convert(source, out, "labelme")
    finally:
        shutil.rmtree(path.with_name("source"), ignore_errors=True)


def records(path: Path) -> object:
    from facetracker.labels.records import records_in

    return [record.as_example("train", path) for record in records_in(path)]


def state(path: Path) -> object:
    from facetracker.training.state import read_state

    return read_state(path)


def weights(path: Path) -> object:
    from facetracker.models.weights import read_arrays

    return read_arrays(path)


def keras_model(path: Path) -> object:
    from facetracker.models.loading import load_model

    return load_model(path, compile=path.suffix == ".keras")


def settings(path: Path) -> object:
    from facetracker.core.settings import load_settings

    return load_settings(path, ["training.epochs=3"])


def classifier_settings(path: Path) -> object:
    from facetracker.training.classifier.settings import read_classifier_settings

    return read_classifier_settings(path)


def pipeline(path: Path) -> object:
    from facetracker.data.augment.transforms import read_pipeline

    return read_pipeline(path)


def plan(path: Path) -> object:
    from facetracker.training.plan import read_plan

    return read_plan(path)


def card(path: Path) -> object:
    return detector(path.with_name(path.name.removesuffix(".json")))


FILM = "film.mp4"  # what lies beside answers and records: the film that they tell of


def film_to_hide(path: Path) -> object:
    from facetracker.inference.films.film import FilmReader

    with FilmReader(path) as film:
        return [frame.time for frame, _ in zip(film.frames(), range(5), strict=False)]


def answers(path: Path) -> object:
    """`--except`: the list that a person has filled in."""
    from facetracker.inference.hiding.check import read_plan
    from facetracker.inference.hiding.tracks import boxes_by_frame

    plan = read_plan(path, path.with_name(FILM))
    return boxes_by_frame(plan.tracks, len(plan.times))


def record(path: Path) -> object:
    """`faces.json`, with the list beside it."""
    from facetracker.inference.hiding.check import LIST, RECORD

    shutil.copy(path, path.with_name(RECORD))
    return answers(path.with_name(LIST))


def over_faces(path: Path) -> object:
    """`--picture`: laid over a face."""
    from facetracker.inference.hiding.hide import HideAs

    shown = np.zeros((96, 128, 3), np.uint8)
    return HideAs("picture", path).cover().on_bgr(shown, [[20, 20, 60, 70]])


def zones(path: Path) -> object:
    """`--zone`: a person types it, or a script hands it over."""
    from facetracker.inference.events.zones import parse_zones

    return parse_zones(path.read_text(encoding="utf-8", errors="surrogateescape").splitlines())


def classes(path: Path) -> object:
    from facetracker.labels.classes import listed_classes

    shutil.copy(path, path.with_name("labels.txt"))
    return listed_classes(path.parent)


def plan_of_split(path: Path) -> object:
    from facetracker.data.split import PLAN, split

    data = path.with_name("to-split")
    shutil.rmtree(data, ignore_errors=True)
    (data / "images").mkdir(parents=True)
    shutil.copy(path.with_name("photo.jpg"), data / "images" / "photo.jpg")
    shutil.copy(path, data / PLAN)
    return split(data, by="photo")
