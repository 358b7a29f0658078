// What a labelled photo teaches: facetracker/personal/teacher.py and learn.py once more. Boxes are shares of the photo.

import { iou } from "./decode.js";
import { inputSize } from "./letterbox.js";
import { learnStyle } from "./style.js";
import { Random, lay, randomPlace, toPhoto } from "./views.js";

const VIEWS = 12;
const FAINT = 0.1;
const NEAR = 0.5;
const TOUCH = 0.05; // overlap below which boxes are no pair
const [MARGIN, LOWEST, HIGHEST] = [0.68, 0.25, 0.5];

/** The starter's boxes of the faces that a person has `drawn` in a photo (RGBA), the mean over several views. */
export function pairsIn(detector, rgba, width, height, drawn) {
  const [inputWidth, inputHeight] = inputSize(detector.card, detector.session.fixed, width, height);
  const random = new Random();
  const seen = drawn.map(() => []);
  const shares = (faces, wide, high) => faces.map(({ box }) => box.map((side, i) => side / (i % 2 ? high : wide)));
  const plain = detector.detect(rgba, width, height, FAINT);
  const found = shares(plain, width, height);
  const scores = match(found, drawn).map(([row, face]) => (seen[face].push(found[row]), plain[row].score));
  for (let view = 1; view < VIEWS; view++) {
    const place = randomPlace(width, height, inputWidth, inputHeight, drawn, random);
    const faces = detector.detect(lay(rgba, place), inputWidth, inputHeight, FAINT);
    const boxes = shares(faces, inputWidth, inputHeight).map((box) => toPhoto(box, place));
    for (const [row, face] of match(boxes, drawn)) seen[face].push(boxes[row]);
  }
  const known = drawn.map((_, face) => face).filter((face) => seen[face].length);
  const mean = (boxes) => [0, 1, 2, 3].map((side) => boxes.reduce((sum, box) => sum + box[side], 0) / boxes.length);
  return { found: known.map((face) => mean(seen[face])), drawn: known.map((face) => drawn[face]), scores };
}

/** The style and the threshold in the pairs of several photos; `usual` is the threshold where no face says otherwise. */
export function learn(pairs, usual) {
  const all = (key) => pairs.flatMap((one) => one[key]);
  return { style: learnStyle(all("found"), all("drawn")), threshold: thresholdFor(all("scores"), usual) };
}

/** From which score a face counts, from the scores that known faces got (facetracker/personal/choose.py). */
export function thresholdFor(scores, usual) {
  if (!scores.length) return usual;
  const sorted = [...scores].sort((a, b) => a - b);
  const at = 0.05 * (sorted.length - 1);
  const low = Math.floor(at);
  const quantile = sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
  const share = (MARGIN * sorted.length) / (sorted.length + 1);
  return Math.round(Math.min(Math.max(share * quantile, LOWEST), HIGHEST) * 100) / 100;
}

/** Which box found is which face drawn, `[row, face]`: by their middles and sizes, for styles differ. */
export function match(found, drawn) {
  const nearness = found.map((one) => drawn.map((other) => (isNear(one, other) ? iou(one, other) : 0)));
  const chosen = [];
  for (;;) {
    let best = [-1, -1, TOUCH];
    nearness.forEach((line, row) => line.forEach((value, face) => value > best[2] && (best = [row, face, value])));
    const [row, face] = best;
    if (row < 0) return chosen;
    chosen.push([row, face]);
    nearness[row].fill(0);
    for (const line of nearness) line[face] = 0;
  }
}

function isNear(found, drawn) {
  return [0, 1].every((axis) => {
    const away = Math.abs(found[axis] + found[axis + 2] - drawn[axis] - drawn[axis + 2]) / 2;
    return away / Math.max(drawn[axis + 2] - drawn[axis], 1e-6) < NEAR;
  });
}
