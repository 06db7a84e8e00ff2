"""From a config to the list of trials: every pairing of task and method, in complete rounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuroloom.core.errors import InputError
from neuroloom.methods import Recipe, Skip, find, recipe, step_params
from neuroloom.methods.method import EXPLAINED, LEARNED
from neuroloom.methods.ranges import read_range
from neuroloom.runner.config import Config, Entry, Source, entries, with_whole_paths
from neuroloom.runner.trial import Trial
from neuroloom.runner.tuning import time_limit, trial_params, why_not_tuned, with_tuned
from neuroloom.tasks import METRICS, Task, open_task


@dataclass(frozen=True)
class Plan:
    """What a bench will do.

    Args:
        trials: all trials, those to be skipped included, round by round: in a round each method meets one split of
            each task, so a bench that is stopped is complete up to a round.
        tasks: what the report says of each task, by name.
        methods: what the report says of each method, by label.
    """

    trials: list[Trial]
    tasks: dict[str, dict[str, Any]]
    methods: dict[str, dict[str, Any]]


def make_plan(config: Config, source: Source, data_dir: str | Path | None = None) -> Plan:
    """Return the plan of a config.

    Raises:
        InputError: a task, method or parameter does not exist, is named twice, or its data are missing; says where.
    """
    tasks = _open_tasks(config, source, data_dir)
    methods = _check_entries(config, source)
    pairs: dict[tuple[str, str], Recipe | Skip] = {}
    for task in tasks:
        for entry in methods:
            pairs[task.name, entry.label] = _pair(task, entry, config, source)
    _check_some_fit(pairs, source)
    trials: list[Trial] = []
    for task in tasks:
        data = task.fingerprint()
        for round_, (seed, fold) in enumerate(task.cells(config.seeds, config.folds)[: config.rounds]):
            for entry in methods:
                found = pairs[task.name, entry.label]
                if isinstance(found, Skip) and round_ > 0:
                    continue  # one row says why
                trials.append(_trial(config, task, data, entry, found, seed, fold))
    order = {task.name: i for i, task in enumerate(tasks)}
    trials.sort(key=lambda t: (t.seed, t.fold, order[t.task_name]))  # stable: methods keep their order
    return Plan(
        trials,
        {task.name: _describe_task(task) for task in tasks},
        {entry.label: _describe_method(entry, tasks, pairs, config) for entry in methods},
    )


def _open_tasks(config: Config, source: Source, data_dir: str | Path | None) -> list[Task]:
    named: list[tuple[Any, tuple[str | int, ...]]] = [
        (name, ("tasks", i)) for i, name in enumerate(config.tasks)
    ]
    named += [(own.model_dump(), ("task", i)) for i, own in enumerate(with_whole_paths(config, source).task)]
    if not named:
        raise source.error((), "names no task; add `tasks = [...]` or a [[task]] table.")
    found: list[Task] = []
    for spec, loc in named:
        try:
            task = open_task(spec, data_dir)
        except InputError as error:
            raise source.error(loc, f"cannot be used: {error}") from error
        if task.name in [other.name for other in found]:
            raise source.error(loc, f"names the task {task.name!r} a second time; names must differ.")
        found.append(task)
    return found


def _check_entries(config: Config, source: Source) -> list[Entry]:
    _check_grids(config, source)
    found = entries(config)
    if not found:
        raise source.error((), "names no method; add `methods = [...]`.")
    labels: set[str] = set()
    for entry in found:
        try:
            for name in entry.expression.split("+"):
                find(name.strip())
        except InputError as error:
            loc = ("variant", entry.loc[1], "method") if entry.loc[0] == "variant" else entry.loc
            raise source.error(loc, str(error)) from error
        if entry.label in labels:
            raise source.error(
                entry.loc, f"names the method {entry.label!r} a second time; names must differ."
            )
        labels.add(entry.label)
    found = with_tuned(found, config.tune)
    _check_tune(config, source, found)
    labels = {entry.label for entry in found}
    used = {name for entry in found for name in (entry.expression, *entry.expression.split("+"))}
    for name in config.method:
        if name not in used:
            raise source.error(
                ("method", name), f"sets parameters of {name!r}, which no entry of `methods` uses."
            )
    if config.baseline is not None and config.baseline not in labels:
        raise source.error(
            ("baseline",), f"is {config.baseline!r}, which is none of {', '.join(sorted(labels))}."
        )
    return found


def _check_tune(config: Config, source: Source, found: list[Entry]) -> None:
    if config.tune is None:
        return
    bases = {name for entry in found if not entry.base for name in (entry.label, entry.expression)}
    for i, name in enumerate(config.tune.methods or ()):
        if name not in bases:
            raise source.error(
                ("tune", "methods", i), f"is {name!r}, which is none of {', '.join(sorted(bases))}."
            )
    if not any(entry.base for entry in found):
        raise source.error(("tune",), "finds nothing to tune: no method of this bench declares ranges.")
    steps = {part for entry in found for part in entry.expression.split("+")}
    for step, ranges in config.tune.ranges.items():
        if step not in steps:
            raise source.error(
                ("tune", "ranges", step), f"is of {step!r}, which no method of this bench uses."
            )
        for name, one in ranges.items():
            try:
                read_range(one, name)
            except InputError as error:
                raise source.error(("tune", "ranges", step, name), str(error)) from error
    if len({entry.label for entry in found}) < len(found):
        raise source.error(
            ("tune",), "makes a label that another method has; leave svm+tuned and the like out of `methods`."
        )


def _check_grids(config: Config, source: Source) -> None:
    given: list[tuple[Mapping[str, Any], tuple[str | int, ...]]] = [
        (params, ("method", name)) for name, params in config.method.items()
    ]
    given += [(variant.params, ("variant", i, "params")) for i, variant in enumerate(config.variant)]
    for params, loc in given:
        for path in _flat(params):
            value = params[path[0]][path[1]] if len(path) > 1 else params[path[0]]
            if value == []:
                raise source.error(
                    (*loc, *path), "is an empty list; a list is a grid of values, so give one at least."
                )


def _check_some_fit(pairs: Mapping[tuple[str, str], Recipe | Skip], source: Source) -> None:
    reasons = [found.reason for found in pairs.values() if isinstance(found, Skip)]
    if reasons and len(reasons) == len(pairs):
        more = f" ({len(reasons) - 1} more pairings do not fit either)" if len(reasons) > 1 else ""
        raise source.error((), f"leaves nothing to run: {reasons[0]}{more}.")


def _pair(task: Task, entry: Entry, config: Config, source: Source) -> Recipe | Skip:
    found = recipe(entry.expression, task.kind, task.problem)
    if isinstance(found, Recipe) and task.actions:
        for method in (step.method for step in found.steps):
            if method.actions not in ("", task.actions):
                return Skip(
                    f"{method.key} is for {method.actions} actions, and those of {task.name} are {task.actions}"
                )
    if isinstance(found, Recipe) and entry.params:
        try:
            step_params(found, entry.params)
        except InputError as error:
            raise source.error(_params_loc(entry, config, error), str(error)) from error
    return found


def _params_loc(entry: Entry, config: Config, error: InputError) -> tuple[str | int, ...]:
    """Return where the parameter that the error names was given."""
    named = next((p for p in _flat(entry.params) if repr(p[-1]) in str(error)), ())
    if entry.loc[0] == "variant":
        return ("variant", entry.loc[1], "params", *named)
    if len(named) < 2:
        return ("method", entry.expression, *named)
    step, name = named  # from the table of the composition, or from that of the method wherever it appears
    own = config.method.get(entry.expression, {})
    if isinstance(own.get(step), Mapping) and name in own[step]:
        return ("method", entry.expression, step, name)
    if f"{step}__{name}" in own:
        return ("method", entry.expression, f"{step}__{name}")
    return ("method", step, name)


def _flat(params: Mapping[str, Any]) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, value in params.items():
        found += [(name, inner) for inner in value] if isinstance(value, Mapping) else [(name,)]
    return found


def _trial(
    config: Config, task: Task, data: str, entry: Entry, found: Recipe | Skip, seed: int, fold: int
) -> Trial:
    skipped = isinstance(found, Skip)
    params, seconds = dict(entry.params), config.limits.seconds
    if isinstance(found, Recipe):
        params = trial_params(found, params, task.metrics)
        seconds = time_limit(found, params, config)
    return Trial(
        task=task.spec,
        task_version=task.version,
        data=data,
        kind=task.kind,
        problem=task.problem,
        metrics=tuple(task.metrics),
        protocol=task.protocol,
        label=entry.label,
        expression=entry.expression,
        versions={} if isinstance(found, Skip) else found.versions,
        params=params,
        seed=seed,
        fold=fold,
        folds=config.folds,
        seconds=seconds,
        memory_mb=config.limits.memory_mb,
        confidence=config.confidence if task.problem in LEARNED else None,
        explain=config.explain and task.problem in LEARNED and task.kind in EXPLAINED,
        batch=config.confidence is None
        and not config.explain
        and not isinstance(found, Skip)
        and found.batch,
        skip=found.reason if skipped and isinstance(found, Skip) else None,
    )


def _describe_task(task: Task) -> dict[str, Any]:
    main = METRICS[task.metrics[0]]
    return {
        "kind": task.kind,
        "problem": task.problem,
        "metrics": list(task.metrics),
        "protocol": task.protocol,
        "greater_is_better": main.greater_is_better,
        "bounds": [float(bound) for bound in main.bounds],
        "summary": task.summary,
        "source": task.source,
        "fingerprint": task.fingerprint(),
        "published_splits": task.published_splits,
        "drawn": task.drawn,
        "notes": list(getattr(task, "notes", ())),
    }


def _describe_method(
    entry: Entry, tasks: list[Task], pairs: Mapping[tuple[str, str], Recipe | Skip], config: Config
) -> dict[str, Any]:
    recipes = [r for task in tasks if isinstance(r := pairs[task.name, entry.label], Recipe)]
    notes = [note for found in recipes for note in found.notes]
    if config.tune is not None and not entry.base and (why := why_not_tuned(entry, config.tune)):
        notes.append(f"it has no tuned form: {why}")
    names = entry.expression.split("+")
    room = recipes[0].room if recipes else find(names[0]).room if len(names) == 1 else "composition"
    title = recipes[0].title if recipes else ", then ".join(find(name).title for name in names)
    return {
        "expression": entry.expression,
        "room": room,
        "title": title,
        "params": dict(entry.params),
        "notes": list(dict.fromkeys(notes)),
        "tuned_from": entry.base,
    }
