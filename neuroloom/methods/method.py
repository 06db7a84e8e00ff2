"""One line of the registry: a short name -> an estimator class, kept as text so that listing it imports nothing.

``classes`` maps ``(kind, problem)`` to ``"module:Class"``. The problem of a transformer is ``"transform"``: it turns
its kind into a table, which any table method can follow (``wavelets+ridge``). ``"graphs"`` is that of what turns series
into whole graphs (``visibility-graph+gin``), ``"balance"`` of what balances the classes for the classifier after it
(``smote+svm``), ``"correct"`` of what corrects probabilities or answers of the one before it (``svm+temperature``),
``"tune …"`` of what chooses the parameters of all before it (``svm+tuned``).
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from neuroloom.core.errors import InputError
from neuroloom.methods.ranges import Range

TRANSFORM = "transform"
BALANCE = "balance"
CORRECT = "correct"
TO_GRAPHS = "graphs"
FORECAST = "forecast"
KINDS = ("table", "series", "image", "tokens", "nodes", "links", "graphs", "episodes")
LEARNED = ("classification", "regression")
EXPLAINED = ("table", "series", "image")  # kinds whose samples fall into parts


def tuning(problem: str) -> str:
    """Return the problem of what tunes methods that answer ``problem``."""
    return f"tune {problem}"


@dataclass(frozen=True)
class Method:
    """One registry line.

    Args:
        key: the short name.
        room: ``evolve``, ``graphs``, ``signal``, ``nets``, ``baseline`` or ``other``.
        title: what it is, in a few words.
        classes: ``(kind, problem)`` -> ``"module:Class"``.
        version: raised when the same parameters begin to give other results; part of a trial's key.
        scale: whether the runner standardises table columns before it (our own methods do so themselves).
        missing: whether it copes with missing values and categories itself.
        batch: whether many fits of it can be done at once (``core.fitting``).
        fixed: constructor arguments that belong to the name rather than to the class's defaults.
        warm_up: ``"module:function"`` that compiles its kernels, called with kind and problem before a process first
            times it.
        ranges: parameter -> what a search may try of it (``svm+tuned``).
        resource: the parameter, a whole number, that says how long it learns: what Hyperband gives less of.
        offered: whether ``neuroloom try`` runs it; what only a study asks for is run by name.
        actions: of policies, the kind of actions that it is for, ``"discrete"`` or ``"continuous"``; empty for both.
        problem: why it cannot be used, for a plug-in that failed to load.
    """

    key: str
    room: str
    title: str
    classes: Mapping[tuple[str, str], str] = field(default_factory=dict)
    version: int = 1
    scale: bool = False
    missing: bool = False
    batch: bool = False
    fixed: Mapping[str, Any] = field(default_factory=dict)
    warm_up: str | None = None
    ranges: Mapping[str, Range] = field(default_factory=dict)
    resource: str | None = None
    offered: bool = True
    actions: str = ""
    problem: str | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds it accepts as they are, in the order of ``KINDS``."""
        return tuple(kind for kind in KINDS if any(kind == k for k, _ in self.classes))

    @property
    def transformer(self) -> bool:
        """Whether it turns its kind into a table instead of answering."""
        return any(problem == TRANSFORM for _, problem in self.classes)

    @property
    def makes_graphs(self) -> bool:
        """Whether it turns its kind into whole graphs instead of answering."""
        return any(problem == TO_GRAPHS for _, problem in self.classes)

    def load(self, kind: str, problem: str) -> type[Any]:
        """Import and return the class behind ``(kind, problem)``."""
        return load_class(self.classes[kind, problem], self.key)


def load_class(path: str, name: str) -> type[Any]:
    """Import ``"module:Class"``.

    Raises:
        InputError: the module or the class cannot be imported.
    """
    module, _, attribute = path.partition(":")
    try:
        found: type[Any] = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise InputError(f"method {name!r} needs {path}, which cannot be imported: {error}.") from error
    return found


def classifier_and_regressor(kind: str, module: str, stem: str) -> dict[tuple[str, str], str]:
    """Return the two classes that answer for a kind, called after one stem."""
    return {(kind, LEARNED[0]): f"{module}:{stem}Classifier", (kind, LEARNED[1]): f"{module}:{stem}Regressor"}


def transformer(path: str, *kinds: str) -> dict[tuple[str, str], str]:
    """Return one class as the transformer of some kinds."""
    return {(kind, TRANSFORM): path for kind in kinds}
