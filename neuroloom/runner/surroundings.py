"""What trials in one process share and must not change for each other: seeds, threads, environment, warnings."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from neuroloom.runner.imports import ImportMeter

_QUIET = (DeprecationWarning, PendingDeprecationWarning, FutureWarning, ImportWarning, ResourceWarning)
_SIGNALS = [getattr(signal, name) for name in ("SIGALRM", "SIGTERM") if hasattr(signal, name)]
_FILTERS = [("ignore", None, category, None, 0) for category in _QUIET[1:]] + [
    ("default", None, Warning, None, 0)
]


class Surroundings:
    """The state as it is before a trial; a worker, which is never changed, takes it down once.

    Args:
        keep_random: whether the global generators' own states are put back too: in a user's process, not in a worker.
    """

    def __init__(self, keep_random: bool) -> None:
        self._seed = 0
        self._environment = _environment().copy()
        self._folder = os.getcwd()
        self._path = list(sys.path)
        self._streams = sys.stdout, sys.stderr, sys.stdin
        self._limit = sys.getrecursionlimit()
        self._numpy = np.geterr()
        self._handlers = self._signal_handlers()
        self._random: tuple[Any, Any] | None = None
        self._torch: dict[str, Any] | None = None
        self._numba: int | None = None
        self._libraries: list[tuple[Any, int]] = []  # BLAS and OpenMP, and the threads of each
        self._modules = 0
        said = os.environ.get("OMP_NUM_THREADS", "")
        self._threads = int(said) if said.isdigit() and not keep_random else None
        self._sklearn: dict[str, Any] | None = None
        if keep_random:
            self._random = random.getstate(), np.random.get_state()  # noqa: NPY002
        self._keep_random = keep_random

    def begin(self, seed: int) -> None:
        """Set the global generators of Python, NumPy and torch, for methods that draw from them."""
        self._seed = seed % 2**32
        random.seed(self._seed)
        np.random.seed(self._seed)  # noqa: NPY002 - the very generator that careless methods draw from
        if self._torch is not None:
            sys.modules["torch"].manual_seed(self._seed)
        self.meet_modules()

    def meet_modules(self) -> None:
        """Seed and note the state of modules that have been imported by now and were not before."""
        torch = sys.modules.get("torch")
        if self._torch is None and torch is not None and hasattr(torch, "manual_seed"):
            self._torch = {
                "threads": torch.get_num_threads(),
                "dtype": torch.get_default_dtype(),
                "grad": torch.is_grad_enabled(),
                "deterministic": torch.are_deterministic_algorithms_enabled(),
                "state": torch.get_rng_state() if self._keep_random else None,
            }
            torch.manual_seed(self._seed)
        numba = sys.modules.get("numba")
        if self._numba is None and hasattr(numba, "get_num_threads"):
            self._numba = _numba_threads(numba)
        if self._keep_random:
            self._meet_libraries()
        sklearn = sys.modules.get("sklearn")
        if self._sklearn is None and sklearn is not None and hasattr(sklearn, "get_config"):
            self._sklearn = sklearn.get_config()

    def restore(self) -> None:
        """Put everything back."""
        self._restore_process()
        np.seterr(**self._numpy)
        if self._random is not None:
            random.setstate(self._random[0])
            np.random.set_state(self._random[1])  # noqa: NPY002
        if self._torch is not None:
            self._restore_torch(sys.modules["torch"], self._torch)
        if self._numba is not None:
            self._restore_numba(sys.modules["numba"], self._numba)
        self._restore_libraries()
        if self._sklearn is not None and sys.modules["sklearn"].get_config() != self._sklearn:
            sys.modules["sklearn"].set_config(**self._sklearn)

    def _restore_process(self) -> None:
        if _environment() != self._environment:
            kept = {os.fsdecode(name): os.fsdecode(value) for name, value in self._environment.items()}
            os.environ.clear()
            os.environ.update(kept)
        with contextlib.suppress(OSError):  # the folder may be gone
            os.chdir(self._folder)
        if sys.path != self._path:
            sys.path[:] = self._path
        sys.stdout, sys.stderr, sys.stdin = self._streams
        sys.setrecursionlimit(self._limit)
        if threading.current_thread() is threading.main_thread():
            for number, handler in self._handlers.items():
                if signal.getsignal(number) is not handler and handler is not None:
                    signal.signal(number, handler)

    @staticmethod
    def _restore_torch(torch: Any, kept: dict[str, Any]) -> None:
        if torch.get_num_threads() != kept["threads"]:
            torch.set_num_threads(kept["threads"])
        if torch.get_default_dtype() != kept["dtype"]:
            torch.set_default_dtype(kept["dtype"])
        if torch.is_grad_enabled() != kept["grad"]:
            torch.set_grad_enabled(kept["grad"])
        if torch.are_deterministic_algorithms_enabled() != kept["deterministic"]:
            torch.use_deterministic_algorithms(kept["deterministic"])
        if kept["state"] is not None:
            torch.set_rng_state(kept["state"])

    def _meet_libraries(self) -> None:
        """Note the threads of BLAS and OpenMP libraries that have been loaded by now and were not before."""
        control: Any = sys.modules.get("threadpoolctl")
        if not hasattr(control, "ThreadpoolController") or len(sys.modules) == self._modules:
            return  # nothing else changes their number, and looking for them takes some milliseconds
        self._modules = len(sys.modules)
        known = {library.filepath for library, _ in self._libraries}
        for library in control.ThreadpoolController().lib_controllers:
            threads = self._threads or library.num_threads
            if library.filepath not in known and threads is not None:
                self._libraries.append((library, threads))

    def _restore_libraries(self) -> None:
        self._meet_libraries()
        for library, threads in self._libraries:
            if library.num_threads != threads:
                library.set_num_threads(threads)

    @staticmethod
    def _restore_numba(numba: Any, kept: int) -> None:
        if _numba_threads(numba) != kept:
            numba.set_num_threads(kept)

    @staticmethod
    def _signal_handlers() -> dict[int, Any]:
        return {number: signal.getsignal(number) for number in _SIGNALS}


def _numba_threads(numba: Any) -> int:
    """Return the threads that numba uses, without starting them where that has not been done."""
    parallel = sys.modules.get("numba.np.ufunc.parallel")
    started = getattr(parallel, "_is_initialized", False)
    return int(numba.get_num_threads() if started else numba.config.NUMBA_NUM_THREADS)


def _environment() -> dict[Any, Any]:
    """Return the dict behind ``os.environ``: copying that takes 1 µs instead of 30."""
    found: dict[Any, Any] | None = getattr(os.environ, "_data", None)
    return dict(os.environ) if found is None else found


@contextlib.contextmanager
def isolated(
    surroundings: Surroundings,
    seed: int,
    memory_mb: Callable[[], float],
    importing: Callable[[ImportMeter], None],
) -> Iterator[tuple[ImportMeter, list[str]]]:
    """Run a trial in surroundings of its own; afterwards everything is as it was.

    Args:
        surroundings: as they were.
        seed: for the global random generators.
        memory_mb: returns the resident memory of this process in MB.
        importing: called as each import within begins and ends.

    Yields:
        the meter of its imports, and a list that gathers its warnings, one line each. Only warnings of a category that
        a library defined for the purpose (as scikit-learn's ``ConvergenceWarning``) are gathered: plain ones often
        come once a process only, and rows must not depend on what ran before.
    """
    surroundings.begin(seed)
    noted: list[str] = []

    def changed(meter: ImportMeter) -> None:
        if not meter.active:
            surroundings.meet_modules()
        importing(meter)

    meter = ImportMeter(memory_mb, changed)

    def note(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        known = category.__module__.partition(".")[0] not in ("builtins", "numba")
        if known and not meter.active and len(noted) < 3:
            text = f"{category.__name__}: {str(message).strip().partition(chr(10))[0][:160]}"
            if text not in noted:
                noted.append(text)

    try:
        with warnings.catch_warnings(), meter:
            warnings.filters[:] = _FILTERS  # type: ignore[index]
            warnings.simplefilter(
                "ignore", _QUIET[0]
            )  # which also makes every module forget what it has warned of
            warnings.showwarning = note
            yield meter, noted
    finally:
        surroundings.restore()
