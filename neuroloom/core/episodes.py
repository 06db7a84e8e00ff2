"""Episodes: a policy acts in many environments at once, and the sums of rewards come back.

Every episode has its own seed and its own environment, and one that has ended leaves the batch, so a return depends on
the seed and the policy alone, never on which episodes are run beside it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_int
from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.samples import EnvSet
from neuroloom.core.spread import spread_here
from neuroloom.core.worlds import VECTORISED, Worlds, env_spaces, make_env, open_worlds

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Act = Callable[[NDArray[Any]], NDArray[Any]]
ActMany = Callable[[NDArray[Any], Ints], NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Spaces:
    """What a policy sees and does.

    Args:
        observation: shape of one observation.
        states: number of states where observations are discrete, else 0.
        actions: number of actions where they are discrete, else 0.
        start: the first discrete action.
        low: smallest value of each entry of a continuous action, shape as one action's.
        high: largest value of each entry.
        first_state: the first discrete observation.
    """

    observation: tuple[int, ...]
    states: int
    actions: int
    start: int
    low: Floats
    high: Floats
    first_state: int = 0

    @property
    def inputs(self) -> int:
        """Length of a flattened observation; a discrete one is one-hot."""
        return self.states or int(np.prod(self.observation, dtype=np.int64))

    def flatten(self, observations: NDArray[Any]) -> Floats:
        """Return ``(n, inputs)`` floats for a batch of observations."""
        if self.states:
            return np.eye(self.states)[np.asarray(observations, dtype=np.int64) - self.first_state]
        rows = np.asarray(observations, dtype=np.float64)
        if rows.ndim == 0 or rows.shape[1:] != self.observation:
            raise InputError(
                f"observations must have shape (n, {', '.join(map(str, self.observation))}), but have {rows.shape}."
            )
        return rows.reshape(len(rows), self.inputs)


def spaces(X: EnvSet) -> Spaces:
    """Return what a policy sees and does in the environment of ``X``.

    Raises:
        InputError: the environment is not known.
        NotSupportedError: its observations or actions are neither numbers (``Box``) nor ``Discrete``.
    """
    seen, done, _ = env_spaces(X)
    for name, space in (("observations", seen), ("actions", done)):
        if type(space).__name__ not in ("Box", "Discrete"):
            raise NotSupportedError(
                f"{X.env_id} has {type(space).__name__} {name}, but policies need Box or Discrete ones; wrap the "
                "environment with one of gymnasium's own wrappers (FlattenObservation, …) and register that."
            )
    continuous = type(done).__name__ == "Box"
    return Spaces(
        observation=tuple(seen.shape),
        states=0 if type(seen).__name__ == "Box" else int(seen.n),
        actions=0 if continuous else int(done.n),
        start=0 if continuous else int(done.start),
        low=np.asarray(done.low if continuous else 0, dtype=np.float64),
        high=np.asarray(done.high if continuous else 0, dtype=np.float64),
        first_state=0 if type(seen).__name__ == "Box" else int(seen.start),
    )


def behaviour_ranges(X: EnvSet) -> list[tuple[float, float]] | None:
    """Return ``(low, high)`` of each number of the behaviours that the environment of ``X`` gives.

    Such an environment has a ``behaviour_space``, a ``Box``, and ``info["behaviour"]`` in its last step; None without.
    """
    space = env_spaces(X)[2]
    return None if space is None else list(zip(space.low.tolist(), space.high.tolist(), strict=True))


def cart_poles(X: EnvSet) -> tuple[Floats, int] | None:
    """Return the states ``(4, n)`` that the episodes of ``X`` begin in and their limit of steps.

    For kernels that simulate CartPole themselves; None for any other environment, or one with options.
    """
    if X.env_id not in VECTORISED or X.options or X.simulator != "gymnasium":
        return None
    env = make_env(X.env_id)
    try:
        starts = np.empty((4, len(X)))
        for k, seed in enumerate(X.seeds):
            env.reset(seed=int(seed))
            starts[:, k] = env.unwrapped.state
        return starts, int(env.spec.max_episode_steps)
    finally:
        env.close()


def rollout(act: Act | PolicyMixin, X: EnvSet, max_steps: int | None = None) -> Floats:
    """Run every episode of ``X`` to its end and return the undiscounted sums of rewards.

    Args:
        act: observations ``(m, …)`` of the live episodes -> their actions ``(m,)`` or ``(m, …)``. A policy, or its own
            ``act``, remembers each episode apart if it has a memory, see :meth:`PolicyMixin.actor`.
        X: the episodes.
        max_steps: episodes are cut after so many steps; None leaves it to the environment's own limit.

    Returns:
        ``(n,)`` returns.

    Raises:
        InputError: the environment is not known, or ``act`` returns something that is no action.
    """
    policy = act if isinstance(act, PolicyMixin) else getattr(act, "__self__", None)
    if isinstance(policy, PolicyMixin) and act in (policy, policy.act):
        each = policy.actor()
    else:
        each = _forgetful(cast(Act, act))
    returns: Floats = rollout_population(each, X, 1, max_steps, by_episode=True)[0]
    return returns


def _forgetful(act: Act) -> ActMany:
    return lambda observations, _: act(observations)


class Played(NamedTuple):
    """What a population's episodes gave.

    Args:
        returns: ``(members, n)`` undiscounted sums of rewards.
        ends: ``(members, n, b)`` how each episode ended: what the environment says in ``info["behaviour"]`` of its last
            step, else its last observation; None where they were not asked for.
        steps: steps that the environments took in all.
    """

    returns: Floats
    ends: Floats | None = None
    steps: int = 0


def rollout_population(
    act: ActMany, X: EnvSet, members: int, max_steps: int | None = None, *, by_episode: bool = False
) -> Floats:
    """Return the ``(members, n)`` returns of :func:`play_population`."""
    return play_population(act, X, members, max_steps, by_episode=by_episode).returns


def play_population(
    act: ActMany,
    X: EnvSet,
    members: int,
    max_steps: int | None = None,
    *,
    by_episode: bool = False,
    ends: bool = False,
) -> Played:
    """Run every episode of ``X`` for each member of a population, all of them at once.

    Within :func:`~neuroloom.core.spread.spread_episodes` the members are divided among the processes of a Ray cluster.

    Args:
        act: observations ``(m, …)`` of the live episodes and the members ``(m,)`` who play them, ascending
            -> actions ``(m,)`` or ``(m, …)``.
        X: the episodes, the same for all members.
        members: number of members, at least 1.
        max_steps: as for :func:`rollout`.
        by_episode: whether ``act`` is told the numbers of the live episodes instead, ascending, for a memory of each:
            episode ``e`` is played by member ``e // len(X)``.
        ends: whether to say how each episode ended.

    Raises:
        InputError: as for :func:`rollout`.
    """
    check_int("members", members)
    if max_steps is not None:
        check_int("max_steps", max_steps)
    episodes, n = members * len(X), len(X)
    returns = np.zeros(episodes)
    if n == 0:
        return Played(returns.reshape(members, 0), np.empty((members, 0, 0)) if ends else None)
    spread = spread_here()
    if spread is not None and members > 1:
        return spread.play(act, X, members, max_steps, by_episode, ends)
    worlds = open_worlds(X, episodes)
    last: list[tuple[Ints, Floats]] | None = [] if ends else None
    try:
        steps = _run(act, worlds, np.tile(X.seeds, members), 1 if by_episode else n, returns, max_steps, last)
    finally:
        worlds.close()
    if last is None:
        return Played(returns.reshape(members, n), None, steps)
    order = np.argsort(np.concatenate([numbers for numbers, _ in last]))
    rows = np.concatenate([rows for _, rows in last])[order]
    return Played(returns.reshape(members, n), rows.reshape(members, n, -1), steps)


def _run(
    act: ActMany,
    worlds: Worlds,
    seeds: Ints,
    n: int,
    returns: Floats,
    max_steps: int | None,
    last: list[tuple[Ints, Floats]] | None,
) -> int:
    """Play all ``seeds``; episode ``e`` adds to ``returns[e]``, and ``act`` is told ``e // n``.

    ``last`` is given the numbers of the episodes that end and how they do. Returns the steps taken.
    """
    lanes = np.arange(min(worlds.lanes, len(seeds)))
    episode = lanes.copy()
    waiting = len(lanes)
    steps, taken = np.zeros(len(lanes), dtype=np.int64), 0
    observations = worlds.reset(lanes, seeds[lanes])
    while len(lanes):
        taken += len(lanes)
        actions = act(observations, episode // n)
        observations, rewards, terminated, truncated = worlds.step(lanes, actions)
        returns[episode] += rewards
        ended = terminated | truncated
        steps += 1
        if max_steps is not None:
            ended = ended | (steps >= max_steps)
        if not ended.any():
            continue
        if last is not None:
            last.append((episode[ended], worlds.ends(lanes[ended], observations[ended])))
        refill = lanes[ended][: len(seeds) - waiting]
        fresh = np.arange(waiting, waiting + len(refill))
        waiting += len(refill)
        live = ~ended
        lanes, episode = np.append(lanes[live], refill), np.append(episode[live], fresh)
        steps = np.append(steps[live], np.zeros(len(fresh), dtype=np.int64))
        observations = observations[live]
        if len(fresh):
            started = worlds.reset(refill, seeds[fresh])
            observations = np.concatenate([observations, started])
    return taken


class PolicyMixin(ABC):
    """What all policies share: returns and their mean from an ``act`` that subclasses give."""

    _estimator_type = "policy"

    @abstractmethod
    def act(self, observations: NDArray[Any]) -> NDArray[Any]:
        """Return one action for each of ``(n, …)`` observations."""

    def actor(self) -> ActMany:
        """Return a function from observations and the numbers of their episodes, ascending, to actions.

        A policy with a memory overrides this: what is returned remembers each episode apart, from nothing.
        """
        return _forgetful(self.act)

    def predict(self, X: EnvSet) -> Floats:
        """Return the ``(n,)`` returns of the episodes of ``X``."""
        return rollout(self, _env_set(X))

    def score(self, X: EnvSet, y: Any = None) -> float:
        """Return the mean return over the episodes of ``X``; ``y`` is not used."""
        return float(np.mean(self.predict(X)))

    def _read_spaces(self, own: Spaces) -> None:
        """Keep what ``act`` needs to know of the environment, as plain data."""
        self.observation_shape_, self.n_states_ = own.observation, own.states
        self.first_state_ = own.first_state
        self.n_actions_, self.first_action_ = own.actions, own.start
        self.low_, self.high_ = own.low, own.high

    def _spaces(self) -> Spaces:
        return Spaces(
            self.observation_shape_,
            self.n_states_,
            self.n_actions_,
            self.first_action_,
            self.low_,
            self.high_,
            self.first_state_,
        )


def _env_set(X: Any) -> EnvSet:
    if not isinstance(X, EnvSet):
        raise NotSupportedError(
            f"a policy needs episodes, EnvSet(env_id, seeds), but got {type(X).__name__}."
        )
    return X
