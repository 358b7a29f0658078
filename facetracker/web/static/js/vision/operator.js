// Leads a crop through the pictures of a camera: facetracker/inference/framing/operator.py once more; why it is as it is
// stands there.

import { Shots } from "./shots.js";

const HEIGHT = 3.4; // of the crop, in heights of the largest face in it
const BESIDE = 0.6; // room on each side of the faces at least, in heights of the largest one
const SAFE = 0.05; // share of the crop on each side in which no face should be
const ABOVE = 0.3; // share of the free height that lies above the faces
const CLOSEST = 0.2; // of the largest crop's width: nobody is shown closer
const RIM = 0.03; // a face so near to the picture's rim, in picture widths, is cut by it: the crop goes there too
const STILL_ACROSS = 0.05; // within these shares of the crop a face moves without the camera
const STILL_ALONG = 0.05;
const STILL_SIZE = 0.12;
const SMOOTH = 0.1; // seconds: time constant of each of the three filters
const AHEAD = 0.2; // seconds: the camera goes where the faces will be so much later,
const AHEAD_MOST = 0.25; // but never further than this share of the crop
const RATE = 0.08; // seconds: time constant of the faces' measured speed
const ROAM = 0.4; // seconds: who moves gets more room, the way made in this time
const CALM = 10.0; // seconds: time constant with which that room is taken back
const FOLLOW = 1.2; // picture widths a second, at most: with a face,
const TURN = 0.6; // from one shot to the next,
const BACK = 0.15; // and back to the whole picture
const GAP = 2.0; // seconds without a frame after which the camera starts again
const FILTERS = 3;
const CUT = 0.002; // picture widths from the rim within which a box ends at it

const between = (value, least, most) => Math.min(Math.max(value, least), most);

/** Leads a crop of `shape` (width over height). `follow`: "all" or "largest". */
export class CameraOperator {
  constructor(shape, follow = "all") {
    this.shape = shape;
    this.shots = new Shots(follow);
    this.time = -Infinity;
    this.fits = (boxes, slack) => this.#fits(boxes, slack);
    this.shows = (boxes) => this.#shows(boxes);
  }

  /** The crop at `time` (seconds), normalised to the picture; `faces` `{id, box, coasting}` with boxes in its pixels. */
  update(faces, width, height, time) {
    const passed = time - this.time;
    if (passed < 0 || passed > GAP || this.high !== height / width) return this.start(faces, width, height, time);
    this.time = time;
    const turned = this.shots.update(sightings(faces, width), time, this.fits, this.shows);
    this.#aimAt(this.shots.framed(), passed, turned);
    this.#move(passed);
    return this.#crop();
  }

  /** Begins at once where the faces are. */
  start(faces, width, height, time) {
    this.high = height / width;
    this.widest = Math.min(1, this.high * this.shape);
    this.time = time;
    this.shots.start(sightings(faces, width), time, this.fits);
    this.speeds = [0, 0];
    this.middle = null;
    this.speed = 0;
    this.#aimAt(this.shots.framed(), 0, true);
    this.isTurning = false;
    this.aim = this.#inside(this.point);
    this.filters = Array(FILTERS).fill(this.aim);
    return this.#crop();
  }

