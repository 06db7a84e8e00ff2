"""What a user sees while a bench runs: what is running, how much is done, how long is left."""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

from neuroloom.runner.row import Row
from neuroloom.runner.screen import folded
from neuroloom.runner.trial import Trial

if TYPE_CHECKING:
    from rich.live import Live

_EVERY = 10.0  # seconds between lines where there is no terminal


class Estimate:
    """How long the trials that are left will take, from those that have ended.

    A pairing's own mean counts first, then the mean of its method, then that of all.
    """

    def __init__(self, trials: Iterable[Trial], workers: int) -> None:
        self.left: Counter[tuple[str, str]] = Counter((t.task_name, t.label) for t in trials)
        self.workers = workers
        self._spent: dict[Any, list[float]] = defaultdict(lambda: [0.0, 0])

    def expect(self, trials: Iterable[Trial]) -> None:
        """Add trials that are still to run."""
        self.left.update((t.task_name, t.label) for t in trials)

    def add(self, row: Row, seconds: float) -> None:
        """Count a finished trial that took ``seconds`` of wall-clock time."""
        self.left[row.task, row.method] -= 1
        for group in ((row.task, row.method), row.method, None):
            self._spent[group][0] += seconds
            self._spent[group][1] += 1

    def seconds(self) -> float | None:
        """Return the wall-clock seconds left, or None while nothing has ended."""
        if None not in self._spent:
            return None
        total = 0.0
        for (task, method), count in self.left.items():
            group = next(g for g in ((task, method), method, None) if g in self._spent)
            spent, ended = self._spent[group]
            total += max(count, 0) * spent / ended
        return total / self.workers


class Progress:
    """A live display on a terminal, a line now and then elsewhere.

    Args:
        stream: where to; None takes standard error, so that standard output holds the answer alone.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream if stream is not None else sys.stderr
        self.running: dict[str, tuple[Trial, float]] = {}
        self.counts: Counter[str] = Counter()
        self.total = self.done = 0
        self.deadline: float | None = None
        self._live: Live | None = None
        self._said = 0.0

    def say(self, lines: Iterable[str]) -> None:
        """Say something of more than one line before the bench begins."""
        for line in lines:
            self._print(line)

    def begin(self, trials: list[Trial], finished: int, workers: int, deadline: float | None = None) -> None:
        """Start showing.

        Args:
            trials: those to run.
            finished: how many were finished by an earlier run.
            workers: worker processes.
            deadline: ``time.monotonic()`` at which a bench with limited time ends, or None.
        """
        self.total, self.done = len(trials) + finished, finished
        self.began = self._said = time.monotonic()
        self.deadline = deadline
        self.estimate = Estimate(trials, workers)
        if finished:
            self._print(f"going on: {finished} of {self.total} trials were finished before")
        if self.stream.isatty():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(
                get_renderable=self._render,
                console=Console(file=self.stream),
                refresh_per_second=4,
                transient=True,
            )
            self._live.start()

    def more(self, trials: list[Trial], finished: int) -> None:
        """Add trials to a bench that goes round by round, ``finished`` of them by an earlier run."""
        self.total += len(trials) + finished
        self.done += finished
        self.estimate.expect(trials)

    def started(self, trial: Trial) -> None:
        """Show that a trial runs now."""
        self.running[trial.key] = (trial, time.monotonic())

    def finished(self, row: Row) -> None:
        """Show that a trial has ended."""
        self.done += 1
        self.counts[row.status] += 1
        _, since = self.running.pop(row.key, (None, time.monotonic()))
        own = (row.fit_seconds or 0.0) + (row.predict_seconds or 0.0)
        self.estimate.add(row, own or time.monotonic() - since)
        if row.status not in ("done", "skipped"):
            self._print(
                f"{row.status}: {row.method} on {row.task}, seed {row.seed}, fold {row.fold}: {row.reason}"
            )
        elif self._live is None and time.monotonic() - self._said > _EVERY:
            self._print(self._line())

    def end(self) -> None:
        """Stop showing."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _print(self, text: str) -> None:
        self._said = time.monotonic()
        if self._live is not None:
            self._live.console.print(text, highlight=False, markup=False)
        else:
            print(folded(text, "    "), file=self.stream, flush=True)

    def _line(self) -> str:
        bad = sum(count for status, count in self.counts.items() if status not in ("done", "skipped"))
        failed = f", {bad} not done" if bad else ""
        return f"{self.done} of {self.total} trials{failed}; {self._time_text()}"

    def _time_text(self) -> str:
        now = time.monotonic()
        spent = f"{_duration(now - self.began)} gone"
        if self.deadline is not None:
            return f"{spent}, {_duration(max(self.deadline - now, 0))} of the time given left"
        left = self.estimate.seconds()
        return spent if left is None else f"{spent}, about {_duration(left)} left"

    def _render(self) -> Any:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        head = Table.grid(padding=(0, 1))
        head.add_row(ProgressBar(total=max(self.total, 1), completed=self.done, width=24), self._line())
        now = time.monotonic()
        lines = [
            Text(
                f"  {_duration(now - since):>7}  {_words(trial)}",
                style="dim",
                no_wrap=True,
                overflow="ellipsis",
            )
            for trial, since in list(self.running.values())[:8]
        ]
        return Group(head, *lines)


def _words(what: Trial | Row) -> str:
    method, task = (what.label, what.task_name) if isinstance(what, Trial) else (what.method, what.task)
    return f"{method} on {task}, seed {what.seed}, fold {what.fold}"


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"
