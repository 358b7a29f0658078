"""What the demo has in place of a camera and a labeller: one drawn person, filmed and in several rooms, with labels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from facetracker.core.boxes import Boxes, clip
from facetracker.core.example import Example
from facetracker.core.files import read_json, write_json
from facetracker.core.naming import number_of, photo_stem
from facetracker.core.photo import write_jpeg
from facetracker.inference.style import Style
from facetracker.labels.labelme import write_labels
from facetracker.labels.pairing import label_path
from facetracker.scenes import Scene, SceneFrame

PERSON = 5  # seed of the drawn person who sits before the camera
ROOMS = (1, 2, 3, 4, 5, 6, 7)  # seeds; enough sessions that each of train, val and test gets whole ones
PHOTOS_A_SESSION = 8
FRAMES_BETWEEN_PHOTOS = 15  # half a second, as `collect` does
FILM_ROOM = 11  # where the film is taken; no photo shows it
FILM = Scene(640, 480, faces=1, people=PERSON, seed=FILM_ROOM, fps=25, noise=1.0)
# How far the person's boxes reach beyond the face (left, top, right, bottom), in its widths and heights: whole heads.
WHOLE_HEAD = (-0.12, -0.30, 0.12, 0.06)


def as_drawn(boxes: Boxes) -> Boxes:
    """The faces `(N, 4)` as the person of the demo draws their boxes: round the whole head, within the picture."""
    return clip(Style(*WHOLE_HEAD).apply(boxes))


def film_source(seconds: int) -> str:
    """The film as a source: `seconds` of the person in one room."""
    count = int(FILM.fps) * seconds
    return (
        f"scene:faces=1,people={PERSON},seed={FILM_ROOM},fps={FILM.fps:g},width={FILM.width},height={FILM.height},"
        f"noise={FILM.noise:g},count={count}"
    )


def draw_heads(suggested: Iterable[Example]) -> list[Example]:
    """Frames taken from the film with the person's boxes in place of the suggested ones; the label files are saved."""
    drawn = []
    for example in suggested:
        truth = FILM.frame((number_of(example.stem) or 1) - 1)
        drawn.append(replace(example, boxes=as_drawn(truth.boxes), labels=truth.labels, flags={}, reviewed=True))
        write_labels(label_path(example.photo), drawn[-1], force=True)
    return drawn


def frames() -> dict[str, SceneFrame]:
    """The photos to take by their names, with the truth about them."""
    drawn = {}
    for room in ROOMS:
        session = f"2026{room:02d}01-100000-room{room}"
        for number in range(1, PHOTOS_A_SESSION + 1):
            # The first photo of a session is the empty room: a tracker that never saw one sees faces everywhere.
            scene = Scene(faces=0 if number == 1 else 1, seed=room, people=PERSON)
            drawn[photo_stem(session, number)] = scene.frame(number * FRAMES_BETWEEN_PHOTOS)
    return drawn


def draw_sessions(data: Path) -> list[Path]:
    """The photos in `data/images`, as `collect` would leave them."""
    return [write_jpeg(data / "images" / f"{stem}.jpg", frame.picture) for stem, frame in frames().items()]


def draw_labels(data: Path) -> list[Example]:
    """The labels in `data/labels`, as labelme would leave them; two have a fault that people make."""
    examples = []
    for stem, frame in frames().items():
        height, width = frame.picture.shape[:2]
        flags = {"no_face": len(frame.boxes) == 0}
        photo = data / "images" / f"{stem}.jpg"
        examples.append(Example(photo, width, height, as_drawn(frame.boxes), frame.labels, flags=flags))
        write_labels(data / "labels" / f"{stem}.json", examples[-1])
    labels = sorted((data / "labels").glob("*.json"))
    _mistype(labels[3])
    _push_out(labels[12])
    return examples


def _mistype(label: Path) -> None:
    content = read_json(label)
    content["shapes"][0]["label"] = "fase"
    write_json(label, content)


def _push_out(label: Path) -> None:
    """Move the lower corner below the photo's edge, as an unsteady hand does."""
    content = read_json(label)
    content["shapes"][0]["points"][1][1] = content["imageHeight"] + 9.5
    write_json(label, content)
