"""Networks with cycles: a population stepped through time together, and one genome in double precision.

In discrete time all nodes are computed at once from the values of the step before, as in neat-python's
``RecurrentNetwork``; in continuous time (Beer 1995, "On the dynamics of small continuous-time recurrent neural
networks") a node's value follows what it computes with its time constant, by Euler's method:

    y_i <- y_i + h / tau_i * (-y_i + activation(bias + response * aggregation(w_ij y_j)))

Every value is 0 at the start, and, as in neat-python, a node without enabled connections stays there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_choice
from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.evolve.functions import activate, aggregate, uses_own
from neuroloom.evolve.phenotypes import Phenotypes, in_threads
from neuroloom.evolve.population import Genes, size

if TYPE_CHECKING:
    from neuroloom.evolve._kernels_recurrent import Recurrent
    from neuroloom.evolve.config import NEATConfig
    from neuroloom.evolve.genome import Genome
    from neuroloom.evolve.plastic import PlasticState

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Ints = NDArray[np.int64]


def time_steps(advance_time: float, time_step: float) -> tuple[int, float]:
    """Return how many whole steps of ``time_step`` fit into ``advance_time``, and the length of what is left."""
    whole = int(advance_time / time_step + 1e-9)
    rest = advance_time - whole * time_step
    return whole, rest if rest > 1e-9 * time_step else 0.0


def as_sequences(X: Any, inputs: int) -> Floats32:
    """Return ``X (n, time, inputs)`` as the ``(time, inputs, n)`` float32 array that the kernels read.

    Raises:
        InputError: ``X`` has another number of axes or inputs, or no step.
    """
    rows = np.asarray(X)
    if rows.ndim != 3 or rows.shape[2] != inputs or rows.shape[1] == 0:
        raise InputError(
            f"X must have shape (n, time, {inputs}) with at least one step, but has {rows.shape}."
        )
    return np.ascontiguousarray(rows.transpose(1, 2, 0), dtype=np.float32)


class RecurrentPhenotypes:
    """Compiled networks of all genomes in ``genes``, with a state that :meth:`step` moves on.

    Nodes that reach no output are pruned; a fused kernel then steps one genome at a time, all its lanes together. A
    lane is a copy of a network with a state of its own, for one episode or series. Outputs are single precision, each
    the same whatever the number of threads.

    Args:
        genes: the population.
        inputs: number of inputs.
        outputs: number of outputs.
        like: settings or a genome that say which network it is: ``network``, ``advance_time``, ``time_step`` and
            ``integrator``, see ``NEATConfig``. A feed-forward one is taken as recurrent.
        threads: number of threads, at least 1.

    Attributes:
        net: the compiled networks, for kernels that step them; see ``_kernels_recurrent``.
        lanes: lanes of the present state, 0 before :meth:`reset`.

    Source:
        Beer (1995), "On the dynamics of small continuous-time recurrent neural networks".
    """

    def __init__(self, genes: Genes, inputs: int, outputs: int, like: Any, threads: int = 1) -> None:
        from neuroloom.evolve import _kernels_recurrent as kernels

        self.genes, self.inputs, self.outputs, self.threads, self.like = genes, inputs, outputs, threads, like
        update, whole, rest = kernels.DISCRETE, 1, 0.0
        if like.network == "ctrnn":
            update = kernels.NEAT_PYTHON if like.integrator == "neat-python" else kernels.EULER
            whole, rest = time_steps(like.advance_time, like.time_step)
        net = kernels.recurrent(genes, outputs, update, whole, float(like.time_step), rest)
        most = int(max(np.diff(genes.node_ptr).max(initial=0), np.diff(genes.conn_ptr).max(initial=0))) + 1

        def work(start: int, stop: int) -> None:
            kernels.compile_cyclic(genes, inputs, start, stop, net, np.empty((6, most), np.int64))

        self.net: Recurrent = net
        self.own = uses_own(genes.activation, genes.aggregation)
        self.lanes = 0
        in_threads(work, len(self), threads)

    def __len__(self) -> int:
        return size(self.genes)

    # -- step by step ---------------------------------------------------------------------------------------

    def reset(self, lanes: int = 1) -> None:
        """Give every network ``lanes`` lanes, at least 1, all with a state of 0."""
        from neuroloom.evolve import _kernels_recurrent as kernels
        from neuroloom.evolve._kernels_phenotype import block_room

        if self.own:
            raise NotSupportedError(
                "functions of one's own are not stepped by the kernel; run whole sequences (activate_sequence) or "
                "Genome.to_torch()."
            )
        rows = kernels.rows_of(self.net, self.inputs)
        self._row_ptr = np.concatenate([[0], np.cumsum(rows)]).astype(np.int64)
        self._state = block_room(int(self._row_ptr[-1]), lanes)[0]
        self.lanes = lanes

    def reset_lanes(self, lanes: Any, members: Any = None) -> None:
        """Set the state to 0 in ``lanes``, of all networks or of ``members``, one for each of ``lanes``."""
        if members is None:
            self._state[:, np.asarray(lanes)] = 0
            return
        for g, lane in zip(members, lanes, strict=True):
            self._state[self._row_ptr[g] : self._row_ptr[g + 1], lane] = 0

    def step(self, inputs: Any, members: Any = None) -> Floats32:
        """Step once and return the outputs ``(genomes, lanes, outputs)``.

        Args:
            inputs: ``(lanes, inputs)``, the same for all genomes, or ``(genomes, lanes, inputs)``.
            members: the genomes to step; None for all. The outputs of others are 0.

        Raises:
            InputError: ``inputs`` has another shape.
        """
        from neuroloom.evolve import _kernels_recurrent as kernels
        from neuroloom.evolve._kernels_phenotype import block_room

        rows = np.asarray(inputs)
        if not self.lanes:
            self.reset(rows.shape[-2] if rows.ndim in (2, 3) else 1)
        rows = rows[None] if rows.ndim == 2 else rows
        if rows.shape[1:] != (self.lanes, self.inputs) or len(rows) not in (1, len(self)):
            raise InputError(
                f"inputs must have shape ({self.lanes}, {self.inputs}) or ({len(self)}, {self.lanes}, {self.inputs}), "
                f"but have {np.shape(inputs)}; reset(lanes) changes the number of lanes."
            )
        own = np.ascontiguousarray(rows, dtype=np.float32)
        chosen = np.arange(len(self)) if members is None else np.unique(np.asarray(members, dtype=np.int64))
        out = np.zeros((len(self), self.lanes, self.outputs), np.float32)

        def work(start: int, stop: int) -> None:
            room = block_room(1, self.lanes)[1:]
            kernels.step_all(tuple(self.net), own, chosen[start:stop], self._row_ptr, self._state, out, *room)

        in_threads(work, len(chosen), self.threads)
        return out

    # -- whole sequences ------------------------------------------------------------------------------------

    def activate_sequence(self, X: Any, keep: str = "every") -> Floats32:
        """Return the outputs ``(genomes, n, time, outputs)`` for ``X (n, time, inputs)``, from a state of 0.

        Args:
            X: the same sequences for all genomes.
            keep: ``"every"``, or ``"last"`` for the outputs after the last step alone, or ``"mean"`` for their mean
                over time, both ``(genomes, n, outputs)``.

        Raises:
            InputError: ``X`` has another shape, or there is no such ``keep``.
        """
        found = self.run(as_sequences(X, self.inputs), keep).transpose(0, 3, 1, 2)
        return found if keep == "every" else found[:, :, 0]

    def run(self, sequences: Floats32, keep: str = "every") -> Floats32:
        """Return the outputs ``(genomes, time, outputs, n)`` for ``sequences (time, inputs, n)``.

        If ``keep`` is ``"last"`` or ``"mean"``, ``(genomes, 1, outputs, n)``.
        """
        from neuroloom.evolve import _kernels_recurrent as kernels
        from neuroloom.evolve._kernels_phenotype import BLOCK

        codes = {"last": kernels.LAST, "every": kernels.EVERY, "mean": kernels.MEAN}
        kept = codes[check_choice("keep", keep, codes)]
        times, _, n = sequences.shape
        if self.own:
            return self._by_torch(sequences, keep)
        out = np.empty((len(self), times if keep == "every" else 1, self.outputs, n), np.float32)

        def work(start: int, stop: int) -> None:
            room = kernels.network_room(self.net, self.inputs, min(n, BLOCK))
            kernels.run_sequences(tuple(self.net), sequences, start, stop, kept, out, *room)

        in_threads(work, len(self), self.threads)
        return out

    def _by_torch(self, sequences: Floats32, keep: str) -> Floats32:
        """Compute as torch does, for functions of one's own."""
        import torch

        from neuroloom.evolve.recurrent_net import RecurrentPopulationNet

        with torch.no_grad():
            found: Floats32 = RecurrentPopulationNet(self)(sequences.transpose(2, 0, 1)).numpy()
        if keep != "every":
            found = found[:, :, -1:] if keep == "last" else found.mean(axis=2, keepdims=True)
        return found.transpose(0, 2, 3, 1)


