"""Extremely randomised trees on bootstrap draws, with what they say of samples that they did not see.

Geurts, Ernst and Wehenkel (2006), "Extremely randomized trees"; Breiman (1996), "Out-of-bag estimation".
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.errors import InputError
from neuroloom.core.seeding import stream
from neuroloom.signal.threads import in_threads, slices

Floats = NDArray[np.float64]


class OutOfBagTrees:
    """Trees whose every node takes the best, by entropy, of a random cut in each of some random columns.

    A node is done with as soon as it has a cut that no other can beat. Compiled throughout, for small tables of many
    columns: little of the time of scikit-learn's goes into splits there.

    Args:
        trees: how many, at least 1.
        share: of the columns tried at each node, in (0, 1]; at least one.
        most: columns tried at each node at most, at least 1.
        n_jobs: threads; the trees do not depend on it.
        seed: of the draws.

    Attributes:
        out_of_bag_: ``(n, classes)`` means over the trees that did not see a sample; NaN where all did.
        nodes_: of all trees.

    Source:
        Geurts, Ernst and Wehenkel (2006), "Extremely randomized trees"; Breiman (1996), "Out-of-bag estimation".
    """

    def __init__(self, trees: int, share: float, most: int, n_jobs: int, seed: int) -> None:
        self.trees, self.share, self.most, self.n_jobs, self.seed = trees, share, most, n_jobs, seed

    def fit(self, table: NDArray[Any], labels: NDArray[Any]) -> Self:
        """Fit finite ``table (n, p)`` to ``labels (n,)``, whole numbers from 0 to the number of classes - 1."""
        from neuroloom.signal import _tree_kernels

        columns = np.ascontiguousarray(np.asarray(table, dtype=np.float32).T)
        labels = np.asarray(labels, dtype=np.int64)
        n, classes = len(labels), int(labels.max()) + 1
        tries = max(1, min(int(self.share * len(columns)), self.most))
        seeds = stream(self.seed, "trees").integers(2**64, size=self.trees, dtype=np.uint64)

        def grown(own: NDArray[Any]) -> tuple[Any, ...]:
            room = len(own) * n
            split, child = np.empty(2 * room, dtype=np.int32), np.empty(2 * room, dtype=np.int32)
            threshold = np.empty(2 * room, dtype=np.float32)
            shares = np.empty((room, classes), dtype=np.float32)
            roots = np.empty(len(own), dtype=np.int64)
            votes, seen = np.zeros((n, classes)), np.zeros(n, dtype=np.int64)
            nodes, leaves = _tree_kernels.grow_forest(
                columns, labels, classes, tries, own, split, threshold, child, shares, roots, votes, seen
            )
            kept = (split[:nodes], threshold[:nodes], child[:nodes], shares[:leaves], roots)
            return tuple(part.copy() for part in kept), votes, seen

        found = in_threads(grown, np.array_split(seeds, min(self.n_jobs, len(seeds))))
        self.parts_ = [part for part, _, _ in found]
        votes, seen = sum(f[1] for f in found), sum(f[2] for f in found)
        with np.errstate(invalid="ignore"):
            self.out_of_bag_ = votes / seen[:, None]
        self.nodes_ = sum(len(part[0]) for part in self.parts_)
        return self

    def predict_proba(self, table: NDArray[Any]) -> Floats:
        """Return ``(n, classes)`` means of the leaves' shares.

        Raises:
            InputError: the table has fewer columns than the trees ask for, or the trees were damaged.
        """
        from neuroloom.signal import _tree_kernels

        table = np.ascontiguousarray(table, dtype=np.float32)
        for part in self.parts_:
            _check(part, table.shape[1], self.out_of_bag_.shape[1])
        votes = np.zeros((len(table), self.out_of_bag_.shape[1]))

        def vote(rows: slice) -> None:
            for part in self.parts_:
                _tree_kernels.add_votes(table[rows], *part, votes[rows])

        in_threads(vote, slices(len(table), self.n_jobs))
        return votes / self.trees


def _check(part: tuple[NDArray[Any], ...], p: int, classes: int) -> None:
    """Raise where nodes would lead astray, as in a damaged file: compiled loops do not look where they read."""
    split, threshold, child, shares, roots = part
    nodes, asks = np.arange(len(split)), split >= 0
    sound = (
        len(threshold) == len(child) == len(split)
        and shares.shape == (len(shares), classes)
        and bool((split < p).all() and (split >= -len(shares)).all())
        and bool((child[asks] > nodes[asks]).all() and (child[asks] + 1 < len(split)).all())
        and bool((roots >= 0).all() and (roots < len(split)).all())
    )
    if not sound:
        raise InputError(f"these trees are damaged or were grown on another number of columns than {p}.")
