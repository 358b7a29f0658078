// The Learn view: from the boxes of a few photos to a tracker of one's own, to try and to take away.

import { byId, complain, make, say } from "../dom.js";
import { hand } from "../live/recorder.js";
import { takeIn } from "./api.js";
import { store } from "./store.js";
import { tracker } from "./tracker.js";
import { zipped } from "./zip.js";

const FEW = 3; // photos from which on a style is worth something
const SHOWN = 6; // photos in the strip
const SIDES = ["Left", "Top", "Right", "Bottom"];
// Which way a side moves when its number is above zero.
const OUTWARDS = [-1, -1, 1, 1];

export class LearnView {
  title = "Learn";
  keysHelp = [["Enter", "learn"]];

  constructor(page) {
    this.page = page;
    const on = (id, act) => byId(id).addEventListener("click", () => act().catch(complain));
    on("learn-start", () => this.#learn());
    on("learn-try", async () => page.go("live"));
    on("learn-page", async () => this.#give(await tracker.asPage(), "mine.html"));
    on("learn-onnx", async () => this.#give(tracker.asOnnx(), "mine.onnx"));
    on("learn-zip", async () => this.#give(await this.#zip(), "photos.zip"));
    on("learn-forget", () => this.#forget());
    on("learn-delete", () => this.#delete());
    byId("learn-files").addEventListener("change", ({ target }) => this.#takeIn(target).catch(complain));
  }

  async enter() {
    const { labelled, total } = this.page.state.photos;
    byId("learn-advice").textContent = !total
      ? "Collect some photos first, or add your own."
      : labelled < FEW
        ? `${labelled} of ${total} photos looked at. Draw boxes in ${FEW} or more: ten are good.`
        : `${labelled} of ${total} photos looked at. That is enough to learn from.`;
    byId("learn-start").disabled = labelled === 0;
    byId("learn-zip").disabled = byId("learn-delete").disabled = total === 0;
    this.#show(tracker.isLearnt ? tracker.card : null);
  }

  leave() {}

  key(event) {
    if (event.key !== "Enter" || event.target.closest("button, a, input, label") || byId("learn-start").disabled) return false;
    this.#learn().catch(complain);
    return true;
  }

  async #learn() {
    const button = byId("learn-start");
    button.disabled = true;
    const began = performance.now();
    try {
      const bar = byId("learn-progress");
      bar.hidden = false;
      const learnt = await tracker.learn((done, all) => Object.assign(bar, { value: done, max: Math.max(all, 1) }));
      bar.hidden = true;
      if (!learnt.card) return say("The starter sees no face where you drew boxes.", "error", "Draw them around faces.");
      const seconds = (performance.now() - began) / 1000;
      const time = seconds < 0.1 ? "at once" : `in ${seconds.toFixed(1)} s`; // most was learnt while boxes were drawn
      byId("learn-told").textContent = `Learnt from ${learnt.faces} ${learnt.faces === 1 ? "face" : "faces"} ${time}.`;
      this.#show(learnt.card);
      await this.#strip();
    } finally {
      button.disabled = false;
      byId("learn-progress").hidden = true;
    }
  }

  #show(card) {
    byId("learn-result").hidden = !card;
    for (const id of ["learn-try", "learn-page", "learn-onnx", "learn-forget"]) byId(id).disabled = !card;
    if (!card) return;
    byId("learn-style").replaceChildren(
      ...SIDES.map((side, i) => {
        const way = card.style[i] * OUTWARDS[i];
        const text = Math.abs(way) < 0.005 ? "the same" : `${Math.round(Math.abs(way) * 100)} % ${way > 0 ? "out" : "in"}`;
        return make("div", {}, make("dt", { text: side }), make("dd", { text }));
      }),
    );
    const counts = card.threshold.toFixed(2);
    byId("learn-counts").textContent = `Your boxes beside the starter's: how far each side lies out or in. A face counts from ${counts}.`;
  }

  /** Photos with the person's boxes and the tracker's, one over the other. */
  async #strip() {
    const labels = await store.all("labels");
    const drawn = labels.filter(({ content }) => content.shapes.length).slice(0, SHOWN);
    const pictures = await Promise.all(
      drawn.map(async ({ name, content }) => {
        const { blob } = await store.get("photos", name);
        const [picture, faces] = [await createImageBitmap(blob), await tracker.detect(blob)];
        const scale = 320 / picture.width;
        const canvas = make("canvas", { width: 320, height: Math.round(picture.height * scale), role: "img", "aria-label": `${name}: your box, and the tracker's` });
        const context = canvas.getContext("2d");
        context.drawImage(picture, 0, 0, canvas.width, canvas.height);
        picture.close();
        const outline = (box, colour, dash) => {
          Object.assign(context, { strokeStyle: colour, lineWidth: 2.5 });
          context.setLineDash(dash);
          context.strokeRect(box[0] * scale, box[1] * scale, (box[2] - box[0]) * scale, (box[3] - box[1]) * scale);
        };
        for (const { points } of content.shapes) if (points?.length === 2) outline(points.flat(), "#ffd24a", [6, 4]);
        for (const { box } of faces) outline(box, "#22c7e8", []);
        return make("li", {}, canvas);
      }),
    );
    byId("learn-strip").replaceChildren(...pictures);
  }

  #give(blob, name) {
    say(`Saved ${hand(blob, name)} to your downloads.`);
  }

  /** Photos and labels as labelme and facetracker read them. */
  async #zip() {
    const files = [];
    for (const { file, blob } of await store.all("photos")) {
      files.push({ path: `data/images/${file}`, bytes: new Uint8Array(await blob.arrayBuffer()) });
    }
    for (const { name, content } of await store.all("labels")) {
      files.push({ path: `data/labels/${name}.json`, bytes: new TextEncoder().encode(JSON.stringify(content, null, 2)) });
    }
    return zipped(files);
  }

  async #takeIn(input) {
    const files = [...input.files];
    input.value = "";
    const rejects = await takeIn(files);
    if (rejects.length) say(`Left out: ${rejects.slice(0, 3).join("; ")}${rejects.length > 3 ? " …" : ""}`, "error");
    else say(`${files.length} ${files.length === 1 ? "file" : "files"} added.`);
    await this.page.refresh();
    await this.enter();
  }

  async #forget() {
    await tracker.forget();
    byId("learn-told").textContent = "";
    byId("learn-strip").replaceChildren();
    await this.page.refresh();
    await this.enter();
  }

  async #delete() {
    const dialog = byId("learn-sure");
    dialog.returnValue = "";
    dialog.showModal();
    await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
    if (dialog.returnValue !== "delete") return;
    await Promise.all(["photos", "labels", "things"].map((kind) => store.clear(kind)));
    location.reload();
  }
}
