// The list of photos beside the one that is labelled, and how many of them are reviewed.

import * as api from "../api.js";
import { byId, make } from "../dom.js";

export class PhotoList {
  /** `onopen(name)`: a photo was chosen. */
  constructor(onopen) {
    this.onopen = onopen;
    this.photos = [];
    this.items = new Map();
  }

  /** All photos again: each has `name`, `state` (unlabelled, prelabelled, reviewed) and `faces`, their number. */
  show(photos, current) {
    this.photos = photos;
    this.items = new Map(photos.map((photo) => [photo.name, this.#itemOf(photo)]));
    byId("label-list").replaceChildren(...this.items.values());
    for (const photo of photos) this.#describe(photo);
    this.markCurrent(current);
    this.#showProgress();
  }

  /** A photo's state or its number of faces is another one now. */
  update(photo) {
    this.#describe(photo);
    this.#showProgress();
  }

  markCurrent(current) {
    for (const [name, item] of this.items) {
      if (name === current) {
        item.firstElementChild.setAttribute("aria-current", "true");
        item.scrollIntoView({ block: "nearest", inline: "nearest" });
      } else {
        item.firstElementChild.removeAttribute("aria-current");
      }
    }
  }

  #itemOf({ name }) {
    const picture = make("img", { src: api.imageOf(name), alt: "", loading: "lazy", decoding: "async" });
    const words = make("span", { class: "what" }, make("span", { class: "name", text: tail(name) }), make("span", { class: "state" }));
    return make("li", {}, make("button", { type: "button", title: name, onclick: () => this.onopen(name) }, picture, words));
  }

  #describe({ name, state, faces }) {
    const item = this.items.get(name);
    const count = faces === 1 ? "1 face" : `${faces} faces`;
    const text = { unlabelled: "not labelled", prelabelled: `${count}, not reviewed`, reviewed: faces ? count : "no face" }[state];
    item.className = state;
    item.querySelector(".state").replaceChildren(text);
    item.firstElementChild.setAttribute("aria-label", `${name}: ${text}`);
    item.classList.toggle("done", state === "reviewed");
  }

  #showProgress() {
    const reviewed = this.photos.filter((photo) => photo.state === "reviewed").length;
    byId("label-progress").textContent = `${reviewed} of ${this.photos.length} reviewed`;
    byId("label-bar").max = Math.max(1, this.photos.length);
    byId("label-bar").value = reviewed;
  }
}

/** The end of a long name: photos of one session begin alike. */
function tail(name) {
  return name.length > 20 ? `…${name.slice(-17)}` : name;
}
