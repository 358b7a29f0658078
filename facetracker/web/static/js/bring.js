// Files that a person brings: chosen in a dialog or dropped on a view, whole folders too; sent in parts.

import * as api from "./api.js";
import { byId, complain, say } from "./dom.js";

const PART = 3_500_000; // bytes in one request
const AT_ONCE = 3; // files on their way at the same time
const MOST_TOLD = 3; // files that were left out, by name

export class Bringer {
  /** `onbrought(told)`: files have come; `photos` are the names of the new ones, `films` those of films. */
  constructor({ views, buttons, folders, onbrought }) {
    this.onbrought = onbrought;
    this.files = byId("bring-files");
    this.folder = byId("bring-folder");
    for (const id of buttons) byId(id).addEventListener("click", () => this.files.click());
    for (const id of folders) byId(id).addEventListener("click", () => this.folder.click());
    for (const input of [this.files, this.folder]) {
      input.addEventListener("change", () => {
        const chosen = [...input.files];
        input.value = ""; // the same files can be chosen again
        this.bring(chosen).catch(complain);
      });
    }
    for (const id of views) this.#takeDrops(byId(id));
  }

  /** Brings files one after the other, and says what became of them. */
  async bring(files) {
    // Label files last: they need their photos. What a folder holds besides is nobody's business here.
    const wanted = files.filter((file) => !file.name.startsWith(".")).sort((a, b) => isLabel(a) - isLabel(b));
    if (!wanted.length || this.working) return;
    this.working = true;
    const told = { photos: [], films: [], labels: 0, known: 0, left: [] };
    const bar = byId("bring-progress");
    byId("bring-told").hidden = false;
    bar.max = wanted.reduce((sum, file) => sum + file.size, 0) || 1;
    bar.value = 0;
    try {
      for (const some of [wanted.filter((file) => !isLabel(file)), wanted.filter(isLabel)]) {
        await Promise.all(
          Array.from({ length: AT_ONCE }, async () => {
            for (let file = some.shift(); file; file = some.shift()) {
              byId("bring-text").textContent = file.name;
              await this.#one(file, told, (bytes) => (bar.value += bytes));
            }
          }),
        );
      }
    } finally {
      this.working = false;
      byId("bring-told").hidden = true;
    }
    this.#tell(told);
    this.onbrought(told);
  }

  async #one(file, told, came) {
    let answer = { ticket: "" };
    try {
      for (let at = 0; at < file.size || at === 0; at += PART) {
        const query = new URLSearchParams({ name: file.name, size: file.size, at, ticket: answer.ticket });
        const body = new Blob([file.slice(at, at + PART)], { type: "application/octet-stream" });
        answer = await api.ask(`api/bring?${query}`, { method: "POST", body });
        came(Math.min(PART, file.size - at));
      }
      told.photos.push(...answer.photos);
      told.films.push(...answer.films);
      told.labels += answer.labels;
      told.known += answer.known;
      told.left.push(...answer.left_out.map(({ name, why }) => `${name} ${why}`));
    } catch (error) {
      if (!error.status) throw error; // the server is gone: the other files would not come either
      told.left.push(error.message.startsWith(file.name) ? error.message : `${file.name}: ${error.message}`);
    }
  }

  #tell({ photos, films, labels, known, left }) {
    const parts = [];
    if (photos.length) parts.push(`${photos.length} ${photos.length === 1 ? "photo" : "photos"}`);
    if (labels) parts.push(`labels of ${labels}`);
    if (known) parts.push(`${known} known already`);
    if (parts.length) say(`Brought: ${parts.join(", ")}.`);
    for (const film of films) say(`${film} is in films. Label it under Film, or: facetracker label films/${film}`);
    if (left.length) {
      const more = left.length > MOST_TOLD ? ` and ${left.length - MOST_TOLD} more` : "";
      say(`Left out: ${left.slice(0, MOST_TOLD).join("; ")}${more}.`, "error");
    }
  }

  #takeDrops(view) {
    let inside = 0;
    const holdsFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    view.addEventListener("dragenter", (event) => holdsFiles(event) && ((inside += 1), view.classList.add("dropping")));
    view.addEventListener("dragleave", (event) => holdsFiles(event) && (inside -= 1) <= 0 && view.classList.remove("dropping"));
    view.addEventListener("dragover", (event) => holdsFiles(event) && event.preventDefault());
    view.addEventListener("drop", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      inside = 0;
      view.classList.remove("dropping");
      filesIn(event.dataTransfer).then((files) => this.bring(files)).catch(complain);
    });
  }
}

function isLabel(file) {
  return file.name.toLowerCase().endsWith(".json");
}

/** The files that were dropped, those in dropped folders too. */
async function filesIn(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files];
  const files = [];
  const walk = async (entry) => {
    if (entry.isFile) files.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
    else {
      const reader = entry.createReader();
      // A reader hands out a hundred at a time, and nothing at the end.
      for (let some = await read(reader); some.length; some = await read(reader)) for (const one of some) await walk(one);
    }
  };
  for (const entry of entries) await walk(entry);
  return files;
}

function read(reader) {
  return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
}
