"""Wavelets whose filters evolve: the angles of their rotations are searched by an optimiser of the evolution room.

Vaidyanathan and Hoang (1988), "Lattice structures for optimal design and robust implementation of two-channel
perfect-reconstruction QMF banks" (the rotations); Hansen and Ostermeier (2001), "Completely derandomized
self-adaptation in evolution strategies" (the default search).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.seeding import as_seed, derive, stream
from neuroloom.core.signals import signal_batch
from neuroloom.evolve.weight_optimizers import MAPPING, OPTIMIZERS, check_options
from neuroloom.evolve.weights import WeightSearch
from neuroloom.signal.adaptive_wavelet import AdaptiveWaveletFeatures
from neuroloom.signal.lattice import filters_of, lattice_angles, wavelet_of
from neuroloom.signal.leave_one_out import fit_ridge
from neuroloom.signal.stationary import stationary_bands

if TYPE_CHECKING:
    from neuroloom.evolve.weights import WeightSpace

Floats = NDArray[np.float64]
SEARCHES = tuple(name for name in OPTIMIZERS if name not in (*MAPPING, "l-bfgs"))


class EvolvedWaveletFeatures(AdaptiveWaveletFeatures):
    """Log-energies of the bands of wavelets that evolve: those of ``adaptive-wavelet``, found without a gradient.

    An individual is the angles of all ``wavelets``, from which orthogonal filters follow exactly. Its fitness is what a
    head will need, not what a gradient can reach: the squared error of a ridge regression of the answers on the
    features, for each sample by the regression without it (``"task"``), or the least ``Σ |c| / ‖x‖``
    (``"sparsity"``). The search begins about Daubechies' wavelet of that length.

    Args:
        wavelets: how many evolve side by side, at least 1.
        taps: of each filter, an even number of at least 4.
        level: number of levels J, 1 to floor(log2(length)); None for floor(log2(length)) - 2, at least 1 and at most 6.
        segments: stretches of a band, at least 1 and at most the length.
        objective: ``"task"``, ``"sparsity"``, or ``"auto"``: the task where there are answers.
        optimizer: one of :data:`neuroloom.evolve.weight_optimizers.OPTIMIZERS` that needs neither a gradient nor an
            archive.
        population: individuals of a generation, at least 4.
        generations: at least 1.
        sigma: first step, radians, above 0; the first angles spread about Daubechies' as widely.
        random_state: seed.

    Shapes:
        ``(n, channels, length)``, or ``(n, length)`` for one channel, to ``(n, wavelets · channels · (J + 1) ·
        segments)`` float64.

    Attributes:
        level_: the number of levels used. angles_: ``(wavelets, taps / 2 - 1)`` radians. filters_: ``(wavelets, 2,
        taps)``, low and high. history_: of each generation, the score being the best fitness so far.

    Raises:
        InputError: a value is missing, unequal lengths, a parameter out of its range, or another shape than in ``fit``.

    Source:
        Vaidyanathan and Hoang (1988); Hansen and Ostermeier (2001).
    """

    def __init__(
        self,
        wavelets: int = 4,
        taps: int = 8,
        level: int | None = None,
        segments: int = 4,
        objective: str = "auto",
        optimizer: str = "cma-es",
        population: int = 16,
        generations: int = 20,
        sigma: float = 0.3,
        random_state: int | None = None,
    ) -> None:
        self.wavelets = wavelets
        self.taps = taps
        self.level = level
        self.segments = segments
        self.objective = objective
        self.optimizer = optimizer
        self.population = population
        self.generations = generations
        self.sigma = sigma
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Evolve the angles for series ``X`` and, unless it is None, the ``(n,)`` labels or numbers ``y``."""
        samples = signal_batch(X, images=False).astype(np.float64)
        self._check(samples)
        check_choice("optimizer", self.optimizer, SEARCHES)
        sigma = check_float("sigma", self.sigma, 0, open_low=True)
        population = check_int("population", self.population, 4)
        generations = check_int("generations", self.generations)
        goal = self._goal(samples, y)
        seed = as_seed(self.random_state)
        usual = lattice_angles(f"db{self.taps // 2}")
        start = usual + sigma * stream(seed, "angles").normal(0, 1, (self.wavelets, len(usual)))
        worth = self._sparsity(samples) if goal is None else self._predicts(samples, goal)
        search = AngleSearch(start.ravel(), self.optimizer, population, sigma, derive(seed, "search"))
        search.run_phenotypes(lambda vectors: np.array([worth(vector) for vector in vectors]), generations)
        self._set(search.best_)
        self.history_ = search.history_
        self.n_parameters_ = int(self.angles_.size)
        return self

    def _set(self, vector: Floats) -> None:
        """Take the angles ``(wavelets · (taps / 2 - 1),)`` and their filters."""
        import torch

        self.angles_ = vector.reshape(self.wavelets, -1).copy()
        with torch.no_grad():
            self.filters_ = torch.stack(filters_of(torch.as_tensor(self.angles_)), 1).numpy()

    def _predicts(self, X: Floats, goal: NDArray[Any]) -> Callable[[Floats], float]:
        """Return the fitness for a task: minus the mean squared error of left-out samples."""
        labels = goal.dtype == np.int64
        targets = np.where(goal[:, None] == np.unique(goal), 1.0, -1.0) if labels else goal[:, None]

        def worth(vector: Floats) -> float:
            self._set(vector)
            left_out = fit_ridge(self.transform(X), targets)[-1]
            return -float(((left_out - targets) ** 2).mean())

        return worth

    def _sparsity(self, X: Floats) -> Callable[[Floats], float]:
        """Return the fitness without answers: minus the mean of ``Σ |c| / ‖x‖`` over samples and wavelets."""
        norm = np.maximum(np.sqrt((X**2).sum(-1)), 1e-300)

        def worth(vector: Floats) -> float:
            self._set(vector)
            costs = [
                (np.abs(band).sum(-1) / norm).mean()
                for low, high in self.filters_
                for band in stationary_bands(X, wavelet_of(low, high), self.level_, "symmetric")
            ]
            return -float(np.sum(costs)) / self.wavelets

        return worth


class _Angles:
    """What a search knows of its vectors: how long they are, and where it begins."""

    def __init__(self, start: Floats) -> None:
        self.start, self.size = start, len(start)

    def vector(self) -> Floats:
        return self.start


class AngleSearch(WeightSearch):
    """A search of plain numbers by the optimisers of weights; its fitness is asked of the vectors ``(n, size)``.

    Attributes:
        best_: ``(size,)`` the fittest vector so far.
    """

    def __init__(self, start: Floats, optimizer: str, population: int, sigma: float, seed: int) -> None:
        self.optimizer, self.population, self.sigma, self.seed = optimizer, population, sigma, seed
        self.options = check_options(optimizer, {})
        self.start, self.l2, self.archive = "topology", 0.0, None
        self.ranges, self.cells = [], []
        self.space = cast("WeightSpace", _Angles(start))
        self._reset()

    @property
    def best_(self) -> Floats:
        """The fittest vector so far."""
        assert self._best is not None
        return self._best[0]

    def judge_both(self, vectors: Floats) -> tuple[Floats, None]:
        """Return the fitness ``(n,)`` and None; :meth:`settle` must follow."""
        fitness = np.asarray(self._evaluate(vectors), dtype=np.float64)
        self._note(vectors, fitness)
        return fitness, None
