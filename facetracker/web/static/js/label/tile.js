// One photo on the sheet: its boxes, a drag that draws the right one, a click that puts a corner or a side right, a click
// into the middle that says "not this one".

import * as api from "../api.js";
import { make, makeSvg } from "../dom.js";
import { HANDLES, handleAt, pulled } from "../handles.js";
import { classColour } from "../live/draw.js";
import { Boxes } from "./boxes.js";
import { Saver } from "./saver.js";

const SLIP = 4; // CSS pixels a pointer may tremble before it drags

export class Tile {
  /** `told` is the photo as the server tells it; `ondrawn(tile, answer)`, `onrejected(tile)`, `onconflict(tile)`, `onerror`. */
  constructor(name, told, { label, classes, ...handlers }) {
    Object.assign(this, { name, label, classes, handlers, rejected: false, done: false });
    this.layer = makeSvg("g");
    this.svg = makeSvg("svg", { preserveAspectRatio: "xMidYMid meet", "aria-hidden": "true" });
    this.words = make("span", { class: "words" });
    this.element = make("li", { class: "tile", tabindex: 0, role: "option", "data-name": name }, this.svg, this.words);
    this.svg.append(makeSvg("image", { href: api.imageOf(name), width: told.width, height: told.height }), this.layer);
    this.svg.setAttribute("viewBox", `0 0 ${told.width} ${told.height}`);
    this.element.addEventListener("pointerdown", (event) => this.#down(event));
    this.element.addEventListener("pointermove", (event) => this.#move(event));
    this.element.addEventListener("pointerup", (event) => this.#up(event));
    this.element.addEventListener("pointercancel", () => this.abandon());
    this.take(told);
  }

  /** Waits for a person: neither drawn, nor rejected, nor accepted. */
  get waits() {
    return !this.done && !this.rejected;
  }

  /** The photo's boxes as the server has them now. */
  take(told) {
    this.boxes = new Boxes(told);
    this.done = told.state === "reviewed";
    this.saver = new Saver({
      name: this.name,
      etag: told.etag || null,
      boxes: this.boxes,
      onsaved: (answer) => this.handlers.onsaved(this, answer),
      onconflict: () => this.handlers.onconflict(this),
      onerror: (error) => ((this.done = false), this.draw(), this.handlers.onerror(error)),
    });
    this.draw();
  }

  /** What a person did to it is saved. */
  save() {
    this.done = true;
    this.draw();
    return this.saver.save();
  }

  /** Its boxes are right as they are. */
  accept() {
    this.boxes.noFace = this.boxes.list.length === 0;
    this.how = "accepted";
    return this.save();
  }

  none() {
    this.boxes.clear();
    this.how = "no face";
    this.rejected = false;
    return this.save();
  }

  reject() {
    if (this.done) return;
    this.rejected = !this.rejected;
    this.draw();
    this.handlers.onrejected(this);
  }

  abandon() {
    const was = this.drag;
    this.drag = null;
    if (was) this.draw();
    return Boolean(was);
  }

  draw() {
    const boxes = this.boxes.list.map((one) => ({ ...one, dashed: !this.done }));
    if (this.drag?.box) boxes.push({ label: this.label, box: this.drag.box, dashed: false });
    while (this.layer.children.length > boxes.length) this.layer.lastChild.remove();
    boxes.forEach((one, i) => this.#place(this.layer.children[i] ?? this.#edges(), one));
    const many = `${boxes.length} ${boxes.length === 1 ? "face" : "faces"}`;
    const text = this.rejected ? "not this one" : this.done ? (boxes.length ? (this.how ?? "corrected") : "no face") : boxes.length ? "" : "no face?";
    this.words.textContent = text;
    this.element.className = ["tile", this.rejected && "rejected", this.done && "done"].filter(Boolean).join(" ");
    this.element.setAttribute("aria-label", `${this.name}: ${many}${text ? `, ${text}` : ""}`);
  }

  /** The same elements as before, so that boxes glide to where a lesson puts them. */
  #edges() {
    const edges = makeSvg("g", {}, makeSvg("rect", { class: "under" }), makeSvg("rect", { class: "edge" }));
    this.layer.append(edges);
    return edges;
  }

  #place(group, { label, box, dashed }) {
    group.setAttribute("class", dashed ? "box unreviewed" : "box");
    group.setAttribute("color", classColour(label, this.classes.indexOf(label)));
    for (const rect of group.children) {
      const [x, y] = box;
      rect.style.cssText = "";
      Object.assign(rect.style, { x: `${x}px`, y: `${y}px`, width: `${box[2] - x}px`, height: `${box[3] - y}px` });
    }
  }

  #at(event) {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    return [point.x, point.y];
  }

  #down(event) {
    if (event.button > 0) return;
    if (event.pointerType !== "touch") this.element.setPointerCapture(event.pointerId);
    this.drag = { start: this.#at(event), client: [event.clientX, event.clientY], box: null, touch: event.pointerType === "touch" };
  }

  #move(event) {
    const { drag } = this;
    if (!drag) this.#point(this.#meant(this.#at(event)));
    if (!drag || drag.touch) return; // a finger scrolls; a photo opened alone is drawn on with it
    if (!drag.box && Math.hypot(event.clientX - drag.client[0], event.clientY - drag.client[1]) < SLIP) return;
    drag.box = this.boxes.ordered([...drag.start, ...this.#at(event)].map(Math.round));
    this.draw();
  }

  #up(event) {
    const { drag } = this;
    this.drag = null;
    if (!drag) return;
    if (!drag.box) {
      const far = Math.hypot(event.clientX - drag.client[0], event.clientY - drag.client[1]);
      if (far < 2 * SLIP && !this.#pull(drag)) this.reject();
    } else if (!this.#mine(this.boxes.add(this.label, drag.box))) this.draw();
  }

  /** Which box and which of its handles a click at a place means, or undefined. */
  #meant(place) {
    const handles = this.boxes.list.map(({ box, editable }, number) => ({ number, handle: editable ? handleAt(box, place) : -1 }));
    return handles.find(({ handle }) => handle >= 0);
  }

  /** The pointer tells what a click would do. */
  #point(meant) {
    this.element.style.cursor = meant ? `${HANDLES[meant.handle][1]}-resize` : "";
  }

  /** A click near a corner or a side: that is where it belongs. A finger is not that exact. */
  #pull({ start, touch }) {
    const meant = touch ? undefined : this.#meant(start);
    if (!meant) return false;
    this.boxes.chosen = meant.number;
    return this.#mine(this.boxes.change({ box: pulled(this.boxes.current.box, meant.handle, start) }));
  }

  /** Saves what a person changed, if they did. */
  #mine(changed) {
    if (!changed) return false;
    this.rejected = false;
    this.how = "yours";
    this.save();
    return true;
  }
}
