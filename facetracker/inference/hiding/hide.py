"""`hide`: faces made unrecognisable in a film, a photo, or a folder of both. The stage behind `facetracker hide`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from facetracker.capture.source import FILM_SUFFIXES
from facetracker.core import console, disk
from facetracker.core.errors import FaceTrackerError, Rejects, one_line
from facetracker.core.files import PHOTO_SUFFIXES, refuse_to_overwrite, written_beside
from facetracker.core.other_formats import OTHER_SUFFIXES, as_jpeg, passed_over
from facetracker.core.photo import Picture, decode_picture, photo_size, read_bytes
from facetracker.inference.films.film import FilmReader, FilmWriter, check_suffix
from facetracker.inference.films.sightings import LARGEST, Looks, look_through
from facetracker.inference.hiding.check import LIST, HidingPlan, read_plan
from facetracker.inference.hiding.cover import Cover, Hidden
from facetracker.inference.hiding.photos import hide_in_photo
from facetracker.inference.hiding.tracks import FilmTrack, boxes_by_frame, tracks_of

TOLD = 8  # doubtful stretches that are told on the screen
SHEET_SIDE = 1280  # pixels of the frames from which the sheet's tiles are cut


@dataclass
class HiddenFaces:
    """What `hide` did: a line for each film and photo, and what was left out."""

    lines: list[str] = field(default_factory=list)
    rejects: Rejects = field(default_factory=Rejects)

    def summary(self) -> str:
        """What was written and what a person should look at."""
        return "\n".join(self.lines)


@dataclass(frozen=True)
class HideAs:
    """How faces are hidden: `how`, a `picture` that is laid over them; `boxes` and numbers are drawn if wished."""

    how: Hidden = "blur"
    picture: Path | None = None
    boxes: bool = False

    def cover(self) -> Cover:
        """What hides."""
        if self.picture is None:
            return Cover(self.how)
        shown = decode_picture(read_bytes(self.picture), self.picture, alpha=True)
        if shown.ndim != 3 or shown.shape[2] not in (3, 4) or shown.dtype != np.uint8:
            raise FaceTrackerError("is not a picture that can be laid over a face", path=self.picture)
        return Cover("picture", shown)


def hide(
    source: str | Path,
    save: str | Path | None = None,
    *,
    model: str | Path | None = None,
    show: HideAs = HideAs(),
    check: str | Path | None = None,
    spare: str | Path | None = None,
    threads: int | None = None,
    force: bool = False,
) -> HiddenFaces:
    """Write the film, photo or folder `source` again with every face hidden: as `save`, or with `-hidden` in its name.

    `check` is a folder for what a person should look at (of one film): a list, and a sheet that shows the faces.
    `spare` is that list with the person's answers; the film is not looked through again.
    """
    source = Path(source)
    done, cover = HiddenFaces(), show.cover()
    if source.is_dir():
        if check is not None or spare is not None:
            raise FaceTrackerError("--check and --except belong to one film", path=source, fix="Hide it by itself.")
        _hide_folder(
            source, Path(save) if save else source.with_name(f"{source.name}-hidden"), done, model, cover, force
        )
        return done
    if not source.is_file():
        live = f"A camera's picture: facetracker detect {source} --blur" if str(source).isdigit() else None
        raise FaceTrackerError("no such film, photo or folder", path=source, fix=live or "Check the name.")
    if source.suffix.lower() in OTHER_SUFFIXES:
        raise FaceTrackerError(
            "is no photo that can be written again", path=source, fix=f"As JPEG: {as_jpeg(source, 1)}"
        )
    if source.suffix.lower() not in (*PHOTO_SUFFIXES, *FILM_SUFFIXES):
        kinds = ", ".join(suffix[1:] for suffix in (*PHOTO_SUFFIXES, *FILM_SUFFIXES))
        raise FaceTrackerError("is neither a film nor a photo", path=source, fix=f"Such are: {kinds}.")
    save = Path(save) if save else source.with_name(f"{source.stem}-hidden{source.suffix}")
    save = save / source.name if save.is_dir() else save
    if save.resolve() == source.resolve():
        raise FaceTrackerError("would be overwritten by its hidden copy", path=source, fix="Give --save another name.")
    refuse_to_overwrite(save, force)
    if check is not None:  # a person may have filled it in
        refuse_to_overwrite(Path(check) / LIST, force)
    if source.suffix.lower() in PHOTO_SUFFIXES:
        done.lines.append(hide_in_photo(source, save, Looks(model, max(photo_size(source)), threads), cover))
    else:
        check_suffix(save)
        done.lines += hide_in_film(source, save, cover, model, threads, check=check, spare=spare, boxes=show.boxes)
    return done


def hide_in_film(
    source: Path,
    save: Path,
    cover: Cover,
    model: str | Path | None = None,
    threads: int | None = None,
    *,
    check: str | Path | None = None,
    spare: str | Path | None = None,
    boxes: bool = False,
) -> list[str]:
    """Hide every face of a film: once through to find them, once to write it; the lines for the person."""
    if spare is not None:
        plan = read_plan(Path(spare), source)
    else:
        with FilmReader(source) as film:
            looks = Looks(model, max(film.size), threads)
            seen = look_through(film, looks)
        plan = HidingPlan.of(tracks_of(seen, looks.threshold), seen)
    hidden = boxes_by_frame(plan.tracks, len(plan.times))
    with FilmReader(source) as film, written_beside(save) as part:
        writer = FilmWriter(save, part, film)
        try:
            _write(film, writer, plan, hidden, cover, boxes, for_sheet=check is not None)
            writer.close()
        except (OSError, ValueError) as error:
            writer.abandon()
            if isinstance(error, FaceTrackerError):
                raise
            why = disk.reason(error, save) if isinstance(error, OSError) else one_line(str(error))
            raise FaceTrackerError(f"cannot be written ({why})", path=save) from None
        left_out = film.left_out
    lines = _told(save, plan, hidden)
    if left_out:
        lines.append(f"left out of the file: {', '.join(sorted(set(left_out)))}")
    if check is not None:
        plan.write(Path(check), source)
        lines.append(f"{check}: a list, and a sheet that shows the faces bare. Set `hide` in {LIST} to yes or no, then")
        lines.append(f"  facetracker hide {source} --save {save} --except {Path(check) / LIST} --force")
    return lines


def _write(
    film: FilmReader,
    writer: FilmWriter,
    plan: HidingPlan,
    hidden: list[Any],
    cover: Cover,
    boxes: bool,
    for_sheet: bool,
) -> None:
    """The second time through the film: every frame that was looked at is written, covered where it must be."""
    shown_in: dict[int, list[FilmTrack]] = {}
    for one in plan.tracks if for_sheet else ():
        shown_in.setdefault(plan.shown_in(one), []).append(one)
    by_stamp = {stamp: number for number, stamp in enumerate(plan.stamps)}
    with console.progress(f"{film.path.name}, writing", len(plan.times), "frames") as meter:
        for frame in film.frames(writer.copy):
            number = by_stamp.get(frame.stamp)
            if number is None:  # nobody has looked at this frame: it is not shown
                continue
            planes = film.planes(frame) if len(hidden[number]) else None
            if planes is not None:
                cover.on_planes(planes, hidden[number])
                if boxes:
                    _draw(planes, plan, number)
            writer.write(frame, planes)
            for one in shown_in.get(number, ()):
                plan.take_picture(one, film.small(frame, SHEET_SIDE))
            meter.advance()


def _told(save: Path, plan: HidingPlan, hidden: list[Any]) -> list[str]:
    faces = sum(one.hidden for one in plan.tracks)
    frames = sum(len(one) > 0 for one in hidden)
    lines = [f"{save}: {console.counted(faces, 'face')} hidden, in {frames} of {len(hidden)} frames"]
    doubtful = plan.doubtful
    for one in doubtful[:TOLD]:
        start, end = plan.span(one)
        state = "hidden" if one.hidden else "not hidden"
        lines.append(f"  look at {start:.1f}-{end:.1f} s, face {one.number} ({state}): {one.doubt}")
    if len(doubtful) > TOLD:
        lines.append(f"  and {len(doubtful) - TOLD} more; --check FOLDER lists and shows them all")
    return lines


def _draw(planes: tuple[Picture, Picture, Picture], plan: HidingPlan, number: int) -> None:
    """Boxes and numbers, in brightness only: a white line on a dark one."""
    for one in plan.tracks:
        if one.hidden and one.first <= number <= one.last:
            x1, y1, x2, y2 = (round(value) for value in one.boxes[number - one.first])
            for tone, thick in ((16, 3), (235, 1)):
                cv2.rectangle(planes[0], (x1, y1), (x2, y2), tone, thick)
                cv2.putText(planes[0], str(one.number), (x1, y1 - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.6, tone, thick)


def _hide_folder(
    folder: Path, save: Path, done: HiddenFaces, model: str | Path | None, cover: Cover, force: bool
) -> None:
    """All films and photos of a folder and the folders in it, under the same names; what is there already stays."""
    target, inside = save.resolve(), folder.resolve()
    if target == inside or target.is_relative_to(inside) or inside.is_relative_to(target):
        raise FaceTrackerError("must lie beside the folder that is hidden, not in it", path=save)
    taken = (*PHOTO_SUFFIXES, *FILM_SUFFIXES)
    there = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    files = [path for path in there if path.suffix.lower() in taken]
    for other in sorted({path.parent for path in there}):
        done.rejects.rows += passed_over(other, taken).rows
    if not files:
        fix = f"Photos and films are: {', '.join(suffix[1:] for suffix in taken)}."
        fix = f"As JPEG: {as_jpeg(folder)}" if done.rejects else fix
        raise FaceTrackerError("holds no film and no photo that can be hidden in", path=folder, fix=fix)
    counts, looks = {"photo": 0, "film": 0, "file there already": 0}, Looks(model, LARGEST)
    for path in console.track(files, "hide", unit="files"):
        to = save / path.relative_to(folder)
        if to.exists() and not force:
            counts["file there already"] += 1
            continue
        try:
            if path.suffix.lower() in PHOTO_SUFFIXES:
                hide_in_photo(path, to, looks, cover)
                counts["photo"] += 1
            else:
                check_suffix(to)
                done.lines += hide_in_film(path, to, cover, model)
                counts["film"] += 1
        except FaceTrackerError as error:
            done.rejects.add(path, error)
    before = counts.pop("file there already")
    told = [console.counted(count, what) for what, count in counts.items() if count]
    done.lines.append(f"{save}: {', '.join([*told, *([f'{before} there already'] if before else [])]) or 'nothing'}")
