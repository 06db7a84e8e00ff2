"""A population's episodes spread over the processes of a Ray cluster: each plays for some of the members.

::

    with spread_episodes(8):                       # or address="auto" for a cluster that is there
        NEATPolicy(population=500).fit(EnvSet("LunarLander-v3", seeds))

An episode's return depends on its seed and its member alone, so the results are those of one process.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

from neuroloom.core.checks import check_int
from neuroloom.core.errors import InputError

if TYPE_CHECKING:
    from neuroloom.core.episodes import ActMany, Played
    from neuroloom.core.samples import EnvSet

ATTEMPTS = 3
_spread: ContextVar[Spread | None] = ContextVar("spread", default=None)


def ray_core() -> Any:
    """Return Ray.

    Raises:
        InputError: it is not installed.
    """
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # the behaviour that Ray warns will come
    os.environ.setdefault(
        "RAY_worker_niceness", "0"
    )  # else its processes yield to every other, and times mislead
    try:
        import ray
    except ImportError as error:
        raise InputError('Ray is needed and not installed: pip install "neuroloom[ray]".') from error
    return ray


def join_cluster(ray: Any, address: str | None, cores: int | None) -> None:
    """Join the cluster at ``address``, or start a local one with so many cores.

    Raises:
        InputError: it cannot be reached.
    """
    given: dict[str, Any] = {"address": address} if cores is None else {
        "num_cpus": cores, "address": "local", "include_dashboard": False,
    }  # fmt: skip
    try:
        ray.init(log_to_driver=False, logging_level="ERROR", **given)
    except (ConnectionError, RuntimeError, ValueError) as error:
        told = " ".join(str(error).split())
        raise InputError(
            f"no Ray cluster can be reached at {address or os.environ.get('RAY_ADDRESS') or 'this machine'}: {told}"
        ) from error


@contextlib.contextmanager
def spread_episodes(workers: int, address: str | None = None) -> Iterator[None]:
    """Play the episodes of populations in the block in ``workers`` processes of a Ray cluster.

    Args:
        workers: processes, at least 1, each on a core of its own.
        address: of a cluster that is there; None takes that of ``RAY_ADDRESS``, or starts a local one for the block.

    Raises:
        InputError: Ray is not installed, the cluster cannot be reached, or it has too few cores.
    """
    check_int("workers", workers)
    ray = ray_core()
    began = not ray.is_initialized()
    if began:
        local = address is None and "RAY_ADDRESS" not in os.environ
        join_cluster(ray, address, workers if local else None)
    spread = None
    try:
        room = int(ray.cluster_resources().get("CPU", 0))
        if workers > room:
            raise InputError(
                f"the Ray cluster has room for {room} workers, but {workers} were asked for; pass fewer or add nodes."
            )
        spread = Spread(ray, workers)
        token = _spread.set(spread)
        try:
            yield
        finally:
            _spread.reset(token)
    finally:
        if spread is not None:
            spread.close()
        if began:
            ray.shutdown()


def spread_here() -> Spread | None:
    """Return what spreads the episodes of populations here, None where one process plays them all."""
    return _spread.get()


class Player:
    """A process that plays: it keeps what the environment and the population have imported and compiled.

    Args:
        path: the driver's ``sys.path``, imported from after what the node has.
    """

    def __init__(self, path: Sequence[str]) -> None:
        sys.path += [entry for entry in path if entry not in sys.path]

    def play(
        self,
        what: bytes,
        X: EnvSet,
        start: int,
        members: int,
        max_steps: int | None,
        by_episode: bool,
        ends: bool,
    ) -> Played:
        """Play the episodes of ``members`` members from number ``start`` on."""
        from ray import cloudpickle

        from neuroloom.core.episodes import play_population

        act: ActMany = cloudpickle.loads(what)
        shift = start * len(X) if by_episode else start

        def shifted(observations: Any, who: Any) -> Any:
            return act(observations, who + shift)

        return play_population(shifted, X, members, max_steps, by_episode=by_episode, ends=ends)


class Spread:
    """Players on a cluster.

    Args:
        ray: Ray, connected.
        workers: how many.

    Attributes:
        played: parts that were played; retried: those that were played again, since their player was lost.
    """

    def __init__(self, ray: Any, workers: int) -> None:
        self._ray = ray
        self._class = ray.remote(Player).options(num_cpus=1, max_restarts=0)
        self._path = [os.path.abspath(entry) for entry in sys.path]
        self.players = [self._new() for _ in range(workers)]
        self.played = self.retried = 0

    def play(
        self, act: ActMany, X: EnvSet, members: int, max_steps: int | None, by_episode: bool, ends: bool
    ) -> Played:
        """Return what :func:`~neuroloom.core.episodes.play_population` would."""
        from neuroloom.core.episodes import Played

        # Once, whatever the number of players; as bytes, since arrays from the object store cannot be written to, which
        # a memory of episodes must be.
        what, where = self._ray.put(self._ray.cloudpickle.dumps(act)), self._ray.put(X)
        cuts = np.linspace(0, members, min(len(self.players), members) + 1).astype(int)
        parts = list(zip(cuts[:-1].tolist(), np.diff(cuts).tolist(), strict=True))
        found: list[Any] = [None] * len(parts)
        for attempt in range(ATTEMPTS):
            left = [k for k, one in enumerate(found) if one is None]
            calls = {
                k: self.players[k].play.remote(what, where, *parts[k], max_steps, by_episode, ends)
                for k in left
            }
            for k, call in calls.items():
                try:
                    found[k] = self._ray.get(call)
                    self.played += 1
                except self._ray.exceptions.RayActorError:
                    if attempt == ATTEMPTS - 1:
                        raise
                    self.retried += 1
                    self.players[k] = self._new()
            if all(one is not None for one in found):
                break
        return Played(
            np.concatenate([one.returns for one in found]),
            np.concatenate([one.ends for one in found]) if ends else None,
            sum(one.steps for one in found),
        )

    def _new(self) -> Any:
        return self._class.remote(self._path)

    def close(self) -> None:
        """End the players."""
        for player in self.players:
            with contextlib.suppress(Exception):  # it may be dead already
                self._ray.kill(player)
