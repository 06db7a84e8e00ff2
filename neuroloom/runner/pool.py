"""A pool of worker processes with hard limits, for trials that may do anything.

Every worker has a connection of its own and runs one *unit* (a trial, or a batch of them) at a time, so the driver
always knows what is in flight. It waits on all connections and process ends at once; over a time or memory limit it
kills the worker with all that the trial started (SIGKILL, so it needs no help from code in the worker), puts a new one
in its place and goes on.

Why our own: `concurrent.futures` and loky lose the whole pool with one worker. `pebble`, which isolates a worker and
has time limits, has no memory limits, lets no one see a worker's pid, so neither memory nor children of a trial can be
watched, and its workers outlive a driver that is killed. Here the kernel ends a worker with its driver
(``PR_SET_PDEATHSIG``), and the keeper (:mod:`neuroloom.runner.keeper`) ends what a trial had forked. The death signal
is tied to the *thread* that started the worker: use a pool from one thread.

Workers are started as ``python -c`` with the driver's ``sys.path``: about 0.15 s, no import of the user's ``__main__``,
no locks or threads inherited, the thread limits in the environment before anything numeric is imported, and
``PYTHONHASHSEED`` fixed so that sets of strings have one order in all of them. Linux and macOS.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import secrets
import selectors
import signal
import subprocess
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from neuroloom.core.errors import NotSupportedError
from neuroloom.runner.blackbox import FITTING, IDLE, PLACES, PREPARING, STARTING
from neuroloom.runner.launch import (
    SAMPLE_SECONDS,
    Unit,
    WorkerProcess,
    describe_exit,
    start_keeper,
    worker_environment,
)
from neuroloom.runner.processes import (
    family,
    private_mb,
    system_kills,
    table,
    usable_cores,
)
from neuroloom.runner.trial import Trial
from neuroloom.runner.workbench import DEFAULT
from neuroloom.runner.worker import Answer

PREPARE_SECONDS = (
    90.0  # what imports, reading data and compiling for the first time may take beside a trial's own time
)
FAMILY_SECONDS = 0.5  # how often that of their child processes
_ATTEMPTS = 3


@dataclass(frozen=True)
class Death:
    """How a unit ended that gave no answer: the status and reason of its row, peak memory, crash report."""

    status: str
    reason: str
    peak_memory_mb: float | None = None
    report: str = ""


@dataclass(frozen=True)
class Outcome:
    """The end of a unit: an answer or a death."""

    slot: int
    trials: tuple[Trial, ...]
    seconds: float
    answer: Answer | None = None
    death: Death | None = None


class Pool:
    """Worker processes under hard limits.

    Args:
        workers: how many, at least 1.
        threads: numeric threads of each; None divides the usable cores among them.
        workbench: ``"module:attribute"`` of the workbench they use.
        data_dir: the data folder, or None.
        keep_predictions: whether rows carry predictions.
        searches: folder in which searches for parameters are kept while they go on, or None.

    Raises:
        NotSupportedError: this system has no sessions and signals to hold processes by (Windows).
    """

    def __init__(
        self,
        workers: int,
        *,
        threads: int | None = None,
        workbench: str = DEFAULT,
        data_dir: str | None = None,
        keep_predictions: bool = False,
        searches: str | None = None,
    ) -> None:
        if os.name != "posix":
            raise NotSupportedError("worker processes need Linux or macOS; use the engine 'inline' here.")
        self.size = workers
        self.threads = threads or max(1, usable_cores() // workers)
        self._setup = {"workbench": workbench, "data_dir": data_dir, "keep_predictions": keep_predictions}
        if searches is not None:
            self._setup["searches"] = searches
        self._environment = worker_environment(self.threads)
        self._token = secrets.token_hex(8)
        self._started = 0
        self._failed_starts = 0
        self._workers: dict[int, WorkerProcess] = {}
        self._selector = selectors.DefaultSelector()
        self._ready: deque[Outcome] = deque()
        self._next_family = 0.0
        self._system_kills = system_kills()
        self._keeper: subprocess.Popen[bytes] | None = start_keeper(self._token)

    # -- what the driver calls ----------------------------------------------------------------------------------

    def start(self, count: int | None = None) -> None:
        """Start workers now rather than when they are first needed."""
        for slot in range(min(count or self.size, self.size)):
            self._worker(slot)

    def idle(self) -> list[int]:
        """Return the slots that can be given a unit."""
        return [s for s in range(self.size) if s not in self._workers or self._workers[s].unit is None]

    def busy(self) -> bool:
        """Whether a unit is in flight or an outcome waits to be fetched."""
        return bool(self._ready) or any(w.unit is not None for w in self._workers.values())

    def pid(self, slot: int) -> int | None:
        """Return the pid of the worker in a slot, if it has one."""
        worker = self._workers.get(slot)
        return None if worker is None else worker.pid

    def fresh(self, slot: int) -> bool:
        """Whether the next unit of this slot meets a new process."""
        return slot not in self._workers

    def submit(self, slot: int, trials: Sequence[Trial], data: Mapping[int, str] | None = None) -> None:
        """Give an idle slot a unit: one trial, or several to be fitted together under the limits of one.

        Args:
            slot: the worker's place.
            trials: those of the unit.
            data: files with the data of each seed (:mod:`neuroloom.runner.shared`); the others are loaded.
        """
        unit = Unit(tuple(trials), max(t.seconds for t in trials), max(t.memory_mb for t in trials))
        unit.data = data or {}
        self._worker(slot).send(unit)

    def wait(self) -> list[Outcome]:
        """Return the units that have ended, one at least; empty when none is in flight."""
        while True:
            found = list(self._ready)
            self._ready.clear()
            if found or not self.busy():
                return found
            timeout = self._time_to_next_look()
            for key, _ in self._selector.select(timeout):
                self._look_at(key.data, key.fileobj is key.data.connection)
            self._enforce(time.monotonic())

    def drop(self) -> None:
        """Kill the workers that have a unit in flight, and forget what they were doing."""
        for worker in list(self._workers.values()):
            if worker.unit is not None:
                self._destroy(worker)
        self._ready.clear()

    def close(self) -> None:
        """Kill all workers and what they started; units in flight are dropped."""
        for slot in list(self._workers):
            self._destroy(self._workers[slot])
        self._selector.close()
        if self._keeper is not None:
            self._keeper.kill()
            self._keeper.wait()
            if self._keeper.stdin is not None:
                self._keeper.stdin.close()
            self._keeper = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- workers ------------------------------------------------------------------------------------------------

    def _worker(self, slot: int) -> WorkerProcess:
        worker = self._workers.get(slot)
        if worker is not None and worker.process.poll() is None:
            return worker
        if worker is not None:  # it died while it had nothing to do
            self._destroy(worker)
        self._started += 1
        worker = WorkerProcess(slot, f"{self._token}-{self._started}-", self._setup, self._environment)
        self._workers[slot] = worker
        self._tell_keeper(f"+{worker.pid}\n")
        self._selector.register(worker.connection, selectors.EVENT_READ, worker)
        if worker.end is not None:
            self._selector.register(worker.end, selectors.EVENT_READ, worker)
        return worker

    def _destroy(self, worker: WorkerProcess) -> int:
        self._selector.unregister(worker.connection)
        if worker.end is not None:
            self._selector.unregister(worker.end)
        del self._workers[worker.slot]
        status = worker.destroy()
        self._tell_keeper(f"-{worker.pid}\n")
        return status

    def _tell_keeper(self, line: str) -> None:
        if self._keeper is not None and self._keeper.stdin is not None:
            with contextlib.suppress(OSError):  # it was killed: the kernel still ties workers to us
                os.write(self._keeper.stdin.fileno(), line.encode())

    # -- what happens to them -----------------------------------------------------------------------------------

    def _look_at(self, worker: WorkerProcess, readable: bool) -> None:
        """Take a worker's answer, or deal with its death; ``readable``: its connection has something to say."""
        if self._workers.get(worker.slot) is not worker:
            return  # dealt with at an earlier event
        try:
            answer = self._answer(worker) if readable or worker.connection.poll() else None
        except (
            Exception
        ) as error:  # a torn or foreign message: something in the trial wrote to our connection
            answer = None
            broken = f"the trial spoilt its process's answer ({type(error).__name__})"
        else:
            broken = "the trial closed its process's connection"
        unit = worker.unit
        if answer is None:
            self._bury(worker, broken)
        elif unit is None:
            self._destroy(worker)  # an answer to nothing
        else:
            worker.unit = None
            self._failed_starts = 0
            self._add_relatives(worker, unit, answer)
            if answer.retire:
                self._destroy(worker)
            self._ready.append(Outcome(worker.slot, unit.trials, time.monotonic() - unit.sent, answer=answer))

    @staticmethod
    def _answer(worker: WorkerProcess) -> Answer | None:
        """Return the answer that has come, or None where the connection has closed."""
        try:
            found: Answer = pickle.loads(worker.connection.recv_bytes())
        except (EOFError, ConnectionResetError):
            return None
        if not isinstance(found, Answer):
            raise TypeError(type(found).__name__)
        return found

    @staticmethod
    def _add_relatives(worker: WorkerProcess, unit: Unit, answer: Answer) -> None:
        for row in answer.rows or ():
            if row.peak_memory_mb is not None:
                row.peak_memory_mb += unit.relatives_peak_mb

    def _bury(self, worker: WorkerProcess, broken: str) -> None:
        """Deal with a worker that ended by itself: blame its trial, unless that had not begun."""
        unit = worker.unit
        phase, report = worker.box.read().phase, worker.box.text()
        status: int | None = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = worker.process.wait(
                timeout=0.2
            )  # the connection closes a moment before the process ends
        self._destroy(worker)
        how = broken if status is None else describe_exit(status)
        if phase == STARTING:
            self._failed_starts += 1
            if self._failed_starts >= _ATTEMPTS:
                raise RuntimeError(f"a worker process cannot start ({how}): {report[-2000:]}")
        if unit is None:
            return
        unit.attempts += 1
        if phase in (STARTING, IDLE) and unit.attempts < _ATTEMPTS:
            self._worker(worker.slot).send(unit)
            return
        death = Death("killed", f"{how} {PLACES[phase]}", unit.peak_mb, report)
        known, self._system_kills = self._system_kills, system_kills()
        if status == -signal.SIGKILL and self._system_kills > known:
            death = Death(
                "memory", f"the system ran out of memory and ended it {PLACES[phase]}", unit.peak_mb
            )
        self._ready.append(Outcome(worker.slot, unit.trials, time.monotonic() - unit.sent, death=death))

    # -- limits -------------------------------------------------------------------------------------------------

    def _time_to_next_look(self) -> float | None:
        now = time.monotonic()
        moments = [
            min(w.unit.deadline, w.unit.next_sample) for w in self._workers.values() if w.unit is not None
        ]
        return max(0.0, min(moments) - now) if moments else None

    def _enforce(self, now: float) -> None:
        """Kill what is over a limit."""
        due = [w for w in self._workers.values() if w.unit is not None and now >= w.unit.next_sample]
        if due and now >= self._next_family:
            self._next_family = now + FAMILY_SECONDS
            processes = table()
            for worker in due:
                relatives = family(worker.pid, processes)
                if worker.unit is not None:
                    held = sum(private_mb(p) for p in relatives)
                    worker.unit.relatives_mb = held
                    worker.unit.relatives_peak_mb = max(held, worker.unit.relatives_peak_mb)
        for worker in list(self._workers.values()):
            unit = worker.unit
            if unit is None:
                continue
            if worker.end is None and worker.process.poll() is not None:
                self._look_at(worker, False)
            elif now >= unit.deadline and self._overtime(worker, unit, now):
                allowed = unit.seconds + (0 if worker.box.read().phase >= FITTING else PREPARE_SECONDS)
                self._end(worker, unit, "timeout", f"over the time limit of {allowed:g} s")
            elif now >= unit.next_sample:
                unit.next_sample = now + SAMPLE_SECONDS
                if self._own_mb(worker, unit) > unit.memory_mb:
                    self._end(worker, unit, "memory", f"over the memory limit of {unit.memory_mb:g} MB")

    def _overtime(self, worker: WorkerProcess, unit: Unit, now: float) -> bool:
        """Whether the unit is over its time, which runs from the start of ``fit`` and leaves out imports."""
        notes = worker.box.read()
        if notes.phase >= FITTING and not notes.importing:
            unit.deadline = notes.began + unit.seconds + notes.imported_seconds
            return now >= unit.deadline
        unit.deadline = now + SAMPLE_SECONDS  # look again: its own time may begin any moment
        return now >= unit.sent + unit.seconds + PREPARE_SECONDS

    def _own_mb(self, worker: WorkerProcess, unit: Unit) -> float:
        """Return the memory that a unit's process and those it started hold beyond what was held before, in MB."""
        notes = worker.box.read()
        if notes.phase < PREPARING or notes.importing:
            return 0.0
        own = max(0.0, worker.resident.mb() - notes.base_mb - notes.imported_mb) + unit.relatives_mb
        if notes.phase >= FITTING:
            unit.peak_mb = max(own, unit.peak_mb or 0.0)
        return own

    def _end(self, worker: WorkerProcess, unit: Unit, status: str, reason: str) -> None:
        phase = worker.box.read().phase
        if self._workers.get(worker.slot) is not worker:
            return
        self._destroy(worker)
        death = Death(status, f"{reason}, {PLACES[phase]}", unit.peak_mb)
        self._ready.append(Outcome(worker.slot, unit.trials, time.monotonic() - unit.sent, death=death))
