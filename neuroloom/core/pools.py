"""Environments of EnvPool: compiled, and stepped many at once.

Weng and others (2022), "EnvPool: A highly parallel reinforcement learning environment execution engine". Its
environments are written anew in C++ after those of gymnasium, Box2D's, MuJoCo's and Atari's among them: the same task,
but a seed begins another episode than it does in gymnasium, so a set of episodes says whose they are.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.errors import InputError, unknown
from neuroloom.core.samples import EnvSet
from neuroloom.core.worlds import Stepped, Worlds, check_actions

Ints = NDArray[np.int64]

_LANES = 4096  # environments held at once
_SEEDS = 2**31 - 1  # EnvPool's seeds are 32-bit whole numbers


def make_pool(X: EnvSet, seeds: Ints) -> Any:
    """Return a pool of EnvPool's with an environment a seed, not begun.

    Raises:
        InputError: EnvPool is not installed, or has no such environment, option or seed.
    """
    if len(seeds) and seeds.max() >= _SEEDS:
        raise InputError(f"EnvPool takes seeds below {_SEEDS}, but one is {seeds.max()}.")
    with _made(X) as envpool:
        return envpool.make(
            X.env_id,
            env_type="gymnasium",
            num_envs=max(len(seeds), 1),
            num_threads=_threads(),
            seed=seeds.tolist() or 0,
            **X.options,
        )


def pool_spaces(X: EnvSet) -> tuple[Any, Any]:
    """Return what is seen and what is done in the environment of ``X``, spaces of gymnasium.

    Raises:
        InputError: as for :func:`make_pool`.
    """
    pool = make_pool(X, np.zeros(1, np.int64))
    with _quiet():
        return pool.observation_space, pool.action_space


def pool_setting(X: EnvSet, name: str) -> float | None:
    """Return what EnvPool says of the environment of ``X``, such as ``reward_threshold``; None where it says nothing.

    Raises:
        InputError: as for :func:`make_pool`.
    """
    with _made(X) as envpool:
        found = getattr(envpool.make_spec(X.env_id, **X.options).config, name, None)
    return None if found is None else float(found)


def open_pools(X: EnvSet, lanes: int) -> Worlds:
    """Return at most ``lanes`` lanes of the environment of ``X``; to be closed after use."""
    return _Pools(X, lanes)


class _Pools(Worlds):
    """Lanes of EnvPool's: those begun together are one pool, since its seeds are set when it is made."""

    def __init__(self, X: EnvSet, lanes: int) -> None:
        self.lanes = min(lanes, _LANES)
        self._X = X
        self._pools: dict[int, Any] = {}
        self._pool = np.full(self.lanes, -1)
        self._place = np.zeros(self.lanes, dtype=np.int32)
        self._made = 0
        self._space = pool_spaces(X)[1]

    def reset(self, lanes: Ints, seeds: Ints) -> NDArray[Any]:
        pool = make_pool(self._X, np.asarray(seeds))
        self._pool[lanes], self._place[lanes] = self._made, np.arange(len(lanes))
        self._pools[self._made] = pool
        self._made += 1
        live = set(self._pool.tolist())
        self._pools = {number: one for number, one in self._pools.items() if number in live}
        with _quiet():
            return np.asarray(pool.reset()[0])

    def step(self, lanes: Ints, actions: Any) -> Stepped:
        rows = check_actions(actions, self._space, len(lanes), self._X.env_id).astype(self._space.dtype)
        order = np.lexsort((self._place[lanes], self._pool[lanes]))
        numbers = self._pool[lanes[order]]
        parts = np.split(order, np.flatnonzero(np.diff(numbers)) + 1)  # by place, as each pool answers
        for at in parts:  # all are sent to work before any is waited for
            self._pools[self._pool[lanes[at[0]]]].send(rows[at], self._place[lanes[at]])
        found = [self._received(self._pools[self._pool[lanes[at[0]]]]) for at in parts]
        back = np.argsort(order)
        return Stepped(*(np.concatenate(column)[back] for column in zip(*found, strict=True)))

    @staticmethod
    def _received(pool: Any) -> Stepped:
        observations, rewards, terminated, truncated, info = pool.recv()
        order = np.argsort(info["env_id"], kind="stable")
        return Stepped(
            np.asarray(observations)[order],
            np.asarray(rewards, dtype=np.float64)[order],
            np.asarray(terminated, dtype=bool)[order],
            np.asarray(truncated, dtype=bool)[order],
        )

    def close(self) -> None:
        self._pools.clear()


@contextlib.contextmanager
def _made(X: EnvSet) -> Iterator[Any]:
    """Give EnvPool, to make what it has of ``X``; what is wrong with its name or options is said as our own errors."""
    own = sorted({"num_envs", "num_threads", "batch_size", "seed", "env_seed", "env_type"} & set(X.options))
    if own:
        raise InputError(
            f"`options` of {X.env_id!r} cannot set {', '.join(own)}, which are set for each run."
        )
    try:
        import envpool
    except ImportError as error:
        raise InputError(
            'episodes of EnvPool need the package envpool: pip install "neuroloom[envpool]".'
        ) from error
    known = envpool.list_all_envs()
    if X.env_id not in known:
        raise unknown("environment of EnvPool", X.env_id, known, "envpool.list_all_envs() names all.")
    with _quiet():
        try:
            yield envpool
        except (AssertionError, TypeError, ValueError, RuntimeError) as error:
            raise InputError(f"environment {X.env_id!r} of EnvPool cannot be made: {error}") from error


def _threads() -> int:
    """Return how many threads step a pool: what is set for the numeric libraries, as workers of a run have it."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdigit() and int(said) > 0 else os.cpu_count() or 1


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without gymnasium's remarks on the precision of EnvPool's spaces, one for every pool."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*precision lowered by casting", UserWarning)
        yield
