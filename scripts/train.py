"""Train on aug_data with the tutorial's recipe: VGG16 at 120x120, Adam 1e-4 that falls, batch 8, 40 epochs.

    python scripts/train.py
    python scripts/train.py --preset nano                   # many faces, minutes on a laptop
    python scripts/train.py my_aug_data --weights none      # without a network: from scratch

The same as `facetracker train aug_data --preset vgg16`, with its options:
"""

import sys

from facetracker.cli.main import main

if __name__ == "__main__":
    arguments = sys.argv[1:]
    if {"-h", "--help"} & set(arguments):
        print(__doc__)
    folder = [] if arguments and not arguments[0].startswith("-") else ["aug_data"]
    sys.argv[1:] = ["train", *folder, "--preset", "vgg16", *arguments]
    main()
