"""The page of troubles quotes messages as the program says them."""

from __future__ import annotations

import re

from blocks import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
# Messages are written over several lines, in pieces; joined as Python would.
CODE = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "facetracker").rglob("*.py")))
CODE = re.sub(r'"\s*\n\s*f?"', "", CODE)
FIRST = re.findall(r"^\| (.*?) \|", PAGE, re.MULTILINE)
QUOTED = [text for cell in FIRST for text in re.findall(r"`([^`]+)`", cell)]


def test_messages_are_quoted_as_they_are_said():
    pieces = [piece.strip(" ,()") for text in QUOTED for piece in text.split("...") if len(piece.split()) > 1]
    assert len(pieces) > 25
    assert [piece for piece in pieces if piece not in CODE] == []


def test_every_row_has_a_cause_and_a_way_out():
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| what you see")]
    assert len(rows) > 40
    assert [row for row in rows if len(re.split(r"(?<!\\) \| ", row.strip("| "))) != 3] == []
