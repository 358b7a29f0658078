"""One process at a time works in a folder: two trainings in one run would each overwrite what the other has learnt.

A claim is a lock on a small file in the folder. The system takes it back when its process ends, however that ends, so
a crash locks nobody out. Where a file system knows no locks, everybody is let in, as before.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path
from weakref import WeakValueDictionary

from facetracker.core.errors import FaceTrackerError

CLAIM = ".in-use"
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


class Claim:
    """A folder that this process works in, until `release`, or until nobody holds the claim any more."""

    def __init__(self, folder: Path, handle: int):
        self.folder, self._handle = folder, handle

    def release(self) -> None:
        """Let others in again; the second time nothing happens."""
        if self._handle < 0:
            return
        handle, self._handle = self._handle, -1
        _mine.pop(self.folder, None)
        # Taken away while it is still locked, or it could be the next one's; Windows cannot, so there it stays.
        with contextlib.suppress(OSError):
            (self.folder / CLAIM).unlink()
        os.close(handle)

    def __del__(self) -> None:
        self.release()


_mine: WeakValueDictionary[Path, Claim] = WeakValueDictionary()


def claim(folder: Path, doing: str) -> Claim:
    """Claim a folder, made where it is missing, for `doing` (`trains in it`); refused while another process has it.

    This process gets its own claim again: a notebook may start what it has interrupted.
    """
    folder = folder.resolve()
    if (mine := _mine.get(folder)) is not None:
        return mine
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / CLAIM
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(handle)
            if _is_still(path, handle):
                os.ftruncate(handle, 0)
                os.write(handle, str(os.getpid()).encode())
                claimed = Claim(folder, handle)
                _mine[folder] = claimed
                return claimed
        except BlockingIOError:
            who = _who(path)
            os.close(handle)
            fix = "Wait for it, stop it, or choose another --name."
            raise FaceTrackerError(f"another process{who} {doing}", path=folder, fix=fix) from None
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # whoever had it has let it go, and taken the file away, just now


def _lock(handle: int) -> None:
    """Lock an open file, or raise BlockingIOError."""
    try:
        if sys.platform == "win32":
            import msvcrt

            try:
                msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            except OSError:
                raise BlockingIOError from None
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if isinstance(error, BlockingIOError) or error.errno not in NO_LOCKS:
            raise


def _is_still(path: Path, handle: int) -> bool:
    """Whether the open file is the one that has the name."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))
    except FileNotFoundError:
        return False


def _who(path: Path) -> str:
    try:
        number = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
    return f" ({number})" if number.isdigit() else ""
