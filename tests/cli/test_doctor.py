"""The doctor: right about this machine, and about machines that are made worse for the test."""

from __future__ import annotations

import importlib.metadata
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from facetracker.cli.doctor.findings import (
    State,
    Verdict,
    _cameras,
    _display,
    _gpu,
    _labelme,
    _opencv,
    _packages,
    _starter,
    _training,
    _virtual_camera,
    examine,
    fits,
    machine,
    requirements,
)
from facetracker.cli.doctor.report import doctor, verdict
from facetracker.core.install import install_command


def program(path: Path, text: str) -> Path:
    """An executable script."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture(scope="session")
def told() -> subprocess.CompletedProcess[str]:
    """One whole run of the command, without a display."""
    environment = {k: v for k, v in os.environ.items() if k != "DISPLAY"} | {"PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "facetracker.cli", "doctor"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)


def test_the_report_of_this_machine(told):
    lines = told.stdout.splitlines()
    assert lines[0].startswith("facetracker ")
    assert any(line.startswith("✔  Python    3.") for line in lines)
    packages = next(i for i, line in enumerate(lines) if line.startswith("✔  packages"))
    assert f"numpy {importlib.metadata.version('numpy')}" in lines[packages]
    names = [line[3:12].strip() for line in lines if line[:1] in "✔·○✘" and line[:1]]
    assert names == [
        "Python",
        "packages",
        "OpenCV",
        "display",
        "camera",
        "virtual",
        "training",
        "GPU",
        "labelme",
        "engines",
        "starter",
    ]
    assert "\x1b" not in told.stdout
    assert told.stderr == ""


def test_the_exit_code_tells_whether_something_needed_is_broken(told):
    assert told.returncode == int("✘" in told.stdout)
    assert ("Ready to detect faces" if told.returncode == 0 else "must be fixed first") in told.stdout.splitlines()[-1]


def test_what_does_not_work_comes_with_its_remedy(told):
    lines = told.stdout.splitlines()
    for i, line in enumerate(lines):
        if line[:1] in ("○", "✘"):
            following = next(later for later in lines[i + 1 :] if later.startswith(" " * 13 + "→") or later[:1] != " ")
            assert following.startswith(" " * 13 + "→"), line


def test_versions_are_compared_as_numbers():
    assert fits("3.13.2", ">=3.13.2")
    assert not fits("3.9.10", ">=3.13.2")
    assert fits("6.3.1", "<7")
    assert not fits("7.0", "<7")
    assert fits("2.0.8", "==2.0.8")
    assert not fits("2.0.9", "==2.0.8")
    assert fits("5.0.0.93", ">=5.0")
    assert fits("1.0", "~=1.0")  # not one of ours: not judged


def test_what_is_needed_is_read_from_the_package_itself():
    runtime, train = dict(requirements()), dict(requirements("train"))
    assert runtime["numpy"] == [">=2.1"]
    assert "tensorflow" in train
    assert "tensorflow" not in runtime
    assert train["albumentations"] == ["==2.0.8"]


def test_a_package_that_is_missing_or_too_old(monkeypatch):
    wanted = ["numpy>=99.0", "no-such-package>=1", 'no-such-trainer; extra == "train"']
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: wanted)
    found = _packages()
    assert found.state is State.broken
    assert "needed is >=99.0" in found.says
    assert "no-such-package is not installed" in found.says
    assert _training().state is State.missing
    assert _training().fix == install_command("train")


def test_the_headless_opencv_is_found_out(monkeypatch):
    monkeypatch.setattr(cv2, "currentUIFramework", lambda: "")
    for found in (_opencv(), _display()):
        assert found.state is State.missing
        assert "headless" in found.says
        assert found.fix == "pip install --force-reinstall --no-deps opencv-python"


@pytest.mark.skipif(list(Path("/dev").glob("video*")) != [], reason="there is a camera")
def test_without_a_camera_the_drawn_faces_are_named():
    assert _cameras().state is State.note
    assert "scene:" in _cameras().fix


def _with_tensorflow(folder: Path, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose tensorflow does what `code` says."""
    (folder / "tensorflow.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv("PATH", str(folder))


GPUS = """
from types import SimpleNamespace as Device
class config:
    class experimental:
        get_device_details = staticmethod(lambda gpu: {{"device_name": gpu.name}})
    list_physical_devices = staticmethod(lambda kind: [Device(name=name) for name in {gpus}])
class test:
    is_built_with_cuda = staticmethod(lambda: True)
"""


def test_a_gpu_that_tensorflow_uses(tmp_path, monkeypatch):
    _with_tensorflow(tmp_path, GPUS.format(gpus=["H200"]), monkeypatch)
    assert _gpu() == Verdict("GPU", State.good, "tensorflow uses H200")


def test_a_gpu_that_tensorflow_does_not_see(tmp_path, monkeypatch):
    _with_tensorflow(tmp_path, GPUS.format(gpus=[]), monkeypatch)
    program(tmp_path / "nvidia-smi", "echo 'NVIDIA H200'")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    found = _gpu()
    assert (found.state, found.says) == (State.missing, "NVIDIA H200, but tensorflow does not see it")
    assert found.fix == "pip install 'tensorflow[and-cuda]'"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert (_gpu().state, _gpu().fix) == (State.note, "unset CUDA_VISIBLE_DEVICES")


def test_a_driver_that_fails_is_no_gpu(tmp_path, monkeypatch):
    _with_tensorflow(tmp_path, GPUS.format(gpus=[]), monkeypatch)
    program(tmp_path / "nvidia-smi", "echo 'no devices were found'; exit 6")
    assert _gpu().says == "none: training runs on the CPU"


def test_a_tensorflow_that_does_not_start_or_answer(tmp_path, monkeypatch):
    _with_tensorflow(tmp_path, "raise ImportError('libcudart.so.12: no such file')", monkeypatch)
    assert _gpu().state is State.missing
    assert "libcudart.so.12: no such file" in _gpu().says
    _with_tensorflow(tmp_path, "import time; time.sleep(60)", monkeypatch)
    monkeypatch.setattr("facetracker.cli.doctor.findings.TENSORFLOW_SECONDS", 0.5)
    assert "does not answer" in _gpu().says


def test_a_virtual_camera_is_told_with_what_it_lacks(monkeypatch):
    versions = {}
    monkeypatch.setattr("facetracker.cli.doctor.findings._version", versions.get)
    monkeypatch.setattr("facetracker.inference.framing.outlets.loopbacks", lambda: devices)
    monkeypatch.setattr("sys.platform", "linux")
    devices: list[str] = []
    assert _virtual_camera().fix == install_command("camera")
    versions["pyvirtualcam"] = "0.15.0"
    assert "modprobe v4l2loopback" in _virtual_camera().fix
    devices.append("/dev/video9")
    assert _virtual_camera() == Verdict("virtual", State.good, "camera /dev/video9, pyvirtualcam 0.15.0")
    monkeypatch.setattr("sys.platform", "darwin")
    assert "OBS" in _virtual_camera().fix


def test_labelme_is_found_by_its_environment_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("FACETRACKER_LABELME", str(program(tmp_path / "mine", "echo labelme 6.3.1")))
    assert _labelme().state is State.good
    assert _labelme().says.startswith("6.3.1 (")
    monkeypatch.setenv("FACETRACKER_LABELME", "/nowhere/labelme")
    assert _labelme().state is State.missing


def test_the_starter_is_tried_on_a_drawn_face(tmp_path, monkeypatch, capfd):
    from facetracker.inference import detector

    if not (detector.ASSETS / "starter.tflite").is_file():
        pytest.skip("the starter is not built yet")
    assert _starter().state is State.good
    assert "ms a frame" in _starter().says
    assert capfd.readouterr().err == ""
    monkeypatch.setattr(detector, "ASSETS", tmp_path)
    assert (_starter().state, _starter().says) == (State.broken, "the starter model is not installed")
    assert _starter().fix.startswith("pip install")


def test_an_examination_that_fails_does_not_end_the_others(monkeypatch):
    def _cameras() -> Verdict:
        raise RuntimeError("driver\non fire")

    monkeypatch.setattr("facetracker.cli.doctor.findings._cameras", _cameras)
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    for slow in ("_gpu", "_labelme", "_starter"):
        monkeypatch.setattr(f"facetracker.cli.doctor.findings.{slow}", lambda: Verdict("x", State.good, "y"))
    findings = list(examine())
    assert len(findings) == 11
    failed = [finding for finding in findings if finding.state is State.broken]
    assert [finding.says for finding in failed] == ["cannot be examined: RuntimeError: driver on fire"]


def test_the_verdict():
    good, missing, broken = (Verdict(s.value, s, "") for s in (State.good, State.missing, State.broken))
    assert verdict([good, missing]) == "Ready to detect faces. Not available: missing."
    assert verdict([good]) == "Ready to detect faces."
    assert verdict([good, missing, broken]) == "Not ready: broken must be fixed first."


def test_for_programs_and_for_old_terminals(monkeypatch):
    findings = [Verdict("camera", State.missing, "long " * 40, "buy one"), Verdict("starter", State.good, "fine")]
    monkeypatch.setattr("facetracker.cli.doctor.report.examine", lambda: iter(findings))
    stream = io.StringIO()
    doctor(as_json=True, stream=stream)
    answer = json.loads(stream.getvalue())
    assert answer["findings"][0] == {"what": "camera", "state": "missing", "says": "long " * 40, "fix": "buy one"}
    old = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    assert doctor(stream=old) == findings
    old.flush()
    lines = old.buffer.getvalue().decode().splitlines()
    assert lines[2].startswith("no camera    long long")
    assert lines[3].startswith(" " * 13 + "long")
    assert lines[4] == " " * 13 + "> buy one" or lines[5] == " " * 13 + "> buy one"
    assert max(map(len, lines)) <= 110


def test_the_machine_in_a_few_words():
    assert "cores" in machine()
    assert "GB free here" in machine()
