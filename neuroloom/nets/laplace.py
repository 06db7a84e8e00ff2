"""Last-layer Laplace: a trained network whose output layer is Gaussian around its weights.

Sources:
    Daxberger, Kristiadi, Immer, Eschenhagen, Bauer & Hennig (2021), "Laplace redux: effortless Bayesian deep learning".
    MacKay (1992), "Bayesian interpolation" (evidence).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.seeding import stream
from neuroloom.nets._mlp import Prepared
from neuroloom.nets._targets import softmax
from neuroloom.nets._uncertain import UncertainClassifier, UncertainNetworks, UncertainRegressor

if TYPE_CHECKING:
    from neuroloom.nets._mlp_fit import Fitted

Floats = NDArray[np.float64]
_PRECISIONS = np.logspace(-2, 4, 13)  # tried for classes
_TRIES = 20  # draws with which they are tried


@dataclass(eq=False, repr=False, kw_only=True)
class Laplace(UncertainNetworks):
    """Dense networks whose output weights have the posterior ``N(w_MAP, H^-1)``; the layers before stay as trained.

    ``H = Σ_i φ_i Λ_i φ_iᵀ + α I`` with ``φ_i`` what enters the output layer and ``Λ_i`` the loss's second derivative at
    the output: ``1/σ²`` for numbers, so that the posterior of a linear network is that of Bayesian linear regression,
    and ``diag(p) - p pᵀ`` for classes. The prior's precision ``α`` and the noise ``σ`` are those under which what each
    member held out is likeliest; where nothing is held out, numbers take MacKay's evidence.

    Args:
        weight_decay: at least 0; biases do not decay.
        draws: of the output weights when answering with classes, at least 1; numbers need none.

    Attributes:
        weights_: as in :class:`MLPRegressor`; ``prior_precision_``: ``α``, ``(members,)``, in the scale of the
        standardised target; ``noise_``: ``σ``, in the target's unit; ``posterior_``: arrays by name, members first;
        ``slope_`` for classes; ``best_epochs_``; ``history_``; ``n_parameters_``.

    Raises:
        InputError: a parameter lies outside its range.

    Source: Daxberger, Kristiadi, Immer, Eschenhagen, Bauer & Hennig (2021), "Laplace redux: effortless Bayesian deep
        learning"; MacKay (1992), "Bayesian interpolation".

    Differences:
        For numbers the output's bias has a flat prior.
    """

    weight_decay: float = 0.01

    draws = 1

    def _features(self, Z: Floats) -> Floats:
        """Return what enters each member's output layer, ``(members, n, units)``."""
        from neuroloom.nets._mlp_fit import outputs

        if not self._widths():
            return np.broadcast_to(Z, (len(self.weights_["bias_0"]), *Z.shape))
        return outputs(self.weights_, self.activation, Z, self.dtype, self.device, hidden=True)

    def _head(self) -> tuple[Floats, Floats]:
        last = len(self._widths())
        return self.weights_[f"weight_{last}"], self.weights_[f"bias_{last}"]


