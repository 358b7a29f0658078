// Labels as labelme writes them: what facetracker/web/labels.py does for the server, for rectangles.

const VERSION = "6.3.1"; // of labelme, whose format this is
const NO_FACE = "no_face";

/** A new file's content for the boxes of a photo as the Label view sends them. */
export function contentOf(wish, photo, earlier = null) {
  const old = earlier?.shapes ?? [];
  const shapes = wish.shapes.map(({ label, box, index }) => ({
    flags: {},
    group_id: null,
    description: "",
    mask: null,
    ...(old[index] ?? {}),
    label,
    shape_type: "rectangle",
    points: cornersOf(box, photo),
  }));
  const flags = { ...(earlier?.flags ?? {}), [NO_FACE]: Boolean(wish.no_face) && !shapes.length };
  if (!flags[NO_FACE] && !(NO_FACE in (earlier?.flags ?? {}))) delete flags[NO_FACE];
  return {
    version: VERSION,
    ...(earlier ?? {}),
    flags,
    shapes: [...shapes, ...old.filter((shape) => !boxOf(shape))],
    imagePath: `../images/${photo.file}`,
    imageData: null,
    imageHeight: photo.height,
    imageWidth: photo.width,
  };
}

/** The shapes that the Label view shows; `index` is their place in the file. */
export function shapesOf(content, photo) {
  return content.shapes.flatMap((shape, index) => {
    const box = boxOf(shape);
    const editable = ["rectangle", undefined, null].includes(shape.shape_type);
    return box ? [{ index, label: String(shape.label), box: clipped(box, photo), unreviewed: false, editable }] : [];
  });
}

/** The boxes of a file as shares of the photo. */
export function sharesOf(content, photo) {
  return shapesOf(content, photo).map(({ box }) => box.map((side, i) => side / (i % 2 ? photo.height : photo.width)));
}

/** Checks what somebody hands in as a labelme file. It is kept: what cannot be drawn would stop the page every time. */
export function readContent(text) {
  let content;
  try {
    content = JSON.parse(text);
  } catch {
    content = null;
  }
  const { shapes, flags } = content ?? {};
  const sound = Array.isArray(shapes) && shapes.every(isShape) && (isObject(flags) || (flags ?? null) === null);
  if (!sound) throw new Error("is no labelme file");
  return content;
}

function isShape(shape) {
  const isPoint = (point) => Array.isArray(point) && point.length === 2 && point.every(Number.isFinite);
  return isObject(shape) && Array.isArray(shape.points) && shape.points.every(isPoint);
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The box round a shape that encloses something; null for lines and points. */
function boxOf({ shape_type: kind, points }) {
  const known = ["rectangle", "polygon", "circle", undefined, null].includes(kind);
  if (!known || !Array.isArray(points) || points.length < 2 || !points.flat().every(Number.isFinite)) return null;
  const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
  if (kind === "circle") {
    const radius = Math.hypot(xs[1] - xs[0], ys[1] - ys[0]);
    return [xs[0] - radius, ys[0] - radius, xs[0] + radius, ys[0] + radius];
  }
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

function cornersOf(box, photo) {
  const [x1, y1, x2, y2] = clipped(box, photo);
  return [[Math.min(x1, x2), Math.min(y1, y2)], [Math.max(x1, x2), Math.max(y1, y2)]];
}

function clipped(box, { width, height }) {
  return box.map((side, i) => Math.round(Math.min(Math.max(side, 0), i % 2 ? height : width) * 1e4) / 1e4);
}
