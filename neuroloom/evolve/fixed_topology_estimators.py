"""Networks of a fixed topology whose weights an optimiser finds: classifier, regressor and policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.episodes import Played, Spaces
from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.samples import EnvSet
from neuroloom.evolve.config import NEATConfig
from neuroloom.evolve.estimators import NEATClassifier, NEATEstimator, NEATRegressor, probabilities
from neuroloom.evolve.founders import found
from neuroloom.evolve.genome import DYNAMICS, Genome
from neuroloom.evolve.map_elites_estimators import _Mapped, names_of_ends
from neuroloom.evolve.policy import NEATPolicy
from neuroloom.evolve.population import genome as read_genome
from neuroloom.evolve.weight_optimizers import MAPPING, OPTIMIZERS
from neuroloom.evolve.weights import WeightSearch

if TYPE_CHECKING:
    from neuroloom.evolve.learning import Learning
    from neuroloom.evolve.phenotypes import Phenotypes

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
_CELLS = 20
_LARGEST = 3.0  # root mean square of weights, in units of their scale, up to which networks are told apart


class _FixedTopology(_Mapped):
    """What the estimators of a fixed topology share."""

    optimizer: str
    population: int
    hidden: int
    topology: Genome | None
    start: str
    activation: str
    sigma: float | None
    options: Mapping[str, Any] | None

    def _check_search(self) -> None:
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_int("hidden", self.hidden, 0)
        if self.start == "topology" and self.topology is None:
            raise InputError(
                'start="topology" begins at the weights of `topology`, which is None; pass a Genome.'
            )

    def _own_config(self, inputs: int, outputs: int) -> NEATConfig:
        given = self.topology
        if given is None:
            return NEATConfig(
                inputs, outputs, population=self.population, hidden=self.hidden, initial_connection="full_direct",
                activation_default=self.activation, output_activation="identity",
            )  # fmt: skip
        if not isinstance(given, Genome):
            raise InputError(f"`topology` must be a Genome or None, but got {type(given).__name__}.")
        if (given.inputs, given.outputs) != (inputs, outputs):
            raise InputError(
                f"`topology` must have {inputs} inputs and {outputs} outputs for this data, but has {given.inputs} and "
                f"{given.outputs}."
            )
        return NEATConfig(
            inputs,
            outputs,
            population=self.population,
            **{name: getattr(given, name) for name in DYNAMICS},
        )

    def _search(self, config: NEATConfig, seed: int, l2: float, **more: Any) -> WeightSearch:
        topology = self.topology
        if topology is None:
            founders = found(config.replace(population=2), 0)
            topology = read_genome(founders, 0, config.inputs, config.outputs, like=config)
        return WeightSearch(
            topology, seed, optimizer=self.optimizer, population=self.population, sigma=self.sigma, start=self.start,
            l2=l2, options=self.options, **more,
        )  # fmt: skip

    def _ended(self, engine: WeightSearch) -> None:
        if self.optimizer in MAPPING:
            super()._ended(engine)

    def plot_archive(self, ax: Any = None) -> Any:
        """Draw the fitness of the elites of ``"cma-me"`` or ``"cma-mae"`` over their behaviours; return the axes."""
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        if self.optimizer not in MAPPING:
            raise NotSupportedError(f"{self.optimizer!r} keeps no archive; use one of {', '.join(MAPPING)}.")
        return super().plot_archive(ax)


class _FixedTopologyEstimator(_FixedTopology, NEATEstimator):
    """NEAT's estimators with a search of weights in the place of evolution."""

    engine = "array"
    learning = None

    def __init__(
        self,
        optimizer: str = "cma-es",
        hidden: int = 8,
        population: int = 150,
        generations: int = 100,
        device: str = "auto",
        random_state: Any = None,
        *,
        activation: str = "tanh",
        topology: Genome | None = None,
        start: str = "random",
        l2: float = 0.3,
        sigma: float | None = None,
        options: dict[str, Any] | None = None,
        early_stopping: bool = False,
        patience: int = 20,
        validation_fraction: float = 0.15,
        callbacks: Any = None,
    ) -> None:
        self.optimizer = optimizer
        self.hidden = hidden
        self.population = population
        self.generations = generations
        self.device = device
        self.random_state = random_state
        self.activation = activation
        self.topology = topology
        self.start = start
        self.l2 = l2
        self.sigma = sigma
        self.options = options
        self.early_stopping = early_stopping
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.callbacks = callbacks

    def _check(self) -> None:
        self._check_search()
        check_int("population", self.population, 4)
        check_int("generations", self.generations, 1)
        check_int("patience", self.patience, 1)
        check_float("l2", self.l2, 0)
        check_float("validation_fraction", self.validation_fraction, 0, 1, open_low=True, open_high=True)

    def _config(self, inputs: int, outputs: int) -> NEATConfig:
        config = self._own_config(inputs, outputs)
        if config.network != "feed-forward":
            raise InputError(
                f"rows of a table have no order in time, so `topology` must be feed-forward, but is {config.network}."
            )
        return config

    def _engine(self, config: NEATConfig, seed: int) -> WeightSearch:
        more: dict[str, Any] = {}
        if self.optimizer in MAPPING:
            top = (0.5, 1.0) if hasattr(self, "classes_") else (0.0, 1.5)
            more = {"ranges": [(0.0, _LARGEST), top], "cells": [_CELLS, _CELLS]}
        search = self._search(config, seed, self.l2 / self._count, **more)
        self._space = search.space
        return search

    def _ended(self, engine: WeightSearch) -> None:
        super()._ended(engine)
        del self._space, self._count

    def _judged(
        self, evaluate: Callable[[Phenotypes], Any], samples: Floats32, labels: NDArray[np.int64] | None
    ) -> Callable[[Phenotypes], Any]:
        """Return for the mapping optimisers a function to fitness and how large weights and answers are."""
        self._count = samples.shape[1]
        if self.optimizer not in MAPPING:
            return evaluate

        def judge(phenotypes: Phenotypes) -> Any:
            bold = boldness(phenotypes.activate(samples), labels)
            return evaluate(phenotypes), np.stack([self._space.sizes(phenotypes.genes), bold], axis=1)

        return judge

    def _learning(self, samples: Floats32, loss: Callable[[Any], Any]) -> Learning | None:
        """Return the loss that L-BFGS descends."""
        if self.optimizer != "l-bfgs":
            return None
        return self._by_gradient("lamarckian", samples, loss)

    def _names(self) -> tuple[str, str]:
        return "size of the weights", "confidence" if hasattr(self, "classes_") else "spread of the answers"


