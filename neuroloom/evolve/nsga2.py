"""NSGA-II over networks: fitness against complexity or cost, a front of trade-offs instead of one winner.

Deb, Pratap, Agarwal and Meyarivan (2002), "A fast and elitist multiobjective genetic algorithm: NSGA-II".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuroloom.core import plotting
from neuroloom.core.checks import check_choice, check_float
from neuroloom.core.errors import InputError
from neuroloom.core.seeding import stream
from neuroloom.evolve import population
from neuroloom.evolve.neat import NEAT

if TYPE_CHECKING:
    from neuroloom.evolve.config import NEATConfig
    from neuroloom.evolve.genome import Genome

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NAMES = {"connections": "enabled connections", "nodes": "hidden neurons", "given": "cost"}
COMPLEXITIES = tuple(NAMES)
_OWN = ("complexity", "cost_rate")


def front_ranks(costs: Floats, first_only: NDArray[np.bool_] | None = None) -> Ints:
    """Return the front ``(n,)`` that each row of ``costs (n, k)`` lies in, from 0; all costs are to be small.

    A row dominates another if it is nowhere larger and somewhere smaller; front 0 is dominated by none, front 1 by
    rows of front 0 only, and so on (section III-A of the paper).

    Args:
        costs: the rows.
        first_only: ``(n, n)``, symmetric: pairs of rows that are compared by their first cost alone, or None.
    """
    no_worse = np.all(costs[:, None] <= costs[None], axis=2)
    dominates = no_worse & ~no_worse.T
    if first_only is not None:
        dominates = np.where(first_only, costs[:, None, 0] < costs[None, :, 0], dominates)
    ranks, left, rank = np.full(len(costs), -1), dominates.sum(axis=0), 0
    while (ranks < 0).any():
        front = (ranks < 0) & (left == 0)
        ranks[front] = rank
        left = left - dominates[front].sum(axis=0)
        rank += 1
    return ranks


def undominated(costs: Floats) -> Ints:
    """Return the rows of ``costs (n, k)`` that none dominates, each point once, the smallest last cost first."""
    once = np.unique(costs, axis=0, return_index=True)[1]
    on = once[front_ranks(costs[once]) == 0]
    return np.asarray(on[np.argsort(costs[on, -1], kind="stable")])


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


def survival_order(costs: Floats, first_only: NDArray[np.bool_] | None = None) -> Ints:
    """Return all rows, the first to survive first: by front, within it the least crowded, each point once.

    Rows whose costs stand earlier already come behind all others, since copies would fill a front. Arguments are those
    of :func:`front_ranks`.
    """
    _, firsts = np.unique(costs, axis=0, return_index=True)
    first = np.zeros(len(costs), np.bool_)
    first[firsts] = True
    rows = np.flatnonzero(first)
    pairs = None if first_only is None else first_only[np.ix_(rows, rows)]
    ranks, crowd = front_ranks(costs[rows], pairs), np.zeros(len(rows))
    for rank in range(ranks.max() + 1):
        crowd[ranks == rank] = crowding_distances(costs[rows][ranks == rank])
    copies = np.flatnonzero(~first)
    return np.concatenate([rows[np.lexsort((rows, -crowd, ranks))], copies])


class _Pool(NamedTuple):
    """Evaluated networks.

    Args:
        genes: the networks.
        fitness: ``(n,)``.
        costs: ``(n,)`` what is to be small beside.
    """

    genes: population.Genes
    fitness: Floats
    costs: Floats

    @property
    def points(self) -> Floats:
        """What is to be small, ``(n, 2)``, the fitness first."""
        return np.column_stack([-self.fitness, self.costs])

    def front(self) -> Ints:
        """Return the networks that none dominates, from the smallest to the fittest."""
        return undominated(self.points)


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
        complexity: what is to be small: ``"connections"`` that are enabled, ``"nodes"``, the hidden ones, or
            ``"given"``: an evaluation gives two things, ``(fitness, cost)``, ``(population,)`` each.
        cost_rate: chance in [0, 1] that two networks are compared by complexity as well as by fitness; below 1 fitness
            counts for more (PNSGA of Clune, Mouret and Lipson 2013).

    Raises:
        InputError: an argument is out of its range, or an evaluation does not give what ``complexity`` asks for.

    Differences:
        Networks with the same fitness and complexity as one before them are the last to survive.

    Source:
        Deb, Pratap, Agarwal and Meyarivan (2002), "A fast and elitist multiobjective genetic algorithm: NSGA-II";
        Clune, Mouret and Lipson (2013), "The evolutionary origins of modularity", supplement, for ``cost_rate``.
    """

    def __init__(
        self,
        config: NEATConfig,
        random_state: Any = None,
        threads: int = 1,
        founder: Genome | None = None,
        complexity: str = "connections",
        cost_rate: float = 1.0,
    ) -> None:
        self.complexity = check_choice("complexity", complexity, COMPLEXITIES)
        self.cost_rate = check_float("cost_rate", cost_rate, 0, 1)
        self._parents: _Pool | None = None
        self._costs: Floats = np.empty(0)  # of the evaluated children
        super().__init__(config, random_state, threads, founder)

    @property
    def front_(self) -> list[Genome]:
        """The networks that none dominates, from the smallest to the fittest; empty before the first evaluation."""
        pool, own = self._pool(), self.config
        return [] if pool is None else [
            population.genome(pool.genes, int(g), own.inputs, own.outputs, float(pool.fitness[g]), own)
            for g in pool.front()
        ]  # fmt: skip

    @property
    def front_costs_(self) -> Floats:
        """The complexity ``(n,)`` of each network of ``front_``."""
        pool = self._pool()
        return np.empty(0) if pool is None else pool.costs[pool.front()]

    def plot_front(self, ax: Any = None) -> Any:
        """Draw fitness against complexity, all networks and the front; return matplotlib's axes."""
        pool = self._pool()
        others = None if pool is None else (pool.costs, pool.fitness)
        return plot_front(self.front_, self.front_costs_, others, NAMES[self.complexity], ax)

    def state(self) -> dict[str, Any]:
        """Return the whole run as plain data, as :meth:`NEAT.state` does."""
        held = (
            None if self._parents is None else (tuple(self._parents.genes), *map(np.copy, self._parents[1:]))
        )
        own = {name: getattr(self, name) for name in _OWN}
        return {**super().state(), "parents": held, "costs": self._costs.copy(), **own}

    @classmethod
    def from_state(cls, state: dict[str, Any], threads: int = 1) -> NSGA2:
        """Return a run that goes on, bit for bit, where :meth:`state` was taken."""
        engine = super().from_state(state, threads)
        assert isinstance(engine, NSGA2)
        for name in _OWN:
            setattr(engine, name, state[name])
        engine._costs = np.array(state["costs"])
        if state["parents"] is not None:
            genes, fitness, costs = state["parents"]
            genes = population.with_own_functions(population.Genes(*genes), state["functions"])
            engine._parents = _Pool(genes, np.array(fitness), np.array(costs))
        return engine

    # -- parts ----------------------------------------------------------------------------------------------

    def _values(self, found: Any) -> Floats:
        if self.complexity != "given":
            self._costs = _sizes(self._genes, self.complexity, self.config.outputs)
            return super()._values(found)
        if not isinstance(found, tuple | list) or len(found) != 2:
            raise InputError(
                'complexity="given" needs two things of an evaluation, (fitness, cost), a number of each a genome, '
                f"but got {type(found).__name__}."
            )
        fitness, costs = found
        self._costs = np.array(costs, dtype=np.float64)
        if self._costs.shape != (len(self),) or not np.isfinite(self._costs).all():
            raise InputError(
                f"the cost must be {len(self)} finite numbers, one a genome, but has shape {self._costs.shape}"
                f"{'' if np.isfinite(self._costs).all() else ' and some that are not finite'}."
            )
        return super()._values(fitness)

    def _pool(self) -> _Pool | None:
        """Return parents and the evaluated children together."""
        if self._fitness is None:
            return self._parents
        own = _Pool(self._genes, self._fitness, self._costs)
        if self._parents is None:
            return own
        genes, fitness, costs = self._parents
        both = population.joined(genes, own.genes)
        return _Pool(both, np.concatenate([fitness, own.fitness]), np.concatenate([costs, own.costs]))

    def _breed(self) -> None:
        pool = self._pool()
        assert pool is not None
        self._fitness = None
        best = survival_order(pool.points, self._by_fitness_alone(len(pool.fitness)))[: len(self)]
        genes, fitness, costs = population.take(pool.genes, best), pool.fitness[best], pool.costs[best]
        self._parents = _Pool(genes, fitness, costs)
        draw = stream(self.seed, "evolve", "nsga2", self.generation)
        # of two drawn, the one that stands earlier wins
        first, second = draw.integers(len(best), size=(2, 2, len(self))).min(axis=1)
        second = np.where(draw.random(len(self)) < self.config.crossover_rate, second, first)
        weaker = fitness[second] > fitness[first]
        first, second = np.where(weaker, second, first), np.where(weaker, first, second)
        self._genes = self._breeder.offspring(genes, first, second, self.generation, self._known)

    def _by_fitness_alone(self, n: int) -> NDArray[np.bool_] | None:
        """Return which pairs ``(n, n)`` are compared by fitness alone, drawn for this generation."""
        if self.cost_rate == 1:
            return None
        draw = stream(self.seed, "evolve", "nsga2", "pairs", self.generation)
        above = np.triu(draw.random((n, n)) >= self.cost_rate, 1)
        return np.asarray(above | above.T)

    def _speciate(self, old: population.Genes, representatives: Ints) -> None:
        """Put all into one species."""
        self._table.grow(1, self.generation)
        self._species = np.zeros(len(self), np.int64)


