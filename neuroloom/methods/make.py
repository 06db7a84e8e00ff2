"""From an expression such as ``wavelets+ridge`` to an estimator, or to the reason why there is none."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from neuroloom.core.errors import InputError, NotSupportedError, unknown
from neuroloom.core.seeding import derive
from neuroloom.methods.method import BALANCE, CORRECT, FORECAST, KINDS, TO_GRAPHS, TRANSFORM, Method, tuning
from neuroloom.methods.registry import find, registry

HEADS = {"classification": "logreg", "regression": "ridge"}
_OF_GRAPHS = "graph-statistics"  # what follows graphs that nothing was named for
_FLAT = ("series", "image")


@dataclass(frozen=True)
class Step:
    """One step of a recipe: its name in the pipeline, the method and the ``(kind, problem)`` it is taken for."""

    name: str
    method: Method
    kind: str
    problem: str

    @property
    def wraps(self) -> bool:
        """Whether it is put around all steps before it."""
        return self.problem == CORRECT or self.problem.startswith(tuning(""))

    def cls(self) -> type[Any]:
        """Import and return the step's class."""
        return self.method.load(self.kind, self.problem)


@dataclass(frozen=True)
class Recipe:
    """How an expression answers a problem on a kind of data."""

    expression: str
    kind: str
    problem: str
    steps: tuple[Step, ...]
    flatten: bool
    notes: tuple[str, ...]

    @property
    def room(self) -> str:
        """The room it belongs to: that of its parts other than baselines, ``composition`` if they are of several."""
        rooms = {step.method.room for step in self.steps} - {"baseline"}
        return "baseline" if not rooms else rooms.pop() if len(rooms) == 1 else "composition"

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return ", then ".join(step.method.title for step in self.steps)

    @property
    def reduces(self) -> bool:
        """Whether its first step makes windows, so that the regressor of the others forecasts."""
        return len(self.steps) > 1 and self.steps[0].problem == FORECAST

    @property
    def batch(self) -> bool:
        """Whether many fits can be done at once."""
        wrapped = self.reduces or any(step.problem == BALANCE for step in self.steps)
        return self.steps[-1].method.batch and not wrapped

    @property
    def versions(self) -> dict[str, int]:
        """Declared version of each method in it."""
        return {step.method.key: step.method.version for step in self.steps}


@dataclass(frozen=True)
class Skip:
    """Why an expression does not fit; the reason is for users."""

    reason: str


def parts(expression: str) -> list[str]:
    """Return the method names of ``a+b``.

    Raises:
        InputError: a part is empty.
    """
    names = [name.strip() for name in expression.split("+")]
    if not all(names):
        raise InputError(
            f"method {expression!r} has an empty part; write names joined by +, as wavelets+ridge."
        )
    return names


