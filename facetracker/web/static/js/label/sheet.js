// The sheet: many photos at once with the boxes that were learnt. Wrong ones are drawn right in place, or left for later
// by a click; one key accepts the rest. What is drawn moves the others while a person looks.

import * as api from "../api.js";
import { byId, say } from "../dom.js";
import { remember, remembered } from "../memory.js";
import { Tile } from "./tile.js";

const WIDTHS = [150, 210, 280, 390, 560]; // CSS pixels of a tile
const GAP = 12;
const NARROW = 560; // CSS pixels: a phone shows two photos beside each other
const FLATTEST = 0.5; // of a tile's height to its width
const AT_ONCE = 6; // photos that are saved at the same time

export class Sheet {
  /** `queue()` tells the photos that wait, in order; `onsaved(name, answer, boxes)` and `onbatch(names)` what was done. */
  constructor({ queue, onsaved, onbatch, onlearner, onclose, onerror }) {
    Object.assign(this, { queue, onsaved, onbatch, onlearner, onclose, onerror });
    this.tiles = [];
    this.later = new Set(); // rejected on a sheet before: they come last
    this.size = remembered("tile", 2);
    byId("sheet-accept").addEventListener("click", () => this.accept());
    byId("sheet-larger").addEventListener("click", () => this.resize(1));
    byId("sheet-smaller").addEventListener("click", () => this.resize(-1));
    byId("sheet-tiles").addEventListener("dblclick", (event) => {
      const name = event.target.closest(".tile")?.dataset.name;
      if (name) this.onclose(name);
    });
  }

  get open() {
    return !byId("label-sheet").hidden;
  }

  /** Shows the next photos; false when none waits. */
  async show({ label, classes }) {
    Object.assign(this, { label, classes });
    const waiting = await this.queue();
    const names = [...waiting.filter((name) => !this.later.has(name)), ...waiting.filter((name) => this.later.has(name))];
    byId("label-sheet").hidden = names.length === 0;
    if (!names.length) return false;
    const { photos, learner } = await api.suggestions(names.slice(0, this.#room(FLATTEST)));
    const first = Object.values(photos)[0];
    if (first) this.aspect = Math.min(1.4, Math.max(FLATTEST, first.height / first.width));
    const handlers = {
      label,
      classes,
      onsaved: (tile, answer) => this.#saved(tile, answer),
      onrejected: () => this.#tell(),
      onconflict: (tile) => this.#reload(tile),
      onerror: this.onerror,
    };
    const open = names.filter((name) => photos[name] && photos[name].state !== "reviewed").slice(0, this.#room(this.aspect));
    this.tiles = open.map((name) => new Tile(name, photos[name], handlers));
    byId("sheet-tiles").style.setProperty("--tile", `${this.#fitting().width}px`);
    byId("sheet-tiles").style.setProperty("--aspect", String(1 / this.aspect));
    byId("sheet-tiles").replaceChildren(...this.tiles.map((tile) => tile.element));
    this.left = names.length - this.tiles.length;
    this.#tell();
    byId("sheet-tiles").scrollTop = 0;
    for (const name of names.slice(this.tiles.length, 2 * this.tiles.length)) new Image().src = api.imageOf(name);
    this.onlearner(learner);
    return this.tiles.length > 0;
  }

  hide() {
    byId("label-sheet").hidden = true;
    byId("sheet-tiles").replaceChildren();
    this.tiles = [];
  }

  /** Something was learnt: boxes that nobody has touched move. */
  async follow() {
    const names = this.tiles.filter((tile) => !tile.done).map((tile) => tile.name);
    if (!names.length) return;
    const { photos } = await api.suggestions(names);
    for (const tile of this.tiles) {
      const told = photos[tile.name];
      if (told && !tile.done && !tile.drag) tile.take(told);
    }
    this.#tell();
  }

  /** All that look right are accepted, and the next ones come. */
  async accept() {
    if (this.working) return;
    this.working = true;
    byId("sheet-accept").disabled = true;
    try {
      const right = this.tiles.filter((tile) => tile.waits);
      for (const tile of this.tiles) if (tile.rejected) this.later.add(tile.name);
      const left = [...right];
      await Promise.all(Array.from({ length: AT_ONCE }, async () => {
        for (let tile = left.shift(); tile; tile = left.shift()) await tile.accept();
      }));
      await Promise.all(this.tiles.map((tile) => tile.saver.working));
      const saved = right.filter((tile) => tile.done);
      if (saved.length) this.onbatch(saved.map((tile) => ({ name: tile.name, etag: tile.saver.etag })));
      if (this.tiles.some((tile) => !tile.done && !tile.rejected)) return this.#tell();
      const rejectedOnly = this.left === 0 && this.tiles.every((tile) => tile.rejected || tile.done);
      const first = this.tiles.find((tile) => tile.rejected)?.name;
      if (rejectedOnly && first) return this.onclose(first);
      if (!(await this.show(this))) this.onclose(null);
    } finally {
      this.working = false;
      byId("sheet-accept").disabled = false;
    }
  }

  reject() {
    this.#current()?.reject();
  }

  none() {
    const tile = this.#current();
    if (tile && !tile.done) tile.none();
  }

  abandon() {
    return this.tiles.some((tile) => tile.abandon());
  }

  /** The next tile in a direction has the keys. */
  move(dx, dy) {
    const columns = Math.max(1, this.#fitting().columns);
    const at = this.tiles.findIndex((tile) => tile.element === document.activeElement);
    const next = at < 0 ? 0 : at + dx + dy * columns;
    this.tiles[Math.min(this.tiles.length - 1, Math.max(0, next))]?.element.focus();
  }

  resize(by) {
    this.size = Math.min(WIDTHS.length - 1, Math.max(0, this.size + by));
    remember("tile", this.size);
    this.show(this).catch(this.onerror);
  }

  /** The tile under the pointer, or the one that has the keys. */
  #current() {
    const focused = this.tiles.find((tile) => tile.element === document.activeElement);
    return this.tiles.find((tile) => tile.element.matches(":hover")) ?? focused;
  }

  #fitting() {
    const { clientWidth } = byId("sheet-tiles");
    const fewest = clientWidth < NARROW && this.size < 3 ? 2 : 1;
    const columns = Math.max(fewest, Math.floor((clientWidth + GAP) / (WIDTHS[this.size] + GAP)));
    return { columns, width: Math.floor((clientWidth + GAP) / columns) - GAP };
  }

  /** How many photos can be seen at once: what has to be scrolled to is overlooked. */
  #room(aspect) {
    const { columns, width } = this.#fitting();
    const rows = Math.max(1, Math.floor((byId("sheet-tiles").clientHeight + GAP) / (width * aspect + GAP)));
    return columns * rows;
  }

  #saved(tile, answer) {
    this.onsaved(tile.name, answer, tile.boxes, tile.how !== "accepted" ? tile.saver.etag : null);
    this.#tell();
  }

  async #reload(tile) {
    const { photos } = await api.suggestions([tile.name]);
    if (photos[tile.name]) tile.take(photos[tile.name]);
    say(`${tile.name} was changed elsewhere; here is what it holds now.`);
    this.#tell();
  }

  #tell() {
    const right = this.tiles.filter((tile) => tile.waits).length;
    byId("sheet-accept-text").textContent = right ? `Accept ${right}` : "Next photos";
    byId("sheet-left").textContent = this.left ? `${this.left} more wait` : "the last ones";
  }
}
