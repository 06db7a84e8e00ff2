"""What changed between two runs: better, worse, slower, newly failing, new and missing.

A pairing of task and method that both runs hold is a *cell*. Its trials are paired by seed and fold where the splits
are the same rows of the same data, and tested by the corrected resampled t-test; otherwise by Welch's test with the
same correction. All cells are adjusted together by Holm, so a run compared with its own repetition shows a false change
with a probability of ``alpha`` at most; the speed of all cells likewise, in a family of its own.
"""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_float

if TYPE_CHECKING:
    import pandas as pd

    from neuroloom.runner.results import Results
    from neuroloom.runner.statistics.scores import TaskScores

Floats = NDArray[np.float64]
FEWEST_SECONDS = 0.01
"""Fits below this many CPU seconds in both runs are too short to judge their speed."""
COLUMNS = (
    *(
        "task",
        "method",
        "metric",
        "test",
        "n",
        "mean_a",
        "mean_b",
        "gain",
        "low",
        "high",
        "p",
        "p_holm",
        "verdict",
    ),
    *("seconds_a", "seconds_b", "ratio", "ratio_low", "ratio_high", "p_slower", "p_faster", "speed"),
    *("newly_failed", "why"),
)


@dataclass(frozen=True)
class Regression:
    """One thing that became worse: ``what`` is ``score``, ``speed`` or ``failure``; ``text`` says it in a line."""

    task: str
    method: str
    what: str
    text: str


@dataclass(frozen=True, eq=False)
class Comparison:
    """What changed from run ``a`` to run ``b``.

    Args:
        a, b: names of the runs.
        cells: one row a cell: ``task, method, metric, test`` (``paired``, ``unpaired`` or empty), ``n`` (pairs, or
            trials of ``b``), ``mean_a, mean_b, gain`` (above 0: ``b`` is better), its interval ``low, high``, ``p,
            p_holm, verdict`` (``better, worse, same, untested``); median CPU seconds of a fit ``seconds_a, seconds_b``,
            their ``ratio`` (above 1: ``b`` is slower) with the interval ``ratio_low, ratio_high``, ``p_slower,
            p_faster`` (Holm), ``speed`` (``slower, faster, same, untested``); ``newly_failed`` trials; ``why`` a value
            is withheld.
        regressions: what became worse, beyond doubt.
        new: pairings in ``b`` only, ``(task, method)``.
        missing: pairings in ``a`` only.
        notes: remarks to print.
    """

    a: str
    b: str
    cells: pd.DataFrame
    regressions: tuple[Regression, ...]
    new: tuple[tuple[str, str], ...]
    missing: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    @property
    def exit_status(self) -> int:
        """3 if anything regressed, else 0."""
        return 3 if self.regressions else 0

    def frame(self) -> pd.DataFrame:
        """Return a copy of ``cells``."""
        return self.cells.copy()

    def text(self, width: int = 80) -> str:
        """Return the comparison as lines of at most ``width`` characters."""
        verdicts, speeds = self.cells["verdict"].value_counts(), self.cells["speed"].value_counts()
        counts = [f"{verdicts.get(name, 0)} {name}" for name in ("better", "worse", "same", "untested")]
        counts += [f"{speeds.get(name, 0)} {name}" for name in ("faster", "slower")]
        lines = [f"{self.a} -> {self.b}: {len(self.cells)} cells, {', '.join(counts)}"]
        better = self.cells[self.cells["verdict"] == "better"]
        sections = {
            "Regressions": [r.text for r in self.regressions],
            "Better": [_score_text(row) for row in better.to_dict("records")],
            "Faster": [
                _speed_text(row) for row in self.cells[self.cells["speed"] == "faster"].to_dict("records")
            ],
            "New": _pairings(self.new),
            "Missing": _pairings(self.missing),
            "Notes": list(self.notes),
        }
        for title, entries in sections.items():
            if entries:
                lines += ["", title, *(f"  {entry}" for entry in entries)]
        if not self.regressions:
            lines += ["", "No significant regression."]
        wrapped = [textwrap.wrap(line, width, subsequent_indent=" " * 4) or [""] for line in lines]
        return "\n".join(part for parts in wrapped for part in parts)


