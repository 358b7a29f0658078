"""Take photos of your face: `python scripts/collect_images.py [--source 0] [--count 30] [--every 0.5] ...`

The same as `facetracker collect`; `--help` lists the options.
"""

import sys

from facetracker.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "collect")
    main()
