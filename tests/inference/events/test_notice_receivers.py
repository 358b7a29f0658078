"""Real receivers, each away for ten seconds in the middle of a live run: a webhook, a command, mosquitto behind a pipe.

Every one gets every event once, in order. mosquitto and its clients are Debian packages; without them that test skips.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from receiver import Receiver
from waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
BROKER = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")
AWAY = 10.0
# A person who stays: an event every quarter of a second, for half a minute.
STAYS = [word for quarter in range(4, 130) for word in ("--stay", str(quarter / 4))]
SCENE = "scene:faces=1,seed=5,width=320,height=240,fps=10,live=1"
NOTICE = [sys.executable, "-m", "facetracker.cli", "notice", SCENE, *STAYS]
NO_DISPLAY = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}


def lines_of(path: Path) -> list[dict]:
    """The whole lines of a file so far."""
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.split("\n")[:-1]]


def check(rows: list[dict], before: int, after: int) -> None:
    """Numbers 1, 2, ... and events of before, of within, and of after the absence."""
    assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))
    assert [row["event"] for row in (rows[0], rows[-2])] == ["came", "left"]
    assert 0 < before < after
    assert after - before >= AWAY * 4 * 0.8
    assert len(rows) > after


def test_a_webhook_and_a_command_get_every_event_once_and_in_order(tmp_path):
    log, away = tmp_path / "command.txt", tmp_path / "away"
    program = tmp_path / "program.py"
    program.write_text(
        f"import os, time\nwhile os.path.exists({str(away)!r}): time.sleep(0.1)\n"
        f"open({str(log)!r}, 'a').write(os.environ['FACETRACKER_NUMBER'] + '\\n')"
    )
    with Receiver() as receiver, open(tmp_path / "out.txt", "w") as out:
        words = [*NOTICE, "--webhook", receiver.url, "--on", "any", shlex.join([sys.executable, "-S", str(program)])]
        running = subprocess.Popen(words, env=NO_DISPLAY, stdout=out, stderr=subprocess.PIPE, text=True)
        until(lambda: len(receiver.rows) >= 8)
        receiver.stop()
        away.touch()
        before = lines_of(tmp_path / "out.txt")[-1]["number"]
        time.sleep(AWAY)
        after = lines_of(tmp_path / "out.txt")[-1]["number"]
        receiver.start()
        away.unlink()
        until(lambda: len(receiver.rows) > after)
        running.send_signal(signal.SIGTERM)
        _, err = running.communicate(timeout=60)
        assert running.returncode == 0, err
    rows = lines_of(tmp_path / "out.txt")
    check(rows, before, after)
    assert receiver.rows == rows
    assert [int(line) for line in log.read_text().split()] == [row["number"] for row in rows]
    assert "lost" not in err


@pytest.mark.skipif(BROKER is None or shutil.which("mosquitto_pub") is None, reason="mosquitto is not here")
def test_mosquitto_behind_the_pipe_gets_every_event_once_and_in_order(tmp_path):
    with contextlib.ExitStack() as stack:
        broker = Broker(tmp_path)
        stack.callback(broker.stop)
        out, got = tmp_path / "out.txt", tmp_path / "got.txt"
        where = ["-h", "127.0.0.1", "-p", str(broker.port), "-t", "home/faces", "-q", "1"]
        file = stack.enter_context(open(got, "w"))
        words = ["mosquitto_sub", *where, "-c", "-i", "listener"]
        listener = subprocess.Popen(words, stdout=file, stderr=subprocess.DEVNULL)
        stack.callback(listener.kill)
        time.sleep(1)
        # The recipe of docs/notice.md, with a copy of what goes through the pipe.
        pipe = f"{shlex.join(NOTICE)} | tee {out} | mosquitto_pub -l {shlex.join(where)}"
        running = subprocess.Popen(pipe, shell=True, env=NO_DISPLAY, stderr=subprocess.DEVNULL, start_new_session=True)
        stack.callback(end_group, running.pid)
        until(lambda: len(lines_of(got)) >= 8)
        broker.stop()
        before = lines_of(out)[-1]["number"]
        time.sleep(AWAY)
        after = lines_of(out)[-1]["number"]
        broker.start()
        until(lambda: len(lines_of(got)) > after + 4)
        for process in notices(running.pid):
            os.kill(process, signal.SIGTERM)
        assert running.wait(60) == 0
        until(lambda: len(lines_of(got)) >= len(lines_of(out)))
        time.sleep(0.5)
        rows = lines_of(out)
        check(rows, before, after)
        assert lines_of(got) == rows


def notices(group: int) -> list[int]:
    """The processes of a pipe's group that are ours."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if os.getpgid(int(folder.name)) == group and words[0] == sys.executable.encode():
                found.append(int(folder.name))
    return found


def end_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


class Broker:
    """A mosquitto of our own, whose messages outlive it."""

    def __init__(self, folder: Path):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        store = folder / "broker"
        store.mkdir(mode=0o777)
        self.settings = folder / "mosquitto.conf"
        lines = [f"listener {self.port} 127.0.0.1", "allow_anonymous true", "persistence true"]
        if os.getuid() == 0:
            lines.append("user root")
        self.settings.write_text("\n".join([*lines, f"persistence_location {store}/", ""]))
        self.start()

    def start(self) -> None:
        words = [str(BROKER), "-c", str(self.settings)]
        self._process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def answers() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        until(answers)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
