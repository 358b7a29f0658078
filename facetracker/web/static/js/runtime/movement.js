// Operations that only move numbers, or say how many there are.

import { axesOf, broadcast, broadcastPlaces, moved, permutation, size, strides, walk } from "./places.js";

function reshape(plan, { attributes }, [input, wanted]) {
  const shape = Array.from(wanted.data, (side, i) => (side === 0 && !attributes.allowzero ? input.shape[i] : side));
  const open = shape.indexOf(-1);
  if (open >= 0) shape[open] = size(input.shape) / size(shape.filter((side) => side !== -1));
  return plan.alias(input, shape);
}

function squeeze(plan, { attributes }, [input, given]) {
  const wanted = given ? given.data : (attributes.axes ?? input.shape.flatMap((side, i) => (side === 1 ? [i] : [])));
  const axes = axesOf(wanted, input.shape.length);
  return plan.alias(input, input.shape.filter((_, i) => !axes.includes(i)));
}

function unsqueeze(plan, { attributes }, [input, given]) {
  const wanted = given ? given.data : attributes.axes;
  const axes = axesOf(wanted, input.shape.length + wanted.length).sort((a, b) => a - b);
  const shape = [...input.shape];
  for (const axis of axes) shape.splice(axis, 0, 1);
  return plan.alias(input, shape);
}

function flatten(plan, { attributes }, [input]) {
  const axis = axesOf([attributes.axis ?? 1], input.shape.length)[0];
  return plan.alias(input, [size(input.shape.slice(0, axis)), size(input.shape.slice(axis))]);
}

function slice(plan, { attributes }, [input, first, last, axes, pace]) {
  const list = (given, name) => (given ? Array.from(given.data) : attributes[name]);
  const [starts, ends] = [list(first, "starts"), list(last, "ends")];
  const which = axesOf(list(axes, "axes") ?? starts.map((_, i) => i), input.shape.length);
  const every = pace ? Array.from(pace.data) : starts.map(() => 1);
  const steps = strides(input.shape);
  const shape = [...input.shape];
  let from = 0;
  which.forEach((axis, i) => {
    const side = input.shape[axis];
    const [low, high] = every[i] > 0 ? [0, side] : [-1, side - 1];
    const inside = (place) => Math.min(Math.max(place < 0 ? place + side : place, low), high);
    const start = every[i] > 0 ? inside(starts[i]) : Math.max(0, inside(starts[i]));
    shape[axis] = Math.max(0, Math.ceil(((ends[i] < -side ? low : inside(ends[i])) - start) / every[i]));
    from += start * steps[axis];
    steps[axis] *= every[i];
  });
  return moved(plan, input, shape, walk(shape, steps, from));
}

function concat(plan, { attributes }, inputs) {
  const axis = axesOf([attributes.axis], inputs[0].shape.length)[0];
  const shape = [...inputs[0].shape];
  shape[axis] = inputs.reduce((sum, one) => sum + one.shape[axis], 0);
  const outer = size(shape.slice(0, axis));
  const pieces = inputs.map((one) => size(one.shape.slice(axis)));
  const line = size(shape.slice(axis));
  const { kind } = inputs[0];
  const fill = (views, to) => {
    let column = 0;
    views.forEach((view, i) => {
      const wide = pieces[i];
      for (let row = 0; row < outer; row++) to.set(view.subarray(row * wide, (row + 1) * wide), row * line + column);
      column += wide;
    });
  };
  if (inputs.every(({ data }) => data)) {
    const values = new Float64Array(size(shape));
    fill(inputs.map(({ data }) => data), values);
    return plan.constant(shape, values, kind);
  }
  const out = plan.fresh(shape, kind);
  plan.step(() => {
    const [views, to] = [inputs.map((one) => plan.view(one)), plan.view(out)];
    return () => fill(views, to);
  });
  return out;
}

function split(plan, { attributes, outputs }, [input, given]) {
  const axis = axesOf([attributes.axis ?? 0], input.shape.length)[0];
  const equal = Math.ceil(input.shape[axis] / outputs.length);
  const parts = given ? Array.from(given.data) : (attributes.split ?? outputs.map(() => equal));
  const steps = strides(input.shape);
  let first = 0;
  return parts.map((side) => {
    const shape = input.shape.map((old, i) => (i === axis ? side : old));
    const part = moved(plan, input, shape, walk(shape, steps, first * steps[axis]));
    first += side;
    return part;
  });
}

