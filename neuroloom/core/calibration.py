"""Whether probabilities and intervals hold what they promise: calibration error, reliability, coverage, interval score.

Sources:
    Guo, Pleiss, Sun & Weinberger (2017), "On calibration of modern neural networks": confidence, reliability diagrams.
    Kumar, Liang & Ma (2019), "Verified uncertainty calibration": the debiased estimator, equal-mass bins, bootstrap.
    Wilson (1927), "Probable inference, the law of succession, and statistical inference": intervals of shares.
    Gneiting & Raftery (2007), "Strictly proper scoring rules, prediction, and estimation": Eq. (43), interval score.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroloom.core.checks import check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.seeding import stream

Floats = NDArray[np.float64]
_CELLS = 4_000_000  # numbers of one block of the bootstrap


def equal_mass_bins(confidence: ArrayLike, bins: int = 15) -> NDArray[np.int64]:
    """Return ``(n,)`` bin numbers from 0, rising with confidence, each bin holding about as many samples.

    Samples of equal confidence share a bin, so there may be fewer bins than asked for; their numbers have no gaps.

    Args:
        confidence: ``(n,)`` in [0, 1].
        bins: at least 1.

    Raises:
        InputError: there are no samples, one lies outside [0, 1], or ``bins`` is below 1.
    """
    check_int("bins", bins)
    held = _confidence(confidence)
    ordered = np.sort(held)
    ends = np.unique(ordered[[math.ceil(len(held) * k / bins) - 1 for k in range(1, bins + 1)]])
    return np.unique(np.searchsorted(ends, held, side="left"), return_inverse=True)[1].astype(np.int64)


def calibration_error(
    confidence: ArrayLike,
    right: ArrayLike,
    bins: int = 15,
    *,
    norm: int = 2,
    debiased: bool = True,
    groups: ArrayLike | None = None,
) -> float:
    """Return the calibration error of confidences: how far they lie from the share of right answers, 0 being best.

    With bins of equal mass ``s``, their share of samples ``p_s``, mean confidence ``f_s`` and share of right answers
    ``y_s``: ``√ Σ p_s (f_s − y_s)²`` for ``norm`` 2, ``Σ p_s |f_s − y_s|``, the usual ECE, for ``norm`` 1. Both are too
    large, the more so the fewer samples a bin holds. Debiased, ``y_s (1 − y_s) / (n_s − 1)`` is taken from each square:
    its mean then is that of endless samples, and a root of less than 0 is 0. For ``norm`` 1 the bias of normal errors
    of that variance is taken off, which is part of it only.

    Args:
        confidence: ``(n,)`` probability that an answer is right, in [0, 1].
        right: ``(n,)`` whether it is.
        bins: at most so many bins, at least 1.
        norm: 1 or 2.
        debiased: whether the bias of finite bins is taken off; a bin of one sample counts as 0 then.
        groups: ``(n,)`` repetition of each sample, where the same ones were answered several times: each is binned
            alone and the mean taken (of squares for ``norm`` 2). None is a single repetition.

    Raises:
        InputError: lengths differ, there are no samples, a confidence lies outside [0, 1], or a number out of range.

    Source:
        Kumar et al. (2019), definition 4.1 and algorithm of section 5.
    """
    if norm not in (1, 2):
        raise InputError(f"`norm` must be 1 or 2, but got {norm!r}.")
    errors = [_error(*part, norm, debiased) for part in _parts(confidence, right, bins, groups)]
    return _finished(float(np.mean(errors)), norm)


def calibration_interval(
    confidence: ArrayLike,
    right: ArrayLike,
    bins: int = 15,
    *,
    groups: ArrayLike | None = None,
    samples: ArrayLike | None = None,
    level: float = 0.95,
    resamples: int = 500,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the bootstrap interval of the debiased :func:`calibration_error` (``norm`` 2).

    Samples are drawn with replacement, those of one sample together, and what the estimate varies around its value in
    that world (the error with bias, ``θ``) is turned around the estimate ``e``: squares from ``e + θ − q₁₋ₐ⁄₂`` to
    ``e + θ − qₐ⁄₂``, cut at 0.

    Args:
        confidence, right, bins, groups: as for :func:`calibration_error`.
        samples: ``(n,)`` which sample an answer is of, equal in different groups; None takes all as different.
        level: in (0, 1).
        resamples: at least 1.
        seed: of the draws.

    Raises:
        InputError: as for :func:`calibration_error`.

    Source:
        Kumar et al. (2019), section 5 and their library's ``bootstrap_uncertainty``.

    Differences:
        Bins stay those of all samples; there they are made anew in every draw.
    """
    check_float("level", level, 0, 1, open_low=True, open_high=True)
    check_int("resamples", resamples)
    parts = _parts(confidence, right, bins, groups)
    count = len(np.asarray(right))
    which = np.arange(count) if samples is None else np.asarray(samples)
    if which.shape != (count,):
        raise InputError(f"`samples` must hold {count} values, one an answer, but has shape {which.shape}.")
    ids, which = np.unique(which, return_inverse=True)
    rows = [np.arange(count)] if groups is None else _rows(groups)
    sums = np.concatenate(
        [_sums(*part, which[r], len(ids)) for part, r in zip(parts, rows, strict=True)], axis=2
    )
    ends = np.cumsum([int(part[2].max()) + 1 for part in parts])[:-1]
    draw = stream(seed, "calibration interval")
    found = []
    block = max(_CELLS // len(ids), 1)
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        times = draw.multinomial(len(ids), np.full(len(ids), 1 / len(ids)), size=size).astype(np.float64)
        totals = np.stack([times @ sums[k] for k in range(3)])
        errors = [_binned(t, 2, True) for t in np.split(totals, ends, axis=2)]
        found.append(np.mean(errors, axis=0))
    estimate, biased = (
        float(np.mean([_error(*p, 2, debiased) for p in parts])) for debiased in (True, False)
    )
    low, high = np.quantile(np.concatenate(found), [(1 - level) / 2, (1 + level) / 2])
    around = estimate + biased
    return _finished(around - float(high), 2), _finished(around - float(low), 2)


@dataclass(frozen=True)
class Reliability:
    """What a reliability diagram shows: a value for each bin, confidence rising.

    Args:
        confidence: ``(bins,)`` mean confidence.
        accuracy: ``(bins,)`` share of right answers.
        low, high: ``(bins,)`` Wilson interval of that share.
        count: ``(bins,)`` answers.
    """

    confidence: Floats
    accuracy: Floats
    low: Floats
    high: Floats
    count: NDArray[np.int64]


def reliability(
    confidence: ArrayLike,
    right: ArrayLike,
    bins: int = 10,
    *,
    samples: ArrayLike | None = None,
    level: float = 0.95,
) -> Reliability:
    """Return the reliability diagram over bins of equal mass.

    Args:
        confidence: ``(n,)`` in [0, 1].
        right: ``(n,)`` whether an answer is right.
        bins: at most so many bins, at least 1.
        samples: ``(n,)`` which sample an answer is of: an interval counts each sample of its bin once, however often it
            was answered. None takes all as different.
        level: of the intervals, in (0, 1).

    Raises:
        InputError: lengths differ, there are no samples, or a number lies outside its range.
    """
    held, truth, place = _parts(confidence, right, bins, None)[0]
    count = np.bincount(place)
    mean, share = (np.bincount(place, weights=v) / count for v in (held, truth))
    known = count
    if samples is not None:
        pairs = np.unique(np.stack([place, np.unique(np.asarray(samples), return_inverse=True)[1]]), axis=1)
        known = np.bincount(pairs[0], minlength=len(count))
    low, high = wilson_interval(share, known, level)
    return Reliability(mean, share, low, high, count)


def wilson_interval(share: ArrayLike, count: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return the lower and upper ends of Wilson's interval of shares, each seen in ``count`` samples.

    Args:
        share: in [0, 1].
        count: at least 1, of the same shape.
        level: in (0, 1).

    Raises:
        InputError: ``level`` lies outside its range.
    """
    from statistics import NormalDist

    check_float("level", level, 0, 1, open_low=True, open_high=True)
    z = NormalDist().inv_cdf((1 + level) / 2)
    p, n = np.asarray(share, dtype=np.float64), np.asarray(count, dtype=np.float64)
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)


def interval_score(y: ArrayLike, interval: ArrayLike, confidence: float) -> Floats:
    """Return ``(n,)`` interval scores (Winkler scores), the smaller the better: width, and a penalty for a miss.

    ``(u − l) + 2/α · (l − y)₊ + 2/α · (y − u)₊`` with ``α = 1 − confidence``. Its mean is least for the intervals
    between the true quantiles ``α/2`` and ``1 − α/2``, so neither narrow nor wide intervals can win by themselves.

    Args:
        y: ``(n,)`` true values.
        interval: ``(n, 2)`` lower and upper ends.
        confidence: share the intervals are to cover, in (0, 1).

    Raises:
        InputError: shapes do not fit, or ``confidence`` lies outside its range.

    Source:
        Winkler (1972); Gneiting & Raftery (2007), Eq. (43).
    """
    check_float("confidence", confidence, 0, 1, open_low=True, open_high=True)
    truth, low, high = _ends(y, interval)
    missed = np.maximum(low - truth, 0.0) + np.maximum(truth - high, 0.0)
    return np.asarray(high - low + 2.0 / (1.0 - confidence) * missed)


def interval_covers(y: ArrayLike, interval: ArrayLike) -> NDArray[np.bool_]:
    """Return ``(n,)``: whether each ``y (n,)`` lies in its interval ``(n, 2)``, ends included.

    Raises:
        InputError: shapes do not fit.
    """
    truth, low, high = _ends(y, interval)
    return np.asarray((low <= truth) & (truth <= high))


def _ends(y: Any, interval: Any) -> tuple[Floats, Floats, Floats]:
    truth, ends = np.asarray(y, dtype=np.float64), np.asarray(interval, dtype=np.float64)
    if ends.shape != (len(truth), 2):
        raise InputError(f"`interval` must have shape ({len(truth)}, 2), but has shape {ends.shape}.")
    return truth, ends[:, 0], ends[:, 1]


def _confidence(confidence: Any) -> Floats:
    held = np.asarray(confidence, dtype=np.float64)
    if held.ndim != 1 or not len(held):
        raise InputError(f"`confidence` must be a list of at least one number, but has shape {held.shape}.")
    if not ((held >= 0) & (held <= 1 + 1e-6)).all():
        raise InputError(
            f"`confidence` must lie in [0, 1], but goes from {held.min():g} to {held.max():g}; pass probabilities."
        )
    return np.minimum(held, 1.0)


def _rows(groups: Any) -> list[NDArray[np.int64]]:
    place = np.unique(np.asarray(groups), return_inverse=True)[1]
    return [np.flatnonzero(place == g) for g in range(int(place.max()) + 1)]


def _parts(
    confidence: Any, right: Any, bins: int, groups: Any
) -> list[tuple[Floats, Floats, NDArray[np.int64]]]:
    """Return confidence, right and bin of each repetition's answers."""
    held, truth = _confidence(confidence), np.asarray(right, dtype=np.float64)
    if truth.shape != held.shape or (groups is not None and np.shape(groups) != held.shape):
        shapes = f"{held.shape}, {truth.shape}" + ("" if groups is None else f" and {np.shape(groups)}")
        raise InputError(f"confidence, right and groups must be of one length, but have shapes {shapes}.")
    rows = [np.arange(len(held))] if groups is None else _rows(groups)
    return [(held[r], truth[r], equal_mass_bins(held[r], bins)) for r in rows]


def _sums(held: Floats, truth: Floats, place: NDArray[np.int64], who: Any, count: int) -> Floats:
    """Return ``(3, count, bins)``: answers, confidence and right ones of each sample in each bin."""
    made = np.zeros((3, count, int(place.max()) + 1))
    for k, values in enumerate((np.ones(len(held)), held, truth)):
        np.add.at(made[k], (who, place), values)
    return made


def _error(held: Floats, truth: Floats, place: NDArray[np.int64], norm: int, debiased: bool) -> float:
    made = [np.bincount(place, weights=v) for v in (np.ones(len(held)), held, truth)]
    sums = np.stack(made).astype(np.float64)
    return float(_binned(sums, norm, debiased))


def _binned(sums: Floats, norm: int, debiased: bool) -> Floats:
    """Return the error (its square for ``norm`` 2) from ``(3, …, bins)``: answers, confidence and right ones."""
    count, confidence, right = sums
    full = np.maximum(count, 1e-12)
    gap, share = (confidence - right) / full, right / full
    spread = np.clip(share * (1 - share), 0.0, None) / np.maximum(count - 1, 1e-12)
    if norm == 2:
        each = gap**2 - (spread if debiased else 0.0)
    else:
        each = np.abs(gap)
        if debiased:
            each = 2 * each - _folded(gap, np.sqrt(share * (1 - share) / full))
    counted = count > (1 if debiased else 0)
    return np.asarray(np.where(counted, count * each, 0.0).sum(axis=-1) / np.maximum(count.sum(axis=-1), 1.0))


def _folded(mean: Floats, deviation: Floats) -> Floats:
    """Return the mean of ``|N(mean, deviation²)|``."""
    from scipy.special import ndtr

    d = np.maximum(deviation, 1e-12)
    tail = d * math.sqrt(2 / math.pi) * np.exp(-0.5 * (mean / d) ** 2)
    return np.asarray(tail + mean * (1 - 2 * ndtr(-mean / d)))


def _finished(error: float, norm: int) -> float:
    return math.sqrt(max(error, 0.0)) if norm == 2 else max(error, 0.0)
