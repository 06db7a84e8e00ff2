"""The dual task of Risi and Stanley (2012) for HyperNEAT, ES-HyperNEAT, NEAT and CMA-ES over weights, by seed.

Training draws from 1,000 starts, one a generation, the same for all networks of it; the score is the mean return over
100 other starts, whose food lies elsewhere, in [0, 1]. `corridor` is the share of these that end at the corridor's end,
`food` the mean number eaten, `both` the share that does all, a return of 1; `all` counts the seeds whose champion does
so from every start.

    python -m benchmarks.evolve.dual_task --seeds 20 --generations 40
"""

from __future__ import annotations

import argparse
import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import sys
import time

import numpy as np

from neuroloom.core.episodes import play_population
from neuroloom.evolve import ESHyperNEATPolicy, FixedTopologyPolicy, HyperNEATPolicy, NEATPolicy
from neuroloom.tasks import open_task

POLICIES = {
    "hyperneat": HyperNEATPolicy,
    "es-hyperneat": ESHyperNEATPolicy,
    "neat": NEATPolicy,
    "cma-es": FixedTopologyPolicy,
}
PASSED = 0.16  # the share of the corridor's height from its end at which the goal is near


def run(method, seed, population, generations):
    """Return mean return, share of corridors passed, food eaten, share solved, training score, steps, CPU seconds."""
    data = open_task("dual-task").load(seed)
    split = data.extra["splits"][0]
    policy = POLICIES[method](population=population, generations=generations, episodes=1, random_state=seed)
    policy.set_params(early_stopping=False)
    began = time.process_time()
    policy.fit(data.X[split.train])
    seconds = time.process_time() - began
    played = play_population(policy.actor(), data.X[split.test], 1, by_episode=True, ends=True)
    returns, (_, y, food) = played.returns[0], played.ends[0].T
    last = policy.history_[-1]
    return (
        returns.mean(), (y < PASSED).mean(), 4 * food.mean(), (returns > 1 - 1e-9).mean(), last["score"],
        last["env_steps"], seconds,
    )  # fmt: skip


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("methods", nargs="*", default=list(POLICIES), help=f"of {', '.join(POLICIES)}")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--generations", type=int, default=40)
    parser.add_argument("--population", type=int, default=100)
    options = parser.parse_args()
    print(f"{options.seeds} seeds, {options.generations} generations of {options.population}, one thread")
    print(
        f"{'':<14}{'mean':>8}{'± sd':>8}{'worst':>8}{'corridor':>10}{'food':>7}{'both':>7}{'all':>7}{'training':>10}"
        f"{'steps':>12}{'CPU-s':>7}"
    )
    for method in options.methods:
        rows = []
        for seed in range(options.seeds):
            rows.append(run(method, seed, options.population, options.generations))
            print(f"  {method} {seed}: {rows[-1]}", file=sys.stderr, flush=True)
        score, corridor, food, both, trained, steps, seconds = np.array(rows, float).T
        print(
            f"{method:<14}{score.mean():>8.3f}{score.std():>8.3f}{score.min():>8.3f}{corridor.mean():>10.2f}"
            f"{food.mean():>7.2f}{both.mean():>7.2f}{(both == 1).sum():>4}/{len(rows)}{trained.mean():>10.3f}"
            f"{np.median(steps):>12,.0f}{np.median(seconds):>7.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
