"""What there is to see of a run while it goes on: counts by task and method, what ended last, what failed."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from neuroloom.core.errors import InputError
from neuroloom.runner.bench import FINAL
from neuroloom.runner.row import Row
from neuroloom.runner.store import Store, open_store

LATEST = 12  # trials shown
_ROWS = 500  # read at once
_PLAN_SECONDS = 5.0  # how often the plan is read again


@dataclass
class _Cell:
    """One method on one task."""

    counts: Counter[str] = field(default_factory=Counter)
    total: float = 0.0
    scored: int = 0
    seconds: float = 0.0


class RunState:
    """Reads a store again and again, what is new each time only.

    Args:
        where: path of a SQLite file, or a database URL.
        run: the run's name in a database of many.

    Raises:
        InputError: the store cannot be read.
    """

    def __init__(self, where: str, run: str = "run") -> None:
        self.where, self.run = where, run
        self._keys: list[str] = []
        self._meta: dict[str, Any] = {}
        self._rows: dict[str, Row] = {}
        self._read_plan_at = -math.inf
        self._pace: deque[tuple[float, int]] = deque(maxlen=60)
        self.read()

    def read(self) -> dict[str, Any]:
        """Return what the page shows, as JSON can hold it."""
        with open_store(self.where, run=self.run, read=True) as store:
            if time.monotonic() - self._read_plan_at > _PLAN_SECONDS:
                self._keys, self._meta = store.read_plan()
                self._read_plan_at = time.monotonic()
                planned = set(self._keys)
                self._rows = {key: row for key, row in self._rows.items() if key in planned}
            self._read_rows(store)
        return self._view()

    def _read_rows(self, store: Store) -> None:
        unsettled = [k for k in self._keys if k not in self._rows or self._rows[k].status not in FINAL]
        found = store.finished(unsettled)
        new = [k for k, status in found.items() if k not in self._rows or self._rows[k].status != status]
        for start in range(0, len(new), _ROWS):
            for row in store.rows(new[start : start + _ROWS]):
                row.beliefs, row.curve, row.traceback = None, [], ""  # what the page does not show
                self._rows[row.key] = row

    def _view(self) -> dict[str, Any]:
        cells: dict[tuple[str, str], _Cell] = {}
        counts: Counter[str] = Counter()
        for row in self._rows.values():
            cell = cells.setdefault((row.method, row.task), _Cell())
            cell.counts[row.status] += 1
            counts[row.status] += 1
            score = row.scores.get(row.metric, math.nan)
            if row.status == "done" and math.isfinite(score):
                cell.total, cell.scored = cell.total + score, cell.scored + 1
            cell.seconds += (row.fit_seconds or 0.0) + (row.predict_seconds or 0.0)
        tasks, methods = list(self._meta.get("tasks", {})), list(self._meta.get("methods", {}))
        ended = sorted(self._rows.values(), key=_ended)
        bad = [row for row in ended if row.status not in FINAL]
        return {
            "name": str(self._meta.get("name", self.run)),
            "planned": len(self._keys),
            "ended": len(self._rows),
            "counts": dict(counts),
            "left_seconds": self._left(),
            "last_ended": _ended(ended[-1]) if ended and math.isfinite(_ended(ended[-1])) else None,
            "now": time.time(),
            "tasks": [
                {"name": t, "metric": str((self._meta["tasks"][t].get("metrics") or [""])[0]),
                 "greater": bool(self._meta["tasks"][t].get("greater_is_better", True))} for t in tasks
            ],
            "methods": methods,
            "cells": [[_shown(cells.get((m, t))) for t in tasks] for m in methods],
            "latest": [_line(row) for row in reversed(ended[-LATEST:])],
            "failed": [_line(row) for row in reversed(bad[-LATEST:])],
        }  # fmt: skip

    def _left(self) -> float | None:
        """Return the seconds left at the pace seen since the page was opened, None while that is not known."""
        now = time.monotonic()
        self._pace.append((now, len(self._rows)))
        began, first = self._pace[0]
        ended = len(self._rows) - first
        if ended < 3 or now - began < 2:
            return None
        return (len(self._keys) - len(self._rows)) * (now - began) / ended


def _ended(row: Row) -> float:
    """Return the Unix time of a trial's end, minus infinity where it is not known."""
    end = row.started + (row.fit_seconds or 0.0) + (row.predict_seconds or 0.0)
    return end if math.isfinite(end) else -math.inf


def _shown(cell: _Cell | None) -> dict[str, Any] | None:
    if cell is None:
        return None
    bad = sum(n for status, n in cell.counts.items() if status not in FINAL)
    return {
        "done": cell.counts["done"],
        "skipped": cell.counts["skipped"],
        "bad": bad,
        "mean": cell.total / cell.scored if cell.scored else None,
        "seconds": cell.seconds,
    }


def _line(row: Row) -> dict[str, Any]:
    score = row.scores.get(row.metric, math.nan)
    return {
        "method": row.method, "task": row.task, "seed": row.seed, "fold": row.fold, "status": row.status,
        "reason": row.reason, "metric": row.metric, "score": score if math.isfinite(score) else None,
        "seconds": (row.fit_seconds or 0.0) + (row.predict_seconds or 0.0),
    }  # fmt: skip


def find_store(where: str, run: str | None) -> tuple[str, str]:
    """Return the store and the run that a user means by a run directory, a file or a URL.

    Raises:
        InputError: there is none, or a database of many runs and no name.
    """
    from pathlib import Path

    if "://" in where:
        if run is None:
            raise InputError("a database may hold many runs; pass --run with the name of the bench.")
        return where, run
    path = Path(where)
    file = path / "results.db" if path.is_dir() else path
    if not file.is_file():
        raise InputError(f"{where} is no run: it has no results.db; pass the --out of a `neuroloom run`.")
    return str(file), run or "run"
