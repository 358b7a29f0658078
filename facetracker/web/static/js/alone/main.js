// The page that is one file (`facetracker export --to html`): a tracker with all it needs, and nobody to talk to.

import { byId, complain, isTyping } from "../dom.js";
import { showHelp } from "../help.js";
import { home } from "../live/home.js";
import { LiveView } from "../live/view.js";
import { startTheme } from "../theme.js";
import { textOf, unpacked } from "./parts.js";

const WORKER = "text/javascript";

async function open() {
  const card = JSON.parse(textOf("card"));
  const worker = URL.createObjectURL(new Blob([textOf("worker")], { type: WORKER }));
  home.worker = () => new Worker(worker);
  const packed = ["model.onnx", "kernels.wasm", "kernels-fma.wasm"];
  await Promise.all(packed.map(async (name) => (home.files[name] = await unpacked(name))));
  home.files["model.json"] = new TextEncoder().encode(JSON.stringify(card)).buffer;

  const { name, classes, threshold } = card;
  const view = new LiveView({ state: { alone: true, model: { name: name || "model", classes, threshold, in_tab: true } } });
  document.addEventListener("keydown", (event) => {
    if (isTyping(event) || document.querySelector("dialog[open]")) return;
    if (event.key === "?" && !event.ctrlKey && !event.metaKey && !event.altKey) showHelp(view);
    else if (!view.key(event)) return;
    event.preventDefault();
  });
  byId("help-open").addEventListener("click", () => showHelp(view));
  byId("about-open").addEventListener("click", () => byId("about").showModal());
  await view.enter("", new URLSearchParams(location.hash.split("?")[1] ?? ""));
  Object.defineProperty(window, "facetrackerFile", { value: home }); // for tests
  document.documentElement.dataset.ready = "yes";
}

startTheme();
open().catch(complain);
