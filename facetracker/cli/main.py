"""The command line: `facetracker COMMAND`.

Commands stand in `facetracker/cli/FILE.py`; here they are put together. Nothing heavy is
imported before a command runs: `facetracker --help` must answer at once.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Annotated, NoReturn

# OpenCV and FFmpeg write to stderr at will.
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import typer
from typer.exceptions import TyperException

from facetracker.cli.words import ByPurpose, misread
from facetracker.core import console, disk
from facetracker.core.errors import EXIT_MISTAKE, FaceTrackerError
from facetracker.core.install import missing
from facetracker.version import __version__

# Every command and the file that it stands in, in the order in which a photo travels.
COMMANDS = {
    "collect": "capture",
    "annotate": "labels",
    "label": "film",
    "audit": "labels",
    "convert": "labels",
    "prelabel": "labels",
    "review": "labels",
    "split": "data",
    "augment": "data",
    "show": "data",
    "learn": "training",
    "train": "training",
    "crops": "classifier",
    "train_classifier": "classifier",
    "classify": "classifier",
    "evaluate": "evaluation",
    "export": "export",
    "inspect": "evaluation",
    "detect": "inference",
    "hide": "inference",
    "frame": "framing",
    "notice": "notice",
    "benchmark": "inference",
    "web": "web",
    "demo": "demo.command",
    "doctor": "doctor.command",
}

# How a command goes on after a full disk, where it is not simply started again.
GOES_ON = {
    "train": "run the same command again, with --resume if the run had begun",
    "train-classifier": "run the same command again, with --resume if the run had begun",
    "web": "save again",
}
AGAIN = "run the same command again"

app = typer.Typer(
    name="facetracker",
    cls=ByPurpose,
    help="Your own face tracker. Begin with: facetracker detect",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"facetracker {__version__}")
        raise typer.Exit()


@app.callback()
def common(
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only warnings and errors.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    console.quiet = quiet


for _command, _file in COMMANDS.items():
    _stands_in = import_module(f"facetracker.cli.{_file}")
    _kind = getattr(_stands_in, "KINDS", {}).get(_command)  # a command that reads its words in its own way
    app.command(_command.replace("_", "-"), cls=_kind)(getattr(_stands_in, _command))


def main() -> NoReturn:
    """Run the command line; a person's mistake becomes one line and exit code 2."""
    debug = "--debug" in sys.argv[1:]
    try:
        code = app(prog_name="facetracker", standalone_mode=False)
    except TyperException as error:  # how the words are put together, not what they mean
        if len(sys.argv) == 1:  # the list of commands
            print(error)
        else:
            print(console.shown(misread(error), lines=False), file=sys.stderr)
        sys.exit(EXIT_MISTAKE)
    except FaceTrackerError as error:
        if debug:
            raise
        print(f"facetracker: {console.shown(str(error), lines=False)}", file=sys.stderr)
        sys.exit(EXIT_MISTAKE)
    except KeyboardInterrupt:
        print("facetracker: stopped by Ctrl-C", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # `facetracker ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except ModuleNotFoundError as error:
        told = None if debug else missing(error.name)
        if told is None:
            raise
        print(f"facetracker: {told}", file=sys.stderr)
        sys.exit(EXIT_MISTAKE)
    except Exception as error:
        line = None if debug else disk.fault(error)
        if line is None:
            raise
        command = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
        way = disk.way_on(error, GOES_ON.get(command, AGAIN))
        print(f"facetracker: {console.shown(line, lines=False)}. {way}", file=sys.stderr)
        sys.exit(EXIT_MISTAKE)
    sys.exit(code or 0)
