// Operations in which numbers say which other numbers are meant.

import { axesOf, broadcast, broadcastPlaces, size, strides, walk } from "./places.js";

/** What `fill(views of the inputs, views of the outputs)` gives: at once for constants, else a step. */
function computed(plan, inputs, shapes, kinds, fill) {
  if (inputs.every((one) => !one || one.data)) {
    const outs = shapes.map((shape) => new Float64Array(size(shape)));
    fill(inputs.map((one) => one?.data), outs);
    return outs.map((values, i) => plan.constant(shapes[i], values, kinds[i]));
  }
  const outs = shapes.map((shape, i) => plan.fresh(shape, kinds[i]));
  plan.step(() => {
    const from = inputs.map((one) => one && plan.view(one));
    const to = outs.map((one) => plan.view(one));
    return () => fill(from, to);
  });
  return outs;
}

function gather(plan, { attributes }, [input, chosen]) {
  const axis = axesOf([attributes.axis ?? 0], input.shape.length)[0];
  const side = input.shape[axis];
  const inner = size(input.shape.slice(axis + 1));
  const outer = size(input.shape.slice(0, axis));
  const shape = [...input.shape.slice(0, axis), ...chosen.shape, ...input.shape.slice(axis + 1)];
  return computed(plan, [input, chosen], [shape], [input.kind], ([from, which], [to]) => {
    for (let row = 0, at = 0; row < outer; row++) {
      const begin = row * side * inner;
      for (let i = 0; i < which.length; i++) {
        const place = begin + (which[i] < 0 ? which[i] + side : which[i]) * inner;
        for (let k = 0; k < inner; k++) to[at++] = from[place + k];
      }
    }
  });
}

function gatherND(plan, { attributes }, [input, chosen]) {
  if (attributes.batch_dims) throw new Error("this page cannot gather by batches");
  const depth = chosen.shape.at(-1);
  const steps = strides(input.shape);
  const inner = size(input.shape.slice(depth));
  const shape = [...chosen.shape.slice(0, -1), ...input.shape.slice(depth)];
  return computed(plan, [input, chosen], [shape], [input.kind], ([from, which], [to]) => {
    for (let row = 0; row * depth < which.length; row++) {
      const place = placeOf(which, row, depth, steps, input.shape);
      for (let k = 0; k < inner; k++) to[row * inner + k] = from[place + k];
    }
  });
}

function scatterND(plan, { attributes }, [input, chosen, updates]) {
  if (attributes.reduction && attributes.reduction !== "none") throw new Error("this page cannot scatter and sum");
  const depth = chosen.shape.at(-1);
  const steps = strides(input.shape);
  const inner = size(input.shape.slice(depth));
  return computed(plan, [input, chosen, updates], [input.shape], [input.kind], ([from, which, news], [to]) => {
    to.set(from);
    for (let row = 0; row * depth < which.length; row++) {
      const place = placeOf(which, row, depth, steps, input.shape);
      for (let k = 0; k < inner; k++) to[place + k] = news[row * inner + k];
    }
  });
}

function placeOf(which, row, depth, steps, shape) {
  let place = 0;
  for (let i = 0; i < depth; i++) {
    const at = which[row * depth + i];
    place += (at < 0 ? at + shape[i] : at) * steps[i];
  }
  return place;
}

function where(plan, node, [condition, yes, no]) {
  const shape = broadcast(condition.shape, broadcast(yes.shape, no.shape));
  const [when, then, otherwise] = [condition, yes, no].map((one) => broadcastPlaces(one.shape, shape));
  return computed(plan, [condition, yes, no], [shape], [yes.kind], ([is, one, other], [to]) => {
    for (let i = 0; i < to.length; i++) to[i] = is[when[i]] ? one[then[i]] : other[otherwise[i]];
  });
}

/** The largest (or smallest) along the last axis, best first; of equals the first. */
function topK(plan, { attributes }, [input, count]) {
  const rank = input.shape.length;
  if (axesOf([attributes.axis ?? -1], rank)[0] !== rank - 1) throw new Error("this page computes TopK over the last axis only");
  const k = count.data[0];
  const wide = input.shape.at(-1);
  const sign = (attributes.largest ?? 1) ? 1 : -1;
  const shape = [...input.shape.slice(0, -1), k];
  return computed(plan, [input], [shape, shape], [input.kind, "int"], ([from], [values, places]) => {
    for (let row = 0; row < size(shape.slice(0, -1)); row++) {
      const [begin, out] = [row * wide, row * k];
      let held = 0;
      for (let i = 0; i < wide; i++) {
        const value = from[begin + i];
        if (held === k && !(sign * value > sign * values[out + k - 1])) continue;
        let at = held < k ? held++ : k - 1;
        for (; at > 0 && sign * value > sign * values[out + at - 1]; at--) {
          values[out + at] = values[out + at - 1];
          places[out + at] = places[out + at - 1];
        }
        values[out + at] = value;
        places[out + at] = i;
      }
    }
  });
}

function cumulative(plan, { attributes }, [input, given]) {
  const axis = axesOf(given.data, input.shape.length)[0];
  const step = strides(input.shape)[axis];
  const side = input.shape[axis];
  const begins = walk(input.shape.map((one, i) => (i === axis ? 1 : one)), strides(input.shape));
  const [later, back] = [attributes.exclusive ?? 0, attributes.reverse ?? 0];
  return computed(plan, [input], [input.shape], [input.kind], ([from], [to]) => {
    for (const begin of begins) {
      let sum = 0;
      for (let i = 0; i < side; i++) {
        const at = begin + (back ? side - 1 - i : i) * step;
        if (later) to[at] = sum;
        sum += from[at];
        if (!later) to[at] = sum;
      }
    }
  });
}

function arg(sign) {
  return (plan, { attributes }, [input]) => {
    const rank = input.shape.length;
    if (axesOf([attributes.axis ?? 0], rank)[0] !== rank - 1) throw new Error("this page finds the largest along the last axis only");
    const wide = input.shape.at(-1);
    const outer = input.shape.slice(0, -1);
    const shape = (attributes.keepdims ?? 1) ? [...outer, 1] : outer;
    return computed(plan, [input], [shape], ["int"], ([from], [to]) => {
      for (let row = 0; row < to.length; row++) {
        let best = 0;
        for (let i = 1; i < wide; i++) if (sign * from[row * wide + i] > sign * from[row * wide + best]) best = i;
        to[row] = best;
      }
    });
  };
}

export const SELECTION = {
  ArgMax: arg(1),
  ArgMin: arg(-1),
  CumSum: cumulative,
  Gather: gather,
  GatherND: gatherND,
  ScatterND: scatterND,
  TopK: topK,
  Where: where,
};
