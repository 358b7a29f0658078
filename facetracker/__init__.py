"""facetracker: a face tracker of your own, from the camera to the live picture.

What stands in `__all__` is the public interface: the values people hold in their hands, and one function a stage, which
takes what the command of its name takes. `import facetracker` stays light: each of them loads on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from facetracker import private as private
from facetracker.version import __version__

if TYPE_CHECKING:
    from facetracker.capture.collect import collect as collect
    from facetracker.core.faces import Faces as Faces
    from facetracker.data.augment.augment import augment as augment
    from facetracker.data.split import split as split
    from facetracker.exports.exporting import export as export
    from facetracker.inference.detect import detect as detect
    from facetracker.inference.detector import Detector as Detector
    from facetracker.inference.events.notice import notice as notice
    from facetracker.inference.hiding.hide import hide as hide
    from facetracker.inference.tracking.follow import Follower as Follower
    from facetracker.labels.audit.audit import audit as audit
    from facetracker.labels.collection import Collection as Collection
    from facetracker.labels.formats.convert import convert as convert
    from facetracker.labels.prelabel import prelabel as prelabel
    from facetracker.models.classifier import FaceClassifier as FaceClassifier
    from facetracker.models.tracker import FaceTracker as FaceTracker
    from facetracker.personal.corrections import Corrections as Corrections
    from facetracker.personal.learn import learn as learn
    from facetracker.reports.evaluation.evaluate import evaluate as evaluate
    from facetracker.training.fit import train as train

_HOMES = {
    "Detector": "inference.detector",
    "Faces": "core.faces",
    "Follower": "inference.tracking.follow",
    "Collection": "labels.collection",
    "Corrections": "personal.corrections",
    "FaceTracker": "models.tracker",
    "FaceClassifier": "models.classifier",
    "collect": "capture.collect",
    "prelabel": "labels.prelabel",
    "audit": "labels.audit.audit",
    "convert": "labels.formats.convert",
    "split": "data.split",
    "augment": "data.augment.augment",
    "learn": "personal.learn",
    "train": "training.fit",
    "evaluate": "reports.evaluation.evaluate",
    "export": "exports.exporting",
    "detect": "inference.detect",
    "hide": "inference.hiding.hide",
    "notice": "inference.events.notice",
}

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
