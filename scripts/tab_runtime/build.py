"""Make the .wasm files of the tab's runtime from kernels.c: `python scripts/tab_runtime/build.py`.

Needs `pip install ziglang==0.17.1`, whose C compiler knows WebAssembly. The files lie in git, so nobody else does.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUNTIME = HERE.parents[1] / "facetracker" / "web" / "static" / "js" / "runtime"
# What a browser must know for each file, the best one first in session.js.
FILES = {"kernels.wasm": ["-msimd128"], "kernels-fma.wasm": ["-msimd128", "-mrelaxed-simd"]}
FLAGS = [
    "-target",
    "wasm32-freestanding",
    "-O3",
    "-fno-builtin",
    "-nostdlib",
    "-mbulk-memory",
    "-Wl,--no-entry",
    "-Wl,--import-memory",
    "-Wl,--strip-all",
    "-Wl,-z,stack-size=16384",
]


def build(folder: Path) -> None:
    """Write both files into a folder."""
    for name, features in FILES.items():
        source, target = HERE / "kernels.c", folder / name
        subprocess.run([sys.executable, "-m", "ziglang", "cc", *FLAGS, *features, source, "-o", target], check=True)


if __name__ == "__main__":
    build(RUNTIME)
    for name in FILES:
        print(f"{RUNTIME / name}: {(RUNTIME / name).stat().st_size:,} bytes")
