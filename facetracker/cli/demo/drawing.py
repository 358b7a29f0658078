"""What the demo has in place of a camera and a labeller: one drawn person in several rooms, with labels."""

from __future__ import annotations

from pathlib import Path

from facetracker.core.example import Example
from facetracker.core.files import read_json, write_json
from facetracker.core.naming import photo_stem
from facetracker.core.photo import write_jpeg
from facetracker.labels.labelme import write_labels
from facetracker.scenes import Scene, SceneFrame

PERSON = 5  # seed of the drawn person who sits before the camera
ROOMS = (1, 2, 3, 4, 5, 6, 7)  # seeds; enough sessions that each of train, val and test gets whole ones
PHOTOS_A_SESSION = 8
FRAMES_BETWEEN_PHOTOS = 15  # half a second, as `collect` does
NEW_ROOM = 11  # where the clip is taken; no photo shows it
GROUP_SEED, GROUP_FACES = 26, 4
GROUP_SIDE = 480  # longer side at which the group is looked at: its faces are smaller than those of the webcam


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
        examples.append(Example(photo, width, height, frame.boxes, frame.labels, flags=flags))
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


def clip(seconds: int) -> tuple[str, int]:
    """The source of the drawn clip, and how many of its frames show the face: the same person in a new room."""
    scene = Scene(480, 360, faces=1, people=PERSON, seed=NEW_ROOM, fps=25, noise=1.0)
    count = int(scene.fps) * seconds
    source = f"scene:faces=1,people={PERSON},seed={NEW_ROOM},fps=25,width=480,height=360,noise=1,count={count}"
    return source, sum(len(scene.frame(index).boxes) > 0 for index in range(count))


def draw_group(path: Path) -> Path:
    """A still photo of several people whom the tracker has never seen."""
    scene = Scene(width=960, height=640, faces=GROUP_FACES, seed=GROUP_SEED)
    return write_jpeg(path, scene.frame(40).picture)
