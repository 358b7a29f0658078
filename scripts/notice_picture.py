"""Makes docs/images/notice.png: drawn people, two zones, and the events that the film gave.

python scripts/notice_picture.py
"""

from __future__ import annotations

import io
import json
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from facetracker.capture.source import open_source
from facetracker.core.lettering import write
from facetracker.core.photo import Picture
from facetracker.inference.detector import Detector
from facetracker.inference.events.events import Noticing
from facetracker.inference.events.view import draw_zones
from facetracker.inference.events.zones import parse_zone
from facetracker.inference.live.render import Renderer
from facetracker.inference.tracking.watch import Watcher

WHERE = Path(__file__).parent.parent / "docs" / "images" / "notice.png"
ZONES = [parse_zone("desk=0.02,0.12,0.48,0.98"), parse_zone("door=0.62,0.05,0.98,0.98")]
SCENE = "scene:faces=2,seed=12,people=4,noise=1,width=640,height=400,fps=15,count=150"
SHOWN, LINES, LINE = 120, 9, 20
INK, DARK = (235, 235, 235), 26


def picture() -> Picture:
    """The frame with its zones, and the last events beside it."""
    detector, noticing = Detector(), Noticing(zones=ZONES, stays=[3])
    source = open_source(SCENE)
    watcher, renderer, rows = Watcher(detector, source.fps), Renderer(detector.classes), []
    for frame in source:
        seen = watcher.look(frame)
        rows += [event.as_json() for event in noticing.look(seen.faces, frame.time, seen.found)]
        shown = draw_zones(renderer.render(frame.picture, seen.faces), noticing)
        if frame.index == SHOWN:
            break
    beside = np.full((shown.shape[0], 460, 3), DARK, np.uint8)
    write(beside, "$ facetracker notice 0 --stay 3 --zone desk=... --zone door=...", 12, 26, 13, INK)
    for number, row in enumerate(rows[-LINES:]):
        text = json.dumps({key: value for key, value in row.items() if value is not None and key != "number"})
        write(
            beside,
            text[: text.find(', "in_zone')] + "}" if "in_zone" in text else text,
            12,
            60 + 2 * LINE * number,
            12,
            INK,
        )
    return cv2.hconcat([shown, beside])


def main() -> None:
    """Draw it, in few colours, for the page is read on phones."""
    image = Image.fromarray(cv2.cvtColor(picture(), cv2.COLOR_BGR2RGB)).quantize(128, dither=Image.Dither.NONE)
    file = io.BytesIO()
    image.save(file, "png", optimize=True)
    WHERE.write_bytes(file.getvalue())
    print(f"{WHERE}: {len(file.getvalue()) // 1000} kB")


if __name__ == "__main__":
    main()
