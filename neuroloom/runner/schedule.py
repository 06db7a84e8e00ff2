"""Which trial a worker is given next: as planned, but near what it has loaded already, and in batches where it pays."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from neuroloom.runner.trial import Trial

WINDOW = 32  # how far ahead of the plan a worker may reach
BATCH_SECONDS = 10.0  # what a batch may take: at most so much is done again after a crash
MAX_BATCH = 256
_WORTH = 0.2  # seconds of importing or loading below which the planned order counts for more


@dataclass
class Loaded:
    """What a worker holds: the expressions it has run, and the tasks whose data it has kept."""

    expressions: set[str] = field(default_factory=set)
    tasks: deque[str] = field(default_factory=lambda: deque(maxlen=3))


class Schedule:
    """The trials of a run that are still to be done.

    A batchable trial's label runs alone once on each task, so that its single-fit time is known; then trials of one
    task and expression are grouped up to about 10 seconds of work, from the times measured so far. Results do not
    depend on the grouping.

    Args:
        trials: in the planned order.
        workers: how many share the work.
    """

    def __init__(self, trials: Iterable[Trial], workers: int) -> None:
        self._pending: deque[Trial] = deque()
        self._workers = max(1, workers)
        self._gone: set[str] = set()  # keys in ``_pending`` that a batch has taken out of turn
        self._groups: dict[Hashable, dict[str, Trial]] = {}
        self._alone: set[str] = set()  # keys that are not to be batched (again)
        self._seconds: dict[tuple[str, str], float] = {}  # (task, label) -> seconds a trial
        self._probing: set[tuple[str, str]] = set()
        self._cold: dict[str, float] = {}  # expression -> seconds of its first trial's imports and loading
        self.add(trials)

    def add(self, trials: Iterable[Trial]) -> None:
        """Put trials behind those that are there."""
        for trial in trials:
            self._pending.append(trial)
            if trial.batch:
                self._groups.setdefault(_group(trial), {})[trial.key] = trial

    def __len__(self) -> int:
        return len(self._pending) - len(self._gone)

    def next(self, loaded: Loaded) -> tuple[Trial, ...]:
        """Return the next unit for a worker, empty when nothing is left."""
        if self._pending and not self._gone:
            first = self._pending[0]
            if not first.batch and first.expression in loaded.expressions:  # nothing could suit better
                return (self._pending.popleft(),)
        best: Trial | None = None
        lowest = float("inf")
        for place, trial in enumerate(self._window()):
            cost = self._cost(trial, loaded) + 1e-6 * place
            if self._waits(trial):
                cost += 1e6  # rather something else, until its label's single time is known
            if cost < lowest:
                best, lowest = trial, cost
            if lowest < 1e-4:
                break
        if best is None:
            return ()
        unit = self._batch_with(best) if self._may_batch(best) else (best,)
        for trial in unit:
            self._take(trial)
        if len(unit) == 1 and best.batch:
            self._probing.add((best.task_name, best.label))
        return unit

    def ended(self, unit: Sequence[Trial], seconds: float, cold_seconds: float, loaded: Loaded) -> None:
        """Learn from a unit that a worker has run."""
        share = max(seconds - cold_seconds, 1e-4) / len(unit)
        for trial in unit:
            pair = (trial.task_name, trial.label)
            self._seconds[pair] = share
            self._probing.discard(pair)
        expression, task = unit[0].expression, unit[0].task_name
        if expression not in loaded.expressions:
            self._cold[expression] = max(self._cold.get(expression, 0.0), cold_seconds)
            loaded.expressions.add(expression)
        if task not in loaded.tasks:
            loaded.tasks.append(task)

    def lost(self, unit: Sequence[Trial]) -> None:
        """Note that a single trial died; another of its label may probe."""
        for trial in unit:
            self._probing.discard((trial.task_name, trial.label))

    def again(self, unit: Sequence[Trial]) -> None:
        """Take back a batch that failed: its trials run one by one."""
        self._alone.update(trial.key for trial in unit)
        self.lost(unit)
        for trial in reversed(unit):
            if trial.key in self._gone:
                self._gone.discard(trial.key)  # it still stands in its planned place
            else:
                self._pending.appendleft(trial)

    def _window(self) -> Iterator[Trial]:
        while self._pending and self._pending[0].key in self._gone:
            self._gone.discard(self._pending.popleft().key)
        left = (trial for trial in self._pending if trial.key not in self._gone)
        return islice(left, WINDOW)

    def _cost(self, trial: Trial, loaded: Loaded) -> float:
        """Return the seconds of importing and loading that this worker would pay and another may have paid."""
        if trial.expression in loaded.expressions:
            return 0.0
        seconds = self._cold.get(trial.expression, 0.0)
        return seconds if seconds > _WORTH else 0.0

    def _may_batch(self, trial: Trial) -> bool:
        known = (trial.task_name, trial.label) in self._seconds
        return trial.batch and known and trial.key not in self._alone

    def _waits(self, trial: Trial) -> bool:
        return (
            trial.batch
            and trial.key not in self._alone
            and (trial.task_name, trial.label) in self._probing
            and (trial.task_name, trial.label) not in self._seconds
        )

    def _batch_with(self, first: Trial) -> tuple[Trial, ...]:
        members = self._groups[_group(first)]
        ready = [t for t in members.values() if t.key != first.key and self._may_batch(t)]
        aim = min(BATCH_SECONDS, first.seconds / 2)
        total, unit = self._seconds[first.task_name, first.label], [first]
        fair = -(-(len(ready) + 1) // self._workers)
        for trial in ready[: min(fair, MAX_BATCH) - 1]:
            total += self._seconds[trial.task_name, trial.label]
            if total > aim:
                break
            unit.append(trial)
        return tuple(unit)

    def _take(self, trial: Trial) -> None:
        if trial.batch:
            self._groups[_group(trial)].pop(trial.key, None)
        if self._pending and self._pending[0] is trial:
            self._pending.popleft()
        else:
            self._gone.add(trial.key)


def _group(trial: Trial) -> Hashable:
    """Return what trials that are fitted together have in common; seeds, folds and parameters may differ."""
    task = json.dumps(trial.task, sort_keys=True)
    return task, trial.data, trial.expression, trial.kind, trial.problem, trial.seconds, trial.memory_mb
