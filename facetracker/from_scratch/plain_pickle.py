"""Arrays out of a pickle that nobody trusts: the study notes keep their parameters in pickles.

A pickle is a program: it names functions, and loading calls them. This reader knows four names, what numpy writes for
an array of numbers, and puts small stand-ins of its own in their place; whatever else a pickle names is refused before
it is called. numpy's own functions are not called either: handed a forged shape or type, they are not safe.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np


class _Type:
    """Stands in for numpy's dtype: whole numbers and floats, and nothing else."""

    def __init__(self, name: str, *rest: Any) -> None:
        self.name = str(name)
        self.order: Literal["<", ">", "="] = "="
        if self.name not in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"):
            raise pickle.UnpicklingError(f"holds {self.name!r}, not numbers")

    def __setstate__(self, state: tuple) -> None:
        self.order = "<" if state[1] == "<" else ">" if state[1] == ">" else "="

    def real(self) -> np.dtype:
        return np.dtype(self.name).newbyteorder(self.order)


class _Array:
    """Stands in for numpy's array until its state comes: shape, type, order of the axes, bytes."""

    numbers = np.zeros(0)

    def __setstate__(self, state: tuple) -> None:
        _, shape, kind, is_fortran, content = state
        self.numbers = _numbers(content, kind, shape, "F" if is_fortran else "C").numbers


def _numbers(content: Any, kind: Any, shape: Any, order: str = "C") -> _Array:
    """numpy's `_frombuffer`, done with the number of bytes that are there."""
    if not isinstance(kind, _Type) or not isinstance(content, bytes | bytearray):
        raise pickle.UnpicklingError("holds something else than numbers")
    array = _Array()
    array.numbers = np.frombuffer(bytes(content), kind.real()).reshape(shape, order="F" if order == "F" else "C")
    return array


def _scalar(kind: Any, content: Any) -> _Array:
    return _numbers(content, kind, ())


def _encoded(text: str, encoding: str) -> bytes:
    """How the oldest pickles write bytes: as text."""
    return str(text).encode("latin1")


KNOWN: dict[str, Callable[..., Any]] = {
    "_reconstruct": lambda *of: _Array(),
    "_frombuffer": _numbers,
    "scalar": _scalar,
    "ndarray": _Array,
    "dtype": _Type,
    "encode": _encoded,
}
MODULES = ("numpy", "numpy.core.multiarray", "numpy._core.multiarray", "numpy._core.numeric", "_codecs")


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module in MODULES and name in KNOWN:
            return partial(KNOWN[name])  # a new one each time: a pickle may write to what it is given
        if (module, name) == ("collections", "OrderedDict"):
            return dict
        raise pickle.UnpicklingError(f"wants to call {module}.{name}")


def read_pickle(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays by name in a pickle of a dictionary of arrays and numbers; a ValueError says what else it holds."""
    try:
        with open(path, "rb") as file:
            content = _Reader(file).load()
        if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
            raise pickle.UnpicklingError("is no dictionary of arrays")
        return {name: _plain(value) for name, value in content.items()}
    except OSError:
        raise
    except Exception as error:  # a forged pickle fails in any way it likes
        raise ValueError(f"{path} is no pickle of plain arrays: {error}") from None


def _plain(value: Any) -> np.ndarray:
    if isinstance(value, _Array):
        return value.numbers
    if isinstance(value, int | float):
        return np.asarray(value)
    raise pickle.UnpicklingError(f"holds {type(value).__name__}, not numbers")
