"""What importing modules costs a trial, so that it can be left out of the trial's own figures.

Modules are imported where they are used, so a worker's first trial of a kind would carry seconds of importing torch in
its ``fit_seconds`` and hundreds of megabytes in its peak memory, and the same trial a moment later would not. Imports
that run within a trial are therefore timed and weighed apart. ``importlib._bootstrap._find_and_load`` runs for modules
that are not loaded yet and for no others, so watching it costs nothing once they are; where Python lacks it nothing is
watched and imports count as the trial's own.
"""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

_bootstrap: Any = getattr(importlib, "_bootstrap", None)


class ImportMeter:
    """Watches the imports of the thread that entered it, as a context manager.

    Args:
        memory_mb: returns the resident memory of this process in MB.
        changed: called as each outermost import begins and ends.

    Attributes:
        seconds: wall-clock seconds spent importing so far.
        cpu_seconds: CPU seconds.
        mb: resident memory that importing added.
        active: whether an import runs now.
    """

    def __init__(self, memory_mb: Callable[[], float], changed: Callable[[ImportMeter], None]) -> None:
        self.seconds = self.cpu_seconds = self.mb = 0.0
        self.active = False
        self._memory_mb = memory_mb
        self._changed = changed
        self._thread = threading.get_ident()
        self._original: Callable[..., Any] | None = getattr(_bootstrap, "_find_and_load", None)

    def __enter__(self) -> Self:
        if self._original is not None:
            _bootstrap._find_and_load = self._watched
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._original is not None:
            _bootstrap._find_and_load = self._original

    def _watched(self, name: str, import_: Any) -> Any:
        find_and_load = self._original
        if find_and_load is None:  # pragma: no cover - never installed then
            raise ImportError(name)
        if self.active or threading.get_ident() != self._thread:
            return find_and_load(name, import_)
        self.active = True
        self._changed(self)
        wall, cpu, memory = time.perf_counter(), time.process_time(), self._memory_mb()
        try:
            return find_and_load(name, import_)
        finally:
            self.seconds += time.perf_counter() - wall
            self.cpu_seconds += time.process_time() - cpu
            self.mb += max(0.0, self._memory_mb() - memory)
            self.active = False
            self._changed(self)
