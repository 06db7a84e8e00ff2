"""neat-python's own engine (https://neat-python.readthedocs.io), for comparisons."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.evolve.config import NEATConfig, refuse_plastic
from neuroloom.evolve.genome import DYNAMICS, Genome
from neuroloom.evolve.neat_python import from_neat_genome, load_config
from neuroloom.evolve.population import pack_genomes
from neuroloom.evolve.recurrent import compile_networks

Floats = NDArray[np.float64]


class NeatPythonEngine:
    """neat-python's own evolution behind the interface of :class:`neuroloom.evolve.NEAT`, as a reference.

    Networks are still computed as one batch by the kernels. ``output_activation`` and the other settings that
    neat-python has no word for are used where the network is computed, or not at all.

    Args:
        config: the settings.
        seed: for Python's ``random``, whose state is put back afterwards.
    """

    def __init__(self, config: NEATConfig, seed: int) -> None:
        refuse_plastic(config.plasticity, "neat-python")
        self.config, self.seed = config, seed
        self.history_: list[dict[str, float]] = []
        self.best_genome_: Genome | None = None
        self._best_fitness = -np.inf

    def run_phenotypes(
        self, evaluate: Callable[[Any], Floats], generations: int, callback: Any = None
    ) -> None:
        """Evolve for ``generations`` generations; ``evaluate`` maps compiled networks to their fitness."""
        import neat

        config, began = self.config, time.perf_counter()
        theirs = load_config(config.replace(fitness_threshold=None))
        state = random.getstate()

        def eval_genomes(genomes: list[tuple[int, Any]], _: Any) -> None:
            ours = [self._ours(genome, theirs) for _, genome in genomes]
            fitness = evaluate(compile_networks(pack_genomes(ours), config))
            for (_, genome), value in zip(genomes, fitness, strict=True):
                genome.fitness = float(value)
            best = int(np.argmax(fitness))
            if fitness[best] > self._best_fitness:
                self._best_fitness = float(fitness[best])
                self.best_genome_ = ours[best]
                self.best_genome_.fitness = self._best_fitness
            before = self.history_[-1]["evaluations"] if self.history_ else 0
            self.history_.append(
                {
                    "step": len(self.history_) + 1,
                    "seconds": time.perf_counter() - began,
                    "score": self._best_fitness,
                    "generation_score": float(fitness[best]),
                    "mean_fitness": float(np.mean(fitness)),
                    "evaluations": before + len(genomes),
                    "species": len(run.species.species),
                    "hidden": float(np.mean([genome.n_hidden for genome in ours])),
                    "connections": float(np.mean([len(genome.connections) for genome in ours])),
                }
            )
            if callback is not None and callback(self):
                raise _Stop

        try:
            run = neat.Population(theirs, seed=self.seed)
            run.run(eval_genomes, generations)
        except _Stop:
            pass
        finally:
            random.setstate(state)

    def _ours(self, genome: Any, theirs: Any) -> Genome:
        found, config = from_neat_genome(genome, theirs, self.config.network), self.config
        nodes, fixed = found.nodes, config.output_activation
        if fixed is not None:
            nodes = tuple(replace(n, activation=fixed) if n.id < found.outputs else n for n in nodes)
        return replace(found, nodes=nodes, **{name: getattr(config, name) for name in DYNAMICS})


class _Stop(Exception):
    """Raised by the callback's answer; ends neat-python's loop."""
