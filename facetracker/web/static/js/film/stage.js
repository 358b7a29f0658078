// The frame with its boxes on a canvas; mouse, pen and fingers draw, move and resize.

import { HANDLES, SIDE, gripOf, pastMiddle, placesOf } from "../handles.js";

const SLIP = 3; // CSS pixels a pointer may tremble before it drags
const COLOURS = ["#22c7e8", "#ffb02e", "#b07cff", "#7cd0a0", "#ff8ac0", "#ffd24a", "#ff9966", "#8fb4ff"];

export const colourOf = (track) => COLOURS[(track - 1) % COLOURS.length];

/** Draws frames and boxes; tells `onchoose(track)`, `ondraw(box)` and `onbox(track, box)` what a person did. */
export class Stage {
  constructor(canvas, { onchoose, ondraw, onbox }) {
    Object.assign(this, { canvas, onchoose, ondraw, onbox, boxes: [], chosen: null, drag: null, touch: "mouse" });
    this.context = canvas.getContext("2d", { alpha: false });
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointercancel", () => this.abandon());
    new ResizeObserver(() => this.#resize()).observe(canvas);
  }

  /** A film of this size, in pixels. */
  open(width, height) {
    Object.assign(this, { width, height, picture: null, boxes: [], chosen: null, drag: null });
    this.#resize();
  }

  /** A frame and its boxes: `{track, box, label, key, doubt}`; `chosen` is a track's number or null. */
  show(picture, boxes, chosen) {
    Object.assign(this, { boxes, chosen });
    if (picture) this.picture = picture;
    this.#draw();
  }

  /** Ends what the pointer is doing, as if it had not begun. True when there was something. */
  abandon() {
    const had = this.drag !== null;
    this.drag = null;
    this.#draw();
    return had;
  }

  #resize() {
    const { clientWidth, clientHeight } = this.canvas;
    const dense = window.devicePixelRatio || 1;
    this.canvas.width = Math.max(1, Math.round(clientWidth * dense));
    this.canvas.height = Math.max(1, Math.round(clientHeight * dense));
    this.#draw();
  }

