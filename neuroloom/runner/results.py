"""The results of a run: what compare and report read, and nothing else."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuroloom.core.errors import InputError, unknown
from neuroloom.runner.row import STATUSES, Row

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

MEASURED = ("fit_seconds", "predict_seconds", "fit_cpu_seconds", "predict_cpu_seconds", "peak_memory_mb")
COLUMNS = (
    *("task", "method", "seed", "fold", "metric", "value"),
    *MEASURED,
    *("parameters", "settings", "status", "reason"),
    *(
        "kind",
        "problem",
        "main",
        "n_train",
        "n_test",
        "split",
        "batched",
        "expression",
        "key",
        "notes",
        "started",
    ),
)
CURVE_COLUMNS = (
    *("task", "method", "seed", "fold", "step", "seconds"),
    *("loss", "valid_loss", "score", "evaluations", "env_steps", "coverage", "qd_score"),
)
IMPORTANCE_COLUMNS = ("task", "method", "seed", "fold", "part", "drop")
FRONT_COLUMNS = ("task", "method", "seed", "fold", "measure", "size", "score")
_NEEDED = ("task", "method", "seed", "fold", "metric", "value", "status")
_SHOWN_TASKS, _SHOWN_METHODS = 8, 30  # in a notebook
_COUNTS = ("parameters", "n_train", "n_test")
_TEXT = ("settings", "reason", "kind", "problem", "split", "expression", "key", "notes")
_MADE = ("metric", "value", "main", "settings", "notes")
# When a trial began and with which others it was fitted differ between a run and its repetition.
_NOT_IN_CSV = ("batched", "started")


class Results:
    """The results of a run: one row per trial and metric, the learning curves, and what was run where.

    Args:
        frame: a row per trial and metric with the columns of ``COLUMNS``; ``task, method, seed, fold, metric, value,
            status`` must be there, the others are filled in as unknown. A trial that is not done is one row under the
            task's main metric with the value NaN. Without ``main``, a task's first metric is its main one.
        curves: a row per recorded step with the columns of ``CURVE_COLUMNS``, or None.
        meta: how the run was made; the keys used here are ``tasks`` ({name: {``metrics``, ``greater_is_better``,
            ``bounds``, ``protocol``, ``published_splits``}}) and ``methods``.
        fronts: a row per smaller network of a trial with the columns of ``FRONT_COLUMNS``, or None.
        beliefs: how the probabilities of trials did on their test samples, by (task, method, seed, fold): records with
            the fields of ``row.BELIEFS``; or None.
        importances: a row per part of a trial's samples with the columns of ``IMPORTANCE_COLUMNS``, or None.
        maps: maps of elites by (task, method, seed, fold), as ``Row.front`` has them; or None.
        networks: evolved networks likewise; or None.
        confusions: which class was answered for which, likewise; or None.
        attention: what some test samples attend to, likewise; or None.
        traces: a detector's scores over time, likewise; or None.

    Raises:
        InputError: a needed column is missing, a status is unknown, or a trial stands twice under one metric.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        curves: pd.DataFrame | None = None,
        meta: Mapping[str, Any] | None = None,
        fronts: pd.DataFrame | None = None,
        beliefs: Mapping[tuple[str, str, int, int], NDArray[Any]] | None = None,
        importances: pd.DataFrame | None = None,
        maps: Mapping[tuple[str, str, int, int], Mapping[str, Any]] | None = None,
        networks: Mapping[tuple[str, str, int, int], Mapping[str, Any]] | None = None,
        confusions: Mapping[tuple[str, str, int, int], Mapping[str, Any]] | None = None,
        attention: Mapping[tuple[str, str, int, int], Sequence[Any]] | None = None,
        traces: Mapping[tuple[str, str, int, int], Mapping[str, Any]] | None = None,
    ) -> None:
        import pandas as pd

        self._frame = _completed(frame)
        steps = pd.DataFrame(columns=list(CURVE_COLUMNS)) if curves is None else curves
        self.curves: pd.DataFrame = steps.reindex(columns=list(CURVE_COLUMNS)).reset_index(drop=True)
        sizes = pd.DataFrame(columns=list(FRONT_COLUMNS)) if fronts is None else fronts
        self.fronts: pd.DataFrame = sizes.reindex(columns=list(FRONT_COLUMNS)).reset_index(drop=True)
        self.beliefs = dict(beliefs or {})
        self.maps = dict(maps or {})
        self.networks = dict(networks or {})
        self.confusions = dict(confusions or {})
        self.attention = dict(attention or {})
        self.traces = dict(traces or {})
        drops = pd.DataFrame(columns=list(IMPORTANCE_COLUMNS)) if importances is None else importances
        self.importances: pd.DataFrame = drops.reindex(columns=list(IMPORTANCE_COLUMNS)).reset_index(
            drop=True
        )
        self.meta: dict[str, Any] = dict(meta or {})
        self._by_task: dict[str, pd.DataFrame] = {}

    @classmethod
    def from_rows(
        cls, rows: Iterable[Row], meta: Mapping[str, Any] | None = None, order: Sequence[str] | None = None
    ) -> Results:
        """Return the results that finished trials make.

        Args:
            rows: finished trials, in any order.
            meta: as for :class:`Results`.
            order: the keys of the plan's trials in its order; rows of other trials are left out. None keeps ``rows``
                as they come.
        """
        import pandas as pd

        found = list(rows)
        if order is not None:
            place = {key: i for i, key in enumerate(order)}
            found = sorted((row for row in found if row.key in place), key=lambda row: place[row.key])
        records = [record for row in found for record in _records(row)]
        steps = [
            {"task": r.task, "method": r.method, "seed": r.seed, "fold": r.fold, **point}
            for r in found
            for point in r.curve
        ]
        frame = pd.DataFrame(records, columns=list(COLUMNS))
        fronts = [
            (r.task, r.method, r.seed, r.fold, r.front["measure"], size, score)
            for r in found
            for size, score in r.front.get("points", ())
        ]
        curves = pd.DataFrame(steps, columns=list(CURVE_COLUMNS))
        maps, networks, confusions, attention, traces = (
            {(r.task, r.method, r.seed, r.fold): r.front[what] for r in found if what in r.front}
            for what in ("map", "network", "confusion", "attention", "trace")
        )
        held = {(r.task, r.method, r.seed, r.fold): r.beliefs for r in found if r.beliefs is not None}
        drops = [
            (r.task, r.method, r.seed, r.fold, part, drop)
            for r in found
            if r.importance
            for part, drop in zip(r.importance["names"], r.importance["drops"], strict=True)
        ]
        sizes, parts = (
            pd.DataFrame(rows, columns=list(columns))
            for rows, columns in ((fronts, FRONT_COLUMNS), (drops, IMPORTANCE_COLUMNS))
        )
        return cls(frame, curves, meta, sizes, held, parts, maps, networks, confusions, attention, traces)

    def frame(self) -> pd.DataFrame:
        """Return a copy of the rows: one per trial and metric, with the columns of ``COLUMNS``."""
        return self._frame.copy()

    def main(self) -> pd.DataFrame:
        """Return one row per trial: those of each task's main metric."""
        return self._frame[self._frame["main"]].reset_index(drop=True)

    def main_of(self, task: str) -> pd.DataFrame:
        """Return one row per trial of a task, those that were skipped left out; do not change it in place.

        Raises:
            InputError: the task is not in the results.
        """
        if not self._by_task:
            rows = self.main()
            self._by_task = {str(name): part for name, part in rows.groupby("task", sort=False)}
        if task not in self._by_task:
            raise unknown("task", task, self.tasks)
        rows = self._by_task[task]
        return rows[rows["status"] != "skipped"]

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks' names, in the order of the plan."""
        return tuple(dict.fromkeys(self._frame["task"]))

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods' labels, in the order of the plan."""
        return tuple(dict.fromkeys(self._frame["method"]))

    def metric(self, task: str) -> dict[str, Any]:
        """Return ``{"name", "greater_is_better", "bounds"}`` of a task's main metric.

        What ``meta`` does not tell is taken from ``neuroloom.tasks.metrics``.
        """
        main = self._frame["metric"][(self._frame["task"] == task) & self._frame["main"]]
        if not len(main):
            raise unknown("task", task, self.tasks)
        name = str(main.iloc[0])
        known = self.meta.get("tasks", {}).get(task, {})
        greater, bounds = known.get("greater_is_better"), known.get("bounds")
        if greater is None or bounds is None:
            declared = _declared(name)
            greater = declared[0] if greater is None else greater
            bounds = declared[1] if bounds is None else bounds
        low, high = (
            end if end is not None else sign * math.inf for end, sign in zip(bounds, (-1, 1), strict=True)
        )
        return {"name": name, "greater_is_better": bool(greater), "bounds": (float(low), float(high))}

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write the rows as CSV, equal for equal results: columns of ``COLUMNS`` but ``batched`` and ``started``."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        columns = [name for name in COLUMNS if name not in _NOT_IN_CSV]
        self._frame.to_csv(target, columns=columns, index=False, lineterminator="\n", encoding="utf-8")
        return target

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write the report to ``path`` (``.html``, ``.md``, ``.csv`` or ``.tex``) and return where it lies."""
        from neuroloom.runner.report import write

        write(self, path)
        return Path(path)

    def __len__(self) -> int:
        return int(self._frame["main"].sum())

    def _repr_html_(self) -> str:
        """Return what a notebook shows: mean scores and their spread by method and task, the best of a task in bold."""
        from neuroloom.core.notebook import html_table

        shown, methods = self.tasks[:_SHOWN_TASKS], self.methods[:_SHOWN_METHODS]
        columns = [self._column(task, methods) for task in shown]
        header = ["", *(f"{task} ({self.metric(task)['name']})" for task in shown)]
        rows = [[method, *(column[k] for column in columns)] for k, method in enumerate(methods)]
        left = [
            f"{count - seen} more {what}"
            for what, count, seen in (
                ("tasks", len(self.tasks), len(shown)),
                ("methods", len(self.methods), len(methods)),
            )
            if count > seen
        ]
        return html_table(repr(self) + (f"; {', '.join(left)} in report()" if left else ""), rows, header)

    def _column(self, task: str, methods: Sequence[str]) -> list[str]:
        """Return a task's cells, one for each method."""
        from neuroloom.core.notebook import Best

        rows, greater = self.main_of(task), self.metric(task)["greater_is_better"]
        values = {m: rows["value"][rows["method"] == m].dropna() for m in methods}
        means = {m: v.mean() for m, v in values.items() if len(v)}
        best = (max if greater else min)(means.values(), default=math.nan)
        cells = []
        for method in methods:
            if method not in means:
                cells.append("")
                continue
            spread = f" ± {values[method].std():.3f}" if len(values[method]) > 1 else ""
            cell = f"{means[method]:.3f}{spread}"
            cells.append(Best(cell) if means[method] == best else cell)
        return cells

    def __repr__(self) -> str:
        name = self.meta.get("name", "")
        return (
            f"Results({name!r}: {len(self)} trials of {len(self.methods)} methods on {len(self.tasks)} tasks)"
        )


