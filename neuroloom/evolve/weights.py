"""Searching the weights of a fixed topology: networks as vectors, and runs of any optimiser over them.

Where NEAT changes structure and weights, a :class:`WeightSearch` leaves a genome's structure as it is, made by
hand or evolved, and has an optimiser of numbers find its weights and biases.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.seeding import as_seed, derive, stream
from neuroloom.evolve import population
from neuroloom.evolve.callbacks import Callbacks, told
from neuroloom.evolve.genome import DYNAMICS
from neuroloom.evolve.map_elites import Elite
from neuroloom.evolve.named_fitness import as_fitness, named_fitness
from neuroloom.evolve.novelty import as_behaviour
from neuroloom.evolve.phenotypes import as_samples
from neuroloom.evolve.recurrent import compile_networks

if TYPE_CHECKING:
    from neuroloom.evolve.config import NEATConfig
    from neuroloom.evolve.genome import Genome
    from neuroloom.evolve.learning import Learning

Floats = NDArray[np.float64]
STARTS = ("random", "topology")
FAR = 1e6  # a weight in units of its scale beyond which no optimiser goes


class WeightSpace:
    """The weights of one topology as vectors: those of its enabled connections, then the biases of its nodes.

    Each number is in units of a scale of its own, one over the square root of the inputs that come to the node, so that
    vectors of standard normal numbers are networks at a usual start and a step means as much everywhere.

    Args:
        topology: the genome whose structure, functions and responses all networks have.

    Attributes:
        size: how many numbers a vector has.
        scale: ``(size,)`` the units.

    Source:
        LeCun, Bottou, Orr and Müller (1998), "Efficient BackProp", section 4.6, for the scale.
    """

    def __init__(self, topology: Genome) -> None:
        self.topology = topology
        self._one = genes = population.pack_genomes([topology])
        self._live = np.flatnonzero(genes.enabled)
        targets = np.searchsorted(genes.node_id, genes.target[self._live])
        fan = np.maximum(np.bincount(targets, minlength=len(genes.node_id)), 1)
        self.scale: Floats = 1 / np.sqrt(np.concatenate([fan[targets], fan]))
        self.size = len(self.scale)
        self._many: dict[int, population.Genes] = {}

    def vector(self, topology: Genome | None = None) -> Floats:
        """Return the vector ``(size,)`` of a genome of this structure, the space's own by default."""
        genes = self._one if topology is None else population.pack_genomes([topology])
        return np.concatenate([genes.weight[self._live], genes.bias]) / self.scale

    def genes(self, vectors: Floats) -> population.Genes:
        """Return the networks that ``vectors (n, size)`` stand for."""
        n, split = len(vectors), len(self._live)
        if n not in self._many:
            if len(self._many) > 8:
                self._many.clear()
            self._many[n] = population.take(self._one, [0] * n)
        like, values = self._many[n], vectors * self.scale
        weight = like.weight.reshape(n, -1).copy()
        weight[:, self._live] = values[:, :split]
        return like._replace(weight=weight.ravel(), bias=values[:, split:].ravel())

    def sizes(self, genes: population.Genes) -> Floats:
        """Return the root mean square ``(n,)`` of the vectors that networks of this structure are."""
        n = population.size(genes)
        values = np.hstack([genes.weight.reshape(n, -1)[:, self._live], genes.bias.reshape(n, -1)])
        return np.asarray(np.sqrt(np.square(values / self.scale).mean(axis=1)))

    def genome(self, vector: Floats, fitness: float | None = None) -> Genome:
        """Return the genome that one vector stands for."""
        own = self.topology
        return population.genome(self.genes(vector[None]), 0, own.inputs, own.outputs, fitness, own)

    def slope(self, weight: Floats, bias: Floats) -> Floats:
        """Return a gradient ``(size,)`` by the vector from one by the genes' weights and biases."""
        return np.concatenate([weight[self._live], bias]) * self.scale


class Ended(Exception):
    """Unwinds an optimiser whose evaluations are spent."""


