"""Train on `aug_data` with the tutorial's own recipe: VGG16 at 120x120, Adam 1e-4 that falls, batch 8, 40 epochs.

    python scripts/train.py [any option of `facetracker train`]

The same as `facetracker train aug_data --preset vgg16`. Without a network, `--weights none` trains from scratch.
"""

import sys

from facetracker.cli import main

if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.argv[1:] = ["train", "aug_data", "--preset", "vgg16", *arguments] if "-h" not in arguments else ["train", "-h"]
    main()
