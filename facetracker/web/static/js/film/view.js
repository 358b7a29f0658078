// The Film view: found and followed boxes, put right at a few places, and frames taken out to learn from.

import * as api from "../api.js";
import { byId, complain, make, say } from "../dom.js";
import { Player } from "./player.js";
import { Stage } from "./stage.js";
import { Timeline } from "./timeline.js";

const ASK_EVERY = 400; // ms, while a film is looked through
const SAME = 0.2; // overlap from which a new box is a correction of one that is there
const STRIDE = 10; // frames of an arrow key with shift

const filmAt = (name, action = "") => `api/films/${encodeURIComponent(name)}${action}`;

export class FilmView {
  title = "Film";
  keysHelp = [
    ["Space  J K L", "play, pause; backwards, pause, forwards (press again: faster)"],
    ["arrows", "a frame; shift: ten"],
    ["Home  End", "first frame, last frame"],
    ["n  p", "next doubtful place, the one before"],
    ["Enter", "this is right, go to the next one"],
    ["drag", "draw a box: over one that is there it corrects it, elsewhere it is a new face"],
    ["t", "choose the next track"],
    ["i  o", "the track begins here, ends here"],
    ["s", "split: from here on it is another face"],
    ["m", "join with another track: then click that one"],
    ["u", "no face from here on; press again where that ends"],
    ["x", "delete the track; shift: all others"],
    ["Delete", "remove the keyframe"],
    ["ctrl z  ctrl y", "undo, redo"],
  ];

  constructor(page) {
    this.page = page;
    this.name = null;
    this.film = null;
    this.chosen = null;
    this.mark = null;
    this.joining = false;
    this.stage = new Stage(byId("film-canvas"), {
      onchoose: (track) => this.#choose(track),
      ondraw: (box) => this.#drew(box),
      onbox: (track, box) => this.#correct(track, box),
    });
    this.timeline = new Timeline(byId("film-tracks"), {
      onseek: (frame) => (this.player.pause(), this.player.go(frame)),
      onchoose: (track) => this.#choose(track),
    });
    this.player = new Player({
      onframe: (frame, picture) => this.#showFrame(frame, picture),
      onplay: (speed) => this.#showPlaying(speed),
      onerror: complain,
    });
    this.#listen();
  }

  async enter(wanted) {
    const { films } = await api.ask("api/films");
    this.films = films;
    byId("film-empty").hidden = films.length > 0;
    byId("film-head").hidden = films.length === 0;
    const known = (name) => films.some((film) => film.name === name);
    const next = known(wanted) ? wanted : known(this.name) ? this.name : films[0]?.name;
    byId("film-name").replaceChildren(...films.map((film) => new Option(film.name, film.name)));
    if (!next) return void (byId("film-desk").hidden = true);
    byId("film-name").value = next;
    await this.#open(next);
  }

  leave() {
    this.player.pause();
    clearTimeout(this.asking);
    this.turn = (this.turn ?? 0) + 1;
  }

  key(event) {
    if (!this.film) return false;
    const act = this.#actionOf(event);
    if (!act) return false;
    act();
    return true;
  }

