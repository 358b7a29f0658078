// The Label view: photos one after the other or many on a sheet, boxes drawn, accepted and saved at once.

import * as api from "../api.js";
import { byId, complain, say, showFolder } from "../dom.js";
import { Classes } from "./classes.js";
import { Easel } from "./easel.js";
import { ARROWS, KEYS_HELP, actionOf, actionOnSheet } from "./keys.js";
import { Learner } from "./learner.js";
import { Opened } from "./opened.js";
import { PhotoList } from "./photo_list.js";
import { Queue } from "./queue.js";
import { Sheet } from "./sheet.js";
import { Undoing } from "./undoing.js";

const STATES = { unlabelled: "Not labelled", suggested: "Suggested", prelabelled: "Drawn by the model", reviewed: "Reviewed" };
const STRIDE = 10; // pixels of an arrow key with shift

export class LabelView {
  title = "Label";
  keysHelp = KEYS_HELP;

  constructor(page) {
    this.page = page;
    this.boxes = null;
    this.classes = new Classes((label) => this.#relabel(label), () => this.enter());
    this.easel = new Easel(byId("label-easel"), {
      onchoose: (number) => this.choose(number),
      onadd: (corners) => this.boxes.add(this.classes.label, corners) && this.#edited(),
      onbox: (box) => this.boxes.change({ box }) && this.#edited(),
    });
    this.list = new PhotoList((name) => this.queue.visit(name));
    this.queue = new Queue({
      list: this.list,
      onopen: (name) => this.#open(name).catch(complain),
      onorder: () => this.#load().catch(complain),
    });
    this.learner = new Learner(() => this.#learnt().catch(complain));
    this.undoing = new Undoing();
    this.sheet = new Sheet({
      queue: async () => (await this.queue.load(), this.queue.waiting),
      onsaved: (name, answer, boxes, etag) => this.#savedElsewhere(name, answer, boxes, etag),
      onbatch: (saved) => this.undoing.did(saved),
      onlearner: (told) => this.learner.told(told),
      onclose: (name) => this.showSheet(false, name),
      onerror: complain,
    });
    this.#listen();
  }

  async enter(wanted) {
    this.learner.start();
    await this.#load();
    const name = this.queue.begin(wanted);
    if (name) await this.#open(name);
    if (this.sheet.open) await this.showSheet(true);
  }

  /** The name of the photo that is open. */
  get name() {
    return this.queue.current;
  }

  leave() {
    this.learner.stop();
    this.easel.abandon();
  }

  key(event) {
    if (this.sheet.open) {
      const act = actionOnSheet(event, this, this.sheet);
      act?.();
      return Boolean(act);
    }
    const act = this.boxes && actionOf(event, this);
    if (!act) return false;
    this.#soon(act);
    return true;
  }

  /** Acts now, or when the photo that is being opened is there: who types fast must not change the one before. */
  #soon(act) {
    if (this.opening) this.opening.then(() => this.#soon(act));
    else act();
  }

  /** The sheet of many photos, or one photo: `name`, or the first that waits. */
  async showSheet(open, name = null) {
    byId("label-desk").classList.toggle("on-sheet", open); // first: what fits is measured
    const shown = open && (await this.sheet.show({ label: this.classes.label, classes: this.classes.names }).catch(complain));
    if (open && !shown) say("No photo waits for review.");
    byId("label-desk").classList.toggle("on-sheet", Boolean(shown));
    byId("label-sheet-open").setAttribute("aria-pressed", String(Boolean(shown)));
    if (shown) return;
    this.sheet.hide();
    await this.#load();
    const next = name ?? this.queue.waiting[0];
    if (!next) say("Every photo is reviewed. Next: train.");
    if (next ?? this.name) await this.#open(next ?? this.name).catch(complain);
  }

  async #load() {
    const told = await this.queue.load();
    this.classes.show(told.classes.length ? told.classes : ["face"]);
    byId("label-empty").hidden = told.total > 0;
    byId("label-desk").hidden = told.total === 0;
    showFolder("label-folder", this.page.state.data, "images");
    this.learner.told(told.learner);
  }

  /** Opens a photo once everything of the one before is saved. */
  #open(name, told = null) {
    const opening = this.#fetch(name, told).finally(() => {
      if (this.opening !== settled) return;
      this.opening = null;
      this.easel.frozen = false;
    });
    const settled = opening.catch(() => {});
    this.opening = settled;
    this.easel.frozen = true;
    return opening;
  }

  async #fetch(name, known) {
    if (!(await (this.photo?.settled() ?? true))) return; // a photo with unsaved boxes is not left
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const picture = new Image();
    picture.src = api.imageOf(name);
    const [told] = await Promise.all([known ?? api.labelOf(name), picture.decode().catch(() => {})]);
    if (turn !== this.turn) return;
    this.#take(name, told);
    const next = this.queue.photos[this.queue.position + 1];
    if (next) new Image().src = api.imageOf(next.name); // fetched while this one is worked on
  }

  /** Shows a photo as the server has told it. */
  #take(name, told) {
    this.queue.current = name;
    this.state = told.state;
    this.photo = new Opened(name, told, {
      onsaved: (answer, more) => this.#saved(name, answer, more),
      onconflict: () => this.#conflict(name),
      onerror: (error) => ((byId("label-saved").textContent = "Not saved"), complain(error)),
    });
    this.boxes = this.photo.boxes;
    byId("label-saved").textContent = "";
    byId("label-name").textContent = `${name} · ${told.width} × ${told.height}`;
    this.easel.show(api.imageOf(name), this.boxes, this.classes.names);
    this.#show();
    this.list.markCurrent(this.name);
  }

  step(by) {
    this.queue.step(by);
  }

  choose(number) {
    this.boxes.chosen = number;
    if (this.boxes.current) this.classes.label = this.boxes.current.label;
    this.#show();
  }

  /** Something changed: show it and save it. */
  #edited() {
    this.#show();
    byId("label-saved").textContent = "Saving…";
    return this.photo.saver.save();
  }

  /** `more`: newer boxes are on their way still, so nothing may say "Saved" yet. */
  #saved(name, answer, more) {
    this.learner.told(answer.learner);
    if (name === this.name) {
      this.state = "reviewed";
      if (!more) byId("label-saved").textContent = "Saved";
      this.#show();
    }
    this.queue.mark(name, "reviewed", name === this.name ? this.boxes.list.length : undefined);
  }

  /** A photo was saved on the sheet; `etag` where a person drew on it, which can be undone by itself. */
  #savedElsewhere(name, answer, boxes, etag) {
    this.queue.mark(name, "reviewed", boxes.list.length);
    if (etag) this.undoing.did([{ name, etag }]);
    this.learner.told(answer.learner);
  }

  /** Other boxes are suggested than before: photos that nobody has touched show them. */
  async #learnt() {
    if (this.sheet.open) return this.sheet.follow();
    const free = () => !this.opening && this.photo?.untouched && !this.easel.drag;
    const { name } = this;
    if (!free()) return;
    const told = await api.labelOf(name);
    if (name === this.name && free()) this.#take(name, told); // not opened again: a hand may be on its way
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
    this.boxes.standFor(mine);
    this.#edited();
  }

  accept() {
    if (!this.boxes.list.length && !this.boxes.noFace) {
      say("There is no box yet. Draw one around each face, or press n if there is no face.");
      return;
    }
    this.boxes.chosen = -1;
    this.#finish();
  }

  none() {
    this.boxes.clear();
    this.#finish();
  }

  #finish() {
    const { photo } = this;
    this.#edited().then(() => photo.boxes.fresh && this.undoing.did([{ name: photo.name, etag: photo.saver.etag }]));
    this.queue.goOn(photo.settled()).catch(complain);
  }

  remove() {
    if (this.boxes.remove()) this.#edited();
    else if (this.boxes.list.length) say("Choose a box first.");
  }

  /** The photo itself, into the bin; undo brings it back. */
  async bin() {
    const { name } = this;
    if (!(await this.photo.settled())) return;
    const { ticket } = await api.binPhoto(name);
    this.undoing.did([{ ticket }]);
    say(`${name} is in the bin. Undo brings it back.`);
    await this.#load();
    const next = this.queue.begin(null);
    if (next) await this.#open(next);
  }

  addInMiddle() {
    const { width, height } = this.boxes;
    const side = Math.round(Math.min(width, height) / 3);
    const [x, y] = [Math.round((width - side) / 2), Math.round((height - side) / 2)];
    if (this.boxes.add(this.classes.label, [x, y, x + side, y + side])) this.#edited();
  }

  nudge(event, corner) {
    const { current } = this.boxes;
    if (!current) return;
    const [dx, dy] = ARROWS[event.key].map((step) => step * (event.shiftKey ? STRIDE : 1));
    const [x1, y1, x2, y2] = current.box;
    const box = corner ? [x1, y1, Math.max(x1 + 2, x2 + dx), Math.max(y1 + 2, y2 + dy)] : this.boxes.moved(dx, dy);
    if (this.boxes.change({ box })) this.#edited();
  }

  /** Undo and redo: of this photo's boxes, of its saving, and at last of what was done before. */
  async travel(way) {
    if (!this.sheet.open && this.boxes[way]()) {
      if (way === "redo" || this.boxes.past.length || !this.boxes.fresh) return this.#edited();
      const told = await this.photo.saver.takeBack();
      if (told) await this.#takenBack([this.name], told);
      return;
    }
    if (way === "redo") return;
    const { names, lost, back } = await this.undoing.undo();
    if (back) return this.enter(names[0]);
    if (lost.length) say(`${lost.join(", ")}: changed since, and left as it is.`);
    if (names.length) await this.#takenBack(names);
  }

  /** Photos are as nobody had seen them; the first of them is shown. */
  async #takenBack(names, told = null) {
    if (this.sheet.open) await this.showSheet(true);
    else await this.#open(names[0], told);
    this.learner.told((await this.queue.load()).learner);
  }

  setClass(number) {
    if (this.classes.take(number)) this.#relabel(this.classes.label);
  }

  #relabel(label) {
    this.sheet.label = label;
    for (const tile of this.sheet.tiles) tile.label = label;
    if (this.boxes?.change({ label })) this.#edited();
    else this.#show();
  }

  #show() {
    if (!this.boxes) return;
    this.easel.redraw();
    const { list, noFace, current, past, future } = this.boxes;
    byId("label-state").textContent = noFace && !list.length ? "No face" : this.state === "suggested" && !list.length ? "No face found" : STATES[this.state];
    byId("label-undo").disabled = past.length === 0 && this.undoing.empty;
    byId("label-redo").disabled = future.length === 0;
    byId("label-delete").disabled = !current;
    byId("label-back").disabled = this.queue.position <= 0 && this.queue.visited.length === 0;
    this.classes.mark(current?.label);
  }

  #listen() {
    const on = (id, act) => byId(id).addEventListener("click", () => this.#soon(act));
    on("label-back", () => this.step(-1));
    on("label-next", () => this.step(1));
    on("label-undo", () => this.travel("undo").catch(complain));
    on("label-redo", () => this.travel("redo"));
    on("label-delete", () => this.remove());
    on("label-bin", () => this.bin().catch(complain));
    on("label-none", () => this.none());
    on("label-accept", () => this.accept());
    on("label-sheet-open", () => this.showSheet(!this.sheet.open));
    // Enter pressed after a click means "accept", not the same button again: the mouse hands the keys back.
    byId("label-desk").addEventListener("click", (event) => {
      if (event.detail > 0 && event.target.closest("button")) byId("label-easel").focus({ preventScroll: true });
    });
  }
}
