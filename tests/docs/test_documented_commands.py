"""Every command and every line of Python in README and documentation is executed (tests/docs/workspace.py says how).

The blocks share one workspace and build on each other: run the whole file.
"""

from __future__ import annotations

import configparser
import os
import re
import sys
from pathlib import Path

import pytest
from blocks import ROOT, Block, all_blocks, commands_in, pages
from workspace import Workspace

from facetracker.from_scratch import __main__ as digits

SHELL, PYTHON = ("sh", "console"), ("python",)
NO_COMMANDS = ("text", "json", "yaml", "csv", "html")  # shown, not typed
BLOCKS = [block for block in all_blocks() if block.language in SHELL + PYTHON]
SCRIPTS = {
    "collect_images.py": ["collect"],
    "augment_dataset.py": ["augment", "data", "aug_data"],
    "train.py": ["train", "aug_data", "--preset", "vgg16"],
    "realtime_detection.py": ["detect"],
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("documentation"))
    try:
        yield Workspace()
    finally:
        os.chdir(before)


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.timeout(1200)  # half a minute of processor time; on a machine with other work it takes what it takes
@pytest.mark.parametrize("block", BLOCKS, ids=[f"{block.page}:{block.line}" for block in BLOCKS])
def test_block_runs(block: Block, workspace):
    if block.language in PYTHON:
        exec(compile(block.text, f"{block.page}:{block.line}", "exec"), {"__name__": "documentation"})
        return
    commands = commands_in(block)
    assert commands, "a block of commands without one"
    for program, *words in commands:
        if program == "facetracker":
            workspace.facetracker(words)
        else:
            CHECKS[Path(program).name](words, workspace)


def check_install(words, workspace):
    """The extras exist; what is installed from the index under other names is named in setup.cfg."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    assert words[0] == "install"
    for word in words[1:]:
        if (found := re.match(r"(?:facetracker|\.)\[(.*)\]", word)) is not None:
            assert set(found[1].split(",")) <= set(settings["options.extras_require"])


def check_make(words, workspace):
    """The target is in the Makefile."""
    for target in words:
        assert re.search(rf"^{re.escape(target)}:", (ROOT / "Makefile").read_text(), re.MULTILINE), target


def check_python(words, workspace):
    """A script is there; the four with a command behind them are parsed by it, others know the options given."""
    if words[0] == "-m":
        return CHECKS[words[1]](words[2:], workspace)
    script = ROOT / words[0]
    assert script.is_file(), words[0]
    if script.parent.name == "scripts" and script.name in SCRIPTS:
        own = SCRIPTS[script.name] if not words[1:] or words[1].startswith("-") else SCRIPTS[script.name][:1]
        workspace.parse([*own, *words[1:]])
        return None
    source = script.read_text()
    for option in (word.split("=")[0] for word in words[1:] if word.startswith("--")):
        assert f'"{option}"' in source, f"{words[0]} has no {option}"
    return None


def check_digits(words, workspace):
    """The numpy room's command, one epoch of it."""
    before, sys.argv = sys.argv, ["from_scratch", *words, "--epochs", "1"]
    try:
        digits.main()
    finally:
        sys.argv = before


def check_pytest(words, workspace):
    """The tests named are there."""
    for word in words:
        assert word.startswith("-") or (ROOT / word).exists(), word


def check_nothing(words, workspace):
    """Programs that are not ours."""


CHECKS = {
    "pip": check_install,
    "make": check_make,
    "python": check_python,
    "python3": check_python,
    "pytest": check_pytest,
    "facetracker.from_scratch": check_digits,
    "run": check_nothing,  # .ci/run: it runs this very test
    "git": check_nothing,
    "cd": check_nothing,
    "ray": check_nothing,
    "ssh": check_nothing,
    "mosquitto_pub": check_nothing,
}


def test_every_block_says_its_language_and_no_command_stands_outside():
    known = SHELL + PYTHON + NO_COMMANDS
    for block in all_blocks():
        assert block.language in known or block.language.startswith("{"), f"{block.page}:{block.line}"
    for page in pages():
        outside = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
        loose = re.findall(r"^    (?:\$ )?(?:facetracker|make|pip|python) .*$", outside, re.MULTILINE)
        assert not loose, f"{page.name}: {loose}"


def test_the_pages_hold_commands():
    assert len(BLOCKS) > 30
    names = {words[1] for block in BLOCKS if block.language in SHELL for words in commands_in(block) if len(words) > 1}
    assert {"collect", "annotate", "audit", "split", "augment", "train", "evaluate", "export", "detect"} <= names


@pytest.mark.slow
def test_a_command_that_is_wrong_is_noticed(workspace):
    with pytest.raises(Exception, match="No such option"):
        workspace.facetracker(["detect", "--surce", "0"])
    with pytest.raises(AssertionError, match="no_such_target"):
        check_make(["no_such_target"], workspace)
