"""Frames and tracks of a labelled film as files: photos with labelme's labels, MOT, COCO for films."""

from __future__ import annotations

import configparser
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from facetracker.core import console
from facetracker.core.boxes import from_pixels
from facetracker.core.console import counted
from facetracker.core.example import Example
from facetracker.core.files import is_torn, refuse_to_overwrite, sweep, write_atomically, write_json
from facetracker.core.naming import photo_stem
from facetracker.core.photo import write_jpeg
from facetracker.labels.film.session import FilmSession
from facetracker.labels.labelme import labelme_content, read_content, write_content
from facetracker.labels.pairing import IMAGES, LABELS
from facetracker.labels.provenance import RECORD, accepted, digest, signature, signed, state_of

BY = "film"  # who labelled a frame, in the file
DOUBTFUL, FOLLOWED = 0.9, 0.2  # how unsure a frame is that nobody has looked at, for the order of the review
JPEG = 92


@dataclass
class Taken:
    """What was taken out of a film: label files by name, and those that a person had changed, which were left."""

    folder: Path
    session: str
    written: list[Path] = field(default_factory=list)
    faces: int = 0
    no_face: int = 0
    kept: int = 0

    def lines(self) -> list[str]:
        """The report for a person."""
        lines = [
            f"{counted(len(self.written), 'frame')} in {self.folder}, session {self.session}: "
            f"{counted(self.faces, 'face')}"
        ]
        if self.no_face:
            lines[0] += f", {self.no_face} frames without a face"
        if self.kept:
            lines.append(f"{self.kept} frames were changed by a person and left as they are")
        return lines


def take_frames(session: FilmSession, data: str | Path, frames: Sequence[int], reviewed: bool = False) -> Taken:
    """Write these frames as photos with labelme files into a data folder, by the film's session and their number.

    `reviewed`: a person has looked at the film, so that its frames count as labelled by a person, but for those in
    doubt. A label file that somebody has changed since is never touched.
    """
    data = Path(data)
    done = Taken(data, session.session)
    labels = session.labels
    sweep(data)
    for frame in console.track(list(frames), "frames", unit="frames"):
        stem = photo_stem(session.session, frame + 1)
        photo, path = data / IMAGES / f"{stem}.jpg", data / LABELS / f"{stem}.json"
        if path.is_file() and not is_torn(path) and not _is_ours(read_content(path)):
            done.kept += 1
            continue
        if not photo.is_file():
            write_jpeg(photo, session.frames.picture(frame), JPEG)
        boxes = labels.faces(frame)
        names = tuple(labels.tracks[number].label for number in boxes)
        width, height = session.seen.width, session.seen.height
        example = Example(photo, width, height, from_pixels(list(boxes.values()), width, height), names)
        doubtful = any(one.first <= frame <= one.last for one in labels.doubts)
        write_content(path, _content(path, example, session, frame, reviewed and not doubtful, doubtful))
        done.written.append(path)
        done.faces += len(boxes)
        done.no_face += not boxes
    return done


def _content(
    path: Path, example: Example, session: FilmSession, frame: int, reviewed: bool, doubtful: bool
) -> dict[str, Any]:
    by = {"prelabelled_by": BY, "model": session.seen.model, "film": session.film.name, "frame": frame}
    content = signed(labelme_content(path, example), **by, doubt=DOUBTFUL if doubtful else FOLLOWED)
    if not reviewed:
        return content
    content = accepted(content)
    return {**content, RECORD: {**by, "followed": digest(content)}}


def _is_ours(content: dict[str, Any]) -> bool:
    """Nobody has changed this file since it was taken from the film."""
    return state_of(content) == "prelabelled" or signature(content).get("followed") == digest(content)


def write_mot(session: FilmSession, folder: str | Path, force: bool = False) -> Path:
    """The tracks as MOTChallenge has them; its `gt/gt.txt`.

    A line is frame and track (both from 1), left, top, width, height in pixels, 1, class, 1.
    """
    folder = Path(folder)
    refuse_to_overwrite(folder / "gt" / "gt.txt", force)
    names = session.labels.labels
    rows = []
    for number, track in session.labels.tracks.items():
        boxed = session.labels.boxed[number]
        for frame, (left, top, right, bottom) in zip(boxed.frames.tolist(), boxed.boxes.tolist(), strict=True):
            if right - left >= 1 and bottom - top >= 1:
                place = f"{left:.2f},{top:.2f},{right - left:.2f},{bottom - top:.2f}"
                rows.append((frame, number, f"{frame + 1},{number},{place},1,{names.index(track.label) + 1},1"))
    write_atomically(folder / "gt" / "gt.txt", "".join(f"{line}\n" for _, _, line in sorted(rows)))
    write_atomically(folder / "gt" / "labels.txt", "".join(f"{name}\n" for name in names))
    about = configparser.ConfigParser()
    about.optionxform = str  # type: ignore[assignment, method-assign]
    about["Sequence"] = {
        "name": session.session,
        "imDir": "img1",
        "frameRate": str(round(1 / session.seen.step)),
        "seqLength": str(len(session.seen)),
        "imWidth": str(session.seen.width),
        "imHeight": str(session.seen.height),
        "imExt": ".jpg",
    }
    text = io.StringIO()
    about.write(text, space_around_delimiters=False)
    write_atomically(folder / "seqinfo.ini", text.getvalue())
    _write_pictures(session, folder / "img1", range(len(session.seen)))
    return folder / "gt" / "gt.txt"


def write_coco_video(session: FilmSession, folder: str | Path, force: bool = False) -> Path:
    """The tracks as COCO has them for films (as TAO and mmtracking read it): `videos`, and `track_id` of each box."""
    folder = Path(folder)
    path = folder / "annotations.json"
    refuse_to_overwrite(path, force)
    names, seen = session.labels.labels, session.seen
    boxes: list[dict[str, Any]] = []
    for number, track in session.labels.tracks.items():
        boxed = session.labels.boxed[number]
        for frame, (left, top, right, bottom) in zip(boxed.frames.tolist(), boxed.boxes.tolist(), strict=True):
            width, height = round(right - left, 2), round(bottom - top, 2)
            if width >= 1 and height >= 1:
                boxes.append(
                    {
                        "id": len(boxes) + 1,
                        "image_id": frame + 1,
                        "video_id": 1,
                        "track_id": number,
                        "instance_id": number,
                        "category_id": names.index(track.label) + 1,
                        "bbox": [round(left, 2), round(top, 2), width, height],
                        "area": round(width * height, 2),
                        "iscrowd": 0,
                    }
                )
    size = {"width": seen.width, "height": seen.height}
    content = {
        "videos": [{"id": 1, "name": session.session, "fps": round(1 / seen.step, 3), **size}],
        "images": [
            {"id": frame + 1, "video_id": 1, "frame_id": frame, "file_name": f"images/{frame + 1:06d}.jpg", **size}
            for frame in range(len(seen))
        ],
        "categories": [{"id": number, "name": name} for number, name in enumerate(names, 1)],
        "tracks": [
            {"id": number, "video_id": 1, "category_id": names.index(track.label) + 1}
            for number, track in session.labels.tracks.items()
        ],
        "annotations": boxes,
    }
    write_json(path, content)
    _write_pictures(session, folder / "images", range(len(seen)))
    return path


def _write_pictures(session: FilmSession, folder: Path, frames: Iterable[int]) -> None:
    for frame in console.track(list(frames), folder.name, unit="frames"):
        path = folder / f"{frame + 1:06d}.jpg"
        if not path.is_file():
            write_jpeg(path, session.frames.picture(frame), JPEG, sync=False)
