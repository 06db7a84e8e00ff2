"""The networks of a population as one ``torch.nn.Module``, differentiable in weights, biases and responses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.evolve import population
from neuroloom.evolve.config import refuse_plastic
from neuroloom.evolve.functions import (
    ACTIVATIONS,
    activation_name,
    aggregation_name,
    apply_own_activation,
    apply_own_aggregation,
    uses_own,
)
from neuroloom.evolve.phenotypes import Phenotypes

if TYPE_CHECKING:
    from neuroloom.evolve.genome import Genome

Ints = NDArray[np.int64]
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
    "cos": lambda z: torch.cos((5 * z).clamp(-60, 60)),
    "logistic": torch.sigmoid,
    "steep_sigmoid": lambda z: torch.sigmoid(4.9 * z),
    "signed_sigmoid": lambda z: torch.tanh(2.45 * z),
    "signed_gauss": lambda z: 2 * torch.exp(-5 * z.clamp(-3.4, 3.4) ** 2) - 1,
    "step": lambda z: torch.sign(torch.relu(z)),
    "sign": torch.sign,
    "ramp": lambda z: z.clamp(0, 1),
}
assert tuple(_ACTIVATE) == ACTIVATIONS


@dataclass(frozen=True)
class _Level:
    """Nodes that need only lower levels: the rows ``[start, stop)`` of the module's nodes.

    Index tensors are buffers of the module, so that they move with it; here stand their names.

    Args:
        start: first node.
        stop: end of the nodes.
        edges: its edges are the rows ``[edges[0], edges[1])`` of the module's edges.
        summed: whether some node adds its terms up.
        activations: name of the function, and of the places within the level or None for all of them.
        gathered: for every aggregation but sums its name, and of two buffers: places within the level, and
            ``(places, fan-in)`` edge rows counted from ``edges[0]``, -1 for none.
    """

    start: int
    stop: int
    edges: tuple[int, int]
    summed: bool
    activations: tuple[tuple[str, str | None], ...]
    gathered: tuple[tuple[str, str, str], ...]


class PopulationNet(nn.Module):  # type: ignore[misc]
    """All networks of a population, computed as one batch on any device.

    ``net(X)`` maps ``(n, inputs)``, the same samples for all genomes, or ``(genomes, n, inputs)`` to
    ``(genomes, n, outputs)``. ``weight`` (one entry an enabled connection that counts) and ``bias`` (one a node that
    counts) are parameters, ``response`` a buffer or a parameter.

    On the CPU in single precision a fused kernel computes outputs and gradients, one genome at a time, the same bits on
    any number of threads. Elsewhere, in double precision, for gradients by ``X``, second derivatives and registered
    functions the networks are computed level by level, all nodes of a level at once.

    Args:
        phenotypes: compiled networks, as ``NEAT.phenotypes()`` gives them.
        train_response: whether ``response`` is a parameter too.
        fused: whether the kernel may be used; without it, second derivatives and ``torch.func`` work on the CPU too.
    """

    def __init__(self, phenotypes: Phenotypes, *, train_response: bool = False, fused: bool = True) -> None:
        super().__init__()
        refuse_plastic(getattr(phenotypes, "plasticity", "none"), "PopulationNet")
        net, genes = phenotypes.net, phenotypes.genes
        self.genomes, self.inputs, self.outputs = len(phenotypes), phenotypes.inputs, phenotypes.outputs
        owner = np.repeat(np.arange(self.genomes), net.sizes)
        at = _runs(net.node_ptr[:-1], net.sizes)
        sort = np.argsort(net.level[at], kind="stable")
        at, owner = at[sort], owner[sort]
        row_of = np.full(len(genes.node_id), -1, np.int64)
        row_of[at] = np.arange(len(at))
        fans = (net.edge_stop - net.edge_start)[at]
        edges = _runs(net.edge_start[at], fans)
        target = np.repeat(np.arange(len(at)), fans)
        slot = net.slot[edges].astype(np.int64)
        inner = slot >= self.inputs
        source = slot.copy()
        source[inner] = -1 - row_of[net.node_ptr[owner[target[inner]]] + slot[inner] - self.inputs]
        ends = net.outputs.astype(np.int64) - self.inputs + net.node_ptr[:-1, None]
        self._phenotypes, self._at, self._edges = phenotypes, at, edges
        self.fused = fused and not uses_own(net.activation[at], net.aggregation[at])
        self.weight = nn.Parameter(torch.tensor(genes.weight[net.edge_gene[edges]], dtype=torch.float32))
        self.bias = nn.Parameter(torch.tensor(genes.bias[net.node_gene[at]], dtype=torch.float32))
        response = torch.tensor(genes.response[net.node_gene[at]], dtype=torch.float32)
        if train_response:
            self.response = nn.Parameter(response)
        else:
            self.register_buffer("response", response)
        for name, values in (
            ("owner", owner),
            ("target", target),
            ("source", source),
            ("ends", row_of[ends]),
        ):
            self.register_buffer(f"_{name}", torch.tensor(values), persistent=False)
        self._levels = self._sort_levels(net, target)

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
        if (
            samples.ndim not in (2, 3)
            or samples.shape[-1] != self.inputs
            or (samples.ndim == 3 and len(samples) != len(self))
        ):
            raise InputError(
                f"X must have shape (n, {self.inputs}) or ({len(self)}, n, {self.inputs}), but has "
                f"{tuple(samples.shape)}."
            )
        plain = samples.device.type == "cpu" and samples.dtype == torch.float32 and not samples.requires_grad
        if self.fused and plain:
            found: torch.Tensor = _Fused.apply(self, samples, self.weight, self.bias, self.response)
            return found
        return self.by_level(samples)

    # -- level by level -------------------------------------------------------------------------------------

    def by_level(self, samples: torch.Tensor) -> torch.Tensor:
        """Compute ``forward`` level after level in torch's own operations, on any device."""
        own = samples.ndim == 3
        n = samples.shape[-2]
        given = samples.transpose(-1, -2).reshape(self.inputs * (self.genomes if own else 1), n)
        source, owner = self._source, self.edge_owner
        rows = torch.where(
            source >= 0, source + owner * self.inputs if own else source, len(given) - 1 - source
        )
        values = given
        for level in self._levels:
            e0, e1 = level.edges
            terms = self.weight[e0:e1, None] * values[rows[e0:e1]]
            sums = terms.new_zeros(level.stop - level.start, n)
            if level.summed:
                sums = sums.index_add(0, self._target[e0:e1] - level.start, terms)
            for name, places, fan in level.gathered:
                sums = sums.index_copy(0, getattr(self, places), _gather(name, terms, getattr(self, fan)))
            nodes = slice(level.start, level.stop)
            z = self.bias[nodes, None] + self.response[nodes, None] * sums
            result = z
            for name, where in level.activations:
                if where is None:
                    result = _activate(name, z)
                else:
                    places = getattr(self, where)
                    result = result.index_copy(0, places, _activate(name, z[places]))
            values = torch.cat([values, result])
        return values[len(given) + self._ends].transpose(1, 2)

    def _sort_levels(self, net: Any, target: Ints) -> tuple[_Level, ...]:
        """Return the levels, and keep their index tensors as buffers."""
        heights = net.level[self._at]
        found = []
        for height in range(int(heights.max()) + 1 if len(heights) else 0):
            start, stop = (int(k) for k in np.searchsorted(heights, [height, height + 1]))
            e0, e1 = (int(k) for k in np.searchsorted(target, [start, stop]))
            codes, sums = net.activation[self._at[start:stop]], net.aggregation[self._at[start:stop]]
            kinds = np.unique(codes)
            activations: list[tuple[str, str | None]] = []
            for code in kinds:
                places = None if len(kinds) == 1 else np.flatnonzero(codes == code)
                name = None if places is None else self._keep(f"_places_{height}_{code}", places)
                activations.append((activation_name(code), name))
            gathered: list[tuple[str, str, str]] = []
            for code in np.unique(sums[sums > 0]):
                places = np.flatnonzero(sums == code)
                fan = _pad(target[e0:e1] - start, places, stop - start)
                takes = self._keep(f"_takes_{height}_{code}", places)
                gathered.append((aggregation_name(code), takes, self._keep(f"_fan_{height}_{code}", fan)))
            summed = bool((sums == 0).any())
            found.append(_Level(start, stop, (e0, e1), summed, tuple(activations), tuple(gathered)))
        return tuple(found)

    def _keep(self, name: str, values: Ints) -> str:
        self.register_buffer(name, torch.tensor(values), persistent=False)
        return name

    # -- by the kernel --------------------------------------------------------------------------------------

    def _write(self, weight: torch.Tensor, bias: torch.Tensor, response: torch.Tensor) -> None:
        """Let the compiled networks have these weights, biases and responses."""
        net = self._phenotypes.net
        net.weight[self._edges] = weight.detach().numpy()
        net.bias[self._at] = bias.detach().numpy()
        net.response[self._at] = response.detach().numpy()

    def _columns(self, samples: torch.Tensor) -> tuple[NDArray[np.float32], Ints]:
        """Return the samples ``(inputs, lanes)``, and the first lane of each genome and the end of its lanes."""
        columns = samples.reshape(-1, self.inputs).detach().numpy().T
        n, genomes = samples.shape[-2], np.arange(self.genomes)
        first = genomes * n if samples.ndim == 3 else np.zeros_like(genomes)
        return np.ascontiguousarray(columns), np.stack([first, first + n], axis=1)

    def _outputs(self, samples: torch.Tensor) -> torch.Tensor:
        columns, lanes = self._columns(samples)
        if samples.ndim == 2:
            return torch.from_numpy(self._phenotypes.activate(columns)).transpose(1, 2)
        flat = self._phenotypes.activate_own(columns, np.append(lanes[:, 0], lanes[-1, 1]))
        return torch.from_numpy(flat).reshape(self.outputs, self.genomes, -1).permute(1, 2, 0)

    def _gradients(self, samples: torch.Tensor, by_output: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the loss by weights, biases and responses, from that by the outputs ``(genomes, n, outputs)``."""
        from neuroloom.evolve._kernels_gradient import gradients

        slopes = np.ascontiguousarray(by_output.transpose(1, 2).numpy())
        weight, bias, response = gradients(self._phenotypes, *self._columns(samples), slopes)
        found = weight[self._edges], bias[self._at], response[self._at]
        return tuple(torch.from_numpy(part) for part in found)

    # -- back to genes --------------------------------------------------------------------------------------

    def to_genes(self) -> population.Genes:
        """Return the population with the present weights, biases and responses written into its genes."""
        net, genes = self._phenotypes.net, self._phenotypes.genes
        weight, bias, response = genes.weight.copy(), genes.bias.copy(), genes.response.copy()
        weight[net.edge_gene[self._edges]] = self.weight.detach().cpu().numpy()
        bias[net.node_gene[self._at]] = self.bias.detach().cpu().numpy()
        if isinstance(self.response, nn.Parameter):
            response[net.node_gene[self._at]] = self.response.detach().cpu().numpy()
        return genes._replace(weight=weight, bias=bias, response=response)

    def gene_gradients(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the gradients of weights and biases as beside the gene columns, 0 for genes that do not count."""
        net, genes = self._phenotypes.net, self._phenotypes.genes
        weight, bias = np.zeros(len(genes.weight)), np.zeros(len(genes.bias))
        if self.weight.grad is not None:
            weight[net.edge_gene[self._edges]] = self.weight.grad.cpu().numpy()
        if self.bias.grad is not None:
            bias[net.node_gene[self._at]] = self.bias.grad.cpu().numpy()
        return weight, bias

    def genome(self, row: int) -> Genome:
        """Return genome ``row`` with its present weights and biases."""
        return population.genome(self.to_genes(), row, self.inputs, self.outputs)


class _Fused(torch.autograd.Function):  # type: ignore[misc]
    """The kernels as an operation that torch can differentiate once."""

    @staticmethod
    def forward(ctx: Any, net: PopulationNet, samples: torch.Tensor, *numbers: torch.Tensor) -> torch.Tensor:
        ctx.net = net
        ctx.save_for_backward(samples, *numbers)
        net._write(*numbers)
        return net._outputs(samples)

    @staticmethod
    def backward(ctx: Any, by_output: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        if torch.is_grad_enabled():  # the graph of this pass is wanted
            raise NotSupportedError(
                "the fused kernel has no second derivative; make the networks with PopulationNet(phenotypes, "
                "fused=False)."
            )
        samples, *numbers = ctx.saved_tensors
        ctx.net._write(*numbers)
        found = ctx.net._gradients(samples, by_output)
        return (
            None,
            None,
            *(g if need else None for g, need in zip(found, ctx.needs_input_grad[2:], strict=True)),
        )


def _runs(starts: Ints, lengths: Ints) -> Ints:
    """Return ``starts[0], starts[0] + 1, …`` of so many entries, then those from ``starts[1]`` on, and so on."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    found: Ints = np.repeat(starts - ends + lengths, lengths) + np.arange(total)
    return found


def _pad(own: Ints, places: Ints, count: int) -> Ints:
    """Return the entries of the sorted ``own`` that equal each of ``places``, as rows filled up with -1."""
    first = np.searchsorted(own, np.arange(count + 1))
    starts, fans = first[places], (first[1:] - first[:-1])[places]
    columns = np.arange(int(fans.max(initial=0)))
    return np.where(columns < fans[:, None], starts[:, None] + columns, -1)


def _activate(name: str, z: torch.Tensor) -> torch.Tensor:
    return _ACTIVATE[name](z) if name in _ACTIVATE else apply_own_activation(name, z)


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
        ranked = torch.where(there, picked, torch.inf).sort(dim=1, stable=True).values
        low = ((counts - 1).clamp(min=0) // 2)[:, None].expand(-1, 1, terms.shape[1])
        high = (counts // 2).clamp(max=fan.shape[1] - 1)[:, None].expand(-1, 1, terms.shape[1])
        found = (ranked.gather(1, low) + ranked.gather(1, high))[:, 0] / 2
    elif name in ("max", "min"):
        sign = 1.0 if name == "max" else -1.0
        found = picked.gather(1, torch.where(there, sign * picked, -torch.inf).argmax(1, keepdim=True))[:, 0]
    else:
        rows = [
            apply_own_aggregation(name, part[:count]) if count else part.new_zeros(part.shape[1])
            for part, count in zip(picked, (fan >= 0).sum(1).tolist(), strict=True)
        ]
        found = torch.stack(rows)
    return torch.where(counts > 0, found, 0.0)


class GenomeNet(nn.Module):  # type: ignore[misc]
    """One genome as a plain trainable module: ``(n, inputs)`` -> ``(n, outputs)``.

    It is made of torch's own operations, so ``torch.export`` takes it, with any number of rows.

    Args:
        genome: the network.
        train_response: whether responses are parameters beside weights and biases.
    """

    def __init__(self, genome: Genome, *, train_response: bool = False) -> None:
        super().__init__()
        genes = population.pack_genomes([replace(genome)])
        phenotypes = Phenotypes(genes, genome.inputs, genome.outputs)
        self.net = PopulationNet(phenotypes, train_response=train_response, fused=False)

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return the outputs ``(n, outputs)`` for ``(n, inputs)``."""
        return self.net.by_level(X)[0]

    def to_genome(self) -> Genome:
        """Return the genome with the present weights and biases."""
        return self.net.genome(0)