class LaplaceRegressor(Laplace, UncertainRegressor):
    """Numbers by a last-layer Laplace approximation, with the model's and the noise's part of their uncertainty."""

    def _learn_posterior(self, job: Prepared, fitted: Sequence[Fitted]) -> None:
        features = self._features(job.sample.X)
        parts: dict[str, list[Floats]] = {"centre": [], "basis": [], "eigenvalue": [], "count": []}
        for h, member in zip(features, job.members, strict=True):
            rows, weight = h[member.rows], job.sample.weight
            own = np.ones(len(rows)) if weight is None else weight[member.rows]
            centre = np.average(rows, axis=0, weights=own)
            root = (rows - centre) * np.sqrt(own)[:, None]
            eigenvalues, basis = np.linalg.eigh(root.T @ root)
            for name, value in (("centre", centre), ("basis", basis), ("eigenvalue", eigenvalues.clip(min=0)),
                                ("count", own.sum())):  # fmt: skip
                parts[name].append(value)
        self.posterior_ = {name: np.stack(values) for name, values in parts.items()}

    def _likeliest_noise(self, job: Prepared) -> float:
        features = self._features(job.sample.X)
        weight, bias = self._head()
        residual = job.sample.target[:, 0] - (features @ weight + bias[:, None])[..., 0]
        held_out = [m.held_out for m in job.members]
        if any(len(rows) for rows in held_out):
            sigma, precision = self._by_held_out(features, residual, held_out)
            sigmas, precisions = np.full(len(held_out), sigma), np.full(len(held_out), precision)
        else:
            found = [
                _evidence(self.posterior_["eigenvalue"][m], self.posterior_["basis"][m].T @ weight[m, :, 0],
                          float((r[member.rows] ** 2).sum()), len(member.rows))
                for m, (r, member) in enumerate(zip(residual, job.members, strict=True))
            ]  # fmt: skip
            sigmas, precisions = np.array(found).T
        self.prior_precision_ = precisions
        self.sigma_ = sigmas
        return float(np.sqrt((sigmas**2).mean()))

    def _by_held_out(
        self, features: Floats, residual: Floats, held_out: Sequence[NDArray[np.int64]]
    ) -> tuple[float, float]:
        """Return the noise and precision under which the held-out samples are likeliest, as normals."""
        from scipy.optimize import minimize

        turned = [self._turned(m, features[m, rows]) ** 2 for m, rows in enumerate(held_out)]
        gaps = [residual[m, rows] ** 2 for m, rows in enumerate(held_out)]
        rms = max(1e-6, float(np.sqrt(np.concatenate(gaps).mean())))

        def loss(logs: Floats) -> float:
            sigma, precision = np.exp(np.clip(logs, -14, 14))
            total = 0.0
            for m, gap in enumerate(gaps):
                variance = sigma**2 + turned[m] @ self._spread(m, sigma, precision)
                variance += sigma**2 / self.posterior_["count"][m]
                total += float((np.log(variance) + gap / variance).sum())
            return total / sum(map(len, gaps))

        start = [np.array([np.log(rms), np.log(precision)]) for precision in (1.0, 100.0)]
        found = min((minimize(loss, s, method="Nelder-Mead", options={"maxiter": 120}) for s in start),
                    key=lambda result: float(result.fun))  # fmt: skip
        sigma, precision = np.exp(np.clip(found.x, -14, 14))
        return float(sigma), float(precision)

    def _turned(self, member: int, rows: Floats) -> Floats:
        found: Floats = (rows - self.posterior_["centre"][member]) @ self.posterior_["basis"][member]
        return found

    def _spread(self, member: int, sigma: float, precision: float) -> Floats:
        """Return the posterior's variances along its axes."""
        found: Floats = 1 / (self.posterior_["eigenvalue"][member] / sigma**2 + precision)
        return found

    def _mixture(self, X: Any) -> tuple[Floats, Floats, Floats]:
        features = self._features(self._scaled_inputs(X))
        weight, bias = self._head()
        means = (features @ weight + bias[:, None])[..., 0] * self.target_scale_ + self.target_mean_
        model, noise = np.empty_like(means), np.empty_like(means)
        for m, (sigma, precision) in enumerate(zip(self.sigma_, self.prior_precision_, strict=True)):
            along = self._turned(m, features[m]) ** 2 @ self._spread(m, sigma, precision)
            model[m] = along + sigma**2 / self.posterior_["count"][m]
            noise[m] = sigma**2
        return means, model * self.target_scale_**2, noise * self.target_scale_**2


