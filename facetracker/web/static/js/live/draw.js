// What a person sees of the faces: rounded boxes with number and score, or nothing recognisable at all.

import { covers } from "../vision/hide.js";

const COLOURS = { face: "#22c7e8", good: "#2fbf5b", bad: "#e5484d", unsure: "#f5a524" };
const OTHERS = ["#22c7e8", "#b07cff", "#ff8ac0", "#ffd24a", "#7cd0a0", "#ff9966"];
const POINT = "#fff05a";
const SEAM = 1; // pixel round the oval: a canvas colours its edge by halves

/** The colour of a class, as the window of `facetracker detect` has it (inference/draw.py). */
export function classColour(name, number = 0) {
  const words = new Set(name.toLowerCase().split(/[^a-z]+/));
  const any = (...list) => list.some((word) => words.has(word));
  if (any("incorrect", "incorrectly", "wrong")) return COLOURS.unsure;
  if (any("mask", "masked", "nomask", "unmasked")) {
    return any("no", "non", "without", "not", "nomask", "unmasked") ? COLOURS.bad : COLOURS.good;
  }
  return name === "face" ? COLOURS.face : OTHERS[Math.max(0, number) % OTHERS.length];
}

/** Draws the picture, mirrored if wanted, at the context's full size. */
export function drawPicture(context, picture, mirror) {
  const { width, height } = context.canvas;
  context.setTransform(mirror ? -1 : 1, 0, 0, 1, mirror ? width : 0, 0);
  context.drawImage(picture, 0, 0, width, height);
  context.setTransform(1, 0, 0, 1, 0, 0);
}

let few;

/** Makes faces unrecognisable, in place. `faces` in pixels of the canvas as it stands. */
export function hideFaces(context, faces) {
  const { canvas } = context;
  few ??= document.createElement("canvas").getContext("2d");
  for (const { oval, part, tones } of covers(faces.map(({ box }) => box), canvas.width, canvas.height)) {
    const { left, top, width, height } = part;
    const [across, down] = tones;
    Object.assign(few.canvas, { width: across, height: down });
    few.imageSmoothingQuality = "high";
    few.drawImage(canvas, left, top, width, height, 0, 0, across, down);
    // Without its outermost half pixels: there the smoothing would mix with nothing.
    const smooth = across > 1 && down > 1;
    const edge = smooth ? 0.5 : 0;
    context.save();
    context.beginPath();
    context.ellipse(oval.x, oval.y, oval.across + SEAM, oval.down + SEAM, 0, 0, 2 * Math.PI);
    context.clip();
    context.imageSmoothingEnabled = smooth;
    const [x, y, wide, high] = [left - SEAM, top - SEAM, width + 2 * SEAM, height + 2 * SEAM];
    context.drawImage(few.canvas, edge, edge, across - 2 * edge, down - 2 * edge, x, y, wide, high);
    context.restore();
  }
}

/** Faces of a frame that was flipped left to right. */
export function mirrored(faces, width) {
  return faces.map((face) => ({
    ...face,
    box: [width - face.box[2], face.box[1], width - face.box[0], face.box[3]],
    ...(face.points && { points: face.points.map(([x, y]) => [width - x, y]) }),
  }));
}

/**
 * Rounded boxes with `#3 0.97` above; `scale` from the frame's pixels to the canvas's. With `points` a dot on eyes,
 * nose and the corners of the mouth, where the model knows them.
 */
export function drawFaces(context, faces, scale, classes, points = false) {
  const unit = Math.max(1, context.canvas.height / 480);
  const size = Math.round(15 * unit);
  context.lineWidth = Math.max(2, 2.5 * unit);
  context.font = `600 ${size}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  for (const face of faces) {
    const [left, top, right, bottom] = face.box.map((side) => side * scale);
    const [wide, high] = [right - left, bottom - top];
    const colour = classColour(face.class, classes.indexOf(face.class));
    context.strokeStyle = colour;
    context.beginPath();
    context.roundRect(left, top, wide, high, Math.min(wide, high) * 0.14);
    context.stroke();
    if (points) drawPoints(context, face.points ?? [], scale, Math.min(Math.max(wide / 20, 1), 3 * unit));
    const text = [
      face.id === null || face.id === undefined ? "" : `#${face.id}`,
      classes.length > 1 ? face.class.replaceAll("_", " ") : "",
      face.score === null || face.score === undefined ? "" : face.score.toFixed(2),
    ];
    drawTag(context, text.filter(Boolean).join("  "), left, top, size, colour);
  }
}

function drawPoints(context, points, scale, radius) {
  context.fillStyle = POINT;
  for (const [x, y] of points) {
    context.beginPath();
    context.arc(x * scale, y * scale, radius, 0, 2 * Math.PI);
    context.fill();
  }
}

function drawTag(context, text, left, top, size, colour) {
  const wide = context.measureText(text).width + size;
  const high = size * 1.6;
  const x = Math.min(Math.max(2, left), context.canvas.width - wide - 2);
  const y = top - high - 6 >= 2 ? top - high - 6 : top + 6; // inside the box where there is no room above
  context.fillStyle = colour;
  context.beginPath();
  context.roundRect(x, y, wide, high, high / 2);
  context.fill();
  context.fillStyle = "#06222b";
  context.fillText(text, x + size / 2, y + high / 2 + 1);
}
