"""A task's page: its methods best first, every trial, paired differences, and who is missing and why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.runner.report import (
    answer,
    attention,
    calibration,
    confusion,
    costs,
    elites,
    importance,
    intervals,
    networks,
    numbers,
    traces,
    tuning,
)
from neuroloom.runner.report.model import Cell, Column, Member, MethodView, Table, TaskView
from neuroloom.runner.report.panels import TUNING, fronts, panels
from neuroloom.tasks.metrics import COVERAGE

if TYPE_CHECKING:
    import pandas as pd

    from neuroloom.runner.statistics import Difference, TaskStatistics

METHOD = Column("Method", number=False)
LONGEST = 400


def view(
    number: int,
    stats: TaskStatistics,
    frame: pd.DataFrame,
    curves: pd.DataFrame,
    pareto: pd.DataFrame,
    methods: Mapping[str, MethodView],
    about: Mapping[str, Any],
    points: int,
    sizes: pd.DataFrame,
    beliefs: Mapping[str, Mapping[int, Sequence[NDArray[Any]]]],
    drops: pd.DataFrame,
    maps: Mapping[str, Sequence[Mapping[str, Any]]],
    evolved: Mapping[str, Mapping[tuple[int, int], Mapping[str, Any]]],
    confused: Mapping[str, Sequence[Mapping[str, Any]]],
    looked: Mapping[str, Sequence[Any]],
    traced: Mapping[str, Sequence[Mapping[str, Any]]],
    alone: bool = False,
    confidence: float | None = None,
) -> TaskView:
    """Return the task's page.

    Args:
        number: the task's place in the run.
        stats: comparison within the task.
        frame: the task's rows of the results.
        curves: the task's curves.
        pareto: the task's rows of the statistics' ``pareto``.
        methods: label -> method, all of the run.
        about: what ``meta["tasks"]`` says of it.
        points: points of a drawn curve.
        sizes: the task's rows of ``Results.fronts``.
        beliefs: label -> seed -> the beliefs of its trials.
        drops: the task's rows of ``Results.importances``.
        maps: label -> the maps of elites of its trials.
        evolved: label -> (seed, fold) -> the network of that trial.
        confused: label -> which class was answered for which, of its trials.
        looked: label -> what some samples attend to, of its trials.
        traced: label -> its scores over time, of its first trial.
        alone: whether it is its group's only task; its costs stand with the group then.
        confidence: what conformal intervals or sets were to cover.
    """
    ran = [str(m) for m in stats.methods["method"] if str(m) in set(_scored(stats))]
    decimals = score_decimals(stats)
    baseline = _baseline(ran, methods)
    rows = frame[frame["main"]]
    numbered = {name: m.number for name, m in methods.items()}
    searched = sizes["measure"] == TUNING
    return TaskView(
        number=number,
        name=stats.task,
        kind=str(rows["kind"].iloc[0]),
        problem=str(rows["problem"].iloc[0]),
        metric=stats.metric,
        greater=stats.scores.greater_is_better,
        decimals=decimals,
        facts=_facts(stats, rows, about),
        notes=tuple(dict.fromkeys(str(note) for note in (*(about.get("notes") or ()), *stats.notes))),
        table=_table(stats, ran, methods, baseline, decimals),
        score_column=2,
        difference_column=4,
        members=_members(stats, ran, methods),
        baseline=methods[baseline].number if baseline else -1,
        metrics=_metrics(stats, frame, ran, methods, decimals),
        costs=()
        if alone
        else costs.of_task(pareto, stats.metric, stats.scores.greater_is_better, decimals, methods),
        panels=panels(curves, numbered, points),
        fronts=fronts(sizes[~searched], numbered, stats.metric),
        budgets=fronts(sizes[searched], numbered, stats.metric),
        tuned=tuning.view(stats, rows, ran, methods, decimals),
        elites=elites.view(maps, ran, methods),
        networks=networks.view(evolved, ran, methods),
        confusions=confusion.view(confused, ran, methods),
        attention=attention.view(looked, ran, methods),
        traces=traces.view(traced, ran, methods),
        calibration=calibration.view(stats.task, beliefs, ran, methods),
        coverage=intervals.view(stats, frame, confidence, ran, methods),
        rests=importance.view(stats, str(rows["kind"].iloc[0]), drops, ran, methods),
        missing=_missing(rows, ran),
        answer=answer.of_task(stats, decimals),
    )


def score_decimals(stats: TaskStatistics) -> int:
    """Return with how many decimals the task's scores are written: three on a scale of about one."""
    known = stats.scores.values[np.isfinite(stats.scores.values)]
    if not len(known):
        return 3
    size = max(abs(float(known.min())), abs(float(known.max())))
    return (
        numbers.decimals_for(size) if size > 1.5 else 3 if size > 0.15 else min(numbers.decimals_for(size), 5)
    )


