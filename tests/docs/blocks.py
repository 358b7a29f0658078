"""The fenced blocks of README and documentation: where they stand, and the commands in them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block: the page, the line on which it begins, its language and its text."""

    page: str
    line: int
    language: str
    text: str


def pages() -> list[Path]:
    """README, then the tutorial (it makes what the other pages work on), then the rest of the documentation."""
    guides = ("tutorial", "photos", "train", "ship", "follow")
    first = [ROOT / "README.md", *(ROOT / "docs" / f"{name}.md" for name in guides)]
    generated = {ROOT / "docs" / "reference" / name for name in ("cli.md", "settings.md")}
    others = sorted({*(ROOT / "docs").rglob("*.md"), ROOT / "CONTRIBUTING.md"} - {*first, *generated})
    return first + others


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of one page, in order."""
    text = page.read_text(encoding="utf-8")
    name = page.relative_to(ROOT).as_posix()
    return [Block(name, text.count("\n", 0, found.start()) + 1, found[1], found[2]) for found in FENCE.finditer(text)]


def all_blocks() -> list[Block]:
    """Every block of every page, in the order in which they are run."""
    return [block for page in pages() for block in blocks_of(page)]


def commands_in(block: Block) -> list[list[str]]:
    """The commands of a shell block as words; comments, prompts and environment settings are taken off."""
    lines = block.text.replace("\\\n", " ").splitlines()
    commands = []
    for line in lines:
        words = shlex.split(line.strip().removeprefix("$ "), comments=True)
        while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
            words = words[1:]
        while "|" in words:  # each program of a pipe is a command
            commands.append(words[: words.index("|")])
            words = words[words.index("|") + 1 :]
        if words:
            commands.append(words)
    return commands
