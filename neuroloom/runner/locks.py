"""One driver a run: a lock that the system lets go of when its holder ends, however it ends."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from neuroloom.core.errors import InputError


class FileLock:
    """A lock file beside a SQLite store. (Locking the store's own file would undo SQLite's locks.)

    Args:
        path: the lock file; it stays when the lock is gone, which does no harm.

    Raises:
        InputError: another process holds it; the message gives its pid.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if not _lock(self._file):
            holder = os.pread(self._file, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise InputError(
                f"{path.parent} is in use by another neuroloom (process {holder}); wait until it ends, stop it, or "
                "give this run another folder with --out."
            )
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def hold(path: Path) -> int | None:
    """Return the descriptor of a lock file, held until it is closed; None where another process holds it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if _lock(file):
        return file
    os.close(file)
    return None


@contextlib.contextmanager
def one_at_a_time(what: str) -> Iterator[None]:
    """Let one process of this user at a time into the block; where the system has no such lock, all.

    Args:
        what: a word that names the block.
    """
    try:
        import fcntl

        user = os.getuid()
        path = Path(tempfile.gettempdir()) / f"neuroloom-{what}-{user}.lock"
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except (ImportError, OSError):
        yield
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _lock(file: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
