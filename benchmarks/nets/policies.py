"""Policies that learn by gradient beside evolved ones and stable-baselines3: the mean over 100 held-out episodes.

    python -m benchmarks.nets.policies [cartpole] [acrobot] … [--methods ppo reinforce dqn neat cma-es sb3-ppo …]

All learn from a task's 1,000 training starts. Ours end with the last generation or evaluation begun within ``--steps``
steps of learning, those that choose the champion or the best evaluation counted apart; the peer learns from as many
steps, with its defaults, and answers by its last weights, as it does. ``reached`` counts the seeds at or above the
environment's threshold of success; ``first there`` is the median number of steps, choice included, after which ours
first were so on training starts. One thread; CPU seconds of the process.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from typing import Any

# ruff: noqa: E402 (thread limits count only when they are set before NumPy is imported)
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import gymnasium
import numpy as np

from neuroloom.core.episodes import rollout
from neuroloom.core.worlds import make_env
from neuroloom.methods import make
from neuroloom.tasks import open_task

GRADIENT, PEERS = ("ppo", "reinforce", "dqn"), ("sb3-ppo", "sb3-a2c", "sb3-dqn")
METHODS = ("ppo", "reinforce", "dqn", "neat", "cma-es", "sb3-ppo", "sb3-dqn")


class Spent:
    """Ends an evolved policy's run when the steps of its generations are spent."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def __call__(self, engine: Any) -> bool:
        return bool(engine.history_[-1]["env_steps"] >= self.steps)


class Starts(gymnasium.Wrapper):
    """Begins each episode from one of the training starts, in shuffled rounds."""

    def __init__(self, X: Any, seed: int) -> None:
        super().__init__(make_env(X.env_id, X.options))
        self.seeds, self.draw, self.waiting = X.seeds, np.random.default_rng(seed), []

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.waiting = self.waiting or self.draw.permutation(self.seeds).tolist()
        return self.env.reset(seed=self.waiting.pop())


def peer(key: str, X: Any, steps: int, seed: int) -> Any:
    import stable_baselines3

    cls = getattr(stable_baselines3, key.removeprefix("sb3-").upper())
    model = cls("MlpPolicy", Starts(X, seed), seed=seed, device="cpu").learn(steps)
    return lambda observations: model.predict(observations, deterministic=True)[0]


def ours(key: str, X: Any, steps: int, seed: int) -> Any:
    if key in GRADIENT:
        return make(key, "episodes", "control", steps=steps, random_state=seed).fit(X)
    settings = {"population": 60, "generations": 1000, "callbacks": Spent(steps), "random_state": seed}
    return make(key, "episodes", "control", **settings).fit(X)


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tasks", nargs="*", default=["cartpole", "acrobot"])
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{platform.python_version()}, torch {torch.__version__}, gymnasium {gymnasium.__version__}, 1 thread, "
          f"load {os.getloadavg()[0]:.1f}; {given.steps:,} steps, {given.seeds} seeds")  # fmt: skip
    print("\n| task | method | mean of seeds | least | reached | first there | steps in all | CPU-s a fit |")
    print("|---|---|---|---|---|---|---|---|")
    for name in given.tasks:
        for key in given.methods:
            scores, there, taken, seconds = [], [], [], []
            for seed in range(given.seeds):
                data = open_task(name).load(seed)
                split = data.extra["splits"][0]
                X, T = data.X[split.train], data.X[split.test]
                threshold = gymnasium.spec(X.env_id).reward_threshold or np.inf
                began = time.process_time()
                policy = (peer if key in PEERS else ours)(key, X, given.steps, seed)
                seconds.append(time.process_time() - began)
                scores.append(float(rollout(policy if key in PEERS else policy.act, T).mean()))
                history = [] if key in PEERS else policy.history_
                taken.append(history[-1]["env_steps"] if history else given.steps)
                there.append(next((h["env_steps"] for h in history if h["score"] >= threshold), np.inf))
            reached = f"{sum(score >= threshold for score in scores)} of {len(scores)}"
            first = "" if key in PEERS else f"{np.median(there):,.0f}"
            spread = f" ± {np.std(scores, ddof=1):.1f}" if len(scores) > 1 else ""
            print(f"| {name} | {key} | {np.mean(scores):.1f}{spread} | {min(scores):.1f} | {reached} | {first} | "
                  f"{np.median(taken):,.0f} | {np.mean(seconds):.0f} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
