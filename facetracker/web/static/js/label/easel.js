// The photo with its boxes as SVG in the photo's own pixels; mouse, pen and fingers draw, move and resize.

import { makeSvg, setAttributes } from "../dom.js";
import { HANDLES, SIDE, gripOf, pastMiddle, placesOf } from "../handles.js";
import { classColour } from "../live/draw.js";

const SLIP = 3; // CSS pixels a pointer may tremble before it drags
const MOST_ZOOM = 12;

/** Shows a `Boxes`; tells `onchoose(i)`, `onadd(corners)`, `onbox(box)` when a person did something. */
export class Easel {
  constructor(svg, { onchoose, onadd, onbox }) {
    Object.assign(this, { svg, onchoose, onadd, onbox });
    this.photo = makeSvg("image", { x: 0, y: 0, preserveAspectRatio: "none" });
    this.layer = makeSvg("g");
    this.svg.append(this.photo, this.layer);
    this.pointers = new Map();
    this.drag = null;
    this.touch = "mouse";
    svg.addEventListener("pointerdown", (event) => this.#down(event));
    svg.addEventListener("pointermove", (event) => this.#move(event));
    svg.addEventListener("pointerup", (event) => this.#up(event));
    svg.addEventListener("pointercancel", (event) => this.#cancel(event));
    svg.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    new ResizeObserver(() => this.boxes && this.#draw()).observe(svg);
  }

  /** Another photo. */
  show(url, boxes, classes) {
    Object.assign(this, { boxes, classes, drag: null });
    setAttributes(this.photo, { href: url, width: boxes.width, height: boxes.height });
    this.#look({ x: 0, y: 0, width: boxes.width, height: boxes.height });
  }

  /** The same photo, its boxes changed. */
  redraw() {
    this.#draw();
  }

  /** Larger (`factor` > 1) or smaller, around a place of the photo or its middle; 0 shows all of it. */
  zoom(factor, at = null) {
    const { width, height } = this.boxes;
    if (factor === 0) return this.#look({ x: 0, y: 0, width, height });
    const wide = Math.min(width, Math.max(width / MOST_ZOOM, this.view.width / factor));
    const high = (wide / width) * height;
    const [x, y] = at ?? [this.view.x + this.view.width / 2, this.view.y + this.view.height / 2];
    const [u, v] = [(x - this.view.x) / this.view.width, (y - this.view.y) / this.view.height];
    this.#look({ x: x - u * wide, y: y - v * high, width: wide, height: high });
  }

  /** Ends what the pointer is doing, as if it had not begun. True when there was something. */
  abandon() {
    if (!this.drag) return false;
    this.drag = null;
    this.#draw();
    return true;
  }

  #look(view) {
    const { width, height } = this.boxes;
    view.x = Math.min(width - view.width, Math.max(0, view.x));
    view.y = Math.min(height - view.height, Math.max(0, view.y));
    this.view = view;
    this.svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
    this.#draw();
  }

  /** A pointer's place in pixels of the photo. */
  #at(event) {
    const matrix = this.svg.getScreenCTM().inverse();
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix);
    return [point.x, point.y];
  }

  /** Photo pixels to a CSS pixel. */
  get #unit() {
    return 1 / (this.svg.getScreenCTM()?.a || 1);
  }

  #down(event) {
    if (!this.boxes || this.frozen || event.button > 0) return;
    this.touch = event.pointerType || "mouse";
    this.pointers.set(event.pointerId, event);
    this.svg.setPointerCapture(event.pointerId);
    if (this.pointers.size === 2) return this.#pinchBegins();
    if (this.pointers.size > 2) return;
    const start = this.#at(event);
    const over = event.shiftKey ? null : event.target; // shift draws, whatever is beneath
    const grip = over?.closest?.("[data-grip]");
    const body = over?.closest?.(".box");
    const base = { start, pointer: event.pointerId, client: [event.clientX, event.clientY], moved: false };
    if (grip) {
      this.drag = { ...base, kind: "resize", sides: HANDLES[Number(grip.dataset.grip)][0], from: this.boxes.current.box };
    } else if (body) {
      const number = Number(body.dataset.number);
      this.onchoose(number);
      const { box, editable } = this.boxes.list[number];
      this.drag = editable ? { ...base, kind: "move", from: box } : null; // an outline of labelme's keeps its points
    } else {
      this.drag = { ...base, kind: "draw" };
    }
    this.svg.focus({ preventScroll: true });
    event.preventDefault();
  }

