"""One genome's network under neat-python's names: ``nn.FeedForwardNetwork``, ``nn.RecurrentNetwork``, ``ctrnn.CTRNN``.

They compute in double precision what neat-python 2.0 computes, number by number, for scripts that activate one genome
after another. A whole population is computed many times faster together: ``NEAT.phenotypes()``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from neuroloom.core.checks import check_choice, check_float
from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.evolve.config import INTEGRATORS, refuse_plastic
from neuroloom.evolve.functions import activate, aggregate
from neuroloom.evolve.genome import Genome, Node

Links = list[tuple[int, float]]
_SCALAR: dict[str, Callable[[float], float]] = {
    "sigmoid": lambda z: 1.0 / (1.0 + math.exp(-min(max(5.0 * z, -60.0), 60.0))),
    "tanh": lambda z: math.tanh(min(max(2.5 * z, -60.0), 60.0)),
    "relu": lambda z: max(z, 0.0),
    "identity": lambda z: z,
}


def excite(node: Node, links: Links, values: dict[int, float]) -> float:
    """Return what ``node`` makes of ``values``, read through ``links`` of source and weight."""
    terms = [values[source] * weight for source, weight in links]
    if node.aggregation == "sum":
        total = sum(terms)
    else:
        total = float(aggregate(node.aggregation, [np.array(term) for term in terms], ()))
    z = node.bias + node.response * total
    own = _SCALAR.get(node.activation)
    return own(z) if own is not None else float(activate(node.activation, np.array(z)))


class _Network:
    """What the networks share: numbers of inputs and outputs, and the nodes that count with their links."""

    def __init__(self, genome: Genome) -> None:
        refuse_plastic(genome.plasticity, f"neat-python's {type(self).__name__}")
        nodes, entering = {node.id: node for node in genome.nodes}, genome.entering()
        self.input_nodes = [-i - 1 for i in range(genome.inputs)]
        self.output_nodes = list(range(genome.outputs))
        self._steps = [
            (nodes[i], [(conn.source, conn.weight) for conn in entering.get(i, [])]) for i in genome.order()
        ]

    def _given(self, inputs: Any) -> dict[int, float]:
        if len(inputs) != len(self.input_nodes):
            raise InputError(
                f"the network has {len(self.input_nodes)} inputs, but got {len(inputs)} numbers."
            )
        return {i: float(value) for i, value in zip(self.input_nodes, inputs, strict=True)}


class FeedForwardNetwork(_Network):
    """One genome as a function of one sample; :meth:`create` makes it."""

    @staticmethod
    def create(genome: Genome, config: Any = None) -> FeedForwardNetwork:
        """Return the network of ``genome``; ``config`` is not needed.

        Raises:
            InputError: its enabled connections run in a cycle.
        """
        return FeedForwardNetwork(replace(genome, network="feed-forward"))

    def activate(self, inputs: Any) -> list[float]:
        """Return the outputs for one sample.

        Raises:
            InputError: there are more or fewer numbers than inputs.
        """
        values = self._given(inputs)
        for node, links in self._steps:
            values[node.id] = excite(node, links, values)
        return [values[o] for o in self.output_nodes]


class RecurrentNetwork(_Network):
    """One genome stepped in discrete time, with a state; :meth:`create` makes it."""

    def __init__(self, genome: Genome) -> None:
        super().__init__(genome)
        self._moving = [(node, links) for node, links in self._steps if links]
        self.reset()

    @staticmethod
    def create(genome: Genome, config: Any = None) -> RecurrentNetwork:
        """Return the network of ``genome``; ``config`` is not needed."""
        return RecurrentNetwork(replace(genome, network="recurrent"))

    def reset(self) -> None:
        """Set all values to 0."""
        self._values = {node.id: 0.0 for node, _ in self._steps}

    def activate(self, inputs: Any) -> list[float]:
        """Step once and return the outputs; all nodes are computed from the values of the step before.

        Raises:
            InputError: there are more or fewer numbers than inputs.
        """
        seen = self._values | self._given(inputs)
        for node, links in self._moving:
            self._values[node.id] = excite(node, links, seen)
        return [self._values[o] for o in self.output_nodes]


class CTRNN(_Network):
    """One genome in continuous time, with a state; :meth:`create` makes it.

    Attributes:
        time_seconds: how long it has run since :meth:`reset`.
    """

    def __init__(self, genome: Genome, integrator: str = "neat-python") -> None:
        super().__init__(genome)
        self._lagged = check_choice("integrator", integrator, INTEGRATORS) == "neat-python"
        self._moving = [(node, links) for node, links in self._steps if links]
        self.reset()

    @staticmethod
    def create(genome: Genome, config: Any = None, integrator: str = "neat-python") -> CTRNN:
        """Return the network of ``genome``; ``config`` is not needed.

        Args:
            genome: the network.
            config: as neat-python has it.
            integrator: ``"neat-python"`` for the same numbers as there, or ``"euler"`` for Euler's method, from which
                neat-python 2.0 departs: its values move on from those of two steps ago, at half the speed.
        """
        return CTRNN(replace(genome, network="ctrnn"), integrator)

    def reset(self) -> None:
        """Set all values and the time to 0."""
        self._values = {node.id: 0.0 for node, _ in self._steps}
        self._before = dict(self._values)
        self.time_seconds = 0.0

    def set_node_value(self, node_key: int, value: float) -> None:
        """Set the value of one node."""
        self._values[node_key] = self._before[node_key] = float(value)

    def advance(self, inputs: Any, advance_time: float, time_step: float | None = None) -> list[float]:
        """Run for ``advance_time`` in steps of at most ``time_step`` with constant inputs; return the outputs.

        Raises:
            InputError: there are more or fewer numbers than inputs, or no step above 0.
        """
        if time_step is None:
            raise InputError("advance needs a `time_step`: at most twice the smallest time constant.")
        check_float("time_step", time_step, 0.0, open_low=True)
        given, end = self._given(inputs), self.time_seconds + advance_time
        while self.time_seconds < end:
            length = min(time_step, end - self.time_seconds)
            old = self._values
            start = self._before if self._lagged else old
            moved, seen = dict(old), old | given
            for node, links in self._moving:
                own = start[node.id]
                moved[node.id] = own + length / node.time_constant * (excite(node, links, seen) - own)
            self._values, self._before = moved, old
            self.time_seconds += length
        shown = self._before if self._lagged else self._values
        return [shown[o] for o in self.output_nodes]


class _NotThere:
    """Stands for a part of neat-python that this package lacks; any use of it says so."""

    def __init__(self, message: str) -> None:
        self._message = message

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotSupportedError(self._message)


nn = SimpleNamespace(FeedForwardNetwork=FeedForwardNetwork, RecurrentNetwork=RecurrentNetwork)
ctrnn = SimpleNamespace(CTRNN=CTRNN)
iznn = _NotThere(
    "neat-python's spiking networks (iznn) are not there; nn.FeedForwardNetwork, nn.RecurrentNetwork and ctrnn.CTRNN "
    "are: keep neat-python for spiking ones."
)
