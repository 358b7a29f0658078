// The Collect view: photos from the camera into the data folder, as `facetracker collect` would have named them.

import * as api from "./api.js";
import { byId, complain, make, say, showFolder } from "./dom.js";
import { recordFilm, SECONDS } from "./film/record.js";
import { listCameras, Source } from "./live/source.js";

const COUNTDOWN = 3; // seconds
const QUALITY = 0.95;
const FLASH = 120; // ms
const THUMBS = 60;

export class CollectView {
  title = "Collect";
  keysHelp = [["Space", "start, stop"]];

  constructor(page) {
    this.page = page;
    this.video = byId("collect-video");
    this.source = new Source({ video: this.video, onend: (error) => (this.#close(), complain(error)) });
    this.running = null; // an AbortController while photos are taken
    byId("collect-begin").addEventListener("click", () => this.#open().catch(complain));
    byId("collect-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.toggle();
    });
    byId("collect-film").addEventListener("click", () => {
      if (this.running) this.running.abort();
      else if (byId("collect-session").reportValidity()) this.#film().catch(complain);
    });
    byId("collect-count").addEventListener("input", () => this.#name());
    byId("collect-source").addEventListener("change", () => this.opened && this.#open().catch(complain));
    this.#close();
  }

  async enter() {
    showFolder("collect-folder", this.page.state.data, "images");
    byId("collect-film").parentElement.hidden = Boolean(this.page.state.alone); // a film's frames go to a server
    await listCameras(byId("collect-source"));
  }

  leave() {
    this.running?.abort();
    this.#close();
  }

  key(event) {
    if (event.key !== " " || event.target.closest("button, a, input, label")) return false;
    this.toggle();
    return true;
  }

  toggle() {
    if (this.running) this.running.abort();
    else if (byId("collect-form").reportValidity()) this.#collect().catch(complain);
  }

  async #open() {
    const camera = await this.source.startCamera(byId("collect-source").value);
    this.opened = true;
    this.#show(true);
    await listCameras(byId("collect-source"), camera);
  }

  #close() {
    this.source.stop();
    this.opened = false;
    this.#show(false);
  }

  #show(open) {
    byId("collect-stage").classList.toggle("idle", !open);
    byId("collect-empty").hidden = open;
  }

  async #collect() {
    if (!this.opened) await this.#open();
    const wanted = byId("collect-count").valueAsNumber;
    const pause = byId("collect-interval").valueAsNumber * 1000;
    const stop = (this.running = new AbortController());
    this.#name();
    byId("collect-progress").max = wanted;
    byId("collect-progress").value = 0;
    byId("collect-next").hidden = true;
    let taken = 0;
    let alike = 0;
    try {
      const { session } = await api.post("api/session", { name: byId("collect-session").value || null });
      await this.#countDown(stop.signal);
      let due = performance.now();
      while (taken < wanted && !stop.signal.aborted) {
        const name = await this.#takeOne(session);
        if (name) taken += 1;
        else alike += 1;
        this.#tell(taken, wanted, alike);
        due = Math.max(due + pause, performance.now());
        if (taken < wanted) await wait(due - performance.now(), stop.signal);
      }
    } finally {
      this.running = null;
      byId("collect-countdown").hidden = true;
      this.#name();
      byId("collect-next").hidden = taken === 0;
    }
    if (taken > 0) say(`${taken} ${taken === 1 ? "photo" : "photos"} in ${this.page.state.data}/images.`);
  }

  /** Records a film in place of photos. */
  async #film() {
    if (!this.opened) await this.#open();
    const stop = (this.running = new AbortController());
    const told = byId("collect-told");
    this.#name(true);
    byId("collect-film-next").hidden = true;
    byId("collect-progress").max = SECONDS;
    try {
      const name = await recordFilm(this.video, {
        word: byId("collect-session").value,
        signal: stop.signal,
        ontell: (seconds) => {
          byId("collect-progress").value = seconds;
          told.textContent = `Recording: ${Math.floor(seconds)} of ${SECONDS} seconds. Move about, turn your head.`;
        },
      });
      told.textContent = name ? `${name} is recorded.` : "Nothing was recorded.";
      const next = byId("collect-film-next");
      next.href = `#film/${encodeURIComponent(name ?? "")}`;
      next.hidden = !name;
    } finally {
      this.running = null;
      this.#name();
    }
  }

  async #countDown(signal) {
    const shown = byId("collect-countdown");
    for (let left = COUNTDOWN; left > 0 && !signal.aborted; left--) {
      shown.hidden = false;
      shown.textContent = String(left);
      await wait(1000, signal);
    }
    shown.hidden = true;
  }

  /** Takes one photo; null when it looks like the one before and was not kept. */
  async #takeOne(session) {
    const canvas = new OffscreenCanvas(this.video.videoWidth, this.video.videoHeight);
    canvas.getContext("2d", { alpha: false }).drawImage(this.video, 0, 0);
    const photo = await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
    const keep = byId("collect-similar").checked ? "&keep_similar=1" : "";
    let answer;
    try {
      answer = await api.ask(`api/collect?session=${encodeURIComponent(session)}${keep}`, { method: "POST", body: photo });
    } catch (error) {
      if (error.status === 409 && error.told?.similar) return null;
      throw error;
    }
    const flash = byId("collect-flash");
    flash.hidden = false;
    setTimeout(() => (flash.hidden = true), FLASH);
    this.#addThumb(photo, answer.name);
    return answer.name;
  }

  #addThumb(photo, name) {
    const url = URL.createObjectURL(photo);
    const picture = make("img", { src: url, alt: name, title: name, onload: () => URL.revokeObjectURL(url) });
    const list = byId("collect-thumbs");
    list.prepend(make("li", {}, picture));
    while (list.children.length > THUMBS) list.lastChild.remove();
  }

  #tell(taken, wanted, alike) {
    byId("collect-progress").value = taken;
    const left = alike ? `, ${alike} left out because nothing had changed: move a little` : "";
    byId("collect-told").textContent = `${taken} of ${wanted} photos${left}.`;
  }

  #name(filming = false) {
    byId("collect-film").lastElementChild.textContent = filming ? "Stop recording" : `Record ${SECONDS} seconds`;
    byId("collect-film").setAttribute("aria-pressed", String(filming));
    byId("collect-film").disabled = Boolean(this.running) && !filming;
    byId("collect-start").disabled = filming;
    const count = byId("collect-count").valueAsNumber || 0;
    const button = byId("collect-start");
    button.textContent = this.running ? "Stop" : `Take ${count} ${count === 1 ? "photo" : "photos"}`;
    button.classList.toggle("primary", !this.running);
  }
}

/** Waits, or until the signal ends the waiting. */
function wait(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.max(0, ms));
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
