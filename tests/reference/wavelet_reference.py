"""Slow references for the wavelet room: plain loops over one signal, from the definitions; imports nothing of ours."""

from __future__ import annotations

import itertools
import math

import numpy as np

ROOT2 = math.sqrt(2.0)


def circular_step(x, taps, step):
    """One level of the maximal-overlap transform with taps/sqrt(2) and holes of ``step``, periodic."""
    n, f = len(x), len(taps)
    return [sum(taps[l] / ROOT2 * x[(t + step * (f // 2 - l)) % n] for l in range(f)) for t in range(n)]


def mirrored_step(x, taps, step):
    """The same with the signal mirrored at both ends (half-sample symmetric)."""
    n, f = len(x), len(taps)

    def at(i):
        i %= 2 * n
        return x[i] if i < n else x[2 * n - 1 - i]

    return [sum(taps[l] / ROOT2 * at(t + step * (f // 2 - l)) for l in range(f)) for t in range(n)]


def modwt(x, low, high, level, boundary):
    step_of = circular_step if boundary == "periodic" else mirrored_step
    smooth, bands = list(x), []
    for j in range(1, level + 1):
        bands.append(step_of(smooth, high, 2 ** (j - 1)))
        smooth = step_of(smooth, low, 2 ** (j - 1))
    return [*bands, smooth]


def statistics(c, total):
    """All band statistics of one list of coefficients but those of the log floor; ``total`` as in relative energy."""
    n = len(c)
    mean = sum(c) / n
    energy = sum(v * v for v in c) / n
    out = {"energy": energy, "mean": mean, "mean_abs": sum(abs(v) for v in c) / n}
    out["relative_energy"] = energy * n / total if total else 0.0
    p = [v * v / (energy * n) for v in c] if energy else [0.0] * n
    out["entropy"] = -sum(q * math.log(q) for q in p if q > 0) / math.log(n) if n > 1 else 0.0
    out["log_energy"] = sum(math.log(v * v) for v in c if v) / n
    central = [sum((v - mean) ** k for v in c) / n for k in (2, 3, 4)]
    out["std"] = math.sqrt(central[0])
    out["skewness"] = central[1] / central[0] ** 1.5 if central[0] else 0.0
    out["kurtosis"] = central[2] / central[0] ** 2 if central[0] else 0.0
    out["min"], out["max"] = min(c), max(c)
    for name, q in (
        ("q05", 5),
        ("q10", 10),
        ("q25", 25),
        ("median", 50),
        ("q75", 75),
        ("q90", 90),
        ("q95", 95),
    ):
        out[name] = float(np.percentile(c, q))
    out["zero_crossings"] = crossings(c)
    out["mean_crossings"] = crossings([v - mean for v in c])
    out["permutation_entropy"] = permutation_entropy(c)
    return out


def crossings(c):
    """Share of neighbours of opposite sign; a zero takes the sign before it, leading zeros the first sign."""
    signs = [1 if v > 0 else -1 if v < 0 else 0 for v in c]
    seen = next((s for s in signs if s), 0)
    filled = []
    for s in signs:
        seen = s or seen
        filled.append(seen)
    return sum(a != b for a, b in itertools.pairwise(filled)) / (len(c) - 1) if len(c) > 1 else 0.0


def permutation_entropy(c):
    """Order 3, delay 1, in [0, 1]; equal values ranked by time."""
    if len(c) < 3:
        return 0.0
    counts: dict[tuple[int, ...], int] = {}
    for t in range(len(c) - 2):
        pattern = tuple(sorted(range(3), key=lambda k, t=t: (c[t + k], k)))
        counts[pattern] = counts.get(pattern, 0) + 1
    shares = [v / (len(c) - 2) for v in counts.values()]
    return -sum(s * math.log(s) for s in shares) / math.log(6)


def positive_shares(x, taps, dilation, differenced, padded, thresholds):
    """Share of time the dilated, centred filter's output lies above each threshold; zeros beyond the ends if padded."""
    if differenced:
        x = [x[t + 1] - x[t] for t in range(len(x) - 1)]
    n, reach = len(x), len(taps) // 2 * dilation

    def output(t):
        at = [t + (j - len(taps) // 2) * dilation for j in range(len(taps))]
        return sum(w * x[i] for w, i in zip(taps, at, strict=True) if 0 <= i < n)

    values = [output(t) for t in (range(n) if padded else range(reach, n - reach))]
    return [sum(v > b for v in values) / len(values) for b in thresholds]


def competition(x, kernels, dilation, differenced, group):
    """Sum of the largest outputs and number of the least of each kernel of a group; zeros beyond the ends."""
    if differenced:
        x = [x[t + 1] - x[t] for t in range(len(x) - 1)]
    most, least = [0.0] * len(group), [0] * len(group)
    for t in range(len(x)):
        outputs = []
        for k in group:
            taps = kernels[k]
            at = [t + (j - len(taps) // 2) * dilation for j in range(len(taps))]
            outputs.append(sum(w * x[i] for w, i in zip(taps, at, strict=True) if 0 <= i < len(x)))
        winner = max(range(len(group)), key=lambda k: outputs[k])
        most[winner] += outputs[winner]
        least[min(range(len(group)), key=lambda k: outputs[k])] += 1
    return [v for k in range(len(group)) for v in (math.sqrt(max(0.0, most[k])), math.sqrt(least[k]))]
