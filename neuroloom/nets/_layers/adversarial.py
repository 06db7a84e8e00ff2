"""A generator and a critic, and the loop in which they learn from each other.

This is the one loop beside ``core.training``: two networks with optimisers of their own take turns, which that loop
has no place for.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from neuroloom.core.checkpoints import Kept

LOSSES = ("logistic", "relativistic", "wasserstein")


class ModeHead(nn.Module):  # type: ignore[misc]
    """Draws each column's mode by its log-odds, and bounds its offset.

    The draw is one-hot, its gradient that of a softmax with Gumbel noise (Jang, Gu and Poole 2017).

    Args:
        sizes: of each column the number of modes, and whether an offset follows them.
    """

    temperature = 0.2

    def __init__(self, sizes: list[tuple[int, bool]]) -> None:
        super().__init__()
        self.sizes = sizes

    def forward(self, raw: torch.Tensor) -> torch.Tensor:
        """Return ``(b, width)`` from ``raw (b, width)``."""
        parts, at = [], 0
        for modes, offset in self.sizes:
            parts.append(functional.gumbel_softmax(raw[:, at : at + modes], self.temperature, hard=True))
            at += modes
            if offset:
                parts.append(torch.tanh(raw[:, at : at + 1]))
                at += 1
        return torch.cat(parts, dim=1)


@dataclass(frozen=True)
class Terms:
    """How the two learn.

    Args:
        loss: one of ``LOSSES``.
        penalty: weight of the critic's gradient penalty.
        steps: of the generator.
        critic_steps: of the critic before each of these.
        batch_size: samples a step.
        learning_rate: at the start; it falls to 0 as a cosine.
        average: share of the past in the moving average of the generator's weights.
        classes: last channels of a sample, which tell its class; the generator is asked for a real one's.
    """

    loss: str
    penalty: float
    steps: int
    critic_steps: int
    batch_size: int
    learning_rate: float
    average: float
    classes: int = 0


class Told(nn.Module):  # type: ignore[misc]
    """A generator whose last numbers are asked for: of ``z (b, noise + classes)`` they are the last channels made.

    Source: Mirza and Osindero (2014), Conditional generative adversarial nets, figure 1.
    """

    def __init__(self, inner: nn.Module, classes: int) -> None:
        super().__init__()
        self.inner, self.classes = inner, classes

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Return ``(b, channels + classes, …)``."""
        return with_class(self.inner(z), z[:, -self.classes :])


def with_class(x: torch.Tensor, kind: torch.Tensor) -> torch.Tensor:
    """Return ``x (b, channels, …)`` with ``kind (b, classes)`` behind it, a channel of one value each."""
    planes = kind.to(x).view(*kind.shape, *[1] * (x.ndim - 2)).expand(*kind.shape, *x.shape[2:])
    return torch.cat([x, planes], dim=1)


