// Which face is which from frame to frame, in the tab: boxes that overlap most are the same face.

import { iou } from "./decode.js";

const OVERLAP = 0.3;
const PATIENCE = 15; // frames a face may be missing before its number is given up

/** Gives faces numbers. One follower serves one source. */
export class Follower {
  constructor() {
    this.next = 1;
    this.known = []; // {id, box, missed}
  }

  /** The same faces, each with an `id`. */
  follow(faces) {
    const pairs = [];
    faces.forEach((face, i) =>
      this.known.forEach((track) => {
        const overlap = iou(face.box, track.box);
        if (overlap >= OVERLAP) pairs.push({ i, track, overlap });
      }),
    );
    pairs.sort((a, b) => b.overlap - a.overlap);
    const owner = new Map();
    const taken = new Set();
    for (const { i, track } of pairs) {
      if (owner.has(i) || taken.has(track)) continue;
      owner.set(i, track);
      taken.add(track);
    }
    for (const track of this.known) track.missed += 1;
    const named = faces.map((face, i) => {
      const track = owner.get(i) ?? this.#begin();
      track.box = face.box;
      track.missed = 0;
      return { ...face, id: track.id };
    });
    this.known = this.known.filter((track) => track.missed <= PATIENCE);
    return named;
  }

  #begin() {
    const track = { id: this.next++, box: null, missed: 0 };
    this.known.push(track);
    return track;
  }
}
