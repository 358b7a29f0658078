// Light or dark: as the system says, until the person presses the switch.

import { byId } from "./dom.js";
import { remember, remembered } from "./memory.js";

export function startTheme() {
  const root = document.documentElement;
  const chosen = remembered("theme", "");
  if (chosen) root.dataset.theme = chosen;
  byId("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    remember("theme", root.dataset.theme);
  });
}
