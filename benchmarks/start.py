"""How long a person waits, and how much memory it takes: processes from their start, on this machine.

    python benchmarks/start.py [--rounds 9] [--json FILE]

`import facetracker`, `facetracker --help` and Python itself take turns; "first box" is the time from the start of
`facetracker detect photo` to the line of JSON with the face in it. Memory is the largest resident size of the process,
as the system counts it, also its children's. The photo and the film are drawn.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measured import Row, write_rows

from facetracker.core.photo import write_jpeg
from facetracker.inference.recording.record import VideoRecorder
from facetracker.scenes import Scene

BARS = {"facetracker --help": 0.2, "import facetracker": 0.1, "first box of a photo": 1.0}


def run(*words: str, cwd: Path) -> tuple[float, float]:
    """Seconds and largest resident MB of one process."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, *words], cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        raise SystemExit(f"{' '.join(words)} ended with {os.waitstatus_to_exitcode(status)}")
    return seconds, usage.ru_maxrss / 1e3


def first_box(cwd: Path) -> float:
    """Seconds from the start of `detect` on a photo until its line of JSON is there."""
    lines = cwd / "faces.jsonl"
    lines.unlink(missing_ok=True)
    seconds, _ = run(*DETECT, "photo.jpg", "--jsonl", "faces.jsonl", cwd=cwd)
    if '"boxes":[[' not in lines.read_text():
        raise SystemExit("no face was found in the drawn photo")
    return seconds


DETECT = ("-m", "facetracker.cli", "--quiet", "detect", "--view", "none", "--source")


def material(folder: Path) -> None:
    scene = Scene(faces=1, seed=2)
    write_jpeg(folder / "photo.jpg", scene.frame(0).picture)
    film = VideoRecorder(folder / "film.mp4", 30)
    for index in range(150):
        film.write(scene.frame(index).picture, index / 30)
    film.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    seconds: dict[str, list[float]] = {"python alone": [], **{name: [] for name in BARS}}
    memory: dict[str, list[float]] = {"detect, a photo": [], "detect, a film of 640x480": []}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        material(folder)
        run("-c", "import facetracker", cwd=folder)  # byte code and disk cache, as after the first start
        first_box(folder)
        for _ in range(options.rounds):
            seconds["python alone"].append(run("-c", "pass", cwd=folder)[0])
            seconds["import facetracker"].append(run("-c", "import facetracker", cwd=folder)[0])
            seconds["facetracker --help"].append(run("-m", "facetracker.cli", "--help", cwd=folder)[0])
            seconds["first box of a photo"].append(first_box(folder))
            memory["detect, a photo"].append(run(*DETECT, "photo.jpg", cwd=folder)[1])
            memory["detect, a film of 640x480"].append(run(*DETECT, "film.mp4", cwd=folder)[1])
    rows = [Row(name, "s", values) for name, values in seconds.items()]
    rows += [Row(name, "MB", values) for name, values in memory.items()]
    print(f"{'':<28}{'median':>10}{'lowest':>10}{'highest':>10}{'bar':>8}")
    for row in rows:
        low, high = row.spread
        bar = BARS.get(row.name)
        verdict = "" if bar is None else f"{bar:>8g}" + ("" if row.median <= bar else "  MISSED")
        print(f"{row.name:<28}{row.median:>8.3g} {row.unit:<2}{low:>9.3g} {high:>9.3g}{verdict}")
    write_rows(options.json, rows)


if __name__ == "__main__":
    main()
