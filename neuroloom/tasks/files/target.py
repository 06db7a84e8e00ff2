"""What is to be learned: which column, and whether its values are classes or numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.errors import InputError, nearest
from neuroloom.tasks.files.columns import convert, detect, present
from neuroloom.tasks.metrics import UNEVEN

FEWEST = 10
MOST_WHOLE_CLASSES = 20
_TARGET_NAMES = ("target", "label", "labels", "class", "y", "outcome", "response", "diagnosis", "output")
_CLASS_WORDS = re.compile(r"(class|label|categor|species|type|group|diagnosis)", re.IGNORECASE)


def choose_target(names: Sequence[str], target: str | None, path: Any) -> tuple[str, str]:
    """Return the column to learn and a note, "" when the user named it.

    Without a name it is the one called target, label, class, y, …, else the last.

    Raises:
        InputError: the named column does not exist; names the nearest.
    """
    if target is not None:
        if target in names:
            return target, ""
        same = [name for name in names if name.strip().lower() == target.strip().lower()]
        if len(same) == 1:
            return same[0], ""
        close = nearest(target, names)
        hint = f"; did you mean {close!r}?" if close else "."
        shown = ", ".join(repr(name) for name in names[:12]) + (", …" if len(names) > 12 else "")
        raise InputError(f"{path} has no column {target!r}{hint} Its columns are {shown}.")
    lower = {name.strip().lower(): name for name in reversed(names)}
    for known in _TARGET_NAMES:
        if known in lower:
            return lower[known], f"{lower[known]!r} is learned, for its name; name another with --target"
    return names[-1], f"{names[-1]!r} is learned, as the last column; name another with --target"


def decide(
    cells: list[str], decimal: str = ".", name: str = "", problem: str | None = None
) -> tuple[NDArray[Any], NDArray[np.bool_], str, list[str]]:
    """Return answers, which rows have one, the problem, and notes.

    Text is always classes. Whole numbers are classes when there are at most 20 different ones and each stands for
    five rows or more on average, or when the column's name says so (``class``, ``label``, ``type``, …) and each stands
    for two. All other numbers are values to regress on.

    Args:
        cells: the target as text, marks of missing values included.
        decimal: the file's decimal mark.
        name: the column's name.
        problem: what the user says it is; None decides by the rule.

    Raises:
        InputError: nothing can be learned from the answers, or not what the user says.
    """
    there = present(cells)
    filled = [cell.strip() for cell, ok in zip(cells, there, strict=True) if ok]
    what = f"target {name!r}" if name else "the labels"
    if not filled:
        raise InputError(f"{what} has no value in any row; name another column with --target.")
    kind, note = detect(filled, decimal)
    notes: list[str] = [f"{what}: {note}"] if note and kind["kind"] == "number" else []
    distinct = len(set(filled))
    if problem is None:
        problem, reason = _by_rule(kind, distinct, len(filled), name)
        notes.append(reason)
    if problem == "regression":
        if kind["kind"] != "number":
            sample = ", ".join(repr(value) for value in sorted(set(filled))[:3])
            raise InputError(f"{what} cannot be regressed on: its values are no numbers ({sample}, …).")
        values = np.asarray(convert(list(cells), kind), dtype=np.float64)
        there = np.isfinite(values)
        answers: NDArray[Any] = values[there]
        if np.ptp(answers) == 0:
            raise InputError(f"{what} is {answers[0]:g} in every row; there is nothing to learn.")
    elif kind["kind"] == "number" and kind.get("whole") and "strip" not in kind:
        answers = np.asarray(convert(filled, kind)).astype(np.int64)
    else:
        answers = np.asarray(filled, dtype=str)
    if problem == "classification":
        _check_classes(answers, what)
    if len(answers) < FEWEST:
        raise InputError(
            f"only {len(answers)} samples have a value of {what}; at least {FEWEST} are needed to learn and to test."
        )
    return answers, there, problem, notes


def _by_rule(kind: dict[str, Any], distinct: int, rows: int, name: str) -> tuple[str, str]:
    override = 'set problem = "{}" in a [[task]] if that is wrong'
    if kind["kind"] != "number":
        return "classification", f"classification, because the {distinct} different answers are no numbers"
    if kind.get("whole") and "strip" not in kind:
        few = distinct <= MOST_WHOLE_CLASSES and rows >= 5 * distinct
        if distinct == 2 or few or (_CLASS_WORDS.search(name) and rows >= 2 * distinct):
            said = f"classification, because the answers are {distinct} different whole numbers"
            return "classification", f"{said}; {override.format('regression')}"
    said = f"regression, because the answers are {distinct} different numbers"
    return "regression", f"{said}; {override.format('classification')}" if kind.get("whole") else said


def _check_classes(answers: NDArray[Any], what: str) -> None:
    counts = Counter(answers.tolist())
    if len(counts) < 2:
        only = next(iter(counts))
        raise InputError(f"{what} is {only!r} in every row; at least two classes are needed to learn.")
    if len(counts) > 0.5 * len(answers) and len(answers) >= FEWEST:
        raise InputError(
            f"{what} has {len(counts)} different values in {len(answers)} rows, so most classes could never be both "
            "learned and tested; is it an identifier? Name another column with --target."
        )


def imbalance(y: NDArray[Any]) -> tuple[tuple[str, ...] | None, str]:
    """Return metrics and a note for classes of which one holds over 90 % of the samples, else None and ""."""
    values, counts = np.unique(y, return_counts=True)
    share = counts.max() / counts.sum()
    if share <= 0.9:
        return None, ""
    return UNEVEN, (
        f"{100 * share:.4g} % of the samples are {values[counts.argmax()].item()!r}, so the main metric is balanced "
        "accuracy: always giving that answer would have an accuracy of as much"
    )
