"""NSGA-II over networks as scikit-learn's classifier and regressor and as a policy.

Deb, Pratap, Agarwal and Meyarivan (2002), "A fast and elitist multiobjective genetic algorithm: NSGA-II".
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_choice
from neuroloom.core.episodes import Spaces
from neuroloom.core.errors import InputError
from neuroloom.core.samples import EnvSet
from neuroloom.evolve.config import NEATConfig
from neuroloom.evolve.estimators import NEATClassifier, NEATEstimator, NEATRegressor, with_genome
from neuroloom.evolve.nsga2 import NAMES, NSGA2, plot_front, undominated
from neuroloom.evolve.policy import NEATPolicy
from neuroloom.evolve.population import pack_genomes

if TYPE_CHECKING:
    from neuroloom.evolve.genome import Genome

Floats = NDArray[np.float64]
_COUNTED = ("connections", "nodes")


class WithFront:
    """What the estimators share that keep a front of networks."""

    front_: list[Genome]
    front_costs_: Floats

    def _trade(self) -> str:
        """Return what is to be small."""
        raise NotImplementedError

    def _keep_front(self, engine: NSGA2) -> None:
        self.front_, self.front_costs_ = engine.front_, engine.front_costs_

    def alternatives(self) -> tuple[str, list[tuple[float, Self]]]:
        """Return what is to be small, and the networks of the front, where there is one, as fitted estimators."""
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        found = zip(self.front_costs_.tolist(), self.front_, strict=True) if hasattr(self, "front_") else []
        return self._trade(), [(cost, with_genome(self, genome)) for cost, genome in found]

    def plot_front(self, ax: Any = None) -> Any:
        """Draw the front, fitness against what is to be small; return matplotlib's axes.

        Raises:
            InputError: the search traded nothing.
        """
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        if not hasattr(self, "front_"):
            raise InputError(
                f"there is no front of fitness and {self._trade()}, since the search minded the first alone."
            )
        return plot_front(self.front_, self.front_costs_, None, self._trade(), ax)


class _ByComplexity(WithFront):
    """Fronts of fitness against a complexity that is counted."""

    complexity: str

    def _run(self, config: NEATConfig, seed: int) -> NSGA2:
        return NSGA2(config, seed, complexity=check_choice("complexity", self.complexity, _COUNTED))

    def _trade(self) -> str:
        return NAMES[self.complexity]


class _NSGA2Estimator(_ByComplexity, NEATEstimator):
    """NEAT's estimators under NSGA-II's selection."""

    engine = "array"

    def __init__(
        self,
        population: int = 150,
        generations: int = 100,
        learning: str | None = None,
        device: str = "auto",
        random_state: Any = None,
        *,
        complexity: str = "connections",
        activations: tuple[str, ...] | list[str] | str = ("tanh", "relu", "gauss", "sin"),
        initial_connection: str = "fs_neat",
        node_add_prob: float = 0.1,
        conn_add_prob: float = 0.2,
        early_stopping: bool = False,
        patience: int = 20,
        validation_fraction: float = 0.15,
        settings: dict[str, Any] | None = None,
        learning_steps: int = 10,
        learning_rate: float = 0.05,
        callbacks: Any = None,
    ) -> None:
        self.population = population
        self.generations = generations
        self.learning = learning
        self.device = device
        self.random_state = random_state
        self.complexity = complexity
        self.activations = activations
        self.initial_connection = initial_connection
        self.node_add_prob = node_add_prob
        self.conn_add_prob = conn_add_prob
        self.early_stopping = early_stopping
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.settings = settings
        self.learning_steps = learning_steps
        self.learning_rate = learning_rate
        self.callbacks = callbacks

    def _engine(self, config: NEATConfig, seed: int) -> NSGA2:
        return self._run(config, seed)

    def _ended(self, engine: NSGA2) -> None:
        self._keep_front(engine)


class NSGA2Classifier(_NSGA2Estimator, NEATClassifier):
    """NSGA-II classifier: networks that evolve to be both fit and small, a front of trade-offs.

    Mutation and crossover are NEAT's, the fitness is the mean log-likelihood of the labels, as for
    :class:`NEATClassifier`; selection is by fronts of fitness against complexity. The fittest network predicts, and
    ``front_`` holds the smaller ones that come close.

    Args:
        population: number of genomes, at least 2.
        generations: number of generations, at least 1; exactly so many are run unless ``early_stopping``.
        learning: as for :class:`NEATClassifier`.
        device: ``"auto"`` and ``"cpu"`` compute by the fused CPU kernel, ``"cuda"`` and others by torch.
        random_state: seed, generator or None.
        complexity: what is to be small: ``"connections"`` that are enabled, or ``"nodes"``, the hidden ones.
        activations: what hidden nodes may compute, names from ``neuroloom.evolve.functions.ACTIVATIONS``.
        initial_connection: how the first genomes are connected, as in ``NEATConfig``; ``"fs_neat"`` begins with one
            input each.
        node_add_prob: chance in [0, 1] that a child gains a node; it loses one with a quarter of it.
        conn_add_prob: chance in [0, 1] that a child gains a connection; it loses one with a quarter of it.
        early_stopping: whether to stop when the validation score (on ``eval_set``, or on rows held out) has not risen
            for ``patience`` generations; the genome that validated best is kept.
        patience: generations, at least 1.
        validation_fraction: share in (0, 1) of the rows held out for early stopping where no ``eval_set`` is given.
        settings: further settings of ``NEATConfig`` by name, or None.
        learning_steps: gradient steps (Adam, full batch) in each generation, at least 1; each counts as an evaluation.
        learning_rate: Adam's step size, above 0.
        callbacks: told of every generation, see ``neuroloom.evolve.callbacks``.

    Attributes:
        best_genome_: the fittest network, which predicts.
        front_: the networks that none dominates, from the smallest to the fittest, each with its ``fitness``.
        front_costs_: ``(n,)`` the complexity of each.
        history_: a dict for each generation. classes_: the labels.

    Raises:
        InputError: a parameter is out of its range.

    Source:
        Deb, Pratap, Agarwal and Meyarivan (2002), "A fast and elitist multiobjective genetic algorithm: NSGA-II".
    """


class NSGA2Regressor(_NSGA2Estimator, NEATRegressor):
    """NSGA-II regressor: networks that evolve to be both fit and small, a front of trade-offs.

    As :class:`NSGA2Classifier`, with the negative mean squared error on the standardised target as the fitness.

    Args:
        population: number of genomes, at least 2.
        generations: number of generations, at least 1; exactly so many are run unless ``early_stopping``.
        learning: as for :class:`NEATClassifier`.
        device: ``"auto"`` and ``"cpu"`` compute by the fused CPU kernel, ``"cuda"`` and others by torch.
        random_state: seed, generator or None.
        complexity: what is to be small: ``"connections"`` that are enabled, or ``"nodes"``, the hidden ones.
        activations: what hidden nodes may compute, names from ``neuroloom.evolve.functions.ACTIVATIONS``.
        initial_connection: how the first genomes are connected, as in ``NEATConfig``; ``"fs_neat"`` begins with one
            input each.
        node_add_prob: chance in [0, 1] that a child gains a node; it loses one with a quarter of it.
        conn_add_prob: chance in [0, 1] that a child gains a connection; it loses one with a quarter of it.
        early_stopping: whether to stop when the validation score (on ``eval_set``, or on rows held out) has not risen
            for ``patience`` generations; the genome that validated best is kept.
        patience: generations, at least 1.
        validation_fraction: share in (0, 1) of the rows held out for early stopping where no ``eval_set`` is given.
        settings: further settings of ``NEATConfig`` by name, or None.
        learning_steps: gradient steps (Adam, full batch) in each generation, at least 1; each counts as an evaluation.
        learning_rate: Adam's step size, above 0.
        callbacks: told of every generation, see ``neuroloom.evolve.callbacks``.

    Attributes:
        best_genome_: the fittest network, which predicts.
        front_: the networks that none dominates, from the smallest to the fittest, each with its ``fitness``.
        front_costs_: ``(n,)`` the complexity of each.
        history_: a dict for each generation.

    Raises:
        InputError: a parameter is out of its range.

    Source:
        Deb, Pratap, Agarwal and Meyarivan (2002), "A fast and elitist multiobjective genetic algorithm: NSGA-II".
    """


class NSGA2Policy(_ByComplexity, NEATPolicy):
    """NSGA-II policy: networks that evolve to earn a high return and to be small, a front of trade-offs.

    Episodes, fitness and the choice of the champion, which acts, are those of :class:`NEATPolicy`; selection is by
    fronts of mean return against complexity. Last, the front's networks play the episodes that champions are judged on,
    and those that another one outdoes then are left out.

    Args:
        population: number of genomes, at least 2.
        generations: number of generations, at least 1; exactly so many are run unless ``early_stopping``.
        learning: None.
        device: ``"auto"`` or ``"cpu"``.
        random_state: seed, generator or None.
        complexity: what is to be small: ``"connections"`` that are enabled, or ``"nodes"``, the hidden ones.
        episodes: starts that every network plays in a generation, at least 1.
        max_steps: steps after which the episodes of the population are cut, or None for the environment's own limit; a
            pair is the first and the last, between which the cut goes by equal ratios over the run. Those of champions
            are whole.
        activations: what hidden nodes may compute, names from ``neuroloom.evolve.functions.ACTIVATIONS``.
        initial_connection: how the first genomes are connected, as in ``NEATConfig``; ``"fs_neat"`` begins with one
            input each.
        network: ``"feed-forward"``, ``"recurrent"`` or ``"ctrnn"``, as in ``NEATConfig``.
        early_stopping: whether to stop as soon as a champion's mean return reaches the environment's own threshold of
            success, or has not risen for ``patience`` generations.
        patience: generations, at least 1.
        steps: steps of the environment after which the run ends with its generation, races included and the final not;
            None leaves it to ``generations``.
        settings: further settings of ``NEATConfig`` by name, or None.
        callbacks: told of every generation, see ``neuroloom.evolve.callbacks``.

    Attributes:
        best_genome_: the champion.
        front_: networks from the smallest to the one of the highest return, each with its mean return as ``fitness``.
        front_costs_: ``(n,)`` the complexity of each.
        history_: a dict for each generation.

    Raises:
        InputError: a parameter is out of its range.
        NotSupportedError: the environment's spaces are neither ``Box`` nor ``Discrete``.

    Differences:
        A network that survives keeps the return it had: its episodes are not played again each generation.

    Source:
        Deb, Pratap, Agarwal and Meyarivan (2002), "A fast and elitist multiobjective genetic algorithm: NSGA-II".
    """

    def __init__(
        self,
        population: int = 150,
        generations: int = 100,
        learning: str | None = None,
        device: str = "auto",
        random_state: Any = None,
        *,
        complexity: str = "connections",
        episodes: int = 2,
        max_steps: int | tuple[int, int] | None = None,
        activations: tuple[str, ...] | list[str] | str = ("tanh",),
        initial_connection: str = "fs_neat",
        network: str = "feed-forward",
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
        self.complexity = complexity
        self.episodes = episodes
        self.max_steps = max_steps
        self.activations = activations
        self.initial_connection = initial_connection
        self.network = network
        self.early_stopping = early_stopping
        self.patience = patience
        self.steps = steps
        self.settings = settings
        self.callbacks = callbacks

    def fit(self, X: EnvSet, y: Any = None) -> Self:
        """Evolve on the episodes of ``X``; ``y`` is not used."""
        super().fit(X, y)
        self._judge_front(X)
        return self

    def _config(self, own: Spaces) -> NEATConfig:
        given = {"conn_delete_prob": 0.1, "node_delete_prob": 0.05, **(self.settings or {})}
        return super()._config(own).replace(**given)

    def _engine(self, config: NEATConfig, seed: int, X: EnvSet) -> NSGA2:
        return self._run(config, seed)

    def _ended(self, engine: NSGA2) -> None:
        self._keep_front(engine)

    def _judge_front(self, X: EnvSet) -> None:
        """Play the champions' episodes with the front and the champion, and keep those that none outdoes."""
        genomes = [*self.front_, self.best_genome_]
        counts = [self._count(genome) for genome in genomes]
        returns = self._judged_again(pack_genomes(genomes), X)
        on = undominated(np.column_stack([-returns, counts]))
        self.front_ = [replace(genomes[g], fitness=float(returns[g])) for g in on]
        self.front_costs_ = np.array([counts[g] for g in on], dtype=np.float64)

    def _count(self, genome: Genome) -> int:
        return genome.n_enabled if self.complexity == "connections" else genome.n_hidden
