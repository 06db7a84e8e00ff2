"""Evolution alone, Lamarck and Baldwin on three tasks: score against evaluations and seconds.

    OMP_NUM_THREADS=1 python -m benchmarks.evolve.learning [seeds] [task …]

All have the same budget of evaluations; a gradient step counts as an evaluation of the whole population. The score is
the fitness on the training rows (mean log-likelihood, or negative squared error of the standardised target); the score
to reach is the one that evolution alone ends with (its median over seeds). The score on rows held out (accuracy, or R2)
is that of the network with the best fitness at the end.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.datasets import load_wine, make_friedman1, make_moons
from sklearn.model_selection import train_test_split

from neuroloom.evolve import NEATClassifier, NEATRegressor

BUDGET = 49_500  # evaluations of one network on the training rows
POPULATION = 150
RULES = (None, "lamarckian", "baldwinian")


TASKS: dict[str, tuple[Any, Callable[[int], tuple[Any, Any]]]] = {
    "two moons, noise 0.2": (NEATClassifier, lambda s: make_moons(400, noise=0.2, random_state=s)),
    "friedman1": (NEATRegressor, lambda s: make_friedman1(400, noise=1.0, random_state=s)),
    "wine": (NEATClassifier, lambda _: load_wine(return_X_y=True)),
}


def run(task: str, rule: str | None, seed: int) -> tuple[list[dict[str, float]], float]:
    """Return the history of a fit and its score on the rows held out."""
    kind, data = TASKS[task]
    X, X_test, y, y_test = train_test_split(*data(seed), test_size=0.5, random_state=seed)
    each = POPULATION * (1 if rule is None else 11)
    model = kind(population=POPULATION, generations=BUDGET // each, learning=rule, random_state=seed)
    model.fit(X, y)
    return model.history_, model.score(X_test, y_test)


def reached(history: list[dict[str, float]], target: float, what: str) -> float:
    """Return the evaluations or seconds at which ``target`` was reached, or infinity."""
    return next((entry[what] for entry in history if entry["score"] >= target), np.inf)


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    NEATClassifier(population=20, generations=2, learning="lamarckian").fit(np.eye(4), [0, 1, 0, 1])  # warm
    print(f"{seeds} seeds, {BUDGET} evaluations each, population {POPULATION}; medians")
    print(
        "task                   learning     score at the end   held out   evaluations / seconds to evolution's score"
    )
    for task in sys.argv[2:] or TASKS:
        runs: dict[str | None, list[Any]] = {rule: [] for rule in RULES}
        began = time.perf_counter()
        for seed in range(seeds):
            for rule in RULES:
                runs[rule].append(run(task, rule, seed))
        target = float(np.median([history[-1]["score"] for history, _ in runs[None]]))
        for rule in RULES:
            end = np.median([history[-1]["score"] for history, _ in runs[rule]])
            held = np.median([score for _, score in runs[rule]])
            hits = sum(history[-1]["score"] >= target for history, _ in runs[rule])
            evals = np.median([reached(history, target, "evaluations") for history, _ in runs[rule]])
            seconds = np.median([reached(history, target, "seconds") for history, _ in runs[rule]])
            whole = np.median([history[-1]["seconds"] for history, _ in runs[rule]])
            print(
                f"{task:22s} {rule or 'None':12s} {end:10.4f}         {held:.3f}      "
                f"{evals:8.0f} / {seconds:5.2f} s ({hits}/{seeds} runs); whole run {whole:.1f} s",
                flush=True,
            )
        print(f"# {time.perf_counter() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
