// The class names as buttons, and the one that the next box gets.

import { byId, make } from "../dom.js";

export class Classes {
  /** `onchoose(label)`: a person wants this class. */
  constructor(onchoose) {
    this.onchoose = onchoose;
    this.names = ["face"];
    this.label = "face";
  }

  show(names) {
    this.names = names;
    if (!names.includes(this.label)) this.label = names[0];
    const buttons = names.map((label, i) =>
      make(
        "button",
        { type: "button", role: "radio", "data-label": label, "aria-keyshortcuts": i < 9 ? String(i + 1) : null, onclick: () => this.take(i) && this.onchoose(label) },
        make("kbd", { text: i < 9 ? String(i + 1) : "" }),
        label.replaceAll("_", " "),
      ),
    );
    byId("label-classes").replaceChildren(...buttons);
    this.mark();
  }

  /** The class with this number; false where there is none. */
  take(number) {
    if (!this.names[number]) return false;
    this.label = this.names[number];
    return true;
  }

  /** Shows which class the chosen box has, or the next one gets. */
  mark(label = this.label) {
    for (const button of byId("label-classes").children) {
      const on = button.dataset.label === label;
      button.setAttribute("aria-checked", String(on));
      button.tabIndex = on ? 0 : -1;
    }
  }
}
