// The two ways a frame is looked at, behind one interface: a worker that gets frames and answers with faces.

import { home } from "./home.js";

const IN_FLIGHT = { server: 2, tab: 1 };

/**
 * Looks at frames. `name` is "server" or "tab".
 *
 * At most two frames (one in the tab) are under way; of those that come meanwhile only the newest waits.
 * `onfaces({number, width, height, faces, ms, kept})` gets every answer, `kept` is what `offer` got; `onread(kept)` says
 * that the worker has read the frame's pixels and now waits for the model. What the page does earlier slows it down.
 */
export class Way {
  constructor(name, { threshold, onfaces, onread, onerror, onready }) {
    this.name = name;
    this.onfaces = onfaces;
    this.onread = onread ?? (() => {});
    this.onerror = onerror ?? (() => {});
    this.under = new Map(); // number -> what was kept with the frame
    this.waiting = null;
    this.number = 0;
    this.worker = home.worker(name);
    this.worker.onmessage = ({ data }) => this.#hear(data);
    this.worker.onerror = (event) => this.onerror({ error: event.message || "The worker could not start.", fatal: true });
    this.ready = new Promise((resolve) => (this.whenReady = resolve));
    this.ready.then((told) => onready?.(told));
    this.worker.postMessage({ type: "open", base: document.baseURI, files: home.files });
    this.change({ threshold });
  }

  /** Settings: `threshold`, `follow`; `forget` when the source changes. */
  change(settings) {
    this.worker.postMessage({ type: "settings", ...settings });
  }

  /** A frame (VideoFrame or ImageBitmap, given away) and what to hand back with its answer. */
  offer(frame, kept = {}) {
    if (this.closed) return drop(frame, kept);
    if (this.waiting) drop(this.waiting.frame, this.waiting.kept);
    this.waiting = { frame, kept };
    this.#send();
  }

  /** Looks at one picture and waits for the answer. */
  detect(frame) {
    return new Promise((resolve, reject) => this.offer(frame, { resolve, reject }));
  }

  close() {
    this.closed = true;
    for (const kept of this.under.values()) drop(null, kept);
    if (this.waiting) drop(this.waiting.frame, this.waiting.kept);
    this.waiting = null;
    if (this.name === "server") this.worker.postMessage({ type: "close" });
    else this.worker.terminate();
  }

  #send() {
    if (!this.waiting || !this.open || this.under.size >= IN_FLIGHT[this.name]) return;
    const { frame, kept } = this.waiting;
    this.waiting = null;
    const number = (this.number = (this.number + 1) % 0x7fffffff);
    this.under.set(number, kept);
    this.worker.postMessage({ type: "frame", number, frame }, [frame]);
  }

  #hear(told) {
    if (this.closed) return;
    const kept = this.under.get(told.number);
    if (told.type === "read") return kept && this.onread(kept);
    this.under.delete(told.number);
    if (told.type === "ready") {
      this.open = true;
      this.whenReady(told);
    } else if (told.type === "faces") {
      if (kept?.resolve) kept.resolve(told);
      else this.onfaces({ ...told, kept });
    } else if (told.type === "skipped") {
      if (kept) drop(null, kept);
    } else {
      if (told.lost) this.open = false;
      if (kept) drop(null, kept);
      this.onerror(told);
    }
    this.#send();
  }
}

/** A frame that nobody will look at: frames hold camera memory until they are closed. */
function drop(frame, kept) {
  frame?.close();
  kept.picture?.close();
  kept.reject?.(new Error("not looked at"));
}
