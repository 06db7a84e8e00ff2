"""NSGA-II over networks: fitness against complexity, a front of trade-offs instead of one winner.

Deb, Pratap, Agarwal and Meyarivan (2002), "A fast and elitist multiobjective genetic algorithm: NSGA-II".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core import plotting
from neuroloom.core.checks import check_choice
from neuroloom.core.seeding import stream
from neuroloom.evolve import population
from neuroloom.evolve.neat import NEAT

if TYPE_CHECKING:
    from neuroloom.evolve.config import NEATConfig
    from neuroloom.evolve.genome import Genome

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
COMPLEXITIES = ("connections", "nodes")


def front_ranks(costs: Floats) -> Ints:
    """Return the front ``(n,)`` that each row of ``costs (n, k)`` lies in, from 0; all costs are to be small.

    A row dominates another if it is nowhere larger and somewhere smaller; front 0 is dominated by none, front 1 by
    rows of front 0 only, and so on (section III-A of the paper).
    """
    no_worse = np.all(costs[:, None] <= costs[None], axis=2)
    dominates = no_worse & ~no_worse.T
    ranks, left, rank = np.full(len(costs), -1), dominates.sum(axis=0), 0
    while (ranks < 0).any():
        front = (ranks < 0) & (left == 0)
        ranks[front] = rank
        left = left - dominates[front].sum(axis=0)
        rank += 1
    return ranks


def crowding_distances(costs: Floats) -> Floats:
    """Return how far ``(n,)`` the neighbours of each row of one front ``costs (n, k)`` are apart; ∞ at the ends.

    Each cost's gap is in units of its range (section III-B of the paper).
    """
    n, k = costs.shape
    found = np.zeros(n)
    for column in range(k):
        order = np.argsort(costs[:, column], kind="stable")
        values = costs[order, column]
        found[order[[0, -1]]] = np.inf
        reach = values[-1] - values[0]
        if n > 2 and reach > 0:
            found[order[1:-1]] += (values[2:] - values[:-2]) / reach
    return found


def survival_order(costs: Floats) -> Ints:
    """Return all rows, the first to survive first: by front, within it the least crowded, each point once.

    Rows whose costs stand earlier already come behind all others, since copies would fill a front.
    """
    _, firsts = np.unique(costs, axis=0, return_index=True)
    first = np.zeros(len(costs), np.bool_)
    first[firsts] = True
    rows = np.flatnonzero(first)
    ranks, crowd = front_ranks(costs[rows]), np.zeros(len(rows))
    for rank in range(ranks.max() + 1):
        crowd[ranks == rank] = crowding_distances(costs[rows][ranks == rank])
    copies = np.flatnonzero(~first)
    return np.concatenate([rows[np.lexsort((rows, -crowd, ranks))], copies])


class NSGA2(NEAT):
    """Evolves networks by NEAT's mutation and crossover under NSGA-II's selection: fit and small.

    Parents and children are sorted together into fronts, and the best half become the parents; parents of a child win
    a tournament of two. Species are not used. ``run``, ``ask`` and ``tell`` are those of :class:`NEAT`, and so is
    ``best_genome_``, the fittest of all.

    Args:
        config: the settings; what concerns species has no effect.
        random_state: seed, generator or None for a fresh run.
        threads: threads for mutation and evaluation, at least 1.
        founder: as for :class:`NEAT`.
        complexity: what is to be small: ``"connections"`` that are enabled, or ``"nodes"``, the hidden ones.

    Differences:
        Networks with the same fitness and complexity as one before them are the last to survive.

    Source:
        Deb, Pratap, Agarwal and Meyarivan (2002), "A fast and elitist multiobjective genetic algorithm: NSGA-II".
    """

    def __init__(
        self,
        config: NEATConfig,
        random_state: Any = None,
        threads: int = 1,
        founder: Genome | None = None,
        complexity: str = "connections",
    ) -> None:
        self.complexity = check_choice("complexity", complexity, COMPLEXITIES)
        self._parents: tuple[population.Genes, Floats] | None = None
        super().__init__(config, random_state, threads, founder)

    def sizes(self, genes: population.Genes) -> Ints:
        """Return the complexity ``(genomes,)`` of ``genes``."""
        if self.complexity == "nodes":
            return np.diff(genes.node_ptr) - self.config.outputs
        enabled = np.concatenate([[0], np.cumsum(genes.enabled, dtype=np.int64)])
        return np.asarray(np.diff(enabled[genes.conn_ptr]))

    @property
    def front_(self) -> list[Genome]:
        """The networks that none dominates, from the smallest to the fittest; empty before the first evaluation."""
        pool = self._pool()
        if pool is None:
            return []
        genes, fitness = pool
        costs = np.column_stack([-fitness, self.sizes(genes)])
        once = np.unique(costs, axis=0, return_index=True)[1]
        on = once[front_ranks(costs[once]) == 0]
        on = on[np.argsort(costs[on, 1], kind="stable")]
        own = self.config
        return [population.genome(genes, int(g), own.inputs, own.outputs, float(fitness[g]), own) for g in on]

    def plot_front(self, ax: Any = None) -> Any:
        """Draw fitness against complexity, all networks and the front; return matplotlib's axes."""
        return plot_front(self.front_, self._pool(), self.sizes, self.complexity, ax)

    def state(self) -> dict[str, Any]:
        """Return the whole run as plain data, as :meth:`NEAT.state` does."""
        held = None if self._parents is None else (tuple(self._parents[0]), self._parents[1].copy())
        return {**super().state(), "parents": held, "complexity": self.complexity}

    @classmethod
    def from_state(cls, state: dict[str, Any], threads: int = 1) -> NSGA2:
        """Return a run that goes on, bit for bit, where :meth:`state` was taken."""
        engine = super().from_state(state, threads)
        assert isinstance(engine, NSGA2)
        engine.complexity = state["complexity"]
        if state["parents"] is not None:
            genes, fitness = state["parents"]
            genes = population.with_own_functions(population.Genes(*genes), state["functions"])
            engine._parents = genes, np.array(fitness)
        return engine

    # -- parts ----------------------------------------------------------------------------------------------

    def _pool(self) -> tuple[population.Genes, Floats] | None:
        """Return parents and the evaluated children together."""
        if self._fitness is None:
            return self._parents
        if self._parents is None:
            return self._genes, self._fitness
        genes, fitness = self._parents
        return population.joined(genes, self._genes), np.concatenate([fitness, self._fitness])

    def _breed(self) -> None:
        pool = self._pool()
        assert pool is not None
        genes, fitness = pool
        self._fitness = None
        best = survival_order(np.column_stack([-fitness, self.sizes(genes)]))[: len(self)]
        genes, fitness = population.take(genes, best), fitness[best]
        self._parents = genes, fitness
        draw = stream(self.seed, "evolve", "nsga2", self.generation)
        # of two drawn, the one that stands earlier wins
        first, second = draw.integers(len(best), size=(2, 2, len(self))).min(axis=1)
        second = np.where(draw.random(len(self)) < self.config.crossover_rate, second, first)
        weaker = fitness[second] > fitness[first]
        first, second = np.where(weaker, second, first), np.where(weaker, first, second)
        self._genes = self._breeder.offspring(genes, first, second, self.generation, self._known)

    def _speciate(self, old: population.Genes, representatives: Ints) -> None:
        """Put all into one species."""
        self._table.grow(1, self.generation)
        self._species = np.zeros(len(self), np.int64)


def plot_front(front: list[Genome], pool: Any, sizes: Any, complexity: str, ax: Any = None) -> Any:
    """Draw a front of networks and the ``pool`` (genes, fitness) it stands out of; return matplotlib's axes."""
    if ax is None:
        _, ax = plotting.pyplot().subplots(figsize=(6.4, 4.2), layout="constrained")
    if pool is not None:
        ax.scatter(sizes(pool[0]), pool[1], s=14, color="#7a7f85", alpha=0.4, linewidths=0, label="others")
    at = [_size(one, complexity) for one in front]
    ax.step(at, [one.fitness for one in front], where="post", color="#0072b2", linewidth=1.2)
    ax.scatter(at, [one.fitness for one in front], s=30, color="#0072b2", zorder=3, label="front")
    ax.set_xlabel(complexity)
    ax.set_ylabel("fitness")
    ax.legend(frameon=False, loc="lower right")
    return ax


def _size(one: Genome, complexity: str) -> int:
    return one.n_hidden if complexity == "nodes" else sum(conn.enabled for conn in one.connections)