def compare(
    a: Results, b: Results, *, alpha: float = 0.05, threshold: float = 1.25, failures: bool = True
) -> Comparison:
    """Compare two runs.

    Args:
        a: the earlier run, or the reference.
        b: the later run.
        alpha: level of both families of tests.
        threshold: ratio of CPU seconds, above 1, from which a change of speed matters.
        failures: whether trials that were done in ``a`` and failed in ``b`` are regressions.

    Raises:
        InputError: ``alpha`` or ``threshold`` is out of its range.
    """
    from neuroloom.runner.statistics.holm import holm_adjust

    check_float("alpha", alpha, 0.0, 1.0, open_low=True, open_high=True)
    check_float("threshold", threshold, 1.0)
    there = [_pairs_of(run) for run in (a, b)]
    shared = [pair for pair in there[0] if pair in there[1]]
    records = []
    for task in dict.fromkeys(task for task, _ in shared):
        records += _task(a, b, task, [method for name, method in shared if name == task], alpha, threshold)
    cells = _cells(records)
    cells["p_holm"] = holm_adjust(cells["p"])
    cells["verdict"] = [_verdict(row, alpha) for row in cells.to_dict("records")]
    both = holm_adjust(np.concatenate([cells["p_slower"], cells["p_faster"]]))
    cells["p_slower"], cells["p_faster"] = both[: len(cells)], both[len(cells) :]
    cells["speed"] = [_speed(row, alpha) for row in cells.to_dict("records")]
    elsewhere = _other_machine(a, b)
    return Comparison(
        a=str(a.meta.get("name", "A")),
        b=str(b.meta.get("name", "B")),
        cells=cells,
        regressions=tuple(_regressions(cells, speed=not elsewhere, failures=failures)),
        new=tuple(pair for pair in there[1] if pair not in there[0]),
        missing=tuple(pair for pair in there[0] if pair not in there[1]),
        notes=tuple(_notes(cells, elsewhere)),
    )


