"""How long labelling takes: `python benchmarks/labelling.py PHOTOS [PHOTOS ...]`; a folder of labelled photos each.

A scripted person in chromium (real mouse and keys, the page as it is) labels the photos with all labels hidden. Its
own boxes are the truth: a suggested box is right for it from an overlap of 0.8 on. Else it puts a corner or side right
with a click, where that gives an overlap of 0.9; or it draws the box. Counted are actions (drags, clicks, keys), and
seconds by the keystroke-level model: 0.28 a key, 1.1 a pointing (a click one, a drag two), 1.35 a decision: one for
every photo looked at, in both ways. Told as well is what it takes when every correction of a suggested box costs a
second one ("strictly"). The person takes that time, so that what is learnt in the background comes when it would;
`--hurry` does not wait. `by hand` draws every box in the same page, photo by photo.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from measured import Row, write_rows

from facetracker.core.boxes import iou, to_pixels
from facetracker.labels.collection import Collection

CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-timer-throttling", "--disable-renderer-backgrounding")
WINDOW = {"width": 1280, "height": 860}
RIGHT = 0.8  # overlap from which a suggested box is right
CLICKED = 0.9  # overlap that one click must reach to be chosen before a drag
NEARBY = 0.25  # of a box's sides: farther from a corner or side a click may mean something else
KEY, POINTING, DECISION = 0.28, 1.1, 1.35  # seconds
PATIENCE = 60.0  # seconds for the page
ACTIONS, SECONDS, QUALITY = 0.35, 0.5, 0.88  # what is asked: of by hand, of by hand, median overlap

# What the person sees of a photo: its boxes in pixels, as they are drawn.
BOXES = """(at) => [...document.querySelectorAll(`${at} .box rect.edge`)].map((rect) => {
  const { x, y, width, height } = rect.getBBox();
  return [x, y, x + width, y + height];
})"""
PLACES = """([at, points]) => {
  const matrix = document.querySelector(at).getScreenCTM();
  return points.map(([x, y]) => new DOMPoint(x, y).matrixTransform(matrix)).map(({ x, y }) => [x, y]);
}"""


NEXT_SHEET = """(before) => {
  if (!document.querySelector("#label-desk").classList.contains("on-sheet")) return true;
  const first = document.querySelector(".tile")?.dataset.name;
  return first && first !== before && !document.querySelector("#sheet-accept").disabled;
}"""


@dataclass
class Person:
    """Hands and eyes at a page; counts what they do."""

    page: object
    hurry: bool
    did: Counter = field(default_factory=Counter)
    seconds: float = 0.0
    began: float = field(default_factory=time.monotonic)

    @property
    def actions(self) -> int:
        return sum(self.did[kind] for kind in ("drags", "clicks", "keys"))

    def _takes(self, seconds: float) -> None:
        self.seconds += seconds
        if not self.hurry:
            time.sleep(max(0.0, self.began + self.seconds - time.monotonic()))

    def decide(self) -> None:
        self.did["decisions"] += 1
        self._takes(DECISION)

    def decide_again(self) -> None:
        """A correction is on: that may cost a second decision, which is counted apart."""
        self.did["second decisions"] += 1

    @property
    def strictly(self) -> float:
        """The seconds with the second decisions."""
        return self.seconds + DECISION * self.did["second decisions"]

    def key(self, key: str) -> None:
        self.did["keys"] += 1
        self._takes(KEY)
        self.page.keyboard.press(key)

    def click(self, x: float, y: float) -> None:
        self.did["clicks"] += 1
        self._takes(POINTING)
        self.page.mouse.click(x, y)

    def point(self, x: float, y: float) -> None:
        """Move the pointer there, for a key that means what is under it: no action of its own, but time."""
        self._takes(POINTING)
        self.page.mouse.move(x, y)

    def draw(self, at: str, box: np.ndarray) -> None:
        """A box with one drag, in pixels of the photo that the SVG `at` shows."""
        self.did["drags"] += 1
        corners = self.page.evaluate(PLACES, [at, [[*map(float, box[:2])], [*map(float, box[2:])]]])
        self._takes(POINTING)
        self.page.mouse.move(*corners[0])
        self.page.mouse.down()
        self._takes(POINTING)
        self.page.mouse.move(*np.mean(corners, axis=0))
        self.page.mouse.move(*corners[1])
        self.page.mouse.up()

    def sees(self, at: str) -> np.ndarray:
        return np.array(self.page.evaluate(BOXES, at), np.float32).reshape(-1, 4)

    def until(self, expression: str, argument: object = None) -> None:
        """Wait for the page."""
        end = time.monotonic() + PATIENCE
        while not self.page.evaluate(expression, argument):
            if time.monotonic() > end:
                raise SystemExit(f"never true: {expression} {argument}")
            self.page.wait_for_timeout(20)


def judged(shown: np.ndarray, truth: np.ndarray) -> str:
    """What a person says of the boxes shown: `right`, `missing` (draw the face), or `extra` (a box that is none)."""
    overlaps = iou(truth, shown)
    if len(truth) and (not len(shown) or overlaps.max(axis=1).min() < RIGHT):
        return "missing"
    return "right" if len(shown) == len(truth) else "extra"


def one_click(shown: np.ndarray, truth: np.ndarray) -> list[float] | None:
    """Where a click puts one corner or side of the box shown right, if the box is then as good as drawn."""
    if len(shown) != 1:
        return None
    best, place = CLICKED, None
    for across, down in [(x, y) for x in (0, None, 2) for y in (1, None, 3) if (x, y) != (None, None)]:
        moved = [one for one in (across, down) if one is not None]
        box = shown[0].copy()
        sides = np.tile(box[2:] - box[:2], 2)
        if (np.abs(truth - box)[moved] > NEARBY * sides[moved]).any():
            continue
        box[moved] = truth[moved]
        if (overlap := float(iou(truth[None], box[None])[0, 0])) >= best:
            middle = (box[:2] + box[2:]) / 2
            best = overlap
            place = [float(middle[0] if across is None else truth[across])]
            place += [float(middle[1] if down is None else truth[down])]
    return place


def by_hand(person: Person, truth: dict[str, np.ndarray]) -> None:
    """Every box with a drag, photo by photo, whatever is suggested."""
    for name in opened(person, len(truth)):
        person.decide()
        for box in truth[name]:
            person.draw("#label-easel", box)
        person.key("Enter" if len(truth[name]) else "n")


def opened(person: Person, count: int) -> Iterator[str]:
    """The photos as the page opens them, one after the other, until all are reviewed."""
    name = ""
    for _ in range(count):
        person.until(
            "(before) => { const name = document.getElementById('label-name').textContent.split(' ')[0];"
            " return name && name !== before && !document.querySelector('#label-easel').frozen; }",
            name,
        )
        person.page.wait_for_timeout(60)  # the picture is decoded, the easel thaws
        name = person.page.inner_text("#label-name").split(" ")[0]
        yield name


def on_sheets(person: Person, truth: dict[str, np.ndarray]) -> None:
    """Sheet after sheet: what is wrong is drawn, the rest accepted with one key; what is odd comes alone at the end."""
    page = person.page
    person.key("s")
    person.until("() => document.querySelector('.tile') !== null")
    before = ""
    while True:
        person.until(NEXT_SHEET, before)
        names = page.evaluate("[...document.querySelectorAll('.tile')].map((tile) => tile.dataset.name)")
        if not names:
            break
        for name in names:
            at = f".tile[data-name='{name}']"
            person.decide()
            shown = person.sees(at)
            said = judged(shown, truth[name])
            if said == "missing" and len(truth[name]) == 1:
                person.decide_again()
                if (place := one_click(shown, truth[name][0])) is not None:
                    person.click(*page.evaluate(PLACES, [f"{at} svg", [place]])[0])
                else:
                    person.draw(f"{at} svg", truth[name][0])
                person.until("(at) => document.querySelector(at).classList.contains('done')", at)
            elif said != "right":
                middle = page.locator(at).bounding_box()
                person.point(middle["x"] + 12, middle["y"] + 12)
                person.key("x")
        person.key("Enter")
        before = names[0]
    one_by_one(person, truth)


def one_by_one(person: Person, truth: dict[str, np.ndarray]) -> None:
    """Photos that no sheet could do: boxes that are none are chosen and deleted, others drawn."""
    for _ in range(len(truth)):
        told = person.page.evaluate("document.getElementById('label-progress').textContent")
        done, total = (int(word) for word in told.replace(" reviewed", "").split(" of "))
        if done == total:
            return
        name = person.page.inner_text("#label-name").split(" ")[0]
        person.decide()
        shown = person.sees("#label-easel")
        if not len(truth[name]):
            person.key("n")
        else:
            overlaps = iou(shown, truth[name]).max(axis=1, initial=0)
            for box in shown[overlaps < 0.1]:
                person.decide_again()
                (place,) = person.page.evaluate(PLACES, ["#label-easel", [[*map(float, (box[:2] + box[2:]) / 2)]]])
                person.click(*place)
                person.key("Delete")
            for box in truth[name]:
                if iou(box[None], shown).max(initial=0) < RIGHT:
                    person.decide_again()
                    person.draw("#label-easel", box)
            person.key("Enter")
        person.until("(told) => document.getElementById('label-progress').textContent !== told", told)
        person.page.wait_for_timeout(300)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """`facetracker web` on the folder: its address."""
    command = [sys.executable, "-m", "facetracker.cli", "web", "--data", str(folder / "data"), "--port", "0"]
    command += ["--runs", str(folder / "runs"), "--no-open"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert server.stdout is not None
        yield next(line.strip() for line in server.stdout if line.startswith("http"))
    finally:
        server.terminate()
        server.wait(30)


@contextmanager
def page_of(address: str) -> Iterator:
    """The Label view in chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
        try:
            page = browser.new_page(viewport=WINDOW)
            page.set_default_timeout(PATIENCE * 1000)
            page.goto(address + "#label")
            page.locator("#label-easel image").wait_for()
            yield page
        finally:
            browser.close()


