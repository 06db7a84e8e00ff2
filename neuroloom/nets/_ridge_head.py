"""A linear head in closed form, with the penalty chosen by exact leave-one-out or generalised cross-validation.

With the centred design ``D = U S Vᵀ``, an unpenalised intercept and ``e = S²``, the fitted values are ``H y`` with

    H(λ) = 1 1ᵀ / n + U diag(e / (e + λ)) Uᵀ,

and the residual of sample i when it is left out is ``(y_i − ŷ_i) / (1 − H_ii)``; generalised cross-validation puts
the mean of ``H_ii`` in its place. One eigendecomposition serves every ``λ``.

Sources:
    Golub, Heath & Wahba (1979), "Generalized cross-validation as a method for choosing a good ridge parameter".
    Rifkin & Lippert (2007), "Notes on regularized least squares".
    Platt (1999), "Probabilistic outputs for support vector machines"; Guo et al. (2017), "On calibration of modern
    neural networks".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RidgeFit:
    """A fitted head: ``x -> intercept + x coef``.

    Args:
        coef: ``(m, outputs)``.
        intercept: ``(outputs,)``.
        ridge: the penalty chosen.
        error: mean squared error by leaving one out (or by GCV) at that penalty.
        left_out: ``(n, outputs)`` prediction for each sample by the head fitted without it.
    """

    coef: Floats
    intercept: Floats
    ridge: float
    error: float
    left_out: Floats


def fit_ridge(D: Floats, Y: Floats, penalties: Floats, criterion: str = "loo") -> RidgeFit:
    """Fit ``Y (n, outputs)`` on ``D (n, m)`` with the best of ``penalties`` (each above 0).

    Args:
        D: the design.
        Y: targets.
        penalties: candidates; the least error decides, the larger penalty on a tie.
        criterion: ``"loo"`` or ``"gcv"``.
    """
    n, m = D.shape
    mean_d, mean_y = D.mean(axis=0), Y.mean(axis=0)
    D, Yc = D - mean_d, Y - mean_y
    wide = m > n
    e, Q = np.linalg.eigh(D @ D.T if wide else D.T @ D)
    e = np.maximum(e, 0.0)
    Z = Q * np.sqrt(e) if wide else D @ Q  # U S
    ZtY = Z.T @ Yc
    leverage = (Z**2) @ (1 / (e[:, None] + penalties)) + 1 / n
    best: tuple[float, int, Floats] | None = None
    for i in np.argsort(penalties)[::-1]:
        residual = Yc - Z @ (ZtY / (e + penalties[i])[:, None])
        h = leverage[:, i] if criterion == "loo" else np.full(n, leverage[:, i].mean())
        out = residual / np.maximum(1 - h, 1e-9)[:, None]
        error = float((out**2).mean())
        if best is None or error < best[0]:
            best = (error, int(i), out)
    assert best is not None
    error, i, out = best
    inner = e + penalties[i]
    coef: Floats = D.T @ (Q @ ((Q.T @ Yc) / inner[:, None])) if wide else Q @ (ZtY / inner[:, None])
    return RidgeFit(coef, mean_y - mean_d @ coef, float(penalties[i]), error, Y - out)


def calibrate(scores: Floats, labels: NDArray[np.int64]) -> tuple[float, Floats]:
    """Return slope ``a > 0`` and class biases ``b (classes,)`` for ``p = softmax(a · scores + b)``.

    They minimise the log loss on scores the head gave to samples it had not seen, with a small Gaussian prior on the
    biases (which keeps those of rare classes finite) and on ``log a``.

    Args:
        scores: ``(n, classes)`` left-out scores.
        labels: ``(n,)`` class indices.
    """
    from scipy.optimize import minimize
    from scipy.special import log_softmax

    n, k = scores.shape
    if k == 1:
        return 1.0, np.zeros(1)
    hits = np.eye(k)[labels]

    def objective(parameters: Floats) -> tuple[float, Floats]:
        slope, bias = np.exp(parameters[0]), parameters[1:]
        log_p = log_softmax(slope * scores + bias, axis=1)
        gap = np.exp(log_p) - hits  # derivative by the logits
        value = -(log_p * hits).sum() + 0.5 * ((parameters[0] - np.log(5)) ** 2 + (bias**2).sum())
        slope_part = slope * (gap * scores).sum() + parameters[0] - np.log(5)
        return value / n, np.concatenate([[slope_part], gap.sum(axis=0) + bias]) / n

    found = minimize(objective, np.concatenate([[np.log(5)], np.zeros(k)]), jac=True, method="L-BFGS-B",
                     bounds=[(-5, 5)] + [(None, None)] * k)  # fmt: skip
    return float(np.exp(found.x[0])), found.x[1:]
