import io

import pytest

from facetracker.core import console


def test_off_a_terminal_progress_is_plain_lines_with_rate_and_time_left(monkeypatch, capsys):
    monkeypatch.setattr(console, "PLAIN_EVERY", 0.0)
    assert list(console.track([1, 2, 3], "augment")) == [1, 2, 3]
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("augment: 1/3 photos, ")
    assert lines[0].endswith(" left")
    assert lines[-1].startswith("augment: 3/3 photos, ")


def test_quiet_says_nothing_but_warnings(monkeypatch, capsys):
    monkeypatch.setattr(console, "quiet", True)
    console.say("hello")
    list(console.track([1], "augment"))
    console.warn("look out")
    assert capsys.readouterr() == ("", "warning: look out\n")


def test_on_a_terminal_the_bar_is_drawn_and_cleared(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    monkeypatch.setattr(console.sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert list(console.track(range(4), "augment")) == [0, 1, 2, 3]
    assert "augment: 4/4 photos" in stream.getvalue().splitlines()[-1]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.44, "0.4 s"), (12.4, "12 s"), (185, "3 min 05 s"), (7800, "2 h 10 min")]
)
def test_durations_as_a_person_says_them(seconds, text):
    assert console.duration(seconds) == text
