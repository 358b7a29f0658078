"""The picture that is shown or recorded, made of a frame and its faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2

from facetracker.core.faces import Faces
from facetracker.core.photo import Picture
from facetracker.inference.draw import Overlay
from facetracker.inference.hiding.cover import Hidden, hide_faces


class Renderer:
    """Draws for one viewer (a window, a recording): each has trails of its own.

    `landmarks` are drawn if asked for; without `boxes` nothing is drawn on the faces.
    """

    def __init__(self, classes: Sequence[str], landmarks: bool = False, boxes: bool = True):
        self.classes, self.landmarks, self.boxes = list(classes), landmarks, boxes
        self._overlay: Overlay | None = None
        self._last: tuple[int, int, bool] | None = None

    def render(
        self,
        picture: Picture,
        faces: Faces,
        found: Faces | None = None,
        *,
        mirror: bool = False,
        hidden: Hidden | None = None,
        status: Sequence[str] = (),
        help: bool = False,
    ) -> Picture:
        """A new picture with the faces hidden or not, boxes, and the status lines; the frame stays as it is.

        What was only `found` is hidden with the faces, and not drawn. Where nothing is drawn, it is the frame itself.
        """
        if not (self.boxes or mirror or hidden or any(status) or help):
            return picture
        height, width = picture.shape[:2]
        shown = cv2.flip(picture, 1) if mirror else picture.copy()
        bare = faces if found is None else faces + found
        if mirror:
            faces, bare = faces.mirrored(), bare.mirrored()
        if hidden is not None:
            hide_faces(shown, bare, hidden)
            faces = replace(faces, landmarks=None)  # eyes and mouth are what is hidden
        if not (self.boxes or any(status) or help):
            return shown
        if self._overlay is None or self._last != (width, height, mirror):
            self._overlay, self._last = Overlay(self.classes, width, height, self.landmarks), (width, height, mirror)
        if self.boxes:
            self._overlay.faces(shown, faces)
        self._overlay.status(shown, status)
        if help:
            self._overlay.help(shown)
        return shown
