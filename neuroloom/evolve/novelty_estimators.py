"""Novelty search as scikit-learn's classifier and regressor and as a policy.

Lehman and Stanley (2011), "Abandoning objectives: Evolution through the search for novelty alone"; Naredo and Trujillo
(2013), "Searching for novel classifiers".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.episodes import Played
from neuroloom.core.samples import EnvSet
from neuroloom.evolve.config import NEATConfig
from neuroloom.evolve.estimators import NEATClassifier, NEATEstimator, NEATRegressor, probabilities
from neuroloom.evolve.novelty import NoveltySearch
from neuroloom.evolve.policy import NEATPolicy

if TYPE_CHECKING:
    from neuroloom.evolve.phenotypes import Phenotypes

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
_ROWS = 200  # rows that tell behaviours apart
_FAR = 5.0  # standard deviations beyond which answers are alike


class _Novel:
    """What the estimators under novelty share."""

    mix: float
    neighbours: int
    additions: int
    added: str

    def _search(self, config: NEATConfig, seed: int) -> NoveltySearch:
        return NoveltySearch(
            config, seed, mix=self.mix, neighbours=self.neighbours, additions=self.additions, added=self.added
        )

    def _ended(self, engine: NoveltySearch) -> None:
        self.archive_: Floats = engine.archive_


class _NoveltyEstimator(_Novel, NEATEstimator):
    """NEAT's estimators under selection for novelty."""

    engine = "array"

    def __init__(
        self,
        population: int = 150,
        generations: int = 100,
        learning: str | None = None,
        device: str = "auto",
        random_state: Any = None,
        *,
        mix: float = 0.25,
        neighbours: int = 15,
        additions: int = 6,
        added: str = "random",
        activations: tuple[str, ...] | list[str] | str = ("tanh", "relu", "gauss", "sin"),
        initial_connection: str = "full",
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
        self.mix = mix
        self.neighbours = neighbours
        self.additions = additions
        self.added = added
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

    def _engine(self, config: NEATConfig, seed: int) -> NoveltySearch:
        return self._search(config, seed)

    def _judged(
        self, evaluate: Callable[[Phenotypes], Any], samples: Floats32, labels: NDArray[np.int64] | None
    ) -> Callable[[Phenotypes], Any]:
        """Return a function from compiled networks to their fitness and their behaviour on some of the rows."""
        rows = np.unique(np.linspace(0, samples.shape[1] - 1, _ROWS).round().astype(int))
        some = np.ascontiguousarray(samples[:, rows])
        codes = None if labels is None else labels[rows]
        return lambda phenotypes: (evaluate(phenotypes), answers(phenotypes.activate(some), codes))


def answers(outputs: Floats32, labels: NDArray[np.int64] | None) -> Floats:
    """Return as behaviours ``(genomes, n)`` what networks with ``outputs (genomes, outputs, n)`` answer.

    That is the probability of the true one of ``labels (n,)``, or for None the first output, both bounded.
    """
    found = np.nan_to_num(outputs.astype(np.float64))
    if labels is None:
        return found[:, 0].clip(-_FAR, _FAR)
    likely = probabilities(found)
    return np.asarray(likely[:, labels, np.arange(len(labels))])


class NoveltyClassifier(_NoveltyEstimator, NEATClassifier):
    """Novelty search classifier: networks are selected for answering as no other has, and for answering well.

    A network's behaviour is the probability that it gives the true class of up to 200 rows; mutation, crossover and
    fitness are those of :class:`NEATClassifier`.

    Args:
        population: number of genomes, at least 2.
        generations: number of generations, at least 1; exactly so many are run unless ``early_stopping``.
        learning: as for :class:`NEATClassifier`.
        device: ``"auto"`` and ``"cpu"`` compute by the fused CPU kernel, ``"cuda"`` and others by torch.
        random_state: seed, generator or None.
        mix: share of novelty in what selects, in [0, 1]; the rest is fitness. 1 is novelty alone.
        neighbours: nearest behaviours that novelty is measured by, at least 1.
        additions: behaviours that each generation adds to the archive, at least 0.
        added: which these are: ``"random"`` ones, or the most ``"novel"``.
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
        archive_: ``(m, b)`` the behaviours kept. history_: a dict for each generation. classes_: the labels.

    Raises:
        InputError: a parameter is out of its range.

    Source:
        Lehman and Stanley (2011), "Abandoning objectives: Evolution through the search for novelty alone"; Naredo and
        Trujillo (2013), "Searching for novel classifiers"; Cuccu and Gomez (2011), "When novelty is not enough".
    """


class NoveltyRegressor(_NoveltyEstimator, NEATRegressor):
    """Novelty search regressor: networks are selected for answering as no other has, and for answering well.

    A network's behaviour is what it answers for up to 200 rows; mutation, crossover and fitness are those of
    :class:`NEATRegressor`.

    Args:
        population: number of genomes, at least 2.
        generations: number of generations, at least 1; exactly so many are run unless ``early_stopping``.
        learning: as for :class:`NEATClassifier`.
        device: ``"auto"`` and ``"cpu"`` compute by the fused CPU kernel, ``"cuda"`` and others by torch.
        random_state: seed, generator or None.
        mix: share of novelty in what selects, in [0, 1]; the rest is fitness. 1 is novelty alone.
        neighbours: nearest behaviours that novelty is measured by, at least 1.
        additions: behaviours that each generation adds to the archive, at least 0.
        added: which these are: ``"random"`` ones, or the most ``"novel"``.
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
        archive_: ``(m, b)`` the behaviours kept. history_: a dict for each generation.

    Raises:
        InputError: a parameter is out of its range.

    Source:
        Lehman and Stanley (2011), "Abandoning objectives: Evolution through the search for novelty alone"; Naredo and
        Trujillo (2013), "Searching for novel classifiers"; Cuccu and Gomez (2011), "When novelty is not enough".
    """


class NoveltyPolicy(_Novel, NEATPolicy):
    """Novelty search policy: networks are selected for doing what no other has done, and for a high return.

    A network's behaviour is how its episodes end: what the environment says in ``info["behaviour"]``, else the last
    observation, standardised. Episodes and the choice of the champion are those of :class:`NEATPolicy`.

    Args:
        population: number of genomes, at least 2.
        generations: number of generations, at least 1; exactly so many are run unless ``early_stopping``.
        learning: None.
        device: ``"auto"`` or ``"cpu"``.
        random_state: seed, generator or None.
        mix: share of novelty in what selects, in [0, 1]; the rest is fitness. 1 is novelty alone.
        neighbours: nearest behaviours that novelty is measured by, at least 1.
        additions: behaviours that each generation adds to the archive, at least 0.
        added: which these are: ``"random"`` ones, or the most ``"novel"``.
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
        archive_: ``(m, b)`` the behaviours kept. history_: a dict for each generation.

    Raises:
        InputError: a parameter is out of its range.
        NotSupportedError: the environment's spaces are neither ``Box`` nor ``Discrete``.

    Source:
        Lehman and Stanley (2011), "Abandoning objectives: Evolution through the search for novelty alone"; Cuccu and
        Gomez (2011), "When novelty is not enough".
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
        mix: float = 0.25,
        neighbours: int = 15,
        additions: int = 6,
        added: str = "random",
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
        self.mix = mix
        self.neighbours = neighbours
        self.additions = additions
        self.added = added
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

    def _engine(self, config: NEATConfig, seed: int, X: EnvSet) -> NoveltySearch:
        return self._search(config, seed)

    def _judged(self, played: Played) -> Any:
        return played.returns.mean(axis=1), self._behaviour(played)
