"""Novelty search: networks are selected for behaving as no other has, with or without regard to their fitness.

Lehman and Stanley (2011), "Abandoning objectives: Evolution through the search for novelty alone".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core import plotting
from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.seeding import stream
from neuroloom.evolve.neat import NEAT

if TYPE_CHECKING:
    from neuroloom.evolve import population
    from neuroloom.evolve.config import NEATConfig
    from neuroloom.evolve.genome import Genome

Floats = NDArray[np.float64]
ADDITIONS = ("random", "novel")
_AT_ONCE = 1 << 22  # distances that are held at once
_STATE = ("_objective", "_behaviour", "_archive")


def novelty(behaviour: Any, others: Any, neighbours: int = 15) -> Floats:
    """Return the mean distance ``(n,)`` of each ``behaviour (n, b)`` to its nearest neighbours.

    Neighbours are rows of ``behaviour`` itself and of ``others (m, b)``; where there are fewer than ``neighbours``, all
    count. Distances are Euclidean.

    Source:
        Lehman and Stanley (2011), equation 1.
    """
    from scipy.spatial.distance import cdist

    own = np.asarray(behaviour, dtype=np.float64)
    every = np.concatenate([own, np.asarray(others, dtype=np.float64).reshape(-1, own.shape[1])])
    k = min(neighbours, len(every) - 1)
    if k < 1:
        return np.zeros(len(own))
    found, step = np.empty(len(own)), max(1, _AT_ONCE // len(every))
    for start in range(0, len(own), step):
        rows = np.arange(start, min(start + step, len(own)))
        far = cdist(own[rows], every)
        far[np.arange(len(rows)), rows] = np.inf  # not of itself
        found[rows] = np.partition(far, k - 1, axis=1)[:, :k].mean(axis=1)
    return found


def as_behaviour(found: Any, count: int) -> tuple[Any, Floats]:
    """Return the fitness and the behaviour ``(count, …, b)`` that an evaluation gave.

    Raises:
        InputError: there are not two, or the behaviour has another length or is not finite.
    """
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise InputError(
            "this search needs two things of an evaluation, (fitness, behaviour), one row of each a genome, but got "
            f"{type(found).__name__}."
        )
    fitness, behaviour = found
    if hasattr(behaviour, "detach"):
        behaviour = behaviour.detach().cpu().numpy()
    rows = np.array(behaviour, dtype=np.float64)
    if rows.ndim < 2 or len(rows) != count:
        raise InputError(
            f"the behaviour must have shape ({count}, b), one row a genome, but has {rows.shape}."
        )
    if not np.isfinite(rows).all():
        bad = int(np.flatnonzero(~np.isfinite(rows).reshape(count, -1).all(axis=1))[0])
        raise InputError(f"the behaviour must be finite, but that of genome {bad} is {rows[bad].tolist()}.")
    return fitness, rows


class NoveltySearch(NEAT):
    """Evolves networks by NEAT under selection for novelty: how far a network's behaviour is from all others'.

    An evaluation gives two things, ``(fitness, behaviour)``: the fitness ``(population,)``, which says what is wanted,
    and the behaviour ``(population, b)``, numbers that say what a network did: where a robot ended, which samples it
    told apart. Parents are chosen by their novelty, the mean distance to the nearest behaviours of this generation and
    of an archive of earlier ones; ``best_genome_`` is the fittest of all. ``run``, ``ask`` and ``tell`` are those of
    :class:`NEAT` otherwise.

    Args:
        config: the settings.
        random_state: seed, generator or None for a fresh run.
        threads: threads for mutation and evaluation, at least 1.
        founder: as for :class:`NEAT`.
        neighbours: nearest behaviours that novelty is measured by, at least 1.
        additions: behaviours that each generation adds to the archive, at least 0.
        added: which these are: ``"random"`` ones (Gomes et al. 2015), or the most ``"novel"``.
        mix: share of novelty in what selects, in [0, 1]; the rest is fitness, both scaled to [0, 1] within the
            generation (Cuccu and Gomez 2011). 1 is novelty alone.

    Attributes:
        archive_: ``(m, b)`` the behaviours kept so far.
        behaviour_: ``(population, b)`` of the present population, or None before it is evaluated.
        history_: as :class:`NEAT` has it, with ``novelty``, the generation's mean, and ``archive``, the archive's
            size.

    Differences:
        Species do not stagnate, since novelty falls for all as the archive fills. The paper's archive takes what passes
        a threshold that adapts; a fixed number a generation needs none.

    Source:
        Lehman and Stanley (2011), "Abandoning objectives: Evolution through the search for novelty alone"; Gomes,
        Mariano and Christensen (2015), "Devising effective novelty search algorithms: A comprehensive empirical
        study"; Cuccu and Gomez (2011), "When novelty is not enough".
    """

    def __init__(
        self,
        config: NEATConfig,
        random_state: Any = None,
        threads: int = 1,
        founder: Genome | None = None,
        *,
        neighbours: int = 15,
        additions: int = 6,
        added: str = "random",
        mix: float = 1.0,
    ) -> None:
        self.neighbours = check_int("neighbours", neighbours)
        self.additions = check_int("additions", additions, 0)
        self.added = check_choice("added", added, ADDITIONS)
        self.mix = check_float("mix", mix, 0, 1)
        self._objective: Floats | None = None
        self._behaviour: Floats | None = None
        self._archive: Floats | None = None
        super().__init__(config, random_state, threads, founder)

    @property
    def fitness(self) -> Floats | None:
        """The fitness ``(population,)`` of the present population, or None before it is evaluated."""
        return None if self._fitness is None else self._objective

    @property
    def behaviour_(self) -> Floats | None:
        """The behaviour ``(population, b)`` of the present population, or None before it is evaluated."""
        return None if self._fitness is None else self._behaviour

    @property
    def archive_(self) -> Floats:
        """The behaviours ``(m, b)`` kept so far."""
        return np.empty((0, 0)) if self._archive is None else self._archive

    def plot_behaviour(self, ax: Any = None) -> Any:
        """Draw the first two numbers of the archive's behaviours, the later the darker; return matplotlib's axes."""
        if self._archive is None:
            raise InputError("there is no behaviour yet; run the search first.")
        if ax is None:
            _, ax = plotting.pyplot().subplots(figsize=(5.6, 4.6), layout="constrained")
        at = self._archive[:, :2] if self._archive.shape[1] > 1 else np.column_stack([self._archive] * 2)
        drawn = ax.scatter(*at.T, c=np.arange(len(at)) / max(self.additions, 1), s=10, cmap="cividis_r")
        ax.figure.colorbar(drawn, ax=ax, label="generation")
        ax.set_xlabel("behaviour 1")
        ax.set_ylabel("behaviour 2" if self._archive.shape[1] > 1 else "behaviour 1")
        return ax

    def state(self) -> dict[str, Any]:
        """Return the whole run as plain data, as :meth:`NEAT.state` does."""
        own = {name: None if getattr(self, name) is None else getattr(self, name).copy() for name in _STATE}
        search = {name: getattr(self, name) for name in ("neighbours", "additions", "added", "mix")}
        return {**super().state(), "novelty": {**own, **search}}

    @classmethod
    def from_state(cls, state: dict[str, Any], threads: int = 1) -> NoveltySearch:
        """Return a run that goes on, bit for bit, where :meth:`state` was taken."""
        engine = super().from_state(state, threads)
        assert isinstance(engine, NoveltySearch)
        for name, value in state["novelty"].items():
            setattr(engine, name, value.copy() if isinstance(value, np.ndarray) else value)
        return engine

    # -- parts ----------------------------------------------------------------------------------------------

    def _values(self, found: Any) -> Floats:
        fitness, rows = as_behaviour(found, len(self))
        if rows.ndim != 2 or (self._archive is not None and rows.shape[1] != self._archive.shape[1]):
            want = "b" if self._archive is None else str(self._archive.shape[1])
            raise InputError(f"the behaviour must have shape ({len(self)}, {want}), but has {rows.shape}.")
        self._behaviour = rows
        return super()._values(fitness)

    def _score(self, fitness: Floats, judged: population.Genes | None = None, evaluations: int = 1) -> None:
        assert self._behaviour is not None
        step, rows = self.generation, self._behaviour
        super()._score(fitness, judged, evaluations)
        if self._archive is None:
            self._archive = np.empty((0, rows.shape[1]))
        new = novelty(rows, self._archive, self.neighbours)
        self._objective = fitness
        self._fitness = self.mix * _unit(new) + (1 - self.mix) * _unit(fitness)
        if self.added == "novel":
            chosen = np.argsort(-new, kind="stable")[: self.additions]
        else:
            order = stream(self.seed, "evolve", "novelty", step).permutation(len(rows))
            chosen = order[: self.additions]
        self._archive = np.concatenate([self._archive, rows[chosen]])
        self.history_[-1] |= {"novelty": float(new.mean()), "archive": len(self._archive)}

    def _breed(self) -> None:
        self._table.improved[:] = self.generation
        super()._breed()


def _unit(values: Floats) -> Floats:
    """Return ``values`` scaled to [0, 1]."""
    low, high = values.min(), values.max()
    return np.zeros(len(values)) if high == low else (values - low) / (high - low)
