"""Compiling a method's kernels before it is timed, once in a process."""

from __future__ import annotations

import importlib

from neuroloom.methods.make import Recipe, recipe

_WARM: set[tuple[str, str, str]] = set()


def warm_up(expression: str, kind: str, problem: str) -> None:
    """Run what the methods of an expression name as their ``warm_up``, each once in a process.

    Args:
        expression: registry expression.
        kind: kind of the samples.
        problem: the task's problem.
    """
    found = recipe(expression, kind, problem)
    if not isinstance(found, Recipe):
        return
    for step in found.steps:
        path = step.method.warm_up
        if path is None or (path, step.kind, step.problem) in _WARM:
            continue
        module, _, name = path.partition(":")
        getattr(importlib.import_module(module), name)(step.kind, step.problem)
        _WARM.add((path, step.kind, step.problem))
