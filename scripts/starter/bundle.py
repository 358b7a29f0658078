"""Put the starter's weights into the package: assets/starter.npz to train from, starter.tflite to detect with,
starter.onnx for the browser's tab.

    python scripts/starter/bundle.py OUT --threshold T

OUT is what train.py and train_second_look.py wrote; a second look that is not there stays as it is bundled.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

IMAGE_SIZE = 320


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--threshold", type=float, required=True)
    parser.add_argument("--assets", type=Path, default=None, help="another folder than the package's")
    options = parser.parse_args()

    from facetracker.models import FaceTracker
    from facetracker.models.weights import LOOK, PARTS, STARTER, put_arrays, read_arrays, save_arrays

    assets = options.assets or STARTER.parent
    assets.mkdir(parents=True, exist_ok=True)
    weights, look = options.out / "ema.npz", options.out / "second_look.npz"
    look = look if look.is_file() else STARTER
    tracker = FaceTracker(
        "nano",
        "dense",
        classes=["face"],
        image_size=IMAGE_SIZE,
        preprocessing="unit",
        landmarks=True,
        second_look=True,
        threshold=options.threshold,
    )
    put_arrays(tracker, read_arrays(weights), weights)
    put_arrays(tracker, read_arrays(look), look, (LOOK,))
    starter = save_arrays(tracker, assets / STARTER.name, (*PARTS, LOOK))
    # The files to detect with have the same 16-bit numbers as the one to train from.
    put_arrays(tracker, read_arrays(starter), starter, (*PARTS, LOOK))
    bundle = options.out / "bundle"
    bundle.mkdir(exist_ok=True)
    write_models(tracker, bundle, ["tflite", "onnx"], assets, options.threshold)
    for path in sorted(assets.glob("starter.*")):
        print(f"{path.name}: {path.stat().st_size:,} bytes")


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
