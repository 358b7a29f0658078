"""Starting labelme: found wherever it is installed, with the right flags, whatever OpenCV does to Qt.

labelme is GPL and has no interface for programs, so it runs as a program of its own. In one environment with
OpenCV's GUI build on Linux it aborts: cv2 points Qt to its own plugins. labelme works without cv2, so it is started
by an interpreter in which cv2 cannot be imported.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from facetracker.core.console import say
from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.files import photos_in, write_atomically
from facetracker.core.install import install_command
from facetracker.labels.audit.checks import labels_of
from facetracker.labels.classes import LABELS_FILE, listed_classes, right_name
from facetracker.labels.labelme import NO_FACE, read_content
from facetracker.labels.pairing import label_path, no_photos, pairs_in, places_in
from facetracker.labels.provenance import state_of

WITHOUT_CV2 = "import sys; sys.modules['cv2'] = None; from labelme.__main__ import main; main()"
VERSION_OF = "from importlib.metadata import version; print('labelme', version('labelme'))"
REQUIREMENT = "labelme>=6.3,<8"  # 7 needs Python 3.12; pip, pipx and uvx choose by themselves
OURS = "FACETRACKER_LABELME"
INSTALL = (
    "The page needs no labelme: facetracker web. "
    f"Or install it: pipx install '{REQUIREMENT}' (or {install_command('annotate')})."
)
HOW_TO = (
    "In labelme: ctrl+r, then two clicks around the face; d is the next photo, a the one before.\n"
    "A photo without a face: tick no_face under Flags. It saves by itself; close the window when done.\n"
    "If a prelabelled photo is right, take the tick from unreviewed under Flags."
)
QT_VARIABLES = ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_PLUGIN_PATH", "QT_QPA_FONTDIR")  # cv2 sets them at import


@dataclass(frozen=True)
class Labelling:
    """Where a folder's labelling stands."""

    photos: int
    labelled: int
    no_face: int
    labels: Path
    prelabelled: int = 0  # by a machine, and nobody has looked yet

    def __str__(self) -> str:
        left = self.photos - self.labelled
        line = f"{self.labelled} of {self.photos} photos labelled, {self.no_face} without a face, {left} to go"
        return line + (f" ({self.prelabelled} of them prelabelled)" if self.prelabelled else "")


def annotate(data: str | Path, classes: Sequence[str] | None = None, keep_prev: bool = False) -> Labelling:
    """Open labelme on the photos of `data` and wait until it is closed; how far the labelling is then.

    `classes` are the labels it offers and accepts (default: `data/labels.txt`, else what occurs, else `face`).
    `keep_prev` starts each photo with the boxes of the one before, for frames in which little moves.
    """
    images = _images(Path(data))
    labels = label_path(photos_in(images)[0]).parent
    open_labelme(images, labels, write_classes(Path(data), images, classes), keep_prev)
    return standing(images, labels)


def open_labelme(photos: Path, labels: Path, listed: Path, keep_prev: bool = False) -> None:
    """Start labelme on the folder `photos`, label files in `labels`, and wait until it is closed.

    `listed` is the file with the class names.
    """
    labels.mkdir(parents=True, exist_ok=True)
    command = find_labelme()
    _need_a_display()
    version = labelme_version(command)
    say(f"labelme {version} on {photos}, labels go to {labels}\n{HOW_TO}")
    command += arguments(photos, labels, listed, version, keep_prev)
    done = subprocess.run(command, env=clean_environment(), stderr=subprocess.PIPE, text=True, errors="replace")
    if done.returncode != 0:
        raise FaceTrackerError(
            f"labelme ended with code {done.returncode} ({_reason(done.stderr)})", fix=_way_out(done.stderr)
        )


def standing(images: Path, labels: Path) -> Labelling:
    """How many photos are labelled, and how many of these hold no face."""
    pairs = pairs_in(images).pairs
    labelled = no_face = prelabelled = 0
    for pair in pairs:
        if pair.label is None:
            continue
        try:
            content = read_content(pair.label)
        except BadFile:
            continue
        if state_of(content) == "prelabelled":
            prelabelled += 1
            continue
        labelled += 1
        no_face += not content["shapes"]
    return Labelling(len(pairs), labelled, no_face, labels, prelabelled)


def _images(data: Path) -> Path:
    places = places_in(data)
    if places.whole is not None:
        return places.whole.images
    if not places.parts:
        raise no_photos(data)
    part = next(iter(places.parts))
    raise FaceTrackerError("is split already", path=data, fix=f"Name one part: facetracker annotate {data / part}")


