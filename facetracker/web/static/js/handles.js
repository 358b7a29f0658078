// The handles of a chosen box, as a photo and a film have them.

export const SIDE = 5; // CSS pixels from the middle of a handle to its side
const GRIP = { mouse: 9, touch: 20, pen: 14 }; // the same for what can be caught
const REACH = 0.4; // of a box's sides: how far off a side may lie that a click puts right
// Which sides of the box each handle moves: [x1, y1, x2, y2], and the pointer's look.
export const HANDLES = [
  [[1, 1, 0, 0], "nwse"], [[0, 1, 0, 0], "ns"], [[0, 1, 1, 0], "nesw"], [[0, 0, 1, 0], "ew"],
  [[0, 0, 1, 1], "nwse"], [[0, 0, 0, 1], "ns"], [[1, 0, 0, 1], "nesw"], [[1, 0, 0, 0], "ew"],
];

/** CSS pixels around a handle that can be caught with a `pointer`: "mouse", "touch", "pen". */
export const gripOf = (pointer) => GRIP[pointer] ?? GRIP.mouse;

/** The places of a box's handles, in the order of HANDLES. */
export function placesOf([x1, y1, x2, y2]) {
  const [x, y] = [(x1 + x2) / 2, (y1 + y2) / 2];
  return [[x1, y1], [x, y1], [x2, y1], [x2, y], [x2, y2], [x, y2], [x1, y2], [x1, y]];
}

/** Which handle of a box a click means; -1 for the box as a whole (its middle is nearer), or where it is far from all. */
export function handleAt(box, [x, y]) {
  const [wide, high] = [box[2] - box[0], box[3] - box[1]];
  const away = ([u, v]) => Math.max(Math.abs(u - x) / wide, Math.abs(v - y) / high);
  const places = placesOf(box).map(away);
  const nearest = places.indexOf(Math.min(...places));
  const middle = away([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]);
  return places[nearest] < Math.min(REACH, middle) ? nearest : -1;
}

/** A box with one handle pulled to a place. */
export function pulled(box, handle, place) {
  return box.map((side, i) => (HANDLES[handle][0][i] ? Math.round(place[i % 2]) : side));
}

/** Who drags a corner of a machine's box past its middle does not resize it: they draw their own, from there. */
export function pastMiddle([left, top, right, bottom], [x1, y1, x2, y2], x, y) {
  if (left === right || top === bottom) return false;
  const [across, down] = [x - (x1 + x2) / 2, y - (y1 + y2) / 2];
  return (left ? across : -across) > 0 && (top ? down : -down) > 0;
}
