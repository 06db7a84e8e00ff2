"""Topology as a graph: evolved networks as graphs, a map of an evolution, and novelty of structure.

Genomes become graphs whose nodes are labelled by what they are: each input and each output its own, hidden nodes by
their function. Any embedding of whole graphs then says how alike two networks are built, which draws a population on a
plane (:class:`TopologyMap`) or rewards structures that have not been tried (:func:`topology_behaviour` with
:class:`~neuroloom.evolve.NoveltySearch`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core import plotting
from neuroloom.core.checks import check_choice, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.graph import Graph
from neuroloom.core.samples import GraphSet
from neuroloom.core.seeding import derive, stream
from neuroloom.evolve.functions import ACTIVATIONS
from neuroloom.evolve.population import Genes, pack_genomes, take

if TYPE_CHECKING:
    from neuroloom.evolve.genome import Genome

Floats = NDArray[np.float64]
COLOURS = ("fitness", "generation", "species")


def as_graphs(networks: Any, weighted: bool = True) -> GraphSet:
    """Return evolved networks as directed graphs of their enabled connections.

    Args:
        networks: a run such as :class:`~neuroloom.evolve.NEAT`, its compiled phenotypes, one genome, or several.
        weighted: give edges their connections' weights, which may be negative; otherwise each weighs 1, as embeddings
            by random walks need.

    Returns:
        one graph a genome: nodes named by their ids (inputs -1, -2, …), the edges, features
        ``(nodes, inputs + outputs + functions + 1)`` that are 1 at which input, which output or which hidden function a
        node is; the last column stands for functions of one's own.

    Raises:
        InputError: the genomes differ in inputs or outputs, or there are none.
    """
    genes, inputs, outputs = _genes(networks)
    width = inputs + outputs + len(ACTIVATIONS) + 1
    return GraphSet(
        [_graph(genes, row, inputs, outputs, width, weighted) for row in range(len(genes.node_ptr) - 1)]
    )


def _genes(networks: Any) -> tuple[Genes, int, int]:
    if hasattr(networks, "genes"):
        own = getattr(networks, "config", networks)
        return networks.genes, own.inputs, own.outputs
    genomes: list[Genome] = [networks] if hasattr(networks, "nodes") else list(networks)
    sizes = {(one.inputs, one.outputs) for one in genomes}
    if len(sizes) != 1:
        raise InputError(
            "`networks` must be genomes of as many inputs and outputs, at least one, but "
            + (f"they have {sorted(sizes)}." if sizes else "there are none.")
        )
    return pack_genomes(genomes), *sizes.pop()


def _graph(genes: Genes, row: int, inputs: int, outputs: int, width: int, weighted: bool) -> Graph:
    nodes = slice(genes.node_ptr[row], genes.node_ptr[row + 1])
    conns = slice(genes.conn_ptr[row], genes.conn_ptr[row + 1])
    ids = genes.node_id[nodes].astype(np.int64)
    live = genes.enabled[conns]
    ends = [column[conns][live].astype(np.int64) for column in (genes.source, genes.target)]
    order = np.argsort(ids)
    first, last = (
        np.where(
            end < 0, -1 - end, inputs + order[np.searchsorted(ids, end, sorter=order).clip(max=len(ids) - 1)]
        )
        for end in ends
    )
    count = inputs + len(ids)
    by = np.lexsort((last, first))
    features = np.zeros((count, width), np.float32)
    features[np.arange(inputs), np.arange(inputs)] = 1
    codes = np.minimum(genes.activation[nodes], len(ACTIVATIONS))
    columns = np.where(ids < outputs, inputs + ids, inputs + outputs + codes)
    features[inputs + np.arange(len(ids)), columns] = 1
    return Graph(
        np.concatenate([[0], np.cumsum(np.bincount(first, minlength=count))]),
        last[by],
        genes.weight[conns][live][by] if weighted else np.ones(len(by)),
        directed=True,
        features=features,
        names=(*range(-1, -inputs - 1, -1), *ids.tolist()),
    )


def topology_behaviour(
    fitness: Callable[[Any], Any], iterations: int = 2, buckets: int = 64
) -> Callable[[Any], tuple[Any, Floats]]:
    """Return an evaluation for :class:`~neuroloom.evolve.NoveltySearch` whose behaviour is a network's structure.

    Networks are as far apart as their normalised Weisfeiler-Lehman histograms: 0 for the same structure, at most the
    square root of 2.

    Args:
        fitness: from compiled networks to their fitness.
        iterations: how far around a node its structure is looked at, at least 0.
        buckets: columns of each iteration's histogram, at least 2.

    Source:
        Shervashidze et al. (2011), "Weisfeiler-Lehman graph kernels"; Lehman and Stanley (2011) for novelty.
    """
    from neuroloom.graphs import WLFeatures

    kernel = WLFeatures(iterations=iterations, buckets=buckets).fit(GraphSet([]))
    return lambda phenotypes: (fitness(phenotypes), kernel.transform(as_graphs(phenotypes)))


class TopologyMap:
    """A callback that keeps networks of every generation, and draws them as a map by how alike they are built.

    Args:
        every: generations between those that are kept, at least 1.
        sample: networks kept of a generation, at least 1: the fittest, and others at random.
        random_state: seed of that choice.

    Attributes:
        genes_: the networks kept. generation_, fitness_, species_: ``(n,)`` what is known of each.

    Example:
        >>> seen = TopologyMap(every=2)
        >>> engine.run(fitness, 50, X, y, callback=seen)  # doctest: +SKIP
        >>> seen.plot()  # doctest: +SKIP
    """

    def __init__(self, every: int = 1, sample: int = 20, random_state: int = 0) -> None:
        self.every, self.sample = check_int("every", every), check_int("sample", sample)
        self.random_state = check_int("random_state", random_state, 0)
        self._parts: list[Genes] = []
        self._size: tuple[int, int] | None = None
        self._known: list[tuple[NDArray[np.int64], Floats, NDArray[np.int64]]] = []

    def __call__(self, engine: Any) -> None:
        """Keep some of the present generation."""
        size = engine.config.inputs, engine.config.outputs
        if self._size not in (None, size):
            raise InputError(f"this map holds networks of {self._size} inputs and outputs; take a new one.")
        self._size = size
        if (engine.generation - 1) % self.every:
            return
        fitness = np.asarray(engine.fitness)
        rest = stream(self.random_state, "topology", engine.generation).permutation(len(fitness))
        best = int(fitness.argmax())
        rows = np.array([best, *rest[rest != best][: self.sample - 1]])
        species = np.empty(len(fitness), np.int64)
        for key, members in engine.species_.items():
            species[members] = key
        self._parts.append(take(engine.genes, rows))
        self._known.append((np.full(len(rows), engine.generation), fitness[rows], species[rows]))

    @property
    def graphs_(self) -> GraphSet:
        """The networks as graphs of edges that weigh 1, in the order they were kept."""
        if not self._parts:
            return GraphSet([])
        assert self._size is not None
        width = sum(self._size) + len(ACTIVATIONS) + 1
        return GraphSet(
            [
                _graph(part, row, *self._size, width, False)
                for part in self._parts
                for row in range(len(part.node_ptr) - 1)
            ]
        )

    @property
    def generation_(self) -> NDArray[np.int64]:
        """Generation ``(n,)`` of each network, from 1."""
        return np.concatenate([np.empty(0, np.int64), *(known[0] for known in self._known)])

    @property
    def fitness_(self) -> Floats:
        """Fitness ``(n,)`` of each network."""
        return np.concatenate([np.empty(0), *(known[1] for known in self._known)])

    @property
    def species_(self) -> NDArray[np.int64]:
        """Species ``(n,)`` of each network."""
        return np.concatenate([np.empty(0, np.int64), *(known[2] for known in self._known)])

    def embed(self, method: str = "wl", **params: Any) -> Floats:
        """Return the place ``(n, 2)`` of each network: the first two principal components of an embedding of graphs.

        Args:
            method: a method that turns whole graphs into features, by its short name: ``"wl"``, ``"graph2vec"``,
                ``"feather"``, ``"netlsd"``, ``"graph-statistics"``, …
            params: its parameters.

        Raises:
            InputError: fewer than 3 networks were kept, or the method does not do that.
        """
        from sklearn.decomposition import PCA

        from neuroloom.methods.method import TRANSFORM
        from neuroloom.methods.registry import find

        graphs = self.graphs_
        if len(graphs) < 3:
            raise InputError(
                f"a map needs at least 3 networks, but {len(graphs)} were kept; run an engine first."
            )
        found = find(method)
        if ("graphs", TRANSFORM) not in found.classes:
            raise InputError(
                f"`method` must turn whole graphs into features, such as 'wl', but got {method!r}."
            )
        made = found.load("graphs", TRANSFORM)(**{**found.fixed, **params})
        if "random_state" in made.get_params() and "random_state" not in params:
            made.set_params(random_state=derive(self.random_state, "embedding") % 2**31)
        features = np.asarray(made.fit(graphs).transform(graphs), dtype=np.float64)
        return np.asarray(PCA(2, svd_solver="full").fit_transform(features))

    def plot(
        self,
        colours: Sequence[str] = ("fitness", "generation"),
        method: str = "wl",
        axes: Any = None,
        **params: Any,
    ) -> Any:
        """Draw the map, once for each of ``colours``; the fittest of each generation are ringed. Return the axes.

        Args:
            colours: of ``"fitness"``, ``"generation"`` and ``"species"``.
            method: as for :meth:`embed`.
            axes: as many of matplotlib's axes as there are colours, or None for new ones.
            params: as for :meth:`embed`.
        """
        for colour in colours:
            check_choice("colours", colour, COLOURS)
        at = self.embed(method, **params)
        if axes is None:
            shape = {"figsize": (5.4 * len(colours), 4.4), "layout": "constrained", "squeeze": False}
            axes = plotting.pyplot().subplots(1, len(colours), **shape)[1][0]
        axes = np.ravel(axes)
        generation = self.generation_
        best = np.flatnonzero(np.diff(generation, prepend=-1))  # the fittest stands first
        for ax, colour in zip(axes, colours, strict=True):
            values = getattr(self, f"{colour}_")
            if colour == "species":
                values = np.unique(values, return_inverse=True)[1] % 20
            low, high = (
                np.percentile(values, [5, 100]) if colour == "fitness" else (values.min(), values.max())
            )
            drawn = ax.scatter(
                *at.T, c=values, s=14, alpha=0.8, linewidths=0, vmin=low, vmax=high,
                cmap={"fitness": "viridis", "generation": "cividis", "species": "tab20"}[colour],
            )  # fmt: skip
            ring = {"s": 34, "facecolors": "none", "edgecolors": "0.1", "linewidths": 0.9}
            ax.scatter(*at[best].T, **ring, label="fittest of a generation")
            star = {"marker": "*", "ms": 13, "color": "crimson", "mec": "white", "ls": ""}
            ax.plot(*at[best[-1]], **star, label="the last of these")
            if colour != "species":
                ax.figure.colorbar(drawn, ax=ax, label=colour)
            ax.set_xlabel("first principal component")
            ax.set_ylabel("second")
            ax.set_title(f"networks by how alike they are built, {colour}", fontsize=10)
            ax.legend(fontsize=8, loc="upper left", bbox_to_anchor=(0, -0.12), ncols=2, frameon=False)
        return axes
