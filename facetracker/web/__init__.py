"""The browser page: collect, label, train and watch with nothing but a tab.

`serve` runs it, `embed` shows it in a notebook. Training is a child process: this room never imports tensorflow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from facetracker.web.notebook import embed as embed
    from facetracker.web.server import serve as serve

_HOMES = {"embed": "facetracker.web.notebook", "serve": "facetracker.web.server"}

__all__ = ["embed", "serve"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'facetracker.web' has no attribute {name!r}")
