"""Measuring a piece of a trial in its own process: wall-clock and CPU seconds, and peak memory."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import sys
import threading
import time
from types import TracebackType
from typing import Any, Self

from neuroloom.runner.imports import ImportMeter
from neuroloom.runner.processes import LINUX, Resident, descendants, has_children, table

CEILING_ROOM_MB = 1024
_LITTER = 400  # so many new objects are not worth collecting
BIG_MB = 64.0  # after a trial that took more, garbage is collected
_TRIM_EVERY = 0.02


def cpu_seconds() -> float:
    """Return CPU seconds of this process and its child processes so far, running ones included."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = time.process_time() + children.ru_utime + children.ru_stime
    if has_children():
        total += sum(p.cpu_seconds for p in descendants(os.getpid(), table()).values())
    return total


class Stopwatch:
    """Wall-clock and CPU seconds of a block, less what it spent on importing modules.

    Args:
        imports: the trial's import meter.
    """

    def __init__(self, imports: ImportMeter) -> None:
        self._imports = imports
        self.seconds = self.cpu = 0.0

    def __enter__(self) -> Self:
        self._before = self._imports.seconds, self._imports.cpu_seconds
        self._cpu = cpu_seconds()
        self._wall = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        wall = time.perf_counter() - self._wall
        cpu = cpu_seconds() - self._cpu
        self.seconds = max(0.0, wall - (self._imports.seconds - self._before[0]))
        self.cpu = max(0.0, cpu - (self._imports.cpu_seconds - self._before[1]))


class Memory:
    """Peak resident memory of this process since a moment.

    Linux keeps the peak itself and lets a process reset it, which ``ru_maxrss`` does not show; elsewhere a thread
    looks every 10 ms, as far as compiled code lets it run.
    """

    def __init__(self) -> None:
        self.resident = Resident(os.getpid())
        self.base_mb = self._earlier = self._paused_at = 0.0
        self._status = self._reset = -1
        if LINUX:
            try:
                self._reset = os.open("/proc/self/clear_refs", os.O_WRONLY | os.O_CLOEXEC)
                self._status = os.open("/proc/self/status", os.O_RDONLY | os.O_CLOEXEC)
            except OSError:  # a system without them
                self._status = -1
        self._sampler: _Sampler | None = None

    def begin(self) -> float:
        """Start anew; return the resident memory of now, in MB."""
        self.stop()
        self._earlier = 0.0
        self._restart()
        self.base_mb = self.resident.mb()
        return self.base_mb

    def pause(self) -> None:
        """Leave out what comes until ``resume``."""
        self._earlier = self.peak_mb()
        self._paused_at = self.resident.mb()

    def resume(self) -> None:
        """Go on; what is held now beyond what was at ``pause`` does not count."""
        self.base_mb += max(0.0, self.resident.mb() - self._paused_at)
        self._restart()

    def _restart(self) -> None:
        if self._status >= 0:
            os.write(self._reset, b"5")
        elif self._sampler is None:
            self._sampler = _Sampler(self.resident)
        else:
            self._sampler.highest = 0.0

    def peak_mb(self) -> float:
        """Return the highest resident memory since ``begin``, in MB above what was held then."""
        if self._status >= 0:
            text = os.pread(self._status, 4096, 0)
            at = text.index(b"VmHWM:") + 6
            highest = int(text[at : text.index(b"kB", at)]) / 1024
        else:
            highest = max(self._sampler.highest if self._sampler else 0.0, self.resident.mb())
        return max(0.0, self._earlier, highest - self.base_mb)

    def stop(self) -> None:
        """End the sampling thread, where there is one."""
        if self._sampler is not None:
            self._sampler.ended.set()
            self._sampler = None

    def close(self) -> None:
        """Stop and close the files behind it."""
        self.stop()
        self.resident.close()
        for file in (self._reset, self._status):
            if file >= 0:
                os.close(file)
        self._reset = self._status = -1


class _Sampler(threading.Thread):
    def __init__(self, resident: Resident) -> None:
        super().__init__(daemon=True)
        self.highest, self.ended, self._resident = 0.0, threading.Event(), resident
        self.start()

    def run(self) -> None:
        while not self.ended.wait(0.01):
            self.highest = max(self.highest, self._resident.mb())


class Housekeeping:
    """Keeps a worker's memory from telling one trial about another."""

    def __init__(self) -> None:
        self._modules = 0
        self._hard = resource.getrlimit(resource.RLIMIT_DATA)[1] if LINUX else 0
        self._cuda = os.path.exists("/dev/nvidiactl")
        self._trimmed = 0.0
        self._trim: Any = None
        if sys.platform == "linux":
            self._trim = getattr(ctypes.CDLL(None), "malloc_trim", None)

    def before(self) -> None:
        """Collect garbage, so that no trial pays for another's; what modules hold is set aside from then on."""
        gc.enable()
        young, middle, _ = gc.get_count()
        if middle or young > _LITTER or len(sys.modules) != self._modules:
            gc.collect()
        if len(sys.modules) != self._modules:
            gc.freeze()
            self._modules = len(sys.modules)

    def settle(self) -> None:
        """Give freed memory back to the system, so that a trial's peak is its own and not hidden in a reused heap.

        At most every ``_TRIM_EVERY`` seconds: trials of a millisecond neither need it nor should pay for it.
        """
        now = time.monotonic()
        if self._trim is not None and now - self._trimmed > _TRIM_EVERY:
            self._trim(0)
            self._trimmed = time.monotonic()

    def set_ceiling(self, resident: Resident, memory_mb: float) -> None:
        """Let allocations beyond a trial's limit fail, with room for what is only reserved.

        The driver ends a trial that goes over its limit; this stops one that would take all memory at one blow. Not
        where there is a CUDA device, whose driver reserves address space without measure.
        """
        if LINUX and not self._cuda:
            room = int(min(memory_mb, 2.0**30) * 1.25 + CEILING_ROOM_MB) * 2**20
            hard = self._hard
            wanted = resident.data_bytes() + room
            if hard == resource.RLIM_INFINITY or wanted < hard:
                resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))

    def lift_ceiling(self) -> None:
        """Allow allocations again as far as the system does."""
        if LINUX:
            resource.setrlimit(resource.RLIMIT_DATA, (self._hard, self._hard))

    def after(self, peak_mb: float) -> None:
        """Lift the ceiling, and collect what a big trial left."""
        self.lift_ceiling()
        if peak_mb > BIG_MB:
            gc.collect()
