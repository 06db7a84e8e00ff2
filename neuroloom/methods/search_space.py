"""What there is to tune in an estimator: the declared ranges of its parts, by the path that ``set_params`` takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from neuroloom.core.errors import unknown
from neuroloom.methods.method import Method
from neuroloom.methods.ranges import Range, read_range
from neuroloom.methods.registry import registry


@dataclass(frozen=True)
class SearchSpace:
    """What may be tried.

    Args:
        ranges: path -> range, as ``"svm__C"``.
        resources: path -> value: the parameters that say how long a part learns, where they are whole numbers.
    """

    ranges: Mapping[str, Range]
    resources: Mapping[str, int]


def search_space(estimator: Any, given: Mapping[str, Any] | None = None) -> SearchSpace:
    """Return what may be tried of an estimator's parameters.

    A parameter that differs from its default was chosen by the user and stays. In a pipeline, and in what wraps an
    estimator, the parts are looked into.

    Args:
        estimator: unfitted.
        given: ranges of the user's own by path, or by step: ``{"svm": {"C": {"low": 0.1, "high": 10.0}}}``; they come
            before the declared ones.

    Raises:
        InputError: a range of ``given`` names no parameter, or is none.
    """
    ranges: dict[str, Range] = {}
    resources: dict[str, int] = {}
    for prefix, part in _parts(estimator, ""):
        method = _method_of(part)
        if method is None:
            continue
        values, usual = part.get_params(deep=False), _defaults(part, method)
        for name, found in method.ranges.items():
            if name in values and _same(values[name], usual.get(name)):
                ranges[prefix + name] = found
        held = values.get(method.resource or "")
        if method.resource is not None and isinstance(held, int) and not isinstance(held, bool):
            resources[prefix + method.resource] = held
    own = {path: read_range(one, path) for path, one in _flat(given or {}, estimator)}
    ranges |= own
    return SearchSpace(ranges, {path: n for path, n in resources.items() if path not in ranges})


def _parts(estimator: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield the estimators inside an estimator and the prefix of their parameters, outermost first."""
    steps = getattr(estimator, "steps", None)
    if isinstance(steps, list):
        for name, step in steps:
            yield from _parts(step, f"{prefix}{name}__")
        return
    yield prefix, estimator
    inner = estimator.get_params(deep=False).get("estimator") if hasattr(estimator, "get_params") else None
    if hasattr(inner, "get_params"):
        yield from _parts(inner, f"{prefix}estimator__")


def _method_of(estimator: Any) -> Method | None:
    """Return the registry's method that an estimator is of, if that has something to tune."""
    cls = type(estimator)
    for method in registry().values():
        if not method.ranges:
            continue
        for path in method.classes.values():
            module, _, name = path.partition(":")
            if name != cls.__name__ or not f"{cls.__module__}.".startswith(f"{module}."):
                continue
            held = estimator.get_params(deep=False)
            if all(held.get(key) == value for key, value in method.fixed.items() if key == "optimizer"):
                return method
    return None


def _defaults(estimator: Any, method: Method) -> dict[str, Any]:
    from neuroloom.methods.make import parameters

    return {**parameters(type(estimator)), **method.fixed}


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _flat(given: Mapping[str, Any], estimator: Any) -> Iterator[tuple[str, Any]]:
    """Yield the path and the range of each of the user's own ranges."""
    known = list(estimator.get_params(deep=True))
    for name, one in given.items():
        by_step = isinstance(one, Mapping) and not {"low", "high"} & set(one)
        for path, found in (
            ((f"{name}__{inner}", r) for inner, r in one.items()) if by_step else [(name, one)]
        ):
            fits = [k for k in known if k == path or k.endswith(f"__{path}")]
            if not fits and by_step:  # a method that stands alone has no step
                fits = [k for k in known if k == path.split("__", 1)[1]]
            if not fits:
                raise unknown("the range of parameter", path, known)
            yield min(fits, key=len), found
