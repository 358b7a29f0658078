// The Live view: frames from the source, looked at in one of two ways, drawn with their faces.

import { byId, complain, say } from "../dom.js";
import { remember, remembered } from "../memory.js";
import { drawFaces, drawPicture, hideFaces, mirrored } from "./draw.js";
import { Framing } from "./framing.js";
import { Prepared } from "./prepared.js";
import { Recorder, save } from "./recorder.js";
import { LARGE, SMALL, Source, listCameras } from "./source.js";
import { Stats } from "./stats.js";
import { Way } from "./way.js";

const PATIENCE = 150; // ms without an answer after which the picture moves on with the last boxes
const TOLD_EVERY = 400; // ms between two updates of the figures
const SHARPEST = 2; // canvas pixels to a CSS pixel at most

export class LiveView {
  title = "Live";
  keysHelp = [
    ["Space", "start, stop"],
    ["m", "mirror"],
    ["b", "blur faces"],
    ["p", "dots on eyes, nose and mouth"],
    ["f", "frame the faces, in the next shape"],
    ["s", "snapshot"],
    ["r", "record, stop recording"],
    ["w", "model on the server or in this tab"],
    ["-  +", "threshold down, up"],
  ];

  constructor(page) {
    this.page = page;
    this.stats = new Stats();
    this.recorder = new Recorder();
    this.prepared = new Prepared();
    this.framing = new Framing();
    this.source = new Source({ onframe: (frame, at) => this.#take(frame, at), onend: (error) => this.#ended(error) });
    this.picture = byId("live-picture").getContext("2d", { alpha: false });
    this.whole = document.createElement("canvas").getContext("2d", { alpha: false });
    this.overlay = byId("live-overlay").getContext("2d");
    this.stage = byId("live-stage");
    this.classes = ["face"];
    this.#forget();
    this.#restore();
    this.#listen();
    new ResizeObserver(() => this.#drawOverlay()).observe(this.stage);
    this.#idle(true);
  }

  /** `#live?way=tab&autostart=1` starts by itself: for benchmarks, and for a bookmark. */
  async enter(detail, query) {
    const { model, alone } = this.page.state;
    this.alone = Boolean(alone); // a page without a server: the model runs in the tab or nowhere
    byId("way-choice").hidden = this.alone;
    if (this.alone) byId("way-tab").checked = true;
    byId("live-model").textContent = model.name;
    byId("live-model").title = model.name;
    this.classes = model.classes;
    const able = model.in_tab;
    byId("way-tab").disabled = !able;
    if (!able) byId("way-server").checked = true;
    if (this.alone) byId("way-hint").textContent = "The model runs in this tab. No frame leaves it.";
    else byId("way-hint").textContent = able ? "" : "This model has no ONNX file, so it cannot run in the tab.";
    // A tracker that was learnt meanwhile has a threshold of its own; one that the person chose stays.
    if (remembered("threshold", null) === null) this.#setThreshold(model.threshold, false);
    await this.#listCameras();
    if (query.get("way")) byId(query.get("way") === "tab" && able ? "way-tab" : "way-server").checked = true;
    if (query.get("autostart") && !this.source.running) await this.start();
  }

  leave() {
    this.stop();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const onControl = event.target.closest("button, a, input, label");
    const actions = {
      m: () => byId("live-mirror").click(),
      b: () => byId("live-blur").click(),
      p: () => byId("live-points").click(),
      f: () => this.#nextShape(),
      s: () => byId("live-snapshot").click(),
      r: () => byId("live-record").click(),
      w: () => this.alone || byId(this.wayName === "server" ? "way-tab" : "way-server").click(),
      "-": () => this.#setThreshold(Math.max(0.05, this.threshold - 0.05)),
      "+": () => this.#setThreshold(Math.min(0.95, this.threshold + 0.05)),
    };
    if (event.key === " " && !onControl) this.toggle();
    else if (actions[event.key]) actions[event.key]();
    else return false;
    return true;
  }

  get wayName() {
    return byId("way-tab").checked ? "tab" : "server";
  }

  toggle() {
    if (this.source.running) this.stop();
    else this.start();
  }

  /** Starts the camera that is chosen, or the file. */
  async start(file = null) {
    const chosen = byId("live-source").value;
    if (chosen === "file" && !file) return byId("live-file").click();
    this.stop();
    this.#openWay();
    byId("live-toggle").textContent = "Stop";
    try {
      if (file) await this.source.startFile(file);
      const camera = file ? "" : await this.source.startCamera(chosen);
      this.#idle(false);
      if (!file) await this.#listCameras(camera);
    } catch (error) {
      this.stop();
      complain(error);
    }
  }

  stop() {
    if (this.recorder.recording) this.#record();
    this.source.stop();
    this.way?.close();
    this.way = null;
    this.#forget();
    this.#idle(true);
  }

  #openWay() {
    this.way?.close();
    this.#forget();
    this.stats.reset(this.wayName);
    const name = this.wayName;
    this.way = new Way(name, {
      threshold: this.threshold,
      onread: ({ picture }) => this.prepared.prepare(picture),
      onfaces: (answer) => this.#answered(answer),
      onerror: (error) => this.#failed(name, error),
      onready: (told) => this.#ready(told),
    });
  }

  /** Says how the model runs here: browsers differ. */
  #ready({ classes, runtime }) {
    this.classes = classes ?? this.classes;
    byId("way-hint").textContent = runtime ? `In this tab, by ${runtime}.` : "";
    this.source.again(); // a picture whose looks were over before the model was there
  }

  #forget() {
    this.last = { faces: [], width: 0, height: 0 };
    this.drawn = 0;
    this.framing.forget();
  }

