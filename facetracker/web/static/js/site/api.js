// What the views ask, answered in this browser: the same functions as ../api.js, and nobody to send anything to.

import { address } from "../address.js";
import { contentOf, readContent, shapesOf } from "./labels.js";
import { fingerprint, isNear } from "./similar.js";
import { keepSafe, store } from "./store.js";
import { tracker } from "./tracker.js";

export { address };

const LETTERS = "abcdefghijkmnpqrstuvwxyz23456789";
const urls = new Map(); // of the photos that were listed: name -> address
const proposed = new Map(); // boxes of the tracker that nobody has looked at yet: name -> shapes
const binned = new Map(); // photos that can be brought back until the page is left: ticket -> {photo, label}
const SAME = 1; // pixels: a box that was moved by less was accepted

export async function state() {
  await tracker.open();
  const listed = await overview();
  const count = (kind) => listed.filter((photo) => photo.state === kind).length;
  const { name, classes, threshold } = tracker.card;
  return {
    alone: true,
    data: "this browser",
    model: { name, classes, threshold, in_tab: true },
    runs: [],
    photos: { total: listed.length, labelled: count("reviewed"), prelabelled: count("prelabelled"), unlabelled: count("unlabelled") },
    training: null,
  };
}

export async function photos(order = "") {
  const listed = await overview();
  if (order === "review") listed.sort((a, b) => (a.state === "reviewed") - (b.state === "reviewed"));
  const reviewed = listed.filter((photo) => photo.state === "reviewed").length;
  return { photos: listed, classes: ["face"], reviewed, total: listed.length, learner: await learner() };
}

/** Every photo is listed before it is shown, and has its address since. */
export const imageOf = (name) => urls.get(name) ?? "";

export async function labelOf(name) {
  const [photo, label] = [await store.get("photos", name), await store.get("labels", name)];
  if (!photo) throw refusal("This photo is not here any more.");
  const { width, height } = photo;
  if (!label) {
    if (!proposed.has(name)) await propose(photo);
    const by = tracker.isLearnt ? "style" : "starter";
    return { width, height, state: "suggested", shapes: proposed.get(name) ?? [], flags: {}, etag: "", by, doubt: 0 };
  }
  return { width, height, state: "reviewed", shapes: shapesOf(label.content, photo), flags: label.content.flags ?? {}, etag: label.etag };
}

/** Keeps the boxes of a photo, and learns from them for the photos that come. */
export async function putLabel(name, etag, body) {
  const [photo, earlier] = [await store.get("photos", name), await store.get("labels", name)];
  if (!photo) throw refusal("This photo is not here any more.");
  if ((earlier?.etag ?? "") !== (etag ?? "")) throw refusal("was changed in another tab", "Load the photo again.", 412);
  const content = contentOf(body, photo, earlier?.content);
  const label = { name, content, etag: crypto.randomUUID(), how: earlier?.how ?? howDrawn(body) };
  await store.put("labels", name, label);
  proposed.delete(name);
  learnSoon();
  return { etag: label.etag, learner: await learner() };
}

/** Takes a first save back: the photo as nobody had seen it. */
export async function dropLabel(name, etag) {
  if ((await store.get("labels", name))?.etag !== etag) throw refusal("was changed in another tab", "", 412);
  await store.delete("labels", name);
  learnSoon();
}

/** Puts a photo away; `api/bin/TICKET` brings it back until the page is left. */
export async function binPhoto(name) {
  const ticket = crypto.randomUUID();
  binned.set(ticket, { photo: await store.get("photos", name), label: await store.get("labels", name) });
  await Promise.all([store.delete("photos", name), store.delete("labels", name)]);
  return { ticket };
}

/** The boxes of several photos, and where the learner stands. */
export async function suggestions(names) {
  const told = {};
  for (const name of names) told[name] = await labelOf(name);
  return { photos: told, learner: await learner() };
}

/** Who draws the boxes, and what a person has done so far. */
async function learner() {
  const labels = await store.all("labels");
  const count = (how) => labels.filter((one) => one.how === how).length;
  const by = tracker.isLearnt ? "style" : "starter";
  return { by, version: tracker.version, lessons: labels.length, drawn: count("drawn"), corrected: count("corrected"), accepted: count("accepted") };
}

function howDrawn({ shapes, suggested }) {
  if (!suggested?.length) return "drawn";
  const same = (box, other) => box.every((side, i) => Math.abs(side - other[i]) < SAME);
  const kept = shapes.length === suggested.length && shapes.every(({ box }) => suggested.some((other) => same(box, other)));
  return kept ? "accepted" : "corrected";
}

async function bringBack(ticket) {
  const { photo, label } = binned.get(ticket);
  binned.delete(ticket);
  await store.put("photos", photo.name, photo);
  if (label) await store.put("labels", photo.name, label);
  return { name: photo.name };
}

