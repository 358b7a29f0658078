"""A command of ours in a process of its own: what it says line by line, and the signal that Ctrl-C sends.

A child, because the server must never load tensorflow, and because it can be stopped as a person stops it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

LINE_BYTES = 65_536
LAST_LINES = 20  # that are handed back at the end
# A server that was started in the background ignores Ctrl-C's signal, and its children would inherit that.
CHILD = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from facetracker.cli.main import main; main()"
)


async def run_child(
    arguments: list[str],
    said: Callable[[str], Any] | None = None,
    started: Callable[[asyncio.subprocess.Process], None] | None = None,
) -> tuple[int, list[str]]:
    """Run `facetracker ARGUMENTS` in a process of its own: its exit code and the last lines it said.

    Ended together with us: when this call is cancelled, so is the child.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", CHILD, *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=LINE_BYTES,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,  # Ctrl-C in the server's terminal is passed on by us, once
    )
    if started is not None:
        started(child)
    lines: list[str] = []
    try:
        assert child.stdout is not None
        async for line in _lines(child.stdout):
            lines = [*lines[-LAST_LINES:], line]
            if said is not None:
                await said(line)
        return await child.wait(), lines
    except asyncio.CancelledError:
        interrupt(child)
        await child.wait()
        raise


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    while True:
        try:
            line = await stream.readline()
        except ValueError:  # a line longer than the limit: nothing for a person
            continue
        if not line:
            return
        if text := line.decode("utf-8", "replace").strip():
            yield text[:500]


def interrupt(child: asyncio.subprocess.Process) -> None:
    """What Ctrl-C does: the signal goes to the child and its own children."""
    _signal(child, signal.SIGINT)


def kill(child: asyncio.subprocess.Process) -> None:
    """End the child and its own children at once; nothing is saved."""
    _signal(child, signal.SIGKILL)


def _signal(child: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, number)
