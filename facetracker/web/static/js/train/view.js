// The Train view: start, watch the curves, stop, resume, and try the result.

import * as api from "../api.js";
import { byId, complain, make, say } from "../dom.js";
import { drawChart } from "./chart.js";

const LEARN = "learn"; // the way that is no preset
const ENOUGH = 5; // reviewed photos below which the page advises to label more
const STATES = { running: "Training", done: "Done", stopped: "Stopped" };

export class TrainView {
  title = "Train";
  keysHelp = [["Enter", "in a field: start training"]];

  constructor(page) {
    this.page = page;
    this.run = null;
    this.rows = [];
    byId("train-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#start().catch(complain);
    });
    byId("train-preset").addEventListener("change", () => this.#showForm());
    byId("train-stop").addEventListener("click", () => this.#stop().catch(complain));
    byId("train-resume").addEventListener("click", () => this.#resume(this.run).catch(complain));
    byId("train-try").addEventListener("click", () => tryRun(this.page, this.run, byId("train-try")));
    new ResizeObserver(() => this.#draw()).observe(byId("train-charts"));
  }

  async enter(wanted) {
    this.#showForm();
    this.#showRuns();
    const { training, runs } = this.page.state;
    const known = (name) => name && (name === training || runs.some((run) => run.name === name));
    const next = known(wanted) ? wanted : training || (known(this.run) ? this.run : runs[0]?.name);
    if (next) this.#watch(next);
    else this.#showCard();
  }

  leave() {
    this.events?.close();
    this.events = null;
    this.watched = null;
  }

  key() {
    return false;
  }

  async #start() {
    const number = (id) => (Number.isNaN(byId(id).valueAsNumber) ? null : byId(id).valueAsNumber);
    const preset = byId("train-preset").value;
    const { run } = await api.post("api/train", {
      preset,
      epochs: preset === LEARN ? null : number("train-epochs"),
      variants: number("train-variants"),
      name: byId("train-name").value || null,
    });
    byId("train-name").value = "";
    await this.#began(run);
  }

  async #stop() {
    byId("train-stop").disabled = true;
    this.#tell("Stopping…");
    await api.post("api/train/stop", {});
  }

  async #resume(name) {
    const { run } = await api.post("api/train/resume", { run: name });
    await this.#began(run);
  }

