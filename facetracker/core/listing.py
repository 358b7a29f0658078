"""Lists as long as a folder, kept in a temporary file instead of in memory.

A million photos are a million names, and each costs a hundred bytes and more as a Python object. Here they lie in a
SQLite database that has no name, so that the system removes it however the process ends; of it no more than `CACHE`
is held. On Linux it lies in /var/tmp or /tmp; SQLITE_TMPDIR names another place.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any

from facetracker.core.errors import FaceTrackerError

CACHE = 256  # KiB of each list that are held in memory
# Python's own order of strings is that of their code points, and UTF-8 keeps it. Names that are no Unicode (Linux
# allows any bytes) are surrogates in Python, which plain UTF-8 refuses.
ENCODING = ("utf-8", "surrogatepass")


class Names:
    """Names without an order given; iterated in that of sorted strings, each once. Complete when it is made.

    >>> with Names(["b.jpg", "a.png", "a.jpg"]) as names:
    ...     list(names), list(names.beginning_with("a.")), "c.jpg" in names
    (['a.jpg', 'a.png', 'b.jpg'], ['a.jpg', 'a.png'], False)
    """

    def __init__(self, names: Iterable[str] = ()):
        self._file = _TemporaryFile()
        # Sorted when all are there: a sort through files is quick, inserting into the middle of one is not.
        self._file.do("CREATE TABLE names (name BLOB)")
        self._file.do_all("INSERT INTO names VALUES (?)", ((name.encode(*ENCODING),) for name in names))
        self._file.do("CREATE INDEX ordered ON names (name)")

    def __iter__(self) -> Iterator[str]:
        return self._read("SELECT DISTINCT name FROM names ORDER BY name")

    def __contains__(self, name: str) -> bool:
        return (
            next(self._read("SELECT name FROM names WHERE name = ? LIMIT 1", name.encode(*ENCODING)), None) is not None
        )

    def beginning_with(self, start: str) -> Iterator[str]:
        """The names that begin so, in order; `start` ends with an ASCII character."""
        low = start.encode(*ENCODING)
        high = low[:-1] + bytes([low[-1] + 1])
        return self._read("SELECT DISTINCT name FROM names WHERE name >= ? AND name < ? ORDER BY name", low, high)

    def _read(self, query: str, *values: bytes) -> Iterator[str]:
        return (name.decode(*ENCODING) for (name,) in self._file.read(query, values))

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Names:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Rows:
    """A list of tuples of text and whole numbers, all of one length; rows are added at its end and read by number."""

    def __init__(self, columns: int):
        self._file = _TemporaryFile()
        self._file.do(f"CREATE TABLE rows ({', '.join(f'c{number}' for number in range(columns))})")
        self._insert = f"INSERT INTO rows VALUES ({', '.join('?' * columns)})"
        self._count = 0

    def append(self, *row: str | int) -> None:
        values = [value.encode(*ENCODING) if isinstance(value, str) else value for value in row]
        self._file.do(self._insert, values)
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> tuple[Any, ...]:
        if not 0 <= number < self._count:
            raise IndexError(number)
        (row,) = self._file.read("SELECT * FROM rows WHERE rowid = ?", (number + 1,))
        return tuple(value.decode(*ENCODING) if isinstance(value, bytes) else value for value in row)

    def close(self) -> None:
        self._file.close()


class _TemporaryFile:
    """The database behind a list: written by this process alone, never kept, so nothing is spent on its safety."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        for setting in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{CACHE}", "temp_store = FILE"):
            self._database.execute(f"PRAGMA {setting}")
        self._database.execute("BEGIN")

    def do(self, command: str, values: Sequence[Any] = ()) -> None:
        try:
            self._database.execute(command, values)
        except sqlite3.OperationalError as error:
            raise _no_room(error) from None

    def do_all(self, command: str, rows: Iterable[Sequence[Any]]) -> None:
        try:
            self._database.executemany(command, rows)
        except sqlite3.OperationalError as error:
            raise _no_room(error) from None

    def read(self, query: str, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        try:
            with closing(self._database.execute(query, values)) as rows:
                yield from rows
        except sqlite3.OperationalError as error:
            raise _no_room(error) from None

    def close(self) -> None:
        self._database.close()


def _no_room(error: Exception) -> FaceTrackerError:
    """What can go wrong with such a file: there is no room for it."""
    return FaceTrackerError(
        f"the list of photos does not fit into the folder for temporary files ({error})",
        fix="Make room there, or name another folder in SQLITE_TMPDIR.",
    )
