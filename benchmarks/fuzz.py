"""Damaged and hostile files for every reader: is each refused in one line, quickly, and within memory?

    python benchmarks/fuzz.py [--inputs 10000] [--minutes 60] [--seed 0] [--only onnx ...]

A sound file of each kind is damaged at one to five places (bits, bytes, cuts, doubled and dropped pieces, numbers in
its structure) and given to its reader, in a process of its own for each kind: whatever is no `FaceTrackerError` counts
as a finding, as does a reader that dies, needs more than 2 s for a file, or 300 MB more than it had at the start.
Before the damaged ones come traps made by hand: YAML and JSON nested 100,000 deep, sizes of a billion, archives that
unpack to gigabytes. Findings are kept in a folder; the exit code is 1 if there are any.
"""

from __future__ import annotations

import argparse
import functools
import io
import json
import multiprocessing
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "labels"))

import numpy as np
from damage import damaged_bytes, damaged_label, damaged_picture, sound_pictures
from smallest import add_smallest_backbone

from facetracker.core import console
from facetracker.core.errors import FaceTrackerError
from facetracker.core.example import Example
from facetracker.core.photo import photo_size, read_picture, write_jpeg
from facetracker.labels.labelme import read_labels, write_labels

BOMB = 1500  # MB that an archive unpacks to
LONGEST, LARGEST = 2.0, 300.0  # seconds a file, MB above the start
STARTER = Path(console.__file__).parents[1] / "assets" / "starter.tflite"
Reader = Callable[[Path], object]


@dataclass(frozen=True)
class Kind:
    """A kind of file: sound ones as `(suffix, bytes)`, the reader, traps, and files that lie beside it."""

    read: Reader
    sound: Callable[[Path], list[tuple[str, bytes]]]
    traps: Callable[[], list[tuple[str, bytes]]] = list
    beside: Callable[[Path], None] = lambda path: None
    share: int = 1
    damage: Callable[[random.Random, list[tuple[str, bytes]]], tuple[str, bytes]] | None = None


DEEP = [("[" * 100_000), '{"a":' * 100_000, "[" * 100_000 + "]" * 100_000]