function expand(plan, node, [input, wanted]) {
  const shape = broadcast(input.shape, Array.from(wanted.data));
  return moved(plan, input, shape, broadcastPlaces(input.shape, shape));
}

function tile(plan, node, [input, repeats]) {
  const shape = input.shape.map((side, i) => side * repeats.data[i]);
  const steps = strides(input.shape);
  const places = walk(shape.flatMap((_, i) => [repeats.data[i], input.shape[i]]), steps.flatMap((step) => [0, step]));
  return moved(plan, input, shape, places);
}

/** A border, of one number. */
function pad(plan, { attributes }, [input, given, filling]) {
  if ((attributes.mode ?? "constant") !== "constant") throw new Error(`this page cannot pad by ${attributes.mode}`);
  const border = given ? Array.from(given.data) : attributes.pads;
  const value = filling?.data?.[0] ?? attributes.value ?? 0;
  const rank = input.shape.length;
  const shape = input.shape.map((side, i) => border[i] + side + border[i + rank]);
  const steps = strides(shape);
  const first = steps.reduce((sum, step, i) => sum + step * border[i], 0);
  const places = walk(input.shape, steps, first);
  if (input.data) {
    const values = new Float64Array(size(shape)).fill(value);
    places.forEach((place, i) => (values[place] = input.data[i]));
    return plan.constant(shape, values, input.kind);
  }
  const out = plan.fresh(shape, input.kind);
  plan.step(() => {
    const [from, to] = [plan.view(input), plan.view(out)];
    return () => {
      to.fill(value);
      for (let i = 0; i < places.length; i++) to[places[i]] = from[i];
    };
  });
  return out;
}

/** The first numbers along an axis in reverse; here all of them are. */
function reverseSequence(plan, { attributes }, [input, lengths]) {
  const axis = attributes.time_axis ?? 0;
  const side = input.shape[axis];
  if (!lengths.data?.every((length) => length === side)) throw new Error("this page reverses whole axes only");
  const steps = strides(input.shape);
  const first = (side - 1) * steps[axis];
  return moved(plan, input, input.shape, walk(input.shape, steps.map((step, i) => (i === axis ? -step : step)), first));
}

/** Larger by whole times, each number repeated; other ways of resizing no network here has. */
function resize(plan, { attributes }, [input, , scales, sizes]) {
  const shape = sizes?.data?.length ? Array.from(sizes.data) : input.shape.map((side, i) => Math.floor(side * scales.data[i]));
  const times = shape.map((side, i) => side / input.shape[i]);
  if (attributes.mode !== "nearest" || !times.every(Number.isInteger)) throw new Error("this page cannot resize like that");
  const steps = strides(input.shape);
  const places = walk(times.flatMap((time, i) => [input.shape[i], time]), steps.flatMap((step) => [step, 0]));
  return moved(plan, input, shape, places);
}

export const MOVEMENT = {
  Concat: concat,
  Constant: (plan, { attributes }) => attributes.value ?? plan.constant([], [attributes.value_float ?? attributes.value_int], "value_int" in attributes ? "int" : "float"),
  ConstantOfShape: (plan, { attributes }, [wanted]) => {
    const shape = Array.from(wanted.data);
    const { data = [0], kind = "float" } = attributes.value ?? {};
    return plan.constant(shape, new Float64Array(size(shape)).fill(data[0]), kind);
  },
  Dropout: (plan, node, [input]) => plan.alias(input, input.shape),
  Expand: expand,
  Flatten: flatten,
  Identity: (plan, node, [input]) => plan.alias(input, input.shape),
  Pad: pad,
  Range: (plan, node, [first, last, step]) => {
    const count = Math.max(0, Math.ceil((last.data[0] - first.data[0]) / step.data[0]));
    return plan.constant([count], Array.from({ length: count }, (_, i) => first.data[0] + i * step.data[0]), first.kind);
  },
  Reshape: reshape,
  Resize: resize,
  ReverseSequence: reverseSequence,
  Shape: (plan, node, [input]) => plan.constant([input.shape.length], input.shape, "int"),
  Slice: slice,
  Split: split,
  Squeeze: squeeze,
  Tile: tile,
  Transpose: (plan, { attributes }, [input]) => permutation(plan, input, attributes.perm ?? input.shape.map((_, i) => i).reverse()),
  Unsqueeze: unsqueeze,
};
