"""Link prediction: which of two unconnected nodes are connected after all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.errors import InputError
from neuroloom.core.graph import Graph
from neuroloom.core.samples import LinkSet
from neuroloom.core.seeding import stream
from neuroloom.tasks.base import DrawnTask
from neuroloom.tasks.folder import hash_files, locate
from neuroloom.tasks.metrics import LINKS
from neuroloom.tasks.task import Data

Ints = NDArray[np.int64]
SHARE = 0.5

_FILES = {
    "usair": ("USAir", "332 airports of the USA, 2,126 flight connections", "Batagelj and Mrvar 2006, Pajek datasets"),
    "ns": ("NS", "1,589 network scientists, 2,742 joint papers", "Newman 2006, Finding community structure"),
    "celegans": ("Celegans", "297 neurons of the worm C. elegans, 2,148 synaptic ties",
                 "Watts and Strogatz 1998, Collective dynamics of small-world networks"),
    "yeast": ("Yeast", "2,375 proteins of yeast, 11,693 interactions", "von Mering et al. 2002, Protein interactions"),
    "power": ("Power", "4,941 stations of the western US power grid, 6,594 lines",
              "Watts and Strogatz 1998, Collective dynamics of small-world networks"),
}  # fmt: skip


class LinkPrediction(DrawnTask):
    """Tell removed edges from as many pairs that never were edges.

    Half of the edges are taken out for each repetition, so that each of five folds tests a tenth of them; the rest is
    the observed graph. Only edges outside a random spanning forest are taken, so every component stays connected.
    """

    kind = "links"
    problem = "classification"
    metrics = LINKS
    needs = "data folder"

    def __init__(self, name: str, data: Path | None = None) -> None:
        super().__init__(name, data)
        self._stem, facts, paper = _FILES[name]
        self.summary = f"{facts}: which removed pairs were connected"
        self.source = f"{paper}; github.com/muhanzhang/SEAL (MATLAB/data)"

    def _file(self) -> Path:
        return locate(
            self.data, f"linkpred/{self._stem}.mat", f"task {self.name!r}", "github.com/muhanzhang/SEAL"
        )

    def fingerprint(self) -> str:
        """Return the hash of the file."""
        return hash_files([self._file()])

    def load(self, seed: int = 0) -> Data:
        """Return the pairs (1: a removed edge, 0: none) over the observed graph of repetition ``seed``."""
        import scipy.io

        graph = Graph.of(scipy.io.loadmat(self._file())["net"], directed=False).without_self_loops()
        return drawn_links(graph, stream(seed, "data", self.name))


def drawn_links(graph: Graph, rng: np.random.Generator, share: float = SHARE) -> Data:
    """Return removed edges and as many non-edges over what is left of an undirected ``graph``.

    Args:
        graph: the whole graph, without self-loops.
        rng: draws the edges to remove and the non-edges.
        share: share of the edges to remove; fewer where more would break a component apart.

    Raises:
        InputError: the graph has too few removable edges or non-edges.
    """
    edges = graph.edges()
    free = np.flatnonzero(~_forest(graph, edges, rng))
    wanted = round(share * len(edges))
    count = min(wanted, len(free))
    if count < 10:
        raise InputError(
            f"only {count} of {len(edges)} edges can be removed without breaking the graph apart; link prediction "
            "needs at least 10, so it needs a graph with more cycles."
        )
    positive = edges[np.sort(rng.choice(free, size=count, replace=False))]
    negative = _non_edges(graph, count, rng)
    observed = graph.without_edges(positive)
    pairs = np.concatenate([positive, negative])
    flip = rng.random(len(pairs)) < 0.5  # the order of a pair must not tell an edge from a non-edge
    pairs[flip] = pairs[flip, ::-1]
    order = rng.permutation(len(pairs))
    notes = [
        f"{count} of {len(edges)} edges ({count / len(edges):.0%}) were removed and are told from {count} pairs that "
        "never were edges"
    ]
    if count < wanted:
        notes.append(f"fewer than {share:.0%}, because all others keep the graph's components connected")
    y = np.repeat([1, 0], count)
    return Data(LinkSet(observed, pairs[order]), y[order], tuple(notes))


def _forest(graph: Graph, edges: Ints, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which of ``edges`` belong to a spanning forest drawn by random edge weights."""
    import scipy.sparse
    import scipy.sparse.csgraph

    shape = (graph.n_nodes, graph.n_nodes)
    weights = rng.permutation(len(edges)) + 1.0
    matrix = scipy.sparse.csr_array((weights, (edges[:, 0], edges[:, 1])), shape=shape)
    kept = scipy.sparse.csgraph.minimum_spanning_tree(matrix).tocoo()
    return np.isin(weights, np.asarray(kept.data))


def _non_edges(graph: Graph, count: int, rng: np.random.Generator) -> Ints:
    """Return ``count`` different pairs ``u < v`` that are no edges, each equally likely."""
    n = graph.n_nodes
    room = n * (n - 1) // 2 - graph.n_edges
    if count > room:
        raise InputError(f"the graph has {room} pairs without an edge, but {count} are needed.")
    if count > room // 3:  # dense: list them all
        every: Any = np.column_stack(np.triu_indices(n, 1))
        every = every[~graph.has_edges(every)]
        return np.asarray(every[rng.choice(len(every), size=count, replace=False)])
    found = np.empty((0, 2), dtype=np.int64)
    while len(found) < count:
        drawn = np.sort(rng.integers(n, size=(2 * count, 2)), axis=1)
        drawn = drawn[(drawn[:, 0] != drawn[:, 1]) & ~graph.has_edges(drawn)]
        keys = np.concatenate([found, drawn]) @ np.array([n, 1])
        first = np.sort(np.unique(keys, return_index=True)[1])  # in the order drawn
        found = np.concatenate([found, drawn])[first]
    return found[:count]