  /** A new frame: the way gets it, and the page keeps it until the answer is there. */
  async #take(frame, at) {
    const { way } = this;
    if (!way) return frame.close();
    const still = !(typeof VideoFrame === "function" && frame instanceof VideoFrame);
    const copy = still ? await createImageBitmap(frame) : frame.clone();
    if (way !== this.way) return copy.close(), frame.close();
    if (!byId("live-blur").checked && at - this.drawn > PATIENCE) this.#drawPicture(frame);
    way.offer(copy, { picture: frame, at });
  }

  #answered(answer) {
    const { picture, at } = answer.kept;
    this.last = answer;
    this.source.heard();
    this.framing.see(answer, at, this.source.still);
    this.#drawPicture(picture);
    picture.close();
    const now = performance.now();
    this.drawn = now;
    this.stats.count(answer, at, now);
    if (now - (this.told ?? 0) > TOLD_EVERY || this.source.still) this.#tell(now);
  }

  #drawPicture(frame) {
    const width = frame.displayWidth ?? frame.width;
    const height = frame.displayHeight ?? frame.height;
    const size = this.framing.size(width, height);
    if (fitted(this.picture.canvas, ...size)) this.stage.style.aspectRatio = size.join(" / ");
    const whole = this.framing.on ? this.whole : this.picture;
    fitted(whole.canvas, ...(this.framing.on ? [width, height] : size));
    drawPicture(whole, this.prepared.of(frame), this.mirror);
    if (byId("live-blur").checked) hideFaces(whole, this.#facesHidden());
    if (this.framing.on) this.framing.cut(this.picture, whole.canvas, this.mirror);
    const faces = this.#facesShown();
    this.#drawOverlay(faces);
    if (this.recorder.recording) this.#compose(this.recorder.context, faces);
  }

  /** Whose boxes are drawn: nobody's in a framed picture, which is there to be looked at. */
  #facesShown() {
    if (this.framing.on) return [];
    const { faces, width } = this.last;
    return this.mirror ? mirrored(faces, width) : faces;
  }

  /** Whom the page hides: the faces that it shows, and all that may be one but has no number yet. */
  #facesHidden() {
    const { faces, found = [], width } = this.last;
    return this.mirror ? mirrored([...faces, ...found], width) : [...faces, ...found];
  }

  /** The boxes, on a canvas as sharp as the screen. */
  #drawOverlay(faces = this.#facesShown()) {
    const { canvas } = this.overlay;
    const shown = this.picture.canvas;
    const room = this.stage.getBoundingClientRect();
    const fit = Math.min(room.width / shown.width, room.height / shown.height);
    const sharp = Math.min(window.devicePixelRatio || 1, SHARPEST);
    const width = Math.max(1, Math.round(shown.width * fit * sharp));
    const height = Math.max(1, Math.round(shown.height * fit * sharp));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    else this.overlay.clearRect(0, 0, width, height);
    drawFaces(this.overlay, faces, width / shown.width, this.classes, byId("live-points").checked);
  }

  #compose(context, faces) {
    context.drawImage(this.picture.canvas, 0, 0, context.canvas.width, context.canvas.height);
    const scale = context.canvas.width / this.picture.canvas.width;
    drawFaces(context, faces, scale, this.classes, byId("live-points").checked);
  }

  #tell(now) {
    this.told = now;
    const median = this.stats.median();
    byId("live-faces").textContent = String(this.last.faces.length);
    byId("live-fps").textContent = this.source.still ? "–" : this.stats.fps.toFixed(0);
    byId("live-latency").textContent = median === null ? "–" : `${median.toFixed(median < 10 ? 1 : 0)} ms`;
  }

  #failed(name, error) {
    if (error.fatal && name === "tab" && !this.alone) {
      byId("way-server").checked = true;
      say(`The model does not run in this tab: ${error.error}`, "error", error.fix ?? "It runs on the server now.");
      if (this.source.running) this.#openWay();
    } else if (error.error !== this.lastFault || performance.now() - this.faultAt > 10_000) {
      this.lastFault = error.error;
      this.faultAt = performance.now();
      say(error.error, "error", error.fix);
    }
  }

  #ended(error) {
    this.stop();
    complain(error);
  }

  #idle(idle) {
    this.stage.classList.toggle("idle", idle);
    byId("live-empty").hidden = !idle;
    byId("live-toggle").textContent = idle ? "Start" : "Stop";
    byId("live-toggle").classList.toggle("primary", idle);
    for (const id of ["live-snapshot", "live-record"]) byId(id).disabled = idle;
    if (idle) for (const id of ["live-faces", "live-fps", "live-latency"]) byId(id).textContent = "–";
    if (idle) this.overlay.clearRect(0, 0, this.overlay.canvas.width, this.overlay.canvas.height);
  }

  #setThreshold(value, keep = true) {
    this.threshold = Math.round(value * 100) / 100;
    byId("live-threshold").value = String(this.threshold);
    byId("live-threshold-value").textContent = this.threshold.toFixed(2);
    if (keep) remember("threshold", this.threshold);
    this.way?.change({ threshold: this.threshold });
    this.source.again();
  }

  async #listCameras(running = "") {
    const select = byId("live-source");
    await listCameras(select, running, [new Option("A film or photo…", "file")]);
    byId("live-begin").textContent = select.value === "file" ? "Choose a film or photo" : "Start the camera";
  }

  #snapshot() {
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: this.picture.canvas.width, height: this.picture.canvas.height });
    this.#compose(canvas.getContext("2d", { alpha: false }), this.#facesShown());
    canvas.toBlob((blob) => say(`Saved ${save(blob, "png")} to your downloads.`), "image/png");
  }

  async #record() {
    const button = byId("live-record");
    const { width, height } = this.picture.canvas;
    try {
      if (this.recorder.recording) say(`Saved ${await this.recorder.stop()} to your downloads.`);
      else this.recorder.start(width, height);
    } catch (error) {
      complain(error);
    }
    button.setAttribute("aria-pressed", String(this.recorder.recording));
    button.lastElementChild.textContent = this.recorder.recording ? "Stop" : "Record";
    byId("live-recording").hidden = !this.recorder.recording;
    byId("live-frame").disabled = this.recorder.recording; // a film has one shape
  }

  #restore() {
    this.threshold = remembered("threshold", null);
    if (this.threshold !== null) this.#setThreshold(this.threshold, false);
    byId("live-mirror").checked = this.mirror = remembered("mirror", true);
    byId("live-blur").checked = remembered("blur", false);
    byId("live-points").checked = remembered("points", false);
    this.#frame(remembered("frame", ""));
    byId(remembered("way", "server") === "tab" ? "way-tab" : "way-server").checked = true;
  }

  /** Frames the faces in a shape, or shows the whole picture. */
  #frame(shape) {
    const select = byId("live-frame");
    select.value = shape;
    if (select.selectedIndex < 0) select.value = "";
    this.framing.choose(select.value);
    this.source.wanted = this.framing.on ? LARGE : SMALL;
  }

  #nextShape() {
    const select = byId("live-frame");
    if (select.disabled) return;
    select.selectedIndex = (select.selectedIndex + 1) % select.options.length;
    select.dispatchEvent(new Event("change"));
  }

  #listen() {
    byId("live-toggle").addEventListener("click", () => this.toggle());
    byId("live-begin").addEventListener("click", () => this.start());
    byId("live-snapshot").addEventListener("click", () => this.#snapshot());
    byId("live-record").addEventListener("click", () => this.#record());
    byId("live-form").addEventListener("submit", (event) => event.preventDefault());
    byId("live-threshold").addEventListener("input", ({ target }) => this.#setThreshold(Number(target.value)));
    byId("live-mirror").addEventListener("change", ({ target }) => {
      this.mirror = target.checked;
      remember("mirror", this.mirror);
      this.source.again();
    });
    byId("live-blur").addEventListener("change", ({ target }) => {
      remember("blur", target.checked);
      this.source.again();
    });
    byId("live-points").addEventListener("change", ({ target }) => {
      remember("points", target.checked);
      this.#drawOverlay();
    });
    byId("live-frame").addEventListener("change", ({ target }) => {
      this.#frame(target.value);
      remember("frame", target.value);
      this.source.resize();
      this.source.again();
    });
    for (const id of ["way-server", "way-tab"]) {
      byId(id).addEventListener("change", () => {
        remember("way", this.wayName);
        if (this.source.running) this.#openWay();
        this.source.again();
      });
    }
    byId("live-source").addEventListener("change", ({ target }) => {
      byId("live-begin").textContent = target.value === "file" ? "Choose a film or photo" : "Start the camera";
      if (target.value === "file") byId("live-file").click();
      else if (this.source.running) this.start();
    });
    byId("live-file").addEventListener("change", ({ target }) => {
      const [file] = target.files;
      target.value = "";
      byId("live-source").value = "file";
      if (file) this.start(file);
    });
  }
}

/** Gives a canvas this size; whether it had another. */
function fitted(canvas, width, height) {
  if (canvas.width === width && canvas.height === height) return false;
  Object.assign(canvas, { width, height });
  return true;
}
