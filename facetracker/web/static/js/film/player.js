// A film as its single frames: fetched ahead in the direction in which it plays, kept for a while, shown at their times.

import { address } from "../api.js";

const AHEAD = 12; // frames fetched before they are needed
const AT_ONCE = 4; // requests under way
const KEPT = 72; // frames kept as bitmaps
const SPEEDS = [1, 2, 4, 8];

/** Shows a film: `onframe(number, bitmap)` for each frame that is shown, `onplay(speed)` when playing changes. */
export class Player {
  constructor({ onframe, onplay, onerror }) {
    Object.assign(this, { onframe, onplay, onerror });
    this.bitmaps = new Map();
    this.coming = new Map();
    this.close();
  }

  get playing() {
    return this.speed !== 0;
  }

  get last() {
    return this.times.length - 1;
  }

  open(name, version, times, frame = 0) {
    this.close();
    Object.assign(this, { name, version, times });
    this.go(frame);
  }

  close() {
    this.pause();
    for (const bitmap of this.bitmaps.values()) bitmap.close();
    this.bitmaps.clear();
    for (const stop of this.coming.values()) stop.abort();
    this.coming.clear();
    Object.assign(this, { name: null, times: [], frame: 0, shown: -1, direction: 1 });
  }

  /** Goes to a frame. What is shown until it is there is the frame before. */
  go(frame) {
    if (!this.times.length) return;
    const next = Math.min(this.last, Math.max(0, Math.round(frame)));
    if (next !== this.frame) this.direction = Math.sign(next - this.frame) || 1;
    this.frame = next;
    this.#fetch();
    this.#show();
  }

  step(by) {
    this.pause();
    this.go(this.frame + by);
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play(1);
  }

  /** Plays in this direction; once more in the same one: twice as fast. */
  faster(direction) {
    const now = Math.sign(this.speed) === direction ? SPEEDS.indexOf(Math.abs(this.speed)) : -1;
    this.play(direction * SPEEDS[Math.min(SPEEDS.length - 1, now + 1)]);
  }

  play(speed) {
    if (!this.times.length) return;
    if (speed > 0 && this.frame === this.last) this.go(0);
    this.speed = speed;
    this.direction = Math.sign(speed);
    this.from = { at: performance.now(), time: this.times[this.frame] };
    this.onplay?.(speed);
    this.#tick();
  }

  pause() {
    const played = this.speed;
    this.speed = 0;
    cancelAnimationFrame(this.timer);
    if (played) this.onplay?.(0);
  }

  #tick() {
    this.timer = requestAnimationFrame((now) => {
      if (!this.playing) return;
      const due = this.from.time + ((now - this.from.at) / 1000) * this.speed;
      let next = this.frame;
      while (this.speed > 0 && next < this.last && this.times[next + 1] <= due) next++;
      while (this.speed < 0 && next > 0 && this.times[next] > due) next--;
      // A frame that is not there yet holds the film up, so that none is passed over unseen at the usual speed.
      if (next !== this.frame && (Math.abs(this.speed) > 1 || this.bitmaps.has(this.frame))) {
        this.go(Math.abs(this.speed) > 1 ? next : this.frame + this.direction);
        if (this.frame !== next) this.from = { at: now, time: this.times[this.frame] };
      }
      if (this.frame === (this.speed > 0 ? this.last : 0)) this.pause();
      else this.#tick();
    });
  }

  #show() {
    const bitmap = this.bitmaps.get(this.frame);
    if (bitmap) this.shown = this.frame;
    this.onframe(this.frame, bitmap ?? null);
  }

  /** Fetches the frame that is wanted, then those ahead; forgets those far off. */
  #fetch() {
    const step = this.direction * Math.max(1, Math.abs(this.speed) / 2);
    const wanted = [this.frame];
    for (let i = 1; i <= AHEAD; i++) wanted.push(Math.round(this.frame + i * step));
    wanted.push(this.frame - this.direction);
    for (const [number, stop] of this.coming) {
      if (!wanted.includes(number)) {
        stop.abort();
        this.coming.delete(number);
      }
    }
    for (const number of wanted) {
      if (this.coming.size >= AT_ONCE) return;
      if (number >= 0 && number <= this.last && !this.bitmaps.has(number) && !this.coming.has(number)) this.#load(number);
    }
  }

  async #load(number) {
    const stop = new AbortController();
    this.coming.set(number, stop);
    try {
      const url = address(`api/films/${encodeURIComponent(this.name)}/frames/${number}?v=${this.version}`);
      const answer = await fetch(url, { signal: stop.signal });
      if (!answer.ok) throw new Error(`Frame ${number} cannot be shown.`);
      const bitmap = await createImageBitmap(await answer.blob());
      if (stop.signal.aborted) return bitmap.close();
      this.bitmaps.set(number, bitmap);
      this.#forget();
      if (number === this.frame) this.#show();
    } catch (error) {
      if (error.name === "AbortError" || stop.signal.aborted) return;
      this.pause();
      this.onerror?.(error);
      return;
    } finally {
      if (this.coming.get(number) === stop) this.coming.delete(number);
    }
    this.#fetch();
  }

  #forget() {
    const far = [...this.bitmaps.keys()].sort((a, b) => Math.abs(b - this.frame) - Math.abs(a - this.frame));
    for (const number of far.slice(0, Math.max(0, this.bitmaps.size - KEPT))) {
      this.bitmaps.get(number).close();
      this.bitmaps.delete(number);
    }
  }
}
