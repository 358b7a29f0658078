"""Learning while a person labels: each box that they draw or correct changes what is suggested for the other photos.

The starter looks at every photo once, and what it saw is remembered without any style. So whatever was learnt last is
applied to the starter's own boxes, never on top of an older style. A style is learnt at once, in closed form; from
five photos on an own head in a process apart, which takes over when photos held back say that it is better. What
teaches is told by the label files alone (provenance.py): drawn or corrected boxes do, accepted ones are the machine's
own. So whoever starts again has learnt the same.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facetracker.core import boxes as geometry
from facetracker.core.boxes import Boxes, as_boxes, clip
from facetracker.core.errors import FaceTrackerError
from facetracker.core.photo import photo_size
from facetracker.inference.detector import Detector
from facetracker.inference.style import Style
from facetracker.labels.guesses import doubt_of
from facetracker.labels.labelme import stated_size
from facetracker.labels.provenance import How, how_reviewed, state_of
from facetracker.labels.shapes import read_shape
from facetracker.personal.apart import OwnHeadApart
from facetracker.personal.choose import OWN_HEAD
from facetracker.personal.corrections import Correction, taught_by
from facetracker.personal.nearby import NearbyStyle
from facetracker.personal.seen import SeenPhoto, look_at, most_teaching_first, stamp_of

FEWEST = 5  # photos with a face, from which on an own head is learnt
AGAIN = 0.2  # of what an own head has learnt from: with so many more lessons it is learnt again
MOST_LESSONS = 300  # the latest; a style does not get better by more
MOST_IN_ORDER = 1000  # photos that are looked at ahead and put into order; the others stand behind them as they come
MOST_ANSWERED = 1000  # photos whose boxes an own head draws


@dataclass(frozen=True)
class Suggestion:
    """Boxes `(N, 4)` normalised for a photo that nobody has labelled, their scores, and the doubt from 0 to 1.

    `by` says who drew them: `starter`, `style` or `own head`.
    """

    boxes: Boxes
    scores: NDArray[np.float32]
    doubt: float
    by: str


@dataclass(frozen=True)
class Lesson:
    """What one photo taught, its right boxes `(N, 4)`, and how it looks (a small grey picture)."""

    boxes: Boxes
    correction: Correction
    grey: NDArray[np.float32]


@dataclass(frozen=True)
class LearntHead:
    """What an own head draws in each photo, rows of box and score `(N, 5)`, and from which score a face counts."""

    faces: Mapping[Path, NDArray[np.float32]]
    threshold: float
    why: str


class WhileLabelling:
    """The learner of one folder of photos; safe to use from several threads.

    `own_head` False leaves it at the style. `close` it, or use it in a `with`.
    """

    def __init__(self, detector: Detector | None = None, own_head: bool = True):
        self.detector = detector or Detector()
        self.version = 0  # rises whenever other boxes are suggested
        self._apart = OwnHeadApart(self._take_over) if own_head else None
        self._head: LearntHead | None = None
        self._asked: frozenset[Path] = frozenset()  # the lessons that the latest own head was asked to learn
        self._lessons: dict[Path, Lesson] = {}
        self._reviewed: dict[Path, How] = {}
        self._labels: dict[Path, tuple[str, ...]] = {}
        self._seen: dict[Path, SeenPhoto] = {}
        self._style, self._threshold = NearbyStyle(Style(), []), self.detector.threshold
        self._lock, self._eyes = threading.RLock(), threading.Lock()  # a detector serves one thread
        self._waiting: deque[tuple[Path, Mapping[str, Any] | None, bool]] = deque()
        self._news = threading.Condition()
        self._closed = False
        self._worker: threading.Thread | None = None

    def __enter__(self) -> WhileLabelling:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End what works in the background."""
        with self._news:
            self._closed = True
            self._waiting.clear()
            self._news.notify_all()
        if self._apart is not None:
            self._apart.close()
        if self._worker is not None:  # in the middle of a photo: Python cannot end while LiteRT computes
            self._worker.join()

    @property
    def style(self) -> Style:
        """How this person draws, as far as it has been learnt."""
        return self._style.style

    @property
    def threshold(self) -> float:
        """The score from which a face counts."""
        return self._threshold

    @property
    def by(self) -> str:
        """Who draws the boxes now: `starter`, `style` or `own head`."""
        return OWN_HEAD if self._head is not None else "style" if self._lessons else "starter"

    @property
    def lessons(self) -> int:
        """How many photos have taught."""
        return len(self._lessons)

    def counts(self) -> dict[str, int]:
        """How many photos a person has `drawn`, `corrected` and `accepted`."""
        counted = Counter(self._reviewed.values())
        return {how: counted[how] for how in ("drawn", "corrected", "accepted")}

    def usual_label(self) -> str | None:
        """What most faces are called so far."""
        with self._lock:
            counted = Counter(label for labels in self._labels.values() for label in labels)
        return counted.most_common(1)[0][0] if counted else None

    def note(self, photo: Path, content: Mapping[str, Any] | None) -> None:
        """Where a photo stands now, by the parsed content of its label file (None: it has none).

        Reviewed boxes that a person drew or corrected are learnt, at once; those of a photo that is no longer
        reviewed, or only accepted, are forgotten.
        """
        how = how_reviewed(content) if content is not None and state_of(content) == "reviewed" else None
        labels, boxes = _faces_in(content, photo) if content is not None and how is not None else ((), None)
        with self._lock:
            self._set(self._reviewed, photo, how)
            self._set(self._labels, photo, labels or None)
            known = self._lessons.get(photo)
        if how in (None, "accepted") or boxes is None:
            lesson = None
        elif known is not None and np.array_equal(known.boxes, boxes):
            return
        else:
            try:
                seen = self.look(photo)
                lesson = Lesson(boxes, seen.taught_by(boxes), seen.grey)
            except FaceTrackerError:  # the list of photos says it
                lesson = None
        if known is None and lesson is None:
            return
        with self._lock:
            self._lessons.pop(photo, None)  # the latest is last
            self._set(self._lessons, photo, lesson)
            while len(self._lessons) > MOST_LESSONS:
                del self._lessons[next(iter(self._lessons))]
            self._learn()

    def suggest(self, photo: Path) -> Suggestion:
        """The boxes for a photo, as this person would draw them; a bad photo raises `BadFile`."""
        seen = self.look(photo)
        with self._lock:
            head, style, threshold, by = self._head, self._style, self._threshold, self.by
        rows = head.faces.get(photo) if head is not None else None
        if head is not None and rows is not None:
            boxes, scores, threshold = as_boxes(rows[:, :4]), rows[:, 4], head.threshold
        else:
            boxes, scores = style.apply(seen.boxes, seen.grey), seen.scores
            by = "style" if by == OWN_HEAD else by
        shown = scores >= threshold
        return Suggestion(clip(boxes[shown]), scores[shown], doubt_of(scores, threshold), by)

    def look(self, photo: Path) -> SeenPhoto:
        """What the starter sees in a photo, remembered until its file changes."""
        known = self._seen.get(photo)
        try:
            stamp = stamp_of(photo)
        except OSError:
            stamp = None
        if known is None or known.stamp != stamp:
            with self._eyes:
                known = self._seen.get(photo)
                if known is None or known.stamp != stamp:
                    known = self._seen[photo] = look_at(self.detector, photo)
        return known

    def in_order(self, photos: Sequence[Path]) -> list[Path]:
        """Photos that wait for a person, those first that would teach most; not looked at yet: behind, as they come."""
        with self._lock:
            ready = [photo for photo in photos if photo in self._seen][:MOST_IN_ORDER]
            known = [self._seen[photo].look for photo in self._reviewed if photo in self._seen]
            looks = [self._seen[photo].look for photo in ready]
        doubts = [self.suggest(photo).doubt for photo in ready]
        order = most_teaching_first(np.array(looks), doubts, np.array(known[-MOST_IN_ORDER:]))
        first = [ready[row] for row in order]
        behind = set(first)
        return first + [photo for photo in photos if photo not in behind]

    def note_later(self, photo: Path, content: Mapping[str, Any] | None) -> None:
        """`note` in the background; what is noted now does not wait for it."""
        self._put([(photo, content, True)])

    def look_ahead(self, photos: Iterable[Path]) -> None:
        """Look at photos in the background, so that their boxes are there before a person needs them."""
        with self._news:
            waiting = {photo for photo, _, _ in self._waiting}
        fresh = [photo for photo in photos if photo not in self._seen and photo not in waiting]
        self._put([(photo, None, False) for photo in fresh[:MOST_IN_ORDER]])

    def wait(self, seconds: float = 60.0) -> bool:
        """Until the background is done; False when it takes longer."""
        with self._news:
            return self._news.wait_for(lambda: not self._waiting, seconds)

    def _put(self, tasks: list[tuple[Path, Mapping[str, Any] | None, bool]]) -> None:
        with self._news:
            if not tasks or self._closed:
                return
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, daemon=True, name="looks ahead")
                self._worker.start()
            for task in tasks:
                (self._waiting.appendleft if task[2] else self._waiting.append)(task)  # lessons come first
            self._news.notify_all()

    def _work(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: bool(self._waiting) or self._closed)
                if self._closed:
                    return
                photo, content, lesson = task = self._waiting[0]
            with suppress(FaceTrackerError, OSError):  # a bad photo: whoever opens it is told
                if lesson:
                    self.note(photo, content)
                self.look(photo)
            with self._news:
                if task in self._waiting:
                    self._waiting.remove(task)
                self._news.notify_all()

    def _learn(self) -> None:
        """Work out the style again; called with the lock held."""
        made = [one.correction for one in self._lessons.values()]
        style, self._threshold = taught_by(made, self.detector.threshold)
        self._style = NearbyStyle(style, [(one.grey, one.correction.pairs) for one in self._lessons.values()])
        self.version += 1
        if not self._lessons:
            self._head = None
        self._ask_for_head()

    def _ask_for_head(self) -> None:
        """Have an own head learnt where there is enough that the last one did not know; called with the lock held."""
        if self._apart is None or self._closed or not self._lessons or not self._apart.can_learn:
            return
        self._apart.warm_up()
        changed = self._asked ^ self._lessons.keys()
        if sum(len(one.boxes) > 0 for one in self._lessons.values()) < FEWEST:
            return
        if len(changed) < max(1.0, AGAIN * len(self._asked)):
            return
        untouched = [photo for photo in self._seen if photo not in self._reviewed][:MOST_ANSWERED]
        if self._apart.learn({photo: one.boxes for photo, one in self._lessons.items()}, untouched):
            self._asked = frozenset(self._lessons)

    def _take_over(self, answer: Mapping[str, Any]) -> None:
        """What the process apart has learnt: its boxes stand in for the style's, or no longer do."""
        with self._lock:
            head = None
            if answer.get("kept") == OWN_HEAD:
                faces = {
                    Path(photo): np.array(rows, np.float32).reshape(-1, 5) for photo, rows in answer["faces"].items()
                }
                head = LearntHead(faces, float(answer["threshold"]), str(answer["why"]))
            self._head = head if self._lessons else None
            self.version += 1
            self._ask_for_head()

    @staticmethod
    def _set(where: dict[Path, Any], photo: Path, value: Any) -> None:
        if value is None:
            where.pop(photo, None)
        else:
            where[photo] = value


def _faces_in(content: Mapping[str, Any], photo: Path) -> tuple[tuple[str, ...], Boxes | None]:
    """The labels and the boxes `(N, 4)` normalised in a label file; None where a shape cannot be read."""
    shapes = [read_shape(shape) for shape in content["shapes"]]
    found = [one for one in shapes if one is not None]
    try:
        width, height = stated_size(content) or photo_size(photo)
    except FaceTrackerError:
        return (), None
    corners = [[*box.clipped(width, height)] for _, box in found]
    return tuple(label for label, _ in found), geometry.from_pixels(corners, width, height)
