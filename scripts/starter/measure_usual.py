"""What anybody's pictures look like to the starter's backbone: 64 axes, written into assets/starter.npz.

    python scripts/starter/measure_usual.py FACES

Fine-tuning needs it to know one's own photos from other people's (facetracker/models/familiarity.py). FACES is what
train.py trains on; only photos of its training part are looked at. Run it after bundle.py, which
writes the file anew. No photo can be made out of it: it is the mean and the spread of a mean of features.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from photos import read_rows, split_photos

PHOTOS, SEED = 1500, 1
SIDES = (192, 320)  # at which nano is trained, and at which the starter detects


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=Path)
    options = parser.parse_args()

    from facetracker.core.photo import read_picture
    from facetracker.inference.detector import Detector
    from facetracker.models import FaceTracker
    from facetracker.models.familiarity import means_of, measure_usual
    from facetracker.models.weights import LOOK, PARTS, STARTER, save_arrays

    looks = [Detector(image_size=side) for side in SIDES]
    parts = split_photos(options.faces, read_rows(options.faces))
    train = sorted(name for name, part in parts.items() if part == "train")
    tracker = FaceTracker("nano", "dense", classes=["face"], weights="starter", two_heads=True, second_look=True)
    means = [
        means_of(tracker, look.prepare(read_picture(options.faces / "images" / f"{name}.jpg"))[0][None])
        for name in np.random.default_rng(SEED).permutation(train)[:PHOTOS]
        for look in looks
    ]
    mean, axes = measure_usual(np.concatenate(means))
    tracker.familiarity.usual_mean.assign(mean)
    tracker.familiarity.usual_axes.assign(axes)
    print(f"{save_arrays(tracker, STARTER, (*PARTS, 'familiarity', LOOK))}: {STARTER.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
