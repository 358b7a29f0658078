"""Make aug_data from data: 60 variants of every train photo; val and test photos as they are.

    python scripts/augment_dataset.py
    python scripts/augment_dataset.py --all-parts           # variants of val and test too, as in the tutorial
    python scripts/augment_dataset.py my_data my_aug_data --variants 20

The same as `facetracker augment data aug_data`, with its options:
"""

import sys

from facetracker.cli.main import main

if __name__ == "__main__":
    arguments = sys.argv[1:]
    if {"-h", "--help"} & set(arguments):
        print(__doc__)
    folders = [] if arguments and not arguments[0].startswith("-") else ["data", "aug_data"]
    sys.argv[1:] = ["augment", *folders, *arguments]
    main()
