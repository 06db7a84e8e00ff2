"""NEAT as a policy for episodes.

Stanley and Miikkulainen (2002), "Evolving neural networks through augmenting topologies".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from neuroloom.core.checks import check_int
from neuroloom.core.episodes import (
    Played,
    PolicyMixin,
    Spaces,
    behaviour_ranges,
    cart_poles,
    play_population,
    rollout,
    spaces,
)
from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.samples import EnvSet
from neuroloom.core.seeding import as_seed, derive, stream
from neuroloom.core.worlds import step_limit
from neuroloom.evolve.champions import CONFIRMED, FIRST
from neuroloom.evolve.config import NEATConfig
from neuroloom.evolve.genome import DYNAMICS, Genome
from neuroloom.evolve.population import genome as read_genome
from neuroloom.evolve.population import pack_genomes, size

if TYPE_CHECKING:
    from neuroloom.evolve.neat import NEAT
    from neuroloom.evolve.phenotypes import Phenotypes
    from neuroloom.evolve.plastic import PlasticLanes, PlasticNetworks
    from neuroloom.evolve.population import Genes
    from neuroloom.evolve.recurrent import GenomeState, RecurrentPhenotypes

Floats = NDArray[np.float64]
_WARM_UP = 8  # episodes of random actions that the observations' scale is read from
_LEAST = (
    0.05  # of an observation's mean: its scale is no smaller, as random actions may leave it nearly still
)


class NEATPolicy(PolicyMixin, BaseEstimator):  # type: ignore[misc]
    """NEAT policy: a network whose topology and weights evolve until its actions earn a high return.

    All genomes play their episodes at once, so that each step is one batch of observations; CartPole, physics and
    all, is played in a compiled kernel while fitting. A discrete action is the
    largest of as many outputs; a continuous one an output each, squashed into its bounds where it has any. Observations
    are standardised by what random actions meet. A recurrent network remembers: its state goes on through an episode
    and is 0 at the start of each. A plastic one learns: each episode begins with the evolved weights, which then change
    by evolved rules. The fitness is the mean return over ``episodes`` starts, drawn anew each generation from those
    given to ``fit``. The fittest of each generation then race on 6 starts, who leads plays up to 25, and at the end the
    best of the run play up to 75 more, over which the policy with the highest mean is kept; see
    :mod:`~neuroloom.evolve.champions`.

    Args:
        population: number of genomes, at least 2.
        generations: number of generations, at least 1; exactly so many are run unless ``steps`` or ``early_stopping``
            ends them.
        learning: None.
        device: ``"auto"`` or ``"cpu"``: networks are computed beside the environments.
        random_state: seed, generator or None.
        episodes: starts that every genome plays in a generation, at least 1.
        max_steps: steps after which the episodes of the population are cut, or None for the environment's own limit; a
            pair is the first and the last, between which the cut goes by equal ratios over the run. Those of champions
            are whole.
        activations: what hidden nodes may compute, names from ``neuroloom.evolve.functions.ACTIVATIONS``.
        initial_connection: how the first genomes are connected, as in ``NEATConfig``.
        network: ``"feed-forward"``, ``"recurrent"`` or ``"ctrnn"``, as in ``NEATConfig``.
        plasticity: ``"none"``, or ``"hebbian"`` for weights that change in an episode by rules that evolve with them,
            in feed-forward and recurrent networks, as in ``NEATConfig``.
        early_stopping: whether to stop as soon as a champion's mean return reaches the environment's own threshold of
            success (CartPole-v1: 475), or has not risen for ``patience`` generations.
        patience: generations, at least 1.
        steps: steps of the environment after which the run ends with its generation, races included and the final not;
            None leaves it to ``generations``.
        settings: further settings of ``NEATConfig`` by name, or None.
        callbacks: told of every generation, a function of the engine or several, see ``neuroloom.evolve.callbacks``.

    Attributes:
        best_genome_: the network, a :class:`~neuroloom.evolve.Genome`.
        history_: a dict for each generation: ``step``, ``seconds``, ``score`` (the mean return of the best policy so
            far; of the last generation that of the policy kept, over the starts of the final where there was one),
            ``evaluations``, ``env_steps`` (of the environment, races and final included), ``mean_fitness``, …

    Raises:
        InputError: a parameter is out of its range.
        NotSupportedError: the environment's spaces are neither ``Box`` nor ``Discrete``.

    Source:
        Stanley and Miikkulainen (2002), "Evolving neural networks through augmenting topologies".
    """

    plasticity = "none"  # of policies of other searches
    _memory: GenomeState | PlasticLanes | None = None
    _episodes = 0  # that the population played
    _ends = False  # whether the engine wants to know how episodes end
    _ranges: list[tuple[float, float]] | None = None  # of behaviours that the environment gives

    def __init__(
        self,
        population: int = 150,
        generations: int = 100,
        learning: str | None = None,
        device: str = "auto",
        random_state: Any = None,
        *,
        episodes: int = 2,
        max_steps: int | tuple[int, int] | None = None,
        activations: tuple[str, ...] | list[str] | str = ("tanh",),
        initial_connection: str = "full",
        network: str = "feed-forward",
        plasticity: str = "none",
        early_stopping: bool = False,
        patience: int = 30,
        steps: int | None = None,
        settings: dict[str, Any] | None = None,
        callbacks: Any = None,
    ) -> None:
        self.population = population
        self.generations = generations
        self.learning = learning
        self.device = device
        self.random_state = random_state
        self.episodes = episodes
        self.max_steps = max_steps
        self.activations = activations
        self.initial_connection = initial_connection
        self.network = network
        self.plasticity = plasticity
        self.early_stopping = early_stopping
        self.patience = patience
        self.steps = steps
        self.settings = settings
        self.callbacks = callbacks

    def fit(self, X: EnvSet, y: Any = None) -> Self:
        """Evolve on the episodes of ``X``; ``y`` is not used."""
        from neuroloom.evolve.policy_run import PolicyRun
        from neuroloom.evolve.recurrent import compile_networks

        self._check(X)
        seed = as_seed(self.random_state)
        own = spaces(X)
        self._read_spaces(own)
        self._standardise(X, own, seed)
        self._ranges = behaviour_ranges(X) if self._ends else None
        config = self._config(own)
        engine = self._engine(config, derive(seed, "evolve"), X)
        self._memory = None
        made = PolicyRun(
            self, X, engine, self._player(X), lambda genes: compile_networks(genes, config), seed
        )
        chosen = made.run()
        self._episodes = made.episodes
        self.best_genome_: Genome = read_genome(
            chosen.genes, 0, config.inputs, config.outputs, chosen.score, config
        )
        self.history_ = made.engine.history_
        self.history_[-1] |= {"score": chosen.score, "env_steps": made.steps}
        self.n_parameters_ = self.best_genome_.n_parameters
        self._ended(made.engine)
        return self

    def _judged_again(self, genes: Genes, X: EnvSet) -> Floats:
        """Return the mean returns ``(genomes,)`` on episodes of ``X`` that champions are judged on.

        As many as for a confirmed champion, or so few that they are half of what the population played.
        """
        from neuroloom.evolve.recurrent import compile_networks

        starts = min(CONFIRMED, max(FIRST, self._episodes // (2 * size(genes))))
        networks = compile_networks(genes, self._config(spaces(X)))
        played = self._player(X)(networks, np.arange(min(len(X), starts)), self._champions_cut(X))
        self.history_[-1]["env_steps"] += played.steps
        return np.asarray(played.returns.mean(axis=1))

    def act(self, observations: NDArray[Any]) -> NDArray[Any]:
        """Return one action for each of ``(n, …)`` observations.

        A recurrent or plastic policy remembers: row ``i`` goes on with the episode of row ``i`` of the call before,
        until :meth:`reset`.

        Raises:
            InputError: such a policy is given more or fewer rows than before.
        """
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        rows = self._rows(observations)
        if not self._remembers:
            return self._actions(self._answers()(rows))
        if self._memory is None:
            self._memory = self._begin(len(rows))
        if self._memory.lanes != len(rows):
            raise InputError(
                f"this policy remembers {self._memory.lanes} episodes, but got {len(rows)} observations; call reset() "
                "before other episodes begin."
            )
        return self._actions(self._memory.step(rows))

    def reset(self) -> None:
        """Forget: the next :meth:`act` sees first observations of episodes."""
        self._memory = None

    def actor(self) -> Callable[[NDArray[Any], NDArray[np.int64]], NDArray[Any]]:
        """Return a function from observations and the numbers of their episodes, ascending, to actions.

        It remembers each episode apart; :func:`~neuroloom.core.episodes.rollout` calls it.
        """
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        if not self._remembers:
            answers = self._answers()
            return lambda observations, _: self._actions(answers(self._rows(observations)))
        memory, known = self._begin(0), np.empty(0, np.int64)

        def act(observations: NDArray[Any], episodes: NDArray[np.int64]) -> NDArray[Any]:
            nonlocal known
            if not np.array_equal(episodes, known):
                at = np.searchsorted(known, episodes)
                there = at < len(known)
                there[there] = known[at[there]] == episodes[there]
                memory.take(np.where(there, at, -1))
                known = episodes.copy()
            return self._actions(memory.step(self._rows(observations)))

        return act

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        return {**state, "_memory": None}

    # -- parts ----------------------------------------------------------------------------------------------

    @property
    def cuts(self) -> tuple[int, int] | None:
        """After how many steps the population's episodes are cut, at first and at last; None for nowhere.

        Raises:
            InputError: ``max_steps`` is no whole number of at least 1 and no pair of them.
        """
        if self.max_steps is None:
            return None
        pair = self.max_steps if isinstance(self.max_steps, tuple | list) else (self.max_steps,) * 2
        if len(pair) != 2:
            raise InputError(f"`max_steps` must be a number, a pair or None, but got {self.max_steps!r}.")
        return check_int("max_steps", pair[0]), check_int("max_steps", pair[1])

    def _champions_cut(self, X: EnvSet) -> int | None:
        """Return after how many steps champions' episodes are cut: only where nothing else may end them."""
        return self.cuts[1] if self.cuts and step_limit(X) is None else None

    @property
    def _remembers(self) -> bool:
        """Whether the fitted network goes through observations one after another."""
        return self.best_genome_.stateful

    def _begin(self, lanes: int) -> Any:
        """Return the fitted network as it begins, in ``lanes`` lanes, to be stepped."""
        from neuroloom.evolve.recurrent import start

        return start(self.best_genome_, lanes)

    def _answers(self) -> Callable[[Floats], NDArray[Any]]:
        """Return the function from inputs to outputs that a fitted network is which does not remember.

        It computes in single precision by the same kernels as in evolution: where a hair's breadth decides, another
        precision may go another way than the one that was judged.
        """
        from neuroloom.evolve.recurrent import compile_networks

        genome = self.best_genome_
        dynamics = {name: getattr(genome, name) for name in DYNAMICS}
        config = NEATConfig(genome.inputs, genome.outputs, **dynamics)
        networks = self._playing(compile_networks(pack_genomes([genome]), config))
        return lambda rows: networks.activate(np.ascontiguousarray(rows.T, dtype=np.float32))[0].T

    def _playing(self, networks: Any) -> Any:
        """Return the networks that play, of those that are evolved."""
        return networks

    def _check(self, X: Any) -> None:
        if not isinstance(X, EnvSet):
            raise NotSupportedError(
                f"NEATPolicy needs episodes, EnvSet(env_id, seeds), but got {type(X).__name__}."
            )
        if len(X) == 0:
            raise InputError("NEATPolicy needs at least one episode to learn from, but X holds none.")
        check_int("population", self.population, 2)
        check_int("generations", self.generations, 1)
        check_int("episodes", self.episodes, 1)
        check_int("patience", self.patience, 1)
        _ = self.cuts
        if self.steps is not None:
            check_int("steps", self.steps, 1)
        if self.learning is not None:
            raise InputError(
                f"`learning` must be None, since returns have no gradient, but got {self.learning!r}."
            )
        if self.device not in ("auto", "cpu"):
            raise InputError(f"`device` must be 'auto' or 'cpu' for episodes, but got {self.device!r}.")

    def _config(self, own: Spaces) -> NEATConfig:
        options = (self.activations,) if isinstance(self.activations, str) else tuple(self.activations)
        config = NEATConfig(
            own.inputs,
            self._outputs(),
            population=self.population,
            initial_connection=self.initial_connection,
            network=self.network,
            plasticity=self.plasticity,
            activation_default="random",
            activation_options=options,
            output_activation="identity",
            distance="paper",
            fitness_sharing="rank",
        )
        return config.replace(**(self.settings or {}))

    def _engine(self, config: NEATConfig, seed: int, X: EnvSet) -> NEAT:
        """Return a fresh run."""
        from neuroloom.evolve.neat import NEAT

        return NEAT(config, seed)

    def _judged(self, played: Played) -> Any:
        """Return what the engine is told of a generation's episodes: the fitness."""
        return played.returns.mean(axis=1)

    def _behaviour(self, played: Played) -> Floats:
        """Return what each genome did in its episodes ``(genomes, b)``, their ends on average."""
        ends = played.ends
        assert ends is not None
        if self._ranges is None:
            genomes, episodes = ends.shape[:2]
            rows = self._rows(ends.reshape(genomes * episodes, *self.observation_shape_))
            ends = rows.reshape(genomes, episodes, -1)
        return np.asarray(ends.mean(axis=1))

    def _ended(self, engine: Any) -> None:
        """Keep what else a run gave."""

    def _outputs(self) -> int:
        return self.n_actions_ or self.low_.size

    def _standardise(self, X: EnvSet, own: Spaces, seed: int) -> None:
        """Read mean and scale of the observations from a few episodes of random actions."""
        draw = stream(seed, "evolve", "warm-up")
        seen: list[Floats] = []

        def act(observations: NDArray[Any]) -> NDArray[Any]:
            seen.append(own.flatten(observations))
            if own.actions:
                return own.start + draw.integers(own.actions, size=len(observations))
            low, high = np.maximum(own.low, -1e3), np.minimum(own.high, 1e3)
            return draw.uniform(low, high, (len(observations), *own.low.shape))

        rollout(act, X[: min(len(X), _WARM_UP)], 200)
        rows = np.concatenate(seen)
        self.mean_: Floats = rows.mean(axis=0)
        spread = rows.std(axis=0)
        least = _LEAST * np.abs(self.mean_)
        self.scale_: Floats = np.where(spread > 1e-8, np.maximum(spread, least), 1.0)

    def _rows(self, observations: NDArray[Any]) -> Floats:
        """Return the standardised inputs ``(n, inputs)`` that observations are."""
        rows: Floats = (self._spaces().flatten(observations) - self.mean_) / self.scale_
        return rows

    def _player(self, X: EnvSet) -> Callable[[Any, NDArray[np.int64], int | None], Played]:
        """Return the function by which all genomes play the episodes ``rows`` of ``X``, each cut after some steps."""
        poles = cart_poles(X)

        def play(networks: Any, rows: NDArray[np.int64], cut: int | None) -> Played:
            from neuroloom.evolve.plastic import PlasticNetworks
            from neuroloom.evolve.recurrent import RecurrentPhenotypes

            if isinstance(networks, RecurrentPhenotypes | PlasticNetworks):
                act = self._remembering(networks, len(rows))
                return play_population(act, X[rows], len(networks), cut, by_episode=True, ends=self._ends)
            if poles is None or len(networks.own_rows):  # the compiled poles know built-in functions only
                return play_population(self._actor(networks), X[rows], len(networks), cut, ends=self._ends)
            starts, limit = poles
            limit = limit if cut is None else min(limit, cut)
            found = networks.balance(self.mean_, self.scale_, np.ascontiguousarray(starts[:, rows]), limit)
            return Played(found[0], found[1], int(found[0].sum()))  # each step earns 1

        return play

    def _actor(self, phenotypes: Phenotypes) -> Any:
        """Return the function that acts for all genomes at once."""
        members = np.arange(len(phenotypes) + 1)

        def act(observations: NDArray[Any], owners: NDArray[np.int64]) -> NDArray[Any]:
            samples = np.ascontiguousarray(self._rows(observations).T, dtype=np.float32)
            return self._actions(phenotypes.activate_own(samples, np.searchsorted(owners, members)).T)

        return act

    def _remembering(self, networks: RecurrentPhenotypes | PlasticNetworks, episodes: int) -> Any:
        """Return the function that acts for all genomes at once, each episode in a lane of its own."""
        networks.reset(episodes)
        inputs = np.zeros((len(networks), episodes, networks.inputs), np.float32)
        begun: NDArray[np.bool_] | None = None

        def act(observations: NDArray[Any], numbers: NDArray[np.int64]) -> NDArray[Any]:
            nonlocal begun
            members, lanes = np.divmod(numbers, episodes)
            if begun is None:
                begun = np.zeros(inputs.shape[:2], np.bool_)
            else:
                new = ~begun[members, lanes]  # lanes that wait for their turn are stepped with the others
                if new.any():
                    networks.reset_lanes(lanes[new], members[new])
            begun[members, lanes] = True
            inputs[members, lanes] = self._rows(observations)
            return self._actions(networks.step(inputs, members)[members, lanes])

        return act

    def _actions(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Return the actions that ``outputs (n, outputs)`` stand for."""
        if self.n_actions_:
            return np.asarray(self.first_action_ + outputs.argmax(axis=1))
        outputs = outputs.astype(np.float64).reshape(len(outputs), *self.low_.shape)
        bounded = np.isfinite(self.low_) & np.isfinite(self.high_)
        low, high = np.where(bounded, self.low_, 0.0), np.where(bounded, self.high_, 1.0)
        inside = low + (high - low) * (np.tanh(outputs) + 1) / 2
        return np.where(bounded, inside, outputs.clip(self.low_, self.high_))
