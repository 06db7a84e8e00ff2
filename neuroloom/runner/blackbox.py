"""What a worker notes as it goes, in memory that outlives it: where it is, since when, from how much memory.

The driver reads it to set a trial's deadline and memory limit and, after a crash, to say where it happened. It is a
nameless file that both map; behind the notes lie the worker's start-up errors and Python's own crash report.
"""

from __future__ import annotations

import mmap
import os
import struct
import tempfile
import time
from typing import NamedTuple

_NOTES = struct.Struct("<ddddBB")
_TEXT_AT = 64

STARTING, IDLE, PREPARING, FITTING, PREDICTING, SCORING = range(6)
PLACES = ("while starting", "before it began", "while preparing", "in fit", "in predict", "while scoring")


class Notes(NamedTuple):
    """Where a worker is.

    Args:
        began: ``time.monotonic`` when preparation, or later ``fit``, began.
        base_mb: resident memory then.
        imported_seconds: wall-clock seconds spent importing modules since.
        imported_mb: resident memory that these imports added.
        phase: ``STARTING`` … ``SCORING``.
        importing: 1 while modules are being imported.
    """

    began: float
    base_mb: float
    imported_seconds: float
    imported_mb: float
    phase: int
    importing: int


class BlackBox:
    """The notes of one worker, shared between it and the driver.

    Args:
        file: descriptor of the driver's box that the worker inherited; None makes a new one.
    """

    def __init__(self, file: int | None = None) -> None:
        if file is None:
            file = self._new()
        self.file = file
        self._map = mmap.mmap(file, mmap.PAGESIZE)
        self._began = self._base = self._seconds = self._mb = 0.0
        self._phase, self._importing = STARTING, 0

    @staticmethod
    def _new() -> int:
        if hasattr(os, "memfd_create"):
            file = os.memfd_create("neuroloom-worker", os.MFD_CLOEXEC)
        else:
            with tempfile.TemporaryFile() as temporary:
                file = os.dup(temporary.fileno())
        os.ftruncate(file, mmap.PAGESIZE)
        os.lseek(file, _TEXT_AT, os.SEEK_SET)  # what is written to it by descriptor goes behind the notes
        return file

    def enter(self, phase: int) -> None:
        """Note the phase that begins."""
        self._phase = phase
        self._write()

    def begin(self, phase: int, base_mb: float) -> None:
        """Note that a phase begins from which time and memory count, with so much memory held."""
        self._began, self._base, self._seconds, self._mb = time.monotonic(), base_mb, 0.0, 0.0
        self._phase, self._importing = phase, 0
        self._write()

    def imports(self, running: bool, seconds: float, mb: float) -> None:
        """Note whether an import runs, and what importing has taken since ``begin``."""
        self._importing, self._seconds, self._mb = int(running), seconds, mb
        self._write()

    def _write(self) -> None:
        _NOTES.pack_into(
            self._map, 0, self._began, self._base, self._seconds, self._mb, self._phase, self._importing
        )

    def read(self) -> Notes:
        """Return the latest notes."""
        return Notes(*_NOTES.unpack_from(self._map, 0))

    def clear_text(self) -> None:
        """Forget the text so far; what comes next is a crash report."""
        self._map[_TEXT_AT:] = bytes(mmap.PAGESIZE - _TEXT_AT)
        os.lseek(self.file, _TEXT_AT, os.SEEK_SET)

    def text(self) -> str:
        """Return start-up errors or the crash report, if any."""
        return os.pread(self.file, 1 << 16, _TEXT_AT).rstrip(b"\0").decode("utf-8", "replace").strip()

    def close(self) -> None:
        """Give the memory back."""
        self._map.close()
        os.close(self.file)
