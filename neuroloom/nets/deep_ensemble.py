"""Deep ensembles: networks that differ in their first weights and held-out folds, each with a noise of its own.

Source: Lakshminarayanan, Pritzel & Blundell (2017), "Simple and scalable predictive uncertainty estimation using deep
ensembles".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.nets._mlp import Prepared
from neuroloom.nets._uncertain import (
    UncertainClassifier,
    UncertainNetworks,
    UncertainRegressor,
    gaussian_variance,
)

Floats = NDArray[np.float64]


@dataclass(eq=False, repr=False, kw_only=True)
class DeepEnsemble(UncertainNetworks):
    """An ensemble of dense networks; for numbers each gives a mean ``μ_m(x)`` and a variance ``σ_m²(x)``.

    ``p(y | x) = 1/M Σ_m N(y; μ_m(x), σ_m²(x))`` (of the paper, Eq. 2); the members' disagreement is the model's part of
    the variance. ``σ_m²`` carries one factor, the likeliest on what each member held out.

    Args:
        weight_decay: at least 0; biases do not decay.

    Attributes:
        weights_: as in :class:`MLPRegressor`; ``variance_factor_``, or ``slope_`` for classes; ``noise_``: root mean
        square of the noise over the held-out samples, in the target's unit; ``best_epochs_``; ``history_``;
        ``n_parameters_``.

    Raises:
        InputError: a parameter lies outside its range.

    Source: Lakshminarayanan, Pritzel & Blundell (2017), "Simple and scalable predictive uncertainty estimation using
        deep ensembles".

    Differences:
        No adversarial training. Members hold out a fold each to stop on, and their variances are rescaled on it.
    """

    weight_decay: float = 0.01


class DeepEnsembleClassifier(DeepEnsemble, UncertainClassifier):
    """Classes by a deep ensemble, with the model's and the noise's part of their uncertainty."""


class DeepEnsembleRegressor(DeepEnsemble, UncertainRegressor):
    """Numbers by a deep ensemble, with the model's and the noise's part of their uncertainty."""

    loss = "gaussian"

    def _likeliest_noise(self, job: Prepared) -> float:
        self.variance_factor_ = 1.0
        if any(len(m.held_out) for m in job.members):
            found, target, weight = self._held_out_outputs(job)
            variance = gaussian_variance(found[0, :, 1])
            self.variance_factor_ = float(
                np.average((target[:, 0] - found[0, :, 0]) ** 2 / variance, weights=weight).clip(min=1e-3)
            )
            return float(np.sqrt(self.variance_factor_ * variance.mean()))
        return float(np.sqrt(gaussian_variance(self._drawn_outputs(job.sample.X)[..., 1]).mean()))

    def _mixture(self, X: Any) -> tuple[Floats, Floats, Floats]:
        found = self._drawn_outputs(self._scaled_inputs(X))
        means = found[..., 0] * self.target_scale_ + self.target_mean_
        noise = gaussian_variance(found[..., 1]) * (self.variance_factor_ * self.target_scale_**2)
        return means, np.zeros_like(means), noise