def compile_networks(genes: Genes, config: NEATConfig, threads: int = 1) -> Any:
    """Return the compiled networks of ``genes``: ``Phenotypes``, or recurrent or plastic ones by the settings."""
    if config.plasticity != "none":
        from neuroloom.evolve.plastic import PlasticPhenotypes

        return PlasticPhenotypes(genes, config.inputs, config.outputs, config, threads)
    if config.network == "feed-forward":
        return Phenotypes(genes, config.inputs, config.outputs, threads)
    return RecurrentPhenotypes(genes, config.inputs, config.outputs, config, threads)


# -- one genome in double precision ---------------------------------------------------------------------------


class GenomeState:
    """One genome's network in double precision, in ``lanes`` lanes, with a state that :meth:`step` moves on.

    ``Genome.start`` makes it.

    Args:
        genome: a recurrent or continuous-time network.
        lanes: copies that run side by side, each with a state of its own.
    """

    def __init__(self, genome: Genome, lanes: int = 1) -> None:
        self.genome, self.lanes = genome, lanes
        entering = genome.entering()
        self._nodes = [
            node for node in genome.nodes if node.id in set(genome.order()) and node.id in entering
        ]
        self._entering = entering
        self.reset()

    def reset(self) -> None:
        """Set all values to 0."""
        self._values = {node.id: np.zeros(self.lanes) for node in self.genome.nodes}
        self._before = dict(self._values)

    def take(self, lanes: Ints) -> None:
        """Go on with the states of ``lanes``, in that order; -1 for a new one, of 0."""
        for values in (self._values, self._before):
            for key, old in values.items():
                values[key] = np.where(lanes >= 0, np.append(old, 0.0)[lanes], 0.0)
        self.lanes = len(lanes)

    def step(self, inputs: Any) -> Floats:
        """Step once and return the outputs ``(lanes, outputs)`` for ``inputs (lanes, inputs)``.

        Raises:
            InputError: ``inputs`` has another shape.
        """
        genome = self.genome
        rows = np.asarray(inputs, dtype=np.float64)
        if rows.shape != (self.lanes, genome.inputs):
            raise InputError(
                f"inputs must have shape ({self.lanes}, {genome.inputs}), but have {rows.shape}."
            )
        given = {-i - 1: rows[:, i] for i in range(genome.inputs)}
        if genome.network != "ctrnn":
            self._values = self._values | self._excited(given)
            return self._outputs(self._values)
        whole, rest = time_steps(genome.advance_time, genome.time_step)
        for length in [genome.time_step] * whole + [rest] * (rest > 0):
            old, start = self._values, self._values
            if genome.integrator == "neat-python":
                start, self._before = self._before, old
            new = self._excited(given)
            moved = {
                node.id: start[node.id] + length / node.time_constant * (new[node.id] - start[node.id])
                for node in self._nodes
            }
            self._values = old | moved
        return self._outputs(self._before if genome.integrator == "neat-python" else self._values)

    def _excited(self, given: dict[int, Floats]) -> dict[int, Floats]:
        """Return what each node makes of the present values."""
        values, found = self._values | given, {}
        for node in self._nodes:
            terms = [conn.weight * values[conn.source] for conn in self._entering[node.id]]
            sums = aggregate(node.aggregation, terms, (self.lanes,))
            found[node.id] = activate(node.activation, node.bias + node.response * sums)
        return found

    def _outputs(self, values: dict[int, Floats]) -> Floats:
        return np.stack([values[o] for o in range(self.genome.outputs)], axis=1)


def start(genome: Genome, lanes: int) -> GenomeState | PlasticState:
    """Return what :meth:`Genome.start` does, for 0 lanes, too."""
    if genome.plasticity != "none":
        from neuroloom.evolve.plastic import PlasticState

        return PlasticState(genome, lanes)
    return GenomeState(genome, lanes)


def activate_sequence(genome: Genome, X: Any) -> Floats:
    """Return what :meth:`Genome.activate_sequence` does."""
    rows = np.asarray(X, dtype=np.float64)
    single = rows.ndim == 2
    rows = rows[None] if single else rows
    if rows.ndim != 3 or rows.shape[2] != genome.inputs:
        raise InputError(f"X must have shape (n, time, {genome.inputs}), but has {np.shape(X)}.")
    step = start(genome, len(rows)).step if genome.stateful else genome.activate
    outputs = np.empty((*rows.shape[:2], genome.outputs))
    for t in range(rows.shape[1]):
        outputs[:, t] = step(rows[:, t])
    return outputs[0] if single else outputs
