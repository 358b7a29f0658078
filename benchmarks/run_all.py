"""All benchmarks, one after the other, and `docs/benchmarks.md` with charts from what they gave.

    python benchmarks/run_all.py                          # everything; about half an hour on two idle cores
    python benchmarks/run_all.py --only start --only augment
    python benchmarks/run_all.py --page                   # the page and the README's figures again, nothing measured
    python benchmarks/run_all.py --check                  # is any figure of the README older than what it measures?
    python benchmarks/run_all.py --list

Results are kept in benchmarks/results, so that parts can be run apart; the page is made from all that are there. Run it
on a quiet machine with everything committed: a result notes the commit that it belongs to. `make release-check` is
`--check`: it names every result that is older than its code, before these figures go out with a release. Benchmarks on
photos of people need FACETRACKER_SHARED (default: ../shared); without it they are passed over.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from measured import RESULTS, ROOT, Result, Row, circumstances, git, results
from page import FIGURES, write_page, write_readme

from facetracker.core.files import read_json

SHARED = Path(os.environ.get("FACETRACKER_SHARED", ROOT.parent / "shared"))


@dataclass(frozen=True)
class Benchmark:
    """A script of this folder, its arguments, and the code whose change makes the result old."""

    script: str
    arguments: tuple[str, ...]
    code: tuple[str, ...]
    needs: tuple[Path, ...] = ()
    held_out: bool = False  # judge only the photos that the starter was not trained on

    def command(self, held_out: str = "HELD_OUT") -> list[str]:
        stems = ["--stems", held_out] if self.held_out else []
        return ["benchmarks/" + self.script, *self.arguments, *stems]


RUNTIME = ("facetracker/inference", "facetracker/assets", "facetracker/core/letterbox.py")
TRAINING = ("facetracker/training", "facetracker/models", "facetracker/presets")
DATASET = ("facetracker/data",)
WEB = ("facetracker/web", *RUNTIME)
FACES = SHARED / "data" / "faces"
BENCHMARKS: dict[str, Benchmark] = {
    "start": Benchmark("start.py", (), ("facetracker/cli", *RUNTIME)),
    "detector": Benchmark(
        "peers.py",
        (str(FACES), "starter", "--peers", str(SHARED / "peers"), "--group", "fddb_*", "--group", "mask_*"),
        RUNTIME,
        needs=(FACES, SHARED / "peers"),
        held_out=True,
    ),
    "augment": Benchmark("augment.py", ("--rounds", "5"), DATASET),
    "loader": Benchmark("loader.py", ("--rounds", "5"), DATASET),
    "train_step": Benchmark("train_step.py", ("--rounds", "8", "--steps", "5"), TRAINING),
    "demo": Benchmark("demo.py", ("--rounds", "5"), ("facetracker/cli/demo", *DATASET, *TRAINING, *RUNTIME)),
    "latency": Benchmark("realtime.py", ("latency", "--rounds", "5"), (*RUNTIME, "facetracker/capture")),
    "cameras": Benchmark("cameras.py", ("--rounds", "3"), (*RUNTIME, "facetracker/capture")),
    "follow": Benchmark("realtime.py", ("follow", "--png", "docs/images/benchmarks/follow.png"), RUNTIME),
    "framing": Benchmark("framing.py", ("--png", "docs/images/benchmarks/framing.png"), RUNTIME),
    "notice": Benchmark("notice.py", (), RUNTIME),
    "web_page": Benchmark("web.py", ("page", "--rounds", "5"), WEB),
    "web_siege": Benchmark("web.py", ("siege",), WEB),
    "scale": Benchmark("scale.py", (), ("facetracker/cluster", *DATASET)),
    "scale_projection": Benchmark("scale_projection.py", (), ("facetracker/cluster", *DATASET)),
    "from_scratch": Benchmark("from_scratch.py", (), ("facetracker/from_scratch",)),
}


def run(name: str, benchmark: Benchmark) -> Result | None:
    """Run one benchmark; what it says is shown as it comes and kept. None where it failed."""
    started = time.monotonic()
    noted = circumstances([*benchmark.code, f"benchmarks/{benchmark.script}"])
    with tempfile.TemporaryDirectory() as place:
        figures = Path(place) / "figures.json"
        stems = write_held_out(Path(place) / "held_out.txt") if benchmark.held_out else ""
        words = [*benchmark.command(str(stems)), "--json", str(figures)]
        process = subprocess.Popen([sys.executable, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            print(line, end="", flush=True)
            said.append(line)
        if process.wait():
            print(f"{name}: ended with {process.returncode}; its earlier result, if any, is kept", flush=True)
            return None
        rows = rows_in(read_json(figures))
    shown = shlex.join(["python", *benchmark.command()]).replace(str(SHARED), "SHARED")
    text = "".join(said).replace(str(SHARED), "SHARED")
    seconds = round(time.monotonic() - started, 1)
    return Result(name, shown, rows, text=text, seconds=seconds, **noted)


def write_held_out(path: Path) -> Path:
    """The names of the photos kept from the starter's training, as scripts/starter/train.py divides them."""
    sys.path.insert(0, str(ROOT / "scripts" / "starter"))
    from photos import read_rows, split_photos

    parts = split_photos(FACES, read_rows(FACES))
    path.write_text("".join(f"{name}\n" for name, part in parts.items() if part == "test"))
    return path


