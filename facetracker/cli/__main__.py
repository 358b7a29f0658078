"""`python -m facetracker.cli`, the same as the command `facetracker`."""

from facetracker.cli.main import main

main()
