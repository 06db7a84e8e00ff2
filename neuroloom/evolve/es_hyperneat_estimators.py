"""ES-HyperNEAT as scikit-learn's classifier and regressor, and as a policy for episodes.

Risi and Stanley (2012), "An enhanced hypercube-based encoding for evolving the placement, density, and connectivity of
neurons".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.evolve.config import NEATConfig
from neuroloom.evolve.es_hyperneat import EvolvableSubstrate, Grown, grow
from neuroloom.evolve.estimators import NEATClassifier, NEATRegressor
from neuroloom.evolve.evolved_network import EvolvedNetwork
from neuroloom.evolve.genome import Genome
from neuroloom.evolve.hyperneat import Expression
from neuroloom.evolve.hyperneat_estimators import HyperNEATPolicy, WrittenByPatterns, WrittenEstimator

if TYPE_CHECKING:
    from neuroloom.evolve.phenotypes import Phenotypes

Floats = NDArray[np.float64]


class _Grows(WrittenByPatterns):
    """What the estimators share whose hidden neurons are found by evolution.

    Args:
        initial_depth, max_depth: how often the plane is divided at least and at most, 1 to 10.
        division_threshold, variance_threshold, band_threshold: see :class:`EvolvableSubstrate`, at least 0.
        iterations: how often hidden neurons look for further ones, at least 0.
    """

    initial_depth: int
    max_depth: int
    division_threshold: float
    variance_threshold: float
    band_threshold: float
    iterations: int

    def _evolvable(self, inputs: int, outputs: int) -> EvolvableSubstrate:
        return EvolvableSubstrate.layered(
            inputs,
            outputs,
            initial_depth=self.initial_depth,
            max_depth=self.max_depth,
            division_threshold=self.division_threshold,
            variance_threshold=self.variance_threshold,
            band_threshold=self.band_threshold,
            iterations=self.iterations,
            expression=Expression(
                0.0, self.max_weight, self.bias, self.leo, self.activation, plasticity=self.plasticity
            ),
        )

    def _pattern_settings(self, inputs: int, outputs: int) -> NEATConfig:
        return self._evolvable(inputs, outputs).config(self.population, **(self.settings or {}))

    def _written(self, genome: Genome, inputs: int, outputs: int) -> EvolvedNetwork:
        return EvolvedNetwork(genome, self._evolvable(inputs, outputs))

    def _all_written(self, cppns: Phenotypes, inputs: int, outputs: int) -> Any:
        substrate = self._evolvable(inputs, outputs)
        return self._networks(cppns, grow(cppns, substrate), substrate)

    def _priced(self, cppns: Phenotypes, inputs: int, outputs: int) -> tuple[Any, Floats]:
        substrate = self._evolvable(inputs, outputs)
        grown = grow(cppns, substrate)
        return self._networks(cppns, grown, substrate), grown.connection_costs(substrate)

    def _networks(self, cppns: Phenotypes, grown: Grown, substrate: EvolvableSubstrate) -> Any:
        size, own = (len(substrate.inputs), len(substrate.outputs)), substrate.dynamics
        if own is None:
            return type(cppns)(grown.genes, *size, cppns.threads)
        from neuroloom.evolve.plastic import PlasticPhenotypes

        return PlasticPhenotypes(grown.genes, *size, own, cppns.threads)


class _GrownEstimator(_Grows, WrittenEstimator):
    """HyperNEAT's estimators over networks whose hidden neurons are found."""

    def __init__(
        self,
        population: int = 150,
        generations: int = 100,
        learning: str | None = None,
        device: str = "auto",
        random_state: Any = None,
        *,
        initial_depth: int = 1,
        max_depth: int = 2,
        division_threshold: float = 0.03,
        variance_threshold: float = 0.03,
        band_threshold: float = 0.3,
        iterations: int = 1,
        max_weight: float = 3.0,
        bias: bool = True,
        leo: bool = False,
        activation: str = "tanh",
        connection_cost: float = 0.0,
        early_stopping: bool = False,
        patience: int = 20,
        validation_fraction: float = 0.15,
        settings: dict[str, Any] | None = None,
        callbacks: Any = None,
    ) -> None:
        self.population = population
        self.generations = generations
        self.learning = learning
        self.device = device
        self.random_state = random_state
        self.initial_depth = initial_depth
        self.max_depth = max_depth
        self.division_threshold = division_threshold
        self.variance_threshold = variance_threshold
        self.band_threshold = band_threshold
        self.iterations = iterations
        self.max_weight = max_weight
        self.bias = bias
        self.leo = leo
        self.activation = activation
        self.connection_cost = connection_cost
        self.early_stopping = early_stopping
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.settings = settings
        self.callbacks = callbacks