def _sizes(genes: population.Genes, complexity: str, outputs: int) -> Floats:
    """Return how many hidden nodes, or enabled connections, each of ``genes`` has, ``(genomes,)``."""
    if complexity == "nodes":
        return np.asarray(np.diff(genes.node_ptr) - outputs, dtype=np.float64)
    enabled = np.concatenate([[0], np.cumsum(genes.enabled, dtype=np.int64)])
    return np.asarray(np.diff(enabled[genes.conn_ptr]), dtype=np.float64)


def plot_front(front: Sequence[Genome], costs: Any, others: Any, name: str, ax: Any = None) -> Any:
    """Draw a front of networks over their ``costs`` and ``others`` (costs, fitness), if any; return the axes."""
    if ax is None:
        _, ax = plotting.pyplot().subplots(figsize=(6.4, 4.2), layout="constrained")
    if others is not None:
        ax.scatter(*others, s=14, color="#7a7f85", alpha=0.4, linewidths=0, label="others")
    fitness = [one.fitness for one in front]
    ax.step(costs, fitness, where="post", color="#0072b2", linewidth=1.2)
    ax.scatter(costs, fitness, s=30, color="#0072b2", zorder=3, label="front")
    ax.set_xlabel(name)
    ax.set_ylabel("fitness")
    ax.legend(frameon=False, loc="lower right")
    return ax
