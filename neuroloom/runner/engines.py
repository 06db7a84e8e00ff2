"""Engines: who runs the trials. The same rows come from each of them, save seconds and memory.

An engine is a context manager and gives events::

    with open_engine("processes", workers=2) as engine:
        for event in engine.run(trials):
            if isinstance(event, Finished):
                store.add(event.rows)

**Commit in the loop's body.** The engine hands a worker its next unit only when the loop comes back for the next event,
so a row is safe before more work begins, and at most one unit a worker is in flight when the driver dies. Leaving the
loop (``break``, an exception, Ctrl-C) and closing the engine kills what is in flight. ``run`` may be called again and
finds the workers warm.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from neuroloom.core.checks import check_int
from neuroloom.core.errors import InputError, unknown
from neuroloom.runner.execute import Executor
from neuroloom.runner.outcome import row_of
from neuroloom.runner.pool import Death, Outcome, Pool
from neuroloom.runner.processes import usable_cores
from neuroloom.runner.row import Row
from neuroloom.runner.schedule import Loaded, Schedule
from neuroloom.runner.trial import Trial
from neuroloom.runner.workbench import DEFAULT

if TYPE_CHECKING:
    from neuroloom.runner.store import Store


@dataclass(frozen=True)
class Started:
    """A worker has begun with a unit: one trial, or several fitted together."""

    worker: int
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class Finished:
    """Trials that have ended, of one worker or several, to be committed together."""

    rows: tuple[Row, ...]


Event = Started | Finished


class Engine(ABC):
    """What runs trials.

    Attributes:
        name: what users write after ``--engine``.
        workers: how many trials run at once.
        threads: numeric threads of each.
        commits: whether the rows that it yields are in the store already.
    """

    name: str
    workers: int
    threads: int
    commits: bool = False

    @abstractmethod
    def run(self, trials: Iterable[Trial]) -> Iterator[Event]:
        """Run trials and yield what happens; each trial ends in exactly one row."""

    @abstractmethod
    def close(self) -> None:
        """End everything that is still going on."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class InlineEngine(Engine):
    """Runs trials in this process, one at a time: for debugging, profiling and where no process may be started.

    Its limits are soft. A trial over its time is stopped between two Python instructions, in the main thread only, so
    compiled code that never returns is not; memory is not limited, though a ``MemoryError`` becomes a row; a crash of
    the interpreter ends the run, and what a trial forks stays.

    Args:
        data_dir: the data folder, or None.
        keep_predictions: whether rows carry predictions.
        workbench: ``"module:attribute"`` of the workbench.
        searches: folder in which searches for parameters are kept while they go on, or None.
    """

    name = "inline"
    workers = 1

    def __init__(
        self,
        *,
        data_dir: str | None = None,
        keep_predictions: bool = False,
        workbench: str = DEFAULT,
        searches: str | None = None,
    ) -> None:
        self.threads = usable_cores()
        self._executor = Executor(workbench, data_dir, keep_predictions, searches=searches)
        self._loaded = Loaded()

    def run(self, trials: Iterable[Trial]) -> Iterator[Event]:
        """Run trials one after the other."""
        todo, skipped = divide(trials)
        if skipped:
            yield Finished(skipped)
        schedule = Schedule(todo, 1)
        while unit := schedule.next(self._loaded):
            yield Started(0, unit)
            began = time.monotonic()
            rows = self._rows(unit)
            if rows is None:
                schedule.again(unit)
            else:
                seconds = time.monotonic() - began
                schedule.ended(unit, seconds, self._executor.cold_seconds(), self._loaded)
                yield Finished(tuple(rows))

    def _rows(self, unit: Sequence[Trial]) -> list[Row] | None:
        seconds = max(trial.seconds for trial in unit)
        try:
            with _alarm(seconds) as went_off:
                if len(unit) > 1:
                    return self._executor.run_batch(unit)
                row = self._executor.run_trial(unit[0])
        except _OverTimeError:  # it rang outside the method's own code
            if len(unit) > 1:
                return None
            return [row_of(unit[0], "timeout", _over(seconds))]
        except Exception:
            return None  # a batch: one by one then
        if went_off() and row.status == "failed":
            row.status, row.reason = "timeout", _over(seconds)
        return [row]

    def close(self) -> None:
        """Close the files of the memory meter."""
        self._executor.close()


class _OverTimeError(BaseException):
    """Raised in a trial that is over its time; no ``except Exception`` of a method's stops it."""


