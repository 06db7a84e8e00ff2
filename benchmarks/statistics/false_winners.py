"""How often does a comparison of equal methods name a winner?

    python -m benchmarks.statistics.false_winners [--benches 3000] [--seed 0]

Benches of methods that are equal by construction are drawn and compared as the report compares them, and as is often
done. A *false winner* is a bench in which the best method is told apart from at least one other; the aim is 5 %, the
bound 6 % (3,000 benches leave a standard error of 0.4 points).

Within a task, 5 repetitions of 5 folds:
- ``gaussian``: scores whose splits are correlated by ``n_test / (n_train + n_test)``, the model behind the correction;
- ``learners``: classifiers trained and tested on drawn data (100 samples, nearest centroid; each sees its own group of
  features, all groups being alike), so the correlation is what sharing training data makes it.

Across tasks: each method gains or loses a little on each task, with mean zero over tasks; each task has 25 splits.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.special import stdtr

from neuroloom.core.seeding import stream
from neuroloom.runner.results import Results
from neuroloom.runner.statistics import (
    analyse,
    average_ranks,
    friedman_test,
    holm_adjust,
    nemenyi_distance,
    signed_rank_p,
)
from neuroloom.runner.statistics.scores import TaskScores

SEEDS, FOLDS, SAMPLES, LEVEL = 5, 5, 100, 0.05
SPLITS = SEEDS * FOLDS
SHARE = 1 / FOLDS


def gaussian(rng: np.random.Generator, methods: int) -> np.ndarray:
    """Return ``(splits, methods)`` scores of equal methods, splits correlated by the share of test samples."""
    own = rng.normal(0, 1, (1, methods)) * np.sqrt(SHARE)
    return 0.8 + 0.03 * (own + rng.normal(0, 1, (SPLITS, methods)) * np.sqrt(1 - SHARE))


def learners(rng: np.random.Generator, methods: int, width: int = 3, shift: float = 0.5) -> np.ndarray:
    """Return ``(splits, methods)`` accuracies of nearest-centroid classifiers on one drawn data set."""
    y = np.arange(SAMPLES) % 2
    x = rng.normal(0, 1, (SAMPLES, methods, width)) + shift * y[:, None, None]
    tests = np.zeros((SPLITS, SAMPLES), dtype=bool)
    for seed in range(SEEDS):
        order = rng.permutation(SAMPLES)
        for fold in range(FOLDS):
            tests[seed * FOLDS + fold, order[fold::FOLDS]] = True
    flat = x.reshape(SAMPLES, -1)
    centres = []
    for label in (0, 1):
        weight = (~tests & (y == label)).astype(float)
        centres.append((weight / weight.sum(axis=1, keepdims=True) @ flat).reshape(SPLITS, methods, width))
    normal, middle = centres[1] - centres[0], (centres[1] + centres[0]) / 2
    side = np.einsum("nmw,smw->snm", x, normal) - (middle * normal).sum(axis=2)[:, None, :]
    right = (side > 0) == (y == 1)[None, :, None]
    return (right * tests[:, :, None]).sum(axis=1) / tests.sum(axis=1)[:, None]


def as_task(scores: np.ndarray) -> TaskScores:
    """Return the scores as the library holds them."""
    cells = tuple(divmod(k, FOLDS) for k in range(SPLITS))
    n_test = np.full(SPLITS, SAMPLES / FOLDS)
    return TaskScores(
        task="t",
        metric="accuracy",
        greater_is_better=True,
        bounds=(0.0, 1.0),
        unit="splits",
        methods=tuple(f"m{k}" for k in range(scores.shape[1])),
        cells=cells,
        values=scores,
        filled=np.zeros(scores.shape, dtype=bool),
        ratios=n_test / (SAMPLES - n_test),
        n_test=n_test,
    )


def plain_t(lead: np.ndarray) -> np.ndarray:
    """Return p-values of the uncorrected paired t-test, a column each."""
    n, spread = len(lead), lead.std(axis=0, ddof=1)
    t = np.divide(lead.mean(axis=0), spread / np.sqrt(n), out=np.zeros(len(spread)), where=spread > 0)
    return 2 * stdtr(n - 1.0, -np.abs(t))


def within_verdicts(scores: np.ndarray, resamples: np.ndarray) -> dict[str, bool]:
    """Return for each procedure whether it tells the best method apart from any other."""
    order = np.argsort(-scores.mean(axis=0), kind="stable")
    ordered = scores[:, order]
    first, second = np.triu_indices(scores.shape[1], 1)
    tested = as_task(scores).test(ordered[:, first] - ordered[:, second], np.ones(len(first)))
    apart = holm_adjust(tested.p) <= LEVEL
    lead = scores[:, order[:1]] - scores[:, order[1:]]
    p = plain_t(lead)
    low = np.quantile(resamples @ lead, LEVEL / 2, axis=0)
    return {
        "corrected t + Holm": bool(apart[first == 0].any()),
        "t-test + Holm": bool((holm_adjust(p) <= LEVEL).any()),
        "t-test": bool((p <= LEVEL).any()),
        "bootstrap": bool((low > 0).any()),
    }


def across_scores(rng: np.random.Generator, tasks: int, methods: int) -> np.ndarray:
    """Return ``(tasks, splits, methods)`` scores: a task's level, a method's luck on the task, noise of the splits."""
    level = rng.uniform(0.5, 0.9, (tasks, 1, 1))
    luck = 0.02 * rng.standard_t(4, (tasks, 1, methods))
    return level + luck + 0.02 * rng.normal(0, 1, (tasks, SPLITS, methods))


def across_verdicts(scores: np.ndarray) -> dict[str, bool]:
    """Return for each procedure whether it tells the best method apart from any other."""
    tasks, _, methods = scores.shape
    means = scores.mean(axis=1)
    table = average_ranks(means)
    ranks = table.mean(axis=0)
    best = int(np.argmin(ranks))
    pairs = list(combinations(range(methods), 2))
    adjusted = holm_adjust([signed_rank_p(means[:, i] - means[:, j]) for i, j in pairs])
    apart = [p <= LEVEL for pair, p in zip(pairs, adjusted, strict=True) if best in pair]
    lead = (scores[:, :, [best]] - np.delete(scores, best, axis=2)).reshape(-1, methods - 1)
    return {
        "Friedman": friedman_test(table).p <= LEVEL,
        "Wilcoxon + Holm": any(apart),
        "Nemenyi": bool((np.delete(ranks, best) - ranks[best] >= distance(tasks, methods)).any()),
        "t-test over splits": bool((plain_t(lead) <= LEVEL).any()),
    }


_DISTANCES: dict[tuple[int, int], float] = {}


def distance(tasks: int, methods: int) -> float:
    """Return Nemenyi's distance, worked out once."""
    key = (tasks, methods)
    if key not in _DISTANCES:
        _DISTANCES[key] = nemenyi_distance(tasks, methods, LEVEL)
    return _DISTANCES[key]


