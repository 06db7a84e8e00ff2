"""Networks with cycles as one ``torch.nn.Module``, differentiable through time.

Werbos (1990), "Backpropagation through time: what it does and how to do it".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from neuroloom.core.errors import InputError
from neuroloom.evolve import population
from neuroloom.evolve.config import refuse_plastic
from neuroloom.evolve.functions import activation_name, aggregation_name
from neuroloom.evolve.population_net import _activate, _gather, _pad, _runs
from neuroloom.evolve.recurrent import RecurrentPhenotypes, as_sequences, time_steps

if TYPE_CHECKING:
    from neuroloom.evolve.genome import Genome

State = tuple[torch.Tensor, ...]


class RecurrentPopulationNet(nn.Module):  # type: ignore[misc]
    """All recurrent networks of a population, stepped as one batch on any device.

    ``net(X)`` maps sequences ``(n, time, inputs)``, the same for all genomes, or ``(genomes, n, time, inputs)`` to
    ``(genomes, n, time, outputs)``, each from a state of 0. ``weight`` (one entry an enabled connection that counts),
    ``bias`` (one a node that counts) and, in continuous time, ``log_time_constant`` are parameters, ``response`` a
    buffer or a parameter. :meth:`step` moves a state of one's own.

    Without gradients, in single precision on the CPU, a fused kernel computes the same in a fraction of the time.

    Args:
        phenotypes: compiled networks, as ``NEAT.phenotypes()`` gives them.
        train_response: whether ``response`` is a parameter too.
        fused: whether the kernel may be used.

    Source:
        Werbos (1990), "Backpropagation through time: what it does and how to do it".
    """

    def __init__(
        self, phenotypes: RecurrentPhenotypes, *, train_response: bool = False, fused: bool = True
    ) -> None:
        super().__init__()
        refuse_plastic(getattr(phenotypes, "plasticity", "none"), "RecurrentPopulationNet")
        net, genes, like = phenotypes.net, phenotypes.genes, phenotypes.like
        self.genomes, self.inputs, self.outputs = len(phenotypes), phenotypes.inputs, phenotypes.outputs
        self.continuous, self.lagged = like.network == "ctrnn", like.integrator == "neat-python"
        self.fused = fused and not phenotypes.own
        whole, rest = time_steps(like.advance_time, like.time_step) if self.continuous else (1, 0.0)
        self._lengths = [float(like.time_step)] * whole + [rest] * (rest > 0)
        owner = np.repeat(np.arange(self.genomes), net.sizes)
        at = _runs(net.node_ptr[:-1], net.sizes)
        first = np.concatenate([[0], np.cumsum(net.sizes)]).astype(np.int64)
        fans = (net.edge_stop - net.edge_start)[at]
        edges = _runs(net.edge_start[at], fans)
        target = np.repeat(np.arange(len(at)), fans)
        slot = net.slot[edges].astype(np.int64)
        inner = slot >= self.inputs
        source = np.where(inner, -1 - (first[owner[target]] + slot - self.inputs), slot)
        ends = first[:-1, None] + np.arange(self.outputs)
        self._phenotypes, self._at, self._edges = phenotypes, at, edges
        gene = net.node_gene[at]
        self.weight = nn.Parameter(torch.tensor(genes.weight[net.edge_gene[edges]], dtype=torch.float32))
        self.bias = nn.Parameter(torch.tensor(genes.bias[gene], dtype=torch.float32))
        response = torch.tensor(genes.response[gene], dtype=torch.float32)
        if train_response:
            self.response = nn.Parameter(response)
        else:
            self.register_buffer("response", response)
        if self.continuous:
            times = genes.time_constant[gene] if len(genes.time_constant) else np.ones(len(at))
            self.log_time_constant = nn.Parameter(torch.tensor(np.log(times), dtype=torch.float32))
        kept = {"owner": owner, "target": target, "source": source, "ends": ends, "silent": fans == 0}
        for name, values in kept.items():
            self.register_buffer(f"_{name}", torch.tensor(values), persistent=False)
        self._functions(net.activation[at], net.aggregation[at], target)

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
        """Return the outputs ``(genomes, n, time, outputs)`` for ``(n, time, inputs)`` or ``(genomes, n, time, …)``.

        Raises:
            InputError: ``X`` has another shape.
        """
        rows = torch.as_tensor(X, dtype=self.weight.dtype, device=self.weight.device)
        own = rows.ndim == 4
        if rows.ndim not in (3, 4) or rows.shape[-1] != self.inputs or (own and len(rows) != len(self)):
            raise InputError(
                f"X must have shape (n, time, {self.inputs}) or ({len(self)}, n, time, {self.inputs}), but has "
                f"{tuple(rows.shape)}."
            )
        plain = rows.device.type == "cpu" and rows.dtype == torch.float32 and not torch.is_grad_enabled()
        if self.fused and plain and not own:
            self._write()
            found = self._phenotypes.run(as_sequences(rows.numpy(), self.inputs))
            return torch.from_numpy(found).permute(0, 3, 1, 2)
        state = self.start(rows.shape[-3])
        outputs = []
        for t in range(rows.shape[-2]):
            now, state = self.step(rows[..., t, :], state)
            outputs.append(now)
        return torch.stack(outputs, dim=2)

    # -- step by step ---------------------------------------------------------------------------------------

    def start(self, lanes: int) -> State:
        """Return the state that all networks begin in: the values ``(nodes, lanes)`` of all nodes, 0."""
        zero = self.bias.new_zeros(len(self.bias), lanes)
        return (zero, zero) if self.continuous and self.lagged else (zero,)

    def step(self, inputs: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """Step once from ``state``.

        Args:
            inputs: ``(lanes, inputs)``, the same for all genomes, or ``(genomes, lanes, inputs)``.
            state: what :meth:`start` or the last step gave.

        Returns:
            the outputs ``(genomes, lanes, outputs)`` and the state after.
        """
        own = inputs.ndim == 3
        given = inputs.transpose(-1, -2).reshape(-1, inputs.shape[-2])
        source = self._source
        here = source + self.edge_owner * self.inputs if own else source
        rows = torch.where(source >= 0, here, len(given) - 1 - source)
        for length in self._lengths:
            new = self._excite(torch.cat([given, state[0]])[rows])
            if not self.continuous:
                state = (new,)
                continue
            share = length * torch.exp(-self.log_time_constant)[:, None]
            state = (state[-1] + share * (new - state[-1]), *state[:-1])
        return state[-1][self._ends].transpose(1, 2), state

    def _excite(self, values: torch.Tensor) -> torch.Tensor:
        """Return what each node makes of its inputs, one row of ``values`` an edge."""
        terms = self.weight[:, None] * values
        sums = terms.new_zeros(len(self.bias), terms.shape[1]).index_add(0, self._target, terms)
        for name, places, fan in self._gathered:
            sums = sums.index_copy(0, getattr(self, places), _gather(name, terms, getattr(self, fan)))
        z = self.bias[:, None] + self.response[:, None] * sums
        result = z
        for name, where in self._activations:
            places = getattr(self, where)
            result = result.index_copy(0, places, _activate(name, z[places]))
        return torch.where(self._silent[:, None], 0.0, result)

    def _functions(self, codes: Any, sums: Any, target: Any) -> None:
        """Keep which nodes have which activation and aggregation, as buffers that move with the module."""
        self._activations, self._gathered = [], []
        for code in np.unique(codes):
            name = self._keep(f"_places_{code}", np.flatnonzero(codes == code))
            self._activations.append((activation_name(code), name))
        for code in np.unique(sums[sums > 0]):
            places = np.flatnonzero(sums == code)
            takes = self._keep(f"_takes_{code}", places)
            fan = self._keep(f"_fan_{code}", _pad(target, places, len(codes)))
            self._gathered.append((aggregation_name(code), takes, fan))

    def _keep(self, name: str, values: Any) -> str:
        self.register_buffer(name, torch.tensor(values), persistent=False)
        return name

    # -- back to genes --------------------------------------------------------------------------------------

    def _write(self) -> None:
        """Let the compiled networks have the present numbers."""
        net = self._phenotypes.net
        net.weight[self._edges] = self.weight.detach().numpy()
        net.bias[self._at] = self.bias.detach().numpy()
        net.response[self._at] = self.response.detach().numpy()
        if self.continuous:
            net.speed[self._at] = torch.exp(-self.log_time_constant.detach()).numpy()

    def to_genes(self) -> population.Genes:
        """Return the population with the present numbers written into its genes.

        Time constants are kept at half a step of integration or more, below which it would diverge.
        """
        net, genes = self._phenotypes.net, self._phenotypes.genes
        weight, bias, response = genes.weight.copy(), genes.bias.copy(), genes.response.copy()
        gene = net.node_gene[self._at]
        weight[net.edge_gene[self._edges]] = self.weight.detach().cpu().numpy()
        bias[gene] = self.bias.detach().cpu().numpy()
        if isinstance(self.response, nn.Parameter):
            response[gene] = self.response.detach().cpu().numpy()
        genes = genes._replace(weight=weight, bias=bias, response=response)
        if not self.continuous:
            return genes
        times = genes.time_constant.copy() if len(genes.time_constant) else np.ones(len(bias))
        moved = np.exp(self.log_time_constant.detach().cpu().numpy().astype(np.float64))
        # what only single precision rounded stays as it was, so that an untrained net changes no gene
        near = np.isclose(moved, times[gene], rtol=1e-6, atol=0)
        times[gene] = np.where(near, times[gene], np.maximum(moved, self._phenotypes.like.time_step / 2))
        return genes._replace(time_constant=times if (times != 1).any() else genes.time_constant)

    def genome(self, row: int) -> Genome:
        """Return genome ``row`` with its present numbers."""
        like = self._phenotypes.like
        return population.genome(self.to_genes(), row, self.inputs, self.outputs, like=like)


class RecurrentGenomeNet(nn.Module):  # type: ignore[misc]
    """One genome as a plain trainable module: ``(n, time, inputs)`` -> ``(n, time, outputs)``.

    Args:
        genome: a recurrent or continuous-time network.
        train_response: whether responses are parameters too.
    """

    def __init__(self, genome: Genome, *, train_response: bool = False) -> None:
        super().__init__()
        genes = population.pack_genomes([genome])
        phenotypes = RecurrentPhenotypes(genes, genome.inputs, genome.outputs, genome)
        self.net = RecurrentPopulationNet(phenotypes, train_response=train_response, fused=False)

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return the outputs ``(n, time, outputs)`` for ``(n, time, inputs)``, from a state of 0."""
        found: torch.Tensor = self.net(X)[0]
        return found

    def start(self, lanes: int) -> State:
        """Return the state that the network begins in, in ``lanes`` lanes."""
        return self.net.start(lanes)

    def step(self, inputs: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """Return the outputs ``(lanes, outputs)`` for ``inputs (lanes, inputs)``, and the state after."""
        outputs, after = self.net.step(inputs, state)
        return outputs[0], after

    def to_genome(self) -> Genome:
        """Return the genome with the present numbers."""
        return self.net.genome(0)
