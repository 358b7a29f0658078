// A line chart as SVG: few lines, quiet grid, the last value written at its end.

import { makeSvg } from "../dom.js";

const ROOM = { left: 44, right: 52, top: 10, bottom: 26 };
const LINES = 4; // of the grid

/**
 * Draws `series`, a list of `{name, look, values: [[epoch, value], …]}`, into the SVG.
 * `epochs` is where the axis ends; `top` fixes the upper end of the values (an IoU goes to 1).
 */
export function drawChart(svg, series, { epochs, top = null }) {
  const { width, height } = svg.getBoundingClientRect();
  if (!width) return;
  const all = series.flatMap((one) => one.values.map(([, value]) => value)).filter(Number.isFinite);
  const most = top ?? niceTop(Math.max(...all, 1e-6));
  const last = Math.max(2, epochs, ...series.flatMap((one) => one.values.map(([epoch]) => epoch)));
  const x = (epoch) => ROOM.left + ((epoch - 1) / (last - 1)) * (width - ROOM.left - ROOM.right);
  const y = (value) => height - ROOM.bottom - (Math.min(value, most) / most) * (height - ROOM.top - ROOM.bottom);
  const parts = [];
  for (let i = 0; i <= LINES; i++) {
    const value = (most * i) / LINES;
    parts.push(makeSvg("line", { class: "grid", x1: ROOM.left, x2: width - ROOM.right, y1: y(value), y2: y(value) }));
    parts.push(makeSvg("text", { x: ROOM.left - 8, y: y(value) + 4, "text-anchor": "end", text: short(value, most) }));
  }
  for (const epoch of ticks(last)) {
    parts.push(makeSvg("text", { x: x(epoch), y: height - 6, "text-anchor": "middle", text: epoch }));
  }
  for (const { look, values } of series) {
    const points = values.filter(([, value]) => Number.isFinite(value)).map(([epoch, value]) => [x(epoch), y(value)]);
    if (!points.length) continue;
    parts.push(makeSvg("polyline", { class: `line ${look}`, points: points.map((point) => point.join(",")).join(" ") }));
    const [endX, endY] = points.at(-1);
    parts.push(makeSvg("circle", { class: look, cx: endX, cy: endY, r: 3.5 }));
    if (look === "two") {
      parts.push(makeSvg("text", { x: endX + 9, y: endY + 4, text: values.at(-1)[1].toFixed(2) }));
    }
  }
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren(...parts);
}

/** Up to six epochs at whole steps. */
function ticks(last) {
  const step = Math.max(1, Math.ceil((last - 1) / 5));
  const found = [];
  for (let epoch = 1; epoch <= last; epoch += step) found.push(epoch);
  return found;
}

function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 5, 8, 10].map((step) => step * power).find((step) => step >= value);
}

function short(value, most) {
  return value === 0 ? "0" : value.toFixed(most >= 4 ? (most >= 40 ? 0 : 1) : 2);
}
