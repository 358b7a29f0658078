"""The command line as a person meets it: real processes."""

import os
import resource
import subprocess
import sys

import pytest


def run(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "facetracker.cli", *arguments], capture_output=True, text=True, timeout=250, **options
    )


def test_help_answers_at_once_and_imports_nothing_heavy():
    heavy = ("numpy", "cv2", "tensorflow", "keras", "rich")
    code = f"import sys, facetracker.cli.main; print([name for name in {heavy} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"

    def seconds(*command):
        """Of the processor: what a busy machine adds by making it wait does not count."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *command], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    bare = min(seconds("-c", "pass") for _ in range(5))
    ours = min(seconds("-m", "facetracker.cli", "--help") for _ in range(5))
    assert ours <= 8 * bare  # a ratio: another test at work beside this one makes both slower


def test_version():
    from facetracker import __version__

    assert run("--version").stdout.strip() == f"facetracker {__version__}"


@pytest.mark.parametrize("arguments", [["audit", "nowhere"], ["augment", "nowhere", "out"], ["train", "nowhere"]])
def test_a_mistake_is_one_line_and_exit_code_2(arguments, tmp_path):
    shown = run(*arguments, cwd=tmp_path)
    assert shown.returncode == 2
    assert len(shown.stderr.strip().splitlines()) == 1
    assert "nowhere" in shown.stderr
    assert os.listdir(tmp_path) == []


def test_debug_shows_the_traceback(tmp_path):
    shown = run("--debug", "audit", "nowhere", cwd=tmp_path)
    assert "Traceback" in shown.stderr


def test_public_names_load_on_first_use():
    code = "import sys, facetracker; assert 'numpy' not in sys.modules; facetracker.Detector; print('ok')"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "ok"


def test_unknown_names_are_attribute_errors():
    import facetracker

    with pytest.raises(AttributeError, match="nothing_like_this"):
        _ = facetracker.nothing_like_this
