"""What is learned: a data set, the protocol that splits it, and the metric that counts."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from neuroloom.core.samples import LinkSet

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Data:
    """A loaded data set.

    Args:
        X: a sample set of the task's kind (array, DataFrame, ``NodeSet``, …) of ``n`` samples.
        y: ``(n,)`` labels (any sortable dtype) or float targets; None for control.
        notes: what was done while reading, for the user: ``"3 rows without a target were left out"``.
        extra: published parts and the like, for the task's own ``split``.
    """

    X: Any
    y: NDArray[Any] | None
    notes: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Rivals:
    """Further negatives that samples of the test part must outrank, each its own; nobody trains on them.

    Args:
        X: ``m`` pairs over the same graph as the samples, none of them an edge.
        of: ``(m,)`` the place in the test part, 0 … len(test) - 1, of the sample that each is a rival of.
    """

    X: LinkSet
    of: Ints


@dataclass(frozen=True, eq=False)
class Split:
    """Row numbers of one split; ``valid`` only where the task publishes a validation part.

    ``rivals`` are there where test samples are ranked, as the links of :mod:`neuroloom.tasks.links` are.
    """

    train: Ints
    test: Ints
    valid: Ints | None = None
    rivals: Rivals | None = None

    def fingerprint(self) -> str:
        """Return the SHA-256 of the row numbers, and of the rivals where there are any."""
        digest = hashlib.sha256()
        parts = [self.train, self.test, self.valid]
        if self.rivals is not None:
            parts += [self.rivals.X.pairs, self.rivals.of]
        for part in parts:
            digest.update(b"-" if part is None else np.ascontiguousarray(part, dtype="<i8").tobytes() + b";")
        return digest.hexdigest()


class Task(ABC):
    """One thing to learn. Cheap to make; nothing is read before :meth:`load`.

    Attributes:
        name: what users write, and the report's label.
        kind: the kind of sample set (``neuroloom.core.samples.KINDS``).
        problem: ``classification``, ``regression``, ``control``, ``detection`` or ``forecast``.
        metrics: names from ``neuroloom.tasks.metrics``; the first is the main one.
        protocol: ``"folds"`` (repetition ``seed`` is one shuffled k-fold, stratified for classes) or ``"published"``
            (the source's own splits; seeds vary the method only).
        max_folds: most folds that a repetition can have, where the data are too few for more; None for no limit.
        published_splits: how many splits the source publishes (0 for the ``folds`` protocol). Split ``k`` of several is
            trial ``seed = k // folds, fold = k % folds``; a single one is fold 0 of every seed.
        version: raised whenever data, split or metric of the same name change.
        actions: of control, ``"discrete"`` or ``"continuous"``; empty where it is not told beforehand.
        summary: one line for listings.
        source: where the data come from, with the citation.
        spec: pure JSON from which ``neuroloom.tasks.open_task(spec, data_dir)`` makes this task again.
    """

    name: str
    kind: str
    problem: str
    metrics: tuple[str, ...]
    protocol: str = "folds"
    max_folds: int | None = None
    published_splits: int = 0
    version: int = 1
    actions: str = ""
    summary: str = ""
    source: str = ""
    spec: dict[str, Any]

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a hash of the data: of the files' bytes, or of the names and versions of what makes them.

        Needs no heavy import and is the same on every machine; it goes into the key of each trial.
        """

    @abstractmethod
    def load(self, seed: int = 0) -> Data:
        """Return the data; tasks that are drawn (generators, links) draw from ``stream(seed, "data", name)``.

        Raises:
            InputError: the data are missing or unreadable; the message says where they were looked for.
        """

    @property
    def drawn(self) -> bool:
        """Whether ``load`` depends on the seed."""
        return False

    @abstractmethod
    def split(self, data: Data, seed: int, fold: int, folds: int) -> Split:
        """Return split ``fold`` of ``folds``, or of ``max_folds`` if that is less, in repetition ``seed``."""

    def cells(self, seeds: int, folds: int) -> list[tuple[int, int]]:
        """Return the ``(seed, fold)`` pairs that a bench with so many repetitions and folds runs, in order."""
        if self.protocol == "folds":
            fewer = folds if self.max_folds is None else min(folds, self.max_folds)
            return [(seed, fold) for seed in range(seeds) for fold in range(fewer)]
        if self.published_splits <= 1:
            return [(seed, 0) for seed in range(seeds)]
        return [divmod(k, folds) for k in range(min(self.published_splits, seeds * folds))]
