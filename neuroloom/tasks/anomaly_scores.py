"""How well scores point at the anomalies of one series, neither of them point-adjusted.

Paparrizos, Boniol, Palpanas, Tsay, Elmore and Franklin (2022), "Volume under the surface: a new accuracy evaluation
measure for time-series anomaly detection"; Wu and Keogh (2021), "Current time series anomaly detection benchmarks are
flawed and are creating the illusion of progress" (the archive's rule).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_int
from neuroloom.core.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def vus_pr(labels: Any, score: Any, buffer: int) -> float:
    """Return the volume under the surface of precision and recall over all thresholds and all buffers up to ``buffer``.

    Around each anomaly a buffer of ℓ steps, half of it on either side, counts in part: ``√(1 - d / ℓ)`` at distance d
    from the anomaly. With these labels l, the threshold's answers p and the m anomalies met by them out of k::

        precision = Σ l p / Σ p        recall = min(1, Σ l p / ((Σ labels + Σ l) / 2)) m / k

    The area under precision over recall is averaged over ℓ = 0 … buffer.

    Args:
        labels: ``(n,)`` 1 where a step is part of an anomaly, in order of time.
        score: ``(n,)`` the higher the stranger.
        buffer: longest buffer L of at least 0, as a rule the length of a window.

    Returns:
        A number in [0, 1]; NaN where there is no anomaly, or nothing else.

    Raises:
        InputError: the lengths differ, a score is NaN, or ``buffer`` is negative.

    Source:
        Paparrizos et al. (2022), section 4. Differences: every score is a threshold, where the authors' code takes 250
        of them, and the area is that of steps, as average precision has it, so that chance is the share of anomalies.
    """
    y, s = _pair(labels, score)
    if not 0 < y.sum() < len(y):
        return math.nan
    order = np.argsort(-s, kind="stable")
    falls = np.flatnonzero(np.diff(s[order]) < 0)
    last = np.append(falls, len(s) - 1)  # of the steps that reach each threshold
    areas = [_area(y, s, order, last, length) for length in range(check_int("buffer", buffer, 0) + 1)]
    return float(np.mean(areas))


def _area(y: Floats, s: Floats, order: Ints, last: Ints, length: int) -> float:
    """Return the area under precision over recall with a buffer of ``length`` steps."""
    soft = buffered(y, length)
    hits = np.cumsum(soft[order])[last]
    starts, ends = runs(soft > 0)
    best = np.sort([s[a:b].max() for a, b in zip(starts, ends, strict=True)])
    met = len(best) - np.searchsorted(best, s[order][last], side="left")
    recall = np.minimum(1.0, hits / ((y.sum() + soft.sum()) / 2)) * met / len(best)
    return float(np.sum(np.diff(recall, prepend=0.0) * hits / (last + 1)))


def buffered(y: Floats, length: int) -> Floats:
    """Return labels ``(n,)`` with a slope of ``length // 2`` steps on either side of each anomaly, at most 1."""
    soft = y.copy()
    if length < 2:
        return soft
    away = np.arange(1, length // 2 + 1)
    slope = np.sqrt(1 - away / length)
    for start, end in zip(*runs(y > 0), strict=True):
        before, after = start - away, end - 1 + away
        soft[before[before >= 0]] += slope[before >= 0]
        soft[after[after < len(y)]] += slope[after < len(y)]
    return np.minimum(soft, 1.0)


def runs(marked: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Return first steps and ends (exclusive) of the stretches that are marked."""
    change = np.diff(np.concatenate([[False], marked, [False]]).astype(np.int8))
    return np.flatnonzero(change == 1), np.flatnonzero(change == -1)


def ucr_hit(labels: Any, score: Any) -> float:
    """Return whether the highest score lies at an anomaly, by the rule of the UCR anomaly archive.

    A place p is a hit if ``begin - max(100, m) < p < end + max(100, m)`` for an anomaly of m steps from ``begin`` to
    ``end``. Of several highest scores the share that are hits counts, so that a constant score earns chance.

    Args:
        labels: ``(n,)`` 1 where a step is part of an anomaly, in order of time.
        score: ``(n,)`` the higher the stranger.

    Returns:
        A number in [0, 1]; NaN where there is no anomaly.

    Raises:
        InputError: the lengths differ, or a score is NaN.

    Source:
        Wu and Keogh (2021), and the archive's slides.
    """
    y, s = _pair(labels, score)
    if not y.any():
        return math.nan
    places = np.flatnonzero(s == s.max())
    hit = np.zeros(len(places), dtype=bool)
    for start, end in zip(*runs(y > 0), strict=True):
        reach = max(100, end - start)
        hit |= (start - reach < places) & (places < end - 1 + reach)
    return float(hit.mean())


def _pair(labels: Any, score: Any) -> tuple[Floats, Floats]:
    y, s = np.asarray(labels, dtype=np.float64), np.asarray(score, dtype=np.float64)
    if y.ndim != 1 or y.shape != s.shape:
        raise InputError(f"expected a score for each of {y.shape} steps of one series, but got {s.shape}.")
    if np.isnan(s).any():
        raise InputError(f"{int(np.isnan(s).sum())} of the {len(s)} scores are NaN; give each step a number.")
    return y, s
