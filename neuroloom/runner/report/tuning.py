"""What tuning brings on a task: each method as it is against its tuned form."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from neuroloom.runner.report import numbers
from neuroloom.runner.report.model import Cell, Column, MethodView, Table

if TYPE_CHECKING:
    import pandas as pd

    from neuroloom.runner.statistics import Difference, TaskStatistics

_LONGEST = 60


def view(
    stats: TaskStatistics,
    rows: pd.DataFrame,
    ran: Sequence[str],
    methods: Mapping[str, MethodView],
    decimals: int,
) -> Table | None:
    """Return a table with a row for each tuned method whose plain form ran, too; None without any.

    Args:
        stats: comparison within the task.
        rows: the task's rows of the main metric.
        ran: methods with a finished trial, the best first.
        methods: label -> method.
        decimals: of scores.
    """
    from neuroloom.runner.statistics import Difference

    pairs = [(methods[m].base, m) for m in ran if methods[m].base in ran]
    if not pairs:
        return None
    means = {str(r.method): r for r in stats.methods.itertuples(index=False)}
    gaps = {}
    for row in stats.pairs.to_dict("records"):
        found = Difference(**row)
        gaps[found.a, found.b] = found
        gaps[found.b, found.a] = found.turned()
    made = []
    for base, tuned in pairs:
        gap = gaps.get((tuned, base))
        plain, searched = means[base], means[tuned]
        spent = float(searched.fit_seconds) / max(float(plain.fit_seconds), 1e-9)
        apart = gap is not None and gap.apart and gap.mean > 0
        made.append((
            Cell(base, method=methods[base].number),
            Cell(numbers.fixed(plain.mean, decimals), float(plain.mean)),
            Cell(numbers.fixed(searched.mean, decimals), float(searched.mean), best=apart),
            *_gap_cells(gap, decimals),
            Cell(numbers.seconds(plain.fit_seconds), float(plain.fit_seconds)),
            Cell(numbers.seconds(searched.fit_seconds), float(searched.fit_seconds), f"{spent:,.0f} times as long"),
            Cell(_chosen(rows[rows["method"] == tuned])),
        ))  # fmt: skip
    columns = (
        Column("Method", number=False),
        Column("As it is", f"Mean {stats.metric} over trials"),
        Column("Tuned", "The same of the tuned form; bold where the difference was told from none"),
        Column("Difference", "Mean paired difference, above 0 being better tuned"),
        Column("95 % interval", "Of that difference"),
        Column("p", "Corrected resampled t-test of that difference, after Holm over all pairs"),
        Column("Fit", "Median wall-clock time of a fit"),
        Column("Tuned fit", "The same of a search and what is fitted after it"),
        Column(
            "Chosen", "By the search in most trials, where it left the parameters as they were", number=False
        ),
    )
    return Table(f"{stats.task}: {stats.metric} as it is and tuned", columns, tuple(made))


def _gap_cells(gap: Difference | None, decimals: int) -> tuple[Cell, Cell, Cell]:
    """Return difference, interval and p."""
    if gap is None or not math.isfinite(gap.mean):
        return Cell(numbers.DASH), Cell(numbers.DASH), Cell(numbers.DASH)
    return (
        Cell(numbers.signed(gap.mean, decimals), gap.mean),
        Cell(numbers.interval(gap.low, gap.high, decimals) or numbers.DASH),
        Cell(numbers.p_value(gap.p_holm), gap.p_holm if math.isfinite(gap.p_holm) else None, gap.why),
    )


def _chosen(rows: pd.DataFrame) -> str:
    """Return the parameters chosen: numbers as their median, others as the most frequent, what stayed left out."""
    found: dict[str, list[Any]] = {}
    trials = 0
    for text in rows.loc[rows["status"] == "done", "settings"]:
        params = (json.loads(text) if text else {}).get("best_params")
        if params is None:
            continue
        trials += 1
        for path, value in params.items():
            found.setdefault(path, []).append(value)
    stayed = trials - max((len(values) for values in found.values()), default=0)
    shared = Counter(_short(path) for path in found)
    said = [
        f"{_short(path) if shared[_short(path)] == 1 else path.replace('__', ' ')} {_typical(values)}"
        for path, values in found.items()
    ]
    if not said:
        return "as it is" if trials else ""
    text = ", ".join(said)
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return f"{text} (as it is in {stayed} of {trials})" if stayed else text


def _short(path: str) -> str:
    return path.rsplit("__", 1)[-1]


def _typical(values: Sequence[Any]) -> str:
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        middle = sorted(values)[len(values) // 2]
        return f"{middle:.3g}"
    return str(Counter(json.dumps(v) for v in values).most_common(1)[0][0]).strip('"')
