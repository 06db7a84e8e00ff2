"""Fine-tuning of a radial basis function network end to end: prototypes, widths and weights by gradient.

Imports torch, so import it late.

Sources:
    Poggio & Girosi (1990), "Networks for approximation and learning", Proceedings of the IEEE 78 (moving centres).
    Golub & Pereyra (1973), "The differentiation of pseudo-inverses and nonlinear least squares problems whose variables
    separate", SIAM Journal on Numerical Analysis 10 (variable projection).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from neuroloom.core.training import TrainConfig, train
from neuroloom.nets._radial import by_norm, power_of

Floats = NDArray[np.float64]


def _thin_plate(r2: torch.Tensor) -> torch.Tensor:
    return 0.5 * r2 * torch.log(torch.where(r2 > 0, r2, torch.ones_like(r2)))


def _wendland(r2: torch.Tensor) -> torch.Tensor:
    r = torch.sqrt(r2 + 1e-12) / 3
    return torch.clamp(1 - r, min=0) ** 4 * (4 * r + 1)


KERNELS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {  # as ``_radial.KERNELS``
    "laplace": lambda r: torch.exp(-r),
    "gaussian": lambda r2: torch.exp(-r2 / 2),
    "inverse-multiquadric": lambda r2: torch.rsqrt(1 + r2),
    "multiquadric": lambda r2: torch.sqrt(1 + r2),
    "thin-plate": _thin_plate,
    "wendland": _wendland,
}


class Hidden(nn.Module):  # type: ignore[misc]
    """The hidden layer over scaled samples ``(n, d)`` and the penalty of the head, in double precision.

    Args:
        centres: ``(m, d)``.
        metric: ``(d, d)``, ``(d,)`` of a diagonal one, which stays so, or None.
        widths: ``(m,)``, or ``(1,)`` of one for all.
        ridge: penalty of the head, above 0: of the function's norm with the Laplace kernel, unless normalised.
        kernel: key of ``KERNELS``.
        normalised: whether activations are divided by their sum.
        skip: whether the inputs stand beside the activations.
    """

    def __init__(
        self,
        centres: Floats,
        metric: Floats | None,
        widths: Floats,
        ridge: float,
        kernel: str,
        normalised: bool,
        skip: bool,
    ) -> None:
        super().__init__()
        self.centres = nn.Parameter(torch.tensor(centres))
        self.log_widths = nn.Parameter(torch.tensor(np.log(widths)))
        self.log_ridge = nn.Parameter(torch.tensor(np.log(ridge)))
        self.metric = None if metric is None else nn.Parameter(torch.tensor(metric))
        self.phi, self.power, self.normalised, self.skip = KERNELS[kernel], power_of(kernel), normalised, skip
        self.by_norm = by_norm(kernel, normalised)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Return the design, ``(n, m [+ d])``."""
        phi = self._activations(z)
        return torch.cat([phi, z], 1) if self.skip else phi

    def _activations(self, z: torch.Tensor) -> torch.Tensor:
        ends = self._mapped(z), self._mapped(self.centres)
        if self.power == 1:
            apart = torch.cdist(*ends, p=1.0)
        else:
            apart = (ends[0] ** 2).sum(1, keepdim=True) + (ends[1] ** 2).sum(1) - 2 * ends[0] @ ends[1].T
        phi = self.phi(apart.clamp(min=0) * torch.exp(-self.power * self.log_widths))
        return phi / phi.sum(1, keepdim=True).clamp(min=1e-300) if self.normalised else phi

    def _mapped(self, x: torch.Tensor) -> torch.Tensor:
        if self.metric is None:
            return x
        return x * self.metric if self.metric.ndim == 1 else x @ self.metric

    def head(self, z: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the ridge head of samples ``z`` and targets ``y (n, outputs)``: its weights, its intercept, and what
        it is off by on each sample when that is left out, ``(n, outputs)``."""
        design = self(z)
        middle, level = design.mean(0), y.mean(0)
        D, Y = design - middle, y - level
        norm = torch.eye(D.shape[1], dtype=D.dtype)
        if self.by_norm:
            m = len(self.centres)
            norm[:m, :m] = self._activations(self.centres) + 1e-8 * norm[:m, :m]
        factor = torch.linalg.cholesky(D.T @ D + torch.exp(self.log_ridge) * norm)
        coef = torch.cholesky_solve(D.T @ Y, factor)
        leverage = torch.linalg.solve_triangular(factor, D.T, upper=False).square().sum(0) + 1 / len(D)
        gap = (Y - D @ coef) / (1 - leverage).clamp(min=1e-6)[:, None]
        return coef, level - middle @ coef, gap


class Tuned(NamedTuple):
    """Prototypes ``(m, d)``, metric ``(d, d)`` or None and widths (as many as there were) after fine-tuning, held-out
    errors before and after."""

    centres: Floats
    metric: Floats | None
    widths: Floats
    before: float
    after: float


def tune(hidden: Hidden, Z: Floats, Y: Floats, held: NDArray[np.bool_], config: TrainConfig) -> Tuned:
    """Lower the left-out error of all samples but the ``held``; keep the step of the least error on these.

    The head is always the closed-form one of the present activations (variable projection), so the gradient sees what
    a moved prototype is worth once all weights have answered.

    Args:
        hidden: where to start.
        Z: ``(n, d)`` scaled samples.
        Y: ``(n, outputs)`` targets.
        held: ``(n,)`` samples to validate on.
        config: how to train.
    """
    z, y, apart = torch.from_numpy(Z[~held]), torch.from_numpy(Y[~held]), torch.from_numpy(Z[held])
    wanted = torch.from_numpy(Y[held])

    def score(net: Hidden) -> torch.Tensor:
        coef, intercept, _ = net.head(z, y)
        return -(net(apart) @ coef + intercept - wanted).square().mean()

    with torch.no_grad():
        before = -float(score(hidden))
    train(hidden, lambda net, _: net.head(z, y)[2].square().mean(), config=config, valid=score)
    with torch.no_grad():
        after = -float(score(hidden))
    metric = None if hidden.metric is None else hidden.metric.detach().numpy().copy()
    if metric is not None and metric.ndim == 1:
        metric = np.diag(metric)
    widths = np.exp(hidden.log_widths.detach().numpy())
    return Tuned(hidden.centres.detach().numpy().copy(), metric, widths, before, after)
