"""Workers on any number of hosts: ``neuroloom run --engine workers`` offers trials, ``neuroloom worker`` runs them."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from neuroloom.core.errors import InputError
from neuroloom.methods import Recipe, recipe
from neuroloom.runner.database import database_url
from neuroloom.runner.engines import Engine, Event, Finished, ProcessEngine, divide
from neuroloom.runner.leases import LEASE_SECONDS, Leases, check_server
from neuroloom.runner.row import Row
from neuroloom.runner.store import Store, open_store
from neuroloom.runner.trial import Trial
from neuroloom.runner.workbench import DEFAULT, load

_POLL_SECONDS = 0.5
_CLAIM_SECONDS = 2.0  # of work claimed at once
_MOST_CLAIMED = 64


class WorkersEngine(Engine):
    """Offers trials in a store and waits until workers have run them; these commit the rows themselves.

    Args:
        store: on PostgreSQL, that of the run.
        keep_predictions: whether rows carry predictions.

    Raises:
        InputError: the store is no PostgreSQL database.
    """

    name = "workers"
    workers = 1  # as many as there are; what is left is told from one
    threads = 1
    commits = True

    def __init__(self, store: Store, keep_predictions: bool = False) -> None:
        self._store, self._leases, self._keep = store, Leases(store), keep_predictions

    def run(self, trials: Iterable[Trial]) -> Iterator[Event]:
        """Offer trials and yield their rows as workers store them."""
        todo, skipped = divide(trials)
        if skipped:
            self._store.add(skipped)
            yield Finished(skipped)
        run = self._store.run
        waiting = {trial.key for trial in todo}
        self._leases.offer(run, todo, self._keep)
        while waiting:
            began = time.monotonic()
            gone = waiting - self._leases.open_keys()
            if gone:
                rows = tuple(self._store.rows(sorted(gone)))
                ended = {row.key for row in rows}
                waiting -= ended
                if ended < gone:  # another run had offered them first and took them back
                    self._leases.offer(run, [t for t in todo if t.key in gone - ended], self._keep)
                if rows:
                    yield Finished(rows)
            else:
                time.sleep(max(_POLL_SECONDS, 10 * (time.monotonic() - began)))

    def close(self) -> None:
        """Take back what no worker has begun."""
        self._leases.withdraw(self._store.run)


def work(
    store: str,
    *,
    workers: int | None = None,
    threads: int | None = None,
    data_dir: str | None = None,
    stay: bool = False,
    lease_seconds: float = LEASE_SECONDS,
    workbench: str = DEFAULT,
    say: Callable[[str], Any] = print,
) -> int:
    """Run what is offered in a store until nothing is left, and return how many trials that were.

    Args:
        store: a PostgreSQL URL.
        workers: worker processes; None takes one for each core.
        threads: numeric threads of each.
        data_dir: folder with real data; None takes that of ``NEUROLOOM_DATA``.
        stay: whether to wait for more when nothing is left.
        lease_seconds: after how long without a sign of this worker others may take its trials.
        workbench: ``"module:attribute"`` of the workbench.
        say: where lines for the user go.

    Raises:
        InputError: the store cannot be used, or this host has other data or another neuroloom than the driver.
    """
    holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a queue's warning: give back and end
    done = 0
    check_server(database_url(store))  # before a file is made of it
    with open_store(store, shared=True) as kept, _Heart(store, holder, lease_seconds):
        leases = Leases(kept, holder, lease_seconds)
        engines: dict[bool, ProcessEngine] = {}
        source = _Source(leases, _SameHere(data_dir, workbench))
        say(f"worker {holder}")
        try:
            while True:
                source.next()
                keep = source.keep
                if keep is None:
                    if not stay and not leases.left():
                        say(f"nothing is left to run; {done} trials were run here")
                        return done
                    time.sleep(_POLL_SECONDS)
                    continue
                if keep not in engines:
                    engines[keep] = ProcessEngine(
                        workers,
                        threads=threads,
                        data_dir=data_dir,
                        keep_predictions=keep,
                        workbench=workbench,
                    )
                for event in engines[keep].run(source.take(keep), partial(source.more, keep)):
                    if isinstance(event, Finished):
                        source.ended(event.rows)
                        done += len(leases.complete(event.rows))
        finally:
            for engine in engines.values():
                engine.close()
            leases.release()


class _Source:
    """Claims trials, about two seconds of work at a time, and hands them out by whether predictions are kept."""

    def __init__(self, leases: Leases, check: Callable[[Trial], None]) -> None:
        self._leases, self._check = leases, check
        self._held: dict[bool, list[Trial]] = {False: [], True: []}
        self._spent, self._ended = 0.0, 0

    def next(self) -> None:
        """Claim more if nothing is held."""
        if any(self._held.values()):
            return
        each = self._spent / self._ended if self._ended else _CLAIM_SECONDS
        for claim in self._leases.claim(int(min(max(_CLAIM_SECONDS / max(each, 1e-3), 1), _MOST_CLAIMED))):
            self._check(claim.trial)
            self._held[claim.keep_predictions].append(claim.trial)

    @property
    def keep(self) -> bool | None:
        """Whether the next trials keep predictions, None if none is held."""
        return next((keep for keep, trials in self._held.items() if trials), None)

    def take(self, keep: bool) -> list[Trial]:
        """Return what is held of one sort."""
        trials, self._held[keep] = self._held[keep], []
        return trials

    def more(self, keep: bool) -> list[Trial]:
        """Claim more, and return what is of one sort."""
        self.next()
        return self.take(keep)

    def ended(self, rows: Iterable[Row]) -> None:
        """Learn how long trials take."""
        for row in rows:
            self._spent += (row.fit_seconds or 0.0) + (row.predict_seconds or 0.0)
            self._ended += 1


class _SameHere:
    """Checks, once for each task and expression, that a trial means here what it meant to the driver."""

    def __init__(self, data_dir: str | None, workbench: str) -> None:
        self._data_dir, self._workbench, self._ours = data_dir, load(workbench), workbench == DEFAULT
        self._known: set[str] = set()

    def __call__(self, trial: Trial) -> None:
        """Raise InputError where data or versions differ."""
        which = f"{trial.task!r} {trial.task_version} {trial.data} {trial.expression} {trial.kind} {trial.versions}"
        if which in self._known:
            return
        task = self._workbench.open_task(trial.task, self._data_dir)
        same = task.version == trial.task_version
        if self._ours:
            found = recipe(trial.expression, trial.kind, trial.problem)
            same = same and isinstance(found, Recipe) and found.versions == trial.versions
        if not same:
            raise InputError(
                f"this host has another version of {trial.task_name} or {trial.expression} than the driver; install "
                "the same neuroloom on both."
            )
        if task.fingerprint() != trial.data:
            raise InputError(
                f"the data of {trial.task_name} differ from the driver's (their fingerprints do); give both the same, "
                "as with --data."
            )
        self._known.add(which)


class _Heart:
    """Extends a worker's leases from a thread with a connection of its own, until it is left."""

    def __init__(self, store: str, holder: str, seconds: float) -> None:
        self._store, self._holder, self._seconds = store, holder, seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True, name="lease")

    def _beat(self) -> None:
        while not self._stop.wait(self._seconds / 4):
            try:
                with open_store(self._store, shared=True) as kept:
                    leases = Leases(kept, self._holder, self._seconds)
                    leases.extend()
                    while not self._stop.wait(self._seconds / 4):
                        leases.extend()
            except InputError:
                continue  # the server is away: the leases run out, unless it is back before

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