class ESHyperNEATClassifier(_GrownEstimator, NEATClassifier):
    """ES-HyperNEAT classifier: an evolved CPPN writes a network and says where its hidden neurons lie.

    Inputs stand side by side at the bottom of a plane and classes at its top; hidden neurons and connections are where
    the CPPN's pattern varies, see :class:`EvolvableSubstrate`. Inputs are standardised; the fitness is the mean
    log-likelihood of the labels. The quadtrees of a generation grow together, level by level.

    Args:
        population: number of CPPNs, at least 2.
        generations: number of generations, at least 1; exactly so many are run unless ``early_stopping``.
        learning: None.
        device: ``"auto"`` or ``"cpu"``.
        random_state: seed, generator or None.
        initial_depth, max_depth: how often the plane is divided at least and at most, 1 to 10.
        division_threshold: variance above which a square is divided beyond ``initial_depth``, at least 0.
        variance_threshold: variance within a square above which connections lie in its parts, at least 0.
        band_threshold: how much a square must stand out from its neighbours for a connection, at least 0.
        iterations: how often hidden neurons look for further ones, at least 0.
        max_weight: the largest weight, above 0.
        bias: whether a second output of the CPPN writes the biases.
        leo: whether a last output says which connections there are (Verbancsics and Stanley 2011).
        activation: of hidden neurons, ``"tanh"``, ``"relu"``, ``"sigmoid"`` or ``"identity"``.
        early_stopping: whether to stop when the validation score (on ``eval_set``, or on rows held out) has not risen
            for ``patience`` generations; the CPPN that validated best is kept.
        patience: generations, at least 1.
        validation_fraction: share in (0, 1) of the rows held out for early stopping where no ``eval_set`` is given.
        settings: further settings of ``NEATConfig`` for the CPPNs, or None.
        callbacks: told of every generation, see ``neuroloom.evolve.callbacks``.

    Attributes:
        best_genome_: the CPPN. history_: a dict for each generation. classes_: the labels.
        front_, front_costs_: with ``connection_cost``, the CPPNs that none outdoes in both, and their costs.

    Raises:
        InputError: a parameter is out of its range.

    Source:
        Risi and Stanley (2012), "An enhanced hypercube-based encoding for evolving the placement, density, and
        connectivity of neurons"; Clune, Mouret and Lipson (2013), "The evolutionary origins of modularity", for
        ``connection_cost``.
    """


