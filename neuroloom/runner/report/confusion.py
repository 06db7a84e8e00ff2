"""Confusion: which class was answered for which, over the test parts of a method's first repetition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from neuroloom.runner.outcome import MOST_CLASSES
from neuroloom.runner.report import heat, numbers
from neuroloom.runner.report.model import Confusion, Confusions, MethodView

MOST = 3  # methods of a task


def view(
    held: Mapping[str, Sequence[Mapping[str, Any]]], ran: Sequence[str], methods: Mapping[str, MethodView]
) -> Confusions | None:
    """Return the confusion matrices of a task's methods, or None where there are none.

    Args:
        held: method -> what ``row.front`` has of its trials, as ``{"classes": [...], "counts": [[...], ...]}``.
        ran: methods with a finished trial, the best first.
        methods: label -> method.
    """
    made = {name: _sum(methods[name].number, held[name]) for name in ran if held.get(name)}
    known = {name: one for name, one in made.items() if one is not None}
    if not known:
        return None
    return Confusions(tuple(known.values())[:MOST], numbers.left_out("matrices", list(known)[MOST:]))


def _sum(number: int, trials: Sequence[Mapping[str, Any]]) -> Confusion | None:
    """Return the sum over trials, each with the classes that it met; None of too many classes."""
    classes = sorted({str(label) for one in trials for label in one["classes"]}, key=_by_size)
    if len(classes) > MOST_CLASSES:
        return None
    place = {label: k for k, label in enumerate(classes)}
    total = np.zeros((len(classes), len(classes)), dtype=np.int64)
    for one in trials:
        own = [place[str(label)] for label in one["classes"]]
        total[np.ix_(own, own)] += np.asarray(one["counts"], dtype=np.int64)
    rows = np.maximum(total.sum(axis=1, keepdims=True), 1)
    shades = np.rint(heat.SHADES * total / rows).astype(int)
    labels = tuple(numbers.shorten(label, 18) for label in classes)
    return Confusion(number, labels, tuple(map(tuple, total.tolist())), tuple(map(tuple, shades.tolist())))


def _by_size(label: str) -> tuple[bool, float, str]:
    """Return what classes are ordered by: numbers by their size, text behind them."""
    try:
        return False, float(label), label
    except ValueError:
        return True, 0.0, label
