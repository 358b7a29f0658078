// The Label view: photos one after the other, boxes drawn, accepted and saved at once.

import * as api from "../api.js";
import { byId, complain, make, say, showFolder } from "../dom.js";
import { Boxes } from "./boxes.js";
import { Easel } from "./easel.js";
import { PhotoList } from "./photo_list.js";
import { Saver } from "./saver.js";

const STATES = { unlabelled: "Not labelled", prelabelled: "Drawn by the model", reviewed: "Reviewed" };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STRIDE = 10; // pixels of an arrow key with shift

export class LabelView {
  title = "Label";
  keysHelp = [
    ["drag", "draw a box; move or resize one"],
    ["shift drag", "draw a box over another"],
    ["d  a", "next photo, photo before"],
    ["Enter", "accept the boxes and go on"],
    ["n", "no face in this photo, go on"],
    ["1 … 9", "class of the box"],
    ["arrows", "move the box by a pixel; shift: ten"],
    ["ctrl arrows", "move its lower right corner"],
    ["b", "new box in the middle"],
    ["Delete", "delete the box"],
    ["ctrl z  ctrl y", "undo, redo"],
    ["wheel  +  -  0", "closer, away, whole photo"],
    ["Esc", "let go of the box"],
  ];

  constructor(page) {
    this.page = page;
    this.photos = [];
    this.classes = ["face"];
    this.label = "face";
    this.name = null;
    this.boxes = null;
    this.easel = new Easel(byId("label-easel"), {
      onchoose: (number) => this.#choose(number),
      onadd: (corners) => this.boxes.add(this.label, corners) && this.#edited(),
      onbox: (box) => this.boxes.change({ box }) && this.#edited(),
    });
    this.list = new PhotoList((name) => this.#open(name).catch(complain));
    this.#listen();
  }

  async enter(wanted) {
    await this.#load();
    const first = this.photos.find((photo) => photo.state !== "reviewed") ?? this.photos[0];
    const known = (name) => this.photos.some((photo) => photo.name === name);
    const next = known(wanted) ? wanted : known(this.name) ? this.name : first?.name;
    if (next) await this.#open(next);
  }

  leave() {
    this.easel.abandon();
  }

  key(event) {
    const act = this.boxes && this.#actionOf(event);
    if (!act) return false;
    this.#soon(act);
    return true;
  }

  /** What a key means here, or null. */
  #actionOf(event) {
    const control = event.ctrlKey || event.metaKey;
    if (control && event.key.toLowerCase() === "z") return () => this.#travel(event.shiftKey ? "redo" : "undo");
    if (control && event.key.toLowerCase() === "y") return () => this.#travel("redo");
    if (event.altKey) return null;
    if (ARROWS[event.key]) return this.boxes.current || this.opening ? () => this.#nudge(event, control) : null;
    if (control) return null;
    // On a control Enter is the control's; a view's tab that is open already has no use for it.
    const onControl = event.target.closest("main :is(button, a, input, select), .top-tools button") !== null;
    if (event.key === "Enter") return onControl ? null : () => this.#accept();
    if (/^[1-9]$/.test(event.key)) return () => this.#setClass(Number(event.key) - 1);
    const actions = {
      d: () => this.#step(1),
      a: () => this.#step(-1),
      n: () => this.#none(),
      b: () => this.#addInMiddle(),
      Delete: () => this.#remove(),
      Backspace: () => this.#remove(),
      Escape: () => this.easel.abandon() || this.#choose(-1),
      "+": () => this.easel.zoom(1.4),
      "=": () => this.easel.zoom(1.4),
      "-": () => this.easel.zoom(1 / 1.4),
      0: () => this.easel.zoom(0),
    };
    return actions[event.key] ?? null;
  }

  /** Acts now, or when the photo that is being opened is there: who types fast must not change the one before. */
  #soon(act) {
    if (this.opening) this.opening.then(() => this.#soon(act));
    else act();
  }

