"""What the tab runs: onnxruntime-web, fetched and checked, and the starter as ONNX."""

from __future__ import annotations

import base64
import hashlib
import io
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from facetracker import scenes
from facetracker.inference.card import Card
from facetracker.inference.detector import ASSETS, Detector
from facetracker.web.app import ORT_FILES

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
import fetch_web_assets as assets


def tarball(names=assets.FILES) -> tuple[bytes, str]:
    """A package as npm packs it, and its integrity as the registry states it."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as packed:
        for name in names:
            member = tarfile.TarInfo(f"package/dist/{name}")
            member.size = len(name)
            packed.addfile(member, io.BytesIO(name.encode()))
    digest = base64.b64encode(hashlib.sha512(data.getvalue()).digest()).decode()
    return data.getvalue(), f"sha512-{digest}"


def test_the_files_are_unpacked_with_their_licence(tmp_path):
    data, integrity = tarball()
    assert not assets.is_there(tmp_path)
    assert assets.unpack(data, tmp_path, integrity) is None
    assert assets.is_there(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*assets.FILES, "LICENSE.txt"])
    assert "MIT License" in (tmp_path / "LICENSE.txt").read_text()
    assert all((tmp_path / name).read_bytes() == name.encode() for name in assets.FILES)


def test_a_tarball_that_was_changed_is_refused_and_nothing_is_written(tmp_path):
    data, integrity = tarball()
    changed = data[:-1] + bytes([data[-1] ^ 1])
    assert "not the one expected" in (assets.unpack(changed, tmp_path / "ort", integrity) or "")
    assert "not the one expected" in (assets.unpack(data, tmp_path / "ort") or "")
    assert not (tmp_path / "ort").exists()


def test_the_server_serves_what_is_fetched():
    assert set(ORT_FILES) == set(assets.FILES)


@pytest.mark.skipif(not assets.is_there(assets.ORT), reason="make web-assets has not been run")
def test_the_fetched_files_are_served_with_the_types_that_browsers_insist_on(served):
    with served.client() as page:
        assert page.get("/api/state").json()["tab_runtime"]
        for name in assets.FILES:
            answer = page.get(f"/ort/{name}")
            kind = "application/wasm" if name.endswith(".wasm") else "text/javascript"
            assert answer.headers["content-type"].split(";")[0] == kind
            assert len(answer.content) == (assets.ORT / name).stat().st_size
        assert page.get("/ort/LICENSE.txt").status_code == 404


def test_the_starter_of_the_tab_is_the_starter_of_the_server():
    assert (ASSETS / "starter.onnx").stat().st_size <= 1_200_000
    server, tab = Detector(), Detector.load(ASSETS / "starter.onnx")
    assert server.card == tab.card
    assert isinstance(tab.card, Card)
    for number in range(6):
        frame = scenes.photo(3, number, faces=1).picture
        ours, theirs = server.detect(frame, 0.4), tab.detect(frame, 0.4)
        sure = ours.scores > 0.45  # a score at the threshold may fall on either side
        assert sure.sum() <= len(theirs)
        for box, score in zip(ours.pixels[sure], ours.scores[sure], strict=True):
            nearest = np.abs(theirs.pixels - box).max(axis=1).argmin()
            assert np.abs(theirs.pixels[nearest] - box).max() < 1.0  # pixels
            assert abs(theirs.scores[nearest] - score) < 0.02
