// The class names as buttons, and the one that the next box gets.

import { post } from "../api.js";
import { byId, complain, make, say } from "../dom.js";

export class Classes {
  /** `onchoose(label)`: a person wants this class; `onchanged()`: there are others now, or they are called otherwise. */
  constructor(onchoose, onchanged) {
    Object.assign(this, { onchoose, onchanged });
    this.names = ["face"];
    this.label = "face";
    byId("label-class-add").addEventListener("click", () => this.#name(null).catch(complain));
    byId("label-classes").addEventListener("dblclick", (event) => {
      const button = event.target.closest("button");
      if (button) this.#name(button.dataset.label).catch(complain);
    });
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

  /** Asks for a name: of another class, or another one for a class that is there. */
  async #name(old) {
    const dialog = byId("class-dialog");
    byId("class-title").textContent = old === null ? "Add a class" : `Another name for ${old}`;
    byId("class-name").value = old ?? "";
    dialog.returnValue = "";
    dialog.showModal();
    byId("class-name").select();
    await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
    const name = byId("class-name").value.trim();
    if (dialog.returnValue !== "save" || !name || name === old) return;
    const told = await post("api/classes", old === null ? { name } : { name, rename: old });
    if (old !== null) say(`${old} is called ${name} now, in ${told.changed} ${told.changed === 1 ? "photo" : "photos"}.`);
    await this.onchanged();
    this.label = name; // only now: the photo that was opened again has chosen a box, and the class of that
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
