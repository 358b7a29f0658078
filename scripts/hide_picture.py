"""Makes docs/images/hide.jpg: frames of a drawn film with a cut, as `facetracker hide` wrote them, in three ways.

python scripts/hide_picture.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import av
import cv2
import numpy as np

from facetracker.core.photo import Picture, write_jpeg
from facetracker.core.sheet import Tile, sheet
from facetracker.inference.hiding.hide import HideAs, hide
from facetracker.inference.recording.record import VideoRecorder
from facetracker.scenes import Scene

WHERE = Path(__file__).parent.parent / "docs" / "images" / "hide.jpg"
SHOTS = (Scene(faces=1, seed=22, people=4), Scene(faces=3, seed=5, people=4))
LENGTH, SHOWN = 20, (10, 30)  # frames of a shot; those that are shown
STAR = [
    (np.cos(a) * r, np.sin(a) * r)
    for a, r in zip(np.linspace(0, 2 * np.pi, 32, endpoint=False), [1, 0.8] * 16, strict=True)
]


def sticker() -> Picture:
    """A yellow star on nothing, BGRA."""
    shown = np.zeros((200, 200, 4), np.uint8)
    cv2.fillPoly(shown, [(np.array(STAR) * 98 + 100).astype(np.int32)], (70, 200, 250, 255), cv2.LINE_AA)
    return shown


def frames_of(film: Path) -> list[Picture]:
    """The shown frames of a film."""
    with av.open(str(film)) as container:
        frames = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    return [frames[number] for number in SHOWN]


def picture() -> Picture:
    """A row for each moment: blurred, pixelated, under a picture."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        film = VideoRecorder(folder / "film.mp4", 30)
        for number, scene in enumerate(SHOTS):
            for index in range(LENGTH):
                film.write(scene.frame(index).picture, (number * LENGTH + index) / 30)
        film.close()
        cv2.imwrite(str(folder / "star.png"), sticker())
        ways = {"blur": HideAs(), "pixelate": HideAs("pixelate"), "a picture": HideAs(picture=folder / "star.png")}
        shown = []
        for name, way in ways.items():
            hide(folder / "film.mp4", folder / f"{name}.mp4", show=way)
            shown.append(frames_of(folder / f"{name}.mp4"))
    tiles = [Tile(one[moment]) for moment in range(len(SHOWN)) for one in shown]
    return sheet(tiles, len(ways), (320, 240))


def main() -> None:
    """Draw it."""
    write_jpeg(WHERE, picture(), 85)
    print(f"{WHERE}: {WHERE.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
