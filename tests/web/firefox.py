"""Firefox before the page, driven by its own Marionette protocol: `LENGTH:[0, id, command, {}]` on a socket."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
needs_firefox = [pytest.mark.browser, pytest.mark.skipif(FIREFOX is None, reason="needs firefox-esr")]
START, ANSWER = 120.0, 120.0  # seconds, on a machine that has other things to do
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
PREFERENCES = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}


class Firefox:
    """One window."""

    def __init__(self, link: socket.socket):
        self._link, self._number, self._kept = link, 0, b""
        self._read()
        self("WebDriver:NewSession", {"capabilities": {"alwaysMatch": {"acceptInsecureCerts": True}}})
        self("WebDriver:SetTimeouts", {"script": int(ANSWER * 1000), "pageLoad": int(ANSWER * 1000)})

    def __call__(self, command: str, values: dict[str, Any] | None = None) -> Any:
        self._number += 1
        text = json.dumps([0, self._number, command, values or {}]).encode()
        self._link.sendall(str(len(text)).encode() + b":" + text)
        _, _, error, answer = self._read()
        assert error is None, error
        return answer

    def _read(self) -> Any:
        while b":" not in self._kept:
            self._kept += self._link.recv(65536)
        length, _, rest = self._kept.partition(b":")
        while len(rest) < int(length):
            rest += self._link.recv(65536)
        self._kept = rest[int(length) :]
        return json.loads(rest[: int(length)])

    def open(self, address: str) -> None:
        self("WebDriver:Navigate", {"url": address})

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page; a promise's when it is there."""
        script = (
            f"const [done] = arguments; Promise.resolve().then(() => ({expression})).then(done, (e) => done(`${{e}}`))"
        )
        answer = self("WebDriver:ExecuteAsyncScript", {"script": script, "args": [], "sandbox": None})
        return answer["value"]

    def wait_until(self, expression: str, patience: float = START) -> None:
        end = time.monotonic() + patience
        while self.evaluate(expression) is not True:
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(0.1)

    def choose_file(self, selector: str, path: Path) -> None:
        found = self("WebDriver:FindElement", {"using": "css selector", "value": selector})["value"]
        self("WebDriver:ElementSendKeys", {"id": found[ELEMENT], "text": str(path)})


@contextmanager
def opened_firefox() -> Iterator[Firefox]:
    """Firefox without a screen, with a profile of its own and a fake camera."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        lines = {**PREFERENCES, "marionette.port": port}
        text = "".join(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in lines.items())
        (Path(profile) / "user.js").write_text(text)
        command = [str(FIREFOX), "--headless", "--no-remote", "--marionette", "--profile", profile]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with _connected(port) as link:
                link.settimeout(ANSWER)
                yield Firefox(link)
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()


def _connected(port: int) -> socket.socket:
    end = time.monotonic() + START
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=ANSWER)
        except OSError:
            assert time.monotonic() < end, "firefox does not start"
            time.sleep(0.2)
