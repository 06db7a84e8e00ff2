"""The networks of a population as one ``torch.nn.Module``, differentiable in weights and biases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from neuroloom.core.errors import InputError
from neuroloom.evolve import population
from neuroloom.evolve.functions import ACTIVATIONS, AGGREGATIONS
from neuroloom.evolve.phenotypes import Phenotypes

if TYPE_CHECKING:
    from neuroloom.evolve.genome import Genome

_SELU, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
_ACTIVATE: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "sigmoid": lambda z: torch.sigmoid(5 * z),
    "tanh": lambda z: torch.tanh(2.5 * z),
    "relu": torch.relu,
    "identity": lambda z: z,
    "gauss": lambda z: torch.exp(-5 * z.clamp(-3.4, 3.4) ** 2),
    "sin": lambda z: torch.sin((5 * z).clamp(-60, 60)),
    "clamped": lambda z: z.clamp(-1, 1),
    "abs": torch.abs,
    "hat": lambda z: torch.relu(1 - z.abs()),
    "square": lambda z: z * z,
    "cube": lambda z: z * z * z,
    "lelu": lambda z: torch.where(z > 0, z, 0.005 * z),
    "elu": nn.functional.elu,
    "selu": lambda z: _SELU * torch.where(z > 0, z, _SELU_ALPHA * torch.expm1(z.clamp(max=0))),
    "softplus": lambda z: 0.2 * nn.functional.softplus((5 * z).clamp(-60, 60)),
    "inv": lambda z: torch.where(z == 0, 0.0, 1 / torch.where(z == 0, 1.0, z)),
    "log": lambda z: z.clamp(min=1e-7).log(),
    "exp": lambda z: z.clamp(-60, 60).exp(),
}


@dataclass(frozen=True)
class _Level:
    """Nodes that need only lower levels: the rows ``[start, stop)`` of the module's nodes.

    Args:
        start: first node.
        stop: end of the nodes.
        edges: its edges are the rows ``[edges[0], edges[1])`` of the module's edges.
        activations: name and places within the level.
        gathered: for every aggregation but sums its name, places within the level, and ``(places, fan-in)`` edge rows
            counted from ``edges[0]``, -1 for none.
    """

    start: int
    stop: int
    edges: tuple[int, int]
    activations: tuple[tuple[str, torch.Tensor], ...]
    gathered: tuple[tuple[str, torch.Tensor, torch.Tensor], ...]


class PopulationNet(nn.Module):  # type: ignore[misc]
    """All networks of a population, computed level by level as one batch.

    ``net(X)`` maps ``(n, inputs)``, the same samples for all genomes, or ``(genomes, n, inputs)`` to
    ``(genomes, n, outputs)``. ``weight`` (one entry an enabled connection that counts) and ``bias`` (one a node that
    counts) are parameters. Without gradients on the CPU a fused kernel computes the same in a fraction of the time.

    Args:
        phenotypes: compiled networks, as ``NEAT.phenotypes()`` gives them.
    """

    def __init__(self, phenotypes: Phenotypes) -> None:
        super().__init__()
        net, genes = phenotypes.net, phenotypes.genes
        self.genomes, self.inputs, self.outputs = len(phenotypes), phenotypes.inputs, phenotypes.outputs
        owner = np.repeat(np.arange(self.genomes), net.sizes)
        at = np.concatenate([np.arange(a, a + c) for a, c in zip(net.node_ptr[:-1], net.sizes, strict=True)])
        place = at - net.node_ptr[owner]
        sort = np.argsort(net.level[at], kind="stable")
        at, owner, place = at[sort], owner[sort], place[sort]
        row_of = np.full(len(genes.node_id), -1, np.int64)
        row_of[at] = np.arange(len(at))
        fans = (net.edge_stop - net.edge_start)[at]
        edges = np.concatenate(
            [
                np.empty(0, np.int64),
                *(np.arange(a, b) for a, b in zip(net.edge_start[at], net.edge_stop[at], strict=True)),
            ]
        )
        target = np.repeat(np.arange(len(at)), fans)
        slot = net.slot[edges].astype(np.int64)
        inner = slot >= self.inputs
        source = slot.copy()
        source[inner] = -1 - row_of[net.node_ptr[owner[target[inner]]] + slot[inner] - self.inputs]
        ends = net.outputs.astype(np.int64) - self.inputs + net.node_ptr[:-1, None]
        self._phenotypes, self._at, self._edges = phenotypes, at, edges
        self._levels = _levels(net, at, target)
        self.weight = nn.Parameter(torch.tensor(genes.weight[net.edge_gene[edges]], dtype=torch.float32))
        self.bias = nn.Parameter(torch.tensor(genes.bias[net.node_gene[at]], dtype=torch.float32))
        for name, values in (("owner", owner), ("target", target), ("source", source)):
            self.register_buffer(f"_{name}", torch.tensor(values), persistent=False)
        self.register_buffer("_ends", torch.tensor(row_of[ends]), persistent=False)
        self.register_buffer("response", torch.tensor(genes.response[net.node_gene[at]], dtype=torch.float32))

    def __len__(self) -> int:
        return self.genomes

    @property
    def owner(self) -> torch.Tensor:
        """The genome of each entry of ``bias``."""
        return self._owner

    @property
    def edge_owner(self) -> torch.Tensor:
        """The genome of each entry of ``weight``."""
        return self._owner[self._target]

    def forward(self, X: Any) -> torch.Tensor:
        """Return the outputs ``(genomes, n, outputs)`` for ``(n, inputs)`` or ``(genomes, n, inputs)``.

        Raises:
            InputError: ``X`` has another shape.
        """
        samples = torch.as_tensor(X, dtype=self.weight.dtype, device=self.weight.device)
        own = samples.ndim == 3
        if (
            samples.ndim not in (2, 3)
            or samples.shape[-1] != self.inputs
            or (own and len(samples) != len(self))
        ):
            raise InputError(
                f"X must have shape (n, {self.inputs}) or ({len(self)}, n, {self.inputs}), but has "
                f"{tuple(samples.shape)}."
            )
        plain = samples.device.type == "cpu" and samples.dtype == torch.float32
        if plain and not torch.is_grad_enabled():
            return self._fused(samples)
        return self._by_level(samples)

    def _by_level(self, samples: torch.Tensor) -> torch.Tensor:
        """Compute level after level; autograd follows."""
        own = samples.ndim == 3
        n = samples.shape[-2]
        given = samples.transpose(-1, -2).reshape(-1, n)  # (inputs, n) or (genomes * inputs, n)
        source, owner = self._source, self._owner[self._target]
        rows = torch.where(
            source >= 0, source + owner * self.inputs if own else source, len(given) - 1 - source
        )
        values = given
        for level in self._levels:
            e0, e1 = level.edges
            terms = self.weight[e0:e1, None] * values[rows[e0:e1]]
            sums = terms.new_zeros(level.stop - level.start, n)
            sums = sums.index_add(0, self._target[e0:e1] - level.start, terms)
            for name, places, fan in level.gathered:
                sums = sums.index_copy(0, places, _gather(name, terms, fan))
            z = (
                self.bias[level.start : level.stop, None]
                + self.response[level.start : level.stop, None] * sums
            )
            result = z
            for name, places in level.activations:
                whole = len(places) == len(z)
                result = (
                    _ACTIVATE[name](z) if whole else result.index_copy(0, places, _ACTIVATE[name](z[places]))
                )
            values = torch.cat([values, result])
        return values[len(given) + self._ends].transpose(1, 2)

    def _fused(self, samples: torch.Tensor) -> torch.Tensor:
        """Compute by the kernel, with the weights and biases as they are now."""
        net = self._phenotypes.net
        net.weight[self._edges] = self.weight.numpy()
        net.bias[self._at] = self.bias.numpy()
        if samples.ndim == 2:
            found = self._phenotypes.activate(np.ascontiguousarray(samples.numpy().T))
            return torch.from_numpy(found).transpose(1, 2)
        genomes, n, _ = samples.shape
        columns = np.ascontiguousarray(samples.reshape(genomes * n, self.inputs).numpy().T)
        flat = self._phenotypes.activate_own(columns, np.arange(genomes + 1, dtype=np.int64) * n)
        return torch.from_numpy(flat).reshape(self.outputs, genomes, n).permute(1, 2, 0)

    def to_genes(self) -> population.Genes:
        """Return the population with the present weights and biases written into its genes."""
        net, genes = self._phenotypes.net, self._phenotypes.genes
        weight, bias = genes.weight.copy(), genes.bias.copy()
        weight[net.edge_gene[self._edges]] = self.weight.detach().cpu().numpy()
        bias[net.node_gene[self._at]] = self.bias.detach().cpu().numpy()
        return genes._replace(weight=weight, bias=bias)

    def genome(self, row: int) -> Genome:
        """Return genome ``row`` with its present weights and biases."""
        return population.genome(self.to_genes(), row, self.inputs, self.outputs)


def _levels(net: Any, at: Any, target: Any) -> tuple[_Level, ...]:
    """Return the levels of the nodes ``at``, sorted by level, whose edges end at ``target``."""
    heights = net.level[at]
    levels = []
    for height in range(int(heights.max()) + 1 if len(heights) else 0):
        start, stop = np.searchsorted(heights, [height, height + 1])
        e0, e1 = np.searchsorted(target, [start, stop])
        own = target[e0:e1] - start
        codes = net.activation[at[start:stop]]
        sums = net.aggregation[at[start:stop]]
        gathered = []
        for code in np.unique(sums[sums > 0]):
            places = np.flatnonzero(sums == code)
            fans = [np.flatnonzero(own == place) for place in places]
            padded = np.full((len(places), max(len(fan) for fan in fans)), -1, np.int64)
            for row, fan in zip(padded, fans, strict=True):
                row[: len(fan)] = fan
            gathered.append((AGGREGATIONS[code], torch.tensor(places), torch.tensor(padded)))
        levels.append(
            _Level(
                int(start),
                int(stop),
                (int(e0), int(e1)),
                tuple((ACTIVATIONS[c], torch.tensor(np.flatnonzero(codes == c))) for c in np.unique(codes)),
                tuple(gathered),
            )
        )
    return tuple(levels)


def _gather(name: str, terms: torch.Tensor, fan: torch.Tensor) -> torch.Tensor:
    """Return the aggregation ``name`` of ``terms (edges, n)`` over each row of ``fan (places, most)``, -1 for none."""
    if fan.shape[1] == 0:
        empty = terms.new_zeros(len(fan), terms.shape[1])
        return empty + 1 if name == "product" else empty
    there = (fan >= 0)[:, :, None]
    counts = there.sum(1)
    picked = terms[fan.clamp(min=0)]
    if name == "product":
        return torch.where(there, picked, 1.0).prod(1)
    if name == "mean":
        return torch.where(there, picked, 0.0).sum(1) / counts.clamp(min=1)
    if name == "maxabs":
        kept = torch.where(there, picked, 0.0)
        return kept.gather(1, kept.abs().argmax(1, keepdim=True))[:, 0]
    if name == "median":
        ranked = torch.where(there, picked, torch.inf).sort(1).values
        low = ((counts - 1).clamp(min=0) // 2)[:, None].expand(-1, 1, terms.shape[1])
        high = (counts // 2).clamp(max=fan.shape[1] - 1)[:, None].expand(-1, 1, terms.shape[1])
        found = (ranked.gather(1, low) + ranked.gather(1, high))[:, 0] / 2
    else:
        sign = 1.0 if name == "max" else -1.0
        found = sign * torch.where(there, sign * picked, -torch.inf).amax(1)
    return torch.where(counts > 0, found, 0.0)


class GenomeNet(nn.Module):  # type: ignore[misc]
    """One genome as a plain trainable module: ``(n, inputs)`` -> ``(n, outputs)``.

    Args:
        genome: the network.
    """

    def __init__(self, genome: Genome) -> None:
        super().__init__()
        genes = population.pack_genomes([replace(genome)])
        self.net = PopulationNet(Phenotypes(genes, genome.inputs, genome.outputs))

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return the outputs ``(n, outputs)`` for ``(n, inputs)``."""
        outputs: torch.Tensor = self.net._by_level(X)[0]
        return outputs

    def to_genome(self) -> Genome:
        """Return the genome with the present weights and biases."""
        return self.net.genome(0)
