"""A worker process of a training with several: `python -m facetracker.training.worker RUN_FOLDER`, with TF_CONFIG."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from facetracker.core.errors import FaceTrackerError
from facetracker.core.files import write_atomically

MISTAKE = "mistake.txt"  # what a person must fix; the launcher shows it and does not try again
LOG = "train.log"  # what the chief says; the others' logs are called after them


def work(folder: str | Path) -> None:
    """Take part in the training of a run; what is to be said goes to its log, which the launcher follows."""
    folder = Path(folder)
    # Ray Train lets every library speak; TensorFlow has a line for each variable that the workers exchange.
    for name in ("tensorflow", "absl"):
        logging.getLogger(name).setLevel(logging.ERROR)
    from facetracker.training.several import here, take_part

    share = here()
    log = folder / (LOG if share.chief else f"worker-{share.number}.log")
    with log.open("a", buffering=1) as file, redirect_stdout(file), redirect_stderr(file):
        try:
            take_part(folder, share)
        except FaceTrackerError as error:
            write_atomically(folder / MISTAKE, str(error))


def end_with_launcher() -> None:
    """A killed launcher cannot stop its workers, and they would train on unwatched."""
    launcher = os.getppid()
    while os.getppid() == launcher:
        time.sleep(0.5)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=end_with_launcher, daemon=True).start()
    work(sys.argv[1])
