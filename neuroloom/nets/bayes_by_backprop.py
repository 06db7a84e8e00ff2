"""Bayes by backprop: every weight is a normal whose mean and deviation are learned.

Source: Blundell, Cornebise, Kavukcuoglu & Wierstra (2015), "Weight uncertainty in neural networks".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_float
from neuroloom.core.seeding import stream
from neuroloom.nets._mlp import Prepared
from neuroloom.nets._uncertain import (
    UncertainClassifier,
    UncertainNetworks,
    UncertainRegressor,
    gaussian_variance,
)

if TYPE_CHECKING:
    from neuroloom.nets._mlp_fit import Fitted, Plan

Floats = NDArray[np.float64]


@dataclass(eq=False, repr=False, kw_only=True)
class BayesByBackprop(UncertainNetworks):
    """Dense networks with ``q(w) = N(μ, softplus(ρ)²)`` for every weight, by the evidence's lower bound.

    Minimised is ``KL(q ‖ prior) / n - mean over samples of E_q log p(y | x, w)`` (of the paper, Eq. 2, over n), with
    the prior ``N(0, prior_scale² / fan_in)`` for weights and ``N(0, prior_scale²)`` for biases. For numbers the noise
    is learned with the weights.

    Args:
        prior_scale: of the weights' prior, above 0.
        draws: of every member's weights when answering, at least 1.
        early_stopping: whether members hold out a fold to stop on (of at least 20 samples); without it they learn from
            all samples for all epochs, which the bound itself keeps from overfitting.
        schedule: one of ``core.training.SCHEDULES``.
        optimizer: one of ``core.training.OPTIMIZERS``.

    Attributes:
        weights_: the means, as in :class:`MLPRegressor`; ``deviations_``: standard deviations by the same names;
        ``learned_noise_``: each member's, ``noise_``: the likeliest on what was held out, both in the target's unit, or
        ``slope_`` for classes; ``best_epochs_``; ``history_``; ``n_parameters_``.

    Raises:
        InputError: a parameter lies outside its range.

    Source: Blundell, Cornebise, Kavukcuoglu & Wierstra (2015), "Weight uncertainty in neural networks".

    Differences:
        One normal as the prior instead of two, so that the divergence is a formula. In training every sample's sum at a
        unit is drawn instead of the weights (Kingma, Salimans & Welling 2015), the same distribution with less noise
        in the gradient.
    """

    hidden: Sequence[int] | int = field(default=(50,), kw_only=False)
    prior_scale: float = 2.0
    draws: int = 30
    optimizer: str = "adam"
    schedule: str = "flat-cosine"
    epochs: int = 300
    early_stopping: bool = True
    patience: int = 40

    def _check(self) -> None:
        super()._check()
        check_float("prior_scale", self.prior_scale, 0, open_low=True)

    def _shares(self) -> tuple[Any, ...]:
        return (*super()._shares(), float(self.prior_scale))

    def _plan(self, batch_size: int) -> Plan:
        from neuroloom.nets._variational import VariationalStack

        network = partial(
            VariationalStack, prior_scale=float(self.prior_scale), noisy=self.loss == "gaussian"
        )
        return replace(super()._plan(batch_size), network=network)

    def _learn_posterior(self, job: Prepared, fitted: Sequence[Fitted]) -> None:
        learned = self.weights_
        self.weights_ = {n: w for n, w in learned.items() if n.startswith(("weight", "bias"))}
        self.deviations_ = {n: np.logaddexp(0.0, learned[f"rho_{n}"]) for n in self.weights_}
        if "noise" in learned:
            self.learned_noise_ = np.sqrt(gaussian_variance(learned["noise"][:, 0])) * self.target_scale_

    def _drawn_weights(self, draw: int) -> dict[str, Floats]:
        generator = stream(self.seed_, "draw", draw)
        return {n: w + self.deviations_[n] * generator.normal(size=w.shape) for n, w in self.weights_.items()}


class BayesByBackpropClassifier(BayesByBackprop, UncertainClassifier):
    """Classes by Bayes by backprop, with the model's and the noise's part of their uncertainty."""


class BayesByBackpropRegressor(BayesByBackprop, UncertainRegressor):
    """Numbers by Bayes by backprop, with the model's and the noise's part of their uncertainty."""

    loss = "gaussian"

    def _likeliest_noise(self, job: Prepared) -> float:
        if any(len(m.held_out) for m in job.members):
            return super()._likeliest_noise(job)
        return float(np.sqrt((self.learned_noise_**2).mean())) / self.target_scale_
