"""Tables of what ``benchmarks.signal.ucr`` measured: accuracies, ranks, tests with Holm's correction, CPU seconds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, wilcoxon

from benchmarks.signal.ucr import Outcome
from neuroloom.runner.statistics.holm import holm_adjust

Floats = NDArray[np.float64]
Stored = dict[tuple[str, str, int, int], Outcome]
_DIGITS = (
    4  # of an accuracy: a result may be kept as it was printed, and must then tie with the same one in full
)


def print_tables(stored: Stored, methods: list[str], own: str) -> None:
    """Print the default split's table (mean over seeds), then that of the resamples (mean over draws).

    Args:
        stored: results by set, method, draw and seed.
        methods: columns, in this order; those without a result are left out.
        own: what the others are tested against.
    """
    for title, resampled in (("default split", False), ("resamples", True)):
        chosen = {key: value for key, value in stored.items() if (key[2] > 0) == resampled}
        there = [m for m in methods if any(key[1] == m for key in chosen)]
        if there:
            _print_table(title, chosen, there, own)


def _print_table(title: str, stored: Stored, methods: list[str], own: str) -> None:
    """Print accuracies of the sets that every method has, over the trials that every method has."""
    trials = {method: {(s, d, k) for s, m, d, k in stored if m == method} for method in methods}
    seeds = {s: min(len({t for t in trials[m] if t[0] == s}) for m in methods) for s, *_ in stored}
    sets = sorted(name for name, count in seeds.items() if count)
    if title == "resamples":
        shared = set.intersection(*trials.values())
        trials = dict.fromkeys(methods, shared)
        sets = sorted({s for s, *_ in shared})
    mean = {
        (s, m): np.mean([stored[s, m, d, k][0] for n, d, k in trials[m] if n == s])
        for s in sets
        for m in methods
    }
    scores = np.round([[mean[s, m] for m in methods] for s in sets], _DIGITS)
    most = {m: max(sum(t[0] == s for t in trials[m]) for s in sets) for m in methods}
    print(f"\n{title}, {len(sets)} sets; trials of a set: " + ", ".join(f"{m} {n}" for m, n in most.items()))
    print("\n| set | " + " | ".join(methods) + " |\n|---|" + "--:|" * len(methods))
    for name, row in zip(sets, scores, strict=True):
        print(f"| {name} | " + " | ".join(f"{v:.4f}" for v in row) + " |")
    _print_summary(scores, methods, own, _seconds(stored, methods))


def _seconds(stored: Stored, methods: list[str]) -> dict[str, float]:
    """Return CPU seconds of fit and predict over the trials that every method was timed on."""
    timed = [
        {(s, d, k) for (s, n, d, k), outcome in stored.items() if n == m and outcome[1] is not None}
        for m in methods
    ]
    shared = set.intersection(*timed)
    return {m: sum(sum(stored[s, m, d, k][1:]) for s, d, k in shared) for m in methods} if shared else {}


def _print_summary(scores: Floats, methods: list[str], own: str, seconds: dict[str, float]) -> None:
    ranks = rankdata(-scores, axis=1).mean(axis=0)
    others = [m for m in methods if m != own]
    mine = scores[:, methods.index(own)]
    gaps = {m: np.round(mine - scores[:, methods.index(m)], _DIGITS) for m in others}
    p = np.array([wilcoxon(gap, zero_method="pratt").pvalue if gap.any() else 1.0 for gap in gaps.values()])
    holm = dict(zip(others, zip(p, holm_adjust(p), strict=True), strict=True))
    print(
        f"\n| | mean accuracy | mean rank | gap of {own} to it (95 %) | wins - losses | p | p, Holm | CPU-s |\n"
        "|---|--:|--:|--:|--:|--:|--:|--:|"
    )
    for m in sorted(methods, key=lambda m: ranks[methods.index(m)]):
        at = methods.index(m)
        told = " | ".join([""] * 4)
        if m != own:
            low, high = _interval(gaps[m])
            told = (
                f"{gaps[m].mean():+.4f} ({low:+.4f} to {high:+.4f}) | {(gaps[m] > 0).sum()} - {(gaps[m] < 0).sum()}"
                f" | {holm[m][0]:.2g} | {holm[m][1]:.2g}"
            )
        time = f"{seconds[m]:.0f}" if m in seconds else ""
        print(f"| {m} | {scores[:, at].mean():.4f} | {ranks[at]:.2f} | {told} | {time} |")


def _interval(gaps: Floats) -> tuple[float, float]:
    """Return the bootstrap interval of the mean over sets."""
    drawn = np.random.default_rng(0).choice(gaps, (10_000, len(gaps))).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)
