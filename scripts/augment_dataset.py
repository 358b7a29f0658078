"""Make `aug_data` from `data`: 60 variants of every train photo, val and test photos as they are.

    python scripts/augment_dataset.py [any option of `facetracker augment`]

The same as `facetracker augment data aug_data`; `--help` lists the options, `--all-partitions` makes variants of val
and test too, as the tutorial does.
"""

import sys

from facetracker.cli import main

if __name__ == "__main__":
    sys.argv[1:] = ["augment", "data", "aug_data", *sys.argv[1:]]
    main()