def rows_in(content: object) -> list[Row]:
    """The rows of a script's JSON; those of the two scripts with a form of their own are brought into it."""
    if isinstance(content, dict) and "rows" in content:
        return [Row(**row) for row in content["rows"]]
    if isinstance(content, dict) and "peers" in content:
        return [
            Row(f"{peer}, {threads.removeprefix('threads_')} threads", "ms", [timed["median_ms"]])
            for peer, values in content["peers"].items()
            for threads, timed in values.items()
            if threads.startswith("threads_")
        ] + [
            Row(f"{peer}, AP50 on {group}", "AP", [values[group]["ap"]["0.50"]])
            for peer, values in content["peers"].items()
            for group in values
            if not group.startswith("threads_") and values[group]["ap"]["0.50"] is not None
        ]
    if isinstance(content, list):  # from_scratch.py: medians by network and way
        return [
            Row(f"{found['network']}, {way}", f"s a step of {found['network']}", [seconds])
            for found in content
            for way, seconds in found["seconds"].items()
        ]
    return []


def outdated(result: Result, code: tuple[str, ...]) -> str:
    """Why this result does not tell about `code` as it stands in the last commit; empty where it does."""
    if result.changed:
        return "was measured on code that was not committed"
    if missing := set(code) - set(result.code):
        return f"does not say what {', '.join(sorted(missing))} was then"
    changes = git("log", "--format=%h %s", f"{result.commit}..HEAD", "--", *result.code, ":(exclude)*.md").splitlines()
    return f"is older than its code, latest change {changes[0]}" if changes else ""


def check() -> int:
    """Print which figures of the README have to be measured again; how many these are."""
    if git("rev-parse", "--is-shallow-repository") != "false":
        print("the whole history is needed to tell how old a result is; clone with git, without --depth")
        return 1
    kept = results()
    names = [name for name in dict.fromkeys(name for name, _, _ in FIGURES) if name in kept]
    old = {name: why for name in names if (why := outdated(kept[name], BENCHMARKS[name].code))}
    for name, why in old.items():
        print(f"{name} {why}; python benchmarks/run_all.py --only {name}")
    print(f"{len(names) - len(old)} of {len(names)} results are as new as the code they measure")
    return len(old)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=list(BENCHMARKS), metavar="NAME", help="may be repeated")
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page again")
    parser.add_argument("--check", action="store_true", help="measure nothing, fail where a figure is outdated")
    parser.add_argument("--list", action="store_true", help="the names, and what each runs")
    options = parser.parse_args()
    if options.list:
        for name, benchmark in BENCHMARKS.items():
            print(f"{name:<18}{shlex.join(benchmark.command())}")
        return
    if options.check:
        raise SystemExit(min(check(), 1))
    failed = 0
    for name in [] if options.page else options.only or list(BENCHMARKS):
        missing = [str(path) for path in BENCHMARKS[name].needs if not path.exists()]
        if missing:
            print(f"{name}: passed over, there is no {missing[0]}", flush=True)
            continue
        print(f"\n== {name}", flush=True)
        result = run(name, BENCHMARKS[name])
        failed += result is None
        if result is not None:
            result.save(RESULTS)
    write_page(list(BENCHMARKS))
    write_readme()
    print("docs/benchmarks.md, and the figures in README.md")
    raise SystemExit(min(failed, 1))


if __name__ == "__main__":
    main()
