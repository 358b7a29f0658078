// Looks at photos so that the page stays free: what they teach, and first boxes for those without labels.

import { openSession } from "../runtime/session.js";
import { Detector } from "../vision/detector.js";
import { Pixels } from "../vision/pixels.js";
import { pairsIn } from "../vision/teacher.js";

const pixels = new Pixels();
let opening;

self.onmessage = async ({ data: { number, task, ...values } }) => {
  try {
    self.postMessage({ number, answer: await TASKS[task](values) });
  } catch (error) {
    self.postMessage({ number, error: String(error.message ?? error) });
  }
};

const TASKS = {
  async open({ model, card, runtime }) {
    const bytes = async (name) => (await fetch(new URL(name, runtime))).arrayBuffer();
    opening = openSession(new Uint8Array(model), bytes).then((session) => new Detector(session, card));
    return (await opening).session.runtime;
  },

  /** What the boxes (shares of the photo) that a person drew teach. */
  async pairs({ blob, boxes }) {
    const { rgba, width, height } = await read(blob);
    return pairsIn(await opening, rgba, width, height, boxes);
  },

  /** The faces in a photo, drawn in a style: `{box, score}` in its pixels. */
  async detect({ blob, style, threshold }) {
    const { rgba, width, height } = await read(blob);
    const detector = await opening;
    detector.card = { ...detector.card, style };
    try {
      return detector.detect(rgba, width, height, threshold);
    } finally {
      detector.card = { ...detector.card, style: null }; // what is learnt is learnt from the starter's own boxes
    }
  },
};

async function read(blob) {
  const picture = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const { width, height } = picture;
  const rgba = await pixels.of(picture, width, height);
  picture.close();
  return { rgba, width, height };
}
