// Finds faces in a frame: prepare, run, decode, as facetracker/inference/detector.py does it.

import { decodeDense, decodeSingle } from "./decode.js";
import { Fitter, inputSize, letterbox, pointToFrame, toFrame } from "./letterbox.js";
import { bestOfParts, cut, isCut, partAround, partsOf } from "./parts.js";
import { styled } from "./style.js";

// What the heads call their outputs, in the alphabetical order in which exporters write them (engines/base.py).
const OUTPUTS = { single: ["boxes", "classes"], dense: ["offsets", "scores"] };
const POINTS = "landmarks"; // of a dense head that knows them
const CLOSER = 2; // looks more at a face that was found in a part of a frame

export class Detector {
  /** `session` as runtime/session.js opens it, `card` as facetracker/inference/card.py writes it. */
  constructor(session, card) {
    const wanted = OUTPUTS[card.head];
    if (!wanted) throw Object.assign(new Error("This model classifies faces, it does not find them."), { fix: "Use a tracker." });
    const { outputs } = session;
    const known = wanted.every((name) => outputs.includes(name));
    const sorted = [...outputs].sort().slice(outputs.length - wanted.length); // landmarks come first
    this.names = Object.fromEntries(wanted.map((name, i) => [name, known ? name : sorted[i]]));
    this.knowsPoints = card.head === "dense" && outputs.includes(POINTS);
    Object.assign(this, { session, card, fitter: new Fitter() });
  }

  /**
   * The faces `{box, score, class}` in a frame, RGBA, best first; boxes in its pixels, `class` a number. A model that
   * knows where eyes, nose and mouth are says so in `points`, five `[x, y]`.
   */
  detect(rgba, width, height, threshold = this.card.threshold) {
    if (this.card.head === "single" && this.card.crop) return this.#inParts(rgba, width, height, threshold);
    return this.#look(rgba, width, height, threshold).faces;
  }

  /** What one input shows, and how long it took to prepare it and to run the network (ms). */
  #look(rgba, width, height, threshold) {
    const began = performance.now();
    const place = letterbox(width, height, ...inputSize(this.card, this.session.fixed, width, height));
    const input = this.fitter.fit(rgba, place);
    const prepared = performance.now();
    const answers = this.session.run(input, place.inputWidth, place.inputHeight);
    this.ms = { decode: prepared - began, infer: performance.now() - prepared };
    const output = (name) => answers[this.names[name]];
    const found =
      this.card.head === "single"
        ? decodeSingle(output("classes"), output("boxes"), place, threshold)
        : decodeDense(output("scores"), output("offsets"), place, this.card, threshold, this.knowsPoints ? answers[POINTS] : null);
    const { style } = this.card;
    const faces = found
      .map(({ points, ...face }) => ({
        ...face,
        box: toFrame(style ? styled(face.box, style) : face.box, place),
        ...(points && { points: points.map((point) => pointToFrame(point, place)) }),
      }))
      .filter(({ box }) => box[2] > box[0] && box[3] > box[1]); // a box in the bars is no face
    return { faces, raw: this.card.head === "single" ? Array.from(output("boxes")) : null };
  }

  /** A single head that was trained on crops: one face or none, in the part that shows it best. */
  #inParts(rgba, width, height, threshold) {
    const seen = (part) => {
      const { faces, raw } = this.#look(cut(rgba, width, part), part.side, part.side, threshold);
      const inFrame = ([x0, y0, x1, y1]) => [x0 + part.left, y0 + part.top, x1 + part.left, y1 + part.top];
      return faces.map((face) => ({ ...face, box: inFrame(face.box), isCut: isCut(raw, part, width, height) }));
    };
    const parts = partsOf(this.card.crop, width, height);
    let best = bestOfParts(parts.flatMap(seen));
    const closer = parts.length > 1 ? CLOSER : 0;
    for (let look = 0; best && look < closer; look++) {
      const [again] = seen(partAround(this.card.crop, width, height, best.box));
      if (!again) break;
      best = again;
    }
    if (!best) return [];
    const { isCut: _, ...face } = best;
    return [face];
  }
}
