"""Policies on control tasks, EvoTorch's searches among them: the mean over 100 held-out episodes, by seed.

Training draws from 1,000 starts, two a generation, the same for all networks of it; the champion is chosen on training
starts. The score is the mean return over 100 other starts. The steps of the environment are all that were played, the
choice of champions included.

With --steps a run ends with the generation in which as many were played, or after --generations. A task may be any
environment, as gymnasium:ENV or envpool:ENV; of the latter the policies are scored in gymnasium's ENV, too.

    python -m benchmarks.evolve.control acrobot --methods neat --seeds 20 --population 60 --generations 15
"""

from __future__ import annotations

import argparse
import json
import os
import sys

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import time
from functools import partial

import numpy as np

from benchmarks.evolve.evotorch_peers import CoSyNEPolicy, PGPEPolicy, SNESPolicy
from neuroloom.core import EnvSet
from neuroloom.core.worlds import solved_at
from neuroloom.evolve import ESHyperNEATPolicy, FixedTopologyPolicy, HyperNEATPolicy, NEATPolicy
from neuroloom.tasks import open_task

POLICIES = {
    "neat": NEATPolicy,
    "hyperneat": HyperNEATPolicy,
    "es-hyperneat": ESHyperNEATPolicy,
    "cma-es": FixedTopologyPolicy,
    "augmented-random-search": partial(FixedTopologyPolicy, "augmented-random-search"),
    "pgpe": partial(FixedTopologyPolicy, "pgpe"),
}
PEERS = {"evotorch-pgpe": PGPEPolicy, "evotorch-snes": SNESPolicy, "evotorch-cosyne": CoSyNEPolicy}
EVERY = POLICIES | PEERS


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tasks", nargs="+")
    parser.add_argument("--methods", nargs="+", default=list(POLICIES), choices=list(EVERY))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--population", type=int, default=60)
    parser.add_argument("--generations", type=int, default=15)
    parser.add_argument("--episodes", type=int, default=2)
    parser.add_argument("--steps", type=int, default=None)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--params", default="{}", help="what else the methods take, as JSON")
    options = parser.parse_args()
    print(
        f"{options.seeds} seeds, population {options.population}, up to {options.generations} generations, one thread"
    )
    print(
        f"{'':<38}{'mean':>9}{'± sd':>8}{'worst':>9}{'reached':>9}{'training':>10}{'steps':>12}{'gens':>6}{'CPU-s':>7}"
    )
    for name in options.tasks:
        for method in options.methods:
            rows, elsewhere = [], []
            for seed in range(options.first_seed, options.first_seed + options.seeds):
                data = open_task(name).load(seed)
                split = data.extra["splits"][0]
                began = time.process_time()
                policy = EVERY[method](
                    population=options.population,
                    generations=options.generations,
                    episodes=options.episodes,
                    random_state=seed,
                    steps=options.steps,
                    **json.loads(options.params),
                ).fit(data.X[split.train])
                seconds = time.process_time() - began
                score = policy.score(data.X[split.test])
                if data.X.simulator == "envpool":
                    there = policy.score(EnvSet(data.X.env_id, data.X.seeds[split.test], data.X.options))
                    elsewhere.append(there)
                trained = policy.history_[-1]["score"]
                steps = policy.history_[-1]["env_steps"]
                rows.append((score, trained, steps, len(policy.history_), seconds))
                print(
                    f"  {name} {method} seed {seed}: {score:.1f} after {steps:,} steps",
                    file=sys.stderr,
                    flush=True,
                )
            scores, trained, steps, generations, seconds = np.array(rows).T
            target = solved_at(data.X)
            reached = "" if np.isinf(target) else f"{(scores >= target).sum()}/{len(scores)}"
            print(
                f"{name + ' ' + method:<38}{scores.mean():>9.1f}{scores.std():>8.1f}{scores.min():>9.1f}{reached:>9}"
                f"{trained.mean():>10.1f}{np.median(steps):>12,.0f}{np.median(generations):>6.0f}{np.median(seconds):>7.1f}",
                flush=True,
            )
            if elsewhere:
                there = np.array(elsewhere)
                print(
                    f"{'  the same in gymnasium':<38}{there.mean():>9.1f}{there.std():>8.1f}{there.min():>9.1f}"
                    f"{f'{(there >= target).sum()}/{len(there)}':>9}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
