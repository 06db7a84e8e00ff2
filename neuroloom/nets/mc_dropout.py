"""Monte Carlo dropout: units are left out when answering, too, and the answers' spread is the model's uncertainty.

Source: Gal & Ghahramani (2016), "Dropout as a Bayesian approximation: representing model uncertainty in deep learning".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_float
from neuroloom.core.errors import InputError
from neuroloom.core.seeding import stream
from neuroloom.nets._uncertain import UncertainClassifier, UncertainNetworks, UncertainRegressor

Floats = NDArray[np.float64]


@dataclass(eq=False, repr=False, kw_only=True)
class MCDropout(UncertainNetworks):
    """Dense networks that leave units out when answering: ``p(y | x) = 1/S Σ_s p(y | x, W · diag(m_s))``.

    The masks ``m_s`` keep a unit with probability ``1 - dropout``. The noise of numbers (the inverse of the paper's
    precision ``τ``) is the likeliest on what each member held out.

    Args:
        weight_decay: at least 0; biases do not decay.
        dropout: share of hidden units left out, in (0, 1).
        draws: masks for each member, at least 1.

    Attributes:
        weights_: as in :class:`MLPRegressor`; ``noise_``: standard deviation of the noise, in the target's unit, or
        ``slope_`` for classes; ``best_epochs_``; ``history_``; ``n_parameters_``.

    Raises:
        InputError: a parameter lies outside its range, or there is no hidden layer.

    Source: Gal & Ghahramani (2016), "Dropout as a Bayesian approximation".

    Differences:
        The paper has one network; ``members`` of them, each with masks of its own, lose no data to what they hold out
        (``members=1`` is the paper's). Inputs are not left out. A draw's mask is the same for all samples, so that an
        answer does not depend on its neighbours.
    """

    weight_decay: float = 0.01
    dropout: float = 0.05
    draws: int = 30

    def _check(self) -> None:
        super()._check()
        check_float("dropout", self.dropout, 0, 1, open_low=True, open_high=True)
        if not self._widths():
            raise InputError("`hidden` must name at least one layer, since its units are what is left out.")

    def _drawn_weights(self, draw: int) -> dict[str, Floats]:
        generator, found = stream(self.seed_, "draw", draw), dict(self.weights_)
        for layer in range(len(self._widths())):
            weight = found[f"weight_{layer + 1}"]
            kept = generator.random(weight.shape[:2]) >= self.dropout
            found[f"weight_{layer + 1}"] = weight * (kept / (1 - self.dropout))[:, :, None]
        return found


class MCDropoutClassifier(MCDropout, UncertainClassifier):
    """Classes by Monte Carlo dropout, with the model's and the noise's part of their uncertainty."""


class MCDropoutRegressor(MCDropout, UncertainRegressor):
    """Numbers by Monte Carlo dropout, with the model's and the noise's part of their uncertainty."""
