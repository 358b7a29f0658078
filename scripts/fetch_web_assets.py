"""Fetch onnxruntime-web from the npm registry into facetracker/web/ort, for the model in the browser's tab.

    python scripts/fetch_web_assets.py [--tarball FILE]

Needs nothing but Python. The tarball is checked against the hash that stands here, so what is fetched tomorrow is
what was looked at today.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import os
import sys
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

VERSION = "1.30.0"
TARBALL = f"https://registry.npmjs.org/onnxruntime-web/-/onnxruntime-web-{VERSION}.tgz"
# `dist.integrity` of https://registry.npmjs.org/onnxruntime-web/1.30.0
INTEGRITY = "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
MOST_BYTES = 200_000_000
ORT = Path(__file__).resolve().parent.parent / "facetracker" / "web" / "ort"

# The package states "license": "MIT" and brings no text of it; this is the repository's LICENSE.
LICENSE = f"""onnxruntime-web {VERSION}, {TARBALL}
https://github.com/Microsoft/onnxruntime

MIT License

Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tarball", type=Path, help="a copy that is there already, for a machine without a network")
    options = parser.parse_args()
    if is_there(ORT):
        print(f"{ORT}: onnxruntime-web {VERSION} is there already")
        return
    try:
        data = options.tarball.read_bytes() if options.tarball else fetch(TARBALL)
    except (OSError, urllib.error.URLError) as error:
        sys.exit(f"fetch_web_assets: {options.tarball or TARBALL}: {error}. --tarball FILE takes a copy.")
    fault = unpack(data, ORT)
    if fault:
        sys.exit(f"fetch_web_assets: {fault}")
    for name in FILES:
        print(f"{ORT / name}: {(ORT / name).stat().st_size:,} bytes")


def fetch(address: str) -> bytes:
    """The bytes at an address."""
    with urllib.request.urlopen(address, timeout=60) as answer:
        return answer.read(MOST_BYTES)


def unpack(data: bytes, folder: Path, integrity: str = INTEGRITY) -> str | None:
    """Write the files and the licence into `folder`; what is wrong with the tarball, or None."""
    if f"sha512-{base64.b64encode(hashlib.sha512(data).digest()).decode()}" != integrity:
        return f"the tarball is not the one expected (onnxruntime-web {VERSION}); nothing was written"
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tarball:
        for name in FILES:
            member = tarball.extractfile(f"package/dist/{name}")
            if member is None:
                return f"the tarball holds no {name}"
            write(folder / name, member.read())
    write(folder / "LICENSE.txt", LICENSE.encode())  # last: it says that all is there
    return None


def write(path: Path, data: bytes) -> None:
    """All or nothing."""
    part = path.with_name(f".part-{os.getpid()}-{path.name}")
    part.write_bytes(data)
    part.replace(path)


def is_there(folder: Path) -> bool:
    """Are all files there, of this version?"""
    licence = folder / "LICENSE.txt"
    return licence.is_file() and licence.read_text() == LICENSE and all((folder / name).is_file() for name in FILES)


if __name__ == "__main__":
    main()
