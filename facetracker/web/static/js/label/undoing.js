// What was done to photos that are no longer open: the last of it can be taken back, and with it what it taught.

import { dropLabel, post } from "../api.js";

const MOST = 100; // steps

export class Undoing {
  constructor() {
    this.done = [];
  }

  get empty() {
    return this.done.length === 0;
  }

  /** Photos saved by one action: `[{name, etag}]`; or `[{ticket}]`, one that was moved into the bin. */
  did(saved) {
    this.done.push(saved);
    if (this.done.length > MOST) this.done.shift();
  }

  /** Takes the last action back: the names of its photos, and those that somebody has changed since. */
  async undo() {
    const names = [];
    const lost = [];
    const done = this.done.pop() ?? [];
    const [{ ticket = null } = {}] = done;
    if (ticket) return { names: [(await post(`api/bin/${ticket}`)).name], lost, back: true };
    for (const { name, etag } of done) {
      try {
        await dropLabel(name, etag);
        names.push(name);
      } catch (error) {
        if (error.status !== 412 && error.status !== 404) throw error;
        lost.push(name);
      }
    }
    return { names, lost };
  }
}
