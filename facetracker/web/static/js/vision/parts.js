// The squares in which a frame is looked at by what was trained on crops: facetracker/core/parts.py once more.

import { iou } from "./decode.js";
import { clamp, roundHalfEven } from "./rounding.js";

const STEP = 1 / 3;
const GOES_ON = 0.12;
const EDGE = 0.02;

/** How many pixels of a frame are seen at once: `crop` is a share of its shorter side, above 1 pixels. */
export function sideOf(crop, width, height) {
  const shorter = Math.min(width, height);
  return crop <= 1 ? Math.max(1, roundHalfEven(crop * shorter)) : Math.min(roundHalfEven(crop), shorter);
}

/** The parts `{left, top, side}` that cover a frame, row by row. */
export function partsOf(crop, width, height) {
  const side = sideOf(crop, width, height);
  return starts(height, side).flatMap((top) => starts(width, side).map((left) => ({ left, top, side })));
}

/** The part that has a box (pixels of the frame) in its middle, moved into the frame. */
export function partAround(crop, width, height, box) {
  const side = sideOf(crop, width, height);
  const left = roundHalfEven((box[0] + box[2]) / 2 - side / 2);
  const top = roundHalfEven((box[1] + box[3]) / 2 - side / 2);
  return { left: clamp(left, 0, width - side), top: clamp(top, 0, height - side), side };
}

/** The pixels of a part, RGBA. */
export function cut(rgba, width, { left, top, side }) {
  const part = new Uint8ClampedArray(side * side * 4);
  for (let y = 0; y < side; y++) {
    const from = ((top + y) * width + left) * 4;
    part.set(rgba.subarray(from, from + side * 4), y * side * 4);
  }
  return part;
}

/** Whether a box (shares of the part) ends at an edge where the frame goes on. */
export function isCut(box, { left, top, side }, width, height) {
  const beyond = GOES_ON * side;
  return (
    (box[0] < EDGE && left > beyond) ||
    (box[1] < EDGE && top > beyond) ||
    (box[2] > 1 - EDGE && width - left - side > beyond) ||
    (box[3] > 1 - EDGE && height - top - side > beyond)
  );
}

/** Of the faces `{box, score, isCut}` found in overlapping parts the one that most agree on (decode.py, best_of_parts). */
export function bestOfParts(found) {
  let [best, most] = [null, -Infinity];
  for (const one of found) {
    const agreed = found.reduce((sum, other) => sum + iou(one.box, other.box) * other.score, 0);
    const worth = one.score * agreed * (one.isCut ? 0.5 : 1);
    if (worth > most) [best, most] = [one, worth];
  }
  return best;
}

/** Where parts begin along one side of a frame. */
function starts(length, side) {
  const steps = roundHalfEven((length - side) / (STEP * side));
  if (steps < 1) return [Math.floor((length - side) / 2)];
  return Array.from({ length: steps + 1 }, (_, step) => roundHalfEven((step * (length - side)) / steps));
}