class WeightSearch:
    """Finds the weights of a fixed topology by an optimiser of numbers.

    A generation is ``population`` evaluations, whether the optimiser asks for them together or one after another, so
    that runs of any two, and of :class:`~neuroloom.evolve.NEAT`, compare at the same budget. The exception is
    ``"l-bfgs"``: its generation is one iteration, a few evaluations of the gradient.

    Args:
        topology: the genome whose weights are searched.
        random_state: seed, generator or None for a fresh run.
        threads: threads for evaluation, at least 1.
        optimizer: one of :data:`~neuroloom.evolve.weight_optimizers.OPTIMIZERS`.
        population: evaluations of a generation, at least 4.
        sigma: first step, in units of each weight's scale, above 0; None for the optimiser's own.
        start: ``"random"``, or ``"topology"`` to begin about the weights that the topology has.
        l2: at least 0; so many times half the sum of squares of a vector counts against its fitness.
        options: what else the optimiser takes, by name.
        ranges: ``(low, high)`` of each number of a behaviour, for ``"cma-me"`` and ``"cma-mae"``.
        cells: cells along each.

    Attributes:
        generation: how many generations were evaluated.
        used: the share, 0 to 1, of another budget than evaluations, told by who keeps one, such as of steps.
        best_genome_: the fittest network so far, or None before the first.
        history_: a dict for each generation: ``step``, ``seconds``, ``score``, ``generation_score``,
            ``mean_fitness``, ``evaluations``; with ``coverage`` and ``qd_score`` where there is an archive.

    Raises:
        InputError: a setting is out of its range.

    Example:
        >>> search = WeightSearch(genome, 0, optimizer="cma-es")  # doctest: +SKIP
        >>> best = search.run("neg_log_loss", 50, X, y)  # doctest: +SKIP
    """

    kind = "grid"  # of the archive

    def __init__(
        self,
        topology: Genome,
        random_state: Any = None,
        threads: int = 1,
        *,
        optimizer: str = "cma-es",
        population: int = 150,
        sigma: float | None = None,
        start: str = "random",
        l2: float = 0.0,
        options: Mapping[str, Any] | None = None,
        ranges: Sequence[tuple[float, float]] | None = None,
        cells: Sequence[int] | None = None,
    ) -> None:
        from neuroloom.evolve.config import NEATConfig, refuse_plastic
        from neuroloom.evolve.weight_optimizers import MAPPING, OPTIMIZERS, check_options, default_sigma

        self.optimizer = check_choice("optimizer", optimizer, OPTIMIZERS)
        self.population = check_int("population", population, 4)
        self.sigma = (
            default_sigma(optimizer) if sigma is None else check_float("sigma", sigma, 0, open_low=True)
        )
        self.start = check_choice("start", start, STARTS)
        self.l2 = check_float("l2", l2, 0)
        self.options = check_options(optimizer, dict(options or {}))
        self.threads = check_int("threads", threads)
        self.seed = as_seed(random_state)
        refuse_plastic(
            topology.plasticity, "WeightSearch, which finds the weights that a network begins with,"
        )
        self.space = WeightSpace(topology)
        self.config: NEATConfig = NEATConfig(
            topology.inputs,
            topology.outputs,
            population=self.population,
            **{name: getattr(topology, name) for name in DYNAMICS},
        )
        if (optimizer in MAPPING) != (ranges is not None):
            raise InputError(
                f"`ranges` and `cells` belong to {' and '.join(MAPPING)}, which need them; optimizer is {optimizer!r}."
            )
        self.ranges, self.cells = list(ranges or []), list(cells or [])
        if len(self.ranges) != len(self.cells):
            raise InputError(f"`cells` must be one number for each of {len(self.ranges)} ranges.")
        self.archive: Any = None
        self._reset()

    def _reset(self) -> None:
        self.used = 0.0
        self.generation = 0
        self.history_: list[dict[str, float]] = []
        self._best: tuple[Floats, float] | None = None
        self._now: tuple[Floats, Floats] | None = None
        self._began = time.perf_counter()
        self._evaluations = 0
        self._parts: list[tuple[Floats, Floats]] = []

    # -- what there is --------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self.population

    @property
    def best_genome_(self) -> Genome | None:
        """The fittest network so far."""
        return None if self._best is None else self.space.genome(*self._best)

    @property
    def genes(self) -> population.Genes:
        """The networks of the last generation as arrays."""
        if self._now is None:
            raise InputError("nothing was evaluated yet; call run() first.")
        return self.space.genes(self._now[0])

    @property
    def fitness(self) -> Floats | None:
        """The fitness of the networks of the last generation."""
        return None if self._now is None else self._now[1]

    @property
    def elites_(self) -> list[Elite]:
        """The elites of ``"cma-me"`` and ``"cma-mae"`` by cell."""
        if self.archive is None:
            return []
        names = ["index", "solution", "objective", "measures"]
        cells, vectors, fitness, behaviour = self.archive.data(names, return_type="tuple")
        return [
            Elite(self.space.genome(vectors[k], float(fitness[k])), behaviour[k], int(cells[k]))
            for k in np.argsort(cells)
        ]

    def plot_fitness(self, ax: Any = None, against: str = "step") -> Any:
        """Draw best and mean fitness ``against`` generations, seconds or evaluations; return matplotlib's axes."""
        from neuroloom.evolve.plots import plot_fitness

        return plot_fitness(self.history_, ax, against=against)

    def save(self, path: Any) -> NoReturn:
        """Refuse: optimisers from other libraries hold state that cannot be written as data."""
        raise NotSupportedError("a search of weights cannot be saved midway; keep best_genome_.save(path).")

    # -- the search -----------------------------------------------------------------------------------------

    def run(
        self,
        fitness: Callable[..., Any] | str,
        generations: int,
        X: Any = None,
        y: Any = None,
        callback: Callbacks = None,
    ) -> Genome:
        """Search for ``generations`` generations and return the best genome.

        Args:
            fitness: with ``X``, a function of the outputs ``(genomes, n, outputs)`` and ``y``, or a name as for
                :meth:`~neuroloom.evolve.NEAT.run`; without, a function of compiled networks. It returns a value each,
                higher is better, and for ``"cma-me"`` and ``"cma-mae"`` a pair of these and behaviours.
            generations: at least 1; the run ends with the batch that has spent ``generations`` times ``population``
                evaluations.
            X: ``(n, inputs)`` samples.
            y: handed to ``fitness``.
            callback: called with the search after each generation, a function or several; a true answer ends the run.

        Raises:
            InputError: the fitness has the wrong shape or is not finite.
            NotSupportedError: the optimiser needs a gradient, which only :meth:`run_phenotypes` with ``learning`` has.
        """
        check_int("generations", generations)
        if isinstance(fitness, str):
            evaluate = named_fitness(fitness, self.config, X, y)
        elif X is not None:
            samples = as_samples(X, self.config.inputs)
            evaluate = lambda found: fitness(found.activate(samples).transpose(0, 2, 1), y)  # noqa: E731
        else:
            evaluate = fitness
        self.run_phenotypes(evaluate, generations, callback)
        assert self.best_genome_ is not None
        return self.best_genome_

    def run_phenotypes(
        self,
        evaluate: Callable[[Any], Any],
        generations: int,
        callback: Callbacks = None,
        learning: Learning | None = None,
    ) -> None:
        """Search by a function from compiled networks to fitness; ``learning`` has the loss whose gradient is taken."""
        from neuroloom.evolve.weight_optimizers import optimise

        with told(callback, self, generations) as ended:
            self._evaluate, self._ended = evaluate, ended
            self._learning, self._parts = learning, []
            self._first = self.generation
            self._last = self.generation + generations, self._evaluations + generations * self.population
            try:
                optimise(self)
            except Ended:
                return
            if self._parts:  # the optimiser found nothing more to do
                self.close()

    # -- what an optimiser uses -----------------------------------------------------------------------------

    @property
    def rng(self) -> np.random.Generator:
        """A generator of this run's own."""
        return stream(self.seed, "evolve", "weights", self.optimizer, self.generation)

    @property
    def spent(self) -> float:
        """The share of this run's budget that is spent, 0 to 1: of evaluations, or what :attr:`used` says if more."""
        left = max(self._last[1] - self._evaluations, 0)
        return max(1 - left / ((self._last[0] - self._first) * self.population), min(self.used, 1.0))

    @property
    def answer(self) -> int | None:
        """Which network of the last generation the optimiser stands by, None for the fittest."""
        from neuroloom.evolve.weight_optimizers import ANSWERS_BY_MEAN

        return -1 if self.optimizer in ANSWERS_BY_MEAN else None

    @property
    def number(self) -> int:
        """A seed of this run's own below 2³¹."""
        return derive(self.seed, "weights", self.optimizer, self.generation) % 2**31

    def centre(self) -> Floats:
        """Return the vector that the search begins about."""
        return np.zeros(self.space.size) if self.start == "random" else self.space.vector()

    def sample(self, count: int, rng: np.random.Generator) -> Floats:
        """Return ``(count, size)`` vectors about the centre; where the topology gives it, it is the first of them."""
        spread = 1.0 if self.start == "random" else self.sigma
        made = self.centre() + spread * rng.standard_normal((count, self.space.size))
        if self.start == "topology":
            made[0] = self.centre()
        return made

    def judge(self, vectors: Floats) -> Floats:
        """Return the fitness ``(n,)`` of ``vectors (n, size)``; raises :class:`Ended` when the budget is spent."""
        fitness, _ = self.judge_both(vectors)
        self.settle()
        return fitness

    def judge_both(self, vectors: Floats) -> tuple[Floats, Floats | None]:
        """Return fitness and behaviours ``(n, b)``, None where there is no archive; :meth:`settle` must follow."""
        vectors = np.clip(np.nan_to_num(vectors), -FAR, FAR)
        found = self._evaluate(compile_networks(self.space.genes(vectors), self.config, self.threads))
        behaviour = None
        if self.ranges:
            found, behaviour = as_behaviour(found, len(vectors))
            if behaviour.shape[1] != len(self.ranges):
                raise InputError(
                    f"the behaviour must have {len(self.ranges)} numbers as `ranges` has, but has {behaviour.shape[1]}."
                )
        fitness = as_fitness(found, len(vectors)) - 0.5 * self.l2 * np.square(vectors).sum(axis=1)
        self._note(vectors, fitness)
        return fitness, behaviour

    def settle(self) -> None:
        """End the generation if it has all its evaluations."""
        if sum(len(part) for part, _ in self._parts) >= self.population:
            self.close()

    def slope(self, vector: Floats) -> tuple[float, Floats]:
        """Return the fitness of one vector and its gradient ``(size,)``; the generation is closed by :meth:`close`."""
        if self._learning is None:
            raise NotSupportedError(
                f"{self.optimizer!r} needs the gradient of a loss; use FixedTopologyClassifier or "
                "FixedTopologyRegressor, or pass `learning` to run_phenotypes()."
            )
        fitness, slope = self._learning.slope(self.space.genes(vector[None]), self.config)
        fitness -= 0.5 * self.l2 * float(np.square(vector).sum())
        fitness = fitness if math.isfinite(fitness) else -1e30
        self._note(vector[None], np.array([fitness]))
        return fitness, np.nan_to_num(self.space.slope(*slope)) - self.l2 * vector

    def _note(self, vectors: Floats, fitness: Floats) -> None:
        self._parts.append((vectors, fitness))
        self._evaluations += len(vectors)
        best = int(fitness.argmax())
        if self._best is None or fitness[best] > self._best[1]:
            self._best = vectors[best].copy(), float(fitness[best])

    def close(self) -> None:
        """End a generation: write its line and tell the callbacks."""
        vectors, fitness = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        self._parts = []
        self._now = vectors, fitness
        self.generation += 1
        assert self._best is not None
        entry = {
            "step": self.generation,
            "seconds": time.perf_counter() - self._began,
            "score": self._best[1],
            "generation_score": float(fitness.max()),
            "mean_fitness": float(fitness.mean()),
            "evaluations": self._evaluations,
        }
        if self.archive is not None:
            stats = self.archive.stats
            entry |= {"coverage": float(stats.coverage), "qd_score": float(stats.qd_score)}
        self.history_.append(entry)
        generations, evaluations = self._last
        spent = (
            self.generation >= generations if self.optimizer == "l-bfgs" else self._evaluations >= evaluations
        )
        if self._ended() or spent:
            raise Ended
