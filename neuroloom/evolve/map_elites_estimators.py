"""MAP-Elites as scikit-learn's classifier and regressor and as a policy.

Mouret and Clune (2015), "Illuminating search spaces by mapping elites".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_int
from neuroloom.core.episodes import Played
from neuroloom.core.samples import EnvSet
from neuroloom.evolve.config import NEATConfig
from neuroloom.evolve.estimators import NEATClassifier, NEATEstimator, NEATRegressor, with_genome
from neuroloom.evolve.map_elites import Elite, EliteMap, MAPElites, elite_map, plot_elites
from neuroloom.evolve.policy import NEATPolicy

if TYPE_CHECKING:
    from neuroloom.evolve.genome import Genome
    from neuroloom.evolve.phenotypes import Phenotypes
    from neuroloom.evolve.population import Genes

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
_CELLS, _CENTRES = 20, 400


class _Mapped:
    """What the estimators with a map share."""

    _map: tuple[list[tuple[float, float]], list[int], str] | None = None

    def _ended(self, engine: Any) -> None:
        self.elites_: list[Elite] = engine.elites_
        self._map = engine.ranges, engine.cells, engine.kind

    def elite_map(self) -> EliteMap | None:
        """Return the best training fitness for each kind of network over the first two numbers of a behaviour.

        None where the search kept no map.
        """
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        return None if self._map is None else elite_map(self.elites_, *self._map, self._names())

    def plot_archive(self, ax: Any = None) -> Any:
        """Draw the elites' fitness over their behaviours; return matplotlib's axes."""
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        assert self._map is not None
        return plot_elites(self.elites_, *self._map, self._names(), ax)

    def _names(self) -> tuple[str, str]:
        raise NotImplementedError


class _Sized(_Mapped):
    """Maps of networks that evolution made of any size."""

    def alternatives(self) -> tuple[str, list[tuple[float, Self]]]:
        """Return "enabled connections", and the elites that no smaller one outdoes as fitted estimators beside them."""
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        found: list[Genome] = []
        for genome in sorted((elite[0] for elite in self.elites_), key=lambda g: (g.n_enabled, -_fitness(g))):
            if not found or _fitness(genome) > _fitness(found[-1]):
                found.append(genome)
        return "enabled connections", [(float(g.n_enabled), with_genome(self, g)) for g in found]


class _MAPElitesEstimator(_Sized, NEATEstimator):
    """NEAT's estimators with a map of networks by the features they use and their hidden neurons."""

    engine = "array"

    def __init__(
        self,
        population: int = 150,
        generations: int = 100,
        learning: str | None = None,
        device: str = "auto",
        random_state: Any = None,
        *,
        hidden: int = 10,
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
        self.hidden = hidden
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

    def _names(self) -> tuple[str, str]:
        return "features used", "hidden neurons"

    def _engine(self, config: NEATConfig, seed: int) -> MAPElites:
        check_int("hidden", self.hidden, 0)
        return MAPElites(
            config,
            seed,
            ranges=[(-0.5, config.inputs + 0.5), (-0.5, self.hidden + 0.5)],
            cells=[min(config.inputs + 1, _CELLS), self.hidden + 1],
            offset=self._guess(),
        )

    def _guess(self) -> float:
        """Return the fitness of a guess, which the QD score is measured from."""
        raise NotImplementedError

    def _judged(
        self, evaluate: Callable[[Phenotypes], Any], samples: Floats32, labels: NDArray[np.int64] | None
    ) -> Callable[[Phenotypes], Any]:
        """Return a function from compiled networks to their fitness and what they are made of."""
        return lambda phenotypes: (
            evaluate(phenotypes),
            make_up(phenotypes.genes, phenotypes.inputs, phenotypes.outputs),
        )


def _fitness(genome: Genome) -> float:
    return -np.inf if genome.fitness is None else genome.fitness


def names_of_ends(given: bool) -> tuple[str, str]:
    """Return what the first numbers of an episode's end are, where the environment has ``given`` behaviours or not."""
    return ("behaviour 1", "behaviour 2") if given else ("last observation, 1st", "last observation, 2nd")


def make_up(genes: Genes, inputs: int, outputs: int) -> Floats:
    """Return ``(genomes, 2)``: how many inputs have an enabled connection, and how many hidden nodes there are."""
    count = len(genes.node_ptr) - 1
    owner = np.repeat(np.arange(count), np.diff(genes.conn_ptr))
    used = np.zeros((count, inputs), np.bool_)
    live = genes.enabled & (genes.source < 0)
    used[owner[live], -1 - genes.source[live]] = True
    return np.column_stack([used.sum(axis=1), np.diff(genes.node_ptr) - outputs]).astype(np.float64)


class MAPElitesClassifier(_MAPElitesEstimator, NEATClassifier):
    """MAP-Elites classifier: the fittest network for each number of features used and of hidden neurons.

    Mutation, crossover and fitness are those of :class:`NEATClassifier`; parents are drawn evenly from the map. The
    fittest network predicts, and ``elites_`` holds the best for any size.

    Args:
        population: number of genomes of a batch, at least 2.
        generations: number of generations, at least 1; exactly so many are run unless ``early_stopping``.
        learning: as for :class:`NEATClassifier`.
        device: ``"auto"`` and ``"cpu"`` compute by the fused CPU kernel, ``"cuda"`` and others by torch.
        random_state: seed, generator or None.
        hidden: hidden neurons up to which networks are told apart, at least 0.
        activations: what hidden nodes may compute, names from ``neuroloom.evolve.functions.ACTIVATIONS``.
        initial_connection: how the first genomes are connected, as in ``NEATConfig``.
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
        elites_: the fittest network of each cell, a list of :class:`~neuroloom.evolve.map_elites.Elite`.
        history_: a dict for each generation, with ``coverage`` and ``qd_score``, the sum over the elites of their
            log-likelihood less that of guessing. classes_: the labels.

    Raises:
        InputError: a parameter is out of its range.

    Source:
        Mouret and Clune (2015), "Illuminating search spaces by mapping elites".
    """

    def _guess(self) -> float:
        return -float(np.log(len(self.classes_)))


class MAPElitesRegressor(_MAPElitesEstimator, NEATRegressor):
    """MAP-Elites regressor: the fittest network for each number of features used and of hidden neurons.

    Mutation, crossover and fitness are those of :class:`NEATRegressor`; parents are drawn evenly from the map. The
    fittest network predicts, and ``elites_`` holds the best for any size.

    Args:
        population: number of genomes of a batch, at least 2.
        generations: number of generations, at least 1; exactly so many are run unless ``early_stopping``.
        learning: as for :class:`NEATClassifier`.
        device: ``"auto"`` and ``"cpu"`` compute by the fused CPU kernel, ``"cuda"`` and others by torch.
        random_state: seed, generator or None.
        hidden: hidden neurons up to which networks are told apart, at least 0.
        activations: what hidden nodes may compute, names from ``neuroloom.evolve.functions.ACTIVATIONS``.
        initial_connection: how the first genomes are connected, as in ``NEATConfig``.
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
        elites_: the fittest network of each cell, a list of :class:`~neuroloom.evolve.map_elites.Elite`.
        history_: a dict for each generation, with ``coverage`` and ``qd_score``, the sum over the elites of their
            fitness less that of the mean.

    Raises:
        InputError: a parameter is out of its range.

    Source:
        Mouret and Clune (2015), "Illuminating search spaces by mapping elites".
    """

    def _guess(self) -> float:
        return -1.0  # the target is standardised


class MAPElitesPolicy(_Sized, NEATPolicy):
    """MAP-Elites policy: the network of the highest return for each way in which episodes may end.

    A network's behaviour is how its episodes end: what the environment says in ``info["behaviour"]``, else the last
    observation, standardised. Episodes and the choice of the champion are those of :class:`NEATPolicy`.

    Args:
        population: number of genomes of a batch, at least 2.
        generations: number of generations, at least 1; exactly so many are run unless ``early_stopping``.
        learning: None.
        device: ``"auto"`` or ``"cpu"``.
        random_state: seed, generator or None.
        ranges: ``(low, high)`` of each number of a behaviour; None takes the environment's ``behaviour_space``, or for
            last observations 3 standard deviations both ways.
        cells: cells along each number, or None for 20, and for 400 cells of even spread where there are more than two
            numbers.
        episodes: starts that every network plays in a generation, at least 1; its behaviour is their mean.
        max_steps: steps after which the episodes of the population are cut, or None for the environment's own limit; a
            pair is the first and the last, between which the cut goes by equal ratios over the run. Those of champions
            are whole.
        activations: what hidden nodes may compute, names from ``neuroloom.evolve.functions.ACTIVATIONS``.
        initial_connection: how the first genomes are connected, as in ``NEATConfig``.
        network: ``"feed-forward"``, ``"recurrent"`` or ``"ctrnn"``, as in ``NEATConfig``.
        early_stopping: whether to stop as soon as a champion's mean return reaches the environment's own threshold of
            success, or has not risen for ``patience`` generations.
        patience: generations, at least 1.
        steps: steps of the environment after which the run ends with its generation, races included and the final not;
            None leaves it to ``generations``.
        settings: further settings of ``NEATConfig`` by name, or None.
        callbacks: told of every generation, see ``neuroloom.evolve.callbacks``.

    Attributes:
        best_genome_: the fittest network, which acts.
        elites_: the fittest network of each cell, a list of :class:`~neuroloom.evolve.map_elites.Elite`.
        history_: a dict for each generation, with ``coverage`` and ``qd_score``, the sum over the elites of their
            return less the least of the first generation.

    Raises:
        InputError: a parameter is out of its range.
        NotSupportedError: the environment's spaces are neither ``Box`` nor ``Discrete``.

    Source:
        Mouret and Clune (2015), "Illuminating search spaces by mapping elites".
    """

    _ends = True

    def __init__(
        self,
        population: int = 150,
        generations: int = 100,
        learning: str | None = None,
        device: str = "auto",
        random_state: Any = None,
        *,
        ranges: Sequence[tuple[float, float]] | None = None,
        cells: int | Sequence[int] | None = None,
        episodes: int = 2,
        max_steps: int | tuple[int, int] | None = None,
        activations: tuple[str, ...] | list[str] | str = ("tanh",),
        initial_connection: str = "full",
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
        self.ranges = ranges
        self.cells = cells
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

    def _engine(self, config: NEATConfig, seed: int, X: EnvSet) -> MAPElites:
        ranges = self.ranges or self._ranges or [(-3.0, 3.0)] * len(self.mean_)
        grid = len(ranges) <= 2
        cells = (_CELLS if grid else _CENTRES) if self.cells is None else self.cells
        kind = "grid" if grid else "cvt"
        return MAPElites(config, seed, ranges=ranges, cells=cells, archive=kind, offset=None)

    def _judged(self, played: Played) -> Any:
        return played.returns.mean(axis=1), self._behaviour(played)

    def _names(self) -> tuple[str, str]:
        return names_of_ends(self._ranges is not None)
