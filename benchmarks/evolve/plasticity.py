"""The reversal bandit: what feed-forward, recurrent and plastic networks get at one budget, over many seeds.

    OMP_NUM_THREADS=1 python -m benchmarks.evolve.plasticity [seeds] [generations] [which …]

``neat``, ``hyperneat`` and ``es-hyperneat`` with their defaults but for what a row says, every seed with the task's own
draw of training and test episodes. Solved means a mean return of 36 over the 100 test episodes. ``which`` picks rows by
a part of their name.
"""

from __future__ import annotations

import copy
import statistics
import sys
import time
from typing import Any

import numpy as np

from neuroloom.core.reversal_bandit import THRESHOLD
from neuroloom.evolve import ESHyperNEATPolicy, HyperNEATPolicy, NEATPolicy
from neuroloom.tasks import open_task

ROWS: dict[str, tuple[Any, dict[str, Any]]] = {
    "feed-forward": (NEATPolicy, {}),
    "recurrent": (NEATPolicy, {"network": "recurrent"}),
    "plastic feed-forward": (NEATPolicy, {"plasticity": "hebbian"}),
    "plastic recurrent": (NEATPolicy, {"network": "recurrent", "plasticity": "hebbian"}),
    "hyperneat": (HyperNEATPolicy, {"early_stopping": False}),
    "plastic hyperneat": (HyperNEATPolicy, {"early_stopping": False, "plasticity": "hebbian"}),
    "es-hyperneat": (ESHyperNEATPolicy, {"early_stopping": False}),
    "plastic es-hyperneat": (ESHyperNEATPolicy, {"early_stopping": False, "plasticity": "hebbian"}),
}


def main(seeds: int, generations: int, which: list[str]) -> None:
    """Print a row for each kind of network."""
    print(f"{seeds} seeds, {generations} generations of 150, test return over 100 episodes")
    print("network | mean ± sd of seeds, least | solved | weights frozen | generations to 36 | seconds a run")
    for name, (kind, options) in ROWS.items():
        if which and not any(part in name for part in which):
            continue
        returns, frozen, needed, seconds = [], [], [], []
        for seed in range(seeds):
            data = open_task("reversal-bandit").load(seed)
            split = data.extra["splits"][0]
            began = time.perf_counter()
            policy = kind(generations=generations, random_state=seed, **options).fit(data.X[split.train])
            seconds.append(time.perf_counter() - began)
            returns.append(policy.score(data.X[split.test]))
            needed += [own["step"] for own in policy.history_ if own["score"] >= THRESHOLD][:1]
            if policy.best_genome_.plasticity != "none":
                still = copy.copy(policy)
                still.best_genome_ = policy.best_genome_.frozen()
                frozen.append(still.score(data.X[split.test]))
        solved = sum(own >= THRESHOLD for own in returns)
        row = (
            f"{np.mean(returns):.1f} ± {np.std(returns, ddof=1) if seeds > 1 else 0:.1f}, {min(returns):.1f}"
        )
        still_row = f"{np.mean(frozen):.1f}" if frozen else "–"
        middle = f"{statistics.median(needed):g}" if needed else "–"
        mean = f"{np.mean(seconds):.1f}"
        print(f"{name} | {row} | {solved}/{seeds} | {still_row} | {middle} | {mean}", flush=True)


if __name__ == "__main__":
    numbers = [int(own) for own in sys.argv[1:3] if own.isdigit()]
    main(*(numbers + [20, 80][len(numbers) :]), sys.argv[1 + len(numbers) :])
