"""What a benchmark leaves behind: its figures with their spread, and the machine, versions and commit they belong to.

Every script of this folder takes `--json FILE` and writes rows there: `{"rows": [{"name", "unit", "values"}, ...]}`,
a value a round. `run_all.py` adds the rest and keeps it as `benchmarks/results/NAME.json`.
"""

from __future__ import annotations

import platform
import statistics
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from facetracker.core.files import read_json, write_json

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PACKAGES = (
    "numpy",
    "opencv-python",
    "ai-edge-litert",
    "tensorflow",
    "keras",
    "albumentations",
    "supervision",
)


@dataclass(frozen=True)
class Row:
    """One figure: a value a round, in `unit`."""

    name: str
    unit: str
    values: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        return min(self.values), max(self.values)


@dataclass
class Result:
    """One run of one benchmark. `code` are the paths it measures, `commit` what they were then."""

    name: str
    command: str
    rows: list[Row]
    text: str = ""
    code: list[str] = field(default_factory=list)
    commit: str = ""
    changed: list[str] = field(default_factory=list)  # files of `code` that differed from the commit
    made: str = ""
    seconds: float = 0.0
    machine: str = ""
    versions: dict[str, str] = field(default_factory=dict)

    def row(self, name: str) -> Row:
        """The row of that name."""
        return next(row for row in self.rows if row.name == name)

    def save(self, folder: Path = RESULTS) -> Path:
        return write_json(folder / f"{self.name}.json", asdict(self))


def write_rows(path: Path | None, rows: Iterable[Row]) -> None:
    """What a script does with its `--json FILE`; without a file nothing."""
    if path is not None:
        write_json(path, {"rows": [asdict(row) for row in rows]})


def print_rates(rates: dict[str, list[float]], unit: str, bars: dict[str, float]) -> None:
    """A table of rates: medians, spread, the ratio to the first contestant, and the bar that it has to reach."""
    base = statistics.median(next(iter(rates.values())))
    print(f"{'':<24}{unit:>11}{'lowest':>9}{'highest':>9}{'ratio':>8}{'bar':>6}")
    for name, values in rates.items():
        middle = statistics.median(values)
        line = f"{name:<24}{middle:>11.0f}{min(values):>9.0f}{max(values):>9.0f}{middle / base:>8.2f}"
        bar = bars.get(name)
        print(line + (f"{bar:>6}" + ("" if middle / base >= bar else "  MISSED") if bar else ""))


def read_result(path: Path) -> Result:
    """A result from its file."""
    content = read_json(path)
    return Result(**{**content, "rows": [Row(**row) for row in content["rows"]]})


def results(folder: Path = RESULTS) -> dict[str, Result]:
    """All results that are kept, by name."""
    return {path.stem: read_result(path) for path in sorted(folder.glob("*.json"))}


def circumstances(code: list[str]) -> dict[str, Any]:
    """Date, machine, versions, commit, and the measured files that differ from it."""
    return {
        "code": code,
        "commit": git("rev-parse", "HEAD"),
        "changed": git("status", "--porcelain", "--untracked-files=no", "--", *code, ":(exclude)*.md").splitlines(),
        "made": datetime.now(UTC).isoformat(timespec="minutes"),
        "machine": machine(),
        "versions": {"python": platform.python_version()}
        | {name: found for name in PACKAGES if (found := _version(name))},
    }


def machine() -> str:
    """Processor, cores, memory and system in one line."""
    from facetracker.cluster.workers import processors

    name, memory = platform.processor() or platform.machine(), ""
    if sys.platform == "linux":
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
        total = Path("/proc/meminfo").read_text().split()[1]
        memory = f", {int(total) / 1e6:.0f} GB"
    return f"{name}, {processors()} cores{memory}, {platform.system()} {platform.release().split('-')[0]}"


def git(*words: str) -> str:
    """What git says, or nothing where there is none."""
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
