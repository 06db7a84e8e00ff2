"""A worker: a process of its own that runs one unit of work after another until its driver goes away.

Started by :mod:`neuroloom.runner.pool` as ``python -c``, never as a script inside the package, and given all it needs
to know as JSON on its command line. It leads a session of its own, asks the kernel to die with the driver, and to be
given the orphans of what its trials start, so that it can end them when their trial has ended.
"""

from __future__ import annotations

import ctypes
import faulthandler
import json
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from neuroloom.runner.blackbox import IDLE, BlackBox
from neuroloom.runner.execute import Executor
from neuroloom.runner.processes import end_descendants, has_children
from neuroloom.runner.row import Row
from neuroloom.runner.trial import Trial

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_LEAK_MB = 512.0  # a worker that has kept so much since its first trial is replaced


@dataclass
class Answer:
    """What a worker sends back for a unit.

    Args:
        rows: one for each trial, in order; None when a batch failed as a whole.
        error: why it failed, one line.
        cold_seconds: what preparing and importing took, which the next trial of the kind is spared.
        retire: whether the worker is to be replaced.
    """

    rows: list[Row] | None
    error: str
    cold_seconds: float
    retire: bool


def main(setup: str) -> None:
    """Run units that arrive on the connection until it closes.

    Args:
        setup: JSON of ``connection`` and ``box`` (descriptors), ``driver`` (its pid), ``workbench``, ``data_dir`` and
            ``keep_predictions``.
    """
    given: dict[str, Any] = json.loads(setup)
    _tie_to(int(given["driver"]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's to handle
    box = BlackBox(int(given["box"]))
    connection = Connection(int(given["connection"]))
    executor = Executor(
        given["workbench"],
        given["data_dir"],
        bool(given["keep_predictions"]),
        box,
        own_process=True,
        searches=given.get("searches"),
    )
    _silence()
    box.clear_text()
    faulthandler.enable(box.file, all_threads=False)
    _serve(connection, executor, box)


def _serve(connection: Connection, executor: Executor, box: BlackBox) -> None:
    me = os.getpid()
    first_mb: float | None = None
    box.enter(IDLE)
    while True:
        try:
            trials: list[Trial]
            trials, executor.shared = pickle.loads(connection.recv_bytes())
        except (EOFError, OSError):
            os._exit(0)  # the driver has gone
        answer = _answer(executor, trials)
        if os.getpid() != me:
            os._exit(0)  # a fork that the method made and let return
        left = end_descendants(_helpers()) if has_children() else 0
        if left and answer.rows:
            word = "process" if left == 1 else "processes"
            for row in answer.rows:
                row.reason = f"{row.reason}; left {left} {word} behind, ended now".lstrip("; ")
        held = executor.held_mb()
        first_mb = held if first_mb is None else first_mb
        answer.retire = left > 0 or held - first_mb > _LEAK_MB
        box.enter(IDLE)  # before the driver knows: were we to die now, no trial is to blame
        connection.send_bytes(pickle.dumps(answer, pickle.HIGHEST_PROTOCOL))


def _answer(executor: Executor, trials: Sequence[Trial]) -> Answer:
    if len(trials) == 1:
        rows: list[Row] | None = [executor.run_trial(trials[0])]
        return Answer(rows, "", executor.cold_seconds(), False)
    try:
        rows, error = executor.run_batch(trials), ""
    except BaseException as raised:
        rows, error = None, f"{type(raised).__name__}"
    return Answer(rows, error, executor.cold_seconds(), False)


def _tie_to(driver: int) -> None:
    """Die with the driver, and adopt the orphans of what trials start."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        tied = libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0
    else:
        tied = False
    if os.getppid() != driver:
        os._exit(0)  # it died before we could ask
    if not tied:
        threading.Thread(target=_watch, args=(driver,), daemon=True).start()


def _watch(driver: int) -> None:
    while os.getppid() == driver:
        time.sleep(0.5)
    os.killpg(0, signal.SIGKILL)


def _silence() -> None:
    """Send what trials print nowhere: it could fill memory or disk without end, and would spoil the display."""
    sys.stdout.flush()
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


def _helpers() -> list[int]:
    """Return the standard library's own helper processes, which stay; joblib's pool of workers is shut down."""
    pool = getattr(sys.modules.get("joblib.externals.loky.reusable_executor"), "_executor", None)
    if pool is not None:
        pool.shutdown(wait=True, kill_workers=True)
    found = []
    for name in ("multiprocessing.resource_tracker", "joblib.externals.loky.backend.resource_tracker"):
        tracker = getattr(sys.modules.get(name), "_resource_tracker", None)
        pid = getattr(tracker, "_pid", None)
        if isinstance(pid, int):
            found.append(pid)
    return found
