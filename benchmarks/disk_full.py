"""A disk that is full at five moments, or read-only, under every command that writes: one line, and nothing lost?

    python benchmarks/disk_full.py [--only split --only train ...] [--keep FOLDER]

Needs Linux and `unshare` (as root, or where people may have namespaces of their own). Every command works on a real
file system of its own (tmpfs) that also holds its temporary files. First it runs undisturbed, which says how many bytes
it takes; then with room for 0, 10, 35, 65 and 95 % of them, and read-only. Asked each time: exit code 2, one line
that names the fault, no traceback; what was there before is as it was (or as the undisturbed run leaves it); every new
file is whole; no half is left. Then room is made, and the same command (`--resume` for a training) must end well.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from facetracker.core.example import Example
from facetracker.core.photo import write_jpeg
from facetracker.labels.labelme import write_labels
from facetracker.scenes import photo as still_of

MOMENTS = (0.0, 0.10, 0.35, 0.65, 0.95)
PAGE = 4096
ROOMY = "512m"
INSIDE = "FACETRACKER_DISK_FULL_INSIDE"  # set in the namespace of its own
PRESET = """model: {backbone: nano, head: dense, image_size: 64, weights: none}
data: {batch_size: 4}
training: {epochs: 3}
"""
SHORT = ["--epochs", "2", "--image-size", "64", "--weights", "none", "--backbone", "lenet5"]


@dataclass
class Case:
    """A command, what it starts from, and the words with which it goes on."""

    words: list[str]
    needs: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)


CASES: dict[str, Case] = {
    "collect": Case(["collect", "--source", "scene:count=60", "-o", "data/images", "--count", "8", "--every", "0.1"]),
    "audit": Case(["audit", "labelled", "--out", "report", "--workers", "1"], ["labelled"]),
    "audit --fix": Case(["audit", "faulty", "--out", "report", "--workers", "1", "--fix"], ["faulty"]),
    "convert": Case(["convert", "labelled", "out", "--to", "voc"], ["labelled"], ["--force"]),
    "prelabel": Case(["prelabel", "bare"], ["bare"]),
    "review": Case(["review", "bare", "--list"], ["bare"]),
    "split": Case(["split", "labelled"], ["labelled"]),
    "augment": Case(["augment", "parts", "aug", "--variants", "3", "--workers", "1"], ["parts"]),
    "augment, shards": Case(
        ["augment", "parts", "aug", "--variants", "3", "--workers", "1", "--format", "tfrecord"], ["parts"]
    ),
    "show": Case(["show", "parts", "train", "--save", "sheet.png"], ["parts"]),
    "learn": Case(["learn", "labelled", "--instant"], ["labelled"], ["--force"]),
    "train": Case(["train", "parts", "--preset", "tiny.yaml", "--name", "one"], ["parts", "tiny.yaml"], ["--resume"]),
    "crops": Case(["crops", "parts", "faces"], ["parts"], ["--force"]),
    "train-classifier": Case(["train-classifier", "crops", "--name", "kind", *SHORT], ["crops"], ["--resume"]),
    "classify": Case(["classify", "kind", "crops/test", "--force"], ["kind", "crops"]),
    "evaluate": Case(["evaluate", "starter", "parts", "--out", "report"], ["parts"], ["--force"]),
    "export": Case(
        ["export", "model.keras", "--to", "onnx", "--to", "h5", "--out", "out"], ["model.keras"], ["--force"]
    ),
    "inspect": Case(["inspect", "model.keras", "--out", "inside"], ["model.keras"], ["--force"]),
    "detect --save": Case(
        ["detect", "--source", "scene:count=40", "--view", "none", "--save", "film.mp4"], [], ["--force"]
    ),
    "detect --jsonl": Case(
        ["detect", "--source", "scene:count=40,faces=3", "--view", "none", "--jsonl", "lines.jsonl"], [], ["--force"]
    ),
    "detect --crop-to": Case(
        ["detect", "--source", "labelled/images", "--view", "none", "--crop-to", "cut"], ["labelled"], ["--force"]
    ),
    "detect --collect-uncertain": Case(
        ["detect", "--source", "scene:count=90,faces=3", "--view", "none", "--collect-uncertain", "doubt"]
    ),
    "hide": Case(["hide", "film.mp4", "--save", "hidden.mp4", "--check", "check"], ["film.mp4"], ["--force"]),
    "hide, photos": Case(["hide", "labelled/images", "--save", "hidden"], ["labelled"], ["--force"]),
    "frame": Case(["frame", "scene:count=40", "--view", "none", "--save", "framed.mp4"], [], ["--force"]),
    "notice": Case(["notice", "scene:count=90,faces=3", "--keep-pictures", "came"]),
    "annotate": Case(["annotate", "bare", "--prelabel"], ["bare"]),
    "web": Case(["web", "--no-open", "--port", "0"], ["bare"]),
    "doctor": Case(["doctor"]),
    "benchmark": Case(["benchmark", "--rounds", "3", "--threads", "1", "--png", "table.png"]),
    "demo": Case(["demo", "--out", "demo", "--no-open"]),
}
NAMED_BY_TIME = (
    "collect",
    "web",
    "notice",
    "train",
    "train-classifier",
    "detect --collect-uncertain",
    "audit --fix",
    "demo",
)
SLOW = ("demo",)  # only when asked for: minutes a run


def material(folder: Path) -> None:
    """What the commands start from: drawn photos with and without labels, in parts, as crops; a model."""
    rng = np.random.default_rng(0)
    for number in range(12):
        still = still_of(3, number, 200, 150, faces=1, masks=True)
        part = "train" if number < 8 else "val" if number < 10 else "test"
        for place in ("labelled", "faulty", "bare", f"parts/{part}"):
            path = write_jpeg(folder / place / "images" / f"p{number}.jpg", still.picture)
            if place == "bare":
                continue
            boxes = still.boxes
            labels = tuple(still.labels) if place.startswith("parts") else ("face",) * len(boxes)
            if place == "faulty":
                boxes = np.clip(boxes + np.array([0, 0, 0, 0.9]), None, 1.3).astype(np.float32)
            write_labels(folder / place / "labels" / f"{path.stem}.json", Example(path, 200, 150, boxes, labels))
    for part, count in (("train", 16), ("val", 6), ("test", 6)):
        for kind in ("mask", "no_mask"):
            for number in range(count):
                grey = rng.integers(0, 60) + (120 if kind == "mask" else 0)
                picture = (rng.integers(0, 30, (64, 64, 3)) + grey).astype(np.uint8)
                write_jpeg(folder / "crops" / part / kind / f"{part}{number}.jpg", picture)
    command(["detect", "--source", "scene:count=40", "--view", "none", "--save", "film.mp4"], folder, folder)
    (folder / "tiny.yaml").write_text(PRESET)
    command(["train", "parts", "--preset", "tiny.yaml", "--name", "one", "--epochs", "1"], folder, folder)
    shutil.copy(folder / "runs" / "one" / "model.keras", folder / "model.keras")
    command(["train-classifier", "crops", "--name", "kind", *SHORT], folder, folder)
    shutil.copytree(folder / "runs" / "kind", folder / "kind")
    shutil.rmtree(folder / "runs")


def command(words: list[str], where: Path, temporary: Path) -> subprocess.CompletedProcess[str]:
    """Run `facetracker WORDS` in a folder, with its temporary files in another."""
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": os.pathsep.join(sys.path[1:])}
    environment |= {
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONDONTWRITEBYTECODE": "1",
        "FACETRACKER_LABELME": "echo labelme 6.3.0",
        "DISPLAY": ":0",
    }
    program = [sys.executable, "-m", "facetracker.cli", *words]
    if words[0] == "web":
        return used_page(program, where, environment)
    return subprocess.run(program, cwd=where, env=environment, capture_output=True, text=True, timeout=900)


def used_page(program: list[str], where: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The page's server with labels saved, photos and a film collected and a photo brought through it; the first
    refusal as a command says it. Every refusal must be one line, and the server must go on.
    """
    import httpx

    refused = ""
    with subprocess.Popen(
        [*program, "--data", "bare"],
        cwd=where,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        base, _, token = process.stdout.readline().strip().partition("/?token=")
        with httpx.Client(base_url=base, headers={"authorization": f"Bearer {token}"}, timeout=60) as client:
            session = client.post("/api/session", json={}).json()["session"]
            wish = {"shapes": [{"label": "face", "box": [10, 10, 60, 60], "index": None}], "no_face": False}
            answers = []
            for number in range(4):
                etag = client.get(f"/api/photos/p{number}/label").json()["etag"]
                given = {"If-Match": etag} if etag else {"If-None-Match": "*"}
                answers.append(client.put(f"/api/photos/p{number}/label", json=wish, headers=given))
            for number in range(4):
                jpeg = cv2.imencode(".jpg", still_of(9, number, 320, 240, faces=1).picture)[1].tobytes()
                query = {"session": session, "keep_similar": "1"}
                answers.append(client.post("/api/collect", params=query, content=jpeg))
            film = client.post("/api/record", json={"name": "kitchen"}).json()["film"]
            for number in range(8):
                answers.append(client.post(f"/api/record/{film}", params={"t": str(number / 10)}, content=jpeg))
            answers.append(client.post(f"/api/record/{film}/end", json={}))
            query = {"name": "mine.jpg", "size": str(len(jpeg)), "at": "0", "ticket": ""}
            answers.append(client.post("/api/bring", params=query, content=jpeg))
            refusals = [told_by(answer) for answer in answers if answer.status_code >= 400]
            refused = f"facetracker: {refusals[0]}\n" if refusals else ""
            alive = client.get("/api/state").status_code == 200
        process.terminate()
        said = process.communicate()[1]
    odd = [line for line in refusals if not line or "\n" in line]
    code = 1 if not alive or odd or "Traceback" in said else 2 if refused else 0
    return subprocess.CompletedProcess(program, code, "", refused + (said if "Traceback" in said else ""))


def told_by(answer: Any) -> str:
    """The line of a refusal; nothing where the server had none to give."""
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError):
        return ""


