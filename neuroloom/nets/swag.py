"""SWAG: the Gaussian around which stochastic gradient descent wanders once it has arrived.

Source: Maddox, Izmailov, Garipov, Vetrov & Wilson (2019), "A simple baseline for Bayesian uncertainty in deep
learning".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_float, check_int
from neuroloom.core.seeding import stream
from neuroloom.nets._mlp import Prepared
from neuroloom.nets._uncertain import UncertainClassifier, UncertainNetworks, UncertainRegressor

if TYPE_CHECKING:
    from neuroloom.nets._mlp_fit import Fitted, Member, Plan, Stack

Floats = NDArray[np.float64]


@dataclass(eq=False, repr=False, kw_only=True)
class SWAG(UncertainNetworks):
    """Dense networks whose weights are drawn from the Gaussian of the steps taken after training.

    ``w = w̄ + 1/√2 · Σ_diag^½ z₁ + 1/√(2 (K - 1)) · D z₂`` (of the paper, Eq. 1), with ``w̄`` the mean of the
    weights after each of ``swag_epochs`` further epochs of plain gradient descent at a constant rate, ``Σ_diag`` their
    variances and ``D`` the last ``K = rank`` deviations from the running mean.

    Args:
        weight_decay: at least 0; biases do not decay.
        swag_epochs: epochs whose weights are averaged, at least 2.
        swag_learning_rate: above 0, constant; with momentum 0.9.
        rank: columns of ``D``, at least 2 and at most ``swag_epochs``.
        draws: of every member's weights when answering, at least 1.

    Attributes:
        weights_: the means, as in :class:`MLPRegressor`; ``variances_``: ``Σ_diag`` and ``deviations_``: ``D``,
        ``(members, rank, …)``, by the same names; ``noise_``: standard deviation of the noise, in the target's unit, or
        ``slope_`` for classes; ``best_epochs_``: of the training before; ``history_``; ``n_parameters_``.

    Raises:
        InputError: a parameter lies outside its range.

    Source: Maddox, Izmailov, Garipov, Vetrov & Wilson (2019), "A simple baseline for Bayesian uncertainty in deep
        learning".
    """

    weight_decay: float = 0.01
    swag_epochs: int = 30
    swag_learning_rate: float = 0.005
    rank: int = 20
    draws: int = 30

    def _check(self) -> None:
        super()._check()
        check_int("swag_epochs", self.swag_epochs, low=2)
        check_float("swag_learning_rate", self.swag_learning_rate, 0, open_low=True)
        check_int("rank", self.rank, 2, int(self.swag_epochs))

    def _shares(self) -> tuple[Any, ...]:
        return (*super()._shares(), self.swag_epochs, float(self.swag_learning_rate), self.rank)

    def _plan(self, batch_size: int) -> Plan:
        return replace(super()._plan(batch_size), after=self._wander)

    def _wander(
        self, stack: Stack, members: Sequence[Member], weights: Mapping[str, Floats]
    ) -> dict[str, Floats]:
        """Go on with gradient descent and return the moments of its weights, ``(J, …)`` by names."""
        import torch

        from neuroloom.core.seeding import derive
        from neuroloom.core.training import TrainConfig, train
        from neuroloom.nets._mlp_fit import no_decay

        with torch.no_grad():
            for name, p in stack.network.named_parameters():
                p.copy_(torch.from_numpy(weights[name]))
        moments = Moments(self.rank)
        train(
            stack.network,
            stack.loss,
            config=TrainConfig(self.swag_epochs, stack.plan.batch_size, "momentum", self.swag_learning_rate,
                               [m.weight_decay for m in members], clip_norm=1.0),
            n_samples=[len(m.rows) for m in members],
            seed=[derive(m.seed, "swag") for m in members],
            jobs=len(members),
            decay_scale=no_decay(stack.network),
            progress=lambda _: moments.add(stack.network.folded()),
            samples=f"swag {self.rank}",  # the weights that it begins from tell the rest
            beside=[moments],
        )  # fmt: skip
        return moments.arrays()

    def _learn_posterior(self, job: Prepared, fitted: Sequence[Fitted]) -> None:
        extra = {name: np.stack([f.extra[name] for f in fitted]) for name in fitted[0].extra}
        self.weights_ = {n: extra[f"mean {n}"] for n in self.weights_}
        self.variances_ = {n: extra[f"variance {n}"] for n in self.weights_}
        self.deviations_ = {n: extra[f"deviation {n}"] for n in self.weights_}

    def _drawn_weights(self, draw: int) -> dict[str, Floats]:
        generator = stream(self.seed_, "draw", draw)
        members = len(self.weights_["bias_0"])
        z = generator.normal(size=(members, self.rank)) / np.sqrt(2 * (self.rank - 1))
        found = {}
        for name, mean in self.weights_.items():
            along = np.einsum("mk,mk...->m...", z, self.deviations_[name])
            found[name] = (
                mean + np.sqrt(self.variances_[name] / 2) * generator.normal(size=mean.shape) + along
            )
        return found


class Moments:
    """Mean, variance and last deviations of arrays by name, as they come (of the paper, algorithm 1).

    Args:
        rank: deviations kept.
    """

    def __init__(self, rank: int) -> None:
        self.rank, self.count = rank, 0
        self.mean: dict[str, Floats] = {}
        self.square: dict[str, Floats] = {}
        self.deviations: dict[str, list[Floats]] = {}

    def add(self, arrays: Mapping[str, Floats]) -> None:
        """Take the next arrays, of the same names and shapes each time."""
        self.count += 1
        for name, value in arrays.items():
            if self.count == 1:
                self.mean[name], self.square[name] = np.zeros_like(value), np.zeros_like(value)
                self.deviations[name] = []
            gap = value - self.mean[name]
            self.mean[name] = self.mean[name] + gap / self.count
            self.square[name] = self.square[name] + gap * (value - self.mean[name])  # Welford (1962)
            self.deviations[name] = [*self.deviations[name], value - self.mean[name]][-self.rank :]

    def arrays(self) -> dict[str, Floats]:
        """Return ``mean NAME``, ``variance NAME`` and ``deviation NAME (J, rank, …)``, members first."""
        found: dict[str, Floats] = {}
        for name, mean in self.mean.items():
            found[f"mean {name}"] = mean
            found[f"variance {name}"] = self.square[name] / self.count
            kept = self.deviations[name]
            missing = [np.zeros_like(mean)] * (self.rank - len(kept))
            found[f"deviation {name}"] = np.stack([*missing, *kept], axis=1)
        return found

    def held(self) -> dict[str, Any]:
        """Return what was taken."""
        return {"count": self.count, "parts": [self.mean, self.square, self.deviations]}

    def hold(self, held: dict[str, Any]) -> None:
        """Go on from what :meth:`held` gave."""
        self.count, (mean, square, deviations) = held["count"], held["parts"]
        self.mean, self.square = ({n: value.numpy() for n, value in part.items()} for part in (mean, square))
        self.deviations = {name: [value.numpy() for value in kept] for name, kept in deviations.items()}


class SWAGClassifier(SWAG, UncertainClassifier):
    """Classes by SWAG, with the model's and the noise's part of their uncertainty."""


class SWAGRegressor(SWAG, UncertainRegressor):
    """Numbers by SWAG, with the model's and the noise's part of their uncertainty."""
