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
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from facetracker.core.boxes import Boxes, to_pixels

if TYPE_CHECKING:
    import supervision as sv

_lock = threading.RLock()
_asleep: set[tuple[int, str]] = set()  # (thread, package): must not wake up just now


class _LazyPackage(ModuleType):
    """A package whose `__init__` runs when a name is wanted that it does not have yet."""

    def __getattr__(self, name: str) -> Any:
        self._wake()
        try:
            return self.__dict__[name]
        except KeyError:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}") from None

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
                try:
                    self.__spec__.loader.exec_module(self)
                    self.__class__ = ModuleType  # type: ignore[assignment]
                finally:
                    _asleep.discard(here)


class _Waker(MetaPathFinder):
    """Wakes a package before somebody else imports a submodule of it; Python's own order, in which it comes first."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        root = name.partition(".")[0]
        package = sys.modules.get(root)
        if root == name or type(package) is not _LazyPackage or (threading.get_ident(), root) in _asleep:
            return None
        package._wake()
        if name not in sys.modules:
            return None
        module = sys.modules[name]
        # Python takes the spec that a module has by now, whatever is returned here.
        module.__spec__ = ModuleSpec(name, _Loaded(module.__spec__))
        return module.__spec__


class _Loaded(Loader):
    """Hands out a module that waking its package has brought in already, so that there is only one of it."""

    def __init__(self, own: ModuleSpec | None):
        self.own = own

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return sys.modules[spec.name]

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.own


def put_to_sleep(package: str) -> None:
    """Let `import package` cost nothing until a name of it is wanted; a package that is imported already stays so."""
    with _lock:
        if package not in sys.modules and (spec := find_spec(package)) is not None:
            module = module_from_spec(spec)
            module.__class__ = _LazyPackage
            sys.modules[package] = module
            if not any(isinstance(finder, _Waker) for finder in sys.meta_path):
                sys.meta_path.insert(0, _Waker())


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
