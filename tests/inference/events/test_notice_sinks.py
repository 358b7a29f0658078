"""Lines and commands: every event once, in order, and nothing in an event can become a command."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import time
from pathlib import Path

import pytest
from receiver import row

from facetracker.core.errors import FaceTrackerError
from facetracker.inference.events.sinks import Commands, Lines, Sink


class Holding(Sink):
    """Delivers when it is let."""

    def __init__(self, most):
        self.open, self.rows = threading.Event(), []
        super().__init__("the test", most)

    def _deliver(self, row):
        while not self.open.wait(0.01):
            if self._given_up.is_set():
                return False
        self.rows.append(row["number"])
        return True


def script(tmp_path: Path, text: str) -> str:
    path = tmp_path / "program.py"
    path.write_text(f"import os, sys, time\n{text}\n")
    return f"{sys.executable} {path}"


def test_a_line_an_event_at_once():
    stream = io.StringIO()
    lines = Lines(stream)
    lines.send(row(1, zone="Küche"))
    end = time.monotonic() + 5
    while not stream.getvalue().endswith("\n") and time.monotonic() < end:
        time.sleep(0.01)
    lines.send(row(2))
    lines.close()
    assert [json.loads(line)["number"] for line in stream.getvalue().splitlines()] == [1, 2]
    assert "Küche" in stream.getvalue()
    assert (lines.sent, lines.lost) == (2, 0)


def test_a_reader_who_has_gone_is_noticed():
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as stream:
        lines = Lines(stream)
        lines.send(row(1))
        lines.close()
        assert isinstance(lines.failed, BrokenPipeError)
        lines.send(row(2))  # harmless
        assert (lines.sent, lines.lost) == (0, 2)
        with pytest.raises(BrokenPipeError):
            stream.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), writing)


def test_when_too_many_wait_the_oldest_are_lost():
    sink = Holding(5)
    for number in range(1, 21):
        sink.send(row(number))
        time.sleep(0.02 if number == 1 else 0)  # the first is under way
    sink.open.set()
    sink.close()
    assert sink.rows == [1, 16, 17, 18, 19, 20]
    assert (sink.sent, sink.lost) == (6, 14)


def test_the_end_waits_but_not_for_ever():
    sink = Holding(100)
    for number in range(1, 11):
        sink.send(row(number))
    began = time.monotonic()
    sink.close(0.3)
    assert time.monotonic() - began < 2
    assert (sink.rows, sink.sent, sink.lost) == ([], 0, 10)


def test_commands_run_in_order_one_at_a_time(tmp_path):
    text = """
with open("log", "a") as log:
    log.write(f"begin {os.environ['FACETRACKER_NUMBER']}\\n"); log.flush()
    time.sleep(0.05)
    log.write(f"end {os.environ['FACETRACKER_NUMBER']}\\n")"""
    program = script(tmp_path, text.replace('"log"', repr(str(tmp_path / "log"))))
    commands = Commands([("came", program)])
    for number in range(1, 9):
        commands.send(row(number, "came" if number % 2 else "left"))
    commands.close(30)
    expected = [f"{what} {number}" for number in (1, 3, 5, 7) for what in ("begin", "end")]
    assert (tmp_path / "log").read_text().split("\n")[:-1] == expected
    assert (commands.sent, commands.lost) == (4, 0)


def test_nothing_in_an_event_can_become_a_command(tmp_path):
    evil = f"$(touch {tmp_path}/one) ; touch {tmp_path}/two ` touch {tmp_path}/three ` && x | y > {tmp_path}/four"
    text = f"open({str(tmp_path / 'log')!r}, 'a').write(repr((sys.argv[1:], os.environ['FACETRACKER_ZONE'])) + '\\n')"
    program = script(tmp_path, text)
    commands = Commands([("any", f"{program} '$FACETRACKER_ZONE' ; * > x")])
    commands.send(row(1, zone=evil))
    commands.close(30)
    arguments, zone = eval((tmp_path / "log").read_text())
    assert arguments == ["$FACETRACKER_ZONE", ";", "*", ">", "x"]
    assert zone == evil
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "program.py"]


def test_the_environment_says_everything_and_null_is_empty(tmp_path):
    program = script(
        tmp_path,
        f"""
own = {{key: value for key, value in os.environ.items() if key.startswith("FACETRACKER_")}}
open({str(tmp_path / "log")!r}, "w").write(repr(own))""",
    )
    commands = Commands([("left", program)])
    commands.send(row(3, "left", seconds=1.5, ended=True))
    commands.close(30)
    own = eval((tmp_path / "log").read_text())
    wanted = {"EVENT": "left", "ID": "3", "TIME": "0.3", "ZONE": "", "COUNT": "1", "SECONDS": "1.5", "NUMBER": "3"}
    assert {f"FACETRACKER_{key}": value for key, value in wanted.items()}.items() <= own.items()
    assert own["FACETRACKER_ENDED"] == "True"


def test_what_a_command_prints_goes_to_stderr_and_its_failure_is_told(tmp_path, capfd):
    commands = Commands([("came", script(tmp_path, "print('hello'); sys.exit(3)"))])
    commands.send(row(1))
    commands.close(30)
    out, err = capfd.readouterr()
    assert out == ""
    assert "hello" in err
    assert "ended with 3" in err


def test_a_command_that_does_not_end_is_ended_with_all_that_it_started(tmp_path, capfd):
    text = f"""
import subprocess
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open({str(tmp_path / "child")!r}, "w").write(str(child.pid))
time.sleep(60)"""
    commands = Commands([("came", script(tmp_path, text))], limit=2.0)
    commands.send(row(1))
    commands.send(row(2, "left"))
    commands.close(30)
    assert "did not end within" in capfd.readouterr().err
    assert (commands.sent, commands.lost) == (0, 1)
    child = int((tmp_path / "child").read_text())
    end = time.monotonic() + 5
    while time.monotonic() < end and is_alive(child):
        time.sleep(0.05)
    assert not is_alive(child)


def is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize(
    ("event", "command", "says"),
    [
        ("come", "true", "Did you mean came"),
        ("came", "", "no command"),
        ("came", "echo 'x", "quote"),
        ("came", "no-such-program-anywhere x", "no program no-such-program-anywhere"),
    ],
)
def test_mistakes_are_told_before_anything_begins(event, command, says):
    with pytest.raises(FaceTrackerError, match=says):
        Commands([(event, command)])