def write_classes(data: Path, images: Path, classes: Sequence[str] | None) -> Path:
    """The file with the class names that labelme offers, one a line; names are added to it, never taken away."""
    path = data / LABELS_FILE
    known = listed_classes(data)
    wanted = list(dict.fromkeys([*known, *(classes or [])]))
    if not wanted:
        wanted = _occurring(images) or ["face"]
    if wanted != known:
        write_atomically(path, "".join(f"{name}\n" for name in wanted))
    return path


def _occurring(images: Path) -> list[str]:
    """The labels in use, most frequent first, without what looks like a misspelling."""
    from collections import Counter

    counts: Counter[str] = Counter()
    for pair in pairs_in(images).owners:
        if pair.label is not None:
            try:
                counts.update(labels_of(read_content(pair.label)))
            except BadFile:
                continue
    return [name for name, _ in counts.most_common() if right_name(name, [], counts) == name]


def find_labelme(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The command that starts labelme: the one in FACETRACKER_LABELME, ours, the PATH's, or through uvx or pipx."""
    named = environment.get(OURS, "").strip()
    if named:
        command = [named] if Path(named).is_file() else shlex.split(named)
        if shutil.which(command[0]) is None:
            raise FaceTrackerError(
                f"{OURS} names a program that does not exist", path=named, fix="Correct or unset it."
            )
        return _without_cv2(Path(command[0])) if len(command) == 1 else command
    if importlib.util.find_spec("labelme") is not None:
        return [sys.executable, "-c", WITHOUT_CV2]
    path = environment.get("PATH")
    found = shutil.which("labelme", path=path)
    if found:
        return _without_cv2(Path(found))
    if uvx := shutil.which("uvx", path=path):
        return [uvx, "--from", REQUIREMENT, "labelme"]
    if pipx := shutil.which("pipx", path=path):
        return [pipx, "run", "--spec", REQUIREMENT, "labelme"]
    raise FaceTrackerError("labelme is not installed", fix=INSTALL)


def _without_cv2(program: Path) -> list[str]:
    """A labelme of another environment, started by that environment's Python so that cv2 stays out of it."""
    python = program.resolve().parent / "python"
    if program.resolve().name == "labelme" and os.access(python, os.X_OK):
        return [str(python), "-c", WITHOUT_CV2]
    return [str(program)]


def labelme_version(command: Sequence[str]) -> str:
    """The version of the labelme that `command` starts, such as `6.3.1`; asked without its slow import if possible."""
    asked = [command[0], "-c", VERSION_OF] if WITHOUT_CV2 in command else [*command, "--version"]
    try:
        done = subprocess.run(
            asked, env=clean_environment(), capture_output=True, text=True, errors="replace", timeout=300
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FaceTrackerError(f"labelme does not start ({error})", fix=INSTALL) from None
    match = re.search(r"labelme (\d+\.\d+\S*)", done.stdout, re.IGNORECASE)
    if done.returncode != 0 or match is None:
        raise FaceTrackerError(f"labelme does not start ({_reason(done.stderr)})", fix=_way_out(done.stderr))
    return match[1]


def arguments(images: Path, labels: Path, listed: Path, version: str, keep_prev: bool = False) -> list[str]:
    """labelme's arguments; before 6 some had other names, and saving by itself was not the default."""
    modern = int(version.split(".")[0]) >= 6
    given = [str(images), "--output", str(labels), "--labels", str(listed), "--flags", NO_FACE]
    given += ["--validate-label", "exact"] if modern else ["--validatelabel", "exact", "--nodata", "--autosave"]
    return given + ["--keep-prev"] * keep_prev


def clean_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment without what cv2 in this process told Qt."""
    return {name: value for name, value in environment.items() if name not in QT_VARIABLES}


def _need_a_display() -> None:
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise FaceTrackerError(
            "there is no display for labelme's window (DISPLAY is not set)",
            fix="Label in a browser: facetracker web; or on a machine with a screen (copy the data there and back).",
        )


def _reason(stderr: str) -> str:
    """The line that says most; Qt and loggers talk a lot around it."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    told = [line for line in lines if "could not connect" in line]
    told = told or [line for line in lines if "error" in line.lower() or "could not" in line.lower()]
    return (told or lines or ["no message"])[-1][:200]


def _way_out(stderr: str) -> str:
    if "could not connect to display" in stderr:
        return "Check DISPLAY, or label on a machine with a screen."
    if "platform plugin" in stderr or "libxcb" in stderr:
        return (
            "On Debian or Ubuntu: apt install libxcb-icccm4 libxcb-keysyms1 libxcb-xinerama0 libxcb-image0 "
            f"libxcb-render-util0 libxkbcommon-x11-0. Or give labelme its own environment: pipx install '{REQUIREMENT}'"
        )
    return INSTALL
