"""What works on this machine, and the command that fixes what does not.

Nothing heavy is imported here: TensorFlow is asked in a process of its own, versions are read from the packages'
metadata.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from facetracker.core.console import silenced
from facetracker.core.errors import FaceTrackerError, one_line
from facetracker.core.install import DISTRIBUTION, install_command
from facetracker.core.machine import processors
from facetracker.version import __version__

PYTHONS = ((3, 11), (3, 13))
TENSORFLOW_SECONDS = 120.0
DRAWN_FACE_SCORE = 0.3
ASK_TENSORFLOW = """
import json, tensorflow as tf
gpus = tf.config.list_physical_devices("GPU")
names = [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus]
print(json.dumps({"gpus": names, "cuda": bool(tf.test.is_built_with_cuda())}))
"""


class State(StrEnum):
    """How a thing is: `note` is fine but worth knowing, `missing` only limits what can be done, `broken` does not."""

    good = "good"
    note = "note"
    missing = "missing"
    broken = "broken"


@dataclass(frozen=True)
class Verdict:
    """One line of the report; `fix` is a command, or a few words where no command helps."""

    what: str
    state: State
    says: str
    fix: str = ""


def examine() -> Iterator[Verdict]:
    """Look at this machine, one finding after the other (some take seconds)."""
    looks = (_python, _packages, _opencv, _display, _cameras, _virtual_camera, _training, _gpu, _labelme)
    for look in (*looks, _engines, _starter):
        try:
            yield look()
        except Exception as error:  # a doctor who falls ill himself helps nobody: say which examination failed
            name = look.__name__.removeprefix("_")
            yield Verdict(name, State.broken, f"cannot be examined: {type(error).__name__}: {one_line(str(error))}")


def _python() -> Verdict:
    says = f"{platform.python_version()} ({sys.executable})"
    if PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
        return Verdict("Python", State.good, says)
    wanted = f"{PYTHONS[0][0]}.{PYTHONS[0][1]} to {PYTHONS[1][0]}.{PYTHONS[1][1]}"
    return Verdict("Python", State.broken, f"{says}; facetracker needs {wanted}", "uv venv --python 3.12")


def _packages() -> Verdict:
    good, faults = _installed(None)
    if faults:
        return Verdict("packages", State.broken, "; ".join(faults), f"{install_command()} --upgrade")
    return Verdict("packages", State.good, ", ".join([f"facetracker {__version__}", *good]))


def _training() -> Verdict:
    good, faults = _installed("train")
    if faults:
        says = f"{'; '.join(faults)} (to augment, train, evaluate and export)"
        return Verdict("training", State.missing, says, install_command("train"))
    return Verdict("training", State.good, ", ".join(good))


def _installed(extra: str | None) -> tuple[list[str], list[str]]:
    """The packages that facetracker (or one of its extras) asks for: `name version` of the right ones, and faults."""
    good, faults = [], []
    for name, bounds in requirements(extra):
        found = _version(name)
        if found is None:
            faults.append(f"{name} is not installed")
        elif wrong := [bound for bound in bounds if not fits(found, bound)]:
            faults.append(f"{name} is {found}, needed is {''.join(wrong)}")
        else:
            good.append(f"{name} {found}")
    return good, faults


def requirements(extra: str | None = None) -> list[tuple[str, list[str]]]:
    """What the installed facetracker asks for, as name and bounds: itself, or one of its extras."""
    found = []
    for line in importlib.metadata.requires(DISTRIBUTION) or []:
        wanted, _, marker = line.partition(";")
        named = re.search(r"extra == ['\"](\w+)['\"]", marker)
        match = re.match(r"\s*([A-Za-z0-9._-]+)\s*(.*)", wanted)
        if match and (named[1] if named else None) == extra:
            found.append((match[1], [part.strip() for part in match[2].strip(" ()").split(",") if part.strip()]))
    return found


def fits(version: str, bound: str) -> bool:
    """Does a version keep a bound such as `>=3.13.2`, `<7` or `==2.0.8`?"""
    match = re.fullmatch(r"(>=|<=|==|<|>)\s*([\d.]+)", bound)
    if match is None:
        return True
    a, b = ([int(part) for part in re.findall(r"\d+", text)[:3]] for text in (version, match[2]))
    a, b = a + [0] * (3 - len(a)), b + [0] * (3 - len(b))
    return {">=": a >= b, "<=": a <= b, "==": a == b, "<": a < b, ">": a > b}[match[1]]


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _opencv() -> Verdict:
    import cv2

    from facetracker.capture.display import GUI_BUILD

    headless = _version("opencv-python-headless")
    windows = cv2.currentUIFramework()
    if not windows:
        says = (
            f"{cv2.__version__}, headless build" + (" (albumentations brought it)" if headless else "") + ": no windows"
        )
        return Verdict("OpenCV", State.missing, says, GUI_BUILD)
    films = "reads films" if "FFMPEG" in _backends() else "cannot read films (built without FFmpeg)"
    return Verdict("OpenCV", State.good, f"{cv2.__version__}, build with windows ({windows}), {films}")


def _backends() -> list[str]:
    import cv2

    return [cv2.videoio_registry.getBackendName(backend) for backend in cv2.videoio_registry.getBackends()]


def _display() -> Verdict:
    from facetracker.capture.display import GUI_BUILD, why_no_display

    reason = why_no_display()
    if reason is None:
        return Verdict("display", State.good, f"windows open on {os.environ.get('DISPLAY') or sys.platform}")
    if "headless" in reason:
        return Verdict("display", State.missing, reason, GUI_BUILD)
    return Verdict("display", State.note, reason, "facetracker detect --view web   (watch in the browser instead)")


def _cameras() -> Verdict:
    from facetracker.capture.video import Camera, cameras

    devices: list[str | int] = list(cameras()) or ([] if sys.platform.startswith("linux") else [0])
    if not devices:
        return Verdict("camera", State.note, "none is connected", "facetracker collect --source scene:   (drawn faces)")
    seen, faults = [], []
    for device in devices:
        try:
            camera = Camera(device)
            try:
                next(iter(camera))
                seen.append(f"{device} ({camera.width}x{camera.height})")
            finally:
                camera.close()
        except FaceTrackerError as error:
            faults.append(str(error))
    # One webcam shows as two devices, the second without pictures; one that works is enough.
    if seen:
        return Verdict("camera", State.good, ", ".join(seen))
    return Verdict("camera", State.missing, faults[0], "fuser -v /dev/video*   (shows who holds it)")


def _virtual_camera() -> Verdict:
    """What `frame --to camera` needs: a package, and a driver that only Linux lets us see."""
    from facetracker.inference.framing.outlets import DRIVERS, loopbacks

    found = _version("pyvirtualcam")
    if found is None:
        return Verdict(
            "virtual",
            State.note,
            "no virtual camera (frame --to camera): needs pyvirtualcam",
            install_command("camera"),
        )
    if not sys.platform.startswith("linux"):
        says = f"pyvirtualcam {found}; the driver of a virtual camera comes with OBS"
        return Verdict("virtual", State.note, says, DRIVERS.get(sys.platform, ""))
    if not (devices := loopbacks()):
        says = "no virtual camera (frame --to camera): its driver v4l2loopback is not loaded"
        return Verdict("virtual", State.note, says, DRIVERS["linux"])
    return Verdict("virtual", State.good, f"camera {', '.join(devices)}, pyvirtualcam {found}")


def _gpu() -> Verdict:
    card = _nvidia()
    if _version("tensorflow") is None:
        return Verdict("GPU", State.note, card or "none seen", "")
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        done = subprocess.run(
            [sys.executable, "-c", ASK_TENSORFLOW],
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TENSORFLOW_SECONDS,
        )
    except subprocess.TimeoutExpired:
        says = f"tensorflow does not answer within {TENSORFLOW_SECONDS:.0f} s"
        return Verdict("GPU", State.missing, says, "pip install --force-reinstall tensorflow")
    if done.returncode != 0:
        reason = ([line for line in done.stderr.splitlines() if line.strip()] or ["no message"])[-1]
        says = f"tensorflow does not start: {one_line(reason)[:160]}"
        return Verdict("GPU", State.missing, says, "pip install --force-reinstall tensorflow")
    answer = json.loads(done.stdout.splitlines()[-1])
    if answer["gpus"]:
        return Verdict("GPU", State.good, f"tensorflow uses {', '.join(answer['gpus'])}")
    if card:
        hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
        if hidden is not None and hidden.strip() in ("", "-1"):
            return Verdict("GPU", State.note, f"{card}, hidden from tensorflow", "unset CUDA_VISIBLE_DEVICES")
        return Verdict(
            "GPU", State.missing, f"{card}, but tensorflow does not see it", "pip install 'tensorflow[and-cuda]'"
        )
    return Verdict("GPU", State.note, "none: training runs on the CPU", "facetracker train --preset nano   (minutes)")


def _nvidia() -> str:
    """The names of NVIDIA cards as the driver tells them, or ''."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    try:
        asked = [program, "--query-gpu=name", "--format=csv,noheader"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ", ".join(done.stdout.split("\n")).strip(", ") if done.returncode == 0 else ""


def _labelme() -> Verdict:
    from facetracker.labels.program import REQUIREMENT, find_labelme, labelme_version

    try:
        command = find_labelme()
        if Path(command[0]).name in ("uvx", "pipx"):
            return Verdict("labelme", State.good, f"{Path(command[0]).name} fetches it when it is first used")
        return Verdict("labelme", State.good, f"{labelme_version(command)} ({command[0]})")
    except FaceTrackerError as error:
        reason = error.fault.removeprefix("labelme is ")
        return Verdict("labelme", State.missing, f"{reason} (to draw boxes)", f"pipx install '{REQUIREMENT}'")


def _engines() -> Verdict:
    names = {"ai-edge-litert": "LiteRT", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "keras": "Keras"}
    found = {shown: version for package, shown in names.items() if (version := _version(package))}
    if "LiteRT" not in found:
        return Verdict(
            "engines", State.broken, "LiteRT is not installed: the starter needs it", "pip install ai-edge-litert"
        )
    return Verdict("engines", State.good, ", ".join(f"{name} {version}" for name, version in found.items()))


def _starter() -> Verdict:
    """The model that comes with the package looks at a drawn face."""
    from facetracker.core import boxes
    from facetracker.inference.detector import Detector
    from facetracker.scenes import Scene

    frame = Scene(seed=7).frame(0)
    again = f"{install_command()} --force-reinstall --no-deps"
    try:
        with silenced():
            # Whether it sees the face, not how sure it is of a drawing: every starter is a little more or less so.
            detector = Detector(threshold=DRAWN_FACE_SCORE)
            found = detector.detect(frame.picture).boxes
        started = time.perf_counter()
        for _ in range(5):
            detector.detect(frame.picture)
        milliseconds = (time.perf_counter() - started) / 5 * 1000
    except FaceTrackerError as error:
        return Verdict("starter", State.broken, error.fault, again)
    if boxes.iou(frame.boxes, found).max(initial=0) < 0.4:
        return Verdict("starter", State.broken, "does not find a drawn face", again)
    return Verdict("starter", State.good, f"finds the drawn face, {milliseconds:.1f} ms a frame")


def machine() -> str:
    """This machine in a few words."""
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    memory = ""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = f", {os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 1e9:.0f} GB memory"
    return f"{platform.system()} {platform.machine()}, {processors()} cores{memory}, {free:.0f} GB free here"
