"""``[tune]``: beside each method the same one with tuned parameters, all with one budget."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from neuroloom.core.errors import InputError
from neuroloom.methods import Recipe, find
from neuroloom.methods.method import tuning
from neuroloom.runner.config import Config, Entry, Tune

KEY = "tuned"
_DEFAULT_TRIALS = 30
_EXTRA_FITS = 8  # what is fitted after the search, and some slack


def read_budget(text: str) -> Tune:
    """Return the budget that ``--tune`` was given: ``30`` trials, ``90s`` or ``5m`` of time.

    Raises:
        InputError: it is neither.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h)?", text.strip())
    number = float(found[1]) if found else 0.0
    if found is None or number <= 0 or (not found[2] and not number.is_integer()):
        raise InputError(
            f"--tune takes a number of trials or a time for each method, as 30, 90s or 5m, but got {text!r}."
        )
    if found[2]:
        return Tune(seconds=number * {"s": 1, "m": 60, "h": 3600}[found[2]])
    return Tune(trials=int(number))


def with_tuned(entries: Sequence[Entry], tune: Tune | None) -> list[Entry]:
    """Return the entries, each followed by its tuned form if ``[tune]`` asks for it and it has something to tune."""
    found: list[Entry] = []
    for entry in entries:
        found.append(entry)
        if tune is not None and why_not_tuned(entry, tune) is None:
            found.append(_tuned(entry, tune))
    return found


def why_not_tuned(entry: Entry, tune: Tune) -> str | None:
    """Return why an entry gets no tuned form, None where it does."""
    names = entry.expression.split("+")
    if KEY in names:
        return "it is tuned already"
    if tune.methods is not None and not {entry.label, entry.expression} & set(tune.methods):
        return "`tune.methods` leaves it out"
    params = _by_step(entry)
    for name in names:
        step = _step(name)
        given = {
            **params.get(step, {}),
            **{k.split("__", 1)[1]: 0 for k in params if k.startswith(f"{step}__")},
        }
        if set(find(name).ranges) - set(given) or step in tune.ranges:
            return None
    return "it declares no ranges of parameters, or all of these were set"


def _tuned(entry: Entry, tune: Tune) -> Entry:
    own: dict[str, Any] = {
        "trials": tune.trials,
        "seconds": tune.seconds,
        "folds": tune.folds,
        "pruning": tune.pruning,
    }
    steps = {_step(name) for name in entry.expression.split("+")}
    ranges = {step: dict(one) for step, one in tune.ranges.items() if step in steps}
    if ranges:
        own["ranges"] = ranges
    params = {**_by_step(entry), KEY: own}
    return replace(
        entry,
        label=f"{entry.label}+{KEY}",
        expression=f"{entry.expression}+{KEY}",
        params=params,
        base=entry.label,
    )


def _by_step(entry: Entry) -> dict[str, Any]:
    """Return an entry's parameters by step, those of a method that stands alone too."""
    alone = "+" not in entry.expression
    return {_step(entry.expression): dict(entry.params)} if alone and entry.params else dict(entry.params)


def _step(name: str) -> str:
    return name.strip().replace(":", ".").rsplit(".", 1)[-1]


def trial_params(found: Recipe, params: Mapping[str, Any], metrics: Sequence[str]) -> dict[str, Any]:
    """Return the parameters of a trial: what tunes does so for the task's first metric that it knows, and tells the
    score against its budget.
    """
    from neuroloom.methods.tuned import CLASSES, FORECASTS, NUMBERS

    given = dict(params)
    for step in found.steps:
        if step.problem != tuning(found.problem):
            continue
        own = {"incumbents": True, **given.get(step.name, {})}
        known = {"classification": CLASSES, "regression": NUMBERS, "forecast": FORECASTS}.get(
            found.problem, ()
        )
        metric = next((name for name in metrics if name in known), None)
        if metric is not None and "metric" not in own and f"{step.name}__metric" not in given:
            own["metric"] = metric
        given[step.name] = own
    return given


def time_limit(found: Recipe, params: Mapping[str, Any], config: Config) -> float:
    """Return the seconds that a trial may take: of a method that tunes, the limit holds for each of its fits."""
    limit = config.limits.seconds
    for step in found.steps:
        if step.problem == tuning(found.problem):
            own = {**params.get(step.name, {}), **{
                k.split("__", 1)[1]: v for k, v in params.items() if k.startswith(f"{step.name}__")
            }}  # fmt: skip
            folds, seconds, trials = own.get("folds", 3), own.get("seconds"), own.get("trials")
            if seconds is not None and trials is None:
                limit = float(seconds) + config.limits.seconds * (2 * folds + _EXTRA_FITS)
            else:
                limit = config.limits.seconds * (2 * folds * (trials or _DEFAULT_TRIALS) + _EXTRA_FITS)
    return limit