def rates(verdicts: Iterator[dict[str, bool]]) -> dict[str, float]:
    """Return how often each procedure named a false winner."""
    return pd.DataFrame(list(verdicts)).mean().to_dict()


def check(seed: int) -> None:
    """Check on a few benches that the whole analysis of a run comes to the verdicts counted here."""
    for k in range(10):
        scores = across_scores(stream(seed, "check", k), 8, 3)
        rows = [
            {
                "task": f"t{t}",
                "method": f"m{m}",
                "seed": j // FOLDS,
                "fold": j % FOLDS,
                "value": scores[t, j, m],
            }
            for t, j, m in np.ndindex(scores.shape)
        ]
        frame = pd.DataFrame(rows).assign(metric="accuracy", status="done", n_train=80, n_test=20)
        about = {
            f"t{t}": {"greater_is_better": True, "bounds": (0, 1), "protocol": "folds"} for t in range(8)
        }
        found = analyse(Results(frame, None, {"tasks": about}))
        across = across_verdicts(scores)
        assert across["Wilcoxon + Holm"] == (len(found.across.winner.tied) < 2)
        assert across["Friedman"] == (found.across.friedman.p <= LEVEL)
        for t in range(8):
            within = within_verdicts(scores[t], np.full((1, SPLITS), 1 / SPLITS))
            assert within["corrected t + Holm"] == (len(found.tasks[f"t{t}"].winner.tied) < 2)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--benches", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    benches, seed = arguments.benches, arguments.seed
    start = time.process_time()
    check(seed)
    resamples = stream(seed, "bootstrap").multinomial(SPLITS, np.full(SPLITS, 1 / SPLITS), 1000) / SPLITS
    within = {
        (draw.__name__, m): rates(
            within_verdicts(draw(stream(seed, draw.__name__, m, k), m), resamples) for k in range(benches)
        )
        for draw in (gaussian, learners)
        for m in (2, 5, 10)
    }
    across = {
        (n, m): rates(
            across_verdicts(across_scores(stream(seed, "across", n, m, k), n, m)) for k in range(benches)
        )
        for n, m in ((6, 2), (10, 2), (10, 5), (20, 2), (20, 5), (20, 10))
    }
    for title, names, table in (
        (f"Within a task, {SEEDS} x {FOLDS} folds", ["model", "methods"], within),
        ("Across tasks", ["tasks", "methods"], across),
    ):
        frame = (100 * pd.DataFrame(table).T).rename_axis(names).reset_index()
        print(f"\n{title}: benches of {benches} with a false winner, %\n")
        print(frame.to_string(index=False, float_format="%.1f"))
    print(f"\n{time.process_time() - start:.0f} CPU-s")


if __name__ == "__main__":
    main()
