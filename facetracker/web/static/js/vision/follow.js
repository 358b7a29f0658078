// Which face is which from frame to frame, in the tab: facetracker/inference/tracking/follow.py once more. A test holds
// the two together, so what changes here changes there.

import { iou } from "./decode.js";
import { Steady } from "./steady.js";
import { Tracks } from "./tracks.js";

const COAST = 0.3; // seconds for which a missed face is still shown where it was going
const SAME_PLACE = 0.3; // overlap from which a missed face counts as the seen one that took its place
const DOUBLE = 0.3; // overlap with a better box from which a box is a second of the same face
const WEAK_DOUBLE = 0.15; // the same for a weak box
const WEAK_FOR = 0.5; // seconds for which weak boxes alone may carry a face on: what stays weak is a hand or a picture
const LOW = 0.4; // boxes down to this share of the threshold still carry a known face on, but start none
const CONFIRM = 3; // detections in a row that make a face

/** Gives faces their numbers. One follower serves one source; feed it faces found with `lowThreshold`. */
export class Follower {
  constructor(threshold = 0.5, fps = 30) {
    Object.assign(this, { threshold, fps });
    this.reset();
  }

  get lowThreshold() {
    return this.threshold * LOW;
  }

  reset() {
    this.tracks = new Tracks(this.threshold, this.fps, CONFIRM);
    this.steady = new Steady();
    this.faces = []; // {box, score, class, id, coasting, seenAt}
    this.strongAt = new Map();
    this.time = -Infinity;
    this.given = -Infinity;
  }

  /** The faces `{box, score, ...}` at `time` (seconds), each with `id`; `coasting` where this frame shows none. */
  update(found, time) {
    if (time < this.given) this.reset();
    this.given = time;
    time = Math.max(time, this.time + 0.5 / this.fps);
    const seen = this.#tracked(found, time);
    const steadied = this.steady.update(seen, time);
    this.faces = [...seen.map((face, i) => moved(face, steadied[i])), ...this.#missed(seen, time)];
    this.time = time;
    return this.faces.map(({ seenAt, ...face }) => face);
  }

  /** The detections that belong to a confirmed face, with its number. */
  #tracked(found, time) {
    found = this.#withoutDoubles(found);
    const ids = this.tracks.update(found, time);
    const faces = found.map((face, i) => ({ ...face, id: ids[i], coasting: false, seenAt: time }));
    const known = faces.filter(({ id }) => id !== null);
    for (const [id, at] of this.strongAt) if (time - at > WEAK_FOR) this.strongAt.delete(id);
    for (const { id, score } of known) if (score >= this.threshold) this.strongAt.set(id, time);
    return known.filter(({ id }) => this.strongAt.has(id));
  }

  /** The detections without second boxes on the same face, which would get a number and a life of their own. */
  #withoutDoubles(found) {
    const order = [...found.keys()].sort((a, b) => found[b].score - found[a].score);
    const kept = order.filter((one, place) => {
      const limit = found[one].score < this.threshold ? WEAK_DOUBLE : DOUBLE;
      return order.slice(0, place).every((better) => iou(found[one].box, found[better].box) <= limit);
    });
    return kept.sort((a, b) => a - b).map((i) => found[i]);
  }

  /** The faces missed only just now, where they are by now, unless a seen face is in their place. */
  #missed(seen, time) {
    return this.faces
      .filter(({ id, seenAt }) => time - seenAt <= COAST && seen.every((face) => face.id !== id))
      .map((face) => ({ ...moved(face, this.steady.predict(face.id, time)), coasting: true }))
      .filter(({ box }) => seen.every((face) => iou(box, face.box) < SAME_PLACE));
  }
}

/** The face at another box; eyes, nose and mouth move along. */
function moved(face, box) {
  if (!face.points) return { ...face, box };
  const [left, top, right, bottom] = face.box;
  const [wide, high] = [Math.max(right - left, 1e-6), Math.max(bottom - top, 1e-6)];
  const along = ([x, y]) => [
    box[0] + ((x - left) / wide) * (box[2] - box[0]),
    box[1] + ((y - top) / high) * (box[3] - box[1]),
  ];
  return { ...face, box, points: face.points.map(along) };
}
