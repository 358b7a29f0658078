// The film from left to right: a bar for each track, doubtful stretches on it, keyframes as diamonds, and where we are.

import { make, makeSvg, setAttributes } from "../dom.js";
import { colourOf } from "./stage.js";

const WIDE = 1000; // units across
const HIGH = 24; // of a row
const MOST_ROWS = 200;

/** Tells `onseek(frame)` and `onchoose(track)`. */
export class Timeline {
  constructor(list, { onseek, onchoose }) {
    Object.assign(this, { list, onseek, onchoose, count: 1, rows: new Map(), frame: 0 });
    list.addEventListener("pointerdown", (event) => this.#seek(event, true));
    list.addEventListener("pointermove", (event) => event.buttons === 1 && this.seeking && this.#seek(event, false));
    window.addEventListener("pointerup", () => (this.seeking = false));
  }

  /** Tracks and doubts as the server has them; `mark` is where a stretch without a face begins, or null. */
  show({ tracks, doubts, count, chosen, mark }) {
    Object.assign(this, { count, mark });
    this.rows.clear();
    const items = tracks.slice(0, MOST_ROWS).map((track) => {
      const mine = doubts.filter((doubt) => doubt.track === track.number);
      const { item, head } = this.#row(track, mine, track.number === chosen);
      this.rows.set(track.number, head);
      return item;
    });
    if (!items.length) items.push(make("li", { class: "film-none", text: "No face was found. Draw a box around one." }));
    this.list.replaceChildren(...items);
    this.at(this.frame);
  }

  /** Where we are. */
  at(frame) {
    this.frame = frame;
    for (const head of this.rows.values()) setAttributes(head, { x: this.#x(frame), width: Math.max(2, WIDE / this.count) });
  }

  #x(frame) {
    return (WIDE * frame) / this.count;
  }

  #row(track, doubts, chosen) {
    const bar = (first, last, attributes) =>
      makeSvg("rect", { x: this.#x(first), width: Math.max(2, this.#x(last + 1) - this.#x(first)), ...attributes });
    const head = makeSvg("rect", { class: "film-now", y: 0, height: HIGH });
    const svg = makeSvg(
      "svg",
      { viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", class: "film-bar", "data-track": track.number, "aria-hidden": "true" },
      ...track.spans.map(([first, last]) => bar(first, last, { y: 5, height: HIGH - 10, rx: 3, fill: colourOf(track.number), class: "film-span" })),
      ...doubts.map(({ first, last }) => bar(first, last, { y: 2, height: HIGH - 4, class: "film-doubt" })),
    );
    if (this.mark !== null && chosen) svg.append(bar(Math.min(this.mark, this.frame), Math.max(this.mark, this.frame), { y: 0, height: HIGH, class: "film-mark" }));
    svg.append(head);
    const words = [`Track ${track.number}`, track.label, doubts.length && `${doubts.length} doubtful`, track.keys.length && `${track.keys.length} keyframes`];
    const name = make("button", {
      type: "button",
      class: "film-name",
      "aria-pressed": String(chosen),
      "aria-label": words.filter(Boolean).join(", "),
      text: `${track.number} ${track.label}`,
      onclick: () => this.onchoose(track.number),
    });
    name.style.setProperty("--track", colourOf(track.number));
    const lane = make("div", { class: "film-lane" }, svg);
    for (const key of track.keys) {
      const diamond = make("i", { class: "film-key" });
      diamond.style.left = `${(100 * (key + 0.5)) / this.count}%`;
      lane.append(diamond);
    }
    return { item: make("li", {}, name, lane), head };
  }

  #seek(event, begins) {
    const bar = event.target.closest?.(".film-bar") ?? (this.seeking ? this.list.querySelector(".film-bar") : null);
    if (!bar) return;
    this.seeking = true;
    const { left, width } = bar.getBoundingClientRect();
    if (begins) this.onchoose(Number(bar.dataset.track), false);
    this.onseek(Math.floor(((event.clientX - left) / Math.max(1, width)) * this.count));
    event.preventDefault();
  }
}
