"""The whole way of a photo on drawn faces: no camera, no network, no question.

    make demo            (or: .venv/bin/python scripts/demo.py [FOLDER])

Draws two webcam sessions with their labels as labelme would write them, then runs the commands that a person would
run: audit, split, augment, train, evaluate, export, detect. Everything lands in runs/demo, which is made anew.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

from facetracker import console
from facetracker.annotate.labelme import write_labels
from facetracker.naming import photo_stem
from facetracker.pictures import write_jpeg
from facetracker.sample import Sample
from facetracker.scenes import Scene

# Enough sessions that each of train, val and test gets whole ones.
SESSIONS = {f"20260{month}01-100000-demo{month}": month for month in range(1, 8)}
PHOTOS_A_SESSION = 8
FRAMES_BETWEEN_PHOTOS = 15


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("runs/demo")
    if folder.exists():
        shutil.rmtree(folder)
    data, aug_data, run = folder / "data", folder / "aug_data", folder / "runs" / "mine"
    started = time.monotonic()

    draw_sessions(data)
    facetracker("audit", data, "--out", folder / "audit")
    facetracker("split", data, "--seed", 0)
    facetracker("augment", data, aug_data, "--variants", 12)
    facetracker("train", aug_data, "--preset", "nano", "--epochs", 6, "--name", run)
    facetracker("evaluate", run, data, "--partition", "test", "--out", folder / "evaluation")
    facetracker("export", run, "--to", "onnx", "--to", "tflite", "--calibrate", data)
    film = folder / "followed.mp4"
    facetracker(
        "detect", run, "--source", "scene:faces=1,seed=11,count=150", "--view", "none",
        "--save", film, "--jsonl", folder / "followed.jsonl",
    )  # fmt: skip
    console.say(f"\nDone in {console.duration(time.monotonic() - started)}. Look at:")
    for what in (run / "curves.png", run / "val_predictions.png", folder / "evaluation" / "report.html", film):
        console.say(f"  {what}")
    console.say("With your own camera: facetracker collect, then facetracker annotate, then the same commands.")
    return 0


def draw_sessions(data: Path) -> None:
    """Photos and labels of drawn sessions, as `collect` and labelme would leave them."""
    for session, seed in SESSIONS.items():
        for number in range(1, PHOTOS_A_SESSION + 1):
            # The first photo of a session is the empty room: a tracker that never saw one sees faces everywhere.
            scene = Scene(faces=0 if number == 1 else 1, seed=seed)
            frame = scene.frame(number * FRAMES_BETWEEN_PHOTOS)
            stem = photo_stem(session, number)
            photo = write_jpeg(data / "images" / f"{stem}.jpg", frame.picture)
            height, width = frame.picture.shape[:2]
            flags = {"no_face": len(frame.boxes) == 0}
            sample = Sample(photo, width, height, frame.boxes, frame.labels, flags=flags)
            write_labels(data / "labels" / f"{stem}.json", sample)
    console.say(f"drew {len(SESSIONS) * PHOTOS_A_SESSION} photos of {len(SESSIONS)} sessions into {data}")


def facetracker(*arguments: object) -> None:
    """Run one command as a person would, with its line above; the demo ends where a command fails."""
    words = [str(argument) for argument in arguments]
    console.say(f"\n$ facetracker {' '.join(words)}")
    done = subprocess.run([sys.executable, "-m", "facetracker.cli", *words])
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    sys.exit(main())