@functools.lru_cache(maxsize=4096)
def recipe(expression: str, kind: str, problem: str) -> Recipe | Skip:
    """Return how ``expression`` answers ``problem`` on samples of ``kind``, or why it does not.

    Raises:
        InputError: the expression names a method that does not exist, or ``kind`` is none.
    """
    if kind not in KINDS:
        raise unknown("kind", kind, KINDS)
    methods = [find(name) for name in parts(expression)]
    correctors: list[Method] = []
    while methods and (_does(methods[-1], CORRECT) or _tunes(methods[-1])):
        correctors.insert(0, methods.pop())
    balancers = [method for method in methods if _does(method, BALANCE)]
    if (balancers or correctors) and (reason := _no_place(methods, balancers, correctors, kind, problem)):
        return Skip(reason)
    for method in methods[:-1]:
        if not (method.transformer or method.makes_graphs or method in balancers):
            return Skip(f"{method.key} gives answers, not features, so nothing can follow it in {expression}")
    if problem == FORECAST and not any((k, FORECAST) in methods[-1].classes for k in KINDS):
        found = _over_windows("+".join(parts(expression)[: len(methods)]), kind)
        if isinstance(found, Skip):
            return found
        tuners = [Step(_free_name(one, list(found.steps)), one, kind, tuning(problem)) for one in correctors]
        return replace(found, expression=expression, steps=(*found.steps, *tuners))
    notes = []
    if methods[-1].makes_graphs:
        methods.append(find(_OF_GRAPHS))
        notes.append(f"{expression} gives graphs; {_OF_GRAPHS} describes them")
    gets_rows = len(methods) > 1 or kind in _FLAT
    answers = (kind, problem) in methods[-1].classes or (
        gets_rows and ("table", problem) in methods[-1].classes
    )
    if methods[-1].transformer and not answers:
        if problem not in HEADS:
            return Skip(f"{expression} gives features, and there is no head for {problem}")
        methods.append(find(HEADS[problem]))
        notes.append(f"{expression} gives features; {HEADS[problem]} answers from them")
    steps: list[Step] = []
    at, flatten = kind, False
    for number, method in enumerate(methods):
        between = BALANCE if method in balancers else TO_GRAPHS if method.makes_graphs else TRANSFORM
        wanted = problem if number == len(methods) - 1 else between
        if (at, wanted) not in method.classes and at in _FLAT and ("table", wanted) in method.classes:
            flatten, at = True, "table"
            notes.append(
                f"each {'series' if kind == 'series' else 'picture'} is flattened to one row of numbers"
            )
        if (at, wanted) not in method.classes:
            return Skip(_mismatch(method, at, wanted, expression, kind))
        steps.append(Step(_free_name(method, steps), method, at, wanted))
        at = at if method in balancers else "graphs" if method.makes_graphs else "table"
    for method in correctors:
        around = tuning(problem) if _tunes(method) else CORRECT
        steps.append(Step(_free_name(method, steps), method, kind, around))
    return Recipe(expression, kind, problem, tuple(steps), flatten, tuple(notes))


def _does(method: Method, what: str) -> bool:
    return any(problem == what for _, problem in method.classes)


def _tunes(method: Method) -> bool:
    return any(problem.startswith(tuning("")) for _, problem in method.classes)


def _free_name(method: Method, steps: list[Step]) -> str:
    """Return the method's name in a pipeline, with a number where it is taken."""
    name = method.key.replace(":", ".").rsplit(".", 1)[-1]
    taken = [step.name for step in steps]
    return name if name not in taken else f"{name}{len(taken) + 1}"


def _no_place(
    methods: list[Method], balancers: list[Method], correctors: list[Method], kind: str, problem: str
) -> str | None:
    """Return why what wraps a method cannot do so here, or None where it can."""
    tuners = [method for method in correctors if _tunes(method)]
    if tuners and (kind, tuning(problem)) not in tuners[0].classes:
        return f"{tuners[0].key} has no way to score parameters for {problem} on {kind}"
    if tuners and not methods:
        return f"{tuners[0].key} chooses the parameters of a method before it, as svm+{tuners[0].key}"
    correctors = [method for method in correctors if method not in tuners]
    if problem != "classification" and (balancers or correctors):
        first = (balancers + correctors)[0]
        does = "balances the classes for" if balancers else "corrects the answers of"
        return f"{first.key} {does} a classifier, and this is {problem}"
    if correctors and not methods:
        return f"{correctors[0].key} corrects the answers of a classifier, as svm+{correctors[0].key}"
    if balancers and methods[-1] in balancers:
        return f"{methods[-1].key} balances the classes for the method after it, as {methods[-1].key}+svm"
    return None


def _over_windows(expression: str, kind: str) -> Recipe | Skip:
    """Return the recipe by which a regressor of series forecasts: from windows."""
    if kind != "series":
        return Skip(f"forecasts are of series, and the data are {_NOUNS[kind]}")
    inner = recipe(expression, kind, "regression")
    if isinstance(inner, Skip):
        return inner
    windows = Step("windows", find("windows"), kind, FORECAST)
    notes = (f"{expression} answers the next value from the window of values before it", *inner.notes)
    return Recipe(expression, kind, FORECAST, (windows, *inner.steps), inner.flatten, notes)


