"""What the audit looks at in one photo and its label file, and what it found in all of them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath
from typing import IO, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.core import boxes
from facetracker.core.console import redirected
from facetracker.core.errors import EXIT_REJECTS, BadFile
from facetracker.core.hashing import fingerprint
from facetracker.core.photo import Picture, decode_picture
from facetracker.labels.labelme import NO_FACE, read_content, stated_size
from facetracker.labels.provenance import state_of
from facetracker.labels.shapes import ShapeFault, encloses_area, in_click_order, shape_box, shape_label, usable_box

# Every kind of finding, worst first, with the way out (39 characters: the table). "fault": training is harmed;
# "note": know about it.
KINDS: dict[str, tuple[str, str]] = {
    "unreadable picture": ("fault", "take or copy it again, or delete it"),
    "damaged picture": ("fault", "take or copy it again"),
    "unreadable label": ("fault", "label the photo again"),
    "label without a photo": ("fault", "bring the photo back, or delete it"),
    "two photos, one label": ("fault", "rename one of the photos"),
    "label of another photo": ("fault", "label it again, or bring its own file"),
    "broken shape": ("fault", "fix it in labelme"),
    "degenerate": ("fault", "drawn by mistake: delete it"),
    "outside the picture": ("fault", "--fix clips it"),
    "far outside the picture": ("fault", "draw it again in labelme"),
    "wrong corner order": ("fault", "--fix sorts the corners"),
    "size differs": ("fault", "--fix, where that is safe"),
    "wrong class": ("fault", "--rename WRONG=RIGHT"),
    "same face twice": ("fault", "delete one in labelme"),
    "no_face with faces": ("fault", "untick no_face, or delete the boxes"),
    "duplicate across the split": ("fault", "`facetracker split --by near-duplicate`"),
    "near-duplicate across the split": ("fault", "`facetracker split --by near-duplicate`"),
    "not looked at": ("note", "save it as JPEG; a film: `label`"),
    "duplicate": ("note", "delete all but one"),
    "near-duplicate": ("note", "keep them in one part of the split"),
    "black or empty": ("note", "delete it, unless they are meant"),
    "blurred": ("note", "keep it if the face can still be seen"),
    "not labelled": ("note", "`annotate`: draw faces or tick no_face"),
    "only prelabelled": ("note", "`review`: nobody has looked at them"),
    "no face": ("note", "such photos are needed"),
    "shape left out": ("note", "points and lines are not faces"),
}

DARK = 40  # grey value that 99 of 100 pixels of a black frame stay under
FLAT = 5.0  # grey values; the spread of a frame with nothing in it
BLUR = 8.0  # variance of the Laplacian; a sharp 640x480 frame has hundreds, blurred by 2 pixels it has 4
BLUR_SIDE = 640  # larger pictures are shrunk to this first: the measure depends on the size
LOST = ("premature end of data", "bad Huffman code")  # libjpeg's words for pixels that it had to make up
TWICE = 0.9  # IoU of two boxes on one face
THUMB = 16  # side of the small grey picture that confirms what the fingerprints suspect


@dataclass(frozen=True)
class Finding:
    """One thing to know about one photo; `photo` is its path from the audited folder."""

    photo: str
    kind: str
    detail: str = ""
    other: str | None = None

    @property
    def level(self) -> str:
        return KINDS[self.kind][0]

    @property
    def fix(self) -> str:
        return KINDS[self.kind][1]


@dataclass
class CheckedPhoto:
    """What one look at a photo and its label file gave."""

    photo: str
    size: tuple[int, int] | None = None
    digest: bytes = b""
    fingerprint: int | None = None
    thumb: NDArray[np.float32] | None = None
    labelled: bool = False
    labels: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def note(self, kind: str, detail: str = "") -> None:
        self.findings.append(Finding(self.photo, kind, detail))


def look(folder: Path, photo: Path, label: Path | None) -> CheckedPhoto:
    """Everything that can be said about one photo without the others."""
    seen = CheckedPhoto(photo.relative_to(folder).as_posix())
    try:
        data = photo.read_bytes()
    except OSError as error:
        seen.note("unreadable picture", f"cannot be read ({error.strerror or error})")
    else:
        seen.digest = hashlib.blake2b(data, digest_size=16).digest()
        complaints: list[str] = []
        try:
            with heard(complaints):
                picture = decode_picture(data, photo)
        except BadFile as error:
            seen.note("unreadable picture", error.fault)
        else:
            _look_at_picture(seen, picture)
            if any(lost in complaint for complaint in complaints for lost in LOST):
                seen.note("damaged picture", "parts of it are lost")
    if label is None:
        seen.note("not labelled")
        return seen
    try:
        content = read_content(label)
    except BadFile as error:
        seen.note("unreadable label", error.fault)
        return seen
    seen.labelled = state_of(content) == "reviewed"
    if not seen.labelled:
        seen.note("only prelabelled")
    named = PurePosixPath(str(content.get("imagePath", "")).replace("\\", "/")).name
    if named and Path(named).stem != photo.stem and photo.with_name(named).is_file():
        seen.note("label of another photo", f"says {named}, which is here too")
    for kind, detail in label_findings(content, seen.size):
        seen.note(kind, detail)
    seen.labels = labels_of(content)
    if not content["shapes"] and seen.labelled:
        seen.note("no face")
    return seen


@contextmanager
def heard(complaints: list[str]) -> Iterator[None]:
    """Collect what C libraries print on stderr: libjpeg tells only there that the rest of a picture is invented."""
    paper = _paper()
    try:
        with redirected(paper.fileno(), 2):
            yield
    finally:
        if os.fstat(paper.fileno()).st_size:
            paper.seek(0)
            complaints.append(paper.read().decode(errors="replace"))
            paper.seek(0)
            paper.truncate()


@cache
def _paper() -> IO[bytes]:
    """The file that `heard` lets them write into; one a process, because making one costs more than a photo."""
    return tempfile.TemporaryFile(buffering=0)


def _look_at_picture(seen: CheckedPhoto, picture: Picture) -> None:
    height, width = picture.shape[:2]
    seen.size = (width, height)
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    longer = max(height, width)
    if longer > BLUR_SIDE:
        scale = BLUR_SIDE / longer
        grey = cv2.resize(
            grey, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA
        )
    bright_share = cv2.countNonZero(cv2.inRange(grey, DARK, 255)) / grey.size
    spread = float(cv2.meanStdDev(grey)[1][0, 0])
    if bright_share < 0.01:
        seen.note("black or empty", "nearly all of it is black")
        return
    if spread < FLAT:
        seen.note("black or empty", "one colour all over")
        return
    sharpness = float(cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_32F))[1][0, 0]) ** 2
    if sharpness < BLUR:
        seen.note("blurred", f"sharpness {sharpness:.1f}, {BLUR:.0f} is the least")
    seen.fingerprint = fingerprint(grey)
    thumb = cv2.resize(grey, (THUMB, THUMB), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    thumb -= thumb.mean()
    seen.thumb = thumb / max(float(np.linalg.norm(thumb)), 1e-6)


def labels_of(content: Mapping[str, Any]) -> list[str]:
    """The readable class names of the shapes that enclose an area."""
    names = []
    for shape in content["shapes"]:
        if encloses_area(shape):
            try:
                names.append(shape_label(shape))
            except ShapeFault:
                continue
    return names


def label_findings(content: Mapping[str, Any], size: tuple[int, int] | None) -> Iterator[tuple[str, str]]:
    """`(kind, detail)` for everything wrong with a labelme file; `size` of the upright picture, if it could be read."""
    stated = stated_size(content)
    if size is not None and stated is None:
        yield "size differs", f"says no size, the picture has {size[0]}x{size[1]}"
    elif size is not None and stated != size and stated is not None:
        yield "size differs", f"says {stated[0]}x{stated[1]}, the picture has {size[0]}x{size[1]}"
    frame = stated or size
    faces = []
    for number, shape in enumerate(content["shapes"], start=1):
        if not encloses_area(shape):
            yield "shape left out", f"shape {number} is a {shape['shape_type']}"
            continue
        try:
            shape_label(shape)
            box = shape_box(shape)
            if in_click_order(shape):
                yield "wrong corner order", f"shape {number}"
            if frame is None:
                continue
            faces.append([*usable_box(box, *frame)])
        except ShapeFault as fault:
            kind = "far outside the picture" if fault.kind == "outside the picture" else fault.kind
            yield kind, f"shape {number} {fault}"
            continue
        if box.sticks_out(*frame) > 0:
            yield "outside the picture", f"shape {number} by {box.sticks_out(*frame):.1f} pixels"
    yield from _doubts(content, faces)


def _doubts(content: Mapping[str, Any], faces: list[list[float]]) -> Iterator[tuple[str, str]]:
    if len(faces) > 1:
        overlap = np.triu(boxes.iou(faces, faces), k=1)
        for first, second in zip(*np.nonzero(overlap > TWICE), strict=True):
            yield "same face twice", f"boxes {first + 1} and {second + 1}"
    flags = content.get("flags")
    if faces and isinstance(flags, Mapping) and flags.get(NO_FACE) is True:
        yield "no_face with faces", f"{len(faces)} boxes"


@dataclass
class PartCounts:
    """Counts of one part of the split ("" for a set that is not split)."""

    photos: int = 0
    labelled: int = 0
    no_face: int = 0
    faces: int = 0


@dataclass
class Audit:
    """What the audit found; `findings` in the order of `KINDS`, then by photo."""

    folder: Path
    parts: dict[str, PartCounts] = field(default_factory=dict)
    classes: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    fixed: list[str] = field(default_factory=list)
    backup: Path | None = None
    seconds: float = 0.0

    @property
    def photos(self) -> int:
        return sum(part.photos for part in self.parts.values())

    @property
    def counts(self) -> dict[str, int]:
        """How many photos have each kind of finding, worst first, only kinds that occur."""
        hit = defaultdict(set)
        for finding in self.findings:
            hit[finding.kind].add(finding.photo)
        return {kind: len(hit[kind]) for kind in KINDS if kind in hit}

    @property
    def faulty(self) -> set[str]:
        """The photos with at least one fault (not only notes)."""
        return {finding.photo for finding in self.findings if finding.level == "fault"}

    @property
    def exit_code(self) -> int:
        return EXIT_REJECTS if self.faulty else 0

    def of(self, kind: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.kind == kind]


def offenders(findings: Iterable[Finding]) -> list[Finding]:
    """The findings worth a picture: not what is merely unlabelled or empty."""
    quiet = {"not labelled", "only prelabelled", "no face", "shape left out", "label without a photo", "not looked at"}
    return [finding for finding in findings if finding.kind not in quiet]
