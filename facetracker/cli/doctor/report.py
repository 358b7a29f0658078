"""The doctor's report: each finding as it comes, then a verdict."""

from __future__ import annotations

import json
import sys
import textwrap
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from typing import TextIO

from facetracker.cli.doctor.findings import State, Verdict, examine, machine
from facetracker.version import __version__

# How each state shows: on a screen that knows such signs, on one that does not, and its colour.
MARKS = {
    State.good: ("✔", "ok", "green"),
    State.note: ("·", "--", "dim"),
    State.missing: ("○", "no", "yellow"),
    State.broken: ("✘", "!!", "bold red"),
}
INDENT = 13


def verdict(findings: list[Verdict]) -> str:
    """The last line: can faces be detected here, and is something missing?"""
    broken = [f.what for f in findings if f.state is State.broken]
    missing = [f.what for f in findings if f.state is State.missing]
    if broken:
        return f"Not ready: {', '.join(broken)} must be fixed first."
    rest = f" Not available: {', '.join(missing)}." if missing else ""
    return f"Ready to detect faces.{rest}"


def doctor(as_json: bool = False, stream: TextIO | None = None) -> list[Verdict]:
    """Examine this machine and show each finding as it comes; all of them."""
    stream = stream or sys.stdout
    if as_json:
        findings = list(examine())
        print(json.dumps({"machine": machine(), "findings": [asdict(f) for f in findings]}, indent=2), file=stream)
        return findings
    report = _Report(stream)
    report.line(f"facetracker {__version__} on {machine()}\n", "bold")
    findings = []
    with report.waiting():
        for finding in examine():
            findings.append(finding)
            report.finding(finding)
    worst = State.broken if any(f.state is State.broken for f in findings) else State.good
    report.line(f"\n{verdict(findings)}", MARKS[worst][2])
    return findings


class _Report:
    """Prints findings: coloured and with a spinner on a terminal, plain elsewhere."""

    def __init__(self, stream: TextIO):
        from rich.console import Console

        self.console = Console(file=stream, highlight=False, soft_wrap=True)
        self.utf8 = (getattr(stream, "encoding", None) or "").lower().replace("-", "") == "utf8"
        self.width = self.console.width if stream.isatty() else 110

    def line(self, text: str, style: str = "") -> None:
        self.console.print(text, style=style, markup=False)

    def waiting(self) -> AbstractContextManager[object]:
        if self.console.is_terminal:
            return self.console.status("[dim]looking on ...[/]")
        return nullcontext()

    def finding(self, finding: Verdict) -> None:
        from rich.text import Text

        pretty, plain, style = MARKS[finding.state]
        lines = textwrap.wrap(
            finding.says, max(self.width - INDENT, 30), break_on_hyphens=False, break_long_words=False
        ) or [""]
        head = Text.assemble((f"{pretty if self.utf8 else plain:<3}", style), (f"{finding.what:<{INDENT - 3}}", "bold"))
        body = "dim" if finding.state is State.note else ""
        self.console.print(head + Text(f"\n{' ' * INDENT}".join(lines), body))
        if finding.fix and finding.state is not State.good:
            # Never wrapped: a command is copied as one line.
            self.console.print(Text(" " * INDENT + ("→ " if self.utf8 else "> "), "dim") + Text(finding.fix, "cyan"))