def learn(
    network: nn.Module, noise: int, x: torch.Tensor, terms: Terms, kept: Kept | None = None
) -> list[dict[str, float]]:
    """Train ``network.generator`` and ``network.critic`` on the samples ``x`` in place; return the record.

    The generator ends on the moving average of its weights. Draws come from torch's generator. With ``kept`` it goes
    on from there, and keeps what it has learned after each hundredth of the steps, if it is time.
    """
    generator, critic = network.generator, network.critic
    averaged = [p.detach().clone() for p in generator.parameters()]
    made = {"lr": terms.learning_rate, "betas": (0.0, 0.9)}
    optimizers = [torch.optim.Adam(net.parameters(), **made) for net in (generator, critic)]
    history: list[dict[str, float]] = []
    began, size = time.perf_counter(), min(terms.batch_size, len(x))
    every, done = max(1, terms.steps // 100), 0
    state = {"network": network, "generator": optimizers[0], "critic": optimizers[1]}
    if kept is not None and (held := kept.read(x.device)) is not None:
        done, history, seconds = _restored(held, state, averaged)
        began -= seconds
    for step in range(done, terms.steps):
        rate = terms.learning_rate * (1 + math.cos(math.pi * step / terms.steps)) / 2
        for optimizer in optimizers:
            optimizer.param_groups[0]["lr"] = rate
        for _ in range(terms.critic_steps):
            real = x[torch.randint(len(x), (size,)).to(x.device)]
            with torch.no_grad():
                drawn = generator(_noise(real, noise, terms.classes))
            judged = critic_loss(critic, real, drawn, terms)
            _step(optimizers[1], critic, judged)
        real = x[torch.randint(len(x), (size,)).to(x.device)]
        wanted = generator_loss(critic, real, generator(_noise(real, noise, terms.classes)), terms.loss)
        _step(optimizers[0], generator, wanted)
        past = min(terms.average, (step + 1) / (step + 10))
        with torch.no_grad():
            for mean, now in zip(averaged, generator.parameters(), strict=True):
                mean.lerp_(now, 1 - past)
        if (step + 1) % every == 0:
            record = {"step": step + 1, "seconds": time.perf_counter() - began}
            history.append(record | {"loss": float(wanted.detach()), "critic_loss": float(judged.detach())})
            if kept is not None and (kept.due() or step + 1 == terms.steps):
                made = {name: part.state_dict() for name, part in state.items()}
                said = {"step": step + 1, "history": history, "seconds": time.perf_counter() - began}
                kept.put({**made, "averaged": averaged, "draws": _draws(x.device)}, said)
    with torch.no_grad():
        for mean, now in zip(averaged, generator.parameters(), strict=True):
            now.copy_(mean)
    return history


def _restored(
    held: tuple[dict[str, Any], dict[str, Any]], state: dict[str, Any], averaged: list[torch.Tensor]
) -> tuple[int, list[dict[str, float]], float]:
    """Bring networks, optimisers and draws to what was kept; return the steps done, their record and seconds."""
    found, said = held
    for name, part in state.items():
        part.load_state_dict(found[name])
    for mean, was in zip(averaged, found["averaged"], strict=True):
        mean.copy_(was)
    torch.set_rng_state(found["draws"][0].cpu())
    if len(found["draws"]) > 1:
        torch.cuda.set_rng_state(found["draws"][1].cpu(), averaged[0].device)
    return int(said["step"]), said["history"], float(said["seconds"])


def _draws(device: torch.device) -> list[torch.Tensor]:
    """Return the states of torch's generators."""
    here = [torch.get_rng_state()]
    return [*here, torch.cuda.get_rng_state(device)] if device.type == "cuda" else here


def _noise(real: torch.Tensor, width: int, classes: int) -> torch.Tensor:
    """Return ``(b, width + classes)``: what samples are drawn from, of the classes of the ``real`` ones."""
    z = torch.randn(len(real), width).to(real.device)
    if not classes:
        return z
    return torch.cat([z, real.reshape(len(real), real.shape[1], -1)[:, -classes:, 0]], dim=1)


def _step(optimizer: torch.optim.Optimizer, network: nn.Module, loss: torch.Tensor) -> None:
    parameters = list(network.parameters())
    for p, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        p.grad = gradient
    optimizer.step()


def critic_loss(critic: nn.Module, real: torch.Tensor, drawn: torch.Tensor, terms: Terms) -> torch.Tensor:
    """Return what the critic minimises.

    - ``wasserstein``: ``E D(G) - E D(x) + λ E (‖∇D(x̂)‖ - 1)²`` with ``x̂`` between real and drawn (Gulrajani et al.
    2017,
      eq. 3).
    - ``logistic``: ``E softplus(-D(x)) + E softplus(D(G)) + λ/2 E ‖∇D(x)‖²`` (Goodfellow et al. 2014 with Mescheder et
    al.
      2018's R1).
    - ``relativistic``: ``E softplus(D(G) - D(x)) + λ/2 (E ‖∇D(x)‖² + E ‖∇D(G)‖²)`` (Jolicoeur-Martineau 2019 with R1
    and
      R2, Huang et al. 2024).
    """
    if terms.loss == "wasserstein":
        share = torch.rand(len(real), *[1] * (real.ndim - 1)).to(real.device)
        between = (share * real + (1 - share) * drawn).requires_grad_()
        length = slopes(critic(between), between).sqrt()
        gap: torch.Tensor = critic(drawn).mean() - critic(real).mean()
        return gap + terms.penalty * (length - 1).square().mean()
    real = real.detach().requires_grad_()
    if terms.loss == "logistic":
        said = critic(real)
        judged = functional.softplus(-said).mean() + functional.softplus(critic(drawn)).mean()
        return judged + terms.penalty / 2 * slopes(said, real).mean()
    drawn = drawn.detach().requires_grad_()
    of_real, of_drawn = critic(real), critic(drawn)
    steep = slopes(of_real, real).mean() + slopes(of_drawn, drawn).mean()
    return functional.softplus(of_drawn - of_real).mean() + terms.penalty / 2 * steep


def generator_loss(critic: nn.Module, real: torch.Tensor, drawn: torch.Tensor, loss: str) -> torch.Tensor:
    """Return what the generator minimises: the critic's belief turned round."""
    said: torch.Tensor = critic(drawn)
    if loss == "wasserstein":
        return -said.mean()
    return functional.softplus(-said if loss == "logistic" else critic(real) - said).mean()


def slopes(said: torch.Tensor, of: torch.Tensor) -> torch.Tensor:
    """Return ``(b,)`` squared lengths of the gradient of each sample's answer."""
    (found,) = torch.autograd.grad(said.sum(), of, create_graph=True)
    return found.square().flatten(1).sum(1)
