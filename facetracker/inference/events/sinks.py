"""Where events go: standard output and commands (the webhook is in `webhook.py`). Each in the order of the events.

Every sink has a thread and a queue of its own, so that a pipe that nobody reads, or a receiver that is away, never
holds up the looking.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from facetracker.core import console
from facetracker.core.errors import FaceTrackerError
from facetracker.core.settings import way_out
from facetracker.inference.events.events import EVENTS

Row = Mapping[str, Any]

MOST = 10_000  # events that wait at most: 3 MB, and days of a household's
LAST_WAIT = 10.0  # seconds for which the end of a run waits for what has not gone out yet
COMMAND_LIMIT = 30.0  # seconds after which a command that does not end is ended
ANY = "any"  # in place of an event's name: a command for every event
STDERR = 2


class Sink(ABC):
    """Delivers rows one after the other in a thread of its own. `lost` counts those that it had to give up.

    When `most` are waiting the oldest goes, for the newest tell how things are; or, if it `holds`, the sender waits.
    """

    holds = False

    def __init__(self, name: str, most: int = MOST):
        self.name, self.most = name, most
        self.sent = self.lost = 0
        self.failed: BaseException | None = None  # nothing can be delivered any more
        self._rows: deque[Row] = deque()
        self._ending = False
        self._given_up = threading.Event()
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._work, name=f"sends to {name}", daemon=True)
        self._thread.start()

    def send(self, row: Row) -> None:
        """Deliver a row, soon."""
        with self._news:
            if self.holds:
                self._news.wait_for(lambda: len(self._rows) < self.most or self.failed)
            if self.failed:
                self.lost += 1
                return
            if len(self._rows) >= self.most:
                self._rows.popleft()
                self.lost += 1
            self._rows.append(row)
            self._news.notify_all()

    def close(self, wait: float = LAST_WAIT) -> None:
        """Deliver what is left, for `wait` seconds at most; the rest is lost."""
        with self._news:
            self._ending = True
            self._news.notify_all()
        self._thread.join(wait)
        self._given_up.set()
        with self._news:
            self.lost += len(self._rows)
            self._rows.clear()
            self._news.notify_all()
        self._thread.join(1.0)
        self.lost += self._thread.is_alive()  # it hangs in what nobody can end: that row is lost as well

    @abstractmethod
    def _deliver(self, row: Row) -> bool:
        """Deliver one row, however long it takes, until `_given_up`; False: it is lost. In the sink's thread."""

    def _work(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._rows or self._ending)
                if not self._rows:
                    return
                row = self._rows.popleft()
                self._news.notify_all()
            try:
                done = self._deliver(row)
            except BaseException as error:  # it belongs to the one who sends
                with self._news:
                    self.failed = error
                    self.lost += 1 + len(self._rows)
                    self._rows.clear()
                    self._news.notify_all()
                return
            self.sent, self.lost = self.sent + done, self.lost + (not done)


class Lines(Sink):
    """A line of JSON an event, written at once. A reader that is slow is waited for, as in every pipe."""

    holds = True

    def __init__(self, stream: TextIO, most: int = MOST):
        self.stream = stream
        super().__init__("standard output", most)

    def _deliver(self, row: Row) -> bool:
        self.stream.write(json.dumps(row, ensure_ascii=False) + "\n")
        self.stream.flush()
        return True


class Commands(Sink):
    """Runs a command for each event that has one: one at a time, in order, without a shell.

    What an event says stands in the environment, never in the command line, so nothing in it can become a command.
    """

    def __init__(self, commands: Sequence[tuple[str, str]], limit: float = COMMAND_LIMIT, most: int = MOST):
        self.limit = limit
        self.commands = [(event, words_of(event, command)) for event, command in commands]
        super().__init__("the commands", most)

    def send(self, row: Row) -> None:
        if any(event in (row["event"], ANY) for event, _ in self.commands):
            super().send(row)

    def _deliver(self, row: Row) -> bool:
        done = True
        for event, words in self.commands:
            if event in (row["event"], ANY):
                done = self._run(words, row) and done
        return done

    def _run(self, words: list[str], row: Row) -> bool:
        """Run one command to its end; False when it could not be run or had to be ended."""
        what = f"{words[0]} (event {row['number']}, {row['event']})"
        try:
            # What it prints goes to stderr: standard output belongs to the events. A session of its own, so that Ctrl-C
            # does not end it half done, and so that all that it starts can be ended together.
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=STDERR, env=environment_of(row), start_new_session=True
            )
        except OSError as error:
            console.warn(f"{what} cannot be run: {error.strerror}")
            return False
        began = time.monotonic()
        while (code := _waited(process, 0.1)) is None:
            if self._given_up.is_set() or time.monotonic() - began > self.limit:
                _end(process)
                console.warn(f"{what} did not end within {time.monotonic() - began:.0f} s and was ended")
                return False
        if code:
            console.warn(f"{what} ended with {code}")
        return True


def words_of(event: str, command: str) -> list[str]:
    """A command's words, if there is such an event and such a program."""
    if event not in (*EVENTS, ANY):
        raise FaceTrackerError(f"--on {event}: there is no such event", fix=way_out(event, [*EVENTS, ANY]))
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise FaceTrackerError(f"--on {event} {command}: {error}", fix="Close every quote.") from None
    if not words:
        raise FaceTrackerError(f"--on {event}: there is no command")
    if shutil.which(words[0]) is None:
        raise FaceTrackerError(f"--on {event}: there is no program {words[0]}", fix="Write its whole path.")
    return words


def environment_of(row: Row) -> dict[str, str]:
    """The environment of a command: ours, and FACETRACKER_EVENT, FACETRACKER_ID, ... of one event; empty for null."""
    values = {f"FACETRACKER_{key.upper()}": "" if value is None else str(value) for key, value in row.items()}
    return os.environ | values


def _waited(process: subprocess.Popen, seconds: float) -> int | None:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def _end(process: subprocess.Popen) -> None:
    """End a command and all that it has started."""
    with contextlib.suppress(ProcessLookupError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
