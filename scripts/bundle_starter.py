"""Put the starter's averaged weights into the package: assets/starter.npz to train from, starter.tflite to detect with,
starter.onnx for the browser's tab.

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
    write_models(tracker, bundle, ["tflite", "onnx"], STARTER.parent, options.threshold)
    for path in sorted(STARTER.parent.glob("starter.*")):
        print(f"{path.name}: {path.stat().st_size:,} bytes")


def write_models(tracker, bundle: Path, formats: list[str], assets: Path, threshold: float) -> None:
    """Export the tracker (float32) to `formats`, and bring the files with their cards from `bundle` into `assets`."""
    from facetracker.export import export

    tracker.save(bundle / "starter.keras")
    for result in export(bundle / "starter.keras", formats, force=True, threshold=threshold):
        print(result.line())
        if result.path is None:
            raise SystemExit(3)
        for made in (result.path, result.path.with_name(f"{result.path.name}.json")):
            if made.is_file():  # an ONNX file has its card inside
                shutil.copyfile(made, assets / made.name)


if __name__ == "__main__":
    main()
