// Small helpers for the page's elements.

/** The element with this id; a page without it is broken, so it says so. */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/** A new element: `make("li", {class: "photo", text: "…"}, child, …)`. Text only, never HTML. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  setAttributes(element, attributes);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** The same for SVG. */
export function makeSvg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  setAttributes(element, attributes);
  element.append(...children);
  return element;
}

export function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === false || value === null || value === undefined) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : value);
  }
}

/** An icon of the sheet in the page (`<symbol id="icon-NAME">`). */
function icon(name) {
  return makeSvg("svg", { class: "icon", "aria-hidden": "true" }, makeSvg("use", { href: `#icon-${name}` }));
}

/** A short message at the lower edge; read aloud by screen readers. */
export function say(text, kind = "info", fix = "") {
  const line = make("div", { class: `toast ${kind}`, role: kind === "error" ? "alert" : "status" }, make("p", { text }));
  if (fix) line.append(make("p", { class: "fix", text: fix }));
  const box = byId("toasts");
  while (box.children.length > 2) box.firstChild.remove();
  box.append(line);
  setTimeout(() => line.remove(), kind === "error" ? 9000 : 4000);
}

/** Shows what went wrong and what to do about it. */
export function complain(error) {
  say(error.message || String(error), "error", error.fix);
}

/** A folder by its last name; the whole path shows when the pointer rests on it. */
export function showFolder(id, path, inside) {
  byId(id).textContent = `${path.split(/[\\/]/).at(-1)}/${inside}`;
  byId(id).title = `${path}/${inside}`;
}

/** Is the person writing into a field? Then letters are no shortcuts. */
export function isTyping(event) {
  const target = event.target;
  return target.closest?.("input:not([type=range]):not([type=checkbox]):not([type=radio]), select, textarea") !== null;
}
