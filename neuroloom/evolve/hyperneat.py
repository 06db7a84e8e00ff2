"""HyperNEAT: large networks whose weights a small evolved network writes.

Stanley, D'Ambrosio and Gauci (2009), "A hypercube-based encoding for evolving large-scale neural networks".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.evolve.config import PLASTICITY, NEATConfig, refuse_plastic
from neuroloom.evolve.cppn import cppn_config
from neuroloom.evolve.genome import Genome
from neuroloom.evolve.substrate import Substrate

if TYPE_CHECKING:
    import torch

    from neuroloom.evolve.es_hyperneat import EvolvableSubstrate
    from neuroloom.evolve.phenotypes import Phenotypes
    from neuroloom.evolve.plastic_substrate import PlasticSubstrateState

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
ACTIVATIONS = ("tanh", "relu", "sigmoid", "identity")
# a substrate's activation by the name and the response that a gene has for it
GENE_ACTIVATIONS = {
    "tanh": ("tanh", 0.4),
    "relu": ("relu", 1.0),
    "sigmoid": ("logistic", 1.0),
    "identity": ("identity", 1.0),
}
PATTERNS = ("signed_sigmoid", "gauss", "sin", "abs", "identity")  # what the paper's CPPNs are made of
AT_ONCE = 1 << 22  # numbers of a batch of activations that are held at once


@dataclass(frozen=True)
class Expression:
    """How a CPPN's outputs become weights.

    Args:
        threshold: a connection whose output is at most so large is not there, in [0, 1).
        max_weight: what the largest outputs, cut at 1, stand for, above 0.
        bias: whether a second output writes the neurons' biases.
        leo: whether a last output says by its sign which connections there are, instead of the threshold (link
            expression output, Verbancsics and Stanley 2011).
        outputs_by_link: how many outputs write weights: 1 for all links, or as many as the substrate has links, one
            each.
        activation: of hidden neurons, ``"tanh"``, ``"relu"``, ``"sigmoid"`` or ``"identity"``; outputs have none.
        plasticity: ``"none"``, or ``"hebbian"``: four more outputs write the rule by which each weight changes, see
            :mod:`~neuroloom.evolve.plastic_substrate`.

    Raises:
        InputError: a value is out of its range.
    """

    threshold: float = 0.2
    max_weight: float = 3.0
    bias: bool = True
    leo: bool = False
    activation: str = "tanh"
    outputs_by_link: int = 1
    plasticity: str = "none"

    def __post_init__(self) -> None:
        check_float("threshold", self.threshold, 0, 1, open_high=True)
        check_float("max_weight", self.max_weight, 0, open_low=True)
        check_choice("activation", self.activation, ACTIVATIONS)
        check_int("outputs_by_link", self.outputs_by_link)
        check_choice("plasticity", self.plasticity, PLASTICITY)

    @property
    def outputs(self) -> int:
        """How many outputs the CPPN has."""
        return self.outputs_by_link + self.bias + self.leo + (4 if self.plasticity != "none" else 0)

    def weights(self, values: NDArray[Any], linked: NDArray[Any] | None) -> Floats32:
        """Return weights for the CPPN's ``values``, of any shape; ``linked`` holds the link expression, where there
        is one.

        Sizes above the threshold θ are spread over ``(0, max_weight]``: ``sign(v) · (min(|v|, 1) − θ) / (1 − θ) ·
        max``.
        """
        v = np.nan_to_num(np.asarray(values, dtype=np.float32), posinf=1.0, neginf=-1.0)
        low = np.float32(0.0 if self.leo else self.threshold)
        size = np.minimum(np.abs(v), np.float32(1)) - low
        made = np.sign(v) * np.maximum(size, np.float32(0)) * np.float32(self.max_weight / (1 - low))
        return made if linked is None else np.where(linked > 0, made, np.float32(0))


def hyperneat_config(
    substrate: Substrate | EvolvableSubstrate, expression: Expression, population: int = 150, **settings: Any
) -> NEATConfig:
    """Return the settings for evolving CPPNs over the pairs of places of ``substrate``."""
    given = {
        "activation_options": PATTERNS,
        "distance": "paper",
        "fitness_sharing": "rank",
        "survival_threshold": 0.1,
        **settings,
    }
    return cppn_config(2 * substrate.dimensions, expression.outputs, population, **given)


class SubstrateNetworks:
    """The networks that all CPPNs of a population write on one substrate, computed as one batch.

    Args:
        cppns: the compiled CPPNs; every possible connection is asked of all of them at once.
        substrate: the neurons.
        expression: how outputs become weights.

    Attributes:
        weights: for each link of ``substrate.joined`` ``(genomes, targets, sources)``.
        biases: for each sheet behind the first ``(genomes, neurons)``.
        rules: where they are plastic, for each link ``(genomes, targets, sources, 4)``: eta, A, B, C in [-1, 1].

    Raises:
        InputError: the CPPNs have other inputs or outputs than the substrate and the expression ask for.
    """

    def __init__(self, cppns: Phenotypes, substrate: Substrate, expression: Expression) -> None:
        from neuroloom.evolve.phenotypes import as_samples

        if (cppns.inputs, cppns.outputs) != (2 * substrate.dimensions + 2, expression.outputs):
            raise InputError(
                f"this substrate needs CPPNs of {2 * substrate.dimensions + 2} inputs and {expression.outputs} "
                f"outputs, but "
                f"got {cppns.inputs} and {cppns.outputs}; see hyperneat_config()."
            )
        self.substrate, self.expression = substrate, expression
        if expression.outputs_by_link not in (1, len(substrate.joined)):
            raise InputError(
                f"`outputs_by_link` must be 1 or {len(substrate.joined)}, the links of the substrate, but is "
                f"{expression.outputs_by_link}."
            )
        values = cppns.activate(as_samples(substrate.queries, cppns.inputs))
        self.weights, self.rules, at = [], [], 0
        for k, (a, b) in enumerate(substrate.joined):
            size = (len(substrate.sheets[b]), len(substrate.sheets[a]))
            own = slice(at, at + size[0] * size[1])
            linked = values[:, -1, own] if expression.leo else None
            made = expression.weights(values[:, k if expression.outputs_by_link > 1 else 0, own], linked)
            self.weights.append(made.reshape(len(made), *size))
            if expression.plasticity != "none":
                after = expression.outputs_by_link + expression.bias
                rules = np.nan_to_num(values[:, after : after + 4, own], posinf=1.0, neginf=-1.0).clip(-1, 1)
                self.rules.append(np.moveaxis(rules, 1, 2).astype(np.float64).reshape(len(made), *size, 4))
            at = own.stop
        self.biases = []
        for sheet in substrate.sheets[1:]:
            own = slice(at, at + len(sheet))
            if expression.bias:
                self.biases.append(expression.weights(values[:, expression.outputs_by_link, own], None))
            else:
                self.biases.append(np.zeros((len(values), len(sheet)), np.float32))
            at += len(sheet)
        self.inputs, self.outputs = len(substrate.sheets[0]), len(substrate.sheets[-1])
        self.own_rows = np.arange(len(values))  # no kernel of NEAT's computes these

    def __len__(self) -> int:
        return len(self.biases[0])

    def connection_costs(self) -> Floats:
        """Return the sum ``(genomes,)`` of the squared lengths of each network's connections.

        Source:
            Clune, Mouret and Lipson (2013), "The evolutionary origins of modularity"; with HyperNEAT Huizinga, Mouret
            and Clune (2014), "Evolving neural networks that are both modular and regular".
        """
        total = np.zeros(len(self))
        for (a, b), weights in zip(self.substrate.joined, self.weights, strict=True):
            far = self.substrate.sheets[b][:, None] - self.substrate.sheets[a][None]
            total += (weights != 0).reshape(len(self), -1) @ (far**2).sum(axis=2).ravel()
        return total

    def run(self, rows: NDArray[Any]) -> Floats32:
        """Return ``(genomes, n, outputs)`` for ``rows (n, inputs)`` or each genome's own ``(genomes, n, inputs)``."""
        found: Floats32 = _forward(self, np.asarray(rows, dtype=np.float32), self.weights, self.biases)
        return found

    def activate(self, samples: Floats32) -> Floats32:
        """Return ``(genomes, outputs, n)`` for ``samples (inputs, n)``, as :meth:`Phenotypes.activate` does."""
        n = samples.shape[1]
        widest = len(self) * max(len(sheet) for sheet in self.substrate.sheets)
        step = max(1, AT_ONCE // widest)
        made = np.empty((len(self), self.outputs, n), np.float32)
        for start in range(0, n, step):
            part = samples[:, start : start + step].T
            made[:, :, start : start + step] = self.run(part).transpose(0, 2, 1)
        return made

    def activate_own(self, samples: Floats32, ends: NDArray[np.int64]) -> Floats32:
        """Return ``(outputs, n)`` where genome ``g`` computes the columns ``ends[g] … ends[g + 1] - 1``."""
        counts = np.diff(ends)
        owner = np.repeat(np.arange(len(self)), counts)
        lane = np.arange(samples.shape[1]) - ends[owner]
        rows = np.zeros((len(self), max(int(counts.max()), 1), self.inputs), np.float32)
        rows[owner, lane] = samples.T
        return np.ascontiguousarray(self.run(rows)[owner, lane].T)

    def score_likelihood(self, samples: Floats32, labels: NDArray[np.int64]) -> Floats:
        """Return each network's mean log-likelihood of ``labels (n,)``."""
        return self.log_likelihood(self.activate(samples), labels)

    def score_error(self, samples: Floats32, y: Floats32) -> Floats:
        """Return each network's negative mean squared error from ``y (outputs, n)``."""
        return self.negative_error(self.activate(samples), y)

    def log_likelihood(self, outputs: Floats32, labels: NDArray[np.int64]) -> Floats:
        """Return each network's mean log-likelihood of ``labels (n,)`` under ``outputs (genomes, outputs, n)``."""
        from neuroloom.evolve._kernels_losses import mean_log_likelihood
        from neuroloom.evolve._kernels_phenotype import BLOCK, block_room

        fitness = np.empty(len(self))
        room = block_room(self.outputs + 2, max(min(outputs.shape[2], BLOCK), 1))
        mean_log_likelihood(outputs, labels, 0, len(self), fitness, *room)
        return fitness

    def negative_error(self, outputs: Floats32, y: Floats32) -> Floats:
        """Return each network's negative mean squared error of ``outputs (genomes, outputs, n)`` from ``y``."""
        from neuroloom.evolve._kernels_losses import negative_squared_error

        fitness = np.empty(len(self))
        negative_squared_error(outputs, y, 0, len(self), fitness)
        return fitness


_ACTIVATE: dict[str, Any] = {
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, np.float32(0)),
    "sigmoid": lambda x: np.float32(0.5) * (1 + np.tanh(np.float32(0.5) * x)),
    "identity": lambda x: x,
}


