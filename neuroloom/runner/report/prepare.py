"""From stored results to the values of a report: the one place that decides what a report says."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from neuroloom.runner.report import colours, faults, groups, heat, numbers, origin, pages, panels, record
from neuroloom.runner.report.model import Group, MethodView, ReportData, TaskView

if TYPE_CHECKING:
    import pandas as pd

    from neuroloom.runner.results import Results
    from neuroloom.runner.statistics import Statistics

MOST_SETTINGS = 4
SEEDS = ("random_state", "seed")


def prepare(results: Results) -> ReportData:
    """Return everything that the renderers print."""
    from neuroloom.runner.statistics import analyse

    frame, meta = results.frame(), results.meta
    main = results.main()
    methods = _methods(main, results.methods, meta)
    by_name = {m.name: m for m in methods}
    parts = _partition(main)
    found = {key: analyse(_only(results, frame, tasks)) for key, tasks in parts.items()}
    views = _tasks(results, found, frame, by_name)
    made = _groups(parts, found, results, by_name, {v.name: v.number for v in views})
    failed = faults.failures(main)
    ordered = _by_rank(methods, made)
    return ReportData(
        title=str(meta.get("name") or "Results"),
        answer=_answer(made),
        health=_health(main, meta),
        facts=_head(main, meta),
        methods=methods,
        groups=made,
        coverage=heat.coverage(_coverage(found), views, ordered),
        tasks=views,
        failures=failed,
        skips=faults.skips(main),
        reproduce=origin.reproduce(meta),
        config=str(meta.get("config") or ""),
        policy=tuple(dict.fromkeys(s.policy.note for s in found.values() if s.policy.note)) if failed else (),
        versions=origin.versions(meta),
        splits=origin.splits(main, [v.name for v in views], meta),
        trials=record.trials(main, views, methods),
        frame=frame,
    )


def _only(results: Results, frame: pd.DataFrame, tasks: Sequence[str]) -> Results:
    """Return the results of some tasks, without their curves."""
    return type(results)(frame[frame["task"].isin(tasks)], None, results.meta)


def _methods(main: pd.DataFrame, names: Sequence[str], meta: Mapping[str, Any]) -> tuple[MethodView, ...]:
    about = meta.get("methods") or {}
    rooms = [str((about.get(name) or {}).get("room") or "other") for name in names]
    looks = colours.styles(rooms)
    parts = {str(m): part for m, part in main.groupby("method", sort=False)}
    settings = {m: _settings(part) for m, part in parts.items()}
    expressions = main.drop_duplicates("method").set_index("method")["expression"]
    out = []
    for number, name in enumerate(names):
        known = about.get(name) or {}
        out.append(MethodView(
            number, name, str(known.get("expression") or expressions.get(name) or name), looks[number].room,
            str(known.get("title") or ""), settings.get(name, ()),
            tuple(dict.fromkeys([*(str(n) for n in known.get("notes") or []), *_batches(parts[name])])),
            str(known.get("tuned_from") or ""), looks[number],
        ))  # fmt: skip
    return tuple(out)


def _batches(part: pd.DataFrame) -> tuple[str, ...]:
    """Return what a method gained by being fitted several at a time, task by task, if it was."""
    said = []
    for task, rows in part[part["status"] == "done"].groupby("task", sort=False):
        together, alone = rows[rows["batched"] > 1], rows[rows["batched"] == 1]
        if len(together) and len(alone):
            share, single = together["fit_seconds"].median(), alone["fit_seconds"].median()
            said.append(f"{task} {numbers.seconds(share)} ({numbers.seconds(single)} alone)")
    most = int(part["batched"].max())
    return (
        (f"Up to {most} fits at a time, the share of each being its fit time: {'; '.join(said)}.",)
        if said
        else ()
    )


def _settings(part: pd.DataFrame) -> tuple[str, ...]:
    """Return the different parameters of a method's trials as indented JSON, their seeds and what a search chose left
    out.
    """
    seen: dict[str, None] = {}
    for text in part["settings"].unique():
        try:
            value = json.loads(text) if text else {}
        except ValueError:
            value = {"settings": text}
        if isinstance(value, dict):
            value = {
                k: v for k, v in value.items() if k.rsplit("__", 1)[-1] not in SEEDS and k != "best_params"
            }
        if value:
            seen[json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True)] = None
    shown = list(seen)
    if len(shown) > MOST_SETTINGS:
        left = len(shown) - MOST_SETTINGS
        shown = [*shown[:MOST_SETTINGS], f"… and {numbers.plural(left, 'more set')}, all in results.csv"]
    return tuple(shown)


def _partition(main: pd.DataFrame) -> dict[tuple[str, str], list[str]]:
    """Return the tasks of each kind and problem, those with most tasks first."""
    out: dict[tuple[str, str], list[str]] = {}
    for row in main.drop_duplicates("task")[["task", "kind", "problem"]].itertuples(index=False):
        out.setdefault((str(row.kind), str(row.problem)), []).append(str(row.task))
    return dict(sorted(out.items(), key=lambda item: -len(item[1])))


def _tasks(
    results: Results,
    found: Mapping[tuple[str, str], Statistics],
    frame: pd.DataFrame,
    methods: Mapping[str, MethodView],
) -> tuple[TaskView, ...]:
    about = results.meta.get("tasks") or {}
    points = panels.points_for(results.curves)
    rows = dict(tuple(frame.groupby("task", sort=False)))
    empty = results.curves.iloc[:0]
    drawn = dict(tuple(results.curves.groupby("task", sort=False))) if len(results.curves) else {}
    sized = dict(tuple(results.fronts.groupby("task", sort=False))) if len(results.fronts) else {}
    rested = dict(tuple(results.importances.groupby("task", sort=False))) if len(results.importances) else {}
    held: dict[str, dict[str, dict[int, list[Any]]]] = {}
    for (task, method, seed, _), records in results.beliefs.items():
        held.setdefault(task, {}).setdefault(method, {}).setdefault(seed, []).append(records)
    mapped, confused = _by_method(results.maps), _by_method(results.confusions)
    looked, traced = _by_method(results.attention), _by_method(results.traces)
    evolved: dict[str, dict[str, dict[tuple[int, int], Any]]] = {}
    for (task, method, seed, fold), one in results.networks.items():
        evolved.setdefault(task, {}).setdefault(method, {})[seed, fold] = one
    within = [
        (stats, part.pareto, len(part.tasks) == 1) for part in found.values() for stats in part.tasks.values()
    ]
    return tuple(
        pages.view(
            number, stats, rows[stats.task], drawn.get(stats.task, empty), pareto[pareto["task"] == stats.task],
            methods, about.get(stats.task) or {}, points, sized.get(stats.task, results.fronts.iloc[:0]),
            held.get(stats.task, {}), rested.get(stats.task, results.importances.iloc[:0]),
            mapped.get(stats.task, {}), evolved.get(stats.task, {}), confused.get(stats.task, {}),
            looked.get(stats.task, {}), traced.get(stats.task, {}), alone, results.meta.get("confidence"),
        )
        for number, (stats, pareto, alone) in enumerate(within)
    )  # fmt: skip


def _by_method(
    of_trials: Mapping[tuple[str, str, int, int], Any],
) -> dict[str, dict[str, list[Any]]]:
    """Return what there is of trials by task and method."""
    found: dict[str, dict[str, list[Any]]] = {}
    for (task, method, _, _), one in of_trials.items():
        found.setdefault(task, {}).setdefault(method, []).append(one)
    return found


def _groups(
    parts: Mapping[tuple[str, str], Sequence[str]],
    found: Mapping[tuple[str, str], Statistics],
    results: Results,
    methods: Mapping[str, MethodView],
    number: Mapping[str, int],
) -> tuple[Group, ...]:
    main = results.main()
    out = []
    for (kind, problem), tasks in parts.items():
        title = groups.TITLES.get(kind, kind.capitalize() or "Tasks")
        noun = title.lower()
        if problem and sum(k == kind for k, _ in parts) > 1:
            title, noun = f"{title} · {problem}", f"{kind} {problem}"
        key = re.sub(r"[^a-z0-9]+", "-", f"{kind} {problem}".lower()).strip("-") or "all"
        rows = main[main["task"].isin(tasks)]
        absent = _absent(rows)
        places = [number[t] for t in tasks]
        out.append(groups.group(key, title, noun, places, found[kind, problem], methods, absent))
    return tuple(out)


def _absent(rows: pd.DataFrame) -> tuple[str, ...]:
    """Say which methods have no finished trial on any of the tasks, and why."""
    done = set(rows.loc[rows["status"] == "done", "method"])
    left = rows[~rows["method"].isin(done)]
    if left.empty:
        return ()
    unfit = [str(m) for m, part in left.groupby("method", sort=False) if (part["status"] == "skipped").all()]
    broke = [str(m) for m in dict.fromkeys(left["method"]) if m not in unfit]
    out = [f"Not run on these tasks, since they do not fit: {numbers.listing(unfit, 30)}."] if unfit else []
    out += [f"Without a finished trial on these tasks: {numbers.listing(broke, 30)}."] if broke else []
    return tuple(out)


def _coverage(found: Mapping[tuple[str, str], Statistics]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat([s.coverage for s in found.values()], ignore_index=True)


def _by_rank(methods: Sequence[MethodView], made: Sequence[Group]) -> list[MethodView]:
    """Order methods as the first leaderboard that has them does; those in none come last."""
    place: dict[int, int] = {}
    for part in made:
        for row in part.board.rows:
            place.setdefault(row[0].method, len(place))
    return sorted(methods, key=lambda m: place.get(m.number, len(place) + m.number))


def _answer(made: Sequence[Group]) -> str:
    if len(made) == 1:
        return made[0].answer
    leads: dict[str, list[str]] = {}
    for part in made:
        if part.leader:
            leads.setdefault(part.leader, []).append(part.noun)
    if not leads:
        return "No trial of this run was done, so there is nothing to compare."
    words = [f"{name} on {numbers.listing(kinds, 12)}" for name, kinds in leads.items()]
    return f"Best by mean rank: {'; '.join(words)}."


def _health(main: pd.DataFrame, meta: Mapping[str, Any]) -> str:
    counts = main["status"].value_counts()
    skipped = int(counts.get("skipped", 0))
    planned = max(int(meta.get("planned") or 0), len(main)) - skipped
    done = int(counts.get("done", 0))
    parts = [f"{done:,} of {planned:,} trials ok"]
    words = {"failed": "failed", "timeout": "timed out", "memory": "out of memory", "killed": "killed"}
    parts += [f"{int(counts[s]):,} {word}" for s, word in words.items() if counts.get(s)]
    waiting = planned - (len(main) - skipped)
    parts += [f"{waiting:,} not run yet"] if waiting > 0 else []
    parts += [f"{skipped:,} skipped because method and task do not fit"] if skipped else []
    return " · ".join(parts)


def _head(main: pd.DataFrame, meta: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    ran = main[main["status"] != "skipped"]
    cells = ran[["task", "seed", "fold"]].drop_duplicates().groupby("task").size()
    facts = [("Tasks", f"{main['task'].nunique():,}"), ("Methods", f"{main['method'].nunique():,}")]
    if len(cells):
        low, high = int(cells.min()), int(cells.max())
        facts.append(("Trials a pair", f"{low}" if low == high else f"{low} to {high}"))
    spent = float(ran[["fit_seconds", "predict_seconds"]].sum().sum())
    if spent > 0:
        facts.append(("Time in trials", numbers.seconds(spent)))
    if meta.get("seconds") is not None:
        facts.append(("Run took", numbers.seconds(float(meta["seconds"]))))
    if meta.get("started"):
        facts.append(("Started", str(meta["started"])[:16].replace("T", " ")))
    return tuple(facts)