export async function post(path, body) {
  if (path === "api/session") return { session: sessionOf(body?.name) };
  if (path === "api/learner") return learner();
  if (path === "api/suggestions") return suggestions(body.names);
  if (path.startsWith("api/bin/")) return bringBack(path.slice("api/bin/".length));
  if (path === "api/prelabel") return { written: await prelabel() };
  throw refusal("That needs facetracker on a computer.", "pip install own-facetracker");
}

export async function ask(path, { method = "GET", body } = {}) {
  const [where, query] = path.split("?");
  if (where === "api/collect" && method === "POST") return collect(new URLSearchParams(query), body);
  return post(where, body);
}

/** Takes in photos, and labelme files that belong to them; what could not be read, by name. */
export async function takeIn(files) {
  const rejects = [];
  const named = [...files].map((file) => ({ file, stem: file.name.replace(/\.[^.]*$/, "") }));
  for (const { file, stem } of named.filter((one) => !one.file.name.endsWith(".json"))) {
    const size = await sizeOf(file).catch(() => null);
    if (!size) rejects.push(`${file.name}: is no photo`);
    else await store.put("photos", stem, { name: stem, file: file.name, blob: file, ...size });
  }
  for (const { file, stem } of named.filter((one) => one.file.name.endsWith(".json"))) {
    try {
      if (!(await store.get("photos", stem))) throw new Error("its photo is not here");
      const content = readContent(await file.text());
      // A machine's boxes that nobody has looked at are no labels.
      if (!content.flags?.unreviewed) await store.put("labels", stem, { name: stem, content, etag: crypto.randomUUID() });
    } catch (error) {
      rejects.push(`${file.name}: ${error.message}`);
    }
  }
  keepSafe();
  return rejects;
}

async function overview() {
  const [all, labels] = [await store.all("photos"), new Map((await store.all("labels")).map((one) => [one.name, one]))];
  for (const { name, blob } of all) if (!urls.has(name)) urls.set(name, URL.createObjectURL(blob));
  return all
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((photo) => {
      const label = labels.get(photo.name);
      const shapes = label ? shapesOf(label.content, photo) : (proposed.get(photo.name) ?? []);
      return { name: photo.name, state: label ? "reviewed" : "unlabelled", faces: shapes.length };
    });
}

/** First boxes of the tracker as it draws them by now. */
async function propose(photo) {
  const faces = await tracker.detect(photo.blob);
  const shapes = faces.map(({ box, score }) => ({ index: null, label: "face", box, score, unreviewed: true, editable: true }));
  proposed.set(photo.name, shapes);
  return shapes.length;
}

async function prelabel() {
  const labels = new Set((await store.all("labels")).map(({ name }) => name));
  let written = 0;
  for (const photo of await store.all("photos")) if (!labels.has(photo.name)) written += (await propose(photo)) > 0;
  return written;
}

let learning = null;
let again = false;

/** Learns what the boxes teach, one time after the other; what was only proposed is then proposed once more. */
function learnSoon() {
  again = true;
  learning ??= (async () => {
    while (again) {
      again = false;
      await tracker.learn();
    }
  })()
    .catch(() => {}) // a photo that cannot be read; Learn says so
    .finally(() => {
      learning = null;
      proposed.clear();
    });
  return learning;
}

async function collect(query, blob) {
  const session = query.get("session");
  const print = await fingerprint(blob);
  const taken = (await store.all("photos")).filter(({ name }) => name.startsWith(`${session}_`));
  if (query.get("keep_similar") !== "1" && taken.some((photo) => isNear(photo.print, print))) {
    throw refusal("looks like one already taken", "", 409, { similar: true });
  }
  const name = `${session}_${String(taken.length + 1).padStart(5, "0")}`;
  const photo = { name, file: `${name}.jpg`, blob, print, ...(await sizeOf(blob)) };
  await store.put("photos", name, photo);
  if (taken.length === 0) keepSafe();
  return { name: photo.file, count: taken.length + 1 };
}

/** `YYYYMMDD-HHMMSS-WORD`, as facetracker/core/naming.py calls a session. */
function sessionOf(word) {
  const now = new Date().toISOString().replace(/[-:]/g, "");
  const random = Array.from(crypto.getRandomValues(new Uint8Array(4)), (byte) => LETTERS[byte % LETTERS.length]).join("");
  return `${now.slice(0, 8)}-${now.slice(9, 15)}-${word || random}`;
}

async function sizeOf(blob) {
  const picture = await createImageBitmap(blob);
  const size = { width: picture.width, height: picture.height };
  picture.close();
  return size;
}

function refusal(message, fix = "", status = 0, told = null) {
  return Object.assign(new Error(message), { fix, status, told });
}
