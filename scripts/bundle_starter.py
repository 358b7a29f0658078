"""Put the starter's averaged weights into the package: assets/starter.npz to train from, starter.tflite to detect with.

    python scripts/bundle_starter.py OUT [--threshold T] [--live]

OUT is what train_starter.py wrote. `--live` takes the last weights instead of the averaged ones.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

IMAGE_SIZE = 320


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--threshold", type=float, default=0.5)
    parser.add_argument("--live", action="store_true")
    options = parser.parse_args()

    from facetracker.export import export
    from facetracker.model import FaceTracker
    from facetracker.model.loading import load_model
    from facetracker.model.weights import STARTER, save_arrays

    tracker = FaceTracker("nano", "dense", classes=["face"], image_size=IMAGE_SIZE)
    if options.live:
        tracker.set_weights(load_model(options.out / "last.keras").get_weights())
    else:
        tracker.load_weights(options.out / "ema.weights.h5")
    save_arrays(tracker, STARTER)
    bundle = options.out / "bundle"
    bundle.mkdir(exist_ok=True)
    tracker.save(bundle / "starter.keras")
    for result in export(bundle / "starter.keras", ["tflite"], force=True, threshold=options.threshold):
        print(result.line())
        if result.path is None:
            raise SystemExit(3)
    for name in ("starter.tflite", "starter.tflite.json"):
        shutil.copyfile(bundle / name, STARTER.parent / name)
    for path in sorted(STARTER.parent.glob("starter.*")):
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