def boldness(outputs: Floats32, labels: NDArray[np.int64] | None) -> Floats:
    """Return how bold networks with ``outputs (genomes, outputs, n)`` are ``(genomes,)``.

    For classes (``labels`` given) that is the mean probability of the class answered, brought from between chance and 1
    to between a half and 1; for numbers the standard deviation of the first output over the samples.
    """
    found = np.nan_to_num(outputs.astype(np.float64)).clip(-1e6, 1e6)
    if labels is None:
        return np.asarray(found[:, 0].std(axis=1))
    likely = probabilities(found)
    chance = 1 / likely.shape[1]
    return np.asarray(0.5 + 0.5 * (likely.max(axis=1).mean(axis=1) - chance) / (1 - chance))


class FixedTopologyClassifier(_FixedTopologyEstimator, NEATClassifier):
    """Fixed-topology classifier: a network whose structure stays and whose weights an optimiser of numbers finds.

    Inputs, outputs and fitness are those of :class:`NEATClassifier`, less the penalty ``l2``, so that both compare:
    what evolving the structure brings, what a global search of weights and what the gradient (``"l-bfgs"``).

    Args:
        optimizer: ``"cma-es"``, ``"openai-es"``, ``"augmented-random-search"``, ``"pgpe"``, ``"genetic-algorithm"``,
            ``"differential-evolution"``, ``"particle-swarm"``, ``"simulated-annealing"``, ``"hill-climbing"``,
            ``"nelder-mead"``, ``"l-bfgs"``, ``"cma-me"`` or ``"cma-mae"``; see
            :mod:`~neuroloom.evolve.weight_optimizers`.
        hidden: hidden neurons, at least 0, each joined to every input and output; inputs are joined to outputs, too.
        population: evaluations of a generation, at least 4.
        generations: number of generations, at least 1: together ``population`` times as many evaluations (for
            ``"l-bfgs"`` so many iterations at most).
        device: ``"auto"`` and ``"cpu"`` compute by the fused CPU kernel, ``"cuda"`` and others by torch.
        random_state: seed, generator or None.
        activation: what hidden neurons compute, a name from ``neuroloom.evolve.functions.ACTIVATIONS``.
        topology: a genome whose structure the networks have, such as an evolved ``best_genome_``; None for ``hidden``
            neurons in a layer.
        start: ``"random"``, or ``"topology"`` to begin about the weights that ``topology`` has.
        l2: penalty, at least 0: times half the sum of squares of weights and biases in units of their scale, over the
            number of samples; 1 expects numbers of a standard normal distribution, 0.1 of one three times as wide.
        sigma: first step in units of each weight's scale, above 0, or None for the optimiser's own.
        options: what else the optimiser takes, by name, or None.
        early_stopping: whether to stop when the validation score (on ``eval_set``, or on rows held out) has not risen
            for ``patience`` generations; the genome that validated best is kept.
        patience: generations, at least 1.
        validation_fraction: share in (0, 1) of the rows held out for early stopping where no ``eval_set`` is given.
        callbacks: told of every generation, see ``neuroloom.evolve.callbacks``.

    Attributes:
        best_genome_: the fittest network.
        elites_: with ``"cma-me"`` and ``"cma-mae"`` the fittest network of each cell of their archive.
        history_: a dict for each generation: ``step``, ``seconds``, ``score`` (best fitness so far), ``evaluations``,
            ``mean_fitness``, … classes_: the labels.

    Raises:
        InputError: a parameter is out of its range.

    Source:
        the optimisers', see :mod:`~neuroloom.evolve.weight_optimizers`.
    """


