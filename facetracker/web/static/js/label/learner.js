// Where the learning while labelling stands: who draws the boxes now, and what a person has done so far.

import * as api from "../api.js";
import { byId } from "../dom.js";

const ASK_EVERY = 4000; // ms; an own head takes over in the background
const BY = { starter: "Boxes by the starter", style: "Boxes in your style", "own head": "Boxes by a head of your own" };

export class Learner {
  /** `onnews()`: other boxes are suggested than before. */
  constructor(onnews) {
    this.onnews = onnews;
    this.version = -1;
    this.timer = null;
  }

  start() {
    this.timer ??= setInterval(() => document.hidden || this.#ask(), ASK_EVERY);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
  }

  /** What the server told of it with an answer. */
  told(learner) {
    if (!learner) return;
    const known = this.version;
    this.version = learner.version;
    const parts = ["drawn", "corrected", "accepted"].filter((how) => learner[how]).map((how) => `${learner[how]} ${how}`);
    byId("label-counter").textContent = parts.join(" · ");
    byId("label-by").textContent = BY[learner.by] ?? "";
    byId("label-by").classList.toggle("learnt", learner.by !== "starter");
    if (known >= 0 && known !== learner.version) this.onnews();
  }

  async #ask() {
    try {
      this.told(await api.ask("api/learner"));
    } catch {
      // the server is away; whatever a person does next says so
    }
  }
}
