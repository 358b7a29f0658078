"""`label`: a film labelled without the page. The stage behind `facetracker label FILM --frames 30`."""

from __future__ import annotations

from pathlib import Path

from facetracker.core.console import counted
from facetracker.core.errors import FaceTrackerError
from facetracker.labels.film.choose import choose_frames
from facetracker.labels.film.session import FilmSession
from facetracker.labels.film.taking import take_frames, write_coco_video, write_mot


def label_film(
    film: str | Path,
    data: str | Path = "data",
    *,
    frames: int | None = None,
    every_frame: bool = False,
    mot: str | Path | None = None,
    coco_video: str | Path | None = None,
    model: str | Path | None = None,
    label: str = "face",
    reviewed: bool = False,
    force: bool = False,
) -> list[str]:
    """Find and follow the faces of a film, and write what is asked for; the lines for a person.

    `frames` that differ, or `every_frame`, go into the data folder as photos with labelme files; `reviewed`: as a
    person's labels, but for what is in doubt. `mot` and `coco_video` are folders for the tracks.
    """
    if frames is not None and frames < 1:
        raise FaceTrackerError(f"{frames} frames cannot be taken", fix="Example: --frames 30")
    lines = []
    with FilmSession(film, model, label) as session:
        labels = session.labels
        lines.append(f"{session.film}: {counted(len(session.seen), 'frame')}, {counted(len(labels.tracks), 'track')}")
        if labels.doubts:
            lines[0] += f", {len(labels.doubts)} doubtful places (facetracker label {session.film} shows them)"
        if frames is not None or every_frame:
            chosen = list(range(len(session.seen))) if every_frame else choose_frames(session, frames or 0)
            lines += take_frames(session, data, chosen, reviewed).lines()
        if mot is not None:
            lines.append(f"written: {write_mot(session, mot, force)}")
        if coco_video is not None:
            lines.append(f"written: {write_coco_video(session, coco_video, force)}")
    return lines