class ESHyperNEATRegressor(_GrownEstimator, NEATRegressor):
    """ES-HyperNEAT regressor: an evolved CPPN writes a network and says where its hidden neurons lie.

    As :class:`ESHyperNEATClassifier`, with one output and the negative mean squared error on the standardised target
    as the fitness.

    Args:
        population: number of CPPNs, at least 2.
        generations: number of generations, at least 1; exactly so many are run unless ``early_stopping``.
        learning: None.
        device: ``"auto"`` or ``"cpu"``.
        random_state: seed, generator or None.
        initial_depth, max_depth: how often the plane is divided at least and at most, 1 to 10.
        division_threshold: variance above which a square is divided beyond ``initial_depth``, at least 0.
        variance_threshold: variance within a square above which connections lie in its parts, at least 0.
        band_threshold: how much a square must stand out from its neighbours for a connection, at least 0.
        iterations: how often hidden neurons look for further ones, at least 0.
        max_weight: the largest weight, above 0.
        bias: whether a second output of the CPPN writes the biases.
        leo: whether a last output says which connections there are (Verbancsics and Stanley 2011).
        activation: of hidden neurons, ``"tanh"``, ``"relu"``, ``"sigmoid"`` or ``"identity"``.
        early_stopping: whether to stop when the validation score has not risen for ``patience`` generations.
        patience: generations, at least 1.
        validation_fraction: share in (0, 1) of the rows held out for early stopping where no ``eval_set`` is given.
        settings: further settings of ``NEATConfig`` for the CPPNs, or None.
        callbacks: told of every generation, see ``neuroloom.evolve.callbacks``.

    Attributes:
        best_genome_: the CPPN. history_: a dict for each generation.
        front_, front_costs_: with ``connection_cost``, the CPPNs that none outdoes in both, and their costs.

    Raises:
        InputError: a parameter is out of its range.

    Source:
        Risi and Stanley (2012), "An enhanced hypercube-based encoding for evolving the placement, density, and
        connectivity of neurons"; Clune, Mouret and Lipson (2013), "The evolutionary origins of modularity", for
        ``connection_cost``.
    """

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags: a feature among others whose place means nothing is hard for a pattern to
        single out.
        """
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


class ESHyperNEATPolicy(_Grows, HyperNEATPolicy):
    """ES-HyperNEAT policy: an evolved CPPN writes a network that acts and says where its hidden neurons lie.

    Episodes, fitness and the choice of the champion are those of :class:`NEATPolicy`. With ``plasticity="hebbian"`` the
    CPPN also writes how each weight changes within an episode (adaptive ES-HyperNEAT).

    Args:
        population: number of CPPNs, at least 2.
        generations: number of generations, at least 1; exactly so many are run unless ``early_stopping``.
        learning: None.
        device: ``"auto"`` or ``"cpu"``.
        random_state: seed, generator or None.
        initial_depth, max_depth: how often the plane is divided at least and at most, 1 to 10.
        division_threshold: variance above which a square is divided beyond ``initial_depth``, at least 0.
        variance_threshold: variance within a square above which connections lie in its parts, at least 0.
        band_threshold: how much a square must stand out from its neighbours for a connection, at least 0.
        iterations: how often hidden neurons look for further ones, at least 0.
        max_weight: the largest weight, above 0.
        bias: whether a second output of the CPPN writes the biases.
        leo: whether a last output says which connections there are (Verbancsics and Stanley 2011).
        activation: of hidden neurons, ``"tanh"``, ``"relu"``, ``"sigmoid"`` or ``"identity"``.
        plasticity: ``"none"``, or ``"hebbian"`` for weights that change in an episode by rules that the CPPN writes;
            they stay within ``max_weight``.
        episodes: starts that every network plays in a generation, at least 1.
        max_steps: steps after which the episodes of the population are cut, or None for the environment's own limit; a
            pair is the first and the last, between which the cut goes by equal ratios over the run. Those of champions
            are whole.
        early_stopping: whether to stop as soon as a champion's mean return reaches the environment's own threshold of
            success, or has not risen for ``patience`` generations.
        patience: generations, at least 1.
        steps: steps of the environment after which the run ends with its generation, races included and the final not;
            None leaves it to ``generations``.
        settings: further settings of ``NEATConfig`` for the CPPNs, or None.
        callbacks: told of every generation, see ``neuroloom.evolve.callbacks``.

    Attributes:
        best_genome_: the CPPN. history_: a dict for each generation.

    Raises:
        InputError: a parameter is out of its range.
        NotSupportedError: the environment's spaces are neither ``Box`` nor ``Discrete``.

    Source:
        Risi and Stanley (2012), "An enhanced hypercube-based encoding for evolving the placement, density, and
        connectivity of neurons"; Risi and Stanley (2012), "A unified approach to evolving plasticity and neural
        geometry".
    """

    def __init__(
        self,
        population: int = 150,
        generations: int = 50,
        learning: str | None = None,
        device: str = "auto",
        random_state: Any = None,
        *,
        initial_depth: int = 1,
        max_depth: int = 2,
        division_threshold: float = 0.03,
        variance_threshold: float = 0.03,
        band_threshold: float = 0.3,
        iterations: int = 1,
        max_weight: float = 3.0,
        bias: bool = True,
        leo: bool = False,
        activation: str = "tanh",
        plasticity: str = "none",
        episodes: int = 2,
        max_steps: int | tuple[int, int] | None = None,
        early_stopping: bool = True,
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
        self.initial_depth = initial_depth
        self.max_depth = max_depth
        self.division_threshold = division_threshold
        self.variance_threshold = variance_threshold
        self.band_threshold = band_threshold
        self.iterations = iterations
        self.max_weight = max_weight
        self.bias = bias
        self.leo = leo
        self.activation = activation
        self.plasticity = plasticity
        self.episodes = episodes
        self.max_steps = max_steps
        self.early_stopping = early_stopping
        self.patience = patience
        self.steps = steps
        self.settings = settings
        self.callbacks = callbacks
