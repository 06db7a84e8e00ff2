"""EvoTorch's searches over the weights of the fixed network that our own optimisers search, on the same episodes.

PGPE with ClipUp (Toklu, Liskowski and Srivastava 2020), SNES (Schaul, Glasmachers and Schmidhuber 2011) and CoSyNE
(Gomez, Schmidhuber and Miikkulainen 2008), with the settings of EvoTorch's own example of control. Networks,
standardised observations, episodes, the choice of the champion and the count of steps are those of FixedTopologyPolicy;
of EvoTorch comes the search alone. The centre of PGPE's and of SNES's distribution, which is their answer, is judged
with the samples. `control.py` runs them.
"""

from __future__ import annotations

import numpy as np

from neuroloom.evolve import FixedTopologyPolicy, WeightSearch
from neuroloom.evolve.callbacks import told
from neuroloom.evolve.weights import Ended

RADIUS = 4.5  # of the first samples about the centre
SPEED = RADIUS / 15  # ClipUp's largest step


def _searcher(name, problem, population):
    from evotorch.algorithms import PGPE, SNES, Cosyne

    if name == "pgpe":
        return PGPE(
            problem, popsize=(population - 1) // 2 * 2, radius_init=RADIUS, center_learning_rate=SPEED / 2,
            stdev_learning_rate=0.1, optimizer="clipup", optimizer_config={"max_speed": SPEED, "momentum": 0.9},
        )  # fmt: skip
    if name == "snes":
        return SNES(problem, popsize=population - 1, radius_init=RADIUS)
    return Cosyne(
        problem, popsize=population, num_elites=1, tournament_size=4, mutation_stdev=0.3, mutation_probability=0.5,
        permute_all=True,
    )  # fmt: skip


class EvoTorchSearch(WeightSearch):
    """A search of weights that a search of EvoTorch's carries out."""

    peer: str

    def run_phenotypes(self, evaluate, generations, callback=None, learning=None):
        """Search until as many networks were evaluated as ``generations`` have."""
        import torch
        from evotorch import Problem

        def judge(vectors):
            asked = vectors.numpy().astype(np.float64)
            if self.peer != "cosyne":
                asked = np.vstack([asked, searcher.status["center"].numpy()])
            fitness, _ = self.judge_both(asked)
            self.close()
            return torch.as_tensor(fitness[: len(vectors)])

        problem = Problem(
            "max", judge, vectorized=True, solution_length=self.space.size, initial_bounds=(-0.3, 0.3),
            dtype=torch.float32, eval_dtype=torch.float64, seed=self.number,
        )  # fmt: skip
        with told(callback, self, generations) as ended:
            self._evaluate, self._ended, self._learning, self._parts = evaluate, ended, learning, []
            self._last = self.generation + generations, self._evaluations + generations * self.population
            searcher = _searcher(self.peer, problem, self.population)
            try:
                while True:
                    searcher.step()
            except Ended:
                return


class _EvoTorchPolicy(FixedTopologyPolicy):
    peer: str

    def _search(self, config, seed, l2, **more):
        found = super()._search(config, seed, l2, **more)
        made = EvoTorchSearch(found.space.topology, seed, population=self.population)
        made.peer = self.peer
        return made


class PGPEPolicy(_EvoTorchPolicy):
    """PGPE with ClipUp."""

    peer = "pgpe"


class SNESPolicy(_EvoTorchPolicy):
    """SNES."""

    peer = "snes"


class CoSyNEPolicy(_EvoTorchPolicy):
    """CoSyNE."""

    peer = "cosyne"
