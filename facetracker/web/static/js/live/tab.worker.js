// Looks for faces in this tab: frames never leave it. Runs in a worker, so that the page stays free.

import { decodeDense, decodeSingle } from "../vision/decode.js";
import { Follower } from "../vision/follow.js";
import { Fitter, inputSize, letterbox, toFrame } from "../vision/letterbox.js";

// What the heads call their outputs, in the alphabetical order in which exporters write them (engines/base.py).
const OUTPUTS = { single: ["boxes", "classes"], dense: ["offsets", "scores"] };
const RGBA = { format: "RGBA" };

let ort, session, card, fixed, names;
let threshold = null;
let follow = true;
let follower = null; // made with the first frame
let canvas, context, copy;
const fitter = new Fitter();

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

async function open({ base, threads }) {
  ort = await import(new URL("ort/ort.wasm.min.mjs", base).href);
  ort.env.wasm.wasmPaths = new URL("ort/", base).href;
  ort.env.wasm.numThreads = self.crossOriginIsolated ? threads : 1;
  card = await (await fetched(new URL("model.json", base))).json();
  const model = await (await fetched(new URL("model.onnx", base))).arrayBuffer();
  session = await ort.InferenceSession.create(new Uint8Array(model), { executionProviders: ["wasm"] });
  const shape = session.inputMetadata[0].shape;
  const [height, width] = [shape[1], shape[2]];
  fixed = Number.isInteger(height) && Number.isInteger(width) && height > 0 && width > 0 ? [height, width] : null;
  const wanted = OUTPUTS[card.head];
  const known = wanted.every((name) => session.outputNames.includes(name));
  const sorted = [...session.outputNames].sort();
  names = Object.fromEntries(wanted.map((name, i) => [name, known ? name : sorted[i]]));
  self.postMessage({ type: "ready", classes: card.classes, threshold: card.threshold, threads: ort.env.wasm.numThreads });
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
  const pixels = (await copied(frame, width, height)) ?? drawn(frame, width, height);
  frame.close();
  self.postMessage({ type: "read", number });
  const place = letterbox(width, height, ...inputSize(card, fixed, width, height));
  const input = fitter.fit(pixels, place);
  const prepared = performance.now();
  const kind = session.inputMetadata[0].type;
  const values = kind === "float32" ? new Float32Array(input) : input;
  const tensor = new ort.Tensor(kind, values, [1, place.inputHeight, place.inputWidth, 3]);
  const answers = await session.run({ [session.inputNames[0]]: tensor });
  const inferred = performance.now();
  const output = (name) => answers[names[name]].data;
  const sure = threshold ?? card.threshold;
  if (follow) follower ??= new Follower(sure);
  const least = follow ? follower.lowThreshold : sure;
  let faces =
    card.head === "single"
      ? decodeSingle(output("classes"), output("boxes"), place, least)
      : decodeDense(output("scores"), output("offsets"), place, card, least);
  faces = faces
    .map((face) => ({ ...face, class: card.classes[face.class], id: null, box: toFrame(face.box, place) }))
    .filter(({ box }) => box[2] > box[0] && box[3] > box[1]);
  const found = faces; // also those that have no number yet, or are too faint to get one
  if (follow) faces = follower.update(faces, began / 1000);
  const ms = { decode: prepared - began, infer: inferred - prepared, all: performance.now() - began };
  return { type: "faces", number, width, height, faces, found, ms };
}

/** A video frame's pixels, RGBA, straight out of it: four times as fast as by a canvas. Null where that cannot be. */
async function copied(frame, width, height) {
  const size = width * height * 4;
  const { visibleRect: seen, rotation, flip } = frame;
  // A copy is not stretched, turned or mirrored as a drawing is.
  if (seen?.width !== width || seen.height !== height || rotation || flip) return null;
  try {
    if (frame.allocationSize(RGBA) !== size) return null; // an older browser, which passes over the wish for RGBA
    if (copy?.length !== size) copy = new Uint8Array(size);
    await frame.copyTo(copy, RGBA);
  } catch {
    return null; // a browser that cannot convert this frame's format
  }
  return copy;
}

/** Any picture's pixels, RGBA, by way of a canvas. */
function drawn(frame, width, height) {
  if (canvas?.width !== width || canvas?.height !== height) {
    canvas = new OffscreenCanvas(width, height);
    context = canvas.getContext("2d", { willReadFrequently: true, alpha: false });
  }
  context.drawImage(frame, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}

async function fetched(url) {
  const response = await fetch(url);
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  throw Object.assign(new Error(told.error ?? `${url.pathname}: ${response.status}`), { fix: told.fix });
}
