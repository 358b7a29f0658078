// A page of some views: one at a time, each with its own keys.

import { byId, complain, isTyping } from "./dom.js";
import { showHelp } from "./help.js";
import { startTheme } from "./theme.js";

/** Starts the page: its views (classes) by name, the first one first shown, and `state()`, what the views are told. */
export function startPage(classes, state) {
  const NAMES = Object.keys(classes);

  const page = {
    state: null,

    /** What is said of the model, photos and runs; asked again whenever a view opens. */
    async refresh() {
      this.state = await state();
      return this.state;
    },

    /** Opens a view; `detail` is what it should show first (a run, say). */
    go(name, detail = "") {
      location.hash = detail ? `${name}/${encodeURIComponent(detail)}` : name;
    },
  };

  const views = Object.fromEntries(NAMES.map((name) => [name, new classes[name](page)]));
  let current = null;

  async function open() {
    const [path, query = ""] = location.hash.slice(1).split("?");
    const [asked, detail = ""] = path.split("/");
    const name = NAMES.includes(asked) ? asked : NAMES[0];
    if (current !== name) {
      views[current]?.leave();
      current = name;
      for (const other of NAMES) {
        byId(`view-${other}`).hidden = other !== name;
        const tab = byId(`tab-${other}`);
        tab.setAttribute("aria-selected", String(other === name));
        tab.tabIndex = other === name ? 0 : -1;
      }
      document.title = `${byId(`tab-${name}`).textContent.trim()} · facetracker`;
      window.scrollTo(0, 0);
    }
    try {
      await page.refresh();
      if (current === name) await views[name].enter(decodeURIComponent(detail), new URLSearchParams(query));
    } catch (error) {
      complain(error);
    }
  }

  function step(by) {
    const next = NAMES[(NAMES.indexOf(current) + by + NAMES.length) % NAMES.length];
    page.go(next);
    return next;
  }

  for (const name of NAMES) byId(`tab-${name}`).addEventListener("click", () => page.go(name));
  document.querySelector("[role=tablist]").addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    byId(`tab-${step(by)}`).focus();
  });

  document.addEventListener("keydown", (event) => {
    // Not whether the key was pressed in a dialog: for a moment after Esc the focus is still in the one that is shut.
    if (isTyping(event) || document.querySelector("dialog[open]")) return;
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (plain && event.key === "?") showHelp(views[current]);
    else if (plain && event.key === "]") step(1);
    else if (plain && event.key === "[") step(-1);
    else if (!views[current].key(event)) return;
    event.preventDefault();
  });

  byId("help-open").addEventListener("click", () => showHelp(views[current]));
  window.addEventListener("hashchange", open);
  startTheme();
  open();
}