@dataclass(eq=False, repr=False, kw_only=True)
class LaplaceClassifier(Laplace, UncertainClassifier):
    """Classes by a last-layer Laplace approximation, with the model's and the noise's part of their uncertainty."""

    draws: int = 30

    def _learn_posterior(self, job: Prepared, fitted: Sequence[Fitted]) -> None:
        features = self._features(job.sample.X)
        weight, bias = self._head()
        values, vectors = [], []
        for m, member in enumerate(job.members):
            phi = np.column_stack([features[m, member.rows], np.ones(len(member.rows))])
            p = softmax(phi @ np.vstack([weight[m], bias[m]]))
            given = job.sample.weight
            eigenvalues, basis = np.linalg.eigh(
                curvature(phi, p, None if given is None else given[member.rows])
            )
            values.append(eigenvalues.clip(min=0))
            vectors.append(basis)
        self.posterior_ = {"eigenvalue": np.stack(values), "basis": np.stack(vectors)}
        self.prior_precision_ = np.ones(len(values))
        if len(self.classes_) > 1 and any(len(m.held_out) for m in job.members):
            self._choose_precision(job, features)

    def _choose_precision(self, job: Prepared, features: Floats) -> None:
        """Take the precision with the least log loss on what the members held out."""
        target, given = self._held_out_targets(job)
        best = np.inf
        for precision in _PRECISIONS:
            parts = []
            for m, member in enumerate(job.members):
                phi = np.column_stack([features[m, member.held_out], np.ones(len(member.held_out))])
                heads = np.stack([self._drawn_head(m, draw, precision) for draw in range(_TRIES)])
                parts.append(softmax(phi @ heads).mean(axis=0))
            p = np.concatenate(parts)[np.arange(len(target)), target]
            loss = -float(np.average(np.log(p.clip(min=1e-300)), weights=given))
            if loss < best:
                best, self.prior_precision_ = loss, np.full(len(job.members), precision)

    def _drawn_head(self, member: int, draw: int, precision: float) -> Floats:
        """Return a draw of one member's output weights, the bias as their last row, ``(units + 1, classes)``."""
        weight, bias = self._head()
        mean = np.vstack([weight[member], bias[member]])
        scale = 1 / np.sqrt(self.posterior_["eigenvalue"][member] + precision)
        z = stream(self.seed_, "draw", draw, member).normal(size=len(scale))
        found: Floats = mean + (self.posterior_["basis"][member] @ (scale * z)).reshape(mean.shape)
        return found

    def _drawn_weights(self, draw: int) -> dict[str, Floats]:
        last, found = len(self._widths()), dict(self.weights_)
        heads = np.stack([self._drawn_head(m, draw, a) for m, a in enumerate(self.prior_precision_)])
        found[f"weight_{last}"], found[f"bias_{last}"] = heads[:, :-1], heads[:, -1]
        return found


def curvature(phi: Floats, p: Floats, weight: Floats | None = None) -> Floats:
    """Return ``Σ_i φ_i φ_iᵀ ⊗ (diag(p_i) - p_i p_iᵀ)``, ``(features · classes)`` squared, features outermost.

    Args:
        phi: ``(n, features)``.
        p: ``(n, classes)`` probabilities.
        weight: ``(n,)``, or None.
    """
    n, features, classes = len(phi), phi.shape[1], p.shape[1]
    own = np.ones(n) if weight is None else weight
    found = np.empty((features, classes, features, classes))
    for a in range(classes):
        for b in range(a, classes):
            second = own * p[:, a] * ((a == b) - p[:, b])
            found[:, a, :, b] = found[:, b, :, a] = phi.T @ (phi * second[:, None])
    return found.reshape(features * classes, features * classes)


def _evidence(eigenvalues: Floats, weights: Floats, squares: float, n: int) -> tuple[float, float]:
    """Return the noise and the prior's precision at the evidence's maximum (MacKay 1992, Eqs. 4.11 to 4.13).

    Args:
        eigenvalues: ``(units,)`` of the features' scatter.
        weights: ``(units,)`` along its axes.
        squares: sum of squared residuals of the ``n`` samples.
    """
    sigma2, precision = max(squares / n, 1e-12), 1.0
    for _ in range(100):
        known = float((eigenvalues / (eigenvalues + precision * sigma2)).sum())
        precision = float(np.clip(known / max(float((weights**2).sum()), 1e-12), 1e-6, 1e6))
        sigma2 = max(squares / max(n - known - 1, 1.0), 1e-12)
    return float(np.sqrt(sigma2)), precision
