"""How long `facetracker demo` takes, from nothing to the report, step by step.

    python benchmarks/demo.py [--rounds 5] [--json FILE]

Each round is a process of its own, as a person would start it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measured import Row, write_rows

from facetracker.core.files import read_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as place:
        for number in range(options.rounds):
            out = Path(place) / str(number)
            started = time.perf_counter()
            command = [sys.executable, "-m", "facetracker.cli", "--quiet", "demo", "--no-open", "--out", str(out)]
            subprocess.run(command, check=True)
            seconds.setdefault("all of it", []).append(time.perf_counter() - started)
            for step, taken in read_json(out / "demo.json")["steps"].items():
                seconds.setdefault(step, []).append(taken)
    rows = [Row(name, "s", values) for name, values in seconds.items()]
    for row in rows:
        print(f"{row.name:<12}{row.median:>8.1f} s  ({row.spread[0]:.1f} to {row.spread[1]:.1f})")
    write_rows(options.json, rows)


if __name__ == "__main__":
    main()