def zipped(names: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    return data.getvalue()


@functools.cache
def bomb(name: str, megabytes: int) -> bytes:
    """An archive of one entry of so many zeros."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w", force_zip64=True) as file:
        for _ in range(megabytes):
            file.write(bytes(1 << 20))
    return data.getvalue()


def claims(shape: str) -> bytes:
    """An `.npz` with one array that claims this shape and holds nothing of it."""
    head = ("{'descr': '<f8', 'fortran_order': False, 'shape': " + shape + ", }").ljust(117) + "\n"
    return zipped({"progress.npy": b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode() + bytes(64)})


# --- what each kind is read by -----------------------------------------------------------------------------------


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


# --- sound files -------------------------------------------------------------------------------------------------


def _drawn() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (120, 160, 3)).astype(np.uint8)


def card_and_model(path: Path) -> None:
    """For a card: the starter's model beside it; for a model: the starter's card."""
    if path.name.endswith(".tflite.json"):
        shutil.copy(STARTER, path.with_name(path.name.removesuffix(".json")))
    else:
        shutil.copy(STARTER.with_name(STARTER.name + ".json"), path.with_name(path.name + ".json"))


def card(path: Path) -> object:
    return detector(path.with_name(path.name.removesuffix(".json")))


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
    one = Record("a.0.jpg", "a.jpg", encode_jpeg(_drawn()), 160, 120, boxes, ("face",))
    return [(".tfrecord", frame(one.encode()))]


def sound_messages(folder: Path) -> list[tuple[str, bytes]]:
    return [(".tfrecord", sound_records(folder)[0][1][12:-4])]


def sound_exchange(folder: Path) -> list[tuple[str, bytes]]:
    from facetracker.labels.formats.convert import convert

    source = folder / "sound"
    photo = write_jpeg(source / "images" / "photo.jpg", _drawn())
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


PACKAGE = Path(console.__file__).parents[1]


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


# --- traps -------------------------------------------------------------------------------------------------------

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def yaml_traps() -> list[tuple[str, bytes]]:
    texts = [*DEEP, "a: " * 50_000, "- " * 100_000, LAUGHS, "x: 2001-99-99", "x: !!python/object/apply:os.system [id]"]
    texts += ["model: {image_size: 1000000000}", "training: {epochs: " + "9" * 5000 + "}"]
    texts += ["? [a]\n: b", "x" * (8 << 20)]
    return [(".yaml", text.encode()) for text in texts]


def json_traps(suffix: str = ".json") -> list[tuple[str, bytes]]:
    return [(suffix, text.encode()) for text in [*DEEP, "9" * 10_000, '{"a": ' + "9" * 5000 + "}", "\x00" * 100]]


def card_traps() -> list[tuple[str, bytes]]:
    sound = json.loads(sound_cards(Path())[0][1])
    sides = [10**9, 10**400, -1, 65536, True, "640"]
    made = [json.dumps({**sound, "image_size": side}).encode() for side in sides]
    made += [json.dumps({**sound, "strides": value}).encode() for value in ([0], [10**9] * 3, [8], [-8, 16, 32])]
    made.append(json.dumps({**sound, "classes": ["face\x1b[2J"] * 1000}).encode())
    return [*json_traps(".tflite.json"), *((".tflite.json", data) for data in made)]


def npz_traps() -> list[tuple[str, bytes]]:
    shapes = ("(5000000000,)", "(1000000, 1000000)", "(-1,)", "(10**9,)", "(2**62, 4)", "'x'")
    made = [claims(shape) for shape in shapes]
    made += [bomb("progress.npy", BOMB), zipped({"progress.npy": b""}), zipped({"../../x.npy": b"\x93NUMPY"})]
    return [(".npz", data) for data in made]


def keras_traps() -> list[tuple[str, bytes]]:
    import h5py

    config = {"registered_name": "facetracker>FaceTracker", "config": {"backbone": "smallest", "image_size": 10**9}}
    made = [(".keras", bomb(name, BOMB)) for name in ("config.json", "model.weights.h5")]
    for text in (*DEEP, json.dumps(config)):
        made.append((".keras", zipped({"config.json": text.encode()})))
    data = io.BytesIO()
    with h5py.File(data, "w") as file:
        file.create_dataset("a", (5_000_000_000,), "f8", chunks=(1 << 16,))
        file["b"] = h5py.ExternalLink("/etc/passwd", "/")
    made.append((".h5", data.getvalue()))
    return made


def _damaged_label(chance: random.Random) -> tuple[str, bytes]:
    return ".json", damaged_label(chance)


def _framed(chance: random.Random, sound: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    """A damaged message in a sound frame: the checksums agree, and the message itself has to be read."""
    from facetracker.labels.tfrecord import frame

    message = sound[0][1]
    for _ in range(chance.randint(1, 5)):
        head = chance.choice([64, 300, len(message)])
        message = damaged_bytes(message[:head], chance) + message[head:]
    return ".tfrecord", frame(message)


KINDS: dict[str, Kind] = {
    "labels": Kind(label_file, lambda folder: [], json_traps, share=4, damage=lambda chance, _: _damaged_label(chance)),
    "photos": Kind(picture, lambda folder: sound_pictures(), share=3, damage=damaged_picture),
    "films": Kind(film, sound_films, share=2),
    "exchange": Kind(converted, sound_exchange, lambda: [*json_traps(), *yaml_traps()], share=3),
    "records": Kind(records, sound_records, share=3),
    "records with right checksums": Kind(records, sound_messages, share=2, damage=_framed),
    "cards": Kind(card, sound_cards, card_traps, card_and_model, share=2),
    "tflite": Kind(detector, lambda folder: [(".tflite", STARTER.read_bytes())], beside=card_and_model, share=2),
    "onnx": Kind(detector, sound_onnx, share=2),
    "keras": Kind(keras_model, sound_keras, keras_traps, share=1),
    "weights": Kind(weights, sound_npz, npz_traps, share=2),
    "states": Kind(state, sound_npz, npz_traps, share=2),
    "presets": Kind(settings, presets, yaml_traps, share=3),
    "classifier settings": Kind(classifier_settings, sound_classifier_settings, yaml_traps, share=2),
    "pipelines": Kind(pipeline, pipelines, yaml_traps, share=1),
    "plans": Kind(plan, sound_plans, json_traps, share=2),
}


def inputs(kind: Kind, count: int, seed: str, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Traps first, then so many damaged files."""
    sound, chance = kind.sound(folder), random.Random(seed)
    yield from kind.traps()
    for _ in range(count):
        if kind.damage is not None:
            yield kind.damage(chance, sound)
            continue
        suffix, data = chance.choice(sound)
        for _ in range(chance.randint(1, 5)):
            head = chance.choice([64, 2000, len(data)])  # damage likes the beginning, where the structure is
            data = damaged_bytes(data[:head], chance) + data[head:]
        yield suffix, data


def peak() -> float:
    """The most memory that this process has had, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def work(name: str, count: int, seed: str, place: str, until: float) -> None:
    """Give files to one reader; the findings stand in `findings.txt`, the files beside it."""
    kind, folder = KINDS[name], Path(place)
    console.quiet = True
    write_jpeg(folder / "photo.jpg", _drawn())
    out, outcomes = (folder / "findings.txt").open("w"), Counter[str]()
    start, slowest = 0.0, 0.0
    for number, (suffix, data) in enumerate(inputs(kind, count, seed, folder)):
        if time.monotonic() > until:
            break
        path = folder / f"file{suffix}"
        path.write_bytes(data)
        kind.beside(path)
        if number == 0:  # libraries are loaded by the first one
            with console.silenced():
                _attempt(kind, path)
                if suffix != ".json":
                    start = peak()
        began, cpu = time.monotonic(), time.process_time()
        with console.silenced():
            outcome, fault = _attempt(kind, path)
        took = min(time.monotonic() - began, time.process_time() - cpu + 0.1)  # not the neighbours' share
        start = start or peak()
        more = peak() - start
        if took > LONGEST:
            fault = f"took {took:.1f} s"
        if more > LARGEST:
            fault, start = f"took {more:.0f} MB", peak()
        outcomes[outcome] += 1
        slowest = max(slowest, took)
        if fault:
            kept = folder / f"found-{number}{suffix}"
            shutil.copy(path, kept)
            out.write(f"{kept}: {fault}\n")
            out.flush()
    (folder / "done.json").write_text(json.dumps({**outcomes, "slowest": slowest, "more": peak() - start}))


def _attempt(kind: Kind, path: Path) -> tuple[str, str]:
    """What a reader makes of a file: `read` or `refused`, and what is wrong with that."""
    try:
        kind.read(path)
    except FaceTrackerError as error:
        line = str(error)
        return "refused", "" if "\n" not in line and len(line) < 2000 else f"not one line: {line[:200]!r}"
    except BaseException as error:
        return "refused", f"{type(error).__name__}: {str(error)[:300]!r}"
    return "read", ""


def fuzz(
    name: str, count: int, seed: int, place: Path, until: float = float("inf")
) -> tuple[dict[str, float], list[str]]:
    """Run one kind in a process of its own: what came out, and the findings."""
    folder = place / name.replace(" ", "-")
    folder.mkdir(parents=True)
    process = multiprocessing.get_context("spawn").Process(
        target=work, args=(name, count, f"{seed} {name}", str(folder), until)
    )
    process.start()
    process.join()
    found = (folder / "findings.txt").read_text().splitlines() if (folder / "findings.txt").exists() else []
    if process.exitcode:
        last = max(folder.glob("file*"), key=lambda path: path.stat().st_mtime, default=folder)
        kept = shutil.copy(last, folder / f"killed{last.suffix}") if last.is_file() else last
        found.append(f"{kept}: the reader died (exit code {process.exitcode})")
    done = folder / "done.json"
    return (json.loads(done.read_text()) if done.exists() else {}), found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=10_000, help="damaged files of all kinds together")
    parser.add_argument("--minutes", type=float, help="again and again, with other seeds, for so long")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", choices=list(KINDS))
    parser.add_argument("--keep", type=Path, help="where the findings are kept")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    chosen = options.only or list(KINDS)
    shares = sum(KINDS[name].share for name in chosen)
    until = float("inf") if options.minutes is None else time.monotonic() + 60 * options.minutes
    tried, bad, seed = 0, 0, options.seed
    with tempfile.TemporaryDirectory(prefix="fuzz-") as temporary:
        while True:
            place = (options.keep or Path(temporary)) / str(seed)
            for name in chosen:
                done, found = fuzz(name, round(options.inputs * KINDS[name].share / shares), seed, place, until)
                count = int(done.get("read", 0) + done.get("refused", 0))
                tried, bad = tried + count, bad + len(found)
                print(
                    f"{name:20} {count:6} files, {int(done.get('read', 0)):6} read, "
                    f"slowest {done.get('slowest', 0):.2f} s, {done.get('more', 0):.0f} MB more, {len(found)} findings",
                    flush=True,
                )
                for line in found[:5]:
                    print(f"    {line[:400]}", flush=True)
            seed += 1
            if options.minutes is None or time.monotonic() > until:
                break
    print(f"{tried} files, {bad} findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
