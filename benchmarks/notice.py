"""`notice` on drawn films of people who come and go, against the truth: `python benchmarks/notice.py [--films 100]`.

For every film: are as many people told to have come, left, stayed, entered and left zones as did so, and is every time
within 0.2 s of the true one? `visits.py` draws the films and says what the truth is.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from measured import Row, write_rows
from visits import Film, Stay, film

from facetracker.core import console
from facetracker.inference.detector import Detector
from facetracker.inference.events.events import Noticing
from facetracker.inference.events.notice import Telling
from facetracker.inference.live.recorded import RecordedLoop
from facetracker.inference.tracking.watch import Watcher

WITHIN = 0.2  # seconds
STAY = 2.0  # seconds after which somebody has stayed


class Heard:
    """A sink that keeps the events."""

    failed = None

    def __init__(self) -> None:
        self.rows: list[dict] = []

    def send(self, row: dict) -> None:
        self.rows.append(row)


def watched(film: Film, detector: Detector) -> list[dict]:
    """The events of a film, through the loop that the command uses."""
    heard = Heard()
    telling = Telling(Noticing(zones=film.zones, stays=[STAY]), [heard], live=False)
    RecordedLoop(film, Watcher(detector, film.fps), outputs=telling).run()
    telling.close()
    return heard.rows


def true_events(stays: list[Stay]) -> list[tuple[str, str | None, float]]:
    """The events that should be told: event, zone, time."""
    rows: list[tuple[str, str | None, float]] = []
    for stay in stays:
        rows += [("came", None, stay.came), ("left", None, stay.left)]
        if stay.left - stay.came >= STAY:
            rows.append(("stayed", None, stay.came + STAY))
        for zone, times in stay.zones.items():
            for entered, left in times:
                rows += [("entered", zone, entered), ("left_zone", zone, left)]
    return rows


def compared(heard: list[dict], stays: list[Stay]) -> tuple[dict[str, int], dict[str, list[float]], list[float]]:
    """Events too many or too few by kind, seconds by which times are off, and seconds by which visits are too long.

    Where the counts agree, the events of a kind belong together in the order of their times; where they do not, each
    true one with the nearest told.
    """
    truth = true_events(stays)
    wrong: dict[str, int] = {}
    off: dict[str, list[float]] = {}
    for event, zone in sorted(
        {(event, zone or "") for event, zone, _ in truth} | {(r["event"], r["zone"] or "") for r in heard}
    ):
        if event == "count":
            continue
        should = sorted(time for name, where, time in truth if (name, where or "") == (event, zone))
        told = sorted(row["time"] for row in heard if (row["event"], row["zone"] or "") == (event, zone))
        if len(should) != len(told):
            wrong[f"{event} {zone}".strip()] = len(told) - len(should)
        elif should:
            off.setdefault(event, []).extend(np.subtract(told, should).tolist())
    return wrong, off, _dwell(heard, stays)


def _dwell(heard: list[dict], stays: list[Stay]) -> list[float]:
    """By how many seconds each told visit is longer than the true one that began at the same time."""
    told = sorted((row["time"] - row["seconds"], row["seconds"]) for row in heard if row["event"] == "left")
    if len(told) != len(stays):
        return []
    free, off = list(told), []
    for stay in stays:
        # Of several that came at once, the one that fits.
        near = min(free, key=lambda one: abs(one[0] - stay.came) + abs(one[1] - (stay.left - stay.came)))
        free.remove(near)
        off.append(near[1] - (stay.left - stay.came))
    return off


@dataclass
class Judged:
    """One film: what is wrong with its events, and why that may be."""

    number: int
    frames: int
    kinds: Counter
    wrong: dict[str, int]
    off: dict[str, list[float]]
    says: str
    unfound: bool  # the detector does not find one of the faces in half of the frames


def judged(number: int, threshold: float | None = None) -> Judged:
    """Draw a film, watch it, and compare. `threshold`: the detector's, in place of the model's own."""
    console.quiet = True
    one, detector = film(number), Detector.load(None, threshold, threads=1)
    stays = one.truth or []
    wrong, off, dwell = compared(watched(one, detector), stays)
    off["dwell"] = dwell
    late = [f"{event} {shift:+.2f}" for event, all in off.items() for shift in all if abs(shift) > WITHIN]
    says, unfound = "", False
    if wrong or late:
        shares = [one.found(stay, detector) for stay in stays]
        unfound = min(shares) < 0.5
        says = f"film {number} (seed {one.seed}, {one.people} people): {wrong or ''} {'; '.join(late)}"
        says += f"; found in {', '.join(f'{100 * share:.0f} %' for share in shares)} of the frames"
    kinds = Counter(event for event, _, _ in true_events(stays))
    return Judged(number, one.count, kinds, wrong, off, says, unfound)


def main() -> None:
    """Measure, print, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, default=100)
    parser.add_argument("--threshold", type=float, help="score from which a face counts; default: the model's")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        films = []
        for one in pool.imap(functools.partial(judged, threshold=chosen.threshold), range(chosen.films)):
            films.append(one)
            if one.says:
                print(one.says, flush=True)
    kinds = sum((one.kinds for one in films), Counter())
    off: dict[str, list[float]] = {}
    for one in films:
        for event, shifts in one.off.items():
            off.setdefault(event, []).extend(shifts)
    found = [one for one in films if not one.unfound]
    rows = [
        Row("films with exact counts", "percent", [100 * float(np.mean([not one.wrong for one in films]))]),
        Row(
            f"films with exact counts and every time within {WITHIN} s",
            "percent",
            [100 * float(np.mean([not one.says for one in films]))],
        ),
        Row(
            "the same, of films in which the starter finds the faces",
            "percent",
            [100 * float(np.mean([not one.says for one in found]))],
        ),
    ]
    print(f"{len(films)} films, {sum(one.frames for one in films)} frames; true events: {dict(kinds)}")
    print(*(f"{row.name}: {row.median:.1f} %" for row in rows), sep="\n")
    print(f"{'':<12}{'events':>7}{'median s':>10}{'off s':>8}{'99 % s':>8}{'worst s':>9}{'within':>9}")
    for event, shifts in off.items():
        away = np.abs(shifts)
        print(
            f"{event:<12}{len(away):>7}{np.median(shifts):>+10.3f}{np.median(away):>8.3f}"
            f"{np.percentile(away, 99):>8.3f}{away.max():>9.3f}{100 * np.mean(away <= WITHIN):>7.1f} %"
        )
        rows.append(Row(f"{event}, off by, median", "s", [float(np.median(away))]))
        rows.append(Row(f"{event}, off by, worst", "s", [float(away.max())]))
    write_rows(chosen.json, rows)


if __name__ == "__main__":
    main()
