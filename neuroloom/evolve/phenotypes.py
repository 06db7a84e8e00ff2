"""The networks of a population, compiled together and computed as one batch on the CPU."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.errors import InputError
from neuroloom.evolve.functions import OWN, uses_own
from neuroloom.evolve.population import Genes, size, take

if TYPE_CHECKING:
    from neuroloom.evolve._kernels_compile import Packed

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]


_NONE = np.empty(0, np.int64)
_pools: dict[
    int, ThreadPoolExecutor
] = {}  # by number of threads; a pool takes longer to start than a small generation


def in_threads(work: Callable[[int, int], None], count: int, threads: int) -> None:
    """Call ``work(start, stop)`` over ``0 … count - 1`` in as many runs as there are threads."""
    threads = max(1, min(threads, count))
    if threads == 1:
        work(0, count)
        return
    if threads not in _pools:
        _pools[threads] = ThreadPoolExecutor(threads - 1, thread_name_prefix="neuroloom-evolve")
    ends = [count * t // threads for t in range(threads + 1)]
    others = [_pools[threads].submit(work, a, b) for a, b in pairwise(ends[1:])]
    work(0, ends[1])
    for done in others:
        done.result()


if hasattr(os, "register_at_fork"):  # a forked process has the pools, but none of their threads
    os.register_at_fork(after_in_child=_pools.clear)


def as_samples(X: Any, inputs: int) -> Floats32:
    """Return ``X (n, inputs)`` as the ``(inputs, n)`` float32 array that the kernels read.

    Raises:
        InputError: ``X`` has another number of columns, or holds what is not a number.
    """
    rows = np.asarray(X)
    if rows.ndim != 2 or rows.shape[1] != inputs:
        raise InputError(f"X must have shape (n, {inputs}), but has {rows.shape}.")
    try:
        return np.ascontiguousarray(rows.T, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"X must hold numbers, but {error}; encode text and categories first.") from error


class Phenotypes:
    """Compiled networks of all genomes in ``genes``.

    Nodes that reach no output are pruned, the others sorted; a fused kernel then computes one genome at a time over
    blocks of samples, torch those with functions of one's own. Outputs are single precision, each the same whatever the
    number of threads.

    Args:
        genes: the population.
        inputs: number of inputs.
        outputs: number of outputs.
        threads: number of threads, at least 1.
    """

    def __init__(self, genes: Genes, inputs: int, outputs: int, threads: int = 1) -> None:
        from neuroloom.evolve._kernels_compile import compile_genomes, largest, packed

        self.genes, self.inputs, self.outputs, self.threads = genes, inputs, outputs, threads
        self.net: Packed = packed(genes, outputs)
        self._most_nodes, conns = largest(genes.node_ptr, genes.conn_ptr)
        self._columns = tuple(self.net)
        own, room = tuple(genes), max(self._most_nodes, conns) + 1

        def work(start: int, stop: int) -> None:
            compile_genomes(own, inputs, start, stop, self._columns, np.empty((9, room), np.int64))

        self._run(work)
        self._torch_nets: dict[tuple[int, ...], Any] = {}

    def __len__(self) -> int:
        return size(self.genes)

    def _run(self, work: Callable[[int, int], None]) -> None:
        in_threads(work, len(self), self.threads)

    def _room(self, samples: int, most: int | None = None) -> tuple[Any, Any, Any]:
        """Return scratch for so many samples, ``most`` (or a block) at once, in any of the networks."""
        from neuroloom.evolve._kernels_phenotype import BLOCK, block_room

        return block_room(self.inputs + max(self._most_nodes, 1), max(min(samples, most or BLOCK), 1))

    def activate(self, samples: Floats32, out: Floats32 | None = None) -> Floats32:
        """Return the outputs ``(genomes, outputs, n)`` for ``samples (inputs, n)``, in ``out`` if given."""
        from neuroloom.evolve._kernels_phenotype import activate_shared

        if out is None:
            out = np.empty((len(self), self.outputs, samples.shape[1]), np.float32)
        self._run(
            lambda a, b: activate_shared(self._columns, samples, a, b, out, *self._room(samples.shape[1]))
        )
        if len(self.own_rows):
            out[self.own_rows] = self._by_torch(self.own_rows, samples)
        return out

    def activate_own(self, samples: Floats32, ends: NDArray[np.int64]) -> Floats32:
        """Return the outputs ``(outputs, n)`` where genome ``g`` computes the columns ``ends[g] … ends[g + 1] - 1``."""
        from neuroloom.evolve._kernels_phenotype import activate_lanes

        out = np.empty((self.outputs, samples.shape[1]), np.float32)
        self._run(
            lambda a, b: activate_lanes(
                self._columns, samples, ends, a, b, out, *self._room(samples.shape[1])
            )
        )
        for g in self.own_rows:
            lanes = slice(ends[g], ends[g + 1])
            out[:, lanes] = self._by_torch([g], samples[:, lanes])[0]
        return out

    @cached_property
    def own_rows(self) -> NDArray[np.int64]:
        """The genomes that use a registered function, which torch computes; see ``functions.register_activation``."""
        genes = self.genes
        if not uses_own(genes.activation, genes.aggregation):
            return _NONE
        nodes = np.flatnonzero((genes.activation >= OWN) | (genes.aggregation >= OWN))
        return np.unique(np.searchsorted(genes.node_ptr, nodes, side="right") - 1)

    def _by_torch(self, rows: Any, samples: Floats32) -> Floats32:
        """Return the outputs ``(len(rows), outputs, n)`` of the genomes ``rows`` as torch computes them."""
        import torch

        from neuroloom.evolve.population_net import PopulationNet

        key = tuple(rows)
        if key not in self._torch_nets:
            own = Phenotypes(take(self.genes, rows), self.inputs, self.outputs)
            self._torch_nets[key] = PopulationNet(own)
        with torch.no_grad():
            found: Floats32 = self._torch_nets[key](np.ascontiguousarray(samples.T)).transpose(1, 2).numpy()
        return found

    def log_likelihood(self, outputs: Floats32, labels: NDArray[np.int64]) -> Floats:
        """Return each genome's mean log-likelihood of ``labels (n,)`` under ``outputs (genomes, outputs, n)``."""
        from neuroloom.evolve._kernels_losses import mean_log_likelihood

        fitness = np.empty(len(self))
        self._run(
            lambda a, b: mean_log_likelihood(outputs, labels, a, b, fitness, *self._rows(outputs.shape[2]))
        )
        return fitness

    def negative_error(self, outputs: Floats32, y: Floats32) -> Floats:
        """Return each genome's negative mean squared error from ``y (outputs, n)``."""
        from neuroloom.evolve._kernels_losses import negative_squared_error

        fitness = np.empty(len(self))
        self._run(lambda a, b: negative_squared_error(outputs, y, a, b, fitness))
        return fitness

    def score_likelihood(self, samples: Floats32, labels: NDArray[np.int64]) -> Floats:
        """Return :meth:`log_likelihood` of what :meth:`activate` gives, without writing the outputs down."""
        from neuroloom.evolve._kernels_losses import score_likelihood

        if len(self.own_rows):
            return self.log_likelihood(self.activate(samples), labels)
        fitness = np.empty(len(self))

        def work(start: int, stop: int) -> None:
            values, *_ = self._room(samples.shape[1])
            score_likelihood(
                self._columns, samples, labels, start, stop, fitness, values, *self._rows(samples.shape[1])
            )

        self._run(work)
        return fitness

    def score_error(self, samples: Floats32, y: Floats32) -> Floats:
        """Return :meth:`negative_error` of what :meth:`activate` gives, without writing the outputs down."""
        from neuroloom.evolve._kernels_losses import score_error

        if len(self.own_rows):
            return self.negative_error(self.activate(samples), y)
        fitness = np.empty(len(self))
        self._run(
            lambda a, b: score_error(self._columns, samples, y, a, b, fitness, *self._room(samples.shape[1]))
        )
        return fitness

    def _rows(self, samples: int) -> tuple[Any, Any, Any]:
        """Return scratch for the loss of a block."""
        from neuroloom.evolve._kernels_phenotype import BLOCK, block_room

        return block_room(self.outputs + 2, max(min(samples, BLOCK), 1))

    def balance(self, mean: Floats, scale: Floats, starts: Floats, limit: int) -> tuple[Floats, Floats]:
        """Play CartPole from the states ``starts (4, episodes)``.

        Returns:
            the returns ``(genomes, episodes)`` and the last states ``(genomes, episodes, 4)``.
        """
        from neuroloom.evolve._kernels_cartpole import balance

        episodes = starts.shape[1]
        returns, ends = np.empty((len(self), episodes)), np.empty((len(self), episodes, 4))

        def work(a: int, b: int) -> None:
            state, lane = np.empty((4, episodes)), np.empty(episodes, np.int64)
            room = self._room(episodes, episodes)
            balance(self.net, mean, scale, starts, limit, a, b, returns, ends, *room, state, lane)

        self._run(work)
        return returns, ends