class FixedTopologyRegressor(_FixedTopologyEstimator, NEATRegressor):
    """Fixed-topology regressor: a network whose structure stays and whose weights an optimiser of numbers finds.

    Inputs, target and fitness are those of :class:`NEATRegressor`, less the penalty ``l2``.

    Args:
        optimizer: ``"cma-es"``, ``"openai-es"``, ``"augmented-random-search"``, ``"pgpe"``, ``"genetic-algorithm"``,
            ``"differential-evolution"``, ``"particle-swarm"``, ``"simulated-annealing"``, ``"hill-climbing"``,
            ``"nelder-mead"``, ``"l-bfgs"``, ``"cma-me"`` or ``"cma-mae"``; see
            :mod:`~neuroloom.evolve.weight_optimizers`.
        hidden: hidden neurons, at least 0, each joined to every input and output; inputs are joined to outputs, too.
        population: evaluations of a generation, at least 4.
        generations: number of generations, at least 1: together ``population`` times as many evaluations (for
            ``"l-bfgs"`` so many iterations at most).
        device: ``"auto"`` and ``"cpu"`` compute by the fused CPU kernel, ``"cuda"`` and others by torch.
        random_state: seed, generator or None.
        activation: what hidden neurons compute, a name from ``neuroloom.evolve.functions.ACTIVATIONS``.
        topology: a genome whose structure the networks have, such as an evolved ``best_genome_``; None for ``hidden``
            neurons in a layer.
        start: ``"random"``, or ``"topology"`` to begin about the weights that ``topology`` has.
        l2: penalty, at least 0: times half the sum of squares of weights and biases in units of their scale, over the
            number of samples; 1 expects numbers of a standard normal distribution, 0.1 of one three times as wide.
        sigma: first step in units of each weight's scale, above 0, or None for the optimiser's own.
        options: what else the optimiser takes, by name, or None.
        early_stopping: whether to stop when the validation score (on ``eval_set``, or on rows held out) has not risen
            for ``patience`` generations; the genome that validated best is kept.
        patience: generations, at least 1.
        validation_fraction: share in (0, 1) of the rows held out for early stopping where no ``eval_set`` is given.
        callbacks: told of every generation, see ``neuroloom.evolve.callbacks``.

    Attributes:
        best_genome_: the fittest network.
        elites_: with ``"cma-me"`` and ``"cma-mae"`` the fittest network of each cell of their archive.
        history_: a dict for each generation: ``step``, ``seconds``, ``score`` (best fitness so far), ``evaluations``,
            ``mean_fitness``, …

    Raises:
        InputError: a parameter is out of its range.

    Source:
        the optimisers', see :mod:`~neuroloom.evolve.weight_optimizers`.
    """


