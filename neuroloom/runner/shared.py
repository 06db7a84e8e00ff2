"""A task's data, packed once by a driver and mapped by the workers of a machine, which hold one copy together.

Packed data are a pickle and the buffers of the arrays in it, each a piece of bytes that can travel by itself. On a
machine they become one file, which a worker maps copy on write: an array can be written to exactly where the original
could, and a page that nobody writes to is shared by all that map it.

Only what a driver has packed for its own run is read: the file lies in a folder of this user's alone.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import pickle
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuroloom.runner.locks import hold, one_at_a_time
from neuroloom.tasks.task import Data, Task

Piece = NDArray[np.uint8]

_ALIGNED = 64  # bytes; where each buffer begins, as NumPy's kernels like it
_SMALL = 4096  # bytes; a smaller array stays in the pickle
_FILES_KEPT = 3
_PREFIX = "neuroloom-data-"


def pack(task: Task, data: Data) -> list[Piece]:
    """Return a task with its data as a pickle and the buffers it refers to, without copying these."""
    buffers: list[pickle.PickleBuffer] = []

    def stays(buffer: pickle.PickleBuffer) -> bool:
        if buffer.raw().nbytes < _SMALL:
            return True
        buffers.append(buffer)
        return False

    head = pickle.dumps((task, data), 5, buffer_callback=stays)
    pieces: list[bytes | memoryview] = [head, *(buffer.raw() for buffer in buffers)]
    return [np.frombuffer(piece, np.uint8) for piece in pieces]


def write(pieces: Sequence[Piece], path: Path) -> None:
    """Write packed data to a file, which is there whole or not at all."""
    sizes = np.array([len(pieces), *(piece.nbytes for piece in pieces)], dtype="<u8")
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        try:
            for piece in (sizes, *pieces):
                file.write(piece.data)
                file.write(bytes(-file.tell() % _ALIGNED))
        except OSError:
            os.unlink(file.name)
            raise
    os.replace(file.name, path)


def read(path: str) -> tuple[Task, Data]:
    """Map the data of a file that :func:`write` wrote.

    Raises:
        OSError: it is not there any more.
    """
    with open(path, "rb") as file:
        whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    np.frombuffer(whole, np.uint8)[
        :: mmap.PAGESIZE
    ].max()  # here rather than in the time and memory of a trial
    count = int(np.frombuffer(whole, "<u8", 1)[0])
    sizes = np.frombuffer(whole, "<u8", count + 1).astype(np.int64)
    sizes[0] = sizes.nbytes  # of the table of sizes itself
    starts = np.cumsum(sizes + -sizes % _ALIGNED)[:-1]
    head, *buffers = (
        memoryview(whole)[start : start + size] for start, size in zip(starts, sizes[1:], strict=True)
    )
    found: tuple[Task, Data] = pickle.loads(head, buffers=buffers)
    return found


class Shelf:
    """The files of one process of a run that gives a worker its data, the latest few.

    Files are shared with the other shelves of the run on this machine by hard links. What a process that was killed
    left is removed when the next shelf opens or closes.

    Args:
        run: what shelves of one run have in common, letters and digits.
    """

    def __init__(self, run: str) -> None:
        user = f"{_PREFIX}{os.getuid()}-"
        self._siblings = f"{user}{run}-*"
        self._kept: OrderedDict[str, None] = OrderedDict()
        with one_at_a_time("data"):
            _sweep(f"{user}*")
            self._folder = Path(tempfile.mkdtemp(prefix=f"{user}{run}-"))
            lock = hold(self._folder / "lock")
        assert lock is not None, "a new folder is locked by nobody"
        self._user, self._lock = user, lock

    def path(self, name: str, fetch: Callable[[], Sequence[Piece]]) -> str:
        """Return the path of the file of that name, fetched unless a shelf of the run has it; few are kept.

        Raises:
            OSError: there is no room for it.
        """
        own = self._folder / name
        if name not in self._kept:
            if not self._linked(own):
                write(fetch(), own)
            while len(self._kept) >= _FILES_KEPT:
                (self._folder / self._kept.popitem(last=False)[0]).unlink(missing_ok=True)
        self._kept[name] = None
        self._kept.move_to_end(name)
        return str(own)

    def _linked(self, own: Path) -> bool:
        for other in _ours(self._siblings):
            with contextlib.suppress(OSError):  # it has just gone
                os.link(other / own.name, own)
                return True
        return False

    def close(self) -> None:
        """Remove the files; workers that have mapped them keep what they have."""
        with one_at_a_time("data"):
            os.close(self._lock)
            _sweep(f"{self._user}*")


def _ours(pattern: str) -> list[Path]:
    """Return the folders of this user among the temporary ones."""
    found = Path(tempfile.gettempdir()).glob(pattern)
    return [path for path in found if not path.is_symlink() and path.stat().st_uid == os.getuid()]


def _sweep(pattern: str) -> None:
    """Remove what shelves left whose process was killed."""
    for folder in _ours(pattern):
        with contextlib.suppress(OSError):
            lock = hold(folder / "lock")
            if lock is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)
