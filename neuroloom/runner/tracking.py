"""Trials as runs of MLflow: parameters, scores, curves, and how each ended."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neuroloom.core.errors import without_password
from neuroloom.core.watching import Tracker
from neuroloom.runner.row import Row


class TrialTracker:
    """Writes each finished trial into an MLflow experiment.

    Args:
        place: a folder or a tracking URI.
        experiment: the bench's name.

    Raises:
        InputError: MLflow is not installed, or the place cannot be used.
    """

    def __init__(self, place: str | Path, experiment: str) -> None:
        self._tracker = Tracker(place, experiment)
        self._lost = False

    def write(self, row: Row) -> None:
        """Write a trial as a run; where that fails, warn and write no more, since the store has every trial."""
        if self._lost:
            return
        try:
            self._write(row)
        except Exception as error:  # of a server, a disk, MLflow itself
            self._lost = True
            told = without_password(" ".join(str(error).split()))
            warnings.warn(
                f"MLflow takes no more trials ({told}); the run goes on, and its store and report have them all.",
                RuntimeWarning,
                stacklevel=2,
            )

    def _write(self, row: Row) -> None:
        params: dict[str, Any] = {"task": row.task, "method": row.method, "seed": row.seed, "fold": row.fold}
        params |= {f"settings.{name}": value for name, value in row.settings.items()}
        tags = {"status": row.status, "reason": row.reason, "neuroloom.key": row.key, "kind": row.kind}
        name = f"{row.method} on {row.task}, seed {row.seed}, fold {row.fold}"
        run = self._tracker.begin(name, params, tags)
        self._tracker.write(run, _numbers(row))
        self._tracker.end(run, row.status in ("done", "skipped"))


def _numbers(row: Row) -> Iterator[tuple[str, float, int]]:
    for metric, value in row.scores.items():
        yield metric, value, 0
    for name in ("fit_seconds", "predict_seconds", "peak_memory_mb", "parameters"):
        value = getattr(row, name)
        if value is not None:
            yield name, float(value), 0
    for point in row.curve:
        for name, value in point.items():
            if name not in ("step", "seconds") and isinstance(value, int | float):
                yield f"curve.{name}", float(value), int(point.get("step", 0))