def copied(photos: Path, folder: Path) -> dict[str, np.ndarray]:
    """The labelled photos of a folder without their labels, in `folder/data/images`; the hidden boxes, in pixels."""
    truth = {}
    (folder / "data" / "images").mkdir(parents=True)
    for example in Collection.open(photos).examples:
        shutil.copyfile(example.photo, folder / "data" / "images" / example.photo.name)
        truth[example.photo.stem] = to_pixels(example.boxes, example.width, example.height)
    return truth


def qualities(folder: Path, truth: dict[str, np.ndarray]) -> np.ndarray:
    """The overlap of every true box with the best box in its photo's label file; none may be missing."""
    overlaps = []
    for name, boxes in truth.items():
        content = json.loads((folder / "data" / "labels" / f"{name}.json").read_text())
        found = [np.ravel(shape["points"]) for shape in content["shapes"]]
        overlaps += iou(boxes, np.array(found, np.float32).reshape(-1, 4)).max(axis=1, initial=0).tolist()
    return np.array(overlaps)


WAYS = {"by hand": by_hand, "sheets": on_sheets}


def labelled(photos: Path, way: str, hurry: bool) -> dict[str, float]:
    """Label all photos of a folder in one way; what it took and how good the boxes are."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        truth = copied(photos, folder)
        with served(folder) as address, page_of(address) as page:
            page.wait_for_timeout(3000)  # the person finds a chair; the starter looks at the photos
            person = Person(page, hurry)
            WAYS[way](person, truth)
            person.until("/^(\\d+) of \\1 /.test(document.getElementById('label-progress').textContent)")
            page.wait_for_timeout(500)
            drawn = page.inner_text("#label-counter"), page.inner_text("#label-by")
        overlaps = qualities(folder, truth)
    took = time.monotonic() - person.began
    print(f"  {way}: {dict(person.did)}, {drawn[0]}; {drawn[1]}; {took:.0f} s on the clock", flush=True)
    return {
        "photos": len(truth),
        "actions": person.actions,
        "seconds": person.seconds,
        "strictly": person.strictly,
        "median": float(np.median(overlaps)),
        "right": float((overlaps >= RIGHT).mean()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--hurry", action="store_true", help="do not wait as a person would")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    rows, shares = [], []
    for photos in given.photos:
        print(photos.name, flush=True)
        hand = labelled(photos, "by hand", hurry=True)
        ours = labelled(photos, "sheets", given.hurry)
        share = ours["actions"] / hand["actions"], ours["seconds"] / hand["seconds"]
        strict = ours["strictly"] / hand["strictly"]
        shares.append((*share, ours["median"], strict))
        print(
            f"  {hand['photos']} photos: {ours['actions']} of {hand['actions']} actions ({share[0]:.2f}), "
            f"{ours['seconds']:.0f} of {hand['seconds']:.0f} s ({share[1]:.2f}, strictly {strict:.2f}); "
            f"overlap {ours['median']:.3f} in the median, {ours['right']:.0%} of the boxes at {RIGHT:g} and more",
            flush=True,
        )
        for what, unit in (("actions", "actions"), ("seconds", "s"), ("strictly", "s"), ("median", "overlap")):
            rows += [Row(f"{photos.name}, by hand, {what}", unit, [hand[what]])]
            rows += [Row(f"{photos.name}, sheets, {what}", unit, [ours[what]])]
    actions, seconds, median, strict = np.mean(shares, axis=0)
    print(f"mean: {actions:.2f} of the actions (asked {ACTIONS}), {seconds:.2f} of the time (asked {SECONDS}; ", end="")
    print(f"strictly {strict:.2f}), ", end="")
    print(f"median overlap {median:.3f}, lowest {min(one[2] for one in shares):.3f} (asked {QUALITY})")
    write_rows(given.json, rows)


if __name__ == "__main__":
    main()
