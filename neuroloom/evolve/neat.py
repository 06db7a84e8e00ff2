"""NEAT: networks whose topology and weights evolve together.

Stanley and Miikkulainen (2002), "Evolving neural networks through augmenting topologies".
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_int
from neuroloom.core.errors import InputError
from neuroloom.core.seeding import as_seed, derive
from neuroloom.evolve import population, species
from neuroloom.evolve.breeding import Breeder, Innovations
from neuroloom.evolve.config import NEATConfig, refuse_plastic
from neuroloom.evolve.founders import as_founder, connection_pairs, found
from neuroloom.evolve.functions import own_names
from neuroloom.evolve.named_fitness import as_fitness, named_fitness
from neuroloom.evolve.phenotypes import Phenotypes, as_samples

if TYPE_CHECKING:
    from pathlib import Path

    from neuroloom.evolve.callbacks import Callbacks
    from neuroloom.evolve.genome import Genome
    from neuroloom.evolve.learning import Learning

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_TRIES = 12  # thresholds tried in a generation for the number of species wanted
_STATE = (
    "seed",
    "history_",
    "species_sizes_",
    "generation",
    "_restarts",
    "_threshold",
    "_best_fitness",
    "_improved",
    "_species",
    "_fitness",
)


class NEAT:
    """Evolves a population of networks; the engine behind the estimators.

    The population is arrays of genes, worked on by compiled kernels. Every genome draws from a stream of its own,
    keyed by (seed, generation, index): one seed gives one run, bit for bit, on any number of threads, and through
    :meth:`state` and :meth:`from_state`.

    Args:
        config: the settings.
        random_state: seed, generator or None for a fresh run.
        threads: threads for mutation and evaluation, at least 1.
        founder: a genome whose mutated copies begin the run, beside one that is as given; None for founders by the
            settings' rule.

    Attributes:
        generation: how many populations were evaluated.
        best_genome_: the fittest genome so far, a :class:`Genome`, or None before the first :meth:`tell`.
        history_: a dict for each generation: ``step`` (from 1), ``seconds``, ``score`` (best fitness so far),
            ``generation_score``, ``mean_fitness``, ``evaluations``, ``species``, ``hidden`` and ``connections``
            (means).
        species_sizes_: for each generation, the members of each living species by its number.

    Differences:
        A connection's two ends have one innovation number for the whole run, where the paper's list begins anew with
        each generation; nodes are matched within a generation, as there. Of equally fit parents the one that stands
        first is taken as the fitter. New genes are not perturbed in the generation they arise in. Offspring counts are
        the shares themselves, without neat-python's halfway step from the last size.

    Source:
        Stanley and Miikkulainen (2002), "Evolving neural networks through augmenting topologies".
    """

    def __init__(
        self, config: NEATConfig, random_state: Any = None, threads: int = 1, founder: Genome | None = None
    ) -> None:
        if not isinstance(config, NEATConfig):
            raise InputError(f"`config` must be a NEATConfig, but got {type(config).__name__}.")
        self.config = config
        self.seed = as_seed(random_state)
        self.threads = check_int("threads", threads)
        self.founder = None if founder is None else as_founder(founder, config)
        self.history_: list[dict[str, float]] = []
        self.species_sizes_: list[dict[int, int]] = []
        self.generation = 0
        self._began = time.perf_counter()
        self._restarts = 0
        self._threshold = config.compatibility_threshold
        self._best_fitness = -np.inf
        self._best: population.Genes | None = None
        self._improved = 0
        self._table = species.SpeciesTable()
        self._fitness: Floats | None = None
        self._breeder = Breeder(config, self.seed, self.threads)
        self._start()

    def _start(self) -> None:
        """Begin with new founders."""
        config = self.config
        if self.founder is None:
            self._genes = found(config, self.seed, self._restarts)
            self._known = Innovations.of(config.outputs + config.hidden, connection_pairs(config))
        else:
            genes = population.pack_genomes([self.founder])
            pairs = np.column_stack([genes.source, genes.target]).astype(np.int64)
            self._known = Innovations.of(int(genes.node_id.max()) + 1, pairs)
            only, keep = np.zeros(len(self), np.int64), np.arange(len(self)) == 0
            made = derive(self.seed, "founder", self._restarts)
            self._genes = Breeder(config, made, self.threads).offspring(
                genes, only, only, 0, self._known, keep
            )
        self._table.keep(np.empty(0, np.int64))
        self._speciate(self._genes, np.empty(0, np.int64))

    @property
    def recurrent(self) -> bool:
        """Whether the networks have a state from one input to the next."""
        return self.config.stateful

    # -- what there is --------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self.config.population

    @property
    def genomes(self) -> Sequence[Genome]:
        """The present population as readable values, each made where it is asked for."""
        return population.Genomes(self._genes, self.config.inputs, self.config.outputs, self.config)

    @property
    def genes(self) -> population.Genes:
        """The present population as arrays."""
        return self._genes

    @property
    def fitness(self) -> Floats | None:
        """The fitness ``(population,)`` of the present population, or None before it is evaluated."""
        return self._fitness

    @property
    def best_genome_(self) -> Genome | None:
        """The fittest genome so far."""
        if self._best is None:
            return None
        own = self.config
        return population.genome(self._best, 0, own.inputs, own.outputs, self._best_fitness, own)

    @property
    def species_(self) -> dict[int, Ints]:
        """Members of each living species by its number, as rows of the population."""
        return {int(key): np.flatnonzero(self._species == s) for s, key in enumerate(self._table.key)}

    @property
    def species_table(self) -> dict[int, tuple[int, int]]:
        """The generations in which each living species arose and last improved, by its number."""
        rows = zip(self._table.key, self._table.created, self._table.improved, strict=True)
        return {int(key): (int(created), int(improved)) for key, created, improved in rows}

    def plot_fitness(self, ax: Any = None, against: str = "step") -> Any:
        """Draw best and mean fitness ``against`` generations, seconds or evaluations; return the matplotlib axes."""
        from neuroloom.evolve.plots import plot_fitness

        return plot_fitness(self.history_, ax, against=against)

    def plot_species(self, ax: Any = None) -> Any:
        """Draw the stream of species over the generations; return the matplotlib axes."""
        from neuroloom.evolve.plots import plot_species

        return plot_species(self.species_sizes_, ax)

    def phenotypes(self) -> Any:
        """Return the compiled networks of the present population: :class:`Phenotypes`, or, where the settings name
        another ``network`` than feed-forward, :class:`RecurrentPhenotypes`; plastic ones are
        :class:`PlasticPhenotypes`.
        """
        return self._compile(self._genes)

    def _compile(self, genes: population.Genes) -> Any:
        if self.recurrent:
            from neuroloom.evolve.recurrent import compile_networks

            return compile_networks(genes, self.config, self.threads)
        return Phenotypes(genes, self.config.inputs, self.config.outputs, self.threads)

    def activate(self, X: Any) -> NDArray[np.float32]:
        """Return the outputs ``(genomes, n, outputs)`` of the present population for ``X (n, inputs)``.

        Recurrent networks take sequences ``(n, time, inputs)`` and return ``(genomes, n, time, outputs)``.
        """
        outputs: NDArray[np.float32] = self._outputs_on(X)(self.phenotypes())
        return outputs

    def _outputs_on(self, X: Any) -> Callable[[Any], Any]:
        """Return a function from compiled networks to their outputs on ``X``, which reuses its memory."""
        if self.recurrent:
            from neuroloom.evolve.recurrent import as_sequences

            sequences = as_sequences(X, self.config.inputs)
            if self.config.plasticity != "none":
                return lambda phenotypes: phenotypes.activate_sequence(X)
            return lambda phenotypes: phenotypes.run(sequences).transpose(0, 3, 1, 2)
        samples = as_samples(X, self.config.inputs)
        out = np.empty((len(self), self.config.outputs, samples.shape[1]), np.float32)
        return lambda phenotypes: phenotypes.activate(samples, out).transpose(0, 2, 1)

    # -- evolution ------------------------------------------------------------------------------------------

    def ask(self) -> Any:
        """Return the networks to be evaluated next, as one trainable ``torch.nn.Module``.

        That is a :class:`PopulationNet`, or a :class:`RecurrentPopulationNet` of networks with a state.

        Raises:
            InputError: the networks are plastic; :meth:`advance` breeds and :meth:`phenotypes` gives them.
        """
        if self.config.plasticity != "none":
            raise InputError(
                "ask() gives networks of torch, which has no form of plastic ones; breed with advance(), compute with "
                "phenotypes(), then tell(fitness), or pass the samples `X` to run()."
            )
        from neuroloom.evolve.population_net import PopulationNet

        if self._fitness is not None:
            self._breed()
        if self.recurrent:
            from neuroloom.evolve.recurrent_net import RecurrentPopulationNet

            return RecurrentPopulationNet(self.phenotypes())
        return PopulationNet(self.phenotypes())

    def advance(self) -> bool:
        """Breed the next generation if this one has its fitness, as :meth:`ask` does, without torch.

        Returns:
            whether every species had died out, so that new founders came.
        """
        before = self._restarts
        if self._fitness is not None:
            self._breed()
        return self._restarts > before

    def tell(self, fitness: Any, net: Any = None) -> None:
        """Take the fitness of each genome that :meth:`ask` gave, ``(population,)``; higher is better.

        The next :meth:`ask` breeds the next generation.

        Args:
            fitness: one finite value a genome.
            net: what :meth:`ask` gave, if it was trained since: its weights and biases become the genes.

        Raises:
            InputError: the shape is another, a value is not finite, or no population was asked for.
        """
        if self._fitness is not None:
            raise InputError("this population has its fitness already; call ask() for the next one first.")
        if net is not None:
            self._genes = net.to_genes()
        self._score(self._values(fitness))

    def run(
        self,
        fitness: Callable[..., Any] | str,
        generations: int,
        X: Any = None,
        y: Any = None,
        callback: Callbacks = None,
        *,
        learning: str | None = None,
        learning_steps: int = 10,
        learning_rate: float = 0.05,
        loss: Callable[[Any, Any], Any] | None = None,
    ) -> Genome:
        """Evolve for ``generations`` generations, or until ``fitness_threshold`` is reached, and return the best
        genome.

        Args:
            fitness: with ``X``, a function of the outputs ``(genomes, n, outputs)`` and ``y``; without, a function of a
                :class:`PopulationNet`, or neat-python's ``eval_genomes(genomes, config)`` which sets ``genome.fitness``
                for each ``(id, genome)``. The first two return ``(genomes,)`` values, higher is better. Or a name:
                ``"neg_mean_squared_error"`` or ``"neg_log_loss"``, computed with the networks in one compiled pass, see
                :func:`named_fitness.named_fitness`.
            generations: how many populations are evaluated, at least 1; 0 after others were.
            X: ``(n, inputs)`` samples on which all networks are computed as one batch; ``(n, time, inputs)`` sequences
                for recurrent ones, whose outputs are ``(genomes, n, time, outputs)``.
            y: handed to ``fitness`` with ``X``.
            callback: called with the engine after each evaluation, a function or several, see :mod:`callbacks`; a true
                answer ends the run.
            learning: None, or what becomes of what the networks learn by gradient before they are evaluated:
                ``"lamarckian"`` writes it into the genes, ``"baldwinian"`` lets only the fitness tell. Needs ``X``.
            learning_steps: steps of Adam in each generation, at least 1; each counts as an evaluation.
            learning_rate: Adam's step size, above 0.
            loss: what is learnt, as a function of tensors: outputs ``(genomes, n, outputs)`` and ``y`` to a loss
                ``(genomes,)``; None takes the negative ``fitness``, which must then be written with torch.

        Raises:
            InputError: the fitness has the wrong shape or is not finite, or nothing can be learnt from it.
        """
        check_int("generations", generations, 0 if self.generation else 1)
        taught = self._learning(learning, learning_steps, learning_rate, fitness, loss, X, y)
        evaluate = self._evaluation(fitness, X, y)
        if taught is not None and loss is None:
            import torch

            def evaluate(phenotypes: Phenotypes) -> Any:
                outputs = phenotypes.activate(as_samples(X, self.config.inputs)).transpose(0, 2, 1)
                return -taught.loss(torch.from_numpy(outputs))

        self._loop(evaluate, generations, callback, taught)
        best = self.best_genome_
        assert best is not None
        return best

    def run_phenotypes(
        self,
        evaluate: Callable[[Phenotypes], Any],
        generations: int,
        callback: Callbacks = None,
        learning: Learning | None = None,
    ) -> None:
        """Evolve as :meth:`run` does, by a function from compiled networks to fitness; only learning needs torch."""
        self._loop(evaluate, generations, callback, learning)

    def _loop(
        self,
        evaluate: Callable[[Phenotypes], Any],
        generations: int,
        callback: Callbacks,
        learning: Learning | None,
    ) -> None:
        from neuroloom.evolve.callbacks import told

        with told(callback, self, generations) as ended:
            self._generations(evaluate, generations, ended, learning)

    def _generations(
        self,
        evaluate: Callable[[Phenotypes], Any],
        generations: int,
        ended: Callable[[], bool],
        learning: Learning | None,
    ) -> None:
        for step in range(generations):
            if self._fitness is not None:
                self._breed()
            judged = self._genes
            if learning is not None:
                judged = learning.train(judged, self.config)
                if learning.rule == "lamarckian":
                    self._genes = judged
            values = self._values(evaluate(self._compile(judged)))
            self._score(values, judged, 1 if learning is None else 1 + learning.steps)
            done = step + 1 == generations or (
                self.config.fitness_threshold is not None
                and getattr(values, self.config.fitness_criterion)() >= self.config.fitness_threshold
            )
            if ended() or done:
                break

    # -- checkpoints ----------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return the whole run as plain data: numbers, arrays, lists and dicts; nothing is changed by it."""
        kept = {name: getattr(self, name) for name in _STATE}
        table = {
            name: np.array(getattr(self._table, name)) for name in ("key", "created", "improved", "best")
        }
        return copy.deepcopy(
            {
                "config": self.config.to_dict(),
                **kept,
                "genes": tuple(self._genes),
                "innovations": (self._known.next_ids, self._known.keys, self._known.values),
                "best": None if self._best is None else tuple(self._best),
                "table": {**table, "next_key": self._table.next_key},
                "elapsed": time.perf_counter() - self._began,
                "founder": None if self.founder is None else self.founder.to_dict(),
                "functions": {role: own_names(role) for role in ("activation", "aggregation")},
            }
        )

    def save(self, path: str | Path) -> None:
        """Write the run to a file that holds no code, in one step: a kill leaves the file as it was before or after.

        :class:`~neuroloom.evolve.callbacks.Checkpoint` does so every few generations.
        """
        from neuroloom.evolve.saving import write

        write(path, "neat", self.state())

    @classmethod
    def load(cls, path: str | Path, threads: int = 1) -> NEAT:
        """Return a run that goes on, bit for bit, where :meth:`save` was called.

        Raises:
            InputError: there is no such file, it holds something else, or a function of one's own is not registered.
        """
        from neuroloom.evolve.saving import read

        return cls.from_state(read(path, "neat"), threads)

    @classmethod
    def from_state(cls, state: dict[str, Any], threads: int = 1) -> NEAT:
        """Return a run that goes on, bit for bit, where :meth:`state` was taken.

        Raises:
            InputError: a function of one's own is not registered.
        """
        state = copy.deepcopy(state)
        from neuroloom.evolve.genome import Genome

        founder = None if state.get("founder") is None else Genome.from_dict(state["founder"])
        engine = cls(NEATConfig(**state["config"]), state["seed"], threads, founder)
        for name in _STATE:
            setattr(engine, name, state[name])
        engine._genes = population.with_own_functions(population.Genes(*state["genes"]), state["functions"])
        if state["best"] is not None:
            engine._best = population.with_own_functions(population.Genes(*state["best"]), state["functions"])
        engine._table = species.SpeciesTable(**state["table"])
        engine._known = Innovations(*state["innovations"])
        engine._began = time.perf_counter() - state["elapsed"]
        return engine

    # -- parts ----------------------------------------------------------------------------------------------

    def _values(self, found: Any) -> Floats:
        """Return the fitness ``(population,)`` that an evaluation gave."""
        return as_fitness(found, len(self))

    def _learning(
        self, rule: str | None, steps: int, rate: float, fitness: Any, loss: Any, X: Any, y: Any
    ) -> Learning | None:
        """Return how the networks learn before they are evaluated, or None."""
        from neuroloom.evolve.learning import Learning, check_learning

        check_learning(rule, steps, rate)
        if rule is None:
            return None
        refuse_plastic(self.config.plasticity, "learning by gradient")
        if self.recurrent:
            raise InputError(
                f'learning between generations is for network="feed-forward", but this is {self.config.network!r}; '
                "train a winner by gradient through time with Genome.to_torch()."
            )
        if X is None:
            raise InputError("learning needs the samples `X` (and `y`) that its gradient is taken on.")
        if isinstance(fitness, str) and loss is None:
            raise InputError(f"learning with the fitness {fitness!r} needs `loss`, a function of tensors.")
        import torch

        targets = None if y is None else torch.as_tensor(np.asarray(y))
        if targets is not None and targets.dtype == torch.float64:
            targets = targets.float()

        def negative(outputs: Any) -> Any:
            found = fitness(outputs, targets)
            return -found if isinstance(found, torch.Tensor) else None

        as_samples(X, self.config.inputs)
        return Learning(
            rule, negative if loss is None else lambda outputs: loss(outputs, targets), X, steps, rate
        )

    def _evaluation(self, fitness: Callable[..., Any] | str, X: Any, y: Any) -> Callable[[Phenotypes], Any]:
        """Return a function that evaluates compiled networks of the present population."""
        if isinstance(fitness, str):
            return named_fitness(fitness, self.config, X, y)
        if not callable(fitness):
            raise InputError(
                f"`fitness` must be a function or the name of a fitness, but got {type(fitness).__name__}."
            )
        if X is None and y is not None:
            raise InputError("`y` goes with the samples `X`, which are missing; pass both or neither.")
        if X is not None:
            outputs_of = self._outputs_on(X)
            return lambda phenotypes: fitness(outputs_of(phenotypes), y)
        from neuroloom.evolve.neat_python import call_eval_genomes, takes_genomes

        if takes_genomes(fitness):
            return lambda _: call_eval_genomes(fitness, list(self.genomes), self.config)
        return lambda _: fitness(self.ask())

    def _score(self, fitness: Floats, judged: population.Genes | None = None, evaluations: int = 1) -> None:
        """Note the fitness of the present population, earned by the networks ``judged``."""
        self._fitness = fitness
        best = int(fitness.argmax())
        if fitness[best] > self._best_fitness:
            self._best_fitness = float(fitness[best])
            self._best = population.alone(self._genes if judged is None else judged, best)
            self._improved = self.generation
        self.generation += 1
        keys, n = self._table.key.tolist(), len(self)
        sizes = np.bincount(self._species, minlength=len(keys)).tolist()
        self.species_sizes_.append(dict(zip(keys, sizes, strict=True)))
        before = self.history_[-1]["evaluations"] if self.history_ else 0
        self.history_.append(
            {
                "step": self.generation,
                "seconds": time.perf_counter() - self._began,
                "score": self._best_fitness,
                "generation_score": float(fitness[best]),
                "mean_fitness": float(np.add.reduce(fitness)) / n,
                "evaluations": before + evaluations * n,
                "species": len(keys),
                "hidden": len(self._genes.node_id) / n - self.config.outputs,
                "connections": len(self._genes.weight) / n,
            }
        )

    def _breed(self) -> None:
        """Make the next generation from the fitness of this one."""
        config, table, fitness = self.config, self._table, self._fitness
        assert fitness is not None
        self._fitness = None
        members = species.sort_members(self._species, fitness, len(table.key))
        now = species.species_fitness(config, members, fitness)
        better = now > table.best
        table.best = np.where(better, now, table.best)
        table.improved[better] = self.generation
        refocus = config.refocus_after is not None and self.generation - self._improved > config.refocus_after
        if refocus:
            self._improved = self.generation
        allowed = species.breeding(config, table, self.generation, refocus)
        if refocus:
            table.improved[allowed] = self.generation
        if not allowed.any():
            self._die_out()
            return
        spawn = species.spawn_counts(config, species.shares(config, members, fitness), allowed, members.sizes)
        genes, representatives = self._breeder.children(
            self._genes, members, spawn, fitness, self.generation, self._known
        )
        old, self._genes = self._genes, genes
        living = spawn.nonzero()[0]
        if len(living) < len(spawn):
            table.keep(living)
            representatives = representatives[living]
        self._speciate(old, representatives)

    def _die_out(self) -> None:
        if not self.config.reset_on_extinction:
            raise InputError(
                f"every species stagnated by generation {self.generation}; raise `max_stagnation` or "
                "`species_elitism`, or set reset_on_extinction=True."
            )
        self._restarts += 1
        self._start()

    def _speciate(self, old: population.Genes, representatives: Ints) -> None:
        """Put every genome into a species, at a threshold that gives about the number of species wanted."""
        target = self.config.species_target
        own, sizes = self._breeder.place(self._genes, old, representatives, self._threshold)
        if target is not None and abs(np.count_nonzero(sizes) - target) > target // 4:
            low, high, tried = 0.0, np.inf, self._threshold  # more species below, fewer above
            for _ in range(_TRIES):
                if np.count_nonzero(sizes) > target:
                    low, tried = tried, tried * 1.3 if high == np.inf else (tried * high) ** 0.5
                else:
                    high, tried = tried, tried / 1.3 if low == 0.0 else (tried * low) ** 0.5
                own, sizes = self._breeder.place(self._genes, old, representatives, tried)
                if abs(np.count_nonzero(sizes) - target) <= target // 4:
                    break
            self._threshold = tried
        self._table.grow(len(sizes), self.generation)
        living = sizes > 0
        if not living.all():
            self._table.keep(living.nonzero()[0])
            own = (living.cumsum() - 1)[own]
        self._species = own
