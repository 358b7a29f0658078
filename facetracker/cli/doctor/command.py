"""The command `doctor`."""

from __future__ import annotations

from typing import Annotated

import typer


def doctor(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Say what works on this machine, and the command that fixes what does not."""
    from facetracker.cli.doctor.findings import State
    from facetracker.cli.doctor.report import doctor

    findings = doctor(as_json)
    raise typer.Exit(int(any(finding.state is State.broken for finding in findings)))
