// From a network's outputs to boxes, as facetracker/inference/decode.py does it. Boxes here are pixels of the input.

const MOST_CANDIDATES = 1000;

/** A single head: one face or none. `boxes` are shares of the input. */
export function decodeSingle(classes, boxes, place, threshold) {
  let best = 0;
  for (let k = 1; k < classes.length; k++) if (classes[k] > classes[best]) best = k;
  if (!(classes[best] >= threshold) || !(boxes[2] > boxes[0] && boxes[3] > boxes[1])) return [];
  const { inputWidth: w, inputHeight: h } = place;
  return [{ box: [boxes[0] * w, boxes[1] * h, boxes[2] * w, boxes[3] * h], score: classes[best], class: best }];
}

/**
 * A dense head: `scores (A, K)`, `offsets (A, 4)` in strides from each cell's centre; best first. `points` are five x, y
 * of eyes, nose and mouth from there, `(A, 10)`, or null.
 */
export function decodeDense(scores, offsets, place, card, threshold, points = null) {
  const kinds = card.classes.length;
  let candidates = [];
  let cell = 0;
  for (const stride of card.strides) {
    const rows = Math.ceil(place.inputHeight / stride);
    const columns = Math.ceil(place.inputWidth / stride);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, cell++) {
        let best = 0;
        for (let k = 1; k < kinds; k++) if (scores[cell * kinds + k] > scores[cell * kinds + best]) best = k;
        const score = scores[cell * kinds + best];
        if (!(score >= threshold)) continue;
        const x = (column + 0.5) * stride;
        const y = (row + 0.5) * stride;
        const [left, top, right, bottom] = offsets.subarray(cell * 4, cell * 4 + 4);
        const box = [x - left * stride, y - top * stride, x + right * stride, y + bottom * stride];
        const spots = points && pairs(points.subarray(cell * 10, cell * 10 + 10), stride, x, y);
        candidates.push({ box, score, class: best, ...(spots && { points: spots }) });
      }
    }
  }
  if (cell * kinds !== scores.length) throw new Error(`${scores.length / kinds} cells, expected ${cell}`);
  candidates.sort((a, b) => b.score - a.score); // stable, as in Python
  candidates = candidates.slice(0, MOST_CANDIDATES);
  return suppress(candidates, card.iou_threshold);
}

/** Numbers x, y, x, y, ... in strides from a cell's middle, as points `[x, y]` in pixels. */
function pairs(numbers, stride, x, y) {
  return [0, 1, 2, 3, 4].map((i) => [x + numbers[2 * i] * stride, y + numbers[2 * i + 1] * stride]);
}

/** Greedy non-maximum suppression of candidates that come best first. */
function suppress(candidates, threshold) {
  const kept = [];
  for (const one of candidates) if (kept.every((other) => iou(one.box, other.box) <= threshold)) kept.push(one);
  return kept;
}

/** Intersection over union of two boxes; two empty ones give 0. */
export function iou(a, b) {
  const wide = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const high = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (!(wide > 0 && high > 0)) return 0;
  const area = (box) => Math.max(box[2] - box[0], 0) * Math.max(box[3] - box[1], 0);
  return (wide * high) / (area(a) + area(b) - wide * high);
}
