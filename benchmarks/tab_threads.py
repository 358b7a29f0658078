"""Would threads make the tab quicker? The starter in our own runtime, and in onnxruntime-web with one thread and two.

    npm pack onnxruntime-web@1.30.0 && tar xzf onnxruntime-web-1.30.0.tgz      # package/dist holds its files
    python benchmarks/tab_threads.py package/dist [--rounds 3]

Once on an idle machine, once beside one busy program. Needs Debian's chromium and playwright.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

from measured import ROOT, Row, write_rows
from tab import Quiet

from facetracker.inference.detector import ASSETS

WAYS = {"our runtime": ("ours", 1), "onnxruntime-web": ("theirs", 1), "onnxruntime-web, two threads": ("theirs", 2)}
PAGE = """<link rel="icon" href="data:,"><script type="module">
import { openSession } from "./runtime/session.js";
const [WIDTH, HEIGHT, WARM, COUNTED] = [320, 256, 20, 120];
const model = new Uint8Array(await (await fetch("starter.onnx")).arrayBuffer());
const picture = Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, i) => (i * 7919) % 251);

async function ours() {
  const session = await openSession(model, async (name) => (await fetch(`runtime/${name}`)).arrayBuffer());
  return () => session.run(picture, WIDTH, HEIGHT);
}

async function theirs(threads) {
  const ort = await import("./ort/ort.wasm.min.mjs");
  ort.env.wasm.wasmPaths = new URL("ort/", location).href;
  ort.env.wasm.numThreads = threads;
  const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  const tensor = new ort.Tensor("uint8", picture, [1, HEIGHT, WIDTH, 3]);
  return () => session.run({ [session.inputNames[0]]: tensor });
}

window.median = async (way, threads) => {
  if (!crossOriginIsolated) throw new Error("no threads here");
  const run = await { ours, theirs }[way](threads);
  const times = [];
  for (let i = 0; i < WARM + COUNTED; i++) {
    const began = performance.now();
    await run();
    if (i >= WARM) times.push(performance.now() - began);
    await new Promise((done) => setTimeout(done, 8)); // a camera leaves pauses too
  }
  return times.sort((a, b) => a - b)[COUNTED >> 1];
};
</script>"""


class Isolated(Quiet):
    """A web host with the two headers without which a page gets no threads."""

    extensions_map = Quiet.extensions_map | {".mjs": "text/javascript", ".wasm": "application/wasm"}

    def end_headers(self) -> None:
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()


def measure(theirs: Path, rounds: int) -> list[Row]:
    from browser import opened_browser, opened_page, wait_until

    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "index.html").write_text(PAGE)
        (folder / "starter.onnx").symlink_to(ASSETS / "starter.onnx")
        (folder / "runtime").symlink_to(ROOT / "facetracker" / "web" / "static" / "js" / "runtime")
        (folder / "ort").symlink_to(theirs.resolve())
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Isolated, directory=name))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for busy in (0, 1):
            others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(busy)]
            times: dict[str, list[float]] = {way: [] for way in WAYS}
            try:
                with opened_browser() as browser:
                    for _ in range(rounds):
                        for way, (which, threads) in WAYS.items():
                            with opened_page(browser, f"http://127.0.0.1:{server.server_port}/") as page:
                                wait_until(page, "window.median !== undefined", 60)
                                times[way].append(page.evaluate(f"median('{which}', {threads})"))
            finally:
                for other in others:
                    other.kill()
            beside = "beside a busy program" if busy else "alone"
            rows += [Row(f"{way}, {beside}", "ms", values) for way, values in times.items()]
        server.shutdown()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("theirs", type=Path, help="the folder dist of the npm package onnxruntime-web")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = measure(options.theirs, options.rounds)
    for row in rows:
        low, high = row.spread
        print(f"{row.name:<60}{row.median:>8.1f} ms ({low:.1f} to {high:.1f})")
    write_rows(options.json, rows)


if __name__ == "__main__":
    main()
