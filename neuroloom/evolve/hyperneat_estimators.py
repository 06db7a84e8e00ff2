"""HyperNEAT as scikit-learn's classifier and regressor, and as a policy for episodes.

Stanley, D'Ambrosio and Gauci (2009), "A hypercube-based encoding for evolving large-scale neural networks".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_float, check_int
from neuroloom.core.episodes import Played, Spaces
from neuroloom.core.errors import InputError
from neuroloom.core.samples import EnvSet
from neuroloom.evolve.config import NEATConfig
from neuroloom.evolve.estimators import NEATClassifier, NEATEstimator, NEATRegressor
from neuroloom.evolve.genome import Genome
from neuroloom.evolve.hyperneat import Expression, SubstrateNetwork, SubstrateNetworks, hyperneat_config
from neuroloom.evolve.nsga2 import NSGA2
from neuroloom.evolve.nsga2_estimators import WithFront
from neuroloom.evolve.policy import NEATPolicy
from neuroloom.evolve.substrate import Substrate

if TYPE_CHECKING:
    from neuroloom.evolve.learning import Learning
    from neuroloom.evolve.phenotypes import Phenotypes

Floats = NDArray[np.float64]


class WrittenByPatterns:
    """What the estimators share whose networks are written by CPPNs on lines of neurons.

    Args:
        hidden: neurons of each hidden line, at least 1 each.
        weight_threshold: a connection whose CPPN output is at most so large is not there, in [0, 1).
        max_weight: the largest weight, above 0.
        bias: whether a second output of the CPPN writes the biases.
        leo: whether a last output says which connections there are (Verbancsics and Stanley 2011).
        activation: of hidden neurons, ``"tanh"``, ``"relu"``, ``"sigmoid"`` or ``"identity"``.
    """

    drawn_as = "pattern network (CPPN)"

    hidden: Sequence[int]
    weight_threshold: float
    max_weight: float
    bias: bool
    leo: bool
    activation: str
    plasticity = "none"
    population: int
    settings: dict[str, Any] | None
    learning: str | None
    device: str
    best_genome_: Genome

    # what NEAT's estimators ask of themselves and these do not offer
    engine, learning_steps, learning_rate = "array", 10, 0.05

    def _expression(self, substrate: Substrate) -> Expression:
        """Return how outputs become weights: each link of the substrate has an output of its own."""
        links = len(substrate.joined)
        return Expression(
            self.weight_threshold,
            self.max_weight,
            self.bias,
            self.leo,
            self.activation,
            links,
            self.plasticity,
        )

    def _substrate(self, inputs: int, outputs: int) -> Substrate:
        """Return lines of neurons: inputs and outputs side by side in their order, the hidden lines between."""
        given = [self.hidden] if isinstance(self.hidden, int | np.integer) else list(self.hidden)
        return Substrate.layered(inputs, [check_int("hidden", n) for n in given], outputs, skip=True)

    def _patterns(self, inputs: int, outputs: int) -> NEATConfig:
        """Return the settings for the CPPNs, after a check of what does not apply to them."""
        if self.learning is not None:
            raise InputError(
                f"`learning` must be None: what a network learns cannot be written back into its CPPN, but got "
                f"{self.learning!r}."
            )
        if self.device not in ("auto", "cpu"):
            raise InputError(
                f"`device` must be 'auto' or 'cpu' for networks on substrates, but got {self.device!r}."
            )
        return self._pattern_settings(inputs, outputs)

    def _pattern_settings(self, inputs: int, outputs: int) -> NEATConfig:
        substrate = self._substrate(inputs, outputs)
        return hyperneat_config(
            substrate, self._expression(substrate), self.population, **(self.settings or {})
        )

    def _written(self, genome: Genome, inputs: int, outputs: int) -> Any:
        substrate = self._substrate(inputs, outputs)
        return SubstrateNetwork(genome, substrate, self._expression(substrate))

    def _all_written(self, cppns: Phenotypes, inputs: int, outputs: int) -> Any:
        substrate = self._substrate(inputs, outputs)
        written = SubstrateNetworks(cppns, substrate, self._expression(substrate))
        if self.plasticity == "none":
            return written
        from neuroloom.evolve.plastic_substrate import PlasticSubstrates

        return PlasticSubstrates(written)

    def _priced(self, cppns: Phenotypes, inputs: int, outputs: int) -> tuple[Any, Floats]:
        """Return the networks and the cost of each one's connections."""
        written = self._all_written(cppns, inputs, outputs)
        return written, written.connection_costs()


