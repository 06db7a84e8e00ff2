"""The network that one CPPN writes by ES-HyperNEAT, hidden neurons included.

Risi and Stanley (2012), "An enhanced hypercube-based encoding for evolving the placement, density, and connectivity of
neurons".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core import plotting
from neuroloom.core.checks import check_int
from neuroloom.core.errors import InputError
from neuroloom.evolve.es_hyperneat import EvolvableSubstrate, grow
from neuroloom.evolve.population import genome
from neuroloom.evolve.substrate import draw_links, draw_neurons, flat

if TYPE_CHECKING:
    import torch

    from neuroloom.evolve.genome import Genome
    from neuroloom.evolve.plastic import PlasticLanes

Floats = NDArray[np.float64]


class EvolvedNetwork:
    """The network that one CPPN writes, its hidden neurons included.

    Args:
        cppn: the CPPN.
        substrate: where inputs and outputs lie and how the rest is found; the same CPPN may write on a deeper one.

    Attributes:
        genome: the network itself as a :class:`Genome`: ``activate``, ``to_torch``, ``to_networkx``, ….
        hidden: ``(h, d)`` places of the hidden neurons, in the order of the genome's nodes behind its outputs.
        connection_cost: the sum of the squared lengths of its connections.
    """

    def __init__(self, cppn: Genome, substrate: EvolvableSubstrate) -> None:
        from neuroloom.evolve.phenotypes import Phenotypes
        from neuroloom.evolve.population import pack_genomes

        grown = grow(Phenotypes(pack_genomes([cppn]), cppn.inputs, cppn.outputs), substrate)
        self.substrate = substrate
        own = substrate.dynamics
        self.genome = genome(grown.genes, 0, len(substrate.inputs), len(substrate.outputs), like=own)
        self.hidden = grown.places
        self.connection_cost = float(grown.connection_costs(substrate)[0])

    @property
    def n_connections(self) -> int:
        """How many connections there are."""
        return len(self.genome.connections)

    def activate(self, X: Any) -> Floats:
        """Return ``(n, outputs)`` for ``X (n, inputs)``.

        Raises:
            InputError: it is plastic, so that order matters; see :meth:`start`.
        """
        return self.genome.activate(X)

    def start(self, lanes: int = 1) -> PlasticLanes:
        """Return the plastic network as it begins, to be stepped: ``state.step(inputs (lanes, inputs))``.

        Args:
            lanes: copies that run side by side, each with weights of its own, at least 0.

        Raises:
            InputError: it is not plastic.
        """
        from neuroloom.evolve.plastic import PlasticState

        if self.genome.plasticity == "none":
            raise InputError("this network has no state; call activate(X).")
        return PlasticState(self.genome, check_int("lanes", lanes, 0))

    def to_torch(self) -> torch.nn.Module:
        """Return the network as a ``torch.nn.Module`` with trainable weights, ``forward(x (n, inputs))``."""
        return self.genome.to_torch()

    def plot(self, ax: Any = None) -> Any:
        """Draw inputs, hidden neurons and outputs at their places, and the connections, blue above 0 and red below;
        return matplotlib's axes.
        """
        if ax is None:
            _, ax = plotting.pyplot().subplots(figsize=(6.4, 5.2), layout="constrained")
        sheets = [flat(places) for places in (self.substrate.inputs, self.hidden, self.substrate.outputs)]
        m = len(self.substrate.outputs)
        at = {-i - 1: place for i, place in enumerate(sheets[0])}
        at |= dict(enumerate(sheets[2])) | {m + i: place for i, place in enumerate(sheets[1])}
        conns = self.genome.connections
        ends = np.array([(at[c.source], at[c.target]) for c in conns]).reshape(-1, 2, 2)
        draw_links(ax, ends, np.array([c.weight for c in conns]))
        return draw_neurons(ax, sheets)
