"""The audit as a person reads it: a table of 80 columns, `audit.json` with every finding, a contact sheet."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from facetracker.core.console import counted, duration
from facetracker.core.files import write_json
from facetracker.core.lettering import shortened
from facetracker.labels.audit.checks import KINDS, Audit, offenders
from facetracker.version import __version__

WIDTH = 80
JSON, SHEET = "audit.json", "contact_sheet.png"


def write_report(audit: Audit, out: Path) -> None:
    """`audit.json` and, if there are offenders, `contact_sheet.png` into the folder `out`."""
    write_json(out / JSON, as_json(audit))
    (out / SHEET).unlink(missing_ok=True)  # of an earlier audit; the audit has checked that the folder is one
    if offenders(audit.findings):
        from facetracker.core.photo import write_png
        from facetracker.labels.audit.contact_sheet import contact_sheet

        write_png(out / SHEET, contact_sheet(audit))


def as_json(audit: Audit) -> dict[str, Any]:
    """Everything the audit found, for other programs."""
    return {
        "facetracker": __version__,
        "folder": str(audit.folder),
        "parts": {name or "all": vars(part) for name, part in audit.parts.items()},
        "classes": dict(audit.classes.most_common()),
        "counts": audit.counts,
        "faulty_photos": len(audit.faulty),
        "fixed": audit.fixed,
        "backup": None if audit.backup is None else str(audit.backup),
        "seconds": round(audit.seconds, 2),
        "findings": [
            {
                "photo": finding.photo,
                "kind": finding.kind,
                "level": finding.level,
                "detail": finding.detail,
                "fix": finding.fix,
                **({"other": finding.other} if finding.other else {}),
            }
            for finding in audit.findings
        ],
    }


def as_text(audit: Audit) -> str:
    """The report for the terminal, no line longer than 80 columns."""
    lines = [
        f"{shortened(str(audit.folder), 36)}: {counted(audit.photos, 'photo')}, "
        f"looked through in {duration(audit.seconds)}",
        "",
    ]
    lines += [f"{'':14}{'photos':>8}{'labelled':>10}{'no face':>9}{'not labelled':>14}{'faces':>8}"]
    for name, part in audit.parts.items():
        counts = f"{part.photos:>8}{part.labelled:>10}{part.no_face:>9}{part.photos - part.labelled:>14}{part.faces:>8}"
        lines.append(f"{name or 'not split':14}{counts}")
    if audit.classes:
        classes = ", ".join(f"{name} {count}" for name, count in audit.classes.most_common(8))
        more = f", and {len(audit.classes) - 8} more" if len(audit.classes) > 8 else ""
        lines += ["", *_wrapped(f"classes: {classes}{more}")]
    for level, title in (("fault", "faults"), ("note", "good to know")):
        lines += _table(audit, level, title)
    if audit.fixed:
        lines += ["", *_wrapped(f"fixed: {len(audit.fixed)} label files; as they were: {audit.backup}")]
    lines += ["", *_verdict(audit)]
    return "\n".join(lines)


def _table(audit: Audit, level: str, title: str) -> list[str]:
    counts = {kind: count for kind, count in audit.counts.items() if KINDS[kind][0] == level}
    if not counts:
        return []
    lines = ["", title]
    for kind, count in counts.items():
        lines.append(f"{count:>7}  {kind:<31} {KINDS[kind][1]}")
        if level == "fault" or kind in ("duplicate", "near-duplicate", "not looked at"):
            found = audit.of(kind)
            lines += [f"{'':9}{shortened(f.photo, 34)} {shortened(f.detail, 36)}".rstrip() for f in found[:3]]
            if len(found) > 3:
                lines.append(f"{'':9}... and {len(found) - 3} more in {JSON}")
    return lines


def _verdict(audit: Audit) -> list[str]:
    lines = []
    labelled = sum(part.labelled for part in audit.parts.values())
    no_face = sum(part.no_face for part in audit.parts.values())
    if labelled and not no_face:
        lines += _wrapped(
            "No photo without a face: the tracker will see faces everywhere. Take some of the empty room and tick "
            "no_face in labelme."
        )
    faults = Counter(finding.level for finding in audit.findings)["fault"]
    if faults:
        lines.append(f"{counted(faults, 'fault')} in {len(audit.faulty)} photos.")
    elif labelled:
        lines.append("No faults: ready to split, augment and train.")
    elif audit.of("only prelabelled"):
        lines.append("Nobody has looked at what is prelabelled: `facetracker review` is next.")
    else:
        lines.append("Nothing is labelled yet: `facetracker annotate` is next.")
    return lines


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_long_words=True)
