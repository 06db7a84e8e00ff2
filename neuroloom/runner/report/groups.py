"""Tasks that may be ranked together: one kind and one problem, with the statistics across them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from neuroloom.runner.report import answer, costs, numbers, pages
from neuroloom.runner.report.model import Cell, Column, Diagram, Group, MethodView, Table, Versus

if TYPE_CHECKING:
    from neuroloom.runner.statistics import Across, Statistics

TITLES = {
    "table": "Tables", "series": "Series", "image": "Images", "tokens": "Texts", "nodes": "Nodes", "links": "Links",
    "graphs": "Graphs", "episodes": "Episodes",
}  # fmt: skip
METHOD = pages.METHOD
SURE = 0.95


def group(
    key: str,
    title: str,
    noun: str,
    tasks: Sequence[int],
    stats: Statistics,
    methods: Mapping[str, MethodView],
    absent: Sequence[str] = (),
) -> Group:
    """Return the group's leaderboard and statistics.

    Args:
        key: its name for links.
        title: its heading.
        noun: what it is called inside a sentence.
        tasks: the numbers of its tasks.
        stats: the statistics over exactly these tasks.
        methods: label -> method, all of the run.
        absent: remarks on methods that ran on none of its tasks.
    """
    across = stats.across
    known = [t.scores.values[~_isnan(t.scores.values)] for t in stats.tasks.values()]
    size = max((abs(float(v)) for k in known if len(k) for v in (k.min(), k.max())), default=1.0)
    decimals = numbers.decimals_for(size) if size > 1.5 else 3
    metric = across.metric
    greater = all(t.scores.greater_is_better for t in stats.tasks.values())
    if len(stats.tasks) == 1:
        plots = costs.of_task(stats.pareto, str(metric), greater, decimals, methods)
    else:
        plots = costs.of_group(stats.leaderboard, stats.pareto, metric, greater, decimals, methods)
    board, bars = _board(stats, methods, metric, decimals)
    return Group(
        key=key,
        title=title,
        noun=noun,
        tasks=tuple(tasks),
        answer=answer.of_group(stats, noun, decimals),
        leader=stats.across.winner.method if stats.across.winner else "",
        board=board,
        bars=bars,
        bar_column=3 if metric else 1,
        statements=_statements(stats),
        diagram=_diagram(across, methods),
        names=tuple(methods[m].number for m in _order(across)) if across.tested else (),
        matrix=_matrix(across, decimals) if across.tested else (),
        pairs=_pairs(across, decimals) if across.tested else None,
        bayes=_bayes(across) if across.bayes["p_better"].notna().any() else None,
        costs=plots,
        sensitivity=_sensitivity(across, methods),
        policy=_policy(stats),
        absent=tuple(absent),
    )


def _isnan(values: Any) -> Any:
    return values != values


def _known(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None


def _order(across: Across) -> list[str]:
    return [str(m) for m in across.ranks["method"] if str(m) in across.common.methods]


def _board(
    stats: Statistics, methods: Mapping[str, MethodView], metric: str | None, decimals: int
) -> tuple[Table, tuple[tuple[float, float, float], ...]]:
    table = stats.leaderboard
    over = next((str(o) for o in table["over"] if isinstance(o, str) and o), "tasks")
    scored = (
        Column("Score", f"Mean {metric}"), Column("95 % interval", f"Of the mean, over {over}"),
    ) if metric else ()  # fmt: skip
    columns = (
        METHOD, Column("Mean rank", "1 is best; bold: the best and what was not told apart from it by a test"), *scored,
        Column("Wins", "Share of comparisons with another method that it wins, ties counting half"),
        Column("Fit", "Wall-clock time of a fit: median of a task’s trials, averaged over tasks"),
        Column("Predict", "Time of predicting the test part, likewise"),
        Column("Memory", "Peak memory, likewise"), Column("Parameters", "Number of fitted numbers, likewise"),
        Column("Tasks", "Tasks that it ran on"), Column("Failed", "Share of its trials that failed or passed a limit"),
    )  # fmt: skip
    spread = {str(r.method): (r.low_rank, r.high_rank) for r in stats.across.ranks.itertuples(index=False)}
    rows, bars = [], []
    for r in table.itertuples(index=False):
        name = str(r.method)
        middle = (
            Cell(numbers.fixed(r.score, decimals), _known(r.score)),
            Cell(numbers.interval(r.low, r.high, decimals) or numbers.DASH, _known(r.low)),
        ) if metric else ()  # fmt: skip
        rows.append((
            Cell(name, tip=str(r.note or ""), method=methods[name].number),
            Cell(numbers.fixed(r.rank, 2), _known(r.rank), best=_leads(stats, r)), *middle,
            Cell(numbers.percent(r.win_percent / 100), _known(r.win_percent)), *pages.cost_cells(r),
            Cell(f"{int(r.tasks)}", float(r.tasks)),
            Cell(numbers.percent(r.failed_percent / 100), _known(r.failed_percent)),
        ))  # fmt: skip
        ends = spread.get(name, (math.nan, math.nan))
        bars.append((r.score, r.low, r.high) if metric else (r.rank, *ends))
    differ = len({t.metric for t in stats.tasks.values()}) > 1
    note = "Scores of different metrics have no common mean; the chart shows mean ranks and their range over tasks."
    notes = (note,) if differ else ()
    order = "best mean score first" if len(stats.tasks) == 1 else "best mean rank first"
    return Table(f"Leaderboard, {order}", columns, tuple(rows), notes), tuple(
        (float(a), float(b), float(c)) for a, b, c in bars
    )


def _leads(stats: Statistics, row: Any) -> bool:
    """Return whether a method is set off: not told apart from the best, or, where nothing is tested, the best."""
    if stats.across.tested or len(stats.tasks) == 1:
        return bool(row.tied)
    return bool(row.rank == stats.leaderboard["rank"].min())


def _statements(stats: Statistics) -> tuple[str, ...]:
    across = stats.across
    out: list[str] = []
    out.append("The task is the unit of every test here, never the seed." if across.tested else across.why)
    out += [str(note) for note in across.notes]
    if across.friedman is not None:
        f = across.friedman
        out.append(
            f"Friedman’s test that all are equal: χ² = {numbers.fixed(f.chi2, 1)} with {f.methods - 1} degrees of "
            f"freedom, p {_p(f.p_chi2)}; in Iman and Davenport’s form F = {numbers.fixed(f.f, 1)}, p {_p(f.p)}."
        )
        out.append(f"Nemenyi’s critical difference of mean ranks is {numbers.fixed(across.nemenyi, 2)}.")
    out += [stats.policy.note] if stats.policy.failed else []
    return tuple(dict.fromkeys(line for line in out if line))


def _policy(stats: Statistics) -> Table | None:
    """Return what depends on how failed trials count, under both policies; None where nothing does."""
    table = stats.policy.table
    if not stats.policy.differs:
        return None
    names = [str(c) for c in table.columns]
    rows = tuple(tuple(Cell(str(v)) for v in row) for row in table.itertuples(index=False))
    heads = {
        "where": "Where",
        "what": "What",
        "worst": "Failed counts as worst",
        "left out": "Failed is left out",
    }
    columns = tuple(Column(heads.get(n, n), number=False) for n in names)
    return Table("What depends on how failed trials count", columns, rows)


def _p(value: float) -> str:
    text = numbers.p_value(value)
    return f"{text[0]} {text[1:]}" if text.startswith("<") else f"= {text}"


def _diagram(across: Across, methods: Mapping[str, MethodView]) -> Diagram | None:
    if not across.tested:
        return None
    names = _order(across)
    rank = {str(r.method): float(r.mean_rank) for r in across.ranks.itertuples(index=False)}
    place = {name: k for k, name in enumerate(names)}
    cliques = tuple(tuple(place[m] for m in clique) for clique in across.cliques)
    return Diagram(
        tuple(names), tuple(rank[n] for n in names), tuple(methods[n].number for n in names), cliques
    )


def _both_ways(across: Across) -> dict[tuple[str, str], tuple[Any, float, bool]]:
    """Return row of the matrix, sign and whether Holm tells them apart, for each ordered pair."""
    apart = {frozenset((str(r.a), str(r.b))): bool(r.apart) for r in across.holm.itertuples(index=False)}
    out = {}
    for r in across.matrix.itertuples(index=False):
        a, b = str(r.a), str(r.b)
        found = apart.get(frozenset((a, b)), False)
        out[a, b], out[b, a] = (r, 1.0, found), (r, -1.0, found)
    return out


def _matrix(across: Across, decimals: int) -> tuple[tuple[Versus | None, ...], ...]:
    names, found = _order(across), _both_ways(across)
    sizes = [abs(float(r.difference)) for r in across.matrix.itertuples(index=False)]
    largest = max((s for s in sizes if math.isfinite(s)), default=0.0)
    return tuple(
        tuple(None if a == b else _versus(a, b, *found[a, b], largest, decimals) for b in names)
        for a in names
    )


def _versus(a: str, b: str, r: Any, sign: float, apart: bool, largest: float, decimals: int) -> Versus:
    wins, losses = (int(r.wins), int(r.losses)) if sign > 0 else (int(r.losses), int(r.wins))
    gap = sign * float(r.difference)
    score = gap / largest if math.isfinite(gap) and largest > 0 else (wins - losses) / max(int(r.tasks), 1)
    shade = round(math.copysign(min(abs(score) ** 0.5, 1.0) * 3, score))
    tip = f"{a} against {b} on {numbers.plural(int(r.tasks), 'task')}: {wins} won, {int(r.ties)} tied, {losses} lost"
    tip += f"\n{r.test}: p = {numbers.p_value(r.p)}" if math.isfinite(float(r.p)) else f"\n{r.why}"
    tip += "\ntold apart after Holm" if apart else "\nnot told apart after Holm"
    return Versus(
        numbers.signed(gap, decimals) if math.isfinite(gap) else "",
        f"{wins}/{int(r.ties)}/{losses}", f"p {numbers.p_value(r.p)}", apart, shade, tip,
    )  # fmt: skip


def _pairs(across: Across, decimals: int) -> Table:
    adjusted = {frozenset((str(r.a), str(r.b))): r for r in across.holm.itertuples(index=False)}
    rows = []
    for r in across.matrix.itertuples(index=False):
        holm = adjusted.get(frozenset((str(r.a), str(r.b))))
        after = float(holm.p_holm) if holm is not None else math.nan
        rows.append((
            Cell(str(r.a)), Cell(str(r.b)), Cell(f"{int(r.tasks)}", float(r.tasks)),
            Cell(numbers.signed(r.difference, decimals), _known(r.difference)),
            Cell(f"{int(r.wins)}/{int(r.ties)}/{int(r.losses)}", float(r.wins) - float(r.losses)),
            Cell(numbers.p_value(r.p), _known(r.p)),
            Cell(numbers.p_value(after), _known(after), best=holm is not None and bool(holm.apart)),
        ))  # fmt: skip
    columns = (
        METHOD, Column("Against", number=False), Column("Tasks"),
        Column("Difference", "Mean over tasks, above 0 being better"),
        Column("Won/tied/lost"), Column("p", "Of this pair alone"),
        Column("p (Holm)", "Adjusted over all pairs of the ranked methods"),
    )  # fmt: skip
    return Table("Every pair of methods across tasks", columns, tuple(rows))


def _bayes(across: Across) -> Table:
    rows = []
    for r in across.bayes.itertuples(index=False):
        shares = [float(v) for v in (r.p_better, r.p_same, r.p_worse)]
        best = [v >= SURE for v in shares]
        cells = [Cell(numbers.percent(v), _known(v), best=b) for v, b in zip(shares, best, strict=True)]
        rows.append((Cell(str(r.a)), Cell(str(r.b), tip=str(r.why or "")), *cells))
    columns = (
        METHOD, Column("Against", number=False),
        Column("Better", "Probability that it is better by more than the region of equivalence"),
        Column("Equivalent"), Column("Worse"),
    )  # fmt: skip
    caption = f"Probability of a difference beyond ±{across.rope:g} (region of practical equivalence); bold from 95 %"
    return Table(caption, columns, tuple(rows))


def _sensitivity(across: Across, methods: Mapping[str, MethodView]) -> Table | None:
    table = across.sensitivity
    if len(table) < 2:
        return None
    names = [str(c) for c in table.columns if c not in ("left_out", "best")]
    names.sort(key=lambda n: float(table[n].iloc[0]))
    rows = []
    for _, r in table.iterrows():
        ranks = [float(r[n]) for n in names]
        least = min((v for v in ranks if math.isfinite(v)), default=math.nan)
        cells = [Cell(numbers.fixed(v, 2), _known(v), best=v == least) for v in ranks]
        rows.append((Cell(str(r["left_out"]) or "none"), *cells))
    columns = (Column("Left out", number=False), *(Column(n) for n in names))
    return Table("Mean ranks with one task left out; best of each row in bold", columns, tuple(rows))
