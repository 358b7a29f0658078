// The photos in their order, the one that is open, and which one comes next.

import * as api from "../api.js";
import { byId, say } from "../dom.js";
import { remember, remembered } from "../memory.js";

export class Queue {
  /** `list` shows the photos; `onopen(name)` opens one. */
  constructor({ list, onopen, onorder }) {
    Object.assign(this, { list, onopen });
    this.photos = [];
    this.visited = []; // names, the latest last
    this.current = null;
    byId("label-order").value = remembered("order", "review");
    byId("label-order").addEventListener("change", ({ target }) => {
      remember("order", target.value);
      onorder();
    });
  }

  /** All photos again, in the order that is chosen; what the server told. */
  async load() {
    const told = await api.photos(byId("label-order").value);
    this.photos = told.photos;
    this.list.show(this.photos, this.current);
    return told;
  }

  /** Do photos that would teach most come first? */
  get teaching() {
    return byId("label-order").value === "review";
  }

  get waiting() {
    return this.photos.filter((photo) => photo.state !== "reviewed").map((photo) => photo.name);
  }

  get position() {
    return this.photos.findIndex((photo) => photo.name === this.current);
  }

  /** The name of the photo to begin with: the wanted one, the one that was open, or the first that waits. */
  begin(wanted) {
    const known = (name) => this.photos.some((photo) => photo.name === name);
    return known(wanted) ? wanted : known(this.current) ? this.current : (this.waiting[0] ?? this.photos[0]?.name);
  }

  /** Opens a photo and remembers the one before. */
  visit(name) {
    if (this.current && this.current !== name) this.visited.push(this.current);
    return this.onopen(name);
  }

  step(by) {
    const before = this.teaching && by < 0 ? this.visited.pop() : null;
    if (before) return this.onopen(before);
    const next = this.photos[this.position + by];
    if (next && !(this.teaching && by > 0 && next.state === "reviewed")) return this.visit(next.name);
    if (by > 0) this.#atEnd();
    return null;
  }

  /** The next photo that waits, once this one is `settled`: what it taught may change which one that is. */
  async goOn(settled) {
    if (!this.teaching) return this.step(1);
    await settled;
    await this.load();
    const next = this.waiting.find((name) => name !== this.current);
    if (next) return this.visit(next);
    this.#atEnd();
    return null;
  }

  /** A photo is in another state now. */
  mark(name, state, faces) {
    const photo = this.photos.find((one) => one.name === name);
    if (!photo) return;
    Object.assign(photo, { state, faces: faces ?? photo.faces });
    this.list.update(photo);
  }

  #atEnd() {
    const [left] = this.waiting;
    if (!left) return say("Every photo is reviewed. Next: train.");
    if (left === this.current) return say("This is the last photo that is not reviewed.");
    say("That was the last one; here is the first that is not reviewed.");
    this.visit(left);
  }
}
