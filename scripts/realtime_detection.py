"""Watch the tracker follow your face: `python scripts/realtime_detection.py [MODEL] [--source 0] ...`

The same as `facetracker detect`; `--help` lists the options.
"""

import sys

from facetracker.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "detect")
    main()
