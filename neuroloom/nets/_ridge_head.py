"""A linear head in closed form, with the penalty chosen by exact leave-one-out or generalised cross-validation.

With the centred design ``D = U S Vᵀ``, an unpenalised intercept and ``e = S²``, the fitted values are ``H y`` with

    H(λ) = 1 1ᵀ / n + U diag(e / (e + λ)) Uᵀ,

and the residual of sample i when it is left out is ``(y_i − ŷ_i) / (1 − H_ii)``; generalised cross-validation puts
the mean of ``H_ii`` in its place. One eigendecomposition serves every ``λ``.

With the norm of the function itself as the penalty, ``λ wᵀ K w`` with ``K`` the kernel between the prototypes, and
every sample a prototype, the weights are ``α = (K + λ)⁻¹ (y − b)``, and the residual of sample i when it is left out is
``α_i / G_ii`` with ``G = (K + λ)⁻¹ − (K + λ)⁻¹ 1 1ᵀ (K + λ)⁻¹ / 1ᵀ (K + λ)⁻¹ 1``, by one Cholesky factor for a ``λ``.

Sources:
    Poggio & Girosi (1990), "Networks for approximation and learning", Proceedings of the IEEE 78 (regularization
    networks).
    Williams & Seeger (2001), "Using the Nyström method to speed up kernel machines".
    Golub, Heath & Wahba (1979), "Generalized cross-validation as a method for choosing a good ridge parameter".
    Rifkin & Lippert (2007), "Notes on regularized least squares".
    Platt (1999), "Probabilistic outputs for support vector machines"; Guo et al. (2017), "On calibration of modern
    neural networks".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

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


def fit_function(
    phi: Floats, gram: Floats, linear: Floats, Y: Floats, penalties: Floats, criterion: str = "loo"
) -> RidgeFit:
    """Fit ``Y (n, outputs)`` with the norm of the function as the penalty, ``λ (wᵀ gram w + ‖v‖²)``.

    Args:
        phi: ``(n, m)`` positive definite kernel between samples and prototypes; ``gram`` itself where these are the
            samples.
        gram: ``(m, m)`` kernel between the prototypes.
        linear: ``(n, d)`` further columns, perhaps none.
        Y: targets.
        penalties: candidates, each above 0; the least error decides, the larger penalty on a tie.
        criterion: ``"loo"`` or ``"gcv"``.

    Returns:
        A head whose ``coef (m + d, outputs)`` are ``w`` and ``v``.
    """
    if phi is gram:
        K = phi + linear @ linear.T if linear.shape[1] else phi
        head = _fit_kernel(K, Y, penalties, criterion)
        return replace(head, coef=np.vstack([head.coef, linear.T @ head.coef]))
    from scipy.linalg import cholesky, solve_triangular

    m = len(gram)
    L = cholesky(gram + 1e-8 * np.eye(m), lower=True)
    whitened = solve_triangular(L, phi.T, lower=True).T
    head = fit_ridge(np.hstack([whitened, linear]), Y, penalties, criterion)
    weights = solve_triangular(L, head.coef[:m], lower=True, trans="T")
    return replace(head, coef=np.vstack([weights, head.coef[m:]]))


def _fit_kernel(K: Floats, Y: Floats, penalties: Floats, criterion: str) -> RidgeFit:
    """Fit ``α (n, outputs)`` and the intercept over a kernel ``K (n, n)`` of all samples."""
    from scipy.linalg import lapack

    n = len(K)
    best: RidgeFit | None = None
    for penalty in np.sort(penalties)[::-1]:
        A = K.T.copy(order="F")
        A[np.diag_indices(n)] += penalty
        L, failed = lapack.dpotrf(A, lower=1, clean=1, overwrite_a=1)
        inverse, _ = lapack.dtrtri(L, lower=1, overwrite_c=1)
        if failed:
            continue
        solved = inverse.T @ (inverse @ np.column_stack([Y, np.ones(n)]))
        ones = solved[:, -1]
        intercept = solved[:, :-1].sum(axis=0) / ones.sum()
        alpha = solved[:, :-1] - np.outer(ones, intercept)
        G = np.einsum("ij,ij->j", inverse, inverse) - ones**2 / ones.sum()
        out = alpha / np.maximum(G if criterion == "loo" else G.mean(), 1e-9 / penalty).reshape(-1, 1)
        error = float((out**2).mean())
        if best is None or error < best.error:
            best = RidgeFit(alpha, intercept, float(penalty), error, Y - out)
    assert best is not None
    return best


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
