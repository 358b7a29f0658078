// The boxes of one photo while a person works on them, with everything that can be undone.

const REPLACED = 0.1; // overlap from which a box that is drawn takes a machine's place

/**
 * Boxes of a photo of `width` x `height` pixels. A box is `{label, box: [x1, y1, x2, y2], index, unreviewed, editable}`;
 * `index` is its shape's place in the file, null for a new one. Values are never changed in place, so that a list kept
 * for undoing stays what it was.
 */
export class Boxes {
  constructor({ width, height, shapes, state }) {
    this.width = width;
    this.height = height;
    this.list = shapes.map((shape) => ({ ...shape }));
    this.noFace = state === "reviewed" && shapes.length === 0;
    // What a machine drew where no person has been; saved with the boxes, so that the file tells what was accepted.
    this.suggested = state === "suggested" ? shapes.map(({ box }) => box) : null;
    this.fresh = state !== "reviewed";
    this.chosen = this.fresh && this.list.length === 1 && this.list[0].editable ? 0 : -1;
    this.past = [];
    this.future = [];
  }

  get current() {
    return this.list[this.chosen] ?? null;
  }

  /** A new box; too small ones are a slip of the hand. True when there is one now. */
  add(label, corners) {
    const box = this.ordered(corners);
    if (isSliver(box)) return false;
    this.#keep();
    const replaced = (one) => one.unreviewed && one.editable && overlap(one.box, box) > REPLACED;
    this.list = [...this.list.filter((one) => !replaced(one)), { label, box, index: null, unreviewed: false, editable: true }];
    this.chosen = this.list.length - 1;
    this.noFace = false;
    return true;
  }

  /** The chosen box, changed: `{box}` or `{label}`. */
  change(values) {
    if (!this.current) return false;
    if (values.box && !this.current.editable) return false;
    const next = { ...this.current, ...values };
    if (values.box) next.box = this.ordered(values.box);
    if (isSliver(next.box)) return false;
    if (next.label === this.current.label && next.box.every((side, i) => side === this.current.box[i])) return false;
    this.#keep();
    this.list = this.list.map((one, i) => (i === this.chosen ? next : one));
    return true;
  }

  /** The chosen box moved by whole pixels, as far as the photo goes. */
  moved(dx, dy, box = this.current.box) {
    const x = Math.max(-box[0], Math.min(this.width - box[2], dx));
    const y = Math.max(-box[1], Math.min(this.height - box[3], dy));
    return [box[0] + x, box[1] + y, box[2] + x, box[3] + y];
  }

  remove() {
    if (!this.current) return false;
    this.#keep();
    this.list = this.list.filter((_, i) => i !== this.chosen);
    this.chosen = -1;
    return true;
  }

  /** Another person's wish for the same photo, `mine`, on the ground of these boxes: where one of mine is one of these, it
   * keeps their shape's other keys. */
  standFor(mine) {
    const near = (one, other) => other.label === one.label && other.box.every((side, i) => Math.abs(side - one.box[i]) < 1);
    this.list = mine.list.map((one) => ({ ...one, index: this.list.find((other) => near(one, other))?.index ?? null }));
    this.noFace = mine.noFace;
  }

  /** There is no face in this photo. */
  clear() {
    this.#keep();
    this.list = [];
    this.chosen = -1;
    this.noFace = true;
  }

  /** The boxes as the server saves them. */
  asLabel() {
    const shapes = this.list.map(({ label, box, index }) => ({ label, box, index }));
    return { shapes, no_face: this.noFace, suggested: this.suggested };
  }

  /** A person saved the photo: no box waits for a look any more, and shape i of the file is box i. */
  saved(sent) {
    const places = new Map(sent.map((one, i) => [one, i]));
    const settle = (list) =>
      list.map((one) => ({ ...one, unreviewed: false, index: places.has(one) ? places.get(one) : this.#place(one, sent) }));
    this.past = this.past.map((state) => ({ ...state, list: settle(state.list) }));
    this.future = this.future.map((state) => ({ ...state, list: settle(state.list) }));
    this.list = settle(this.list);
  }

  undo() {
    return this.#travel(this.past, this.future);
  }

  redo() {
    return this.#travel(this.future, this.past);
  }

  /** Corners in any order as a box inside the photo. */
  ordered([x1, y1, x2, y2]) {
    const inside = (value, most) => Math.min(most, Math.max(0, value));
    return [
      inside(Math.min(x1, x2), this.width),
      inside(Math.min(y1, y2), this.height),
      inside(Math.max(x1, x2), this.width),
      inside(Math.max(y1, y2), this.height),
    ];
  }

  /** Where the shape of an earlier or later version of a box stands in the file now; null where it is gone. */
  #place(one, sent) {
    if (one.index === null) return null;
    const at = sent.findIndex((other) => other.index === one.index);
    return at < 0 ? null : at;
  }

  #keep() {
    this.past.push({ list: this.list, noFace: this.noFace });
    this.future = [];
  }

  #travel(from, to) {
    const state = from.pop();
    if (!state) return false;
    to.push({ list: this.list, noFace: this.noFace });
    this.list = state.list;
    this.noFace = state.noFace;
    this.chosen = Math.min(this.chosen, this.list.length - 1);
    return true;
  }
}

/** A slip of the hand. */
function isSliver([x1, y1, x2, y2]) {
  return x2 - x1 < 2 || y2 - y1 < 2;
}

/** How much two boxes overlap: their common area by the area of both. */
function overlap(a, b) {
  const common = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) * Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  const area = ([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1);
  return common / Math.max(1e-9, area(a) + area(b) - common);
}