  /** CSS pixels to a pixel of the film, and where its left upper corner is. */
  get #fit() {
    const { clientWidth, clientHeight } = this.canvas;
    const scale = Math.min(clientWidth / this.width, clientHeight / this.height);
    return { scale, x: (clientWidth - scale * this.width) / 2, y: (clientHeight - scale * this.height) / 2 };
  }

  #at(event) {
    const { left, top } = this.canvas.getBoundingClientRect();
    const { scale, x, y } = this.#fit;
    return [(event.clientX - left - x) / scale, (event.clientY - top - y) / scale];
  }

  #current() {
    return this.boxes.find((one) => one.track === this.chosen) ?? null;
  }

  /** The handle of the chosen box under a place. */
  #gripAt([x, y]) {
    const box = this.#current()?.box;
    if (!box) return null;
    const reach = gripOf(this.touch) / this.#fit.scale;
    const near = placesOf(box).map(([u, v], i) => [Math.max(Math.abs(u - x), Math.abs(v - y)), i]);
    const [apart, i] = near.reduce((best, one) => (one[0] < best[0] ? one : best));
    return apart <= reach ? HANDLES[i] : null;
  }

  /** The smallest box under a place. */
  #boxAt([x, y]) {
    const hit = this.boxes.filter(({ box }) => x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3]);
    const area = ({ box }) => (box[2] - box[0]) * (box[3] - box[1]);
    return hit.sort((a, b) => area(a) - area(b))[0] ?? null;
  }

  #down(event) {
    if (!this.width || event.button > 0 || this.drag) return;
    this.touch = event.pointerType || "mouse";
    const start = this.#at(event);
    const grip = event.shiftKey ? null : this.#gripAt(start); // shift draws, whatever is beneath
    const hit = this.#boxAt(start);
    this.drag = { start, pointer: event.pointerId, client: [event.clientX, event.clientY], moved: false, kind: "draw" };
    if (grip) Object.assign(this.drag, { kind: "resize", sides: grip[0], from: this.#current().box, track: this.chosen });
    else if (hit && hit.track === this.chosen && !event.shiftKey) Object.assign(this.drag, { kind: "move", from: hit.box, track: hit.track });
    else if (hit) this.drag.hit = hit.track;
    this.canvas.setPointerCapture(event.pointerId);
    this.canvas.focus({ preventScroll: true });
    event.preventDefault();
  }

  #move(event) {
    const { drag } = this;
    if (!drag) {
      const at = this.#at(event);
      const grip = this.#gripAt(at);
      const hit = this.#boxAt(at);
      this.canvas.style.cursor = grip ? `${grip[1]}-resize` : hit ? (hit.track === this.chosen ? "move" : "pointer") : "crosshair";
      return;
    }
    if (drag.pointer !== event.pointerId) return;
    if (!drag.moved && Math.hypot(event.clientX - drag.client[0], event.clientY - drag.client[1]) < SLIP) return;
    drag.moved = true;
    drag.box = this.#dragged(drag, this.#at(event));
    this.#draw();
  }

  #dragged(drag, [x, y]) {
    const [dx, dy] = [x - drag.start[0], y - drag.start[1]];
    const machines = drag.kind === "resize" && !this.#current()?.key;
    if (machines && pastMiddle(drag.sides, drag.from, x, y)) Object.assign(drag, { kind: "draw", track: null });
    if (drag.kind === "draw") return this.#ordered([...drag.start, x, y]);
    if (drag.kind === "move") {
      const [left, top, right, bottom] = drag.from;
      const across = Math.max(-left, Math.min(this.width - right, dx));
      const down = Math.max(-top, Math.min(this.height - bottom, dy));
      return [left + across, top + down, right + across, bottom + down];
    }
    const shift = [dx, dy, dx, dy];
    return this.#ordered(drag.from.map((side, i) => (drag.sides[i] ? side + shift[i] : side)));
  }

  #up(event) {
    const { drag } = this;
    if (!drag || drag.pointer !== event.pointerId) return;
    this.drag = null;
    if (!drag.moved) this.onchoose(drag.hit ?? drag.track ?? null);
    else if (drag.kind === "draw") this.ondraw(drag.box);
    else this.onbox(drag.track, drag.box);
    this.#draw();
  }

  #ordered([x1, y1, x2, y2]) {
    const inside = (value, most) => Math.min(most, Math.max(0, value));
    return [
      inside(Math.min(x1, x2), this.width),
      inside(Math.min(y1, y2), this.height),
      inside(Math.max(x1, x2), this.width),
      inside(Math.max(y1, y2), this.height),
    ];
  }

  #draw() {
    const { context, canvas } = this;
    const dense = window.devicePixelRatio || 1;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = getComputedStyle(canvas).backgroundColor;
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (!this.width) return;
    const { scale, x, y } = this.#fit;
    context.setTransform(dense * scale, 0, 0, dense * scale, dense * x, dense * y);
    if (this.picture) context.drawImage(this.picture, 0, 0, this.width, this.height);
    const last = this.boxes.filter((one) => one.track === this.chosen);
    for (const one of [...this.boxes.filter((one) => one.track !== this.chosen), ...last]) {
      const dragged = this.drag?.moved && this.drag.track === one.track;
      this.#drawBox(dragged ? { ...one, box: this.drag.box } : one, 1 / scale);
    }
    if (this.drag?.moved && this.drag.kind === "draw") this.#drawEdge(this.drag.box, "#fff", 2.5 / scale, []);
  }

  #drawBox({ track, box, label, key, doubt }, unit) {
    const chosen = track === this.chosen;
    const colour = colourOf(track);
    this.#drawEdge(box, colour, (chosen ? 3.5 : 2.5) * unit, doubt ? [8 * unit, 5 * unit] : []);
    this.#drawTag(`${track} ${label}${key ? " ◆" : ""}`, box, colour, unit);
    if (!chosen) return;
    const { context } = this;
    for (const [x, y] of placesOf(box)) {
      context.fillStyle = "#fff";
      context.strokeStyle = colour;
      context.lineWidth = 2 * unit;
      context.beginPath();
      context.rect(x - SIDE * unit, y - SIDE * unit, 2 * SIDE * unit, 2 * SIDE * unit);
      context.fill();
      context.stroke();
    }
  }

  #drawEdge([x1, y1, x2, y2], colour, width, dashes) {
    const { context } = this;
    context.setLineDash([]);
    context.strokeStyle = "rgb(0 0 0 / 55%)";
    context.lineWidth = width * 1.9;
    context.strokeRect(x1, y1, x2 - x1, y2 - y1);
    context.setLineDash(dashes);
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.strokeRect(x1, y1, x2 - x1, y2 - y1);
    context.setLineDash([]);
  }

  #drawTag(text, box, colour, unit) {
    const { context } = this;
    context.font = `600 ${13 * unit}px system-ui, sans-serif`;
    const wide = context.measureText(text).width + 12 * unit;
    const high = 20 * unit;
    const top = box[1] - high - 3 * unit >= 0 ? box[1] - high - 3 * unit : box[1] + 3 * unit;
    context.fillStyle = colour;
    context.beginPath();
    context.roundRect(box[0], top, wide, high, high / 2);
    context.fill();
    context.fillStyle = "#06222b";
    context.textBaseline = "middle";
    context.fillText(text, box[0] + 6 * unit, top + high / 2);
  }
}
