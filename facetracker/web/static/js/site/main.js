// The page without a server: collect, label, learn, try. Everything stays in this browser.

import { CollectView } from "../collect.js";
import { LabelView } from "../label/view.js";
import { LiveView } from "../live/view.js";
import { startPage } from "../page.js";
import { state } from "../api.js";
import { LearnView } from "./learn.js";

startPage({ collect: CollectView, label: LabelView, learn: LearnView, live: LiveView }, state);
