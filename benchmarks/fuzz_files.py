"""Sound files of every kind, for `fuzz.py` to damage: `(suffix, bytes)` of each."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
from fuzz_readers import FILM, STARTER
from smallest import add_smallest_backbone

from facetracker.core import console
from facetracker.core.example import Example
from facetracker.core.photo import write_jpeg
from facetracker.labels.labelme import write_labels

PACKAGE = Path(console.__file__).parents[1]


def drawn() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (120, 160, 3)).astype(np.uint8)


def card_and_model(path: Path) -> None:
    """For a card: the starter's model beside it; for a model: the starter's card."""
    if path.name.endswith(".tflite.json"):
        shutil.copy(STARTER, path.with_name(path.name.removesuffix(".json")))
    else:
        shutil.copy(STARTER.with_name(STARTER.name + ".json"), path.with_name(path.name + ".json"))


def small_tracker(folder: Path):
    import keras

    from facetracker.models import FaceTracker

    add_smallest_backbone()
    tracker = FaceTracker(backbone="smallest", head="dense", classes=["face"], image_size=64, weights="none")
    tracker.compile(optimizer=keras.optimizers.Adam())
    return tracker


def sound_keras(folder: Path) -> list[tuple[str, bytes]]:
    from facetracker.models.loading import save_h5

    tracker = small_tracker(folder)
    tracker.save(folder / "sound.keras")
    save_h5(tracker, folder / "sound.h5")
    return [(suffix, (folder / f"sound{suffix}").read_bytes()) for suffix in (".keras", ".h5")]


def sound_onnx(folder: Path) -> list[tuple[str, bytes]]:
    from facetracker.exports.exporting import export

    tracker = small_tracker(folder)
    tracker.save(folder / "sound.keras")
    export(folder / "sound.keras", ["onnx"], force=True)
    return [(".onnx", (folder / "sound.onnx").read_bytes())]


def sound_npz(folder: Path) -> list[tuple[str, bytes]]:
    made = []
    for save in (np.savez, np.savez_compressed):
        data = io.BytesIO()
        progress = {"epoch": 1, "history": [{"epoch": 1}], "best": 0.5, "best_epoch": 1, "seconds": 1.0}
        text = np.frombuffer(json.dumps({**progress, "finished": False}).encode(), np.uint8)
        save(data, **{"progress": text, "model/00000": np.ones((20, 30), np.float32)})
        made.append((".npz", data.getvalue()))
    return made


def sound_films(folder: Path) -> list[tuple[str, bytes]]:
    from facetracker.inference.recording.record import FORMATS, VideoRecorder

    made = []
    for suffix in FORMATS:
        recorder = VideoRecorder(folder / f"film{suffix}", 10, force=True)
        for number in range(8):
            recorder.write(np.full((48, 64, 3), number * 20, np.uint8), number / 10)
        recorder.close()
        made.append((suffix, (folder / f"film{suffix}").read_bytes()))
    return made


def sound_records(folder: Path) -> list[tuple[str, bytes]]:
    from facetracker.core.photo import encode_jpeg
    from facetracker.labels.records import Record
    from facetracker.labels.tfrecord import frame

    boxes = np.array([[0.1, 0.1, 0.5, 0.5]], np.float32)
    one = Record("a.0.jpg", "a.jpg", encode_jpeg(drawn()), 160, 120, boxes, ("face",))
    return [(".tfrecord", frame(one.encode()))]


def sound_exchange(folder: Path) -> list[tuple[str, bytes]]:
    from facetracker.labels.formats.convert import convert

    source = folder / "sound"
    photo = write_jpeg(source / "images" / "photo.jpg", drawn())
    write_labels(
        source / "labels" / "photo.json",
        Example(photo, 160, 120, np.array([[0.1, 0.1, 0.5, 0.5]], np.float32), ("face",)),
    )
    made = []
    for to, pattern in (("coco", "*.json"), ("voc", "*.xml"), ("yolo", "*.txt"), ("yolo", "*.yaml")):
        convert(source, folder / f"{to}", to, force=True)
        found = next(path for path in sorted((folder / to).rglob(pattern)) if path.name != "classes.txt")
        made.append((found.suffix, found.read_bytes()))
    return made


def presets(folder: Path) -> list[tuple[str, bytes]]:
    return [(".yaml", path.read_bytes()) for path in sorted((PACKAGE / "presets").glob("*.yaml"))]


def pipelines(folder: Path) -> list[tuple[str, bytes]]:
    return [(".yaml", path.read_bytes()) for path in sorted((PACKAGE / "data/augment/pipelines").glob("*.yaml"))]


def sound_classifier_settings(folder: Path) -> list[tuple[str, bytes]]:
    from facetracker.training.classifier.settings import default_settings

    return [(".yaml", default_settings("nano").to_yaml().encode())]


def sound_plans(folder: Path) -> list[tuple[str, bytes]]:
    from facetracker.training.plan import RunPlan, WorkersPlan

    shares = WorkersPlan(8, 4, 0.001, 10, (1, 2))
    return [(".json", RunPlan(("face",), 0.5, workers=shares).to_json().encode())]


def sound_cards(folder: Path) -> list[tuple[str, bytes]]:
    return [(".tflite.json", STARTER.with_name(STARTER.name + ".json").read_bytes())]


def hiding_plan(folder: Path):
    """A plan of two faces in ten frames, written to `folder` beside the film that it tells of."""
    from facetracker.inference.hiding.check import HidingPlan
    from facetracker.inference.hiding.tracks import FilmTrack

    film = folder / FILM
    if not film.is_file():
        film.write_bytes(b"a film")
    boxes = np.tile([[10.0, 10.0, 50.0, 60.0]], (5, 1))
    tracks = [
        FilmTrack(1, 0, boxes, np.full(5, 0.9)),
        FilmTrack(2, 4, boxes, np.full(5, 0.3), False, "may be a face"),
    ]
    plan = HidingPlan(tracks, list(range(10)), [number / 25 for number in range(10)], (160, 120))
    plan.write(folder, film)


def sound_answers(folder: Path) -> list[tuple[str, bytes]]:
    hiding_plan(folder)
    return [(".csv", (folder / "faces.csv").read_bytes())]


def sound_plans_to_hide(folder: Path) -> list[tuple[str, bytes]]:
    hiding_plan(folder)
    return [(".json", (folder / "faces.json").read_bytes())]


def record_beside(path: Path) -> None:
    if not path.with_name("faces.json").is_file():
        hiding_plan(path.parent)


def answers_beside(path: Path) -> None:
    if not path.with_name("faces.csv").is_file():
        hiding_plan(path.parent)


def sound_zones(folder: Path) -> list[tuple[str, bytes]]:
    return [(".txt", b"desk=0.1,0.2,0.6,0.9\ndoor=0.5,0.5,0.9,0.5,0.9,0.9\nby the window=0,0,1,1\n")]


def sound_classes(folder: Path) -> list[tuple[str, bytes]]:
    return [(".txt", "face\nmask\n얼굴\n__ignore__\n".encode())]


def sound_plans_of_split(folder: Path) -> list[tuple[str, bytes]]:
    from facetracker.data.split import PLAN, split

    write_jpeg(folder / "sound" / "images" / "photo.jpg", drawn())
    split(folder / "sound", by="photo")
    return [(".json", (folder / "sound" / PLAN).read_bytes())]


def sound_other_photos(folder: Path) -> list[tuple[str, bytes]]:
    """What OpenCV does not read: GIF, JPEG 2000, and AVIF and HEIC where they can be written."""
    from PIL import Image

    picture, made = Image.fromarray(drawn()[..., ::-1]), []
    for suffix, kind in ((".gif", "GIF"), (".jp2", "JPEG2000"), (".avif", "AVIF"), (".heic", "HEIF")):
        data = io.BytesIO()
        try:
            if kind == "HEIF":
                import pillow_heif

                pillow_heif.register_heif_opener()
            picture.save(data, kind)
        except (ImportError, KeyError, OSError):
            continue
        made.append((suffix, data.getvalue()))
    return made
