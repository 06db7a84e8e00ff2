"""NSGA-II over networks as scikit-learn's classifier and regressor.

Deb, Pratap, Agarwal and Meyarivan (2002), "A fast and elitist multiobjective genetic algorithm: NSGA-II".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from neuroloom.evolve.config import NEATConfig
from neuroloom.evolve.estimators import NEATClassifier, NEATEstimator, NEATRegressor, with_genome
from neuroloom.evolve.nsga2 import NSGA2, plot_front

if TYPE_CHECKING:
    from neuroloom.evolve.genome import Genome


class _NSGA2Estimator(NEATEstimator):
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
        return NSGA2(config, seed, complexity=self.complexity)

    def _ended(self, engine: NSGA2) -> None:
        self.front_: list[Genome] = engine.front_

    def alternatives(self) -> tuple[str, list[tuple[float, Self]]]:
        """Return what the complexity counts, and the networks of the front as fitted estimators beside their size."""
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        measure = {"connections": "enabled connections", "nodes": "hidden neurons"}[self.complexity]
        sizes = [g.n_enabled if self.complexity == "connections" else g.n_hidden for g in self.front_]
        return measure, [(float(n), with_genome(self, g)) for n, g in zip(sizes, self.front_, strict=True)]

    def plot_front(self, ax: Any = None) -> Any:
        """Draw the front, fitness against complexity; return matplotlib's axes."""
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        return plot_front(self.front_, None, None, self.complexity, ax)


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
        history_: a dict for each generation.

    Raises:
        InputError: a parameter is out of its range.

    Source:
        Deb, Pratap, Agarwal and Meyarivan (2002), "A fast and elitist multiobjective genetic algorithm: NSGA-II".
    """
