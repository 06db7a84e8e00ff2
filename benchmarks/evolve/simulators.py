"""Steps a CPU second of gymnasium's and EnvPool's environments: 300 episodes at random, side by side, by turns.

As a population plays them: all episodes begin together, and those that end are not replaced. One thread; making the
environments counts.

    python -m benchmarks.evolve.simulators LunarLander-v3 BipedalWalker-v3
"""

from __future__ import annotations

import argparse
import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import time

import numpy as np

from neuroloom.core import EnvSet
from neuroloom.core.episodes import play_population, spaces

EPISODES = 300


def played(env_id, simulator, seed):
    """Return steps a CPU second."""
    X = EnvSet(env_id, seed * EPISODES + np.arange(EPISODES), simulator=simulator)
    own, draw = spaces(X), np.random.default_rng(seed)

    def act(observations, _):
        if own.actions:
            return own.start + draw.integers(own.actions, size=len(observations))
        low, high = np.maximum(own.low, -1), np.minimum(own.high, 1)
        return draw.uniform(low, high, (len(observations), *low.shape))

    began = time.process_time()
    steps = play_population(act, X, 1).steps
    return steps / (time.process_time() - began)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("environments", nargs="*", default=["LunarLander-v3", "Acrobot-v1", "Pendulum-v1"])
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    print(f"{'steps a CPU second':<24}{'gymnasium':>12}{'envpool':>12}{'ratio':>8}")
    for env_id in options.environments:
        rows = [[played(env_id, s, k) for s in ("gymnasium", "envpool")] for k in range(options.repeats)]
        middle = np.median(rows, axis=0)
        ratio = np.median([b / a for a, b in rows])
        print(f"{env_id:<24}{middle[0]:>12,.0f}{middle[1]:>12,.0f}{ratio:>8.1f}", flush=True)


if __name__ == "__main__":
    main()
