// The page of the server: six views, and files that are brought to two of them.

import { state } from "./api.js";
import { Bringer } from "./bring.js";
import { CollectView } from "./collect.js";
import { FilmView } from "./film/view.js";
import { LabelView } from "./label/view.js";
import { LiveView } from "./live/view.js";
import { startPage } from "./page.js";
import { ReportView } from "./report.js";
import { TrainView } from "./train/view.js";

const VIEWS = { live: LiveView, collect: CollectView, film: FilmView, label: LabelView, train: TrainView, report: ReportView };

startPage(VIEWS, state);

new Bringer({
  views: ["view-collect", "view-label"],
  buttons: ["label-add", "label-choose", "collect-choose"],
  folders: ["label-choose-folder", "collect-choose-folder"],
  onbrought: ({ photos, films }) => {
    if (photos.length) location.hash = `label/${encodeURIComponent(photos[0])}`;
    else if (films.length) location.hash = "film";
  },
});
