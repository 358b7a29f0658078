// The person's tracker: the starter with a style, learnt as boxes are drawn, used in Live, given away as files.

import { address } from "../address.js";
import { home } from "../live/home.js";
import { withMetadata } from "../runtime/onnx.js";
import { learn } from "../vision/teacher.js";
import { sharesOf } from "./labels.js";
import { store } from "./store.js";

const CARD = "facetracker_card"; // where an ONNX file has its card (facetracker/inference/card.py)
const MINE = "mine";

class Tracker {
  constructor() {
    this.pairs = new Map(); // photo -> {key, pairs}: of boxes that have not changed nothing is worked out again
    this.waiting = new Map();
    this.number = 0;
  }

  /** The starter's files, fetched once; and the card that was learnt, if there is one. */
  open() {
    return (this.opening ??= this.#opened());
  }

  async #opened() {
    const fetched = async (name) => (await fetch(address(name))).arrayBuffer();
    const [card, model] = await Promise.all([fetched("model.json"), fetched("model.onnx")]);
    this.starter = JSON.parse(new TextDecoder().decode(card));
    this.model = model;
    home.files["model.onnx"] = model;
    this.#use((await store.get("things", "card").catch(() => null)) ?? this.starter);
    this.worker = new Worker(new URL("teacher.worker.js", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data }) => this.#hear(data);
    const runtime = new URL("../runtime/", import.meta.url).href;
    this.runtime = await this.#ask("open", { model, card: { ...this.starter, style: null }, runtime });
  }

  get isLearnt() {
    return Boolean(this.card?.style);
  }

  /** Learns from all photos that a person has looked at; `onstep(done, all)` hears how far it is. */
  async learn(onstep = () => {}) {
    await this.open();
    const [photos, labels] = [await store.all("photos"), new Map((await store.all("labels")).map((one) => [one.name, one]))];
    const drawn = photos.filter(({ name }) => labels.get(name)?.content.shapes.length);
    const pairs = [];
    for (const [done, photo] of drawn.entries()) {
      onstep(done, drawn.length);
      const boxes = sharesOf(labels.get(photo.name).content, photo);
      const key = JSON.stringify(boxes);
      if (this.pairs.get(photo.name)?.key !== key) {
        this.pairs.set(photo.name, { key, pairs: await this.#ask("pairs", { blob: photo.blob, boxes }) });
      }
      pairs.push(this.pairs.get(photo.name).pairs);
    }
    onstep(drawn.length, drawn.length);
    const seen = pairs.reduce((sum, one) => sum + one.found.length, 0);
    if (!seen) return { photos: drawn.length, faces: 0, card: null };
    const { style, threshold } = learn(pairs, this.starter.threshold);
    const card = { ...this.starter, style, threshold, name: MINE };
    this.#use(card);
    await store.put("things", "card", card);
    return { photos: drawn.length, faces: seen, card };
  }

  /** The starter as it was, without what was learnt. */
  async forget() {
    await store.delete("things", "card");
    this.pairs.clear();
    this.#use(this.starter);
  }

  /** The faces in a photo as the person would draw them, `{box, score}` in pixels. */
  async detect(blob) {
    await this.open();
    return this.#ask("detect", { blob, style: this.card.style ?? null, threshold: this.card.threshold });
  }

  /** The tracker as an ONNX file, which Python's `Detector.load` takes. */
  asOnnx() {
    const bytes = withMetadata(new Uint8Array(this.model), CARD, JSON.stringify(this.card, null, 2));
    return new Blob([bytes], { type: "application/octet-stream" });
  }

  /** The tracker as one HTML file. */
  async asPage() {
    const shell = await (await fetch(address("tracker.html"))).text();
    const card = JSON.stringify(this.card).replaceAll("<", "\\u003c");
    return new Blob([shell.replaceAll("@@NAME@@", this.card.name).replace("@@CARD@@", () => card)], { type: "text/html" });
  }

  #use(card) {
    this.version = (this.version ?? 0) + (JSON.stringify(card) !== JSON.stringify(this.card));
    this.card = card;
    home.files["model.json"] = new TextEncoder().encode(JSON.stringify(card)).buffer;
  }

  #ask(task, values) {
    const number = ++this.number;
    this.worker.postMessage({ number, task, ...values });
    return new Promise((resolve, reject) => this.waiting.set(number, { resolve, reject }));
  }

  #hear({ number, answer, error }) {
    const { resolve, reject } = this.waiting.get(number);
    this.waiting.delete(number);
    if (error) reject(new Error(error));
    else resolve(answer);
  }
}

export const tracker = new Tracker();
