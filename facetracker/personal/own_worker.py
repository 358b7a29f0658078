"""An own head learnt in a process of its own, for a page's server or a program that stays free of tensorflow.

One wish is one line of JSON on the standard input: `photos` to learn from, each with `path` and `boxes` (normalised),
and paths to `answer`. One answer is one line: which way is kept, and the boxes that an own head draws in those photos.
The process ends with its input, and by itself when it has not been asked anything for a while.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from facetracker.core import console
from facetracker.core.errors import FaceTrackerError
from facetracker.core.photo import read_picture
from facetracker.inference.detector import Detector
from facetracker.personal.choose import OWN_HEAD, threshold_for
from facetracker.personal.photos import OwnPhoto, OwnPhotos
from facetracker.personal.teacher import FAINT, join, pairs_in
from facetracker.personal.views import usual_input

BORED = 300.0  # seconds without a wish
# Of the usual views and steps: the head is learnt again after every few photos, and a quick one is there in time.
SHARE = 0.4
# A quick head of a few photos is often no better than the style, so it must show that it is.
DOUBT = -0.1
NICE = 5  # the page and the camera come first


def answer(wish: Mapping[str, Any], detector: Detector) -> dict[str, Any]:
    """Learn from the photos of a wish: `kept`, `why`, `threshold`, and with an own head `faces` of the other photos.

    A face is `[left, top, right, bottom, score]`.
    """
    from facetracker.personal.own import OwnLearner, learn_and_choose

    taught = [(Path(one["path"]), np.array(one["boxes"], np.float32).reshape(-1, 4)) for one in wish["photos"]]
    photos = OwnPhotos(Path(), [OwnPhoto(path, read_picture(path), boxes) for path, boxes in taught])
    pairs = [pairs_in(detector, photo.picture, photo.boxes) for photo in photos.photos]
    sizes = [detector.input_size(photo.picture.shape[1], photo.picture.shape[0]) for photo in photos.photos]
    learner = OwnLearner(join(pairs).style(), usual_input(sizes), detector.image_size)
    choice, scores = learn_and_choose(learner, photos, pairs, detector, SHARE, DOUBT)
    faces = {}
    if choice.kept == OWN_HEAD:
        for path in wish["answer"]:
            with suppress(FaceTrackerError):  # a photo that cannot be read has its line elsewhere
                boxes, sure = learner.faces(read_picture(path), FAINT)
                faces[path] = np.column_stack([boxes, sure]).round(5).tolist()
    return {"kept": choice.kept, "why": choice.why, "threshold": threshold_for(scores), "faces": faces}


def main() -> None:
    """Answer wishes until the input ends. Whatever libraries print goes nowhere: the output is for answers."""
    wishes: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_listen, args=(wishes,), daemon=True).start()
    told = os.fdopen(os.dup(1), "w")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    with suppress(AttributeError, OSError):  # Windows has no such thing
        os.nice(NICE)
    import facetracker.personal.own  # noqa: F401  # tensorflow takes seconds, in which the person draws

    detector = Detector()
    while True:
        try:
            line = wishes.get(timeout=BORED)
        except queue.Empty:
            return
        try:
            with console.silenced():
                said = answer(json.loads(line), detector)
        except Exception as error:  # one wish that cannot be fulfilled; the asker goes on with the style
            said = {"error": str(error)}
        print(json.dumps(said), file=told, flush=True)


def _listen(wishes: queue.Queue[str]) -> None:
    """Hand wishes on; when whoever asked is gone, nobody waits for an answer."""
    for line in sys.stdin:
        wishes.put(line)
    os._exit(0)


if __name__ == "__main__":
    main()
