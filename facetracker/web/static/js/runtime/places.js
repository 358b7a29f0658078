// Which number goes where: lists of places for whatever only moves numbers, worked out once.

/** How many numbers a shape holds. */
export function size(shape) {
  return shape.reduce((product, side) => product * side, 1);
}

/** Axes counted from the front, of a tensor with `rank` axes. */
export function axesOf(axes, rank) {
  return Array.from(axes, (axis) => (axis < 0 ? axis + rank : axis));
}

/** How far apart two neighbours along each axis lie. */
export function strides(shape) {
  const steps = new Array(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) steps[i] = steps[i + 1] * shape[i + 1];
  return steps;
}

/** The shape to which two shapes are spread. */
export function broadcast(a, b) {
  const rank = Math.max(a.length, b.length);
  const side = (shape, i) => shape[i - rank + shape.length] ?? 1;
  return Array.from({ length: rank }, (_, i) => {
    const [one, other] = [side(a, i), side(b, i)];
    if (one !== other && one !== 1 && other !== 1) throw new Error(`${a} and ${b} do not go together`);
    return one === 1 ? other : one;
  });
}

/** For each number of an output: where it comes from, walking `steps` along each axis of `shape` from `first` on. */
export function walk(shape, steps, first = 0) {
  const count = size(shape);
  const places = new Int32Array(count);
  const at = new Array(shape.length).fill(0);
  let place = first;
  for (let i = 0; i < count; i++) {
    places[i] = place;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place += steps[axis];
      if (++at[axis] < shape[axis]) break;
      place -= steps[axis] * shape[axis];
      at[axis] = 0;
    }
  }
  return places;
}

/** Where the numbers of a tensor of shape `from` lie when it is spread to `to`. */
export function broadcastPlaces(from, to) {
  const own = strides(from);
  const missing = to.length - from.length;
  return walk(to, to.map((_, i) => (i < missing || from[i - missing] === 1 ? 0 : own[i - missing])));
}

/** out[i] = in[places[i]]. Where nothing moves, the tensor itself. */
export function moved(plan, input, shape, places) {
  const still = places.length === size(input.shape) && places.every((place, i) => place === i);
  if (still) return plan.alias(input, shape);
  if (input.data) return plan.constant(shape, Array.from(places, (place) => input.data[place]), input.kind);
  const out = plan.fresh(shape, input.kind);
  const [from, list, to] = [plan.at(input), plan.list(places), plan.at(out)];
  plan.step(() => () => plan.kernel.take(from, list, to, places.length));
  return out;
}

/** The tensor with its axes in this order. */
export function permutation(plan, input, order) {
  const steps = strides(input.shape);
  const shape = order.map((axis) => input.shape[axis]);
  return moved(plan, input, shape, walk(shape, order.map((axis) => steps[axis])));
}