  #move(event) {
    if (!this.pointers.has(event.pointerId)) return;
    this.pointers.set(event.pointerId, event);
    if (this.pinch) return this.#pinchMoves();
    const { drag } = this;
    if (!drag || drag.pointer !== event.pointerId) return;
    const far = Math.hypot(event.clientX - drag.client[0], event.clientY - drag.client[1]);
    if (!drag.moved && far < SLIP) return;
    drag.moved = true;
    drag.box = this.#dragged(drag, this.#at(event));
    this.#draw();
  }

  /** The box as the drag has it now, in whole pixels where the pointer set a side. */
  #dragged(drag, [x, y]) {
    const [dx, dy] = [x - drag.start[0], y - drag.start[1]];
    const machines = drag.kind === "resize" && this.boxes.current?.unreviewed;
    if (machines && pastMiddle(drag.sides, drag.from, x, y)) drag.kind = "draw";
    if (drag.kind === "draw") return this.boxes.ordered([...drag.start, x, y].map(Math.round));
    if (drag.kind === "move") return this.boxes.moved(Math.round(dx), Math.round(dy), drag.from);
    const shift = [dx, dy, dx, dy];
    return this.boxes.ordered(drag.from.map((side, i) => (drag.sides[i] ? Math.round(side + shift[i]) : side)));
  }

  #up(event) {
    const { drag } = this;
    this.pointers.delete(event.pointerId);
    if (this.pointers.size < 2) this.pinch = null;
    if (!drag || drag.pointer !== event.pointerId) return;
    this.drag = null;
    if (!drag.moved) {
      if (drag.kind === "draw") this.onchoose(-1);
    } else if (drag.kind === "draw") {
      this.onadd(drag.box);
    } else {
      this.onbox(drag.box);
    }
    this.#draw();
  }

  #cancel(event) {
    this.pointers.delete(event.pointerId);
    this.pinch = null;
    this.abandon();
  }

  #wheel(event) {
    if (!this.boxes) return;
    event.preventDefault();
    this.zoom(Math.exp(-event.deltaY * 0.002), this.#at(event));
  }

  #pinchBegins() {
    this.abandon();
    const [a, b] = [...this.pointers.values()];
    this.pinch = { apart: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY), middle: this.#middle() };
  }

  #pinchMoves() {
    const [a, b] = [...this.pointers.values()];
    const apart = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
    this.zoom(apart / Math.max(1, this.pinch.apart), this.#middle());
    const [x, y] = this.#middle();
    this.#look({ ...this.view, x: this.view.x + this.pinch.middle[0] - x, y: this.view.y + this.pinch.middle[1] - y });
    this.pinch = { apart, middle: this.#middle() };
  }

  #middle() {
    const [a, b] = [...this.pointers.values()];
    return this.#at({ clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 });
  }

  #draw() {
    const unit = this.#unit;
    const focused = this.layer.contains(document.activeElement) ? document.activeElement.dataset.number : null;
    const shown = this.boxes.list.map((one, i) => {
      const dragged = this.drag?.moved && this.drag.kind !== "draw" && i === this.boxes.chosen;
      return this.#box(dragged ? { ...one, box: this.drag.box } : one, i, unit);
    });
    if (this.drag?.moved && this.drag.kind === "draw") {
      shown.push(this.#edges({ box: this.drag.box }, { class: "box fixed chosen", color: "#fff" }));
    }
    // The chosen box lies on top, so that its handles can be caught.
    if (this.boxes.chosen >= 0) shown.push(...shown.splice(this.boxes.chosen, 1));
    this.layer.replaceChildren(...shown);
    if (focused !== null) this.layer.querySelector(`[data-number="${focused}"]`)?.focus({ preventScroll: true });
  }

  #edges({ box }, attributes, ...more) {
    const place = { x: box[0], y: box[1], width: box[2] - box[0], height: box[3] - box[1] };
    return makeSvg("g", attributes, makeSvg("rect", { class: "under", ...place }), makeSvg("rect", { class: "edge", ...place }), ...more);
  }

  #box(one, number, unit) {
    const chosen = number === this.boxes.chosen;
    const colour = classColour(one.label, this.classes.indexOf(one.label));
    const words = [one.label.replaceAll("_", " "), ...one.box.map((side) => Math.round(side))];
    const group = this.#edges(
      one,
      {
        class: ["box", chosen && "chosen", one.unreviewed && "unreviewed", !one.editable && "outline"].filter(Boolean).join(" "),
        color: colour,
        "data-number": number,
        tabindex: 0,
        role: "button",
        "aria-pressed": String(chosen),
        "aria-label": `${words[0]}, left ${words[1]}, top ${words[2]}, right ${words[3]}, bottom ${words[4]}${one.unreviewed ? ", not reviewed" : ""}`,
        onfocus: () => this.boxes.chosen !== number && this.onchoose(number),
      },
      ...this.#tag(one, unit),
    );
    if (chosen && one.editable) group.append(...this.#handles(one.box, unit));
    return group;
  }

  #tag({ label, box }, unit) {
    if (this.classes.length < 2 && label === this.classes[0]) return [];
    const size = 13 * unit;
    const text = label.replaceAll("_", " ");
    const [wide, high] = [(text.length * 0.6 + 1.2) * size, size * 1.6];
    const y = box[1] - high - 4 * unit >= this.view.y ? box[1] - high - 4 * unit : box[1] + 4 * unit;
    return [
      makeSvg("rect", { class: "tag", x: box[0], y, width: wide, height: high, rx: high / 2 }),
      makeSvg("text", { x: box[0] + 0.6 * size, y: y + high / 2, "font-size": size, text }),
    ];
  }

  #handles(box, unit) {
    const [side, grip] = [SIDE * unit, gripOf(this.touch) * unit];
    return placesOf(box).flatMap(([x, y], i) => [
      makeSvg("rect", { class: "handle", x: x - side, y: y - side, width: 2 * side, height: 2 * side, rx: 2 * unit }),
      makeSvg("rect", { class: `grip ${HANDLES[i][1]}`, "data-grip": i, x: x - grip, y: y - grip, width: 2 * grip, height: 2 * grip }),
    ]);
  }
}
