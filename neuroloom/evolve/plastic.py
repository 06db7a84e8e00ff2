"""Plastic networks: every weight changes while the network runs, by a rule of its own that evolves with it.

After each input, the weight w of a connection from a node of value ``pre`` to one of value ``post`` becomes

    w <- w + eta (A pre post + B pre + C post + D),

cut off at ±``weight_bound``; each episode begins with the evolved weights. In a feed-forward network ``pre`` and
``post`` are the values that the input gave; in a recurrent one ``pre`` is what the node was given, the value of the
step before (an input is that of the step), and ``post`` what it made of it. The genes tell how a network learns, not
what: that it finds out in its life.

Niv, Joel, Meilijson and Ruppin (2002), "Evolution of reinforcement learning in uncertain environments: A simple
explanation for complex foraging behaviors", the rule of four terms; Soltoggio, Bullinaria, Mattiussi, Dürr and Floreano
(2008), "Evolutionary advantages of neuromodulated plasticity in dynamic, reward-based scenarios"; Floreano and Urzelai
(2000), "Evolutionary robots with on-line self-organization and behavioral fitness".

**Differences**: there are no modulatory nodes, and every connection has a rule of its own where those papers share one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.evolve.functions import uses_own
from neuroloom.evolve.phenotypes import in_threads
from neuroloom.evolve.population import Genes, pack_genomes, size

if TYPE_CHECKING:
    from neuroloom.evolve._kernels_plastic import Plastic
    from neuroloom.evolve.genome import Genome

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class PlasticNetworks:
    """Plastic networks of a population, with state and weights that :meth:`step` moves on.

    A lane is a copy of a network with a state and weights of its own, for one episode or series. A kernel steps one
    network at a time, lane by lane, in double precision, the same whatever the number of threads.

    Args:
        net: the compiled networks; see ``_kernels_plastic``.
        evolved: ``(edges,)`` float64, the weights that lanes begin with.
        edge_ptr: ``(n + 1,)`` int64, which of them each network owns.
        inputs: number of inputs.
        threads: number of threads, at least 1.

    Attributes:
        lanes: lanes of the present state, 0 before :meth:`reset`.
        plasticity: ``"hebbian"``.
    """

    plasticity = "hebbian"

    def __init__(self, net: Plastic, evolved: Floats, edge_ptr: Ints, inputs: int, threads: int = 1) -> None:
        self.net, self.inputs, self.outputs, self.threads = net, inputs, net.outputs.shape[1], threads
        rows = inputs + net.sizes * (2 if net.cyclic else 1)
        self._row_ptr: Ints = np.concatenate([[0], np.cumsum(rows)]).astype(np.int64)
        self._evolved, self._edge_ptr, self.lanes = evolved, edge_ptr, 0
        self._state: Floats | None = None
        self._weights: Floats = np.empty((0, len(evolved)))

    def __len__(self) -> int:
        return len(self.net.sizes)

    def reset(self, lanes: int = 1) -> None:
        """Give every network ``lanes`` lanes, all with a state of 0 and the evolved weights."""
        self.lanes = lanes
        self._state = np.zeros((lanes, int(self._row_ptr[-1])))
        self._weights = np.tile(self._evolved, (lanes, 1))

    def reset_lanes(self, lanes: Any, members: Any = None) -> None:
        """Begin anew in ``lanes``, of all networks or of ``members``, one for each of ``lanes``."""
        assert self._state is not None
        if members is None:
            self._state[np.asarray(lanes)], self._weights[np.asarray(lanes)] = 0, self._evolved
            return
        rows, edges = self._row_ptr, self._edge_ptr
        for g, lane in zip(members, lanes, strict=True):
            self._state[lane, rows[g] : rows[g + 1]] = 0
            own = slice(edges[g], edges[g + 1])
            self._weights[lane, own] = self._evolved[own]

    def take(self, lanes: Ints) -> None:
        """Go on with the states and weights of ``lanes``, in that order; -1 for one that begins."""
        assert self._state is not None
        old = lanes >= 0
        state, weights = self._state[lanes[old]], self._weights[lanes[old]]
        self.reset(len(lanes))
        self._state[old], self._weights[old] = state, weights

    def step(self, inputs: Any, members: Any = None) -> Floats:
        """Step once, change the weights, and return the outputs ``(genomes, lanes, outputs)``.

        Args:
            inputs: ``(lanes, inputs)``, the same for all genomes, or ``(genomes, lanes, inputs)``.
            members: the genomes to step; None for all. The outputs of others are 0.

        Raises:
            InputError: ``inputs`` has another shape.
        """
        from neuroloom.evolve._kernels_plastic import step_plastic

        rows = np.asarray(inputs)
        if self._state is None:
            self.reset(rows.shape[-2] if rows.ndim in (2, 3) else 1)
        rows = rows[None] if rows.ndim == 2 else rows
        if rows.shape[1:] != (self.lanes, self.inputs) or len(rows) not in (1, len(self)):
            raise InputError(
                f"inputs must have shape ({self.lanes}, {self.inputs}) or ({len(self)}, {self.lanes}, {self.inputs}), "
                f"but have {np.shape(inputs)}; reset(lanes) changes the number of lanes."
            )
        own = np.ascontiguousarray(rows, dtype=np.float64)
        chosen = np.arange(len(self)) if members is None else np.unique(np.asarray(members, dtype=np.int64))
        out = np.zeros((len(self), self.lanes, self.outputs))
        net, row_ptr, state, weights = tuple(self.net), self._row_ptr, self._state, self._weights
        in_threads(
            lambda a, b: step_plastic(net, own, chosen[a:b], row_ptr, state, weights, out),
            len(chosen),
            self.threads,
        )
        return out

    def activate_sequence(self, X: Any) -> Floats:
        """Return the outputs ``(genomes, n, time, outputs)`` for ``X (n, time, inputs)``, each from the beginning.

        Raises:
            InputError: ``X`` has another shape.
        """
        rows = np.asarray(X, dtype=np.float64)
        if rows.ndim != 3 or rows.shape[2] != self.inputs:
            raise InputError(f"X must have shape (n, time, {self.inputs}), but has {np.shape(X)}.")
        self.reset(len(rows))
        outputs = np.empty((len(self), *rows.shape[:2], self.outputs))
        for t in range(rows.shape[1]):
            outputs[:, :, t] = self.step(rows[:, t])
        return outputs


class PlasticPhenotypes(PlasticNetworks):
    """Compiled plastic networks of all genomes in ``genes``; nodes that reach no output are pruned.

    Args:
        genes: the population. Without rules of plasticity no weight changes.
        inputs: number of inputs.
        outputs: number of outputs.
        like: settings or a genome: ``network``, feed-forward or recurrent, and ``weight_bound``.
        threads: number of threads, at least 1.

    Raises:
        NotSupportedError: a genome uses a function of one's own.

    Source:
        Niv, Joel, Meilijson and Ruppin (2002), "Evolution of reinforcement learning in uncertain environments".
    """

    def __init__(self, genes: Genes, inputs: int, outputs: int, like: Any, threads: int = 1) -> None:
        if uses_own(genes.activation, genes.aggregation):
            raise NotSupportedError(
                "functions of one's own are not computed in plastic networks; use the built-in activations and "
                "aggregations."
            )
        self.genes = genes
        net = _compiled(genes, inputs, outputs, like, threads)
        used = net.edge_gene >= 0
        evolved = np.zeros(len(used))
        evolved[used] = genes.weight[net.edge_gene[used]]
        super().__init__(net, evolved, genes.conn_ptr, inputs, threads)

    def weights(self, row: int) -> Floats:
        """Return the present weights ``(lanes, connections)`` of genome ``row``, in order of innovation.

        Those of connections that are disabled or reach no output are the evolved ones.
        """
        own = slice(self.genes.conn_ptr[row], self.genes.conn_ptr[row + 1])
        found: Floats = np.tile(self.genes.weight[own], (self.lanes, 1))
        gene = self.net.edge_gene[own]
        used = gene >= 0
        found[:, gene[used] - own.start] = self._weights[:, own][:, used]
        return found


def _compiled(genes: Genes, inputs: int, outputs: int, like: Any, threads: int) -> Plastic:
    """Return the networks of ``genes``, pruned and, where there are no cycles, sorted."""
    from neuroloom.evolve import _kernels_compile, _kernels_recurrent
    from neuroloom.evolve._kernels_plastic import Plastic

    cyclic, unused = like.network != "feed-forward", np.full(len(genes.weight), -1, np.int64)
    most = int(max(np.diff(genes.node_ptr).max(initial=0), np.diff(genes.conn_ptr).max(initial=0))) + 1
    room: Any
    if cyclic:
        room = _kernels_recurrent.recurrent(genes, outputs, _kernels_recurrent.DISCRETE, 1, 1.0, 0.0)
    else:
        room = _kernels_compile.packed(genes, outputs)
    room = room._replace(edge_gene=unused)

    def work(start: int, stop: int) -> None:
        scratch = np.empty((6 if cyclic else 9, most), np.int64)
        if cyclic:
            _kernels_recurrent.compile_cyclic(genes, inputs, start, stop, room, scratch)
        else:
            _kernels_compile.compile_genomes(tuple(genes), inputs, start, stop, tuple(room), scratch)

    in_threads(work, size(genes), threads)
    columns: Any = {name: getattr(room, name) for name in Plastic._fields[:10]}
    rules = genes.plasticity if len(genes.plasticity) else np.zeros((len(genes.weight), 5))
    return Plastic(
        **columns, bias=genes.bias, response=genes.response, plasticity=rules, bound=float(like.weight_bound),
        cyclic=int(cyclic),
    )  # fmt: skip


class PlasticLanes:
    """One plastic network, in lanes with a state and weights of their own that :meth:`step` moves on.

    Args:
        nets: the network, the only one.
        lanes: copies that run side by side.
    """

    def __init__(self, nets: PlasticNetworks, lanes: int = 1) -> None:
        self.nets = nets
        nets.reset(lanes)

    @property
    def lanes(self) -> int:
        """Number of lanes."""
        return self.nets.lanes

    def reset(self) -> None:
        """Set all values to 0 and all weights to the evolved ones."""
        self.nets.reset(self.lanes)

    def take(self, lanes: Ints) -> None:
        """Go on with the states and weights of ``lanes``, in that order; -1 for one that begins."""
        self.nets.take(lanes)

    def step(self, inputs: Any) -> Floats:
        """Step once and return the outputs ``(lanes, outputs)`` for ``inputs (lanes, inputs)``.

        Raises:
            InputError: ``inputs`` has another shape.
        """
        rows = np.asarray(inputs, dtype=np.float64)
        if rows.shape != (self.lanes, self.nets.inputs):
            raise InputError(
                f"inputs must have shape ({self.lanes}, {self.nets.inputs}), but have {rows.shape}."
            )
        found: Floats = self.nets.step(rows)[0]
        return found

    def activate(self, inputs: Any) -> Floats:
        """Return the outputs ``(outputs,)`` of the only lane for ``inputs (inputs,)``, and step.

        Raises:
            InputError: there are several lanes, or ``inputs`` has another shape.
        """
        found: Floats = self.step(np.asarray(inputs, dtype=np.float64)[None])[0]
        return found


class PlasticState(PlasticLanes):
    """A genome's plastic network, in ``lanes`` lanes, with a state and weights that :meth:`step` moves on.

    ``Genome.start`` makes it.

    Args:
        genome: a genome of ``plasticity="hebbian"``.
        lanes: copies that run side by side, each with a state and weights of its own.

    Raises:
        NotSupportedError: the genome uses a function of one's own.
    """

    def __init__(self, genome: Genome, lanes: int = 1) -> None:
        self.genome = genome
        self._phenotypes = PlasticPhenotypes(pack_genomes([genome]), genome.inputs, genome.outputs, genome)
        super().__init__(self._phenotypes, lanes)

    @property
    def weights(self) -> dict[int, Floats]:
        """The present weights ``(lanes,)`` of each connection, by innovation."""
        rows = self._phenotypes.weights(0).T
        return {conn.innovation: row for conn, row in zip(self.genome.connections, rows, strict=True)}
