// How fast it goes: frames a second and latency, for the person and (as `window.facetrackerStats`) for tests.

const KEPT = 2000; // latencies
const WINDOW = 2000; // ms over which frames a second are counted

export class Stats {
  constructor() {
    this.reset("server");
    Object.defineProperty(window, "facetrackerStats", { value: this, configurable: true });
  }

  reset(way) {
    Object.assign(this, { way, frames: 0, found: 0, skipped: 0, latencies: [], times: [], faces: [], ms: null, fps: 0 });
    this.recent = []; // the last answers, for tests
  }

  /** An answer was drawn at `now`, its frame came at `at`. */
  count(answer, at, now) {
    this.frames += 1;
    this.found += answer.faces.length > 0 ? 1 : 0;
    this.faces = answer.faces;
    this.ms = answer.ms;
    this.latencies.push(now - at);
    if (this.latencies.length > KEPT) this.latencies.shift();
    this.recent.push({ width: answer.width, height: answer.height, faces: answer.faces });
    if (this.recent.length > KEPT) this.recent.shift();
    this.times.push(now);
    while (this.times[0] < now - WINDOW) this.times.shift();
    const span = now - this.times[0];
    this.fps = span > 0 ? ((this.times.length - 1) * 1000) / span : 0;
  }

  /** The middle of the last `count` latencies, in ms; null before the first. */
  median(count = 60) {
    const last = this.latencies.slice(-count).sort((a, b) => a - b);
    return last.length ? last[last.length >> 1] : null;
  }
}
