"""What the policies that learn by gradient share: a budget of steps, how they are judged, and how they act."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checkpoints import Beside, digest
from neuroloom.core.checks import check_float, check_int
from neuroloom.core.episodes import ActMany, PolicyMixin, Spaces, play_population, spaces
from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.samples import EnvSet
from neuroloom.core.seeding import as_seed, derive, stream
from neuroloom.core.training import TrainConfig
from neuroloom.core.worlds import solved_at
from neuroloom.nets.experience import Lanes

if TYPE_CHECKING:
    import torch

    from neuroloom.core.training import Progress

Floats = NDArray[np.float64]
_JUDGED = 10  # episodes that a policy is judged on


class Learning(NamedTuple):
    """How a policy learns, for ``core.training.train``.

    Args:
        config: epochs, batches and steps.
        n_samples: steps that an epoch's batches are dealt from; None where all are taken at once.
        loss: as ``train`` takes it.
        renew: called before each epoch, to act in the environment.
        draw: what exploring actions are drawn from.
        beside: what it goes on from beside network and lanes.
        passes: epochs between two moments at which the policy may be judged.
    """

    config: TrainConfig
    n_samples: int | None
    loss: Callable[[Any, Any], torch.Tensor]
    renew: Callable[[int], object]
    draw: np.random.Generator
    beside: Sequence[Beside]
    passes: int = 1


@dataclass(eq=False, repr=False, kw_only=True)
class GradientPolicy(PolicyMixin, BaseEstimator):  # type: ignore[misc]
    """Base of the policies: which share of the work all of them do alike.

    Episodes go on in several lanes at once, from starts drawn out of those given to ``fit``. ``evaluations`` times the
    policy, without the chance that it explores by, plays up to 10 of them whole; the best one is kept. Observations
    are standardised by all that were seen so far.

    Args:
        steps: steps of the environment to learn from, at least 1; those of the evaluations come on top.
        lanes: episodes that go on at once, at least 1.
        discount: what a reward a step later is worth, in (0, 1].
        hidden: units of each hidden layer.
        learning_rate: the first, above 0.
        clip_norm: largest L2 norm of a step's gradient, above 0; None does not clip.
        max_steps: steps after which an episode is cut in training, or None for the environment's own limit.
        evaluations: how often the policy is judged on up to 10 training starts, evenly over the steps, at least 1; the
            best one is kept.
        early_stopping: whether to stop as soon as an evaluation's mean return reaches the environment's own threshold
            of success (CartPole-v1: 475), or has not risen for ``patience`` evaluations.
        patience: evaluations, at least 1.
        device: ``"auto"`` or ``"cpu"``: networks are computed beside the environments.
        random_state: seed, generator or None.
    """

    steps: int = 100_000
    lanes: int = 8
    discount: float = 0.99
    hidden: tuple[int, ...] | list[int] = (64, 64)
    learning_rate: float = 0.001
    clip_norm: float | None = 0.5
    max_steps: int | None = None
    evaluations: int = 10
    early_stopping: bool = False
    patience: int = 10
    device: str = "auto"
    random_state: Any = None

    # -- what a method says ---------------------------------------------------------------------------------

    @abstractmethod
    def _network(self, own: Spaces) -> torch.nn.Module:
        """Check the method's parameters and return its network untrained.

        ``best(rows)`` gives a number for each discrete action, or continuous actions, for rows of what is seen.
        """

    @abstractmethod
    def _learning(self, network: Any, lanes: Lanes, seed: int) -> Learning:
        """Return how ``network`` learns from what is met in ``lanes``."""

    # -- fit ------------------------------------------------------------------------------------------------

    def fit(self, X: EnvSet, y: Any = None) -> Self:
        """Learn on the episodes of ``X``; ``y`` is not used.

        Raises:
            InputError: a parameter is out of its range, or there is no episode.
            NotSupportedError: the environment's spaces are neither ``Box`` nor ``Discrete``, or none of the method's.
        """
        import torch

        from neuroloom.core.training import train

        self._check(X)
        seed, own = as_seed(self.random_state), spaces(X)
        self._read_spaces(own)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(seed, "weights"))
            network = self._network(own)
        with self._opened(X, own, seed) as lanes:
            learning = self._learning(network, lanes, seed)
            judge = _Judge(self, network, X, lanes, learning.passes)
            train(network, learning.loss, config=learning.config, n_samples=learning.n_samples,
                  seed=derive(seed, "train"), valid=judge.score, renew=learning.renew, progress=judge.tell,
                  samples=digest(self, X), draws=[lanes.draw, learning.draw],
                  beside=[lanes, judge, *learning.beside])  # fmt: skip
        self.weights_ = {name: value.numpy().copy() for name, value in network.state_dict().items()}
        self.history_ = judge.history
        self.n_parameters_ = int(network.n_acting)
        return self

    @contextmanager
    def _opened(self, X: EnvSet, own: Spaces, seed: int) -> Iterator[Lanes]:
        lanes = Lanes(X, own, self.lanes, derive(seed, "lanes"), self.max_steps)
        try:
            yield lanes
        finally:
            lanes.close()

    def _check(self, X: Any) -> None:
        name = type(self).__name__
        if not isinstance(X, EnvSet):
            raise NotSupportedError(
                f"{name} needs episodes, EnvSet(env_id, seeds), but got {type(X).__name__}."
            )
        if len(X) == 0:
            raise InputError(f"{name} needs at least one episode to learn from, but X holds none.")
        for parameter in ("steps", "lanes", "evaluations", "patience"):
            check_int(parameter, getattr(self, parameter))
        check_float("discount", self.discount, 0, 1, open_low=True)
        if self.max_steps is not None:
            check_int("max_steps", self.max_steps)
        check_float("learning_rate", self.learning_rate, 0, open_low=True)
        if not isinstance(self.hidden, tuple | list):
            raise InputError(
                f"`hidden` must be a list of whole numbers, but got {self.hidden!r}; put it in [ ]."
            )
        for units in self.hidden:
            check_int("hidden", units)
        if self.device not in ("auto", "cpu"):
            raise InputError(f"`device` must be 'auto' or 'cpu' for episodes, but got {self.device!r}.")

    # -- acting ---------------------------------------------------------------------------------------------

    def _restored(self) -> Any:
        """Return the network with its kept weights."""
        import torch

        check_is_fitted(self)
        with torch.random.fork_rng(devices=[]):
            network = self._network(self._spaces())
        network.load_state_dict({name: torch.from_numpy(value) for name, value in self.weights_.items()})
        return network.eval()

    def _best(self, network: Any) -> ActMany:
        """Return a function from observations to the actions that ``network`` holds for the best."""
        import torch

        own = self._spaces()

        def act(observations: NDArray[Any], _: NDArray[np.int64]) -> NDArray[Any]:
            with torch.inference_mode():
                found = network.best(torch.from_numpy(own.flatten(observations))).numpy()
            return self._as_actions(found.argmax(1) if self.n_actions_ else found)

        return act

    def _as_actions(self, chosen: NDArray[Any]) -> NDArray[Any]:
        """Return the environment's actions: of numbers from 0, or of numbers whose range -1 … 1 is the bounds'."""
        if self.n_actions_:
            return np.asarray(self.first_action_ + chosen)
        values = chosen.astype(np.float64).reshape(len(chosen), *self.low_.shape)
        bounded = np.isfinite(self.low_) & np.isfinite(self.high_)
        low, high = np.where(bounded, self.low_, -1.0), np.where(bounded, self.high_, 1.0)
        return (low + (high - low) * (values + 1) / 2).clip(self.low_, self.high_)

    def act(self, observations: NDArray[Any]) -> NDArray[Any]:
        """Return one action for each of ``(n, …)`` observations: the most probable, or the mean."""
        return self.actor()(observations, np.arange(len(observations)))

    def actor(self) -> ActMany:
        """Return a function from observations and the numbers of their episodes to actions."""
        return self._best(self._restored())


class _Judge:
    """Plays training starts by what was learned so far, and writes the history."""

    def __init__(self, policy: GradientPolicy, network: Any, X: EnvSet, lanes: Lanes, passes: int) -> None:
        self.policy, self.lanes, self.passes = policy, lanes, passes
        self.act, self.X = policy._best(network), X[: min(len(X), _JUDGED)]
        self.target = solved_at(X, policy.max_steps)
        self.due = [policy.steps * k / policy.evaluations for k in range(1, policy.evaluations + 1)]
        self.history: list[dict[str, float]] = []
        self.best, self.since, self.played = -np.inf, 0, 0
        self._epochs, self._losses = 0, [0.0]
        self._score: float | None = None
        self._began = time.perf_counter()

    def score(self, network: Any) -> torch.Tensor:
        """Return the mean return where the policy is to be judged, else NaN."""
        import torch

        self._epochs += 1
        if self._epochs % self.passes or self.lanes.taken < self.due[0]:
            return torch.tensor(torch.nan)
        self.due = [steps for steps in self.due if steps > self.lanes.taken]
        played = play_population(lambda o, n: self.act(o, n), self.X, 1, self.policy.max_steps)
        self.played += played.steps
        self._score = float(played.returns.mean())
        return torch.tensor(self._score, dtype=torch.float64)

    def tell(self, progress: Progress) -> bool:
        """Write what was found down; return whether the training ends."""
        self._losses.append(progress.loss)
        if self._score is None:
            return False
        self.since += 1
        if self._score > self.best:
            self.best, self.since = self._score, 0
        self.history.append(
            {
                "step": len(self.history) + 1,
                "seconds": time.perf_counter() - self._began,
                "loss": float(np.mean(self._losses[1:])),
                "score": self.best,
                "return": self._score,
                "env_steps": self.lanes.taken + self.played,
            }
        )
        self._losses, self._score = [0.0], None
        stops = self.policy.early_stopping and (
            self.best >= self.target or self.since >= self.policy.patience
        )
        return stops or not self.due

    def held(self) -> dict[str, Any]:
        """Return what was found, and how far the policy has come."""
        return {
            "due": self.due,
            "history": self.history,
            "seen": [self.best, self.since, self.played, self._epochs],
            "losses": self._losses,
            "seconds": time.perf_counter() - self._began,
        }

    def hold(self, held: dict[str, Any]) -> None:
        """Go on from what :meth:`held` gave."""
        self.due, self.history, self._losses = held["due"], held["history"], held["losses"]
        self.best, self.since, self.played, self._epochs = held["seen"]
        self._began = time.perf_counter() - held["seconds"]


def exploring(seed: int) -> np.random.Generator:
    """Return the generator that exploring actions are drawn from."""
    return stream(seed, "actions")
