"""The next generation of a population, made by compiled kernels in memory that is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.evolve import population
from neuroloom.evolve.config import DISTANCES, NEATConfig
from neuroloom.evolve.functions import activation_code, aggregation_code
from neuroloom.evolve.phenotypes import in_threads
from neuroloom.evolve.species import Members

if TYPE_CHECKING:
    from neuroloom.evolve._kernels_children import Rates

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Innovations:
    """Numbers that new nodes and connections get, and those that connections have by their two ends.

    Args:
        next_ids: ``(2,)`` int64, the next node id and the next innovation number.
        keys: int64, a hash table's places, a power of two, -1 for a free one.
        values: int64, the innovation in each place.
    """

    def __init__(self, next_ids: Ints, keys: Ints, values: Ints) -> None:
        self.next_ids, self.keys, self.values = next_ids, keys, values

    @classmethod
    def of(cls, nodes: int, pairs: Ints) -> Innovations:
        """Return the numbers of founders with ``nodes`` nodes each and the connections ``pairs (k, 2)``, in order."""
        from neuroloom.evolve._kernels_numbering import enter_pairs

        own = cls(np.array([nodes, len(pairs)], np.int64), np.full(64, -1, np.int64), np.zeros(64, np.int64))
        own.reserve(0)
        enter_pairs(own.keys, own.values, pairs)
        return own

    def reserve(self, more: int) -> None:
        """Make room for ``more`` connections at half load."""
        need = 2 * (int(self.next_ids[1]) + more)
        if need <= len(self.keys):
            return
        from neuroloom.evolve._kernels_numbering import move_table

        keys, values = self.keys, self.values
        places = 1 << int(need - 1).bit_length()
        self.keys, self.values = np.full(places, -1, np.int64), np.zeros(places, np.int64)
        move_table(keys, values, self.keys, self.values)


class Breeder:
    """Makes children and sorts them into species; keeps its scratch memory from one generation to the next.

    Args:
        config: the settings.
        seed: of the run, at least 0.
        threads: threads that mutate, at least 1; the children are the same on any number.
    """

    def __init__(self, config: NEATConfig, seed: int, threads: int) -> None:
        from neuroloom.evolve import (
            _kernels_children,
            _kernels_distance,
            _kernels_numbering,
            _kernels_parents,
        )

        n = config.population
        self._parents, self._children = _kernels_parents, _kernels_children
        self._numbering, self._distance = _kernels_numbering, _kernels_distance
        self.config, self.seed, self.threads = config, seed, threads
        self._rates = _kernels_children.rates_row(_rates(config))
        self._activations, self._aggregations = (
            np.array([code(name) for name in names], np.uint8)
            for code, names in (
                (activation_code, config.activation_options), (aggregation_code, config.aggregation_options),
            )
        )  # fmt: skip
        self._choice = (
            float(config.survival_threshold), config.elitism, config.elite_species_size,
            float(config.crossover_rate), float(config.interspecies_rate),
        )  # fmt: skip
        self._spare = _kernels_children.SPARE_CONNS
        self._first, self._second, self._nodes, self._conns, self._split, self._founders = np.empty(
            (6, n), np.int64
        )
        self._keep = np.empty(n, np.bool_)
        self._drafts = population.empty(np.zeros(n + 1, np.int64), np.zeros(n + 1, np.int64))

    def children(
        self,
        genes: population.Genes,
        members: Members,
        spawn: Ints,
        fitness: Floats,
        generation: int,
        known: Innovations,
    ) -> tuple[population.Genes, Ints]:
        """Return the next generation's genes and a representative of each species, a row of ``genes``.

        Args:
            genes: of the parents.
            members: the parents by species and rank.
            spawn: ``(species,)`` how many children each species has.
            fitness: ``(population,)`` of the parents.
            generation: part of the key of all random draws.
            known: the innovations so far; new ones are added.
        """
        representatives, pool = np.empty((2, len(spawn)), np.int64)
        self._parents.pair_up(
            members.order, members.begin, spawn, fitness, *self._choice, self.seed, generation, self._first,
            self._second, self._keep, representatives, pool, np.empty(1, np.uint64),
        )  # fmt: skip
        return self._make(genes, generation, known), representatives

    def offspring(
        self,
        genes: population.Genes,
        first: Ints,
        second: Ints,
        generation: int,
        known: Innovations,
        keep: NDArray[np.bool_] | None = None,
    ) -> population.Genes:
        """Return the genes of children of chosen parents.

        Args:
            genes: of the parents.
            first: ``(population,)`` rows of the fitter parents, from which unmatched genes come.
            second: the other parents; the same row for a child of one parent.
            generation: part of the key of all random draws.
            known: the innovations so far; new ones are added.
            keep: which children are copies of their first parent; None for none.
        """
        self._first[:], self._second[:] = first, second
        self._keep[:] = False if keep is None else keep
        return self._make(genes, generation, known)

    def _make(self, genes: population.Genes, generation: int, known: Innovations) -> population.Genes:
        """Return the children of the parents that were chosen."""
        config, n = self.config, self.config.population
        columns = config.has_time_constants, config.plasticity != "none"
        most = self._make_room(genes, columns)
        parents, drafts = tuple(genes), tuple(self._drafts)

        def draft(start: int, stop: int) -> None:
            self._children.make_children(
                parents, self._first, self._second, self._keep, self.seed, generation, config.inputs, config.outputs,
                self._rates, self._activations, self._aggregations, start, stop, drafts, self._nodes, self._conns,
                self._split, np.empty(1, np.uint64), np.empty(most, np.bool_),
            )  # fmt: skip

        in_threads(draft, n, self.threads)
        node_ptr, conn_ptr = np.empty(n + 1, np.int64), np.empty(n + 1, np.int64)
        splits = self._numbering.close_up(self._nodes, self._conns, self._split, node_ptr, conn_ptr)
        out = population.empty(node_ptr, conn_ptr, *columns)
        known.reserve(self._spare * n)
        places = max(8, 1 << (2 * splits).bit_length())
        self._numbering.pack(
            drafts, self._split, known.next_ids, known.keys, known.values, tuple(out), np.full(places, -1, np.int64),
            np.empty(places, np.int64),
        )  # fmt: skip
        return out

    def _make_room(self, genes: population.Genes, columns: tuple[bool, bool]) -> int:
        """Set the offsets of the drafts, enlarge their columns where needed, and return the most nodes of one."""
        node_ptr, conn_ptr = self._drafts.node_ptr, self._drafts.conn_ptr
        most: int = self._parents.make_room(
            genes.node_ptr, genes.conn_ptr, self._first, self._spare, node_ptr, conn_ptr
        )
        room = len(self._drafts.node_id), len(self._drafts.weight)
        if node_ptr[-1] > room[0] or conn_ptr[-1] > room[1]:
            nodes, conns = (np.array([int(1.25 * ptr[-1])]) for ptr in (node_ptr, conn_ptr))
            self._drafts = population.empty(nodes, conns, *columns)._replace(
                node_ptr=node_ptr, conn_ptr=conn_ptr
            )
        return most

    def place(
        self, genes: population.Genes, old: population.Genes, representatives: Ints, threshold: float
    ) -> tuple[Ints, Ints]:
        """Return each genome's species ``(population,)`` and the number of members of each species.

        The first species are those of ``representatives``, rows of ``old``, and may be left without members; others
        follow in the order in which they arose.
        """
        config, n = self.config, self.config.population
        own, sizes = np.empty(n, np.int64), np.empty(n + len(representatives), np.int64)
        count = self._distance.place_all(
            tuple(genes), tuple(old), representatives, DISTANCES.index(config.distance),
            config.compatibility_excess_coefficient, config.compatibility_disjoint_coefficient,
            config.compatibility_weight_coefficient, threshold, own, self._founders, sizes,
            config.compatibility_plasticity_coefficient,
        )  # fmt: skip
        return own, sizes[:count]


def _rates(config: NEATConfig) -> Rates:
    """Return the settings in the form that the kernels read."""
    from neuroloom.evolve._kernels_children import Rates

    random_act, random_agg = config.activation_default == "random", config.aggregation_default == "random"
    return Rates(
        weight=_rule(config, "weight"),
        bias=_rule(config, "bias"),
        response=_rule(config, "response"),
        time_constant=_rule(config, "time_constant"),
        activation=-1 if random_act else activation_code(config.activation_default),
        activation_mutate=config.activation_mutate_rate,
        fixed_outputs=config.output_activation is not None,
        aggregation=-1 if random_agg else aggregation_code(config.aggregation_default),
        aggregation_mutate=config.aggregation_mutate_rate,
        enable=config.enabled_mutate_rate + config.enabled_rate_to_true_add,
        disable=config.enabled_mutate_rate + config.enabled_rate_to_false_add,
        genome=config.genome_mutate_rate,
        conn_add=config.conn_add_prob,
        conn_delete=config.conn_delete_prob,
        node_add=config.node_add_prob,
        node_delete=config.node_delete_prob,
        single=config.single_structural_mutation,
        surer=config.structural_mutation_surer,
        disabled_stays=config.disable_rate,
        cycles=not config.feed_forward,
        from_outputs=not config.feed_forward and config.recurrent_outputs,
        new_enabled={"true": 1.0, "false": 0.0, "random": 0.5}[config.enabled_default],
        plasticity=_rule(config, "plasticity"),
    )


def _rule(config: NEATConfig, role: str) -> Any:
    from neuroloom.evolve._kernels_random import Rule

    names = ("mutate_rate", "replace_rate", "mutate_power", "init_mean", "init_stdev")
    mutate, anew, power, mean, stdev = (getattr(config, f"{role}_{name}") for name in names)
    uniform = getattr(config, f"{role}_init_type") == "uniform"
    low, high = getattr(config, f"{role}_min_value"), getattr(config, f"{role}_max_value")
    return Rule(mutate, anew, power, mean, stdev, uniform, low, high)