_NOUNS = {kind: {"table": "a table", "image": "pictures"}.get(kind, kind) for kind in KINDS}


def _mismatch(method: Method, kind: str, wanted: str, expression: str, start: str) -> str:
    kinds = {k for k, _ in method.classes}
    if kind not in kinds:
        takes = " and ".join(_NOUNS[k] for k in KINDS if k in kinds)
        before = next((m.key for m in registry().values() if (kind, TRANSFORM) in m.classes), None)
        hint = (
            f"; {before}+{method.key} would fit"
            if before and "table" in kinds and wanted != TRANSFORM
            else ""
        )
        given = "the data are" if kind == start else "it would get"
        return f"{method.key} takes {takes}, and {given} {_NOUNS[kind]}{hint}"
    problems = sorted({p for k, p in method.classes if k == kind})
    if wanted in (TRANSFORM, TO_GRAPHS):
        return f"{method.key} gives no {'features' if wanted == TRANSFORM else wanted} of {kind}"
    return f"{method.key} does {' and '.join(problems)} on {kind}, not {wanted}"


def _require(expression: str, kind: str, problem: str) -> Recipe:
    found = recipe(expression, kind, problem)
    if isinstance(found, Skip):
        raise NotSupportedError(f"{expression!r} does not fit {problem} on {kind}: {found.reason}.")
    return found