def _forward(nets: Any, rows: NDArray[Any], weights: list[NDArray[Any]], biases: list[NDArray[Any]]) -> Any:
    """Return ``(…, n, outputs)`` for ``rows (…, n, inputs)``, weights ``(…, targets, sources)`` and biases ``(…,
    n)``.
    """
    sheets, last = [rows], len(nets.substrate.sheets) - 1
    for b in range(1, last + 1):
        total: Any = biases[b - 1][..., None, :]
        for (a, target), weight in zip(nets.substrate.joined, weights, strict=True):
            if target == b:
                total = total + sheets[a] @ np.swapaxes(weight, -1, -2)
        sheets.append(total if b == last else _ACTIVATE[nets.expression.activation](total))
    return sheets[last]


class SubstrateNetwork:
    """The network that one CPPN writes on a substrate, of any resolution.

    Args:
        genome: the CPPN.
        substrate: the neurons; the same CPPN writes on one of more neurons without further evolution.
        expression: how outputs become weights.

    Attributes:
        weights: for each link of ``substrate.joined`` ``(targets, sources)``; 0 where there is no connection.
        biases: for each sheet behind the first ``(neurons,)``.
        rules: where it is plastic, for each link ``(targets, sources, 4)``: eta, A, B, C in [-1, 1]; the weights are
            those it begins with.
    """

    def __init__(self, genome: Genome, substrate: Substrate, expression: Expression) -> None:
        from neuroloom.evolve.phenotypes import Phenotypes
        from neuroloom.evolve.population import pack_genomes

        cppn = Phenotypes(pack_genomes([genome]), genome.inputs, genome.outputs)
        self._nets = SubstrateNetworks(cppn, substrate, expression)
        self.substrate, self.expression = substrate, expression
        self.weights = [matrix[0] for matrix in self._nets.weights]
        self.biases = [vector[0] for vector in self._nets.biases]
        self.rules = [rule[0] for rule in self._nets.rules]

    @property
    def n_connections(self) -> int:
        """How many connections there are."""
        return int(sum(np.count_nonzero(matrix) for matrix in self.weights))

    @property
    def connection_cost(self) -> float:
        """The sum of the squared lengths of its connections."""
        return float(self._nets.connection_costs()[0])

    def activate(self, X: Any) -> Floats:
        """Return ``(n, outputs)`` for ``X (n, inputs)``.

        Raises:
            InputError: it is plastic, so that order matters; see :meth:`start`.
        """
        if self.expression.plasticity != "none":
            raise InputError(
                "the weights of a plastic network change from one input to the next, so order matters; call "
                "start(lanes) and step it."
            )
        wide = [[part.astype(np.float64) for part in parts] for parts in (self.weights, self.biases)]
        return np.asarray(_forward(self, np.asarray(X, dtype=np.float64), *wide))

    def start(self, lanes: int = 1) -> PlasticSubstrateState:
        """Return the plastic network as it begins, to be stepped: ``state.step(inputs (lanes, inputs))``.

        Args:
            lanes: copies that run side by side, each with weights of its own, at least 1.

        Raises:
            InputError: it is not plastic.
        """
        from neuroloom.evolve.plastic_substrate import PlasticSubstrateState

        if self.expression.plasticity == "none":
            raise InputError("this network has no state; call activate(X).")
        return PlasticSubstrateState(self._nets, check_int("lanes", lanes, 0))

    def plot(self, ax: Any = None) -> Any:
        """Draw the neurons and their connections, blue above 0 and red below; return matplotlib's axes."""
        return self.substrate.plot(self.weights, ax)

    def to_torch(self) -> torch.nn.Module:
        """Return the network as a ``torch.nn.Module`` with trainable weights where there are connections.

        ``forward(x (n, inputs)) -> (n, outputs)``. Weights are dense, or sparse where fewer than a tenth are there.

        Raises:
            InputError: it is plastic.
        """
        refuse_plastic(self.expression.plasticity, "to_torch()")
        from neuroloom.evolve.substrate_net import SubstrateNet

        return SubstrateNet(self)
