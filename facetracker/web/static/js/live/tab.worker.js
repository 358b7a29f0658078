// Looks for faces in this tab: frames never leave it. Runs in a worker, so that the page stays free.

import { openSession } from "../runtime/session.js";
import { Detector } from "../vision/detector.js";
import { Follower } from "../vision/follow.js";
import { Pixels } from "../vision/pixels.js";

let detector;
let threshold = null;
let follow = true;
let follower = null; // made with the first frame
const pixels = new Pixels();

self.onmessage = async ({ data }) => {
  try {
    if (data.type === "open") await open(data);
    else if (data.type === "settings") change(data);
    else if (data.type === "frame") self.postMessage(await look(data));
  } catch (error) {
    data.frame?.close();
    const fatal = data.type === "open";
    self.postMessage({ type: "error", number: data.number, fatal, error: String(error.message ?? error), fix: error.fix });
  }
};

/** `files` holds the bytes of what the page has already, by name; everything else is fetched. */
async function open({ base, files = {} }) {
  const bytes = async (name, path, from) => files[name] ?? (await (await fetched(new URL(path, from))).arrayBuffer());
  const [card, model] = await Promise.all(["model.json", "model.onnx"].map((name) => bytes(name, name, base)));
  const own = (name) => bytes(name, `../runtime/${name}`, self.location);
  const session = await openSession(new Uint8Array(model), own);
  detector = new Detector(session, JSON.parse(new TextDecoder().decode(card)));
  const { classes, threshold: usual } = detector.card;
  self.postMessage({ type: "ready", classes, threshold: usual, runtime: session.runtime });
}

function change(settings) {
  const before = threshold;
  threshold = settings.threshold ?? threshold;
  if (settings.follow !== undefined) follow = settings.follow;
  if (settings.forget || threshold !== before) follower = null;
}

async function look({ number, frame }) {
  const began = performance.now();
  const width = frame.displayWidth ?? frame.width;
  const height = frame.displayHeight ?? frame.height;
  const rgba = await pixels.of(frame, width, height);
  frame.close();
  self.postMessage({ type: "read", number });
  const { card } = detector;
  const sure = threshold ?? card.threshold;
  if (follow) follower ??= new Follower(sure);
  const least = follow ? follower.lowThreshold : sure;
  const found = detector
    .detect(rgba, width, height, least)
    .map((face) => ({ ...face, class: card.classes[face.class], id: null }));
  // `found` has also those that have no number yet, or are too faint to get one.
  const faces = follow ? follower.update(found, began / 1000) : found;
  const ms = { ...detector.ms, all: performance.now() - began };
  return { type: "faces", number, width, height, faces, found, ms };
}

async function fetched(url) {
  const response = await fetch(url);
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  throw Object.assign(new Error(told.error ?? `${url.pathname}: ${response.status}`), { fix: told.fix });
}
