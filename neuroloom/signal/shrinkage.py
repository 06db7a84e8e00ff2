"""Shrinking noisy wavelet coefficients: rules, and ways to choose their threshold.

Donoho and Johnstone (1994), "Ideal spatial adaptation by wavelet shrinkage" (universal, minimax); Donoho and Johnstone
(1995), "Adapting to unknown smoothness via wavelet shrinkage" (SURE); Gao and Bruce (1997), "WaveShrink with firm
shrinkage"; Gao (1998), "Wavelet shrinkage denoising using the non-negative garrote"; Chang, Yu and Vetterli (2000),
"Adaptive wavelet thresholding for image denoising and compression" (BayesShrink); Johnstone and Silverman (2005),
"Empirical Bayes selection of wavelet thresholds"; Cai (1999), "Adaptive wavelet estimation: a block thresholding and
oracle inequality approach".
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RULES = ("soft", "hard", "firm", "garrote")
THRESHOLDS = ("universal", "minimax", "sure", "bayes", "ebayes", "block")
OWN_RULE = {"universal": "hard", "minimax": "soft", "sure": "soft", "bayes": "soft"}
LAPLACE = 0.5  # scale of the prior of the coefficients that are not zero (Johnstone and Silverman)
BLOCK_FACTOR = 4.50524  # λ with λ - ln λ = 3 (Cai)


def shrink(w: Any, threshold: Any, rule: str = "soft") -> Floats:
    """Return coefficients ``w`` shrunk at ``threshold`` t (broadcast).

    ``"soft"``: sign(w) (|w| - t)₊. ``"hard"``: w where |w| > t. ``"firm"``: 0 to t, w from 2 t, linear between.
    ``"garrote"``: (w - t² / w)₊.
    """
    w, t = np.asarray(w, dtype=np.float64), np.asarray(threshold, dtype=np.float64)
    size = np.abs(w)
    if rule == "hard":
        return np.where(size > t, w, 0.0)
    if rule == "soft":
        return np.asarray(np.sign(w) * np.maximum(size - t, 0), dtype=np.float64)
    if rule == "firm":
        firm: Floats = np.where(size > 2 * t, w, np.sign(w) * np.maximum(2 * (size - t), 0.0))
        return firm
    found: Floats = np.where(size > t, w - t * t / np.where(size > t, w, 1.0), 0.0)
    return found


def choose_threshold(method: str, w: Floats, samples: int) -> Floats:
    """Return a threshold for coefficients ``w (rows, m)`` of noise with standard deviation 1, ``(rows, 1)``.

    Args:
        method: ``"universal"``: √(2 ln n). ``"minimax"``: 0.3936 + 0.1829 log₂ n, 0 below 32 samples. ``"sure"``: the
            least of Stein's estimate of the risk of soft shrinkage, or the universal threshold where the coefficients
            are too sparse to tell (the hybrid scheme). ``"bayes"``: 1 / √(mean w² - 1)₊, infinite where that is 0.
        w: coefficients in units of the noise.
        samples: n, samples of the signal.
    """
    rows, m = w.shape
    universal = math.sqrt(2 * math.log(samples))
    if method == "universal":
        return np.full((rows, 1), universal)
    if method == "minimax":
        return np.full((rows, 1), 0.3936 + 0.1829 * math.log2(samples) if samples >= 32 else 0.0)
    squares = (w * w).mean(-1, keepdims=True)
    if method == "bayes":
        with np.errstate(divide="ignore"):
            found: Floats = 1 / np.sqrt(np.maximum(squares - 1, 0))
        return found
    ranked = np.sort(np.abs(w), axis=-1)
    below = np.arange(1, m + 1)
    risk = m - 2 * below + np.cumsum(ranked**2, axis=-1) + (m - below) * ranked**2
    best = np.take_along_axis(ranked, risk.argmin(-1)[:, None], -1)
    sparse = squares - 1 <= math.log2(m) ** 1.5 / math.sqrt(m) if m > 1 else np.ones((rows, 1), np.bool_)
    return np.where(sparse, universal, np.minimum(best, universal))


def _excess(x: Floats) -> Floats:
    """Return β(x) = g(x) / φ(x) - 1, g being the density of a Laplace variable plus standard noise."""
    from scipy.special import log_ndtr

    size, half_log = np.minimum(np.abs(x), 35.0), 0.5 * math.log(2 * math.pi)
    plus, minus = size + LAPLACE, size - LAPLACE
    mills = np.exp(log_ndtr(-plus) + 0.5 * plus**2 + half_log)
    mills += np.exp(log_ndtr(minus) + 0.5 * minus**2 + half_log)
    found: Floats = 0.5 * LAPLACE * mills - 1
    return found


def _weights(beta: Floats, samples: int) -> Floats:
    """Return the share ``(rows, 1)`` of coefficients that are not zero, by marginal maximum likelihood.

    The root of Σ β / (1 + w β) between the w whose threshold is √(2 ln n) and 1, by bisection.
    """
    from scipy.special import log_ndtr

    t = math.sqrt(2 * math.log(max(samples, 2)))
    mills = math.exp(float(log_ndtr(t - LAPLACE)) + 0.5 * (t - LAPLACE) ** 2 + 0.5 * math.log(2 * math.pi))
    least = 1 / max(LAPLACE * mills - float(_excess(np.array([t]))[0]), 1.0)
    low, high = np.full((len(beta), 1), min(least, 1.0)), np.ones((len(beta), 1))
    for _ in range(40):
        middle = 0.5 * (low + high)
        rising = (beta / (1 + middle * beta)).sum(-1, keepdims=True) > 0
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    return low


def posterior_median(w: Floats, samples: int) -> Floats:
    """Return ``w (rows, m)``, in units of the noise, shrunk to the median of its posterior (empirical Bayes).

    A coefficient is 0 with chance 1 - w, else Laplace with scale 1 / 0.5; w is learnt from each row.
    """
    from scipy.special import ndtri

    beta = _excess(w)
    share = _weights(beta, samples)
    shifted = np.abs(w) - LAPLACE
    tail = np.exp(-0.5 * shifted**2) / math.sqrt(2 * math.pi) / LAPLACE * (1 / share + beta)
    tail = np.where(shifted > 25, 0.5, np.minimum(tail, 1))
    found: Floats = np.sign(w) * np.maximum(0, shifted - ndtri(tail))
    return found


def block_shrink(w: Floats, samples: int, parts: bool = False) -> Floats:
    """Return ``w (rows, m)``, in units of the noise, each shrunk by the energy S² of the L = ln n around it.

    The James-Stein factor (1 - λ L / S²)₊ with λ = 4.50524. With ``parts`` w is ``(rows, 2, m)``, real and imaginary
    parts that share a factor, and the L numbers are those of L / 2 of them. Differences: Cai's blocks stand side by
    side; here every coefficient is the middle of its own, as the translation-invariant form asks.
    """
    from scipy.ndimage import uniform_filter1d

    length = max(1, min(round(math.log(samples) / (1 + parts)), w.shape[-1]))
    squares = (w * w).mean(axis=1, keepdims=True) if parts else w * w
    energy = np.maximum(uniform_filter1d(squares, length, axis=-1, mode="wrap") * length, 1e-300)
    found: Floats = w * np.maximum(0, 1 - BLOCK_FACTOR * length / energy)
    return found
