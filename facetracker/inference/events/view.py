"""The picture of a run with its zones: what `detect` shows, and the parts of it that have a name."""

from __future__ import annotations

import cv2
import numpy as np

from facetracker.core.lettering import write
from facetracker.core.photo import Picture
from facetracker.inference.events.events import Noticing
from facetracker.inference.live.loop import Controls
from facetracker.inference.live.views import View

EMPTY, TAKEN = (200, 200, 200), (75, 210, 255)  # BGR
SHADE = 0.18  # of a zone's colour over the picture


class WithZones(View):
    """Draws the zones over what `view` shows; where the picture is mirrored they are too."""

    def __init__(self, view: View, noticing: Noticing, controls: Controls):
        self.view, self.noticing, self.controls = view, noticing, controls

    @property
    def closed(self) -> bool:  # type: ignore[override]
        return self.view.closed

    def show(self, picture: Picture) -> str | None:
        return self.view.show(draw_zones(picture, self.noticing, self.controls.mirror))

    def close(self) -> None:
        self.view.close()


def draw_zones(picture: Picture, noticing: Noticing, mirror: bool = False) -> Picture:
    """The picture with each zone, its name and how many are in it; the same picture where there is none."""
    if not noticing.zones:
        return picture
    height, width = picture.shape[:2]
    unit = max(min(width, height) / 480, 0.65)
    drawn, counts = picture.copy(), noticing.in_zones()
    for zone in noticing.zones:
        corners = np.asarray(zone.corners)
        if mirror:
            corners = np.abs([1.0, 0.0] - corners)
        points = np.round(corners * [width - 1, height - 1]).astype(np.int32)
        count = counts[zone.name]
        colour = TAKEN if count else EMPTY
        filled = cv2.fillPoly(drawn.copy(), [points], colour)
        drawn = cv2.addWeighted(filled, SHADE, drawn, 1 - SHADE, 0)
        cv2.polylines(drawn, [points], True, colour, max(1, round(2 * unit)), cv2.LINE_AA)
        left, bottom = points[:, 0].min() + round(8 * unit), points[:, 1].max() - round(10 * unit)
        write(drawn, f"{zone.name}: {count}", int(left), int(bottom), round(15 * unit), colour)
    return drawn
