"""`docs/benchmarks.md` with its charts, and the figures in the README, all made from benchmarks/results."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from measured import RESULTS, ROOT, Result, Row, results

from facetracker.core.files import write_atomically, written_beside

PAGE, README = ROOT / "docs" / "benchmarks.md", ROOT / "README.md"
CHARTS = ROOT / "docs" / "images" / "benchmarks"
OWN = ("run_all", "page", "measured")  # they make this page
BEGIN, END = "<!-- figures: made by benchmarks/run_all.py -->", "<!-- /figures -->"

HEAD = """# Benchmarks

Made by `benchmarks/run_all.py`; nothing here is typed by hand. Contestants take turns in one run; a figure is the
median of the rounds, with the lowest and the highest beside it. Figures of other machines or days are not compared.
"""


def write_page(order: Sequence[str], folder: Path = RESULTS, page: Path = PAGE, charts: Path = CHARTS) -> None:
    """The page and a chart for each result that has figures of one unit to compare."""
    kept = results(folder)
    parts = [HEAD]
    for name in [*(name for name in order if name in kept), *(name for name in kept if name not in order)]:
        parts.append(section(kept[name], draw(kept[name], charts)))
    parts.append(others({Path(one.command.split()[1]).name for one in kept.values()}))
    write_atomically(page, "\n".join(parts))


def others(shown: set[str]) -> str:
    """A line for each script that has no section above: what it measures, and its command."""
    lines = ["## The others", "", "Run when what they measure is changed; they print what they find.", ""]
    lines += ["| script | what it measures | command |", "|---|---|---|"]
    for script in sorted((ROOT / "benchmarks").glob("*.py")):
        if script.name not in shown and script.stem not in OWN:
            text = documentation(script)
            command = re.search(rf"python benchmarks/{script.name}[^`\n#]*", text)
            what = first_paragraph(text.split(": `python")[0].strip()).replace("|", "\\|")
            how = "a part of the others" if command is None else f"`{command[0].strip()}`".replace("|", "\\|")
            lines.append(f"| `{script.name}` | {what} | {how} |")
    return "\n".join([*lines, ""])


def section(result: Result, charts: Sequence[Path]) -> str:
    """One benchmark: what, with which command, when, where, the figures, the chart, and what it said."""
    versions = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    dirty = f" with changes to {len(result.changed)} files" if result.changed else ""
    lines = [f"## {result.name.replace('_', ' ')}", "", title_of(result), "", "```sh", result.command, "```", ""]
    lines += [f"![{result.name}](images/benchmarks/{chart.name})" for chart in charts]
    lines += ["", *table(result.rows), ""] if result.rows else []
    if result.text.strip():
        lines += ["```text", result.text.rstrip(), "```", ""]
    lines.append(f"{result.made}, commit `{result.commit[:10]}`{dirty}, {result.seconds:.0f} s, on {result.machine}.")
    return "\n".join([*lines, f"{versions}.", ""])


def title_of(result: Result) -> str:
    """The first sentence of the script's own description."""
    return first_paragraph(documentation(ROOT / result.command.split()[1]))


def documentation(script: Path) -> str:
    """What a script says of itself."""
    return ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""


def first_paragraph(text: str) -> str:
    """Its first paragraph, as one line."""
    return " ".join(text.split("\n\n")[0].split())


def table(rows: Sequence[Row]) -> list[str]:
    """The figures as a table; the ratio is to the first row of the same unit."""
    lines = ["| | median | lowest to highest | rounds | ratio |", "|---|---|---|---|---|"]
    first: dict[str, float] = {}
    for row in rows:
        base = first.setdefault(row.unit, row.median)
        low, high = row.spread
        spread = f"{number(low)} to {number(high)}" if len(row.values) > 1 else ""
        ratio = f"{row.median / base:.2f}" if base else ""
        lines.append(f"| {row.name} | {number(row.median)} {row.unit} | {spread} | {len(row.values)} | {ratio} |")
    return lines


