"""Sample sets: what every estimator learns from, besides plain arrays.

A sample set has a length, ``shape == (n,)`` and a ``[]`` that takes an integer, a slice, an integer or boolean
array, or a tuple that begins with one (scikit-learn indexes ``X[rows, ...]``). That is all that scikit-learn's
splitters, searches and pipelines ask for, so they work on nodes, links and graphs as on rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_choice
from neuroloom.core.errors import InputError
from neuroloom.core.graph import Graph

Ints = NDArray[np.int64]


class SampleSet:
    """What all sample sets share; subclasses say how many samples there are and how to take some of them."""

    def __len__(self) -> int:
        raise NotImplementedError

    def _take(self, rows: Ints) -> Self:
        raise NotImplementedError

    @property
    def shape(self) -> tuple[int]:
        """``(n,)``."""
        return (len(self),)

    @property
    def ndim(self) -> int:
        """1: a sample set is a line of samples."""
        return 1

    def __getitem__(self, key: Any) -> Self:
        if isinstance(key, tuple):
            key = key[0]
        rows = np.arange(len(self))[key]
        return self._take(np.atleast_1d(rows))

    def __iter__(self) -> Iterator[Self]:
        return (self[i] for i in range(len(self)))


def _whole(name: str, values: Any) -> Ints:
    """Return whole numbers as int64; numbers with a fraction are refused, not cut."""
    array = np.asarray(values)
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise InputError(f"`{name}` must hold whole numbers of at least 0, but has dtype {array.dtype}.")
    return array.astype(np.int64)


class NodeSet(SampleSet):
    """Nodes of one graph that all samples share.

    The graph carries the structure and the features of *every* node and no label, so learning from it is
    transductive without a leak.

    Args:
        graph: a :class:`Graph` or anything ``Graph.of`` takes.
        ids: ``(n,)`` node ids in ``0 … graph.n_nodes - 1``; None takes all nodes in order.

    Raises:
        InputError: an id is no node of the graph.
    """

    def __init__(self, graph: Any, ids: Any = None) -> None:
        self.graph = Graph.of(graph)
        chosen = np.arange(self.graph.n_nodes) if ids is None else np.asarray(ids)
        if chosen.ndim != 1 or (chosen.size and not np.issubdtype(chosen.dtype, np.integer)):
            raise InputError(
                f"`ids` must be a line of node ids, but has shape {chosen.shape} and dtype {chosen.dtype}."
            )
        if chosen.size and (chosen.min() < 0 or chosen.max() >= self.graph.n_nodes):
            raise InputError(
                f"`ids` must lie in 0 … {self.graph.n_nodes - 1}, but reach from {chosen.min()} to {chosen.max()}; "
                "turn names into ids with graph.index_of(names)."
            )
        self.ids: Ints = chosen.astype(np.int64)

    def __len__(self) -> int:
        return len(self.ids)

    def _take(self, rows: Ints) -> NodeSet:
        return NodeSet(self.graph, self.ids[rows])

    def __repr__(self) -> str:
        return f"NodeSet({len(self)} nodes of {self.graph!r})"


class LinkSet(SampleSet):
    """Pairs of nodes of one *observed* graph, none of them an edge of it.

    The task takes a share of the edges out of the graph and pairs them with non-edges; an estimator may add to its
    own copy of the graph the pairs that ``y`` in ``fit`` calls positive, and nothing else. So a plain
    ``cross_val_score`` cannot leak.

    Args:
        graph: the observed :class:`Graph`, or anything ``Graph.of`` takes.
        pairs: ``(n, 2)`` node ids.

    Raises:
        InputError: a pair is an edge of the graph, or names no node of it.
    """

    def __init__(self, graph: Any, pairs: Any) -> None:
        self.graph = Graph.of(graph)
        self.pairs: Ints = _whole("pairs", pairs)
        if self.pairs.ndim != 2 or self.pairs.shape[1] != 2:
            raise InputError(f"`pairs` must have shape (n, 2), but has {self.pairs.shape}.")
        if self.pairs.size and (self.pairs.min() < 0 or self.pairs.max() >= self.graph.n_nodes):
            raise InputError(f"`pairs` must hold node ids in 0 … {self.graph.n_nodes - 1}.")
        leaks = self.graph.has_edges(self.pairs)
        if leaks.any():
            u, v = self.pairs[leaks][0]
            raise InputError(
                f"{int(leaks.sum())} of {len(self.pairs)} pairs are edges of the graph, the first ({u}, {v}), so the "
                "answer would lie open; pass graph.without_edges(pairs) as the observed graph."
            )

    def __len__(self) -> int:
        return len(self.pairs)

    def _take(self, rows: Ints) -> LinkSet:
        taken = object.__new__(LinkSet)  # the pairs were checked when the whole set was made
        taken.graph, taken.pairs = self.graph, self.pairs[rows]
        return taken

    def __repr__(self) -> str:
        return f"LinkSet({len(self)} pairs over {self.graph!r})"


class GraphSet(SampleSet):
    """A sequence of whole graphs; a sample is one graph.

    Args:
        graphs: :class:`Graph` values, or anything ``Graph.of`` takes. All with node features of one width, or none.

    Raises:
        InputError: the graphs differ in the number of node features.
    """

    def __init__(self, graphs: Iterable[Any]) -> None:
        self.graphs: tuple[Graph, ...] = tuple(Graph.of(graph) for graph in graphs)
        widths = {None if g.features is None else g.features.shape[1] for g in self.graphs}
        if len(widths) > 1:
            raise InputError(
                f"all graphs must have as many node features, but got {sorted(map(str, widths))}."
            )

    def __len__(self) -> int:
        return len(self.graphs)

    def _take(self, rows: Ints) -> GraphSet:
        taken = object.__new__(GraphSet)
        taken.graphs = tuple(self.graphs[i] for i in rows)
        return taken

    def __repr__(self) -> str:
        return f"GraphSet({len(self)} graphs)"


SIMULATORS = ("gymnasium", "envpool")


class EnvSet(SampleSet):
    """Episodes of one environment; a sample is an episode's start, given by its seed.

    Args:
        env_id: a registered environment, as ``"CartPole-v1"``.
        seeds: ``(n,)`` non-negative seeds for ``env.reset(seed=…)``.
        options: keyword arguments for ``gymnasium.make``, or for ``envpool.make``.
        simulator: ``"gymnasium"``, or ``"envpool"`` for EnvPool's compiled environments, which are stepped many times
            faster; a seed begins another episode there.
    """

    def __init__(
        self,
        env_id: str,
        seeds: Any,
        options: dict[str, Any] | None = None,
        simulator: str = "gymnasium",
    ) -> None:
        check_choice("simulator", simulator, SIMULATORS)
        self.env_id = env_id
        self.seeds: Ints = _whole("seeds", seeds)
        self.options = dict(options or {})
        self.simulator = simulator
        if self.seeds.ndim != 1 or (self.seeds.size and self.seeds.min() < 0):
            raise InputError("`seeds` must be a line of whole numbers of at least 0, one an episode.")

    def __len__(self) -> int:
        return len(self.seeds)

    def _take(self, rows: Ints) -> EnvSet:
        return EnvSet(self.env_id, self.seeds[rows], self.options, self.simulator)

    def __repr__(self) -> str:
        return f"EnvSet({self.env_id!r}, {len(self)} episodes)"


KINDS = ("table", "series", "image", "tokens", "nodes", "links", "graphs", "episodes")


def kind_of(X: Any) -> str:
    """Return the kind of a sample set or array: one of ``KINDS``.

    An array of 2 dimensions is a table, of 3 series, of 4 images; a 2-D integer array is still a table, since tokens
    cannot be told from it.

    Raises:
        InputError: ``X`` is no sample set.
    """
    from neuroloom.core.origins import OriginSet

    by_type = {
        NodeSet: "nodes",
        LinkSet: "links",
        GraphSet: "graphs",
        EnvSet: "episodes",
        OriginSet: "series",
    }
    for cls, kind in by_type.items():
        if isinstance(X, cls):
            return kind
    if type(X).__module__.startswith("pandas"):
        return "table"
    ndim = np.ndim(X) if not hasattr(X, "ndim") else X.ndim
    if ndim in (2, 3, 4):
        return {2: "table", 3: "series", 4: "image"}[int(ndim)]
    raise InputError(
        f"expected an array of 2, 3 or 4 dimensions or a sample set, but got {type(X).__name__} with {ndim}."
    )


def observed_graph(X: LinkSet, y: Any) -> Graph:
    """Return the graph a link estimator may learn from: the observed one and the pairs that ``y`` calls positive.

    Args:
        X: the training pairs.
        y: ``(n,)`` labels; the larger of its two values means "an edge". With a single value nothing is added, since
            it cannot be told which it is.

    Raises:
        InputError: labels and pairs differ in number, or there are more than two different labels.
    """
    labels = np.asarray(y)
    if labels.shape != (len(X),):
        raise InputError(f"y must hold {len(X)} labels, one a pair, but has shape {labels.shape}.")
    values = np.unique(labels)
    if len(values) > 2:
        raise InputError(f"labels of links must have two values, no edge and edge, but got {len(values)}.")
    return X.graph.with_edges(X.pairs[labels == values[-1]]) if len(values) == 2 else X.graph


def take(X: Any, rows: Any) -> Any:
    """Return the samples ``rows`` of a sample set, array or DataFrame: always a copy, so that it may be changed."""
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]
