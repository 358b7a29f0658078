// The Report view: how well a run does on photos it never saw, as `facetracker evaluate` writes it.

import * as api from "./api.js";
import { byId, complain } from "./dom.js";
import { tryRun } from "./train/view.js";

export class ReportView {
  title = "Report";
  keysHelp = [["Tab", "into the report, arrows scroll it"]];

  constructor(page) {
    this.page = page;
    byId("report-run").addEventListener("change", ({ target }) => page.go("report", target.value));
    byId("report-try").addEventListener("click", () => tryRun(page, byId("report-run").value, byId("report-try")));
    byId("report-frame").addEventListener("load", () => byId("report-frame").hidden || this.#tell(""));
  }

  async enter(wanted) {
    const runs = this.page.state.runs.filter((run) => run.state !== "running" && run.epoch > 0);
    byId("report-head").hidden = runs.length === 0;
    byId("report-empty").hidden = runs.length > 0;
    if (!runs.length) return this.#show("");
    byId("report-run").replaceChildren(...runs.map((run) => new Option(run.name, run.name)));
    const chosen = runs.some((run) => run.name === wanted) ? wanted : runs[0].name;
    byId("report-run").value = chosen;
    await this.#open(chosen, runs.find((run) => run.name === chosen).has_report);
  }

  leave() {
    this.turn = (this.turn ?? 0) + 1;
  }

  key() {
    return false;
  }

  /** Asks for the report first: making one takes a while, and a refusal is told in the page, not in the frame. */
  async #open(run, ready) {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const url = api.address(`api/runs/${encodeURIComponent(run)}/report`);
    byId("report-open").href = url;
    if (this.shown === url && ready) return;
    this.#show("");
    this.#tell(ready ? "Opening…" : "The run is tested on its photos first, which takes a minute…");
    try {
      const response = await fetch(url);
      if (turn !== this.turn) return;
      if (!response.ok) {
        const told = await response.json().catch(() => ({}));
        throw Object.assign(new Error(told.error ?? `There is no report (${response.status}).`), { fix: told.fix });
      }
      this.#show(url);
    } catch (error) {
      if (turn !== this.turn) return;
      this.#tell(error.message, true);
      complain(error);
    }
  }

  #show(url) {
    this.shown = url;
    const frame = byId("report-frame");
    frame.hidden = !url;
    if (url) frame.src = url;
  }

  #tell(text, bad = false) {
    byId("report-told").textContent = text;
    byId("report-told").classList.toggle("bad", bad);
  }
}
