"""MAP-Elites over networks: the fittest of each kind of behaviour, a map of what is possible.

Mouret and Clune (2015), "Illuminating search spaces by mapping elites". The archive is pyribs'.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuroloom.core import plotting
from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.seeding import derive, stream
from neuroloom.evolve import population
from neuroloom.evolve.neat import NEAT
from neuroloom.evolve.novelty import as_behaviour

if TYPE_CHECKING:
    from neuroloom.evolve.config import NEATConfig
    from neuroloom.evolve.genome import Genome

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
ARCHIVES = ("grid", "cvt")
_SAMPLES = 50  # points a cell that the centres of even spread are found by
_OWN = ("ranges", "cells", "kind", "offset")
_DRAWN = 20  # cells along a number of a map of an archive without a plane of its own


class Elite(NamedTuple):
    """The fittest network of one cell.

    Args:
        genome: the network, with its ``fitness``.
        behaviour: ``(b,)`` what it did.
        cell: its number in the archive.
    """

    genome: Genome
    behaviour: Floats
    cell: int


class MAPElites(NEAT):
    """Evolves networks by NEAT's mutation and crossover and keeps the fittest of each cell of a space of behaviours.

    An evaluation gives two things, ``(fitness, behaviour)``: ``(population,)`` and ``(population, b)``. Parents are
    drawn evenly from the elites. A network may stand for several niches at once: fitness ``(population, k)`` and
    behaviour ``(population, k, b)`` enter it into the archive k times. ``run``, ``ask`` and ``tell`` are those of
    :class:`NEAT`, a generation being one batch, and so is ``best_genome_``, the fittest of all.

    Args:
        config: the settings; ``population`` is the batch, and what concerns species has no effect.
        random_state: seed, generator or None for a fresh run.
        threads: threads for mutation and evaluation, at least 1.
        founder: as for :class:`NEAT`.
        ranges: ``(low, high)`` of each number of a behaviour; what lies outside counts to the outermost cells.
        cells: cells along each number, one for all or one each; with ``archive="cvt"`` how many there are.
        archive: ``"grid"``, or ``"cvt"`` for cells about evenly spread centres, for behaviours of many numbers
            (Vassiliades, Chatzilygeroudis and Mouret 2018).
        offset: what the fitness is measured from in the QD score, its sum over the elites; None for the least one of
            the first generation.

    Attributes:
        archive: the pyribs archive, whose solutions are the numbers of the genomes by birth.
        elites_: the elites, a list of :class:`Elite` by cell.
        history_: as :class:`NEAT` has it, with ``coverage``, the share of cells that have an elite, and ``qd_score``.

    Raises:
        InputError: a range is empty, or cells and ranges do not match.

    Source:
        Mouret and Clune (2015), "Illuminating search spaces by mapping elites".
    """

    def __init__(
        self,
        config: NEATConfig,
        random_state: Any = None,
        threads: int = 1,
        founder: Genome | None = None,
        *,
        ranges: Sequence[tuple[float, float]] = ((0.0, 1.0), (0.0, 1.0)),
        cells: int | Sequence[int] = 20,
        archive: str = "grid",
        offset: float | None = 0.0,
    ) -> None:
        self.ranges = [(float(low), float(high)) for low, high in ranges]
        bad = [pair for pair in self.ranges if not (np.isfinite(pair).all() and pair[0] < pair[1])]
        if bad or not self.ranges:
            raise InputError(f"`ranges` must be pairs (low, high) with low < high, but got {list(ranges)}.")
        self.kind = check_choice("archive", archive, ARCHIVES)
        many = isinstance(cells, Sequence | np.ndarray)
        self.cells = [check_int("cells", n) for n in (cells if many else [cells])]  # type: ignore[union-attr]
        if self.kind == "grid" and len(self.cells) == 1:
            self.cells *= len(self.ranges)
        if len(self.cells) != (len(self.ranges) if self.kind == "grid" else 1):
            raise InputError(
                f"`cells` must be one number, or one for each of {len(self.ranges)} ranges of a grid, but is {cells}."
            )
        self.offset = None if offset is None else check_float("offset", offset)
        self._entries: tuple[Floats, Floats] | None = None
        super().__init__(config, random_state, threads, founder)
        self.archive = self._empty_archive()
        self._pool, self._ids = population.take(self._genes, []), np.empty(0, np.int64)

    # -- what there is --------------------------------------------------------------------------------------

    @property
    def elites_(self) -> list[Elite]:
        """The elites, by cell."""
        own = self.config
        return [
            Elite(population.genome(self._pool, row, own.inputs, own.outputs, value, own), behaviour, cell)
            for cell, row, value, behaviour in zip(*self._elites(), strict=True)
        ]

    @property
    def coverage(self) -> float:
        """The share of cells that have an elite."""
        return len(self.archive) / int(self.archive.cells)

    @property
    def qd_score(self) -> float:
        """The sum over the elites of their fitness less ``offset``."""
        return math.fsum(self.archive.data("objective") - (self.offset or 0.0))

    def plot_archive(self, ax: Any = None) -> Any:
        """Draw the elites' fitness over the first two numbers of a behaviour; return matplotlib's axes."""
        return plot_elites(self.elites_, self.ranges, self.cells, self.kind, ax=ax)

    # -- checkpoints ----------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return the whole run as plain data, as :meth:`NEAT.state` does."""
        names = ["solution", "objective", "measures"]
        held = {name: np.array(self.archive.data(name)) for name in names} if len(self.archive) else None
        own = {
            "genes": tuple(column.copy() for column in self._pool),
            "ids": self._ids.copy(),
            "held": held,
            "centroids": None if self.kind == "grid" else np.array(self.archive.centroids),
        }
        return {**super().state(), "map": {**own, **{name: getattr(self, name) for name in _OWN}}}

    @classmethod
    def from_state(cls, state: dict[str, Any], threads: int = 1) -> MAPElites:
        """Return a run that goes on, bit for bit, where :meth:`state` was taken."""
        engine = super().from_state(state, threads)
        assert isinstance(engine, MAPElites)
        own = state["map"]
        for name in _OWN:
            setattr(engine, name, own[name])
        engine.ranges = [(low, high) for low, high in engine.ranges]
        engine._pool = population.with_own_functions(population.Genes(*own["genes"]), state["functions"])
        engine._ids, engine.archive = own["ids"].copy(), engine._empty_archive(own["centroids"])
        if own["held"] is not None:
            engine.archive.add(*own["held"].values())
        return engine

    # -- parts ----------------------------------------------------------------------------------------------

    def _empty_archive(self, centroids: Floats | None = None) -> Any:
        from ribs.archives import CVTArchive, GridArchive

        common = {"solution_dim": (), "solution_dtype": np.int64, "ranges": self.ranges}
        if self.kind == "grid":
            return GridArchive(dims=self.cells, **common)
        centres = self.cells[0] if centroids is None else centroids
        samples = _SAMPLES * self.cells[0]
        return CVTArchive(centroids=centres, samples=samples, seed=derive(self.seed, "cvt") % 2**31, **common)

    def _elites(self) -> tuple[list[int], list[int], list[float], Floats]:
        """Return cells, rows of the pool, fitness and behaviours of the elites, by cell."""
        names = ["index", "solution", "objective", "measures"]
        cells, ids, fitness, behaviour = self.archive.data(names, return_type="tuple")
        order = np.argsort(cells)
        rows = np.searchsorted(self._ids, ids[order])
        return cells[order].tolist(), rows.tolist(), fitness[order].tolist(), behaviour[order]

    def _values(self, found: Any) -> Floats:
        fitness, rows = as_behaviour(found, len(self))
        values = np.asarray(fitness, dtype=np.float64)
        want = (*values.shape, len(self.ranges))
        if values.ndim not in (1, 2) or rows.shape != want:
            raise InputError(
                f"the behaviour must have shape {want}, {len(self.ranges)} numbers as `ranges` has for each fitness, "
                f"but has {rows.shape}."
            )
        self._entries = values, rows
        if values.ndim == 2:
            if not np.isfinite(values).all():
                raise InputError("the fitness must be finite in every niche; give such genomes a low value.")
            values = values.max(axis=1)
        return super()._values(values)

    def _score(self, fitness: Floats, judged: population.Genes | None = None, evaluations: int = 1) -> None:
        assert self._entries is not None
        super()._score(fitness, judged, evaluations)
        values, rows = self._entries
        if self.offset is None:
            self.offset = float(values.min())
        new = (self.generation - 1) * len(self) + np.arange(len(self))
        self.archive.add(
            np.repeat(new, values.size // len(self)), values.ravel(), rows.reshape(-1, len(self.ranges))
        )
        known = np.concatenate([self._ids, new])
        self._ids = np.unique(self.archive.data("solution"))
        self._pool = population.take(
            population.joined(self._pool, self._genes), np.searchsorted(known, self._ids)
        )
        self.history_[-1] |= {"coverage": self.coverage, "qd_score": self.qd_score}

    def _breed(self) -> None:
        self._fitness = None
        _, rows, fitness, _ = self._elites()
        elites, worth = np.array(rows), np.array(fitness)
        draw = stream(self.seed, "evolve", "map-elites", self.generation)
        first, second = draw.integers(len(elites), size=(2, len(self)))
        second = np.where(draw.random(len(self)) < self.config.crossover_rate, second, first)
        weaker = worth[second] > worth[first]
        first, second = np.where(weaker, second, first), np.where(weaker, first, second)
        self._genes = self._breeder.offspring(
            self._pool, elites[first], elites[second], self.generation, self._known
        )

    def _speciate(self, old: population.Genes, representatives: Ints) -> None:
        """Put all into one species."""
        self._table.grow(1, self.generation)
        self._species = np.zeros(len(self), np.int64)


class EliteMap(NamedTuple):
    """What is known of how fit networks can be for each kind of behaviour, over its first two numbers.

    Args:
        names: what the numbers are, one or two.
        ranges: ``(low, high)`` of each.
        fitness: ``(a, b)`` the best in each cell, NaN where there is none; ``(a, 1)`` of a single number.
    """

    names: tuple[str, ...]
    ranges: list[tuple[float, float]]
    fitness: Floats


def elite_map(
    elites: Sequence[Elite],
    ranges: Sequence[tuple[float, float]],
    cells: Sequence[int],
    archive: str,
    names: Sequence[str],
) -> EliteMap:
    """Return the elites as a map over the first two numbers of their behaviours.

    Its cells are those of a grid, or 20 along each number where the archive has other ones; arguments are those of
    :func:`plot_elites`.
    """
    k = min(len(ranges), 2)
    shape = np.array([*(cells[:k] if archive == "grid" else [_DRAWN] * k), 1][:2])
    low, high = np.array([*ranges[:k], (0.0, 1.0)][:2]).T
    elites = [Elite(*elite) for elite in elites]  # a model read from a file has plain tuples
    at = np.array([[*elite.behaviour, 0.0][:2] for elite in elites]).reshape(-1, 2)
    rows = ((at - low) / (high - low) * shape).astype(np.int64).clip(0, shape - 1)
    held = np.full(shape, -np.inf)
    np.maximum.at(held, tuple(rows.T), np.array([elite.genome.fitness for elite in elites], float))
    return EliteMap(tuple(names[:k]), list(ranges[:k]), np.where(np.isfinite(held), held, np.nan))


def plot_elites(
    elites: Sequence[Elite],
    ranges: Sequence[tuple[float, float]],
    cells: Sequence[int],
    archive: str = "grid",
    names: tuple[str, str] = ("behaviour 1", "behaviour 2"),
    ax: Any = None,
) -> Any:
    """Draw the fitness of ``elites`` over the first two numbers of their behaviours; return matplotlib's axes.

    Args:
        elites: the elites.
        ranges: ``(low, high)`` of each number of a behaviour.
        cells: cells along each, of a grid.
        archive: ``"grid"``, drawn as one where there are one or two numbers, or ``"cvt"``.
        names: what the first two numbers are.
        ax: matplotlib's axes, or None for new ones.

    Source:
        Mouret and Clune (2015), figure 3.
    """
    if ax is None:
        _, ax = plotting.pyplot().subplots(figsize=(5.8, 4.6), layout="constrained")
    elites = [Elite(*elite) for elite in elites]
    fitness = np.array([elite.genome.fitness for elite in elites], dtype=np.float64)
    if archive == "grid" and len(ranges) <= 2:
        held = np.full((*cells, 1) if len(ranges) == 1 else tuple(cells), np.nan)
        held.flat[[elite.cell for elite in elites]] = fitness
        edges = [
            np.linspace(*pair, n + 1) for pair, n in zip([*ranges, (0.0, 1.0)], held.shape, strict=False)
        ]
        drawn = ax.pcolormesh(*edges, held.T, cmap="viridis")
    else:
        at = np.array([[*elite.behaviour, 0.0][:2] for elite in elites]).reshape(-1, 2)
        drawn = ax.scatter(*at.T, c=fitness, s=22, cmap="viridis")
    ax.figure.colorbar(drawn, ax=ax, label="fitness")
    ax.set_xlabel(names[0])
    if len(ranges) > 1:
        ax.set_ylabel(names[1])
    else:
        ax.set_yticks([])
    return ax