def number(value: float) -> str:
    """Three digits that count, thousands with a comma."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def draw(result: Result, folder: Path) -> list[Path]:
    """A bar chart for each unit with at least two figures: medians, with the spread as a thin line."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    written = []
    for unit in dict.fromkeys(row.unit for row in result.rows):
        rows = [row for row in result.rows if row.unit == unit]
        if len(rows) < 2:
            continue
        figure = Figure(figsize=(9, 0.9 + 0.42 * len(rows)), layout="constrained", dpi=110)
        axis = figure.subplots()
        places = range(len(rows))
        colours = ["#2f62d9" if place else "#9aa3ad" for place in places]
        medians = [row.median for row in rows]
        axis.barh(places, medians, color=colours, height=0.62)
        for place, row in enumerate(rows):
            axis.plot(row.spread, (place, place), color="#1d2126", linewidth=1.4, solid_capstyle="butt")
            axis.annotate(
                f"{number(row.median)} {row.unit}", (max(row.spread), place), (6, 0), textcoords="offset points",
                va="center", fontsize=9,
            )  # fmt: skip
        axis.set_yticks(places, [row.name for row in rows])
        axis.invert_yaxis()
        axis.set_xlim(0, max(max(row.values) for row in rows) * 1.18)
        axis.spines[["top", "right", "left"]].set_visible(False)
        axis.tick_params(left=False)
        axis.set_xlabel(unit)
        path = folder / f"{result.name}-{re.sub('[^a-zA-Z0-9]+', '-', unit).strip('-')}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_beside(path) as part:
            FigureCanvasAgg(figure).print_png(part)
        written.append(path)
    return written


def _ratio(over: str, under: str, digits: int = 1) -> Callable[[Result], str]:
    return lambda result: f"{result.row(over).median / result.row(under).median:.{digits}f}"


def _median(name: str) -> Callable[[Result], str]:
    return lambda result: number(result.row(name).median)


# A line of the README: the benchmark, what is said, and what stands for each {}.
FIGURES: tuple[tuple[str, str, tuple[Callable[[Result], str], ...]], ...] = (
    ("detector", "a 640x480 frame with the starter, two threads: {} ms (OpenCV's YuNet_s: {} ms)",
     (_median("starter, 2 threads"), _median("YuNet_s, OpenCV, 2 threads"))),
    ("start", "from starting `facetracker detect photo.jpg` to the first box: {} s; `--help`: {} s",
     (_median("first box of a photo"), _median("facetracker --help"))),
    ("start", "memory while it follows a film: {} MB", (_median("detect, a film of 640x480"),)),
    ("latency", "with a model of 40 ms, 95 of 100 frames on screen are under {} ms old (read, predict, show: {} ms)",
     (_median("ours, a model of 40 ms"), _median("naive, a model of 40 ms"))),
    ("augment", "augmenting: {} variants/s as files, {} times the tutorial's loop; {} times as TFRecord at 120",
     (_median("files"), _ratio("files", "tutorial's loop"), _ratio("TFRecord at 120", "tutorial's loop"))),
    ("loader", "loading: {} times the tutorial's pictures/s from TFRecord, {} times from the cache",
     (_ratio("TFRecord at 120", "tutorial's loader"), _ratio("cache, second epoch on", "tutorial's loader"))),
    ("demo", "`facetracker demo`, from nothing to the report: {} s",
     (_median("all of it"),)),
)  # fmt: skip


def readme_figures(folder: Path = RESULTS) -> str:
    """The README's lines, each with the command that made it; benchmarks that were not run are left out."""
    kept, lines, machines = results(folder), [], []
    for name, text, values in FIGURES:
        if name in kept:
            found = text.format(*(value(kept[name]) for value in values))
            lines.append(f"- {found} (`python benchmarks/run_all.py --only {name}`)")
            machines.append(f"{kept[name].machine}, {kept[name].made[:10]}")
    where = "; ".join(dict.fromkeys(machines))
    lines += ["", f"Medians on {where}; spread, versions and the rest in [the benchmarks](docs/benchmarks.md)."]
    return "\n".join(lines) if machines else "See [the benchmarks](docs/benchmarks.md)."


def write_readme(folder: Path = RESULTS, readme: Path = README) -> None:
    """Put the figures between the two marks of the README."""
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    write_atomically(readme, f"{before}{BEGIN}\n{readme_figures(folder)}\n{END}{after}")
