"""Environments whose lanes are stepped together: by gymnasium's vectorised CartPole, a compiled kernel or NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core import double_pole, dual_task, maze, reversal_bandit
from neuroloom.core.double_pole import DOUBLE_POLES, SEEN, random_start
from neuroloom.core.samples import EnvSet
from neuroloom.core.worlds import VECTORISED, Stepped, Worlds, check_actions, make_env

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def compiled(X: EnvSet, lanes: int) -> Worlds | None:
    """Return so many lanes of the environment of ``X``, or None where its lanes are not stepped together."""
    kinds: list[tuple[tuple[str, ...], set[str], type[Any]]] = [
        (VECTORISED, {"sutton_barto_reward"}, _CartPoles),
        (DOUBLE_POLES, set(), _DoublePoles),
        (maze.MAZES, {"spread"}, _Mazes),
        ((reversal_bandit.REVERSAL_BANDIT,), set(reversal_bandit.Bandit._fields), _Bandits),
        ((dual_task.DUAL_TASK,), {"food"}, _DualTasks),
    ]
    for names, options, make in kinds:
        if X.env_id in names and set(X.options) <= options:
            made: Worlds = make(X, lanes)
            return made
    return None


class _CartPoles(Worlds):
    """All lanes of CartPole in gymnasium's vectorised environment, each started from its own seed."""

    def __init__(self, X: EnvSet, lanes: int) -> None:
        import gymnasium

        self._env = gymnasium.make_vec(
            X.env_id, num_envs=lanes, vectorization_mode="vector_entry_point", **X.options
        ).unwrapped
        self._single = make_env(X.env_id, X.options)
        self._env_id = X.env_id
        self._all = np.zeros(lanes, dtype=self._env.action_space.dtype)
        self.lanes = lanes
        self._env.reset(seed=0)

    def reset(self, lanes: Ints, seeds: Ints) -> NDArray[Any]:
        own, where = np.unique(seeds, return_inverse=True)
        for k, seed in enumerate(own):
            self._single.reset(seed=int(seed))
            self._env.state[:, lanes[where == k]] = self._single.unwrapped.state[:, None]
        self._env.steps[lanes] = 0
        self._env.prev_done[lanes] = False
        return np.asarray(self._env.state.T[lanes], dtype=np.float32)

    def step(self, lanes: Ints, actions: Any) -> Stepped:
        self._all[lanes] = check_actions(actions, self._single.action_space, len(lanes), self._env_id)
        observations, rewards, terminated, truncated, _ = self._env.step(self._all)
        return Stepped(
            observations[lanes], rewards[lanes].astype(np.float64), terminated[lanes], truncated[lanes]
        )

    def close(self) -> None:
        self._env.close()
        self._single.close()


class _DoublePoles(Worlds):
    """All lanes of double pole balancing, stepped by one call of the kernel."""

    def __init__(self, X: EnvSet, lanes: int) -> None:
        env = make_env(X.env_id)
        self._space, self._env_id = env.action_space, X.env_id
        env.close()
        self._seen = list(SEEN[DOUBLE_POLES.index(X.env_id)])
        self._state, self._steps = np.zeros((6, lanes)), np.zeros(lanes, np.int64)
        self.lanes = lanes

    def reset(self, lanes: Ints, seeds: Ints) -> NDArray[Any]:
        from gymnasium.utils.seeding import np_random

        own, where = np.unique(seeds, return_inverse=True)
        starts = [random_start(np_random(int(seed))[0]) for seed in own]
        self._state[:, lanes] = np.stack(starts, axis=1)[:, where]
        self._steps[lanes] = 0
        return self._observe(lanes)

    def step(self, lanes: Ints, actions: Any) -> Stepped:
        from neuroloom.core._kernels_double_pole import FORCE, push_lanes

        rows = check_actions(actions, self._space, len(lanes), self._env_id)
        ended = np.empty(len(lanes), np.bool_)
        push_lanes(self._state, lanes, FORCE * rows[:, 0].astype(np.float64).clip(-1.0, 1.0), ended)
        self._steps[lanes] += 1
        return Stepped(
            self._observe(lanes), np.ones(len(lanes)), ended, self._steps[lanes] >= double_pole.LIMIT
        )

    def close(self) -> None:
        return

    def _observe(self, lanes: Ints) -> NDArray[Any]:
        return np.asarray(self._state[self._seen][:, lanes].T, dtype=np.float32)


