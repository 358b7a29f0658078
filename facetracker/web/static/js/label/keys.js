// What the keys of the Label view mean, for one photo and for the sheet.

export const KEYS_HELP = [
  ["drag", "draw a box, in place of a dashed one; move or resize one"],
  ["shift drag", "draw a box over another"],
  ["Enter", "accept the boxes and go on; on the sheet: all of them"],
  ["s", "sheet of many photos, one photo"],
  ["click", "sheet: move the nearest corner or side here; in the middle of the box: not this one"],
  ["x", "sheet: not this one"],
  ["n", "no face in this photo, go on"],
  ["d  a", "next photo, photo before"],
  ["1 … 9", "class of the box"],
  ["arrows", "move the box by a pixel; shift: ten"],
  ["ctrl arrows", "move its lower right corner"],
  ["b", "new box in the middle"],
  ["Delete", "delete the box; with shift: the photo, into the bin"],
  ["ctrl z  ctrl y", "undo, also in the photo before; redo"],
  ["wheel  +  -  0", "closer, away, whole photo"],
  ["Esc", "no box chosen"],
];
export const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** What a key means to `view` while one photo is open, or null. */
export function actionOf(event, view) {
  const control = event.ctrlKey || event.metaKey;
  if (control && event.key.toLowerCase() === "z") return () => view.travel(event.shiftKey ? "redo" : "undo");
  if (control && event.key.toLowerCase() === "y") return () => view.travel("redo");
  if (event.altKey) return null;
  if (ARROWS[event.key]) return view.boxes.current || view.opening ? () => view.nudge(event, control) : null;
  if (control) return null;
  if (event.key === "Enter") return onControl(event) ? null : () => view.accept();
  if (/^[1-9]$/.test(event.key)) return () => view.setClass(Number(event.key) - 1);
  const actions = {
    s: () => view.showSheet(true),
    d: () => view.step(1),
    a: () => view.step(-1),
    n: () => view.none(),
    b: () => view.addInMiddle(),
    Delete: () => (event.shiftKey ? view.bin() : view.remove()),
    Backspace: () => view.remove(),
    Escape: () => view.easel.abandon() || view.choose(-1),
    "+": () => view.easel.zoom(1.4),
    "=": () => view.easel.zoom(1.4),
    "-": () => view.easel.zoom(1 / 1.4),
    0: () => view.easel.zoom(0),
  };
  return actions[event.key] ?? null;
}

/** What a key means to the `sheet`, or null. */
export function actionOnSheet(event, view, sheet) {
  const control = event.ctrlKey || event.metaKey;
  if (control && event.key.toLowerCase() === "z" && !event.shiftKey) return () => view.travel("undo");
  if (event.altKey || control) return null;
  if (ARROWS[event.key]) return () => sheet.move(...ARROWS[event.key]);
  if (event.key === "Enter") return onControl(event) ? null : () => sheet.accept();
  const actions = {
    s: () => view.showSheet(false),
    Escape: () => sheet.abandon() || view.showSheet(false),
    x: () => sheet.reject(),
    n: () => sheet.none(),
    "+": () => sheet.resize(1),
    "=": () => sheet.resize(1),
    "-": () => sheet.resize(-1),
  };
  return actions[event.key] ?? null;
}

/** On a control Enter is the control's; a view's tab that is open already has no use for it. */
function onControl(event) {
  return event.target.closest("main :is(button, a, input, select), .top-tools button") !== null;
}