  async #load() {
    const told = await api.photos(byId("label-order").value);
    this.photos = told.photos;
    this.classes = told.classes.length ? told.classes : ["face"];
    if (!this.classes.includes(this.label)) this.label = this.classes[0];
    byId("label-empty").hidden = this.photos.length > 0;
    byId("label-desk").hidden = this.photos.length === 0;
    showFolder("label-folder", this.page.state.data, "images");
    this.list.show(this.photos, this.name);
    this.#showClasses();
  }

  /** Opens a photo once everything of the one before is saved. */
  #open(name) {
    const opening = this.#opened(name).finally(() => {
      if (this.opening !== settled) return;
      this.opening = null;
      this.easel.frozen = false;
    });
    const settled = opening.catch(() => {});
    this.opening = settled;
    this.easel.frozen = true;
    return opening;
  }

  async #opened(name) {
    await this.saver?.working;
    if (this.saver?.failed) await this.saver.save(); // once more; a photo with unsaved boxes is not left
    if (this.saver?.failed) return;
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const picture = new Image();
    picture.src = api.imageOf(name);
    const [told] = await Promise.all([api.labelOf(name), picture.decode().catch(() => {})]);
    if (turn !== this.turn) return;
    this.name = name;
    this.state = told.state;
    this.boxes = new Boxes(told);
    this.saver = new Saver({
      name,
      etag: told.etag || null,
      boxes: this.boxes,
      onsaved: (more) => this.#saved(name, more),
      onconflict: () => this.#conflict(name),
      onerror: (error) => (byId("label-saved").textContent = "Not saved", complain(error)),
    });
    byId("label-saved").textContent = "";
    byId("label-name").textContent = `${name} · ${told.width} × ${told.height}`;
    this.easel.show(api.imageOf(name), this.boxes, this.classes);
    this.#show();
    this.list.markCurrent(this.name);
    this.#fetchNext();
  }

  /** The next photo is fetched while this one is worked on. */
  #fetchNext() {
    const next = this.photos[this.#position() + 1];
    if (next) new Image().src = api.imageOf(next.name);
  }

  #position() {
    return this.photos.findIndex((photo) => photo.name === this.name);
  }

  #step(by) {
    const next = this.photos[this.#position() + by];
    if (next) this.#open(next.name).catch(complain);
    else if (by > 0) this.#atEnd();
  }

  #atEnd() {
    const left = this.photos.find((photo) => photo.state !== "reviewed");
    if (!left) return say("Every photo is reviewed. Next: train.");
    if (left.name === this.name) return say("This is the last photo that is not reviewed.");
    say("That was the last one; here is the first that is not reviewed.");
    this.#open(left.name).catch(complain);
  }

  #choose(number) {
    this.boxes.chosen = number;
    if (this.boxes.current) this.label = this.boxes.current.label;
    this.#show();
  }

  /** Something changed: show it and save it. */
  #edited() {
    this.#show();
    byId("label-saved").textContent = "Saving…";
    return this.saver.save();
  }

  /** `more`: newer boxes are on their way still, so nothing may say "Saved" yet. */
  #saved(name, more) {
    if (name === this.name) {
      this.state = "reviewed";
      if (!more) byId("label-saved").textContent = "Saved";
      this.#show();
    }
    const photo = this.photos.find((one) => one.name === name);
    if (!photo) return;
    photo.state = "reviewed";
    if (name === this.name) photo.faces = this.boxes.list.length;
    this.list.update(photo);
  }

  async #conflict(name) {
    if (name !== this.name) return;
    const mine = this.boxes;
    const dialog = byId("conflict");
    const choice = await new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
      dialog.showModal();
    });
    await this.#open(name).catch(complain);
    if (choice !== "mine" || this.name !== name) return;
    // Their file is taken as the ground: where a box of mine is one of theirs, it keeps their shape's other keys.
    const theirs = this.boxes.list;
    const at = (one) => theirs.findIndex((other) => other.label === one.label && other.box.every((side, i) => Math.abs(side - one.box[i]) < 1));
    this.boxes.list = mine.list.map((one) => ({ ...one, index: theirs[at(one)]?.index ?? null }));
    this.boxes.noFace = mine.noFace;
    this.#edited();
  }

  #accept() {
    if (!this.boxes.list.length && !this.boxes.noFace) {
      say("There is no box yet. Draw one around each face, or press n if there is no face.");
      return;
    }
    this.boxes.chosen = -1;
    this.#edited();
    this.#step(1);
  }

  #none() {
    this.boxes.clear();
    this.#edited();
    this.#step(1);
  }

  #remove() {
    if (this.boxes.remove()) this.#edited();
    else if (this.boxes.list.length) say("Choose a box first.");
  }

  #addInMiddle() {
    const { width, height } = this.boxes;
    const side = Math.round(Math.min(width, height) / 3);
    const [x, y] = [Math.round((width - side) / 2), Math.round((height - side) / 2)];
    if (this.boxes.add(this.label, [x, y, x + side, y + side])) this.#edited();
  }

  #nudge(event, corner) {
    const { current } = this.boxes;
    if (!current) return;
    const [dx, dy] = ARROWS[event.key].map((step) => step * (event.shiftKey ? STRIDE : 1));
    const [x1, y1, x2, y2] = current.box;
    const box = corner ? [x1, y1, Math.max(x1 + 2, x2 + dx), Math.max(y1 + 2, y2 + dy)] : this.boxes.moved(dx, dy);
    if (this.boxes.change({ box })) this.#edited();
  }

  #travel(way) {
    if (this.boxes[way]()) this.#edited();
  }

  #setClass(number) {
    const label = this.classes[number];
    if (!label) return;
    this.label = label;
    if (this.boxes.change({ label })) this.#edited();
    else this.#show();
  }

  async #prelabel() {
    const button = byId("label-prelabel");
    button.disabled = true;
    try {
      const { written } = await api.post("api/prelabel", { names: null });
      say(written ? `The model drew boxes on ${written} ${written === 1 ? "photo" : "photos"}. Dashed ones wait for you.` : "Every photo has labels already.");
      await this.#load();
      await this.#open(this.name);
    } catch (error) {
      complain(error);
    }
    button.disabled = false;
  }

  #show() {
    this.easel.redraw();
    const { list, noFace, current, past, future } = this.boxes;
    byId("label-state").textContent = noFace && !list.length ? "No face" : STATES[this.state];
    byId("label-undo").disabled = past.length === 0;
    byId("label-redo").disabled = future.length === 0;
    byId("label-delete").disabled = !current;
    byId("label-back").disabled = this.#position() <= 0;
    for (const button of byId("label-classes").children) {
      const on = button.dataset.label === (current?.label ?? this.label);
      button.setAttribute("aria-checked", String(on));
      button.tabIndex = on ? 0 : -1;
    }
  }

  #showClasses() {
    const buttons = this.classes.map((label, i) =>
      make(
        "button",
        { type: "button", role: "radio", "data-label": label, "aria-keyshortcuts": i < 9 ? String(i + 1) : null, onclick: () => this.#setClass(i) },
        make("kbd", { text: i < 9 ? String(i + 1) : "" }),
        label.replaceAll("_", " "),
      ),
    );
    byId("label-classes").replaceChildren(...buttons);
  }

  #listen() {
    const on = (id, act) => byId(id).addEventListener("click", () => this.#soon(act));
    on("label-back", () => this.#step(-1));
    on("label-next", () => this.#step(1));
    on("label-undo", () => this.#travel("undo"));
    on("label-redo", () => this.#travel("redo"));
    on("label-delete", () => this.#remove());
    on("label-none", () => this.#none());
    on("label-accept", () => this.#accept());
    on("label-prelabel", () => this.#prelabel());
    // Enter pressed after a click means "accept", not the same button again: the mouse hands the keys back.
    byId("label-desk").addEventListener("click", (event) => {
      if (event.detail > 0 && event.target.closest("button")) byId("label-easel").focus({ preventScroll: true });
    });
    byId("label-order").addEventListener("change", () => this.#load().catch(complain));
  }
}
