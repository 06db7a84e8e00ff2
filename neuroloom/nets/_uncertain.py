"""What dense networks with a distribution over their weights share: draws, mixtures, noise, the parts of uncertainty.

A prediction is the mixture ``p(y | x) = 1/S Σ_s p(y | x, w_s)`` over draws ``w_s`` of the weights. For numbers its
variance is ``Var_s[f(x, w_s)]``, the model's part, which more data would shrink, plus the noise's part, which stays;
for classes its entropy is the mutual information of answer and weights plus the mean entropy of the draws (Depeweg et
al. 2018, "Decomposition of uncertainty in Bayesian deep learning", section 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted, validate_data

from neuroloom.core.checks import check_int
from neuroloom.nets._mlp import DenseNetworks, Prepared
from neuroloom.nets._targets import ClassNetworks, NumberNetworks, softmax

if TYPE_CHECKING:
    from neuroloom.nets._mlp_fit import Fitted

Floats = NDArray[np.float64]
_BLOCK = 1 << 21  # most numbers of one layer computed at once


class Uncertainty(NamedTuple):
    """An uncertain number for each sample.

    Args:
        mean: ``(n,)``.
        model: ``(n,)`` standard deviations from not knowing the weights (epistemic).
        noise: ``(n,)`` standard deviations of the answer itself (aleatoric).
    """

    mean: Floats
    model: Floats
    noise: Floats

    @property
    def std(self) -> Floats:
        """``(n,)`` standard deviations of the whole."""
        found: Floats = np.hypot(self.model, self.noise)
        return found


class ClassUncertainty(NamedTuple):
    """Uncertain classes for each sample.

    Args:
        proba: ``(n, classes)`` probabilities.
        model: ``(n,)`` mutual information of class and weights, in nats (epistemic).
        noise: ``(n,)`` mean entropy of the draws' classes, in nats (aleatoric).
    """

    proba: Floats
    model: Floats
    noise: Floats


class UncertainNetworks(DenseNetworks):
    """Dense networks with a distribution over their weights."""

    draws: int = 1

    def _check(self) -> None:
        super()._check()
        check_int("draws", self.draws)

    def _shares(self) -> tuple[Any, ...]:
        return (type(self).__name__,)

    def _adopt(self, job: Prepared, fitted: Sequence[Fitted]) -> None:
        self.seed_ = job.members[0].seed
        super()._adopt(job, fitted)

    def _drawn_weights(self, draw: int) -> dict[str, Floats]:
        """Return one draw of every member's weights, name -> ``(members, …)``."""
        return self.weights_

    def _drawn_outputs(self, Z: Floats, member: int | None = None) -> Floats:
        """Return ``(draws · members, n, outputs)`` for scaled inputs; of one member only where ``member`` is given."""
        from neuroloom.nets._mlp_fit import outputs

        who = slice(None) if member is None else slice(member, member + 1)
        widest = max(w.shape[-1] for w in self.weights_.values())
        together = max(1, _BLOCK // max(1, len(Z) * widest * len(self.weights_["bias_0"][who])))
        parts = []
        for start in range(0, self.draws, together):
            drawn = [self._drawn_weights(d) for d in range(start, min(self.draws, start + together))]
            weights = {name: np.concatenate([d[name][who] for d in drawn]) for name in drawn[0]}
            parts.append(outputs(weights, self.activation, Z, self.dtype, self.device))
        return np.concatenate(parts)

    def _held_out_outputs(self, job: Prepared) -> tuple[Floats, NDArray[Any], Floats | None]:
        members = enumerate(job.members)
        found = [self._drawn_outputs(job.sample.X[m.held_out], i) for i, m in members]
        return np.concatenate(found, axis=1), *self._held_out_targets(job)

    def _scaled_inputs(self, X: Any) -> Floats:
        check_is_fitted(self)
        return self._scaled(validate_data(self, X, dtype=np.float64, reset=False))


class UncertainRegressor(NumberNetworks, UncertainNetworks):
    """Numbers with their uncertainty; the noise is the likeliest on what each member held out."""

    def _adopt(self, job: Prepared, fitted: Sequence[Fitted]) -> None:
        super()._adopt(job, fitted)
        self._learn_posterior(job, fitted)
        self.noise_ = self._likeliest_noise(job) * self.target_scale_

    def _likeliest_noise(self, job: Prepared) -> float:
        """Return the standard deviation under which the held-out samples are likeliest, in standardised units."""
        if any(len(m.held_out) for m in job.members):
            found, target, weight = self._held_out_outputs(job)
            return likeliest_noise(found[..., 0], target[:, 0], weight)
        mean = self._drawn_outputs(job.sample.X)[..., 0].mean(axis=0)
        gap = (mean - job.sample.target[:, 0]) ** 2
        return float(np.sqrt(np.average(gap, weights=job.sample.weight)).clip(min=1e-6))

    def _mixture(self, X: Any) -> tuple[Floats, Floats, Floats]:
        """Return the mixture's means ``(S, n)`` and, of each component, the model's and the noise's variance."""
        means = self._drawn_outputs(self._scaled_inputs(X))[..., 0] * self.target_scale_ + self.target_mean_
        return means, np.zeros_like(means), np.full_like(means, self.noise_**2)

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Return ``(n,)`` means, with ``return_std`` a pair of them and the ``(n,)`` whole standard deviations."""
        found = self.predict_uncertainty(X)
        return (found.mean, found.std) if return_std else found.mean

    def predict_uncertainty(self, X: Any) -> Uncertainty:
        """Return means with the model's part and the noise's part of their standard deviations, each ``(n,)``."""
        means, model, noise = self._mixture(X)
        return Uncertainty(
            means.mean(axis=0),
            np.sqrt(means.var(axis=0) + model.mean(axis=0)),
            np.sqrt(noise.mean(axis=0)),
        )

    def predict_mixture(self, X: Any) -> tuple[Floats, Floats]:
        """Return means and standard deviations, each ``(S, n)``: the answer's density is the mean of the S normal ones.

        Their log likelihood is what papers report: ``logsumexp_s log N(y; mean_s, std_s²) - log S`` (Gal & Ghahramani
        2016, Eq. 8 of the appendix).
        """
        means, model, noise = self._mixture(X)
        return means, np.sqrt(model + noise)


class UncertainClassifier(ClassNetworks, UncertainNetworks):
    """Classes with their uncertainty; the slope is the likeliest on what each member held out."""

    def _draw_probabilities(self, X: Any) -> Floats:
        found: Floats = softmax(self._drawn_outputs(self._scaled_inputs(X)) * self.slope_)
        return found

    def predict_proba(self, X: Any) -> Floats:
        """Return ``(n, classes)`` probabilities, columns in the order of ``classes_``."""
        mean: Floats = self._draw_probabilities(X).mean(axis=0)
        return mean

    def predict_uncertainty(self, X: Any) -> ClassUncertainty:
        """Return ``(n, classes)`` probabilities with the model's and the noise's part of their entropy, ``(n,)``."""
        return divided_entropy(self._draw_probabilities(X))


def divided_entropy(drawn: Floats) -> ClassUncertainty:
    """Return what draws of probabilities ``(S, n, classes)`` come to, and the two parts of its entropy."""
    from scipy.special import entr

    p = drawn.mean(axis=0)
    noise = entr(drawn).sum(axis=2).mean(axis=0)
    return ClassUncertainty(p, np.maximum(entr(p).sum(axis=1) - noise, 0.0), noise)


def gaussian_variance(raw: Floats) -> Floats:
    """Return ``softplus(raw)`` and a little, as the loss ``gaussian`` has it."""
    found: Floats = np.logaddexp(0.0, raw) + 1e-6
    return found


def likeliest_noise(drawn: Floats, target: Floats, weight: Floats | None = None) -> float:
    """Return the ``σ`` with the greatest ``Σ_i log 1/S Σ_s N(target_i; drawn_si, σ²)``, from ``drawn (S, n)``."""
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    square = (drawn - target) ** 2
    reach = float(np.sqrt(np.average(square.mean(axis=0), weights=weight)))
    if reach < 1e-6:
        return 1e-6

    def loss(log_sigma: float) -> float:
        density = logsumexp(-square / (2 * np.exp(2 * log_sigma)), axis=0) - log_sigma
        return -float(np.average(density, weights=weight))

    found = minimize_scalar(loss, bounds=(np.log(reach) - 5, np.log(reach)), method="bounded")
    return float(np.exp(found.x))
