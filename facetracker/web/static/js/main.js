// The page of the server: six views.

import { state } from "./api.js";
import { CollectView } from "./collect.js";
import { FilmView } from "./film/view.js";
import { LabelView } from "./label/view.js";
import { LiveView } from "./live/view.js";
import { startPage } from "./page.js";
import { ReportView } from "./report.js";
import { TrainView } from "./train/view.js";

const VIEWS = { live: LiveView, collect: CollectView, film: FilmView, label: LabelView, train: TrainView, report: ReportView };

startPage(VIEWS, state);