  async #began(run) {
    await this.#refresh();
    this.watched = null;
    this.#watch(run);
    this.#tell("Preparing…");
  }

  async #refresh() {
    await this.page.refresh();
    this.#showForm();
    this.#showRuns();
  }

  /** Follows a run: its epochs so far come first, then those that happen. */
  #watch(name) {
    if (this.watched === name && this.events?.readyState !== EventSource.CLOSED) return this.#showCard();
    this.events?.close();
    this.run = this.watched = name;
    this.rows = [];
    this.#tell("");
    this.#showCard();
    const events = (this.events = new EventSource(api.address(`api/train/events?run=${encodeURIComponent(name)}`)));
    const on = (kind, act) => events.addEventListener(kind, ({ data }) => events === this.events && act(JSON.parse(data)));
    on("stage", ({ text }) => this.#stage(text).catch(complain));
    on("epoch", (row) => this.#epoch(row));
    on("done", ({ state, text }) => {
      events.close();
      this.#ended(state, text).catch(complain);
    });
  }

  /** What a stage says. A run that is being learnt can be tried by its style as soon as that is there. */
  async #stage(text) {
    this.#tell(text);
    if (this.#known()?.usable || this.rows.length) return;
    await this.page.refresh();
    this.#showCard();
  }

  #epoch(row) {
    this.rows = [...this.rows.filter((one) => one.epoch !== row.epoch), row].sort((a, b) => a.epoch - b.epoch);
    const seconds = Number.isFinite(row.seconds) ? `, ${row.seconds.toFixed(0)} s an epoch` : "";
    if (this.page.state.training === this.run) this.#tell(`Epoch ${row.epoch} of ${this.#epochs()}${seconds}.`);
    this.#showCard();
  }

  async #ended(state, text) {
    const was = this.page.state.training === this.run;
    await this.#refresh();
    // Live may have the style of a run that was still being learnt; now it gets the whole.
    if (was && state === "done" && this.page.state.model.name === this.run) await api.post("api/model", { run: this.run });
    if (state === "failed") this.#tell(text || "The training failed.", true);
    else this.#tell(this.#summary(state));
    this.#showCard();
    if (was && state === "done") say(`${this.run} is ready. Try it.`);
  }

  /** What the epochs, or the learning, came to, in one line. */
  #summary(state) {
    const known = this.#known();
    if (known?.kept) return `Learnt from ${known.photos} photos; kept the ${known.kept}.${aside(known.mean_iou)}`;
    if (!this.rows.length) return state === "stopped" ? "Stopped before the first epoch was over." : "";
    const best = Math.max(...this.rows.map((row) => row.val_mean_iou ?? -1));
    const overlap = best < 0 ? "" : aside(best);
    const count = this.rows.length === 1 ? "1 epoch" : `${this.rows.length} epochs`;
    return `${state === "stopped" ? "Stopped after" : "Trained for"} ${count}.${overlap}`;
  }

  #known() {
    return this.page.state.runs.find((run) => run.name === this.run);
  }

  #epochs() {
    return Math.max(this.#known()?.epochs ?? 0, this.rows.at(-1)?.epoch ?? 0);
  }

  #tell(text, bad = false) {
    byId("train-told").textContent = text;
    byId("train-told").classList.toggle("bad", bad);
  }

  #showForm() {
    const { photos, training, can_train: able } = this.page.state;
    const learns = byId("train-preset").value === LEARN;
    byId("train-amount").hidden = learns;
    byId("train-start").disabled = Boolean(training) || !(able || learns) || (learns && photos.labelled === 0);
    byId("train-start").textContent = training ? `${training} is training` : learns ? "Learn" : "Start training";
    const used = `${photos.labelled} of ${photos.total} photos are reviewed and will be used.`;
    const needs = learns ? " Only the style can be learnt: an own head" : "Training";
    byId("train-photos").textContent = `${able || learns ? used : ""}${able ? "" : `${needs} needs more packages: ${this.page.state.install_training}`}`;
    const few = photos.labelled < ENOUGH;
    byId("train-advice").textContent = few
      ? `${photos.labelled === 0 ? "No photo is reviewed" : photos.labelled === 1 ? "Only 1 is reviewed" : `Only ${photos.labelled} are reviewed`} yet. One is enough for your style, five for an own head; thirty are better.`
      : "Learning starts from your reviewed photos and takes a minute; you can try it after some seconds.";
    byId("train-advice-link").hidden = !few;
    if (photos.total === 0) {
      byId("train-advice-link").href = "#collect";
      byId("train-advice-link").textContent = "Collect photos";
    }
  }

  #showCard() {
    const { training } = this.page.state;
    const known = this.#known();
    const running = training !== null && training === this.run;
    const state = running ? "running" : known?.state;
    byId("train-empty").hidden = Boolean(this.run);
    byId("train-title").textContent = this.run ?? "Training";
    byId("train-state").hidden = !state;
    byId("train-state").textContent = STATES[state] ?? "";
    byId("train-state").className = `pill ${state}`;
    byId("train-stop").hidden = !running;
    byId("train-stop").disabled = false;
    byId("train-resume").hidden = state !== "stopped" || training !== null;
    byId("train-try").hidden = !known?.usable || (running && this.rows.length > 0);
    byId("train-report").hidden = running || !this.rows.length;
    byId("train-report").href = `#report/${encodeURIComponent(this.run ?? "")}`;
    byId("train-charts").hidden = !this.rows.length;
    const progress = byId("train-progress");
    progress.hidden = !running;
    progress.max = Math.max(1, this.#epochs());
    if (this.rows.length) progress.value = this.rows.at(-1).epoch;
    else progress.removeAttribute("value"); // at work, nobody knows how far
    this.#draw();
  }

  #draw() {
    if (!this.rows.length || byId("train-charts").hidden) return;
    const line = (name, look) => ({ look, values: this.rows.filter((row) => Number.isFinite(row[name])).map((row) => [row.epoch, row[name]]) });
    const epochs = this.#epochs();
    drawChart(byId("chart-loss"), [line("total_loss", "one"), line("val_total_loss", "two")], { epochs });
    drawChart(byId("chart-iou"), [line("mean_iou", "one"), line("val_mean_iou", "two")], { epochs, top: 1 });
  }

  #showRuns() {
    const { runs, model } = this.page.state;
    byId("runs-card").hidden = runs.length === 0;
    const items = runs.map((run) => {
      const overlap = run.mean_iou === null ? "" : `, mean IoU ${run.mean_iou.toFixed(2)}`;
      const epochs = run.epochs === null ? "" : `, epoch ${run.epoch} of ${run.epochs}`;
      const kept = run.kept === null ? "" : `, ${run.kept}`;
      const facts = `${STATES[run.state] ?? run.state}${epochs}${kept}${overlap}`;
      const used = model.name === run.name ? make("span", { class: "pill running", text: "in Live" }) : null;
      const curves = run.epoch > 0;
      const show = make("button", { type: "button", text: curves ? "Curves" : "Show", "aria-label": `${curves ? "Curves of" : "Show"} ${run.name}`, onclick: () => this.#watch(run.name) });
      const report = make("a", { class: "button", href: `#report/${encodeURIComponent(run.name)}`, text: "Report", "aria-label": `Report of ${run.name}` });
      const attempt = make("button", { type: "button", text: "Try it", "aria-label": `Try ${run.name}`, onclick: () => tryRun(this.page, run.name, attempt) });
      const over = run.state !== "running";
      return make(
        "li", {}, make("span", { class: "name", text: run.name }), used, make("span", { class: "facts grow", text: facts }),
        show, over && curves ? report : null, over && run.usable ? attempt : null,
      );
    });
    if (runs.length && model.name !== "starter") {
      const back = make("button", { type: "button", text: "Use it again", "aria-label": "Use the starter in Live again", onclick: () => tryRun(this.page, "starter", back) });
      items.push(make("li", {}, make("span", { class: "name", text: "starter" }), make("span", { class: "facts grow", text: "the model that came with the package" }), back));
    }
    byId("train-runs").replaceChildren(...items);
  }
}

function aside(overlap) {
  return overlap === null ? "" : ` On photos kept aside its boxes overlap the drawn ones by ${(100 * overlap).toFixed(0)} %.`;
}

/** Switches Live to a run's model and shows it. */
export async function tryRun(page, run, button) {
  button.disabled = true;
  try {
    await api.post("api/model", { run });
    page.go("live");
    say(`Live uses ${run} now.`);
  } catch (error) {
    complain(error);
  }
  button.disabled = false;
}