class FixedTopologyPolicy(_FixedTopology, NEATPolicy):
    """Fixed-topology policy: a network whose structure stays and whose weights an optimiser of numbers finds.

    Episodes and the choice of the champion are those of :class:`NEATPolicy`. Optimisers that hold on to a fitness from
    an earlier generation (all but ``"cma-es"``, ``"openai-es"``, ``"pgpe"`` and ``"augmented-random-search"``)
    compare it with those of other starts.

    Args:
        optimizer: ``"cma-es"``, ``"openai-es"``, ``"augmented-random-search"``, ``"pgpe"``, ``"genetic-algorithm"``,
            ``"differential-evolution"``, ``"particle-swarm"``, ``"simulated-annealing"``, ``"hill-climbing"``,
            ``"nelder-mead"``, ``"cma-me"`` or ``"cma-mae"``; see
            :mod:`~neuroloom.evolve.weight_optimizers`.
        hidden: hidden neurons, at least 0, each joined to every input and output; inputs are joined to outputs, too.
        population: evaluations of a generation, at least 4.
        generations: number of generations, at least 1: together ``population`` times as many evaluations (for
            ``"l-bfgs"`` so many iterations at most).
        device: ``"auto"`` or ``"cpu"``.
        random_state: seed, generator or None.
        episodes: starts that every network plays in a generation, at least 1.
        max_steps: steps after which the episodes of the population are cut, or None for the environment's own limit; a
            pair is the first and the last, between which the cut goes by equal ratios over the run. Those of champions
            are whole.
        activation: what hidden neurons compute, a name from ``neuroloom.evolve.functions.ACTIVATIONS``.
        topology: a genome whose structure the networks have, such as an evolved ``best_genome_``; None for ``hidden``
            neurons in a layer.
        start: ``"random"``, or ``"topology"`` to begin about the weights that ``topology`` has.
        sigma: first step in units of each weight's scale, above 0, or None for the optimiser's own.
        options: what else the optimiser takes, by name, or None.
        ranges: ``(low, high)`` of each number of a behaviour for ``"cma-me"`` and ``"cma-mae"``; None takes the
            environment's ``behaviour_space``, or for last observations 3 standard deviations both ways.
        early_stopping: whether to stop as soon as a champion's mean return reaches the environment's own threshold of
            success, or has not risen for ``patience`` generations.
        patience: generations, at least 1.
        steps: steps of the environment after which the run ends with its generation, races included and the final not;
            None leaves it to ``generations``.
        callbacks: told of every generation, see ``neuroloom.evolve.callbacks``.

    Attributes:
        best_genome_: the fittest network.
        elites_: with ``"cma-me"`` and ``"cma-mae"`` the fittest network of each cell of their archive.
        history_: a dict for each generation: ``step``, ``seconds``, ``score`` (best fitness so far), ``evaluations``,
            ``mean_fitness``, …

    Raises:
        InputError: a parameter is out of its range.
        NotSupportedError: the environment's spaces are neither ``Box`` nor ``Discrete``.

    Source:
        the optimisers', see :mod:`~neuroloom.evolve.weight_optimizers`.
    """

    learning = None
    network = "feed-forward"

    def __init__(
        self,
        optimizer: str = "cma-es",
        hidden: int = 8,
        population: int = 150,
        generations: int = 100,
        device: str = "auto",
        random_state: Any = None,
        *,
        episodes: int = 2,
        max_steps: int | tuple[int, int] | None = None,
        activation: str = "tanh",
        topology: Genome | None = None,
        start: str = "random",
        sigma: float | None = None,
        options: dict[str, Any] | None = None,
        ranges: list[tuple[float, float]] | None = None,
        early_stopping: bool = False,
        patience: int = 30,
        steps: int | None = None,
        callbacks: Any = None,
    ) -> None:
        self.optimizer = optimizer
        self.hidden = hidden
        self.population = population
        self.generations = generations
        self.device = device
        self.random_state = random_state
        self.episodes = episodes
        self.max_steps = max_steps
        self.activation = activation
        self.topology = topology
        self.start = start
        self.sigma = sigma
        self.options = options
        self.ranges = ranges
        self.early_stopping = early_stopping
        self.patience = patience
        self.steps = steps
        self.callbacks = callbacks

    def _check(self, X: Any) -> None:
        super()._check(X)
        self._check_search()
        self._ends = self.optimizer in MAPPING
        check_int("population", self.population, 4)
        if self.optimizer == "l-bfgs":
            raise InputError("returns have no gradient; take another `optimizer` than 'l-bfgs'.")

    def _config(self, own: Spaces) -> NEATConfig:
        return self._own_config(own.inputs, self._outputs())

    def _engine(self, config: NEATConfig, seed: int, X: EnvSet) -> Any:
        if not self._ends:
            return self._search(config, seed, 0.0)
        ranges = self.ranges or self._ranges or [(-3.0, 3.0)] * len(self.mean_)
        cells = [max(2, round((_CELLS * _CELLS) ** (1 / len(ranges))))] * len(ranges)
        return self._search(config, seed, 0.0, ranges=ranges, cells=cells)

    def _judged(self, played: Played) -> Any:
        fitness = played.returns.mean(axis=1)
        return (fitness, self._behaviour(played)) if self._ends else fitness

    def _names(self) -> tuple[str, str]:
        return names_of_ends(self._ranges is not None)