def step_params(found: Recipe, params: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the parameters by step name, from ``name=value``, ``step__name=value`` or ``step={name: value}``.

    A bare name is for a method that stands alone.

    Raises:
        InputError: a step or a parameter of that name does not exist; the message names the nearest.
    """
    by_step: dict[str, dict[str, Any]] = {step.name: {} for step in found.steps}
    alone = parts(found.expression)
    last = found.steps[len(alone) - 1 + found.reduces] if len(alone) == 1 else None
    for name, value in params.items():
        step, _, inner = name.partition("__")
        if step in by_step and inner:
            by_step[step][inner] = value
        elif step in by_step and isinstance(value, Mapping) and len(found.steps) > 1:
            by_step[step].update(value)
        elif last is not None:
            by_step[last.name][name] = value
        else:
            hint = ", ".join(f"{s.name}__{name}" for s in found.steps)
            raise InputError(
                f"parameter {name!r} of {found.expression} must say which step it is for: {hint}."
            )
    for step_ in found.steps:
        known = parameters(step_.cls())
        for name in by_step[step_.name]:
            if name not in known:
                raise unknown(f"parameter of {step_.method.key}:", name, known)
        if by_step[step_.name] and step_.problem != BALANCE and not step_.wraps:
            _check_values(step_.cls()(**by_step[step_.name]))
    return by_step


def _check_values(estimator: Any) -> None:
    """Check the parameters of an estimator that declares what they may be, as scikit-learn's do.

    Raises:
        InputError: one is of the wrong type or out of its range.
    """
    check = getattr(estimator, "_validate_params", None)
    if check is None or not hasattr(estimator, "_parameter_constraints"):
        return
    try:
        check()
    except ValueError as error:  # scikit-learn's InvalidParameterError is one
        raise InputError(str(error).rstrip(".") + ".") from error


def parameters(cls: type[Any]) -> dict[str, Any]:
    """Return the constructor's parameters of an estimator class and their defaults."""
    signature = inspect.signature(cls.__init__)
    return {
        name: None if p.default is inspect.Parameter.empty else p.default
        for name, p in list(signature.parameters.items())[1:]
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    }


def make(method_name: str, kind: str, problem: str, **params: Any) -> Any:
    """Return the unfitted estimator behind a registry name, composed names too.

    Args:
        method_name: ``"rbfn"``, ``"wavelets+ridge"``, ``"package.module:Class"``.
        kind: kind of the samples, ``"table"``, ``"series"``, …
        problem: ``"classification"``, ``"regression"``, ``"control"``, ``"detection"`` or ``"forecast"``.
        params: the method's own parameters; of a composition as ``step__name=value``.

    Raises:
        InputError: an unknown name or parameter.
        NotSupportedError: the method has no answer for this kind and problem; the message says why.
    """
    found = _require(method_name, kind, problem)
    return _assemble(found, step_params(found, params), prepare=False)


def _assemble(found: Recipe, by_step: Mapping[str, Mapping[str, Any]], *, prepare: bool) -> Any:
    """Build the estimator; ``prepare`` puts the preparation of DataFrames first."""
    last = found.steps[-1]
    if last.wraps:
        inner = _assemble(replace(found, steps=found.steps[:-1]), by_step, prepare=prepare)
        return last.cls()(**{"estimator": inner, **last.method.fixed, **by_step[last.name]})
    if found.reduces:
        inner = replace(found, problem="regression", steps=found.steps[1:])
        windows = found.steps[0]
        regressor = _assemble(inner, by_step, prepare=False)
        return windows.cls()(**{"estimator": regressor, **by_step[windows.name]})
    steps: list[tuple[str, Any]] = []
    if found.flatten:
        from neuroloom.methods.prepare import Flatten

        steps.append(("flatten", Flatten()))
    if prepare:
        from neuroloom.methods.prepare import TablePreparation

        alone = len(found.steps) == 1
        steps.append(
            ("prepare", TablePreparation(alone and last.method.scale, alone and last.method.missing))
        )
    for number, step in enumerate(found.steps):
        if step.problem == BALANCE:
            rest = replace(found, steps=found.steps[number + 1 :], flatten=False)
            inner = _assemble(rest, by_step, prepare=False)
            steps.append(
                (step.name, step.cls()(**{"estimator": inner, **step.method.fixed, **by_step[step.name]}))
            )
            break
        if step.method.scale and not (prepare and len(found.steps) == 1):
            from sklearn.preprocessing import StandardScaler

            before = sum(name.startswith("scale") for name, _ in steps)
            steps.append((f"scale{before + 1}" if before else "scale", StandardScaler()))
        fixed = dict(step.method.fixed)
        if prepare and step.method.missing and len(found.steps) == 1:
            fixed["categorical_features"] = "from_dtype"
        given = {**fixed, **by_step[step.name]}
        steps.append((step.name, step.cls()(**_with_models(step.cls(), given))))
    if len(steps) == 1:
        return steps[0][1]
    from neuroloom.methods.pipeline import Pipeline

    return Pipeline(steps)


def _with_models(cls: type[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters with saved models in the place of their folders, where ``cls`` says that it takes some."""
    loaded = dict(given)
    for name in getattr(cls, "takes_fitted", ()):
        folder = loaded.get(name)
        if isinstance(folder, str) and Path(folder).is_dir():
            from neuroloom.methods.saving import load_estimator

            loaded[name] = load_estimator(Path(folder))[0]
    return loaded


def build(
    expression: str,
    kind: str,
    problem: str,
    params: Mapping[str, Any],
    *,
    X: Any = None,
    random_state: int | None = None,
) -> tuple[Any, list[str]]:
    """Return the estimator that the runner fits and remarks on how it was put together.

    Args:
        expression: registry expression.
        kind: kind of the samples.
        problem: the task's problem.
        params: as ``make`` takes them.
        X: the training samples; a DataFrame gets scikit-learn's preparation in front.
        random_state: seed; every part that takes a ``random_state`` and has none gets one derived from it.

    Raises:
        InputError: an unknown name or parameter.
        NotSupportedError: the expression does not fit.
    """
    found = _require(expression, kind, problem)
    frame = kind == "table" and type(X).__module__.startswith("pandas")
    estimator = _assemble(found, step_params(found, params), prepare=frame)
    if random_state is not None:
        seed_all(estimator, random_state)
    return estimator, list(found.notes)


def seed_all(estimator: Any, seed: int) -> None:
    """Give each ``random_state`` in the estimator that is None a seed derived from ``seed`` and its place."""
    params = estimator.get_params()
    names = sorted(name for name in params if name.split("__")[-1] == "random_state" and params[name] is None)
    if names:
        estimator.set_params(**{name: derive(seed, name) for name in names})