def _over(seconds: float) -> str:
    return f"over the time limit of {seconds:g} s"


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[Callable[[], bool]]:
    """Raise in this thread when ``seconds`` are over; yields whether that has happened."""
    rung: list[bool] = []

    def ring(number: int, frame: FrameType | None) -> None:
        rung.append(True)
        raise _OverTimeError(_over(seconds))

    main = threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")
    if not main:
        yield lambda: False
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield lambda: bool(rung)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class ProcessEngine(Engine):
    """Runs trials in worker processes under hard limits; the default.

    Args:
        workers: how many; None takes one for each usable core.
        threads: numeric threads of each; None divides the cores.
        data_dir: the data folder, or None.
        keep_predictions: whether rows carry predictions.
        workbench: ``"module:attribute"`` of the workbench.
        searches: folder in which searches for parameters are kept while they go on, or None.
    """

    name = "processes"

    def __init__(
        self,
        workers: int | None = None,
        *,
        threads: int | None = None,
        data_dir: str | None = None,
        keep_predictions: bool = False,
        workbench: str = DEFAULT,
        searches: str | None = None,
    ) -> None:
        self.workers = usable_cores() if workers is None else check_int("workers", workers)
        if threads is not None:
            check_int("threads", threads)
        self._pool = Pool(
            self.workers,
            threads=threads,
            workbench=workbench,
            data_dir=data_dir,
            keep_predictions=keep_predictions,
            searches=searches,
        )
        self.threads = self._pool.threads
        self._loaded = [Loaded() for _ in range(self.workers)]

    def start(self) -> None:
        """Start the workers now, while the driver still has other things to do."""
        self._pool.start()

    def run(self, trials: Iterable[Trial], more: Callable[[], list[Trial]] | None = None) -> Iterator[Event]:
        """Run trials in the workers; rows come as trials end.

        Args:
            trials: those to run.
            more: asked for further ones when none is left to give a worker; None where there are no further ones.
        """
        todo, skipped = divide(trials)
        if skipped:
            yield Finished(skipped)
        self._pool.drop()  # what an earlier run left in flight
        if todo:
            self._pool.start(len(todo))
        try:
            yield from self._events(Schedule(todo, self.workers), more)
        finally:
            self._pool.drop()

    def _events(self, schedule: Schedule, more: Callable[[], list[Trial]] | None) -> Iterator[Event]:
        while True:
            for slot in self._pool.idle():
                if more is not None and not len(schedule):
                    schedule.add(more())
                if self._pool.fresh(slot):
                    self._loaded[slot] = Loaded()
                unit = schedule.next(self._loaded[slot])
                if not unit:
                    break
                self._pool.submit(slot, unit)
                yield Started(slot, unit)
            outcomes = self._pool.wait()
            if not outcomes and not len(schedule):
                return
            rows = tuple(row for o in outcomes for row in rows_of(o, schedule, self._loaded[o.slot]))
            if rows:
                yield Finished(rows)

    def close(self) -> None:
        """Kill the workers and what is in flight."""
        self._pool.close()


def rows_of(outcome: Outcome, schedule: Schedule, loaded: Loaded) -> list[Row]:
    """Return the rows of a unit that has ended; a batch that failed goes back into the schedule."""
    unit, answer = outcome.trials, outcome.answer
    if answer is not None and answer.rows is not None:
        schedule.ended(unit, outcome.seconds, answer.cold_seconds, loaded)
        return answer.rows
    if len(unit) > 1:
        schedule.again(unit)
        return []
    schedule.lost(unit)
    return [dead(unit[0], outcome.death)] if outcome.death is not None else []


def dead(trial: Trial, death: Death) -> Row:
    """Return the row of a trial that gave no answer."""
    row = row_of(trial, death.status, death.reason)
    row.peak_memory_mb = death.peak_memory_mb
    row.traceback = death.report
    row.started = time.time()
    return row


def divide(trials: Iterable[Trial]) -> tuple[list[Trial], tuple[Row, ...]]:
    """Return the trials to run, and the rows of those that are skipped."""
    todo, skipped = [], []
    for trial in trials:
        if trial.skip is None:
            todo.append(trial)
        else:
            row = row_of(trial, "skipped", trial.skip)
            row.started = time.time()
            skipped.append(row)
    return todo, tuple(skipped)


ENGINES = ("inline", "processes", "ray", "workers")


def open_engine(
    name: str = "processes",
    *,
    workers: int | None = None,
    threads: int | None = None,
    data_dir: str | None = None,
    keep_predictions: bool = False,
    workbench: str = DEFAULT,
    address: str | None = None,
    store: Store | None = None,
    searches: str | None = None,
) -> Engine:
    """Return the engine called ``name``.

    ``address`` is that of a Ray cluster, ``store`` where workers find trials, ``searches`` where the engines of this
    machine keep searches that go on.

    Raises:
        InputError: there is none of that name, a number is out of range, or Ray cannot be reached.
    """
    if name not in ENGINES:
        raise unknown("engine", name, ENGINES)
    common: dict[str, Any] = {
        "data_dir": data_dir,
        "keep_predictions": keep_predictions,
        "workbench": workbench,
    }
    if address is not None and name != "ray":
        raise InputError(f"an address is for engine ray, but the engine is {name}; pass --engine ray.")
    if name == "workers":
        from neuroloom.runner.remote import WorkersEngine

        if store is None:
            raise InputError("engine workers needs a --store postgresql://… that its workers can reach, too.")
        return WorkersEngine(store, keep_predictions)
    if name == "inline":
        return InlineEngine(**common, searches=searches)
    if name == "ray":
        from neuroloom.runner.ray_engine import RayEngine

        return RayEngine(workers, threads=threads, address=address, **common)
    return ProcessEngine(workers, threads=threads, **common, searches=searches)