def _scored(stats: TaskStatistics) -> list[str]:
    means = stats.methods
    return [str(m) for m, mean, done in zip(means["method"], means["mean"], means["done"], strict=True)
            if math.isfinite(mean) and done > 0]  # fmt: skip


def _baseline(ran: Sequence[str], methods: Mapping[str, MethodView]) -> str:
    """Return what differences are shown from at first: the best baseline that learns, else the best method."""
    learns = [m for m in ran if methods[m].room == "baseline" and methods[m].expression != "dummy"]
    return next(iter(learns or ran), "")


def _facts(
    stats: TaskStatistics, rows: pd.DataFrame, about: Mapping[str, Any]
) -> tuple[tuple[str, str], ...]:
    better = "higher is better" if stats.scores.greater_is_better else "lower is better"
    found = {"Metric": f"{stats.metric} ({better})"}
    sizes = [rows[c].astype("float64").median() for c in ("n_train", "n_test")]
    if all(math.isfinite(v) for v in sizes):
        found["Samples"] = f"{sizes[0]:,.0f} to train, {sizes[1]:,.0f} to test"
    trials = numbers.plural(len(stats.scores.cells), stats.over[:-1])
    found["Repetitions"] = f"{trials}, {about['protocol']} protocol" if about.get("protocol") else trials
    for label, key in (("What", "summary"), ("Source", "source")):
        if about.get(key):
            found[label] = str(about[key])
    return tuple(found.items())


def _members(
    stats: TaskStatistics, ran: Sequence[str], methods: Mapping[str, MethodView]
) -> tuple[Member, ...]:
    shown = np.where(stats.scores.filled, np.nan, stats.scores.values)
    column = {name: k for k, name in enumerate(stats.scores.methods)}
    row = {str(r.method): r for r in stats.methods.itertuples(index=False)}
    pairs: dict[str, dict[int, tuple[float, float, float, float]]] = {name: {} for name in ran}
    for pair in stats.pairs.itertuples(index=False):
        if pair.a in pairs and pair.b in pairs:
            ahead = (pair.mean, pair.low, pair.high, pair.p_holm)
            pairs[pair.a][methods[pair.b].number] = ahead
            pairs[pair.b][methods[pair.a].number] = (-pair.mean, -pair.high, -pair.low, pair.p_holm)
    return tuple(
        Member(
            methods[name].number,
            tuple(float(v) for v in shown[:, column[name]]),
            float(row[name].mean),
            float(row[name].low),
            float(row[name].high),
            pairs[name],
        )
        for name in ran
    )


def _table(
    stats: TaskStatistics, ran: Sequence[str], methods: Mapping[str, MethodView], baseline: str, decimals: int
) -> Table:
    columns = (
        METHOD,
        Column(stats.metric, "Mean over trials; methods in bold were not told apart from the best"),
        Column("95 % interval", f"Interval of the mean over {stats.over}"),
        Column("Difference", "Mean paired difference, above 0 being better", role="dx"),
        Column("p", "Corrected resampled t-test of that difference, after Holm over all pairs", role="px"),
        Column("Rank", "Mean rank over the splits"),
        Column("Fit", "Median wall-clock time of a fit"),
        Column("Done", "Trials done of trials run"),
    )  # fmt: skip
    rows = []
    gaps = _gaps(stats, baseline)
    for r in stats.methods.itertuples(index=False):
        name = str(r.method)
        if name not in ran:
            continue
        gap = gaps.get(name)
        rows.append((
            Cell(name, tip=str(r.note), method=methods[name].number),
            Cell(numbers.fixed(r.mean, decimals), r.mean, best=bool(r.tied)),
            Cell(numbers.interval(r.low, r.high, decimals) or numbers.DASH, _known(r.low)),
            Cell(numbers.signed(gap.mean, decimals) if gap else numbers.DASH, _known(gap.mean) if gap else None),
            _p_cell(gap),
            Cell(numbers.fixed(r.rank, 2), _known(r.rank)), Cell(numbers.seconds(r.fit_seconds), _known(r.fit_seconds)),
            Cell(f"{int(r.done)}/{int(r.trials)}", float(r.done) / max(float(r.trials), 1.0)),
        ))  # fmt: skip
    note = f"Differences are from {baseline}, the same split and draw." if len(ran) > 1 else ""
    return Table(f"{stats.task}: {stats.metric}", columns, tuple(rows), (note,) if note else ())


