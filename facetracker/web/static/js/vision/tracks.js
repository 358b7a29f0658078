// Which box is which face: facetracker/inference/tracking/tracks.py once more (ByteTrack, a Kalman filter a side).

import { iou } from "./decode.js";

const REMEMBER = 1.0; // seconds after which a face that comes back is a new one
const LEAST_OVERLAP = 0.1; // of a box with where a face is expected, to be that face
// Variances, in frames: of a measured side, of what may happen to a side and its speed between two frames.
const MEASURED = 0.1;
const DRIFT = 0.01;
const NOMINAL = 0.004; // seconds by which a camera's clock trembles: such a step counts as one frame

/** Gives boxes the numbers of the faces that they show. A face has a number from its `confirm`-th sighting on. */
export class Tracks {
  constructor(threshold, fps, confirm) {
    Object.assign(this, { threshold, fps, confirm });
    this.reset();
  }

  reset() {
    this.all = []; // {box, speed, spread: [side, side with speed, speed], id, hits, seenAt}
    this.next = 1;
    this.time = -Infinity;
  }

  /** The number of each of the faces `{box, score}` at `time` (seconds, always growing); null where it has none. */
  update(faces, time) {
    this.#predict(time);
    const sure = faces.map(({ score }) => score >= this.threshold);
    const mine = new Array(faces.length).fill(null); // the track of each box
    for (const turn of [true, false]) {
      const free = this.all.filter((track) => !mine.includes(track));
      const these = [...faces.keys()].filter((i) => sure[i] === turn);
      const overlaps = free.map((track) => these.map((i) => iou(track.box, faces[i].box)));
      for (const [row, column] of pairs(overlaps, LEAST_OVERLAP)) mine[these[column]] = free[row];
    }
    faces.forEach(({ box }, i) => {
      if (mine[i]) correct(mine[i], box, time);
    });
    faces.forEach(({ box }, i) => {
      if (sure[i] && !mine[i]) this.all.push((mine[i] = begun(box, time)));
    });
    for (const track of this.all) if (track.id === null && track.hits >= this.confirm) track.id = this.next++;
    this.all = this.all.filter((track) => track.id !== null || track.seenAt === time);
    return mine.map((track) => track?.id ?? null);
  }

  /** Move every face on to `time`; those that were seen too long ago go. */
  #predict(time) {
    const step = this.time === -Infinity ? 1 : (time - this.time) * this.fps;
    this.time = time;
    this.all = this.all.filter((track) => time - track.seenAt <= REMEMBER);
    const drift =
      Math.abs(step - 1) <= NOMINAL * this.fps
        ? [DRIFT, 0, DRIFT]
        : [(DRIFT * step ** 4) / 4, (DRIFT * step ** 3) / 2, DRIFT * step ** 2];
    for (const track of this.all) {
      const [side, both, speed] = track.spread;
      track.box = track.box.map((value, i) => value + step * track.speed[i]);
      track.spread = [
        side + 2 * step * both + step * step * speed + drift[0],
        both + step * speed + drift[1],
        speed + drift[2],
      ];
    }
  }
}

function begun(box, time) {
  return { box: [...box], speed: [0, 0, 0, 0], spread: [1, 0, 1], id: null, hits: 1, seenAt: time };
}

/** Draw a face that was seen towards its box. */
function correct(track, box, time) {
  const [side, both, speed] = track.spread;
  const gain = side / (side + MEASURED);
  const speedGain = both / (side + MEASURED);
  const off = box.map((value, i) => value - track.box[i]);
  track.box = track.box.map((value, i) => value + gain * off[i]);
  track.speed = track.speed.map((value, i) => value + speedGain * off[i]);
  track.spread = [side * (1 - gain), both * (1 - gain), speed - speedGain * both];
  track.seenAt = time;
  track.hits += 1;
}

/** Rows and columns that belong together: the largest overlap first, each row and column once. */
function pairs(overlaps, least) {
  const all = overlaps.flatMap((line, row) => line.map((overlap, column) => ({ row, column, overlap })));
  const found = [];
  for (const { row, column } of all.filter((one) => one.overlap >= least).sort((a, b) => b.overlap - a.overlap)) {
    if (found.every(([r, c]) => r !== row && c !== column)) found.push([row, column]);
  }
  return found;
}
