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
import json
import multiprocessing
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "labels"))

import fuzz_files as files
import fuzz_readers as read
import fuzz_traps as traps
from damage import damaged_bytes, damaged_label, damaged_picture, sound_pictures

from facetracker.core import console
from facetracker.core.errors import FaceTrackerError
from facetracker.core.photo import write_jpeg

LONGEST, LARGEST = 2.0, 300.0  # seconds a file, MB above the start
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

    message = sound[0][1]
    for _ in range(chance.randint(1, 5)):
        head = chance.choice([64, 300, len(message)])
        message = damaged_bytes(message[:head], chance) + message[head:]
    return ".tfrecord", frame(message)


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
    "pictures over faces": Kind(read.over_faces, lambda folder: sound_pictures(), share=1, damage=damaged_picture),
    "zones": Kind(read.zones, files.sound_zones, traps.zone_traps, share=2),
    "class lists": Kind(read.classes, files.sound_classes, traps.class_traps, share=1),
    "exchange": Kind(read.converted, files.sound_exchange, _json_or_yaml, share=3),
    "records": Kind(read.records, files.sound_records, share=3),
    "records with right checksums": Kind(read.records, files.sound_messages, share=2, damage=_framed),
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
    write_jpeg(folder / "photo.jpg", files.drawn())
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