  #aimAt(boxes, passed, turned) {
    this.isTurning ||= turned;
    if (!boxes.length) {
      this.point = [0.5, this.high / 2, this.widest];
      this.middle = null;
      return;
    }
    const [left, top, right, bottom] = around(boxes);
    const ahead = this.#ahead([(left + right) / 2, (top + bottom) / 2], passed, turned);
    let width = this.#widthFor(boxes) + ROAM * this.speed;
    if (!turned) {
      width = between(this.point[2], width / (1 + STILL_SIZE), width * (1 + STILL_SIZE));
      width = Math.max(width, (right - left) / (1 - 2 * (SAFE + STILL_ACROSS)));
    }
    width = between(width, this.widest * CLOSEST, this.widest);
    const high = width / this.shape;
    const most = AHEAD_MOST * width;
    let x = (left + right) / 2 + between(ahead[0], -most, most);
    let y = top - ABOVE * (high - (bottom - top)) + high / 2 + between(ahead[1], -most, most);
    if (!turned) {
      x = between(this.point[0], x - STILL_ACROSS * width, x + STILL_ACROSS * width);
      const along = (left < CUT || right > 1 - CUT ? 4 : 1) * STILL_ALONG * high;
      y = between(this.point[1], y - along, y + along);
    }
    this.point = [toTheRim(x, width / 2, left, right, 1), toTheRim(y, high / 2, top, bottom, this.high), width];
  }

  #ahead(middle, passed, turned) {
    if (turned || !this.middle) {
      this.speeds = [0, 0];
      this.speed = 0;
    } else if (passed > 0) {
      const share = 1 - Math.exp(-passed / RATE);
      this.speeds = this.speeds.map((old, i) => old + share * ((middle[i] - this.middle[i]) / passed - old));
      this.speed = Math.max(this.speed * Math.exp(-passed / CALM), Math.hypot(...this.speeds));
    }
    this.middle = middle;
    return this.speeds.map((speed) => AHEAD * speed);
  }

  #move(passed) {
    if (passed <= 0) return;
    const wanted = this.#inside(this.point);
    const way = Math.hypot(...wanted.map((value, i) => value - this.aim[i]));
    const speed = !this.shots.subjects.length ? BACK : this.isTurning ? TURN : FOLLOW;
    const share = way <= speed * passed ? 1 : (speed * passed) / way;
    const aim = this.aim.map((old, i) => old + share * (wanted[i] - old));
    if (share === 1) this.isTurning = false;
    const moved = aim.map((end, i) => followed(this.filters.map((view) => view[i]), this.aim[i], end, passed));
    this.filters = this.filters.map((_, k) => moved.map((values) => values[k]));
    this.aim = aim;
  }

  #inside([x, y, width]) {
    const [half, tall] = [width / 2, width / this.shape / 2];
    return [between(x, half, 1 - half), between(y, tall, Math.max(this.high - tall, tall)), width];
  }

  #crop() {
    const [x, y, width] = this.filters[FILTERS - 1];
    const [half, tall] = [width / 2, width / this.shape / 2];
    const crop = [x - half, (y - tall) / this.high, x + half, (y + tall) / this.high];
    return crop.map((side) => between(side, 0, 1));
  }

  #widthFor(boxes) {
    const [left, top, right, bottom] = around(boxes);
    const tallest = Math.max(...boxes.map((box) => box[3] - box[1]));
    const high = bottom - top + (HEIGHT - 1) * tallest;
    return Math.max(right - left + 2 * BESIDE * tallest, high * this.shape);
  }

  #fits(boxes, slack) {
    const [left, top, right, bottom] = around(boxes);
    return Math.max(right - left, (bottom - top) * this.shape) * slack <= 0.9 * this.widest;
  }

  #shows(boxes) {
    const [x, y, width] = this.filters[FILTERS - 1];
    const [half, tall] = [width / 2, width / this.shape / 2];
    return boxes.every((box) => box[0] >= x - half && box[2] <= x + half && box[1] >= y - tall && box[3] <= y + tall);
  }
}

/** What filters in a row hold after an input that went evenly from start to end. */
function followed(values, start, end, passed) {
  const slope = (end - start) / passed;
  const steps = passed / SMOOTH;
  const off = values.map((value, k) => value - (start - slope * SMOOTH * (k + 1)));
  const weights = [];
  let weight = Math.exp(-steps);
  for (let k = 0; k < values.length; k += 1) {
    weights.push(weight);
    weight *= steps / (k + 1);
  }
  return values.map((_, k) => {
    let sum = end - slope * SMOOTH * (k + 1);
    for (let i = 0; i <= k; i += 1) sum += weights[i] * off[k - i];
    return sum;
  });
}

/** The crop's middle in one direction; faces that the picture's rim cuts are not cut by the crop as well. */
function toTheRim(middle, half, first, last, end) {
  const there = last > end - RIM ? Math.max(middle, end - half) : middle;
  return first < RIM ? Math.min(there, half) : there;
}

function around(boxes) {
  return [
    Math.min(...boxes.map((box) => box[0])),
    Math.min(...boxes.map((box) => box[1])),
    Math.max(...boxes.map((box) => box[2])),
    Math.max(...boxes.map((box) => box[3])),
  ];
}

function sightings(faces, width) {
  return faces
    .map(({ id, box, coasting }, row) => ({ id: id ?? -1 - row, box: box.map((side) => side / width), coasting }))
    .filter(({ box }) => box[2] > box[0] && box[3] > box[1] && Number.isFinite(box[2] - box[0] + box[3] - box[1]));
}