def contents(folder: Path) -> dict[str, str]:
    """A digest of every file below a folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    return {
        str(path.relative_to(folder)): hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest() for path in files
    }


def unpacks(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return archive.testzip() is None


def plays(path: Path) -> bool:
    """Whether a film shows anything; its last fragment may be cut off."""
    import av

    with av.open(str(path)) as film:
        return next(film.decode(video=0), None) is not None


CHECKS: dict[str, Callable[[Path], bool]] = {
    ".json": lambda path: json.loads(path.read_bytes()) is not None,
    ".jsonl": lambda path: all(json.loads(line) for line in path.read_text().splitlines()),
    ".jpg": lambda path: cv2.imread(str(path)) is not None and path.read_bytes().endswith(b"\xff\xd9"),
    ".png": lambda path: path.read_bytes().endswith(b"IEND\xaeB`\x82"),
    ".keras": unpacks,
    ".npz": unpacks,
    ".csv": lambda path: path.read_bytes().endswith(b"\n"),
    ".html": lambda path: "</html>" in path.read_text()[-40:],
    ".xml": lambda path: "</annotation>" in path.read_text()[-40:],
    ".yaml": lambda path: path.read_bytes().endswith(b"\n"),
    ".mp4": plays,
    ".mkv": plays,
}


def whole(path: Path) -> bool:
    """Whether a file of a known kind can be read to its end."""
    check = CHECKS.get(path.suffix)
    try:
        return check is None or check(path)
    except Exception:
        return False


@dataclass
class Disk:
    """A file system of its own, mounted at `place`."""

    place: Path

    def mount(self) -> None:
        self.place.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOMY}", "tmpfs", self.place], check=True)

    def unmount(self) -> None:
        for _ in range(50):
            if subprocess.run(["umount", self.place], capture_output=True).returncode == 0:
                return
            time.sleep(0.1)
        subprocess.run(["umount", "--lazy", self.place], check=True)

    def again(self, how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", self.place], check=True)

    @property
    def used(self) -> int:
        found = os.statvfs(self.place)
        return (found.f_blocks - found.f_bfree) * found.f_frsize


class Peak(threading.Thread):
    """The most that was in use, looked at a hundred times a second."""

    def __init__(self, disk: Disk):
        super().__init__(daemon=True)
        self.disk, self.most, self.done = disk, 0, False

    def run(self) -> None:
        while not self.done:
            self.most = max(self.most, self.disk.used)
            time.sleep(0.01)


def prepared(disk: Disk, source: Path, case: Case) -> Path:
    """The disk with what the command needs; its work folder."""
    disk.mount()
    work = disk.place / "work"
    work.mkdir()
    (disk.place / "tmp").mkdir()
    for name in case.needs:
        if (source / name).is_dir():
            shutil.copytree(source / name, work / name)
        else:
            shutil.copy(source / name, work / name)
    return work


def faults(
    done: subprocess.CompletedProcess[str], work: Path, before: dict[str, str], after: dict[str, str]
) -> list[str]:
    """Everything that is not as asked."""
    found = []
    lines = done.stderr.strip().splitlines()
    if done.returncode not in (0, 2):
        found.append(f"exit code {done.returncode}")
    if "Traceback" in done.stderr:
        found.append(f"traceback ({lines[-1][:150]})")
    elif done.returncode == 2 and sum(line.startswith("facetracker: ") for line in lines) != 1:
        found.append(f"not one line ({' | '.join(lines[-3:])[:200]})")
    now = contents(work)
    for name, digest in before.items():
        if now.get(name) not in (digest, after.get(name)):
            found.append(f"{name} is {'changed' if name in now else 'gone'}")
    halves = [name for name in now if "/.part-" in f"/{name}"]
    if halves:
        found.append(f"halves left: {halves[:2]}")
    found += [f"{name} is not whole" for name in now if name not in before and not whole(work / name)]
    return found


def tried(name: str, case: Case, source: Path, disk: Disk) -> list[str]:
    """Run one command undisturbed, at each moment and read-only; a line for each fault, and one for all."""
    work = prepared(disk, source, case)
    before, began = contents(work), disk.used
    peak = Peak(disk)
    peak.start()
    done = command(case.words, work, disk.place / "tmp")
    peak.done = True
    peak.join()
    after, takes = contents(work), peak.most - began
    disk.unmount()
    if done.returncode:
        return [f"{name}: fails undisturbed: {done.stderr[-300:]}"]
    said, wrong, fitted = "", [], 0
    for moment in (*MOMENTS, None):
        work = prepared(disk, source, case)
        room = disk.used + int(takes * (moment or 0)) // PAGE * PAGE
        disk.again("ro" if moment is None else f"size={max(room, PAGE)}")
        done = command(case.words, work, Path(tempfile.gettempdir()) if moment is None else disk.place / "tmp")
        fitted += not done.returncode
        label = "read-only" if moment is None else f"{moment:.0%}"
        wrong += [f"    {label}: {fault}" for fault in faults(done, work, before, after)]
        if done.returncode == 2:
            said = done.stderr.strip().splitlines()[-1]
            print(f"      {label}: {said[:250]}", flush=True)
        if moment in (0.35, 0.65):
            disk.again(f"size={ROOMY}")
            fresh = "--resume" in case.again and not list(work.glob("runs/*/config.yaml"))
            done = command(case.words + ([] if fresh else case.again), work, disk.place / "tmp")
            if done.returncode:
                wrong.append(f"    with room again after {label}: {done.stderr.strip()[-300:]}")
            elif set(contents(work)) ^ set(after) and name not in NAMED_BY_TIME:
                wrong.append(f"    with room again after {label}: other files {set(contents(work)) ^ set(after)}")
        disk.unmount()
    verdict = "as asked" if not wrong else f"{len(wrong)} faults"
    return [f"{name:28} takes {takes / 1e3:8.0f} kB, {6 - fitted} of 6 failed, {verdict}", *wrong]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=list(CASES), help="these commands; default: all but demo")
    parser.add_argument("--keep", type=Path, help="where the material lies, or is made")
    options = parser.parse_args()
    if INSIDE not in os.environ:
        space = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
        return subprocess.run([*space, sys.executable, *sys.argv], env={**os.environ, INSIDE: "1"}).returncode
    chosen = options.only or [name for name in CASES if name not in SLOW]
    bad = 0
    with tempfile.TemporaryDirectory(prefix="disk-full-") as place:
        source = options.keep or Path(place) / "material"
        if not (source / "kind").is_dir():
            material(source)
        for name in chosen:
            lines = tried(name, CASES[name], source, Disk(Path(place) / "disk"))
            bad += len(lines) > 1 or "undisturbed" in lines[0]
            print("\n".join(lines), flush=True)
    print(f"{len(chosen)} commands x {len(MOMENTS) + 1}: {len(chosen) - bad} as asked")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