  #actionOf(event) {
    const control = event.ctrlKey || event.metaKey;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (control && key === "z") return () => this.#act({ act: event.shiftKey ? "redo" : "undo" });
    if (control && key === "y") return () => this.#act({ act: "redo" });
    if (control || event.altKey) return null;
    const onControl = event.target.closest("main :is(button, a, input, select), .top-tools button") !== null;
    if (onControl && [" ", "Enter"].includes(key)) return null;
    const by = event.shiftKey ? STRIDE : 1;
    const actions = {
      " ": () => this.player.toggle(),
      j: () => this.player.faster(-1),
      k: () => this.player.pause(),
      l: () => this.player.faster(1),
      ArrowLeft: () => this.player.step(-by),
      ArrowRight: () => this.player.step(by),
      Home: () => this.player.step(-Infinity),
      End: () => this.player.step(Infinity),
      n: () => this.#toDoubt(1),
      p: () => this.#toDoubt(-1),
      Enter: () => this.#right(),
      t: () => this.#chooseNext(),
      i: () => this.#atFrame("begin"),
      o: () => this.#atFrame("end"),
      s: () => this.#atFrame("split"),
      m: () => this.#join(),
      u: () => this.#noFace(),
      x: () => this.#delete(event.shiftKey ? "only" : "delete"),
      Delete: () => this.#atFrame("unkey"),
      Backspace: () => this.#atFrame("unkey"),
      Escape: () => this.#letGo(),
    };
    return actions[key] ?? null;
  }

  // Opening

  async #open(name) {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    clearTimeout(this.asking);
    if (this.name !== name) this.#close();
    this.name = name;
    let told = await api.ask(filmAt(name));
    if (told.state === "new") told = await api.post(filmAt(name, "/look"), {});
    if (turn !== this.turn) return;
    this.#showLooking(told);
    if (told.state === "looking") {
      this.asking = setTimeout(() => this.#open(name).catch(complain), ASK_EVERY);
    } else if (told.state === "ready") {
      this.#opened(told.times ? told : await api.ask(filmAt(name)));
    }
  }

  #opened(film) {
    const fresh = this.film === null;
    this.film = film;
    byId("film-desk").hidden = false;
    if (fresh) {
      this.stage.open(film.width, film.height);
      byId("film-stage").style.aspectRatio = `${film.width} / ${film.height}`;
      this.chosen = surest(film);
      this.player.open(this.name, film.session, film.times);
    }
    this.#show();
  }

  #close() {
    this.film = null;
    this.chosen = this.mark = null;
    this.joining = false;
    this.player.close();
    byId("film-desk").hidden = true;
  }

  #showLooking({ state, done, total, fault }) {
    byId("film-looking").hidden = state === "ready";
    byId("film-told").textContent = state === "failed" ? fault : "Looking for faces, once. You can begin in a moment.";
    byId("film-told").classList.toggle("bad", state === "failed");
    const meter = byId("film-progress");
    if (total) Object.assign(meter, { max: total, value: Math.min(done, total) });
    else meter.removeAttribute("value");
    meter.hidden = state === "failed";
  }

  // What a person does

  /** Asks the server; actions are done one after the other. True when it was done. */
  #act(wish) {
    const name = this.name;
    const todo = async () => {
      if (this.name !== name) return false;
      byId("film-saved").textContent = "Saving…";
      try {
        this.film = await api.post(filmAt(name, "/act"), { ...wish, etag: this.film.etag });
        byId("film-saved").textContent = "Saved";
        if (this.chosen !== null && !this.#track(this.chosen)) this.chosen = null;
        this.#show();
        return true;
      } catch (error) {
        byId("film-saved").textContent = "";
        complain(error);
        if (error.status === 412) this.#opened(await api.ask(filmAt(name)));
        return false;
      }
    };
    this.doing = (this.doing ?? Promise.resolve()).then(todo);
    return this.doing;
  }

  #drew(box) {
    this.player.pause();
    const near = this.#here().map((one) => [overlap(one.box, box) + (one.track === this.chosen ? 0.01 : 0), one.track]);
    const [same, track] = near.reduce((best, one) => (one[0] > best[0] ? one : best), [0, null]);
    if (same >= SAME) return this.#correct(track, box);
    const label = this.#track(this.chosen)?.label ?? this.film.labels[0] ?? "face";
    const before = new Set(this.film.tracks.map((one) => one.number));
    this.#act({ act: "add", frame: this.player.frame, box, label }).then((done) => {
      if (!done) return;
      const added = this.film.tracks.find((one) => !before.has(one.number)) ?? this.#trackAt(box);
      this.#choose(added?.number ?? null);
    });
  }

  #correct(track, box) {
    this.player.pause();
    this.chosen = track;
    this.#act({ act: "correct", track, frame: this.player.frame, box });
  }

  #right() {
    this.player.pause();
    this.#act({ act: "confirm", frame: this.player.frame }).then((done) => done && this.film.doubts.length && this.#toDoubt(1));
  }

  #atFrame(act) {
    this.player.pause();
    this.#withTrack((track) => this.#act({ act, track, frame: this.player.frame }));
  }

  /** The chosen track, or ("only") all others. */
  #delete(act) {
    this.#withTrack((track) => this.#act({ act, track }));
  }

  #noFace() {
    this.player.pause();
    const { frame } = this.player;
    if (this.mark === null) {
      this.mark = frame;
      say("No face from here on. Go to the end of this stretch, and press the same key again.");
      return this.#show();
    }
    const [first, last] = [Math.min(this.mark, frame), Math.max(this.mark, frame)];
    this.mark = null;
    this.#act({ act: "no_face", first, last, track: null });
  }

  #join() {
    this.#withTrack(() => {
      if (this.film.tracks.length < 2) return say("There is only one track.");
      this.joining = true;
      say("Now choose the track that is the same face.");
      this.#show();
    });
  }

  #choose(track) {
    if (this.joining && track !== null && track !== this.chosen) {
      this.joining = false;
      return void this.#act({ act: "join", track: this.chosen, other: track });
    }
    this.chosen = track;
    this.#show();
  }

  #chooseNext() {
    const here = this.#here().map((one) => one.track);
    if (here.length) this.#choose(here[(here.indexOf(this.chosen) + 1) % here.length]);
  }

  #letGo() {
    if (this.stage.abandon()) return;
    if (this.joining || this.mark !== null) {
      this.joining = false;
      this.mark = null;
    } else {
      this.chosen = null;
    }
    this.#show();
  }

  #withTrack(act) {
    if (this.#track(this.chosen)) act(this.chosen);
    else say("Choose a track first: click its box or its bar.");
  }

  #toDoubt(way) {
    this.player.pause();
    const { doubts } = this.film;
    const middle = ({ first, last }) => Math.floor((first + last) / 2);
    const { frame } = this.player;
    if (!doubts.length) return say("No doubtful place is left.");
    const ahead = way > 0 ? doubts.find((one) => middle(one) > frame) : doubts.findLast((one) => middle(one) < frame);
    const next = ahead ?? (way > 0 ? doubts[0] : doubts.at(-1));
    this.chosen = next.track;
    this.player.go(middle(next));
    this.#show();
  }

  async #take() {
    const count = byId("film-count").valueAsNumber;
    const every = byId("film-every").checked;
    if (!every && !byId("film-take").reportValidity()) return;
    byId("film-use").disabled = true;
    try {
      await this.doing;
      const told = await api.post(filmAt(this.name, "/take"), { frames: every ? null : count, accept: true });
      const kept = told.kept ? ` ${told.kept} that you had changed stay as they were.` : "";
      say(`${told.written} frames are labelled photos now, with ${told.faces} faces.${kept}`);
      byId("film-learn").hidden = false;
    } finally {
      byId("film-use").disabled = false;
    }
  }

  async #learn() {
    const { run } = await api.post("api/train", { preset: "learn", variants: 20, name: null });
    this.page.go("train", run);
  }

  // What is shown

  #track(number) {
    return this.film?.tracks.find((one) => one.number === number) ?? null;
  }

  #trackAt(box) {
    const best = this.#here().sort((a, b) => overlap(b.box, box) - overlap(a.box, box))[0];
    return best ? this.#track(best.track) : null;
  }

  /** The boxes of the frame that is shown. */
  #here() {
    const { frame } = this.player;
    return (this.film?.tracks ?? []).flatMap((track) => {
      let row = 0;
      for (const [first, last] of track.spans) {
        if (frame >= first && frame <= last) {
          const box = track.boxes[row + frame - first];
          if (box[2] - box[0] < 1 || box[3] - box[1] < 1) return [];
          const doubt = this.film.doubts.some((one) => one.track === track.number && frame >= one.first && frame <= one.last);
          return [{ track: track.number, label: track.label, box, key: track.keys.includes(frame), doubt }];
        }
        row += last - first + 1;
      }
      return [];
    });
  }

  #showFrame(frame, picture) {
    if (!this.film) return;
    this.timeline.at(frame);
    this.stage.show(picture, this.#here(), this.chosen);
    byId("film-at").textContent = `${this.film.times[frame].toFixed(2)} s · frame ${frame + 1} of ${this.film.times.length}`;
    const why = this.film.doubts.filter((one) => frame >= one.first && frame <= one.last).map((one) => `${one.track}: ${one.why}`);
    byId("film-why").textContent = why.join(", ");
  }

  #showPlaying(speed) {
    const button = byId("film-play");
    button.setAttribute("aria-pressed", String(speed !== 0));
    button.setAttribute("aria-label", speed ? "Pause" : "Play");
    button.querySelector("use").setAttribute("href", speed ? "#icon-pause" : "#icon-play");
  }

  #show() {
    if (!this.film) return;
    const { film } = this;
    const track = this.#track(this.chosen);
    this.timeline.show({ ...film, count: film.times.length, chosen: this.chosen, mark: this.mark });
    this.#showFrame(this.player.frame, this.player.bitmaps.get(this.player.frame) ?? null);
    byId("film-undo").disabled = !film.can_undo;
    byId("film-redo").disabled = !film.can_redo;
    byId("film-undo").title = film.can_undo ? `Undo: ${film.can_undo} (ctrl+z)` : "Undo (ctrl+z)";
    const places = film.doubts.length;
    byId("film-doubts").textContent = places ? `${places} ${places === 1 ? "place" : "places"} to look at` : "No doubtful place";
    byId("film-actions").textContent = `${film.actions} ${film.actions === 1 ? "action" : "actions"}`;
    for (const id of ["film-begins", "film-ends", "film-split", "film-join", "film-delete"]) byId(id).disabled = !track;
    byId("film-only").disabled = !track || film.tracks.length < 2;
    byId("film-unkey").disabled = !track?.keys.includes(this.player.frame);
    byId("film-join").setAttribute("aria-pressed", String(this.joining));
    byId("film-noface").setAttribute("aria-pressed", String(this.mark !== null));
    const label = byId("film-label");
    label.disabled = !track;
    if (document.activeElement !== label) label.value = track?.label ?? "";
    byId("film-labels").replaceChildren(...film.labels.map((name) => make("option", { value: name })));
  }

  #listen() {
    const on = (id, act) => byId(id).addEventListener("click", act);
    on("film-play", () => this.player.toggle());
    on("film-first", () => this.player.step(-Infinity));
    on("film-back", () => this.player.step(-1));
    on("film-next", () => this.player.step(1));
    on("film-doubt-back", () => this.#toDoubt(-1));
    on("film-doubt-next", () => this.#toDoubt(1));
    on("film-right", () => this.#right());
    on("film-undo", () => this.#act({ act: "undo" }));
    on("film-redo", () => this.#act({ act: "redo" }));
    on("film-begins", () => this.#atFrame("begin"));
    on("film-ends", () => this.#atFrame("end"));
    on("film-split", () => this.#atFrame("split"));
    on("film-join", () => this.#join());
    on("film-noface", () => this.#noFace());
    on("film-unkey", () => this.#atFrame("unkey"));
    on("film-delete", () => this.#delete("delete"));
    on("film-only", () => this.#delete("only"));
    on("film-learn", () => this.#learn().catch(complain));
    byId("film-take").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#take().catch(complain);
    });
    byId("film-every").addEventListener("change", () => {
      byId("film-count").disabled = byId("film-every").checked;
    });
    byId("film-name").addEventListener("change", () => this.page.go("film", byId("film-name").value));
    byId("film-label").addEventListener("change", () => {
      const label = byId("film-label").value.trim();
      if (label && label !== this.#track(this.chosen)?.label) this.#withTrack((track) => this.#act({ act: "rename", track, label }));
    });
    // After a click the keys belong to the film again: Enter means "this is right", not the same button.
    byId("film-desk").addEventListener("click", (event) => {
      if (event.detail > 0 && event.target.closest(".toolbar button, .film-name")) byId("film-canvas").focus({ preventScroll: true });
    });
  }
}

/** The track with most frames that are not in doubt: in a film of one person, most likely theirs. */
function surest({ tracks, doubts }) {
  const long = (spans) => spans.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  const sure = ({ number, spans }) => long(spans) - long(doubts.filter((one) => one.track === number).map((one) => [one.first, one.last]));
  return tracks.reduce((best, one) => (best && sure(best) >= sure(one) ? best : one), null)?.number ?? null;
}

function overlap(a, b) {
  const wide = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]));
  const high = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  const area = (box) => (box[2] - box[0]) * (box[3] - box[1]);
  return (wide * high) / Math.max(1e-9, area(a) + area(b) - wide * high);
}
