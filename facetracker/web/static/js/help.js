// The list of keys: those of the view that is open, then those that work everywhere.

import { byId, make } from "./dom.js";

const EVERYWHERE = [
  ["?", "this list"],
  ["[  ]", "view before, next view"],
  ["Tab", "next control"],
  ["Esc", "close"],
];

export function showHelp(view) {
  const body = byId("help-body");
  body.replaceChildren(group(view.title, view.keysHelp), group("Everywhere", EVERYWHERE));
  byId("help").showModal();
}

function group(title, keys) {
  const list = make("dl");
  for (const [key, text] of keys) list.append(make("dt", {}, make("kbd", { text: key })), make("dd", { text }));
  return make("section", {}, make("h3", { text: title }), list);
}