def _declared(metric: str) -> tuple[bool, tuple[float, float]]:
    """Return direction and bounds of a metric as ``neuroloom.tasks.metrics`` declares them."""
    from neuroloom.tasks.metrics import METRICS

    if metric not in METRICS:
        raise InputError(
            f"metric {metric!r} is not known and `meta` does not say which way it points; "
            "give meta['tasks'][task] the keys 'greater_is_better' and 'bounds'."
        )
    return METRICS[metric].greater_is_better, METRICS[metric].bounds


def _records(row: Row) -> list[dict[str, Any]]:
    """Return a trial's rows of the frame: one a metric, or one without a value."""
    shared = {name: getattr(row, name) for name in COLUMNS if name not in _MADE}
    shared["settings"] = json.dumps(row.settings, sort_keys=True, ensure_ascii=False)
    shared["notes"] = " · ".join(row.notes)
    scores = row.scores if row.status == "done" else {}
    metrics = [row.metric, *(name for name in scores if name != row.metric)]
    return [
        {**shared, "metric": name, "value": scores.get(name, math.nan), "main": name == row.metric}
        for name in metrics
    ]


def _completed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a checked copy of the frame with all of ``COLUMNS``, in order and of the right types."""
    missing = [name for name in _NEEDED if name not in frame.columns]
    if missing:
        raise InputError(f"the frame of results lacks the columns {', '.join(missing)}; see results.COLUMNS.")
    whole = frame.copy()
    whole.index = range(len(whole))
    if "main" not in whole.columns:
        whole["main"] = whole["metric"] == whole.groupby("task", sort=False)["metric"].transform("first")
    if "batched" not in whole.columns:
        whole["batched"] = 1
    whole = whole.reindex(columns=list(COLUMNS))
    numbers = ("value", *MEASURED, "started")
    types = dict.fromkeys(numbers, "float64") | dict.fromkeys(("seed", "fold", "batched"), "int64")
    whole = whole.astype({**types, **dict.fromkeys(_COUNTS, "Int64"), "main": bool})
    for name in ("task", "method", "metric", "status", *_TEXT):
        whole[name] = whole[name].astype(object).where(whole[name].notna(), "").map(str)
    unknown = sorted(set(whole["status"]) - set(STATUSES))
    if unknown:
        raise InputError(f"status must be one of {', '.join(STATUSES)}, but got {', '.join(unknown)}.")
    twice = whole.duplicated(["task", "method", "seed", "fold", "metric"])
    if twice.any():
        first = whole[twice].iloc[0]
        raise InputError(
            f"{first['method']!r} stands twice under {first['metric']} on {first['task']!r}, seed {first['seed']}, "
            f"fold {first['fold']}; keep one row per trial and metric."
        )
    return whole
