"""`supervision.Detections` without the rest of supervision.

`import supervision` loads every annotator, and with them scipy: 1.0 of the 1.1 seconds it takes, too much for a
tracker that should answer at once. Python's own remedy is a module that loads on first use
(`importlib.util.LazyLoader`), but it gives way as soon as a submodule is imported. `_LazyPackage` is the same idea
with that gap closed: `supervision.detection.core` comes in alone, and whoever wants anything else of `supervision`
gets the whole package, in the same module object, with the same classes.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from facetracker.boxes import Boxes, to_pixels

if TYPE_CHECKING:
    import supervision as sv

_lock = threading.RLock()
_asleep: set[tuple[int, str]] = set()  # (thread, package): must not wake up just now


class _LazyPackage(ModuleType):
    """A package whose `__init__` runs when a name is wanted that it does not have yet."""

    def __getattr__(self, name: str) -> Any:
        if name == "__path__" and (threading.get_ident(), self.__name__) in _asleep:
            return self._path()  # `import_alone` goes past it to a submodule
        self._wake()
        try:
            return self.__dict__[name]
        except KeyError:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}") from None

    def _path(self) -> list[str]:
        return list((self.__spec__ and self.__spec__.submodule_search_locations) or [])

    def __dir__(self) -> list[str]:
        self._wake()
        return sorted(self.__dict__)

    def _wake(self) -> None:
        here = (threading.get_ident(), self.__name__)
        if here in _asleep:
            return
        with _lock:
            if type(self) is _LazyPackage and self.__spec__ is not None and self.__spec__.loader is not None:
                _asleep.add(here)  # while it runs, a missing name is missing
                self.__path__ = self._path()
                try:
                    self.__spec__.loader.exec_module(self)
                    self.__class__ = ModuleType  # type: ignore[assignment]
                finally:
                    _asleep.discard(here)


def put_to_sleep(package: str) -> None:
    """Let `import package` cost nothing until a name of it is wanted; a package that is imported already stays so."""
    with _lock:
        if package not in sys.modules and (spec := find_spec(package)) is not None:
            module = module_from_spec(spec)
            module.__class__ = _LazyPackage
            # Whoever imports a submodule asks for this first, and so wakes the package before its submodule runs.
            del module.__path__
            sys.modules[package] = module


def import_alone(name: str) -> ModuleType:
    """Import `package.sub.module` without running the package's own `__init__`, if that can be done."""
    package = name.partition(".")[0]
    put_to_sleep(package)
    here = (threading.get_ident(), package)
    _asleep.add(here)  # `from package import submodule` asks the package first
    try:
        return import_module(name)
    except ImportError:
        pass
    finally:
        _asleep.discard(here)
    getattr(sys.modules.get(package), "__all__", None)  # it needs its package after all: wake it
    return import_module(name)


def borrowed(name: str) -> Any:
    """`package.sub.module.Name`, the package still asleep; asking the package for just this name does not wake it."""
    module, _, own = name.rpartition(".")
    found = getattr(import_alone(module), own)
    package = sys.modules[name.partition(".")[0]]
    if type(package) is _LazyPackage:
        setattr(package, own, found)
    return found


def as_detections(
    boxes: Boxes, scores: Any, classes: Any, names: Sequence[str], width: int, height: int
) -> sv.Detections:
    """Normalised boxes `(N, 4)` as `sv.Detections` in pixels, the class names in `data["class_name"]`."""
    classes = np.asarray(classes, int)
    return borrowed("supervision.detection.core.Detections")(
        xyxy=to_pixels(boxes, width, height),
        confidence=np.asarray(scores, np.float32),
        class_id=classes,
        data={"class_name": np.asarray(names, dtype=str)[classes]},
    )
