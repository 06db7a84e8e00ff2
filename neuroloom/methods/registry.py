"""The registry: all methods by their short names.

Those that neuroloom comes with stand in :mod:`neuroloom.methods.built_in`. Third parties add methods through the
entry-point group ``neuroloom.methods``: each entry is a :class:`~neuroloom.methods.method.Method` or a function that
returns one or several. A config may also name unpackaged code as ``module:Class``.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

from neuroloom.core.errors import InputError, unknown
from neuroloom.methods.built_in import baselines, evolve, graphs, nets, signal
from neuroloom.methods.method import LEARNED, TRANSFORM, Method, load_class
from neuroloom.methods.ranges import RANGES, RESOURCES


def _built_in() -> Iterable[Method]:
    return chain.from_iterable(room.methods() for room in (evolve, graphs, signal, nets, baselines))


@functools.cache
def registry() -> Mapping[str, Method]:
    """Return all methods by key: built in, then plug-ins; a plug-in that fails is there with its ``problem``."""
    found = {method.key: method for method in map(_with_ranges, _built_in())}
    for entry in _entry_points("neuroloom.methods"):
        try:
            loaded = entry.load()
            made = loaded if isinstance(loaded, Method) else loaded()
            methods = [made] if isinstance(made, Method) else list(made)
            for method in methods:
                if not isinstance(method, Method):
                    raise TypeError(f"expected a neuroloom.methods.Method, got {type(method).__name__}")
                if method.key in found:
                    raise ValueError(f"the name {method.key!r} is taken")
                found[method.key] = method
        except Exception as error:
            reason = f"plug-in {entry.value} failed: {type(error).__name__}: {error}"
            found.setdefault(entry.name, Method(entry.name, "other", "broken plug-in", problem=reason))
    return found


def _with_ranges(method: Method) -> Method:
    return replace(method, ranges=RANGES.get(method.key, {}), resource=RESOURCES.get(method.key))


def _entry_points(group: str) -> Iterable[Any]:
    from importlib.metadata import entry_points

    return sorted(entry_points(group=group), key=lambda entry: (entry.name, entry.value))


def find(key: str) -> Method:
    """Return the method called ``key``, or one made of the class that ``module:Class`` names.

    Raises:
        InputError: there is none; the message names the nearest.
    """
    if ":" in key:
        return _unpackaged(key)
    methods = registry()
    if key not in methods:
        raise unknown("method", key, methods, "`neuroloom list methods` shows them all.")
    problem = methods[key].problem
    if problem is not None:
        raise InputError(f"method {key!r} cannot be used: {problem}.")
    return methods[key]


def _unpackaged(path: str) -> Method:
    from sklearn.base import is_classifier, is_regressor

    cls = load_class(path, path)
    kinds = getattr(cls, "kinds", ("table",))
    classes: dict[tuple[str, str], str] = {}
    for kind in kinds:
        if hasattr(cls, "act"):
            classes[kind, "control"] = path
        elif hasattr(cls, "predict"):
            made = cls()
            takes = (
                [LEARNED[0]] if is_classifier(made) else [LEARNED[1]] if is_regressor(made) else list(LEARNED)
            )
            classes.update({(kind, problem): path for problem in takes})
        elif hasattr(cls, "transform"):
            classes[kind, TRANSFORM] = path
    if not classes:
        raise InputError(f"{path} is no estimator: it needs `fit` and `predict`, `transform` or `act`.")
    version = int(getattr(cls, "version", 1))
    return Method(path, "other", (cls.__doc__ or path).strip().splitlines()[0], classes, version)