def _cells(records: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the records as a frame, with NaN and empty texts where they say nothing."""
    import pandas as pd

    table = pd.DataFrame(records, columns=list(COLUMNS))
    texts = ("task", "method", "metric", "test", "verdict", "speed", "why")
    for name in COLUMNS:
        if name in texts:
            table[name] = table[name].astype(object).where(table[name].notna(), "")
        else:
            whole = name in ("n", "newly_failed")
            table[name] = table[name].fillna(0).astype("int64") if whole else table[name].astype("float64")
    return table


def _pairs_of(run: Results) -> list[tuple[str, str]]:
    """Return the pairings of task and method that a run tried, in its order."""
    rows = run.main()
    rows = rows[rows["status"] != "skipped"]
    return list(dict.fromkeys(zip(rows["task"], rows["method"], strict=True)))


def _task(
    a: Results, b: Results, task: str, methods: list[str], alpha: float, threshold: float
) -> list[dict[str, Any]]:
    """Return the records of one task's cells."""
    from neuroloom.runner.statistics.scores import task_scores

    scores = task_scores(a, task, "left out"), task_scores(b, task, "left out")
    prints = [run.meta.get("tasks", {}).get(task, {}).get("fingerprint") for run in (a, b)]
    same_data = prints[0] == prints[1] or None in prints
    rows = [run.main_of(task) for run in (a, b)]
    records = []
    for method in methods:
        own = [part[part["method"] == method].set_index(["seed", "fold"]).sort_index() for part in rows]
        common = own[0].index.intersection(own[1].index)
        left, right = own[0].loc[common], own[1].loc[common]
        failed = (left["status"] == "done") & ~right["status"].isin(["done", "skipped"])
        record = {
            "task": task,
            "method": method,
            "metric": scores[0].metric,
            "newly_failed": int(failed.sum()),
        }
        if scores[0].metric != scores[1].metric:
            record |= {
                "test": "",
                "why": f"the main metric was {scores[0].metric} and is now {scores[1].metric}",
            }
        else:
            same_split = common[left["split"].to_numpy() == right["split"].to_numpy()]
            record |= _score(scores, method, same_split, same_data, alpha)
        records.append(record | _seconds(left, right, threshold, alpha))
    return records


def _score(
    scores: tuple[TaskScores, TaskScores], method: str, same_split: pd.Index, same_data: bool, alpha: float
) -> dict[str, Any]:
    """Return test, means, gain and p-value of one cell."""
    first, second = (one.values[:, one.methods.index(method)] for one in scores)
    places = [{cell: i for i, cell in enumerate(one.cells)} for one in scores]
    couples = [(places[0][cell], places[1][cell]) for cell in same_split] if same_data else []
    couples = [(i, j) for i, j in couples if not np.isnan(first[i] + second[j])]
    found = {"mean_a": _mean(first), "mean_b": _mean(second)}
    if np.isnan(list(found.values())).any():
        return {**found, "test": "", "n": 0, "why": "no score in one of the runs"}
    if couples:
        return found | _paired(scores[0], first, second, couples, alpha)
    why = "unpaired: " + ("the splits differ" if same_data else "the data changed")
    return found | {"test": "unpaired"} | _unpaired(scores, first, second, why, alpha)


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan


def _paired(
    scores: TaskScores, first: Floats, second: Floats, couples: list[tuple[int, int]], alpha: float
) -> dict[str, Any]:
    """Return the corrected resampled t-test over the splits that both runs have."""
    columns, size = np.full((len(scores.cells), 1), np.nan), 0.0
    for i, j in couples:
        columns[i, 0] = scores.sign * (second[j] - first[i])
        size = max(size, abs(first[i]), abs(second[j]))
    test = scores.test(columns, np.array([size]))
    low, high = test.interval(1 - alpha)
    why = ""
    if np.isnan(test.p[0]):
        why = "a single pair" if len(couples) == 1 else "the sizes of training and test parts are unknown"
    left, right = (x[[couple[side] for couple in couples]] for side, x in enumerate((first, second)))
    return {
        "mean_a": float(left.mean()),
        "mean_b": float(right.mean()),
        "test": "paired",
        "n": len(couples),
        "gain": float(test.mean[0]),
        "low": float(low[0]),
        "high": float(high[0]),
        "p": float(test.p[0]),
        "why": why,
    }


def _unpaired(
    scores: tuple[TaskScores, TaskScores], first: Floats, second: Floats, why: str, alpha: float
) -> dict[str, Any]:
    """Return Welch's test with the correction for shared training data."""
    from neuroloom.runner.statistics.corrected_welch import corrected_welch_test

    values = [scores[0].sign * x[~np.isnan(x)] for x in (first, second)]
    ratios = [_mean(one.ratios) for one in scores]
    test = corrected_welch_test(values[0], values[1], (ratios[0], ratios[1]), 1 - alpha)
    if math.isnan(test.p):
        few = min(len(x) for x in values) < 2
        why += "; " + (
            "one score in one of the runs" if few else "no variance to test the difference against"
        )
    gain = {"gain": test.difference, "low": test.low, "high": test.high, "p": test.p}
    return {**gain, "n": len(values[1]), "why": why}


def _seconds(left: pd.DataFrame, right: pd.DataFrame, threshold: float, alpha: float) -> dict[str, Any]:
    """Return how the CPU seconds of the fits that both runs finished compare."""
    from neuroloom.runner.statistics.speed import compare_seconds

    first = left["fit_cpu_seconds"].to_numpy(dtype=np.float64)
    second = right["fit_cpu_seconds"].to_numpy(dtype=np.float64)
    usable = (
        (first > 0) & (second > 0) & ((left["batched"] > 1).to_numpy() == (right["batched"] > 1).to_numpy())
    )
    usable &= (left["status"] == "done").to_numpy() & (right["status"] == "done").to_numpy()
    if not usable.any():
        return {}
    medians = {"seconds_a": float(np.median(first[usable])), "seconds_b": float(np.median(second[usable]))}
    speed = compare_seconds(first[usable], second[usable], threshold, 1 - alpha)
    found = {**medians, "ratio": speed.ratio, "ratio_low": speed.low, "ratio_high": speed.high}
    if max(medians.values()) < FEWEST_SECONDS:
        return found
    return {**found, "p_slower": speed.p_slower, "p_faster": speed.p_faster}


def _verdict(row: dict[str, Any], alpha: float) -> str:
    if math.isnan(row["p_holm"]):
        return "untested"
    if row["p_holm"] > alpha:
        return "same"
    return "better" if row["gain"] > 0 else "worse"


def _speed(row: dict[str, Any], alpha: float) -> str:
    if math.isnan(row["p_slower"]):
        return "untested"
    if row["p_slower"] <= alpha:
        return "slower"
    return "faster" if row["p_faster"] <= alpha else "same"


def _regressions(cells: pd.DataFrame, speed: bool, failures: bool) -> list[Regression]:
    """Return what became worse, scores first, then failures, then speed."""
    rows = cells.to_dict("records")
    found = [
        Regression(r["task"], r["method"], "score", _score_text(r)) for r in rows if r["verdict"] == "worse"
    ]
    if failures:
        found += [
            Regression(
                r["task"],
                r["method"],
                "failure",
                f"{r['task']} / {r['method']}: {r['newly_failed']} trials that were done now fail",
            )
            for r in rows
            if r["newly_failed"]
        ]
    if speed:
        found += [
            Regression(r["task"], r["method"], "speed", _speed_text(r))
            for r in rows
            if r["speed"] == "slower"
        ]
    return found


def _score_text(row: dict[str, Any]) -> str:
    """Return a changed score in a line."""
    over = f"{row['n']} pairs" if row["test"] == "paired" else f"{row['n']} trials, unpaired"
    return (
        f"{row['task']} / {row['method']}: {row['metric']} {row['mean_a']:.4g} -> {row['mean_b']:.4g}, gain "
        f"{row['gain']:+.3g} ({row['low']:+.3g} to {row['high']:+.3g}), p {row['p_holm']:.2g} after Holm, {over}"
    )


def _speed_text(row: dict[str, Any]) -> str:
    """Return a changed speed in a line."""
    text = (
        f"{row['task']} / {row['method']}: fit {row['seconds_a']:.3g} -> {row['seconds_b']:.3g} CPU-s, "
        f"ratio {row['ratio']:.2f}"
    )
    if not math.isnan(row["ratio_low"]):
        text += f" ({row['ratio_low']:.2f} to {row['ratio_high']:.2f})"
    return text


def _pairings(pairs: tuple[tuple[str, str], ...]) -> list[str]:
    """Return pairings as one line a task."""
    by_task: dict[str, list[str]] = {}
    for task, method in pairs:
        by_task.setdefault(task, []).append(method)
    return [f"{task}: {', '.join(methods)}" for task, methods in by_task.items()]


def _other_machine(a: Results, b: Results) -> str:
    """Return in what the machines of two runs differ, an empty text if in nothing that is known."""
    differing = [
        f"{name} {a.meta[name]} and {b.meta[name]}"
        for name in ("cpu", "cores", "threads")
        if name in a.meta and name in b.meta and a.meta[name] != b.meta[name]
    ]
    return "; ".join(differing)


def _notes(cells: pd.DataFrame, elsewhere: str) -> list[str]:
    """Return remarks on what could not be compared."""
    notes = []
    if elsewhere:
        notes.append(f"The machines differ ({elsewhere}), so a slower fit does not count as a regression.")
    for why, group in cells[cells["why"] != ""].groupby("why", sort=False):
        notes.append(f"{len(group)} of {len(cells)} cells: {why}.")
    short = int((cells["ratio"].notna() & cells["p_slower"].isna()).sum())
    if short:
        notes.append(
            f"{short} of {len(cells)} cells: fits below {FEWEST_SECONDS:g} CPU-s, too short to judge speed."
        )
    return notes
