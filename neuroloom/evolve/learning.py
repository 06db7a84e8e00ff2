"""Gradient steps within a generation: the networks of a population learn before they are judged.

Hinton and Nowlan (1987), "How learning can guide evolution"; Whitley, Gordon and Mathias (1994), "Lamarckian evolution,
the Baldwin effect and function optimization".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.evolve import population
from neuroloom.evolve.phenotypes import Phenotypes

if TYPE_CHECKING:
    import torch

    from neuroloom.evolve.config import NEATConfig
    from neuroloom.evolve.population_net import PopulationNet

Floats = NDArray[np.float64]
RULES = ("lamarckian", "baldwinian")
_BLOCK = 1 << 21  # edges times samples that are differentiated at once


@dataclass(frozen=True)
class Learning:
    """How the networks of a generation learn: ``steps`` steps of Adam on all of them at once, the full batch each.

    Every network ends with the weights and biases of the lowest loss that it met, so learning never makes one worse.

    Args:
        rule: ``"lamarckian"``, what was learnt is written into the genes and inherited, or ``"baldwinian"``, the genes
            stay and only the fitness tells.
        loss: maps the networks' outputs, a tensor ``(genomes, n, outputs)``, to a loss ``(genomes,)``; lower is better.
        X: ``(n, inputs)`` samples.
        steps: steps in each generation, at least 1.
        rate: Adam's step size, above 0.
        device: where torch computes.

    Raises:
        InputError: a value is out of its range.

    Source:
        Whitley, Gordon and Mathias (1994), "Lamarckian evolution, the Baldwin effect and function optimization";
        Kingma and Ba (2015), "Adam: a method for stochastic optimization".
    """

    rule: str
    loss: Callable[[torch.Tensor], torch.Tensor]
    X: Any
    steps: int = 10
    rate: float = 0.05
    device: str = "cpu"

    def __post_init__(self) -> None:
        check_learning(self.rule, self.steps, self.rate)

    def train(self, genes: population.Genes, config: NEATConfig) -> population.Genes:
        """Return ``genes`` with the weights and biases that their networks learnt, within the bounds of ``config``.

        Genomes are taken in blocks that stay in cache; none knows of the others.
        """
        import torch

        from neuroloom.evolve.population_net import PopulationNet

        X = torch.as_tensor(np.asarray(self.X), dtype=torch.float32, device=self.device)
        weight, bias = genes.weight.copy(), genes.bias.copy()
        for start, stop in _blocks(genes, len(X)):
            part = population.take(genes, np.arange(start, stop))
            net = PopulationNet(Phenotypes(part, config.inputs, config.outputs)).to(self.device)
            with _same_every_time(torch), torch.enable_grad():
                self._descend(net, X)
            part = net.to_genes()
            weight[genes.conn_ptr[start] : genes.conn_ptr[stop]] = part.weight
            bias[genes.node_ptr[start] : genes.node_ptr[stop]] = part.bias
        return genes._replace(
            weight=weight.clip(config.weight_min_value, config.weight_max_value),
            bias=bias.clip(config.bias_min_value, config.bias_max_value),
        )

    def slope(self, genes: population.Genes, config: NEATConfig) -> tuple[float, tuple[Floats, Floats]]:
        """Return the negative loss of the only genome of ``genes`` and its gradient by weights and biases."""
        import torch

        from neuroloom.evolve.population_net import PopulationNet

        net = PopulationNet(Phenotypes(genes, config.inputs, config.outputs)).to(self.device)
        with _same_every_time(torch), torch.enable_grad():
            value = -self._loss(
                net(torch.as_tensor(self.X, dtype=torch.float32, device=self.device)), True
            ).sum()
            value.backward()
        return float(value.detach()), net.gene_gradients()

    def _descend(self, net: PopulationNet, X: torch.Tensor) -> None:
        """Take the steps and leave each network of ``net`` with the best weights and biases it met."""
        import torch

        owners = (net.edge_owner, net.owner)
        own = (net.weight, net.bias)
        best = [p.detach().clone() for p in own]
        lowest = torch.full((len(net),), torch.inf, device=X.device)
        adam = torch.optim.Adam(own, lr=self.rate)
        for step in range(self.steps + 1):
            last = step == self.steps
            with torch.set_grad_enabled(not last):
                loss = self._loss(net(X), not last)
            now = loss.detach()
            better = now < lowest
            lowest = torch.where(better, now, lowest)
            for kept, p, owner in zip(best, own, owners, strict=True):
                kept.copy_(torch.where(better[owner], p.detach(), kept))
            if last:
                break
            adam.zero_grad()
            loss.sum().backward()
            for p in own:
                if p.grad is not None:
                    p.grad.nan_to_num_(0.0, 0.0, 0.0)
            adam.step()
        with torch.no_grad():
            for kept, p in zip(best, own, strict=True):
                p.copy_(kept)

    def _loss(self, outputs: torch.Tensor, graph: bool) -> torch.Tensor:
        import torch

        try:
            loss = self.loss(outputs)
        except (RuntimeError, TypeError) as error:
            if "requires grad" not in str(error):
                raise
            loss = None
        if not isinstance(loss, torch.Tensor) or (graph and not loss.requires_grad and outputs.requires_grad):
            raise InputError(
                "learning needs a loss that torch can differentiate: a function of tensors (genomes, n, outputs) that "
                "returns a tensor (genomes,); write the fitness with torch, or pass `loss`."
            )
        if loss.shape != (len(outputs),):
            raise InputError(
                f"the loss must have shape ({len(outputs)},), one value a genome, but has {tuple(loss.shape)}."
            )
        return loss


def check_learning(rule: str | None, steps: int, rate: float) -> None:
    """Check ``learning``, ``learning_steps`` and ``learning_rate``.

    Raises:
        InputError: a value is out of its range.
    """
    if rule is not None:
        check_choice("learning", rule, RULES)
    check_int("learning_steps", steps, 1)
    check_float("learning_rate", rate, 0, open_low=True)


def _blocks(genes: population.Genes, n: int) -> Iterator[tuple[int, int]]:
    """Yield runs of genomes with at most ``_BLOCK`` edges times samples each, at least one genome."""
    count, start = population.size(genes), 0
    while start < count:
        most = genes.conn_ptr[start] + _BLOCK // max(n, 1)
        stop = int(np.searchsorted(genes.conn_ptr, most, side="right")) - 1
        stop = min(max(stop, start + 1), count)
        yield start, stop
        start = stop


@contextmanager
def _same_every_time(torch: Any) -> Iterator[None]:
    """Have torch work on one CPU thread and add gradients up in one order, so that the last bits are the same."""
    before, warn, threads = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.get_num_threads(),
    )
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(before, warn_only=warn)
