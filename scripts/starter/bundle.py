"""Put the starter's weights into the package: assets/starter.npz to train from, starter.tflite to detect with,
starter.onnx for the browser's tab.

    python scripts/starter/bundle.py OUT [--threshold T] [--live]

OUT is what train.py and train_second_look.py wrote; what is not there stays as it is bundled. `--live` takes
the starter's last weights instead of the averaged ones.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

IMAGE_SIZE = 320


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--threshold", type=float, default=0.65)
    parser.add_argument("--live", action="store_true")
    options = parser.parse_args()

    from facetracker.models import FaceTracker
    from facetracker.models.weights import LOOK, PARTS, STARTER, arrays_of, put_arrays, read_arrays, save_arrays

    bundled = FaceTracker("nano", "dense", classes=["face"], weights="starter", second_look=True)
    new = new_starter(options.out, options.live)
    if new is not None:
        put_arrays(bundled, arrays_of(new), options.out)
    look = options.out / "second_look.npz"
    if look.is_file():
        put_arrays(bundled, read_arrays(look), look, (LOOK,))
    save_arrays(bundled, STARTER, (*PARTS, LOOK))
    tracker = FaceTracker("nano", "dense", classes=["face"], image_size=IMAGE_SIZE, second_look=True)
    put_arrays(tracker, arrays_of(bundled, (*PARTS, LOOK)), STARTER, (*PARTS, LOOK))
    bundle = options.out / "bundle"
    bundle.mkdir(exist_ok=True)
    write_models(tracker, bundle, ["tflite", "onnx"], STARTER.parent, options.threshold)
    for path in sorted(STARTER.parent.glob("starter.*")):
        print(f"{path.name}: {path.stat().st_size:,} bytes")


def new_starter(out: Path, live: bool):
    """The tracker that train.py left in `out`, or None."""
    from facetracker.models import FaceTracker
    from facetracker.models.loading import load_model

    if live:
        return load_model(out / "last.keras")
    if not (out / "ema.weights.h5").is_file():
        return None
    tracker = FaceTracker("nano", "dense", classes=["face"], image_size=IMAGE_SIZE)
    tracker.load_weights(out / "ema.weights.h5")
    return tracker


def write_models(tracker, bundle: Path, formats: list[str], assets: Path, threshold: float) -> None:
    """Export the tracker (float32) to `formats`, and bring the files with their cards from `bundle` into `assets`."""
    from facetracker.exports import export

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