class _Mazes(Worlds):
    """All lanes of a maze, stepped by one call of the kernel."""

    def __init__(self, X: EnvSet, lanes: int) -> None:
        env = make_env(X.env_id, X.options)  # which checks the options
        self._space, self._env_id = env.action_space, X.env_id
        env.close()
        self._spread = float(X.options.get("spread", 0.0))
        self._maze = maze.maze(X.env_id)
        self._state, self._steps = np.zeros((5, lanes)), np.zeros(lanes, np.int64)
        self.lanes = lanes

    def reset(self, lanes: Ints, seeds: Ints) -> NDArray[Any]:
        from gymnasium.utils.seeding import np_random

        own, where = np.unique(seeds, return_inverse=True)
        starts = [maze.first_state(self._maze, self._spread, np_random(int(seed))[0]) for seed in own]
        self._state[:, lanes] = np.stack(starts, axis=1)[:, where]
        self._steps[lanes] = 0
        return self._observe(lanes)

    def step(self, lanes: Ints, actions: Any) -> Stepped:
        from neuroloom.core._kernels_maze import move_lanes

        rows = (
            check_actions(actions, self._space, len(lanes), self._env_id).astype(np.float64).clip(-1.0, 1.0)
        )
        rewards, ended = np.empty(len(lanes)), np.empty(len(lanes), np.bool_)
        move_lanes(self._state, lanes, rows, self._maze.walls, self._maze.goal, rewards, ended)
        self._steps[lanes] += 1
        return Stepped(self._observe(lanes), rewards, ended, self._steps[lanes] >= maze.LIMIT)

    def ends(self, lanes: Ints, observations: NDArray[Any]) -> Floats:
        return maze.as_behaviour(self._maze, self._state[:2, lanes].T)

    def close(self) -> None:
        return

    def _observe(self, lanes: Ints) -> NDArray[Any]:
        from neuroloom.core._kernels_maze import sense_lanes

        seen = np.empty((len(lanes), 10))
        sense_lanes(self._state, lanes, self._maze.walls, self._maze.goal, seen)
        return seen.astype(np.float32)


class _Bandits(Worlds):
    """All lanes of the reversal bandit, stepped together."""

    def __init__(self, X: EnvSet, lanes: int) -> None:
        env = make_env(X.env_id, X.options)
        self._space, self._env_id = env.action_space, X.env_id
        self._trials = reversal_bandit.Trials(env.unwrapped.trials.bandit, lanes)
        env.close()
        self.lanes = lanes

    def reset(self, lanes: Ints, seeds: Ints) -> NDArray[Any]:
        from gymnasium.utils.seeding import np_random

        own, where = np.unique(seeds, return_inverse=True)
        bandit = self._trials.bandit
        drawn = [reversal_bandit.draw_payments(bandit, np_random(int(seed))[0]) for seed in own]
        return self._trials.begin(lanes, np.stack(drawn)[where])

    def step(self, lanes: Ints, actions: Any) -> Stepped:
        rows = check_actions(actions, self._space, len(lanes), self._env_id)
        observations, rewards, ended = self._trials.step(lanes, rows)
        return Stepped(observations, rewards, ended, np.zeros(len(lanes), np.bool_))

    def close(self) -> None:
        return


class _DualTasks(Worlds):
    """All lanes of the dual task, stepped by one call of the kernel."""

    def __init__(self, X: EnvSet, lanes: int) -> None:
        env = make_env(X.env_id, X.options)  # which checks the options
        self._space, self._env_id = env.action_space, X.env_id
        env.close()
        self._food = X.options.get("food", "random")
        self._robots = dual_task.Robots(lanes)
        self.lanes = lanes

    def reset(self, lanes: Ints, seeds: Ints) -> NDArray[Any]:
        from gymnasium.utils.seeding import np_random

        own, where = np.unique(seeds, return_inverse=True)
        drawn = [dual_task.draw_food(self._food, np_random(int(seed))[0]) for seed in own]
        return self._robots.begin(lanes, np.stack(drawn)[where])

    def step(self, lanes: Ints, actions: Any) -> Stepped:
        rows = check_actions(actions, self._space, len(lanes), self._env_id).astype(np.float64).clip(0.0, 1.0)
        seen, rewards, ended = self._robots.step(lanes, rows)
        return Stepped(seen, rewards, ended, self._robots.over(lanes) & ~ended)

    def ends(self, lanes: Ints, observations: NDArray[Any]) -> Floats:
        return self._robots.behaviour(lanes)

    def close(self) -> None:
        return
