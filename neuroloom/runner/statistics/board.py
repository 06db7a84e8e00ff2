"""The leaderboard: one row a method, with rank, score, wins, costs and failures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from neuroloom.runner.results import MEASURED, Results
from neuroloom.runner.statistics.across import Across
from neuroloom.runner.statistics.matrix import mean_interval
from neuroloom.runner.statistics.scores import FAILED
from neuroloom.runner.statistics.within import TaskStatistics

COLUMNS = (
    *("method", "rank", "score", "low", "high", "over", "win_percent", "tied", "tasks"),
    *MEASURED,
    *("parameters", "trials", "failed_percent", "note"),
)


def leaderboard(results: Results, across: Across, within: Mapping[str, TaskStatistics]) -> pd.DataFrame:
    """Return the leaderboard with the columns of ``COLUMNS``, best first, methods without a rank last.

    With one task, ``rank`` (mean over its splits), ``score`` and interval are those of the task, best mean first; with
    several, those of the comparison across the common tasks, best mean rank first, intervals over tasks. ``over`` says
    what the interval is over, ``tied`` whether the method is in the winner's group, ``note`` why a value is missing.
    Costs are medians over the finished trials of a task, averaged over the common tasks for a ranked method, else over
    all it ran on.
    """
    single = next(iter(within.values())) if len(within) == 1 else None
    rows = results.main()
    rows = rows[rows["task"].isin(list(within)) & (rows["status"] != "skipped")]
    ranked = set(across.ranks["method"])
    order = list(single.methods["method"]) if single is not None else list(across.ranks["method"])
    order += [name for name in sorted(set(rows["method"])) if name not in order]
    records = []
    for name in order:
        own = rows[rows["method"] == name]
        counted = own[own["task"].isin(across.common.tasks)] if name in ranked else own
        done = counted[counted["status"] == "done"].astype({"parameters": "float64"})
        records.append(
            {
                "method": name,
                **(_of_task(single, name) if single is not None else _of_all(across, name)),
                "tasks": own["task"].nunique(),
                **done.groupby("task")[[*MEASURED, "parameters"]].median().mean().to_dict(),
                "trials": len(own),
                "failed_percent": 100 * float(own["status"].isin(FAILED).mean()),
            }
        )
    return pd.DataFrame(records, columns=list(COLUMNS))


def _of_task(task: TaskStatistics, method: str) -> dict[str, object]:
    """Return a method's place on the only task."""
    row = task.methods[task.methods["method"] == method].iloc[0]
    gains, column = task.scores.gains, task.scores.methods.index(method)
    lead = gains[:, [column]] - np.delete(gains, column, axis=1)
    lead = lead[~np.isnan(lead)]
    return {
        "rank": float(row["rank"]),
        "score": float(row["mean"]),
        "low": float(row["low"]),
        "high": float(row["high"]),
        "over": task.over,
        "win_percent": 50 * float((np.sign(lead) + 1).mean()) if len(lead) else np.nan,
        "tied": bool(row["tied"]),
        "note": str(row["note"]),
    }


def _of_all(across: Across, method: str) -> dict[str, object]:
    """Return a method's place across the common tasks."""
    place = across.ranks[across.ranks["method"] == method]
    unknown = {"rank": np.nan, "score": np.nan, "low": np.nan, "high": np.nan, "over": "tasks"}
    if place.empty:
        count = across.common.others.get(method, 0)
        note = (
            "no trial was done"
            if not across.common.tasks
            else f"ran on {count} of the {len(across.common.tasks)} common tasks, so it is not ranked"
        )
        return {**unknown, "win_percent": np.nan, "tied": False, "note": note}
    row = place.iloc[0]
    winner = across.winner
    found = {**unknown, "rank": float(row["mean_rank"]), "win_percent": float(row["win_percent"])}
    found["tied"] = winner is not None and method in (winner.method, *winner.tied)
    found["note"] = "" if across.metric is not None else "no mean score: the tasks have different metrics"
    if across.metric is not None:
        low, high = mean_interval(across.table[method].to_numpy(dtype=np.float64), across.alpha)
        low, high = np.clip([low, high], *across.bounds)
        found |= {"score": float(row["mean"]), "low": float(low), "high": float(high)}
    return found
