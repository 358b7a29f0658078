"""Is it noticed when somebody looks away? Drawn people who turn their heads: `python benchmarks/looks_away.py`.

Every film is one person whose head turns aside by up to `--turning` degrees and back. The truth is told from the drawn
angle by the rule that `notice` follows (35 degrees, back at 25, each for 0.7 s). Counted: looks that were noticed,
those that were none, and how far the times are off. Films of small turns (20 degrees) hold none.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from measured import Row, write_rows

from facetracker.capture.frames import Frame
from facetracker.inference.detector import Detector
from facetracker.inference.events.events import Noticing
from facetracker.inference.events.settings import Patience
from facetracker.inference.tracking.watch import Watcher
from facetracker.scenes import Scene

FPS, SECONDS = 10, 25
NEAR = 0.7  # seconds: a told look and a true one that belong together


def true_looks(aside: list[float], patience: Patience) -> list[float]:
    """The times at which looks aside begin; a turn that does not last, there or back, is none."""
    looks, away, since = [], False, None
    for index, degrees in enumerate(np.abs(aside)):
        if bool(degrees > (patience.aside_back if away else patience.aside)) == away:
            since = None
            continue
        since = index / FPS if since is None else since
        if index / FPS - since >= patience.glance:
            away = not away
            looks += [since] if away else []
            since = None
    return looks


def told_looks(scene: Scene, detector: Detector) -> tuple[list[float], list[float]]:
    """The times at which `notice` says that somebody looks away, and the drawn angle of every frame."""
    watcher, noticing = Watcher(detector, FPS), Noticing()
    told, aside = [], []
    for index in range(FPS * SECONDS):
        drawn = scene.frame(index)
        seen = watcher.look(Frame(drawn.picture, index, index / FPS, index / FPS))
        told += [one.time for one in noticing.look(seen.faces, index / FPS, seen.found) if one.event == "looks_away"]
        aside.append(float(drawn.aside[0]) if len(drawn.aside) else 0.0)
    return told, aside


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--films", type=int, default=12)
    parser.add_argument("--turning", type=float, nargs="+", default=[55.0, 20.0])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    detector, rows = Detector(), []
    for turning in options.turning:
        true, found, wrong, off = 0, 0, 0, []
        for seed in range(300, 300 + options.films):
            told, aside = told_looks(Scene(640, 480, seed=seed, fps=FPS, turning=turning), detector)
            looks = true_looks(aside, Patience())
            true += len(looks)
            for begins in looks:
                near = [one for one in told if abs(one - begins) <= NEAR]
                if near:
                    best = min(near, key=lambda one: abs(one - begins))
                    told.remove(best)
                    found += 1
                    off.append(abs(best - begins))
            wrong += len(told)
        middle, most = (float(np.median(off)), float(np.max(off))) if off else (0.0, 0.0)
        print(
            f"turning by {turning:g} degrees: {options.films} films of {SECONDS} s, {true} looks away, {found} noticed,"
            f" {wrong} told that were none; begins off by {middle:.2f} s (at most {most:.2f})",
            flush=True,
        )
        rows += [Row(f"{turning:g} degrees, noticed", "percent", [100 * found / max(1, true)])]
        rows += [Row(f"{turning:g} degrees, told that were none", "looks", [float(wrong)])]
    write_rows(options.json, rows)


if __name__ == "__main__":
    main()
