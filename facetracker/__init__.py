"""facetracker: a face tracker of your own, from the camera to the live picture.

`import facetracker` stays light: public names load on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from facetracker.version import __version__

if TYPE_CHECKING:
    from facetracker.core.faces import Faces as Faces
    from facetracker.inference.detector import Detector as Detector

_HOMES = {"Detector": "facetracker.inference.detector", "Faces": "facetracker.core.faces"}

__all__ = ["Detector", "Faces", "__version__"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'facetracker' has no attribute {name!r}")
