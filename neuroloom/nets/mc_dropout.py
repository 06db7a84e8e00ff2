"""Monte Carlo dropout: units are left out when answering, too, and the answers' spread is the model's uncertainty.

Source: Gal & Ghahramani (2016), "Dropout as a Bayesian approximation: representing model uncertainty in deep learning".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_float
from neuroloom.core.errors import InputError
from neuroloom.core.seeding import stream
from neuroloom.nets._uncertain import UncertainClassifier, UncertainNetworks, UncertainRegressor

Floats = NDArray[np.float64]


class MCDropout(UncertainNetworks):
    """Dense networks that leave units out when answering: ``p(y | x) = 1/S Σ_s p(y | x, W · diag(m_s))``.

    The masks ``m_s`` keep a unit with probability ``1 - dropout``. The noise of numbers (the inverse of the paper's
    precision ``τ``) is the likeliest on what each member held out.

    Args:
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

    def __init__(
        self,
        hidden: Sequence[int] | int = (64, 64),
        *,
        members: int = 5,
        dropout: float = 0.05,
        draws: int = 30,
        bins: int = 8,
        activation: str = "silu",
        learning_rate: float = 0.005,
        weight_decay: float = 0.01,
        epochs: int = 200,
        batch_size: int | str = "auto",
        patience: int = 20,
        dtype: str = "float64",
        device: str = "auto",
        random_state: Any = None,
    ) -> None:
        super().__init__(hidden, members=members, bins=bins, activation=activation, learning_rate=learning_rate,
                         weight_decay=weight_decay, epochs=epochs, batch_size=batch_size, patience=patience,
                         dtype=dtype, device=device, random_state=random_state)  # fmt: skip
        self.dropout = dropout
        self.draws = draws

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
