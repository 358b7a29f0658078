// Who is framed: facetracker/inference/framing/shots.py once more. Boxes in picture widths, in both directions.

const HOLD = 5.0; // seconds between two changes of shot at least
const SETTLE = 0.5; // somebody new is framed after being seen for so many seconds,
const SETTLE_ALONE = 0.15; // and sooner when nobody is framed
const PATIENCE = 1.5; // seconds after which somebody who cannot be seen is gone
const LARGER = 1.5; // times the height of the framed face, for another to be framed in its place
const WEIGH = 2.0; // seconds: time constant of these heights
const SAME = 0.3; // overlap from which a new number is the face that was lost there

/** Chooses the `subjects`, the numbers of the framed faces; `[]` is the whole picture. `follow`: "all" or "largest". */
export class Shots {
  constructor(follow) {
    this.follow = follow;
    this.subjects = [];
    this.known = new Map(); // id -> {first, last, box, height}
  }

  /** Begins with the faces `{id, box, coasting}` of a first frame, framed at once. */
  start(faces, time, fits) {
    this.known = new Map(faces.map(({ id, box }) => [id, begun(-Infinity, time, box)]));
    this.changed = -Infinity;
    this.subjects = [];
    this.subjects = this.#wish(time, fits);
  }

  /** Takes the faces of the next frame; whether the shot changed. `fits(boxes, slack)`, `shows(boxes)`: of the crop. */
  update(faces, time, fits, shows) {
    this.#meet(faces, time);
    const wish = this.#wish(time, fits);
    if (String(wish) === String(this.subjects)) return false;
    const lost = !this.subjects.some((id) => this.#isHere(id, time));
    const hurried = lost && wish.length > 0 && !shows(this.#boxes(wish));
    if (time - this.changed < HOLD && !hurried) return false;
    this.subjects = wish;
    this.changed = time;
    return true;
  }

  /** The boxes of the subjects, where they were seen last. */
  framed() {
    return this.#boxes(this.subjects);
  }

  #boxes(ids) {
    return ids.map((id) => this.known.get(id).box);
  }

  #meet(faces, time) {
    const seen = new Set(faces.map(({ id }) => id));
    for (const face of faces) if (!this.known.has(face.id) && !face.coasting) this.#rename(face, seen);
    for (const { id, box, coasting } of faces) {
      if (!this.known.has(id)) this.known.set(id, begun(time, time, box));
      const known = this.known.get(id);
      known.box = box;
      if (coasting) continue;
      known.height += (1 - Math.exp(-(time - known.last) / WEIGH)) * (box[3] - box[1] - known.height);
      known.last = time;
    }
    for (const [id, { last }] of this.known) {
      if (!this.subjects.includes(id) && !(time - last <= PATIENCE)) this.known.delete(id);
    }
  }

  /** A new number where a framed face was lost is that face. */
  #rename(face, seen) {
    const lost = this.subjects.find((id) => !seen.has(id) && overlap(this.known.get(id).box, face.box) > SAME);
    if (lost === undefined) return;
    this.known.set(face.id, this.known.get(lost));
    this.known.delete(lost);
    this.subjects = this.subjects.map((id) => (id === lost ? face.id : id)).sort((a, b) => a - b);
  }

  #isHere(id, time) {
    const known = this.known.get(id);
    if (!known || !(time - known.last <= PATIENCE)) return false;
    const settle = this.subjects.length ? SETTLE : SETTLE_ALONE;
    return this.subjects.includes(id) || known.last - known.first >= settle;
  }

  #wish(time, fits) {
    const here = [...this.known.keys()].filter((id) => this.#isHere(id, time)).sort((a, b) => a - b);
    if (!here.length) return [];
    const slack = this.subjects.length > 1 ? 1.0 : 1.1;
    if (this.follow === "all" && (here.length === 1 || fits(this.#boxes(here), slack))) return here;
    return [this.#largest(here)];
  }

  /** The face to show alone: the framed one, unless another is clearly larger. */
  #largest(here) {
    const height = (id) => this.known.get(id).height;
    const best = here.reduce((one, other) => (height(other) > height(one) ? other : one));
    const [now] = this.subjects;
    const stays = this.subjects.length === 1 && here.includes(now) && height(best) < LARGER * height(now);
    return stays ? now : best;
  }
}

function begun(first, last, box) {
  return { first, last, box, height: box[3] - box[1] };
}

function overlap(a, b) {
  const wide = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const high = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (wide <= 0 || high <= 0) return 0;
  const both = wide * high;
  return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both);
}
