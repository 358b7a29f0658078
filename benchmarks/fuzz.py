"""Damaged and hostile files for every reader: is each refused in one line, quickly, and within memory?

    python benchmarks/fuzz.py [--inputs 10000] [--minutes 60] [--seed 0] [--only onnx ...] [--keep FOLDER]

A sound file of each kind is damaged at one to five places (bits, bytes, cuts, doubled and dropped pieces, numbers in
its structure) and given to its reader, in a process of its own for each kind: whatever is no `FaceTrackerError` counts
as a finding, as does a reader that dies, needs more than 2 s for a file, or 300 MB more than it had at the start. So
does a sound file that is refused: damaged ones would tell nothing then. Before the damaged ones come traps made by
hand: YAML and JSON nested 100,000 deep, sizes of a billion, archives that unpack to gigabytes. Findings are kept in a
folder, and with `--keep` a run that was stopped goes on; the exit code is 1 if there are any.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "labels"))

import fuzz_files as files
import fuzz_readers as read
import fuzz_traps as traps
import fuzz_watch as watch
from damage import damaged_bytes, damaged_label, damaged_picture, sound_pictures

from facetracker.core import console
from facetracker.core.photo import write_jpeg

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


def _damaged_label(chance: random.Random) -> tuple[str, bytes]:
    return ".json", damaged_label(chance)


def _framed(chance: random.Random, sound: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    """A damaged message in a sound frame: the checksums agree, and the message itself has to be read."""
    from facetracker.labels.tfrecord import frame

    message = sound[0][1][12:-4]
    for _ in range(chance.randint(1, 5)):
        head = chance.choice([64, 300, len(message)])
        message = damaged_bytes(message[:head], chance) + message[head:]
    return ".tfrecord", frame(message)


def _pictures(grey: bool) -> list[tuple[str, bytes]]:
    """Sound pictures in colours, or the grey one, which `--picture` refuses."""
    return [one for one in sound_pictures() if (one[0] == ".jpeg") is grey]


def _grey() -> list[tuple[str, bytes]]:
    return _pictures(grey=True)


def _json_or_yaml() -> list[tuple[str, bytes]]:
    return [*traps.json_traps(), *traps.yaml_traps()]


def _starter(folder: Path) -> list[tuple[str, bytes]]:
    return [(".tflite", read.STARTER.read_bytes())]


KINDS: dict[str, Kind] = {
    "labels": Kind(
        read.label_file, lambda folder: [], traps.json_traps, share=4, damage=lambda chance, _: _damaged_label(chance)
    ),
    "photos": Kind(read.picture, lambda folder: sound_pictures(), share=3, damage=damaged_picture),
    "photos of other kinds": Kind(read.picture, files.sound_other_photos, traps.other_photo_traps, share=2),
    "films": Kind(read.film, files.sound_films, share=2),
    "films to hide": Kind(read.film_to_hide, files.sound_films, share=2),
    "faces to hide": Kind(read.answers, files.sound_answers, traps.answer_traps, files.record_beside, share=3),
    "records of faces": Kind(read.record, files.sound_plans_to_hide, traps.json_traps, files.answers_beside, share=3),
    "pictures over faces": Kind(read.over_faces, lambda folder: _pictures(grey=False), _grey, damage=damaged_picture),
    "zones": Kind(read.zones, files.sound_zones, traps.zone_traps, share=2),
    "class lists": Kind(read.classes, files.sound_classes, traps.class_traps, share=1),
    "exchange": Kind(read.converted, files.sound_exchange, _json_or_yaml, share=3),
    "records": Kind(read.records, files.sound_records, share=3),
    "records with right checksums": Kind(read.records, files.sound_records, share=2, damage=_framed),
    "cards": Kind(read.card, files.sound_cards, traps.card_traps, files.card_and_model, share=2),
    "tflite": Kind(read.detector, _starter, beside=files.card_and_model, share=2),
    "onnx": Kind(read.detector, files.sound_onnx, share=2),
    "keras": Kind(read.keras_model, files.sound_keras, traps.keras_traps, share=1),
    "weights": Kind(read.weights, files.sound_npz, traps.npz_traps, share=2),
    "states": Kind(read.state, files.sound_npz, traps.npz_traps, share=2),
    "presets": Kind(read.settings, files.presets, traps.yaml_traps, share=3),
    "classifier settings": Kind(read.classifier_settings, files.sound_classifier_settings, traps.yaml_traps, share=2),
    "pipelines": Kind(read.pipeline, files.pipelines, traps.yaml_traps, share=1),
    "plans": Kind(read.plan, files.sound_plans, traps.json_traps, share=2),
    "plans of a split": Kind(read.plan_of_split, files.sound_plans_of_split, traps.json_traps, share=1),
}


def inputs(kind: Kind, sound: list[tuple[str, bytes]], count: int, seed: str) -> Iterator[tuple[str, bytes]]:
    """Traps first, then so many damaged files."""
    chance = random.Random(seed)
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


def work(name: str, count: int, seed: str, place: str, until: float) -> None:
    """What a process does: give files to one reader."""
    kind, folder = KINDS[name], Path(place)
    console.quiet = True
    write_jpeg(folder / "photo.jpg", files.drawn())
    with console.silenced():
        sound = kind.sound(folder)
    watch.try_files(kind.read, kind.beside, sound, inputs(kind, sound, count, seed), folder, until)


def fuzz(name: str, count: int, seed: int, place: Path, until: float = float("inf")) -> tuple[watch.Tally, list[str]]:
    """Run one kind under watch: what came out, and the findings."""
    folder = place / name.replace(" ", "-")

    def begin() -> BaseProcess:
        process = multiprocessing.get_context("spawn").Process(
            target=work, args=(name, count, f"{seed} {name}", str(folder), until)
        )
        process.start()
        return process

    return watch.look_after(begin, folder)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=10_000, help="damaged files of all kinds together")
    parser.add_argument("--minutes", type=float, help="again and again, with other seeds, for so long")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", choices=list(KINDS))
    parser.add_argument("--keep", type=Path, help="where the findings are kept, and how far it came")
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
                tried, bad = tried + done.read + done.refused, bad + len(found)
                print(
                    f"{name:20} {done.read + done.refused:6} files, {done.read:6} read, "
                    f"slowest {done.slowest:.2f} s, {done.more:.0f} MB more, {len(found)} findings",
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
