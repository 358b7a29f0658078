"""Watch a tracker follow your face, with camera 0: the starter, or the run or model file that you name.

    python scripts/realtime_detection.py
    python scripts/realtime_detection.py runs/vgg16-1 --threshold 0.5

The same as `facetracker detect`, with its options:
"""

import sys

from facetracker.cli.main import main

if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(__doc__)
    sys.argv.insert(1, "detect")
    main()
