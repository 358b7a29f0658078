// Steady boxes, a One-Euro filter for each face: facetracker/inference/tracking/steady.py once more.

const CUTOFF = 0.25; // Hz, for a still face: the lower, the calmer
const OPENING = 6.0; // Hz for each unit of speed: the higher, the less lag
const RATE_CUTOFF = 0.7; // Hz, for the speed itself
const TREMBLE = 0.2; // speeds up to here are the detector's trembling, not the face
const FORGET = 0.5; // seconds after which a face starts afresh

/** Filters boxes by id. */
export class Steady {
  constructor() {
    this.known = new Map(); // id -> {values, rates, time}; values are centre x, y, width, height
  }

  /** The steadied boxes of the faces `{id, box}` that were measured at `time` (seconds). */
  update(faces, time) {
    for (const [id, { time: seen }] of this.known) if (!(time > seen && time - seen <= FORGET)) this.known.delete(id);
    return faces.map(({ id, box }) => {
      const [values, rates] = filtered(asCentre(box), this.known.get(id), time);
      this.known.set(id, { values, rates, time });
      return asCorners(values);
    });
  }

  /** Where a known face will be at `time`, if it keeps its speed. */
  predict(id, time) {
    const { values, rates, time: seen } = this.known.get(id);
    const ahead = Math.min(Math.max(time - seen, 0), FORGET);
    return asCorners([values[0] + rates[0] * ahead, values[1] + rates[1] * ahead, values[2], values[3]]);
  }
}

function filtered(values, old, time) {
  if (!old) return [values, [0, 0, 0, 0]];
  const passed = time - old.time;
  const calm = share(RATE_CUTOFF, passed);
  const rates = values.map((value, i) => old.rates[i] + calm * ((value - old.values[i]) / passed - old.rates[i]));
  const face = Math.sqrt(Math.max(old.values[2] * old.values[3], 1e-12));
  const moving = Math.hypot(rates[0], rates[1]) / face;
  const speeds = [moving, moving, Math.abs(rates[2]) / face, Math.abs(rates[3]) / face];
  const moved = values.map((value, i) => {
    const cutoff = CUTOFF + OPENING * Math.max(speeds[i] - TREMBLE, 0);
    return old.values[i] + share(cutoff, passed) * (value - old.values[i]);
  });
  return [moved, rates];
}

/** The share of the new value that a first-order low-pass filter takes after `passed` seconds. */
function share(cutoff, passed) {
  return 1 / (1 + 1 / (2 * Math.PI * cutoff * passed));
}

function asCentre([left, top, right, bottom]) {
  return [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top];
}

function asCorners([x, y, width, height]) {
  return [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
}