def _p_cell(gap: Difference | None) -> Cell:
    if gap is None:
        return Cell(numbers.DASH)
    return Cell(numbers.p_value(gap.p_holm), _known(gap.p_holm), gap.why)


def _gaps(stats: TaskStatistics, baseline: str) -> dict[str, Difference]:
    """Return each method's difference from the baseline."""
    from neuroloom.runner.statistics import Difference

    found = (Difference(**row) for row in stats.pairs.to_dict("records") if baseline in (row["a"], row["b"]))
    turned = (d if d.b == baseline else d.turned() for d in found)
    return {d.a: d for d in turned}


def cost_cells(row: Any) -> tuple[Cell, ...]:
    """Return the four cells of what a method costs."""
    return (
        Cell(numbers.seconds(row.fit_seconds), _known(row.fit_seconds)),
        Cell(numbers.seconds(row.predict_seconds), _known(row.predict_seconds)),
        Cell(numbers.megabytes(row.peak_memory_mb), _known(row.peak_memory_mb)),
        Cell(numbers.count(row.parameters), _known(row.parameters)),
    )


def _known(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None


def _metrics(
    stats: TaskStatistics,
    frame: pd.DataFrame,
    ran: Sequence[str],
    methods: Mapping[str, MethodView],
    decimals: int,
) -> Table:
    """Return what each method costs on the task, and its means on the other metrics."""
    done = frame[frame["status"] == "done"]
    apart = {name for each in COVERAGE.values() for name in each}  # never without what they were to cover
    names = [str(n) for n in dict.fromkeys(done["metric"]) if n != stats.metric and n not in apart]
    means = done.groupby(["method", "metric"])["value"].mean()
    row = {str(r.method): r for r in stats.methods.itertuples(index=False)}
    rows = []
    for method in ran:
        r = row[method]
        cpu = (Cell(numbers.seconds(v), _known(v)) for v in (r.fit_cpu_seconds, r.predict_cpu_seconds))
        values = [float(means.get((method, name), math.nan)) for name in names]
        cells = (Cell(numbers.fixed(v, max(decimals, 3)), _known(v)) for v in values)
        rows.append((Cell(method, method=methods[method].number), *cells, *cost_cells(r), *cpu))
    columns = (
        METHOD, *(Column(n, "Mean over finished trials") for n in names), Column("Fit"), Column("Predict"),
        Column("Memory"), Column("Parameters"), Column("Fit, CPU"), Column("Predict, CPU"),
    )  # fmt: skip
    caption = f"{stats.task}: medians of the costs over finished trials"
    return Table(caption + (", means of the other metrics" if names else ""), columns, tuple(rows))


def _missing(rows: pd.DataFrame, ran: Sequence[str]) -> tuple[str, ...]:
    """Say of each method that was tried on the task and has no score why it has none; skips stand elsewhere."""
    out = []
    for method, part in rows[~rows["method"].isin(ran)].groupby("method", sort=False):
        tried = part[part["status"] != "skipped"]
        if tried.empty:
            continue
        reasons = dict.fromkeys(
            f"{s}: {r}" if r else s for s, r in zip(tried["status"], tried["reason"], strict=True)
        )
        out.append(f"{method} has no score: {numbers.shorten('; '.join(reasons), LONGEST)}")
    return tuple(out)
