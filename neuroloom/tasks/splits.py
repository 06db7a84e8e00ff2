"""Which rows train and which test: shuffled k-fold by seed, the same for every method and on every machine.

Rows are dealt to folds like cards: those of each class are shuffled, the classes laid end to end, and row ``i`` of
that line goes to fold ``i mod folds``. Fold sizes then differ by at most one, and so do the numbers of each class.
A class with fewer members than folds is tested in as many folds as it has members and trained on in the others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.errors import InputError
from neuroloom.core.seeding import stream
from neuroloom.tasks.task import Data, Split

Ints = NDArray[np.int64]


def fold_of(n: int, folds: int, rng: np.random.Generator, labels: Any = None, groups: Any = None) -> Ints:
    """Return ``(n,)`` the fold in which each row is tested.

    Args:
        n: number of rows.
        folds: number of folds, 2 … n.
        rng: stream that shuffles.
        labels: ``(n,)`` classes to spread evenly; None shuffles plainly.
        groups: ``(n,)`` group of each row; a group is never divided, so that its members are not tested with their
            kin in training. Groups go, larger ones first, to the smallest fold; ``labels`` are then not balanced.

    Raises:
        InputError: there are fewer rows or groups than folds.
    """
    if folds < 2:
        raise InputError(f"`folds` must be at least 2, but got {folds}.")
    if groups is not None:
        return _fold_of_groups(np.asarray(groups), folds, rng)
    if n < folds:
        raise InputError(
            f"{n} samples cannot be divided into {folds} folds; lower `folds` to {max(n, 2)} or less."
        )
    order = rng.permutation(n)
    if labels is not None:
        codes = np.unique(np.asarray(labels), return_inverse=True)[1]
        order = order[np.argsort(codes[order], kind="stable")]
    made = np.empty(n, dtype=np.int64)
    made[order] = np.arange(n) % folds
    return made


def _fold_of_groups(groups: NDArray[Any], folds: int, rng: np.random.Generator) -> Ints:
    names, codes, counts = np.unique(groups, return_inverse=True, return_counts=True)
    if len(names) < folds:
        raise InputError(f"{len(names)} groups cannot be divided into {folds} folds; lower `folds`.")
    shuffled = rng.permutation(len(names))
    home = np.empty(len(names), dtype=np.int64)
    sizes = np.zeros(folds, dtype=np.int64)
    for group in shuffled[np.argsort(-counts[shuffled], kind="stable")]:
        home[group] = int(np.argmin(sizes))
        sizes[home[group]] += counts[group]
    return home[codes]


def k_fold(data: Data, problem: str, name: str, seed: int, fold: int, folds: int) -> Split:
    """Return split ``fold`` of the ``folds`` in repetition ``seed`` of the task called ``name``.

    Classes are stratified, numbers shuffled plainly; ``data.extra["groups"]``, if there, are kept together.
    """
    check_fold(fold, folds)
    labels = data.y if problem in ("classification", "detection") else None
    made = fold_of(len(data.X), folds, stream(seed, "split", name), labels, data.extra.get("groups"))
    return Split(train=np.flatnonzero(made != fold), test=np.flatnonzero(made == fold))


def check_fold(fold: int, folds: int) -> None:
    """Check that ``fold`` is one of ``folds``.

    Raises:
        InputError: it is not.
    """
    if not 0 <= fold < folds:
        raise InputError(f"`fold` must lie in 0 … {folds - 1}, but got {fold}.")


def normal_only(split: Split, y: NDArray[Any] | None) -> Split:
    """Return a split whose training part, and validation part where there is one, keep the samples of label 0 alone.

    Raises:
        InputError: there are no labels.
    """
    if y is None:
        raise InputError(
            "no sample is marked, so what detectors find cannot be judged; name the column of marks."
        )
    valid = None if split.valid is None else split.valid[y[split.valid] == 0]
    return Split(train=split.train[y[split.train] == 0], test=split.test, valid=valid)


def published(parts: list[Split], name: str, seed: int, fold: int, folds: int) -> Split:
    """Return the published split of trial ``(seed, fold)``: the only one, or number ``seed · folds + fold``.

    Raises:
        InputError: the source publishes no such split.
    """
    if len(parts) == 1:
        if fold:
            raise InputError(f"task {name!r} has one published split, which is fold 0, but got fold {fold}.")
        return parts[0]
    check_fold(fold, folds)
    number = seed * folds + fold
    if number >= len(parts):
        raise InputError(
            f"task {name!r} has {len(parts)} published splits, but seed {seed}, fold {fold} asks for number {number}."
        )
    return parts[number]


def rare_classes(y: Any, folds: int = 5) -> tuple[str, ...]:
    """Return a note when classes have fewer members than ``folds``, else nothing."""
    names, counts = np.unique(np.asarray(y), return_counts=True)
    rare = counts < folds
    if not rare.any():
        return ()
    shown = ", ".join(
        f"{label} ({count})" for label, count in zip(names[rare][:5], counts[rare][:5], strict=True)
    )
    more = f" and {int(rare.sum()) - 5} more" if rare.sum() > 5 else ""
    single = int((counts == 1).sum())
    text = (
        f"{int(rare.sum())} of {len(names)} classes have fewer than {folds} samples, so some of {folds} folds do not "
        f"test them: {shown}{more}"
    )
    if single:
        text += f"; {single} with a single sample can never be predicted when it is tested"
    return (text,)