class WrittenEstimator(WithFront, WrittenByPatterns, NEATEstimator):
    """NEAT's estimators over networks that CPPNs write.

    Args:
        connection_cost: how often, in [0, 1], two patterns are compared by what their connections cost, the sum of the
            squared lengths, as well as by fitness (under NSGA-II's selection); 0 selects by fitness and species.
    """

    connection_cost: float

    def __init__(
        self,
        population: int = 150,
        generations: int = 100,
        learning: str | None = None,
        device: str = "auto",
        random_state: Any = None,
        *,
        hidden: Sequence[int] = (16,),
        weight_threshold: float = 0.2,
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
        self.hidden = hidden
        self.weight_threshold = weight_threshold
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

    def _config(self, inputs: int, outputs: int) -> NEATConfig:
        self.n_outputs_ = outputs
        check_float("connection_cost", self.connection_cost, 0, 1)
        return self._patterns(inputs, outputs)

    def _engine(self, config: NEATConfig, seed: int) -> Any:
        if not self.connection_cost:
            return super()._engine(config, seed)
        return NSGA2(config, seed, complexity="given", cost_rate=self.connection_cost)

    def _ended(self, engine: Any) -> None:
        if self.connection_cost:
            self._keep_front(engine)

    def _trade(self) -> str:
        return "connection cost"

    def _evolve(
        self,
        config: NEATConfig,
        seed: int,
        evaluate: Callable[[Any], Floats],
        validate: Any = None,
        learning: Learning | None = None,
        samples: tuple[NDArray[Any] | None, ...] = (),
    ) -> None:
        size = self.n_features_in_, self.n_outputs_
        checked = None if validate is None else lambda genome: validate(self._written(genome, *size))

        def judged(cppns: Phenotypes) -> Any:
            if not self.connection_cost:
                return evaluate(self._all_written(cppns, *size))
            written, costs = self._priced(cppns, *size)
            return evaluate(written), costs

        super()._evolve(config, seed, judged, checked, None, samples)

    def substrate_network(self) -> Any:
        """Return the fitted network on its substrate; ``.plot()``, ``.to_torch()``. Inputs are standardised."""
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        return self._written(self.best_genome_, self.n_features_in_, self.n_outputs_)

    def _raw(self, X: Any) -> Floats:
        """Return the network's outputs ``(n, outputs)`` for ``X (n, features)``."""
        from sklearn.utils.validation import check_is_fitted, validate_data

        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        found: Floats = self.substrate_network().activate(self._inputs(rows))
        return found


class HyperNEATClassifier(WrittenEstimator, NEATClassifier):
    """HyperNEAT classifier: an evolved CPPN writes the weights of a layered network on lines of neurons.

    A weight is what the CPPN says of the two neurons' places; the inputs feed the outputs directly, too: features and
    classes stand side by side in their order, so the encoding pays where their order means something. Inputs are
    standardised; the fitness is the mean log-likelihood of the labels, as for :class:`NEATClassifier`. All networks
    of a generation are written and computed as one batch.

    Args:
        population: number of CPPNs, at least 2.
        generations: number of generations, at least 1; exactly so many are run unless ``early_stopping``.
        learning: None.
        device: ``"auto"`` or ``"cpu"``.
        random_state: seed, generator or None.
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
        Stanley, D'Ambrosio and Gauci (2009), "A hypercube-based encoding for evolving large-scale neural networks";
        Clune, Mouret and Lipson (2013), "The evolutionary origins of modularity", for ``connection_cost``.
    """


class HyperNEATRegressor(WrittenEstimator, NEATRegressor):
    """HyperNEAT regressor: an evolved CPPN writes the weights of a layered network on lines of neurons.

    As :class:`HyperNEATClassifier`, with one output and the negative mean squared error on the standardised target as
    the fitness.

    Args:
        population: number of CPPNs, at least 2.
        generations: number of generations, at least 1; exactly so many are run unless ``early_stopping``.
        learning: None.
        device: ``"auto"`` or ``"cpu"``.
        random_state: seed, generator or None.
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
        Stanley, D'Ambrosio and Gauci (2009), "A hypercube-based encoding for evolving large-scale neural networks";
        Clune, Mouret and Lipson (2013), "The evolutionary origins of modularity", for ``connection_cost``.
    """

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags: a feature among others whose place means nothing is hard for a pattern to
        single out.
        """
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


class HyperNEATPolicy(WrittenByPatterns, NEATPolicy):
    """HyperNEAT policy: an evolved CPPN writes the weights of a layered network that acts.

    Episodes, fitness and the choice of the champion are those of :class:`NEATPolicy`; all networks of a generation
    act as one batch. With ``plasticity="hebbian"`` the CPPN also writes how each weight changes within an episode
    (adaptive HyperNEAT, Risi and Stanley 2010).

    Args:
        population: number of CPPNs, at least 2.
        generations: number of generations, at least 1; exactly so many are run unless ``early_stopping``.
        learning: None.
        device: ``"auto"`` or ``"cpu"``.
        random_state: seed, generator or None.
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
        Stanley, D'Ambrosio and Gauci (2009), "A hypercube-based encoding for evolving large-scale neural networks";
        Risi and Stanley (2010), "Indirectly encoding neural plasticity as a pattern of local rules".
    """

    def __init__(
        self,
        population: int = 150,
        generations: int = 50,
        learning: str | None = None,
        device: str = "auto",
        random_state: Any = None,
        *,
        hidden: Sequence[int] = (8,),
        weight_threshold: float = 0.2,
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
        self.hidden = hidden
        self.weight_threshold = weight_threshold
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

    def _config(self, own: Spaces) -> NEATConfig:
        return self._patterns(own.inputs, self._outputs())

    def _player(self, X: EnvSet) -> Callable[[Any, NDArray[np.int64], int | None], Played]:
        play = super()._player(X)
        return lambda cppns, rows, cut: play(self._playing(cppns), rows, cut)

    def substrate_network(self) -> Any:
        """Return the fitted network on its substrate; ``.plot()``, ``.to_torch()``. Inputs are standardised."""
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        return self._written(self.best_genome_, self.mean_.size, self._outputs())

    @property
    def _remembers(self) -> bool:
        return self.plasticity != "none"

    def _begin(self, lanes: int) -> Any:
        return self.substrate_network().start(lanes)

    def _playing(self, networks: Any) -> Any:
        return self._all_written(networks, self.mean_.size, self._outputs())
