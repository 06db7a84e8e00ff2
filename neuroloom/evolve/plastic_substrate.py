"""Adaptive HyperNEAT: patterns that say how strong each connection of a substrate begins, and how it learns.

Beside the weight, four more outputs of the CPPN are asked at every pair of places, and are the eta, A, B and C, in
[-1, 1], by which the connection changes (the ABC model):

    w <- w + eta (A pre post + B pre + C post),

cut off at the largest weight. A connection is there where the weight output says so, and stays there.

Risi and Stanley (2010), "Indirectly encoding neural plasticity as a pattern of local rules".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.evolve.functions import activation_code
from neuroloom.evolve.hyperneat import GENE_ACTIVATIONS, SubstrateNetworks
from neuroloom.evolve.plastic import PlasticLanes, PlasticNetworks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SLOPES = {
    "tanh": 2.5,
    "relu": 1.0,
    "sigmoid": 5.0,
    "identity": 1.0,
}  # of NEAT's functions, which these have not


class PlasticSubstrates(PlasticNetworks):
    """The plastic networks that all CPPNs of a population write on one substrate, stepped by the kernel of NEAT's.

    Args:
        written: what the CPPNs wrote, with rules: ``Expression(plasticity="hebbian")``.
    """

    def __init__(self, written: SubstrateNetworks) -> None:
        from neuroloom.evolve._kernels_plastic import Plastic

        substrate, expression, n = written.substrate, written.expression, len(written)
        sheets = [len(sheet) for sheet in substrate.sheets]
        first = np.concatenate([[0], np.cumsum(sheets)]).astype(np.int64)  # the slots of each sheet
        nodes, inputs = int(first[-1]) - sheets[0], sheets[0]
        slot, target = _possible(substrate.joined, sheets, first)
        order = np.argsort(target, kind="stable")
        self._links = [(sheets[b], sheets[a]) for a, b in substrate.joined]
        self._order = order
        weights = np.concatenate([matrix.reshape(n, -1) for matrix in written.weights], axis=1)[:, order]
        rules = np.concatenate([rule.reshape(n, -1, 4) for rule in written.rules], axis=1)[:, order]
        self._there = weights != 0
        counts = np.zeros((n, nodes), np.int64)
        members, places = np.nonzero(self._there)
        np.add.at(counts, (members, target[order][places] - inputs), 1)
        stops = np.cumsum(counts.ravel())
        edges = int(stops[-1])
        name, slope = GENE_ACTIVATIONS[expression.activation]
        last = nodes - sheets[-1]
        kinds = np.where(np.arange(nodes) < last, activation_code(name), activation_code("identity")).astype(
            np.uint8
        )
        response = np.where(np.arange(nodes) < last, slope, 1.0)
        plasticity = np.zeros((edges, 5))
        plasticity[:, :4] = rules[self._there]
        net = Plastic(
            node_ptr=np.arange(n + 1, dtype=np.int64) * nodes,
            sizes=np.full(n, nodes, np.int64),
            activation=np.tile(kinds, n),
            aggregation=np.zeros(n * nodes, np.uint8),
            edge_start=stops - counts.ravel(),
            edge_stop=stops,
            node_gene=np.arange(n * nodes, dtype=np.int64),
            slot=slot[order][places].astype(np.int32),
            edge_gene=np.arange(edges, dtype=np.int64),
            outputs=np.tile(np.arange(first[-2], first[-1], dtype=np.int32), (n, 1)),
            bias=(np.concatenate(written.biases, axis=1).astype(np.float64) * response).ravel(),
            response=np.tile(response, n),
            plasticity=plasticity,
            bound=float(expression.max_weight),
            cyclic=0,
        )
        ends = np.concatenate([[0], np.cumsum(self._there.sum(axis=1))]).astype(np.int64)
        super().__init__(net, weights[self._there].astype(np.float64), ends, inputs)

    def weights(self, row: int) -> list[Floats]:
        """Return the present weights of network ``row``: for each link ``(lanes, targets, sources)``, 0 for none."""
        own = np.zeros((self.lanes, len(self._order)))
        there = np.zeros_like(own)
        there[:, self._there[row]] = self._weights[:, self._edge_ptr[row] : self._edge_ptr[row + 1]]
        own[:, self._order] = there
        ends = np.cumsum([b * a for b, a in self._links])[:-1]
        parts = np.split(own, ends, axis=1)
        return [part.reshape(self.lanes, *link) for part, link in zip(parts, self._links, strict=True)]


def _possible(joined: Any, sheets: list[int], first: Ints) -> tuple[Ints, Ints]:
    """Return the slots of source and target of every possible connection, in the order of the weights."""
    slot, target = [], []
    for a, b in joined:
        slot.append(np.tile(first[a] + np.arange(sheets[a]), sheets[b]))
        target.append(np.repeat(first[b] + np.arange(sheets[b]), sheets[a]))
    return np.concatenate(slot), np.concatenate(target)


class PlasticSubstrateState(PlasticLanes):
    """One plastic network on a substrate, in lanes with a state and weights that :meth:`step` moves on.

    ``SubstrateNetwork.start`` makes it.

    Args:
        written: what one CPPN wrote.
        lanes: copies that run side by side, each with weights of its own.
    """

    def __init__(self, written: SubstrateNetworks, lanes: int = 1) -> None:
        self._substrates = PlasticSubstrates(written)
        super().__init__(self._substrates, lanes)

    @property
    def weights(self) -> list[Floats]:
        """The present weights: for each link of ``substrate.joined`` ``(lanes, targets, sources)``, 0 for none."""
        return self._substrates.weights(0)
