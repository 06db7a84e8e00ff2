"""Conformal intervals and sets of a task's methods: what they cover beside what they were to cover, and how wide."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from neuroloom.core.calibration import wilson_interval
from neuroloom.runner.report import numbers
from neuroloom.runner.report.model import Cell, Column, Coverage, MethodView, Table
from neuroloom.tasks.metrics import COVERAGE

if TYPE_CHECKING:
    import pandas as pd

    from neuroloom.runner.statistics import TaskStatistics


def view(
    stats: TaskStatistics,
    frame: pd.DataFrame,
    confidence: float | None,
    ran: Sequence[str],
    methods: Mapping[str, MethodView],
) -> Coverage | None:
    """Return how a task's intervals or sets did, or None where none were asked for.

    Args:
        stats: comparison within the task.
        frame: the task's rows of the results.
        confidence: share of test samples they were to cover.
        ran: methods with a finished trial.
        methods: label -> method.
    """
    problem = str(frame["problem"].iloc[0])
    if confidence is None or problem not in COVERAGE:
        return None
    coverage, *widths = COVERAGE[problem]
    order = widths[-1]  # what intervals are ranked by: the Winkler score, or the size of the sets
    done = frame[
        (frame["status"] == "done") & frame["metric"].isin(COVERAGE[problem]) & frame["value"].notna()
    ]
    means = {
        (str(m), str(n)): float(v) for (m, n), v in done.groupby(["method", "metric"])["value"].mean().items()
    }
    shown = sorted((m for m in ran if (m, coverage) in means), key=lambda m: means[m, order])
    if not shown:
        return None
    covers = done[done["metric"] == coverage].groupby("method")
    off = [_off(stats, covers.get_group(m), confidence) for m in shown]
    holds = [m for m, (_, _, high, _) in zip(shown, off, strict=True) if high >= 0]
    best = min((means[m, order] for m in holds), default=0.0)
    spans = {n: max(means[m, n] for m in shown) for n in widths}
    rows = []
    for m, (mean, low, high, _) in zip(shown, off, strict=True):
        cells = [
            Cell(
                numbers.fixed(means[m, n], numbers.decimals_for(spans[n])),
                means[m, n],
                best=n == order and m in holds and means[m, n] == best,
            )
            for n in reversed(widths)
        ]
        covered = Cell(numbers.fixed(means[m, coverage], 3), means[m, coverage])
        ends = numbers.interval(confidence + low, confidence + high, 3) or numbers.DASH
        rows.append(
            (
                Cell(m, method=methods[m].number),
                *cells,
                covered,
                Cell(ends, confidence + low),
                Cell(numbers.signed(mean, 3), mean),
            )
        )
    titles = {
        "winkler": Column("Winkler score", "Mean width, and a penalty for each miss; smaller is better"),
        "interval_width": Column("Width", "Mean width of the intervals, in the target's unit"),
        "set_size": Column("Classes in a set", "Mean over test samples; smaller is better"),
    }
    columns = (
        Column("Method", number=False),
        *(titles[n] for n in reversed(widths)),
        Column("Coverage", "Share of test samples covered, mean over trials"),
        Column("95 % interval", "Interval of the mean coverage over trials"),
        Column("Off by", "Coverage less what was asked for"),
    )
    without = [m for m in ran if m not in shown]
    notes = ["Bold: the best of those whose coverage was not told to be below what was asked for."]
    if without:
        notes.append(f"Without any; the task's notes say why: {numbers.listing(without, 30)}.")
    what = "intervals" if problem == "regression" else "sets of classes"
    lead = (
        f"Conformal {what} that are to cover {100 * confidence:g} % of new samples, whatever the method: a copy of it "
        "learns from three quarters of the training samples, and the others say how far off it is. That fit is not in "
        "the times above."
    )
    caption = f"{stats.task}: {what} that are to cover {100 * confidence:g} %"
    return Coverage(Table(caption, columns, tuple(rows), tuple(notes)), tuple(off), len(columns) - 1, lead)


def _off(
    stats: TaskStatistics, rows: pd.DataFrame, confidence: float
) -> tuple[float, float, float, tuple[float, ...]]:
    """Return mean, low and high end of coverage less what was asked for, and that of each trial."""
    from neuroloom.runner.statistics import corrected_t_test

    values = rows["value"].to_numpy(dtype=np.float64)
    mean = float(values.mean())
    known = stats.scores.ratios[np.isfinite(stats.scores.ratios)]
    ratio = float(known.mean()) if len(known) else 0.0
    test = corrected_t_test(values[:, None], ratio, scale=1.0)
    low, high = (float(end[0]) for end in test.interval())
    if not math.isfinite(low):  # a single trial, or all alike: what its number of samples leaves open
        n_test = float(rows["n_test"].astype("float64").sum())
        low, high = (float(end) for end in wilson_interval(mean, max(n_test, 1.0)))
    ends = max(low, 0.0) - confidence, min(high, 1.0) - confidence
    return mean - confidence, *ends, tuple(float(v) - confidence for v in values)
