"""Starting a worker and the keeper, and the driver's end of everything between them."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Pipe
from typing import Any

from neuroloom.runner.blackbox import BlackBox
from neuroloom.runner.processes import MARK, Resident, kill_family
from neuroloom.runner.trial import Trial

SAMPLE_SECONDS = 0.1  # how often memory is looked at, of trials that have run this long
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "LOKY_MAX_CPU_COUNT",
)
_BOOT = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from neuroloom.runner.{0} import main; "


@dataclass
class Unit:
    """What a worker is doing, as the driver knows it.

    Args:
        trials: the trials.
        seconds: its limit on wall-clock time.
        memory_mb: its limit on memory.
        attempts: how many workers have died before they had begun with it.
        sent: when it was given to the worker, as the other moments on the monotonic clock.
        deadline: when to look at its time.
        next_sample: when to look at its memory.
        peak_mb: highest memory seen.
        relatives_mb: what the processes it has started hold now.
        relatives_peak_mb: the most they have held.
        data: the files with the data of each seed, where workers share them.
    """

    trials: tuple[Trial, ...]
    seconds: float
    memory_mb: float
    attempts: int = 0
    sent: float = 0.0
    deadline: float = 0.0
    next_sample: float = 0.0
    peak_mb: float | None = None
    relatives_mb: float = 0.0
    relatives_peak_mb: float = 0.0
    data: Mapping[int, str] = field(default_factory=dict)


class WorkerProcess:
    """One worker process and the driver's end of everything between them.

    Args:
        slot: its place in the pool.
        token: what it and all that it starts are marked with.
        setup: what :func:`neuroloom.runner.worker.main` is told.
        environment: environment variables.
    """

    def __init__(self, slot: int, token: str, setup: dict[str, Any], environment: dict[str, str]) -> None:
        self.slot = slot
        self.token = token
        self.unit: Unit | None = None
        self.box = BlackBox()
        self.connection, theirs = Pipe(duplex=True)
        given = {**setup, "connection": theirs.fileno(), "box": self.box.file, "driver": os.getpid()}
        try:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    *_flags(),
                    "-c",
                    _BOOT.format("worker") + "main(sys.argv[2])",
                    _path(),
                    json.dumps(given),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self.box.file,
                pass_fds=(theirs.fileno(), self.box.file),
                env={**environment, MARK: token},
                start_new_session=True,
            )
        finally:
            theirs.close()
        self.pid = self.process.pid
        self.resident = Resident(self.pid)
        self.end: int | None = None
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):  # an old kernel: then the connection's end has to do
                self.end = os.pidfd_open(self.pid)

    def send(self, unit: Unit) -> None:
        """Give the worker a unit."""
        now = time.monotonic()
        unit.sent = now
        unit.deadline = now + unit.seconds
        unit.next_sample = now + SAMPLE_SECONDS
        self.unit = unit
        gone = BrokenPipeError, ConnectionResetError  # its end will be noticed in a moment
        with contextlib.suppress(*gone):
            self.connection.send_bytes(pickle.dumps((list(unit.trials), unit.data), pickle.HIGHEST_PROTOCOL))

    def destroy(self) -> int:
        """Kill the worker and all that it started; return its exit status (negative: a signal's number)."""
        early = self.process.poll()
        kill_family(self.pid, self.token)
        try:
            status = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:  # held up inside the kernel; it dies when it comes out
            status = -int(signal.SIGKILL)
        self.connection.close()
        self.resident.close()
        if self.end is not None:
            os.close(self.end)
        self.box.close()
        return status if early is None else early


def describe_exit(status: int) -> str:
    """Return how a process ended, in words."""
    if status >= 0:
        return f"the process ended itself with exit code {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"killed by {name}"


def worker_environment(threads: int) -> dict[str, str]:
    """Return the workers' environment: thread limits, never above those the user has set, and one hash seed."""
    environment = dict(os.environ)
    for name in _THREADS:
        own = environment.get(name, "")
        environment[name] = str(min(threads, int(own)) if own.isdigit() and int(own) > 0 else threads)
    environment["PYTHONHASHSEED"] = "0"
    return environment


def _flags() -> list[str]:
    return ["-P", *(["-B"] if sys.dont_write_bytecode else [])]


def _path() -> str:
    """Return the driver's module search path as JSON; the current folder by its name, for a trial may leave it."""
    return json.dumps([folder or os.getcwd() for folder in sys.path])


def start_keeper(token: str) -> subprocess.Popen[bytes]:
    """Start the keeper of the workers whose mark begins with ``token``."""
    code = _BOOT.format("keeper") + "main(sys.argv[2], int(sys.argv[3]))"
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", code, _path(), token, str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        start_new_session=True,
    )
