"""Take photos of your face: 30 with camera 0, one every half second, into data/images.

    python scripts/collect_images.py
    python scripts/collect_images.py --source 1 --count 90 --session kitchen

The same as `facetracker collect`, with its options:
"""

import sys

from facetracker.cli.main import main

if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(__doc__)
    sys.argv.insert(1, "collect")
    main()
