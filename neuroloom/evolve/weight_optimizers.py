"""Optimisers of numbers over the weights of a network, most of them other libraries', each as a function of a search.

Each asks :meth:`WeightSearch.judge` for fitness until that ends the run. All see the same vectors: in units of each
weight's scale, so that standard normal numbers are a usual start (see :class:`~neuroloom.evolve.WeightSpace`).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_choice
from neuroloom.core.errors import InputError
from neuroloom.evolve.pgpe import pgpe

if TYPE_CHECKING:
    from neuroloom.evolve.weights import WeightSearch

Floats = NDArray[np.float64]
_DIAGONAL = (
    400  # weights above which CMA-ES learns variances alone, as its covariance grows with their square
)
_BOX = 10.0  # bounds for optimisers that need some, in units of each weight's scale


def cma_es(search: WeightSearch, **options: Any) -> None:
    """CMA-ES by pycma, begun anew with twice the population when it has converged; the mean is judged too.

    Above 400 weights its covariance is diagonal. Hansen and Ostermeier (2001), "Completely derandomized
    self-adaptation in evolution strategies"; Auger and Hansen (2005), "A restart CMA evolution strategy with increasing
    population size"; Ros and Hansen (2008), "A simple modification in CMA-ES achieving linear time and space
    complexity".
    """
    import cma

    rng, size, count = search.rng, search.space.size, search.population - 1
    centre, sigma = search.centre(), search.sigma
    own: dict[str, Any] = {"verbose": -9, "seed": np.nan, "CMA_diagonal": size > _DIAGONAL}
    own["randn"] = lambda *shape: rng.standard_normal(shape)  # else numpy's global generator is drawn from
    if size == 1:  # pycma takes no fewer than 2 numbers
        hill_climbing(search, count)
    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            strategy = cma.CMAEvolutionStrategy(centre, sigma, {**own, "popsize": count, **options})
        while not strategy.stop():
            vectors = np.array(strategy.ask())
            fitness = search.judge(np.vstack([vectors, strategy.mean]))
            strategy.tell(list(vectors), (-fitness[:-1]).tolist())
        count, centre = 2 * count, search.sample(1, rng)[0]


def openai_es(search: WeightSearch, lr: float, **options: Any) -> None:
    """OpenAI's evolution strategy by pyribs: Adam on a gradient estimated from mirrored samples' ranks; so is the mean.

    Salimans, Ho, Chen, Sidor and Sutskever (2017), "Evolution strategies as a scalable alternative to reinforcement
    learning".
    """
    from ribs.emitters.opt import OpenAIEvolutionStrategy

    count = (search.population - 1) // 2 * 2
    rng = search.rng
    strategy = OpenAIEvolutionStrategy(
        search.sigma, search.space.size, count, search.number, mirror_sampling=True, lr=lr, **options
    )
    strategy.reset(search.sample(1, rng)[0])
    while True:
        vectors = strategy.ask()
        fitness = search.judge_both(np.vstack([vectors, strategy.adam_opt.theta]))[0][:-1]
        search.close()
        order = np.argsort(-fitness, kind="stable")
        strategy.tell(order, fitness[order], count)


def augmented_random_search(search: WeightSearch, lr: float, top: float, final: float) -> None:
    """Augmented random search: mirrored steps about a mean, which goes along the best of them, by their differences.

    Of each generation's directions the ``top`` share is taken whose better side is best, and the step is divided by
    the standard deviation of their fitness, so that ``lr`` holds for any unit of it. The mean is judged, too. ``lr``
    and the first step fall to the share ``final`` of themselves over the run.

    Mania, Guy and Recht (2018), "Simple random search provides a competitive approach to reinforcement learning",
    algorithm 2, V1-t; the fall of both steps is ours.
    """
    rng, count = search.rng, (search.population - 1) // 2
    kept = max(1, round(top * count))
    mean = search.centre()
    while True:
        left = 1 - (1 - final) * search.spent
        steps = left * search.sigma * rng.standard_normal((count, len(mean)))
        fitness = search.judge_both(np.vstack([mean + steps, mean - steps, mean]))[0]
        search.close()
        up, down = fitness[:count], fitness[count:-1]
        best = np.argsort(-np.maximum(up, down), kind="stable")[:kept]
        spread = np.concatenate([up[best], down[best]]).std()
        if spread > 0:
            mean = mean + lr / (kept * search.sigma * spread) * (up - down)[best] @ steps[best]


def genetic_algorithm(search: WeightSearch, parents: float, crossover: float) -> None:
    """A genetic algorithm on real numbers: the best survives, the best share breed, uniform crossover, normal mutation.

    Such, Madhavan, Conti, Lehman, Stanley and Clune (2017), "Deep neuroevolution", algorithm 1, to which crossover is
    added; Montana and Davis (1989), "Training feedforward neural networks using genetic algorithms".
    """
    rng, count = search.rng, search.population
    elite = search.sample(count, rng)
    worth = search.judge(elite)
    while True:
        order = np.argsort(-worth, kind="stable")[: max(2, round(parents * count))]
        elite = elite[order]
        first, second = rng.integers(len(elite), size=(2, count))
        crossed = rng.random((count, 1)) < crossover
        children = np.where(
            crossed & (rng.random((count, elite.shape[1])) < 0.5), elite[second], elite[first]
        )
        children += search.sigma * rng.standard_normal(children.shape)
        children[0] = elite[0]
        elite, worth = children, search.judge(children)


def differential_evolution(search: WeightSearch, **options: Any) -> None:
    """Differential evolution by SciPy. Storn and Price (1997), "Differential evolution"."""
    from scipy.optimize import differential_evolution as minimise

    start = search.sample(max(search.population, 5), search.rng)
    box = np.abs(search.centre()) + _BOX
    while True:
        minimise(
            lambda columns: -search.judge(np.atleast_2d(columns.T)), list(zip(-box, box, strict=True)),
            init=np.clip(start, -box, box), maxiter=10**9, tol=0, polish=False, vectorized=True, updating="deferred",
            rng=search.rng, **options,
        )  # fmt: skip
        start = search.sample(len(start), search.rng)


def particle_swarm(search: WeightSearch, inertia: float, own: float, others: float) -> None:
    """Particle swarm optimisation with constricted velocities, all particles drawn to the best of all.

    Kennedy and Eberhart (1995), "Particle swarm optimization"; Clerc and Kennedy (2002), "The particle swarm:
    explosion, stability, and convergence in a multidimensional complex space", for the constants.
    """
    rng = search.rng
    places = search.sample(search.population, rng)
    speed = np.zeros_like(places)
    best, worth = places.copy(), search.judge(places)
    while True:
        leader = best[worth.argmax()]
        pulls = rng.random((2, *places.shape))
        speed = inertia * speed + own * pulls[0] * (best - places) + others * pulls[1] * (leader - places)
        places = places + speed
        fitness = search.judge(places)
        better = fitness > worth
        best[better], worth[better] = places[better], fitness[better]


def simulated_annealing(search: WeightSearch, **options: Any) -> None:
    """Generalised simulated annealing by SciPy, without its local search.

    Xiang, Sun, Fan and Gong (1997), "Generalized simulated annealing algorithm and its application to the Thomson
    model".
    """
    from scipy.optimize import dual_annealing

    start = search.sample(1, search.rng)[0]
    box = np.abs(start) + _BOX
    while True:
        dual_annealing(
            _one_by_one(search), list(zip(-box, box, strict=True)), maxiter=10**9, maxfun=10**15, no_local_search=True,
            x0=start, rng=search.rng, **options,
        )  # fmt: skip


def hill_climbing(search: WeightSearch, neighbours: int) -> None:
    """Stochastic hill climbing: of a few neighbours the best is gone to if it is no worse, by steps that adapt.

    The step grows when one in five succeeds and shrinks when fewer do (Rechenberg's rule), as in Schwefel (1995),
    "Evolution and optimum seeking"; begun anew where steps no longer tell.
    """
    rng = search.rng
    while True:
        at = search.sample(1, rng)[0]
        worth, step = search.judge(at[None])[0], search.sigma
        while step > 1e-9:
            tried = at + step * rng.standard_normal((neighbours, len(at)))
            fitness = search.judge(tried)
            best = int(fitness.argmax())
            step *= np.exp(
                (1.0 if fitness[best] > worth else -0.25) / max(np.sqrt(len(at) / neighbours), 1.0)
            )
            if fitness[best] >= worth:
                at, worth = tried[best], fitness[best]


def nelder_mead(search: WeightSearch, **options: Any) -> None:
    """Nelder and Mead's simplex by SciPy, its rules fitted to the number of weights, begun anew when it has converged.

    Nelder and Mead (1965), "A simplex method for function minimization"; Gao and Han (2012), "Implementing the
    Nelder-Mead simplex algorithm with adaptive parameters".
    """
    from scipy.optimize import minimize

    size = search.space.size
    if size > 10_000:
        raise InputError(
            f"Nelder-Mead keeps a simplex of {size + 1:,} points, too many for {size:,} weights; take fewer hidden "
            "neurons or another optimizer."
        )
    rng = search.rng
    while True:
        start = search.sample(1, rng)[0]
        simplex = np.vstack([start, start + search.sigma * np.eye(size)])
        own = {"initial_simplex": simplex, "adaptive": size > 2, "maxiter": 10**12, "maxfev": 10**12}
        minimize(_one_by_one(search), start, method="Nelder-Mead", options={**own, **options})


def l_bfgs(search: WeightSearch, **options: Any) -> None:
    """L-BFGS by SciPy, on the gradient of the loss; ends when it has converged.

    Byrd, Lu, Nocedal and Zhu (1995), "A limited memory algorithm for bound constrained optimization".
    """
    from scipy.optimize import minimize

    def loss(vector: Floats) -> tuple[float, Floats]:
        fitness, slope = search.slope(vector)
        return -fitness, -slope

    own = {"maxiter": 10**9, "maxfun": 10**9, **options}
    start = search.sample(1, search.rng)[0]
    minimize(loss, start, jac=True, method="L-BFGS-B", callback=lambda _: search.close(), options=own)


def cma_me(search: WeightSearch, emitters: int) -> None:
    """CMA-ME by pyribs: CMA-ES after CMA-ES that follow what improves an archive of elites.

    Fontaine, Togelius, Nikolaidis and Hoover (2020), "Covariance matrix adaptation for the rapid illumination of
    behavior space".
    """
    _map(search, emitters, None, ranker="2imp", selection_rule="filter", restart_rule="no_improvement")


def cma_mae(search: WeightSearch, emitters: int, learning_rate: float) -> None:
    """CMA-MAE by pyribs: CMA-ME with an archive whose thresholds follow the elites slowly.

    Fontaine and Nikolaidis (2023), "Covariance matrix adaptation MAP-annealing".
    """
    _map(search, emitters, learning_rate, ranker="imp", selection_rule="mu", restart_rule="basic")


def _map(search: WeightSearch, emitters: int, learning_rate: float | None, **rules: Any) -> None:
    from ribs.archives import GridArchive
    from ribs.emitters import EvolutionStrategyEmitter

    size = search.space.size
    first = search.sample(search.population, search.rng)
    fitness, behaviour = search.judge_both(first)
    worst = float(fitness.min())
    common: dict[str, Any] = {"solution_dim": size, "dims": search.cells, "ranges": search.ranges}
    common["seed"] = search.number  # restarts draw from the elites
    search.archive = archive = GridArchive(**common, qd_score_offset=worst)
    followed = archive
    if learning_rate is not None:
        followed = GridArchive(**common, learning_rate=learning_rate, threshold_min=worst)
    share = max(search.population // emitters, 2)
    search.archive.add(first, fitness, behaviour)
    if followed is not archive:
        followed.add(first, fitness, behaviour)
    seeds = np.random.SeedSequence(search.number).spawn(emitters)
    strategy = "cma_es" if size <= _DIAGONAL else "sep_cma_es"
    asked = [
        EvolutionStrategyEmitter(
            followed,
            x0=search.centre(),
            sigma0=search.sigma,
            es=strategy,
            batch_size=share,
            seed=seed,
            **rules,
        )
        for seed in seeds
    ]
    search.settle()
    while True:
        batches = [np.array(emitter.ask()) for emitter in asked]
        vectors = np.concatenate(batches)
        fitness, behaviour = search.judge_both(vectors)
        told = followed.add(vectors, fitness, behaviour)
        if followed is not archive:
            archive.add(vectors, fitness, behaviour)
        at = np.cumsum([0, *map(len, batches)])
        for emitter, start, stop in zip(asked, at, at[1:], strict=False):
            assert behaviour is not None
            part = {name: values[start:stop] for name, values in told.items()}
            emitter.tell(vectors[start:stop], fitness[start:stop], behaviour[start:stop], part)
        search.settle()


def _one_by_one(search: WeightSearch) -> Callable[[Floats], float]:
    return lambda vector: -float(search.judge(np.asarray(vector, dtype=np.float64)[None])[0])


_Run = Callable[..., None]
_ALL: dict[str, tuple[_Run, float, dict[str, Any], str]] = {
    # the first step; options with their defaults; further options, under the names that the library has for them
    "cma-es": (cma_es, 0.5, {}, "CMA_*"),
    "openai-es": (openai_es, 0.2, {"lr": 0.05}, "beta1 beta2 epsilon l2_coeff"),
    "augmented-random-search": (augmented_random_search, 0.5, {"lr": 0.5, "top": 1.0, "final": 0.2}, ""),
    "pgpe": (
        pgpe,
        0.5,
        {
            "speed": 0.12,
            "momentum": 0.9,
            "sigma_lr": 0.1,
            "final": 0.2,
            "sigma_final": 1.0,
            "starts": 1,
            "trial": 0.3,
        },
        "",
    ),
    "genetic-algorithm": (genetic_algorithm, 0.15, {"parents": 0.2, "crossover": 0.5}, ""),
    "differential-evolution": (differential_evolution, 0.5, {}, "strategy mutation recombination"),
    "particle-swarm": (particle_swarm, 0.5, {"inertia": 0.7298, "own": 1.49618, "others": 1.49618}, ""),
    "simulated-annealing": (
        simulated_annealing,
        0.5,
        {"initial_temp": 10.0, "visit": 2.0, "accept": -500.0},
        "restart_temp_ratio",
    ),
    "hill-climbing": (hill_climbing, 0.3, {"neighbours": 1}, ""),
    "nelder-mead": (nelder_mead, 2.0, {}, "xatol fatol"),
    "l-bfgs": (l_bfgs, 0.5, {}, "maxcor ftol gtol maxls"),
    "cma-me": (cma_me, 0.5, {"emitters": 5}, ""),
    "cma-mae": (cma_mae, 0.5, {"emitters": 5, "learning_rate": 0.01}, ""),
}
OPTIMIZERS = tuple(_ALL)
MAPPING = ("cma-me", "cma-mae")
ANSWERS_BY_MEAN = (
    "augmented-random-search",
    "pgpe",
)  # the last vector of each generation is what they stand by


def default_sigma(name: str) -> float:
    """Return the first step of an optimiser, in units of each weight's scale."""
    return _ALL[name][1]


def check_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of an optimiser, its defaults beside those given.

    Raises:
        InputError: it has no such option.
    """
    _, _, defaults, more = _ALL[name]
    known = [*defaults, *more.split()]
    if more == "CMA_*":
        import cma

        known = [key for key in cma.CMAOptions() if key not in ("verbose", "seed", "randn", "popsize")]
    for key in options:
        check_choice(f"options of {name!r}", key, known)
    return {**defaults, **options}


def optimise(search: WeightSearch) -> None:
    """Run a search's optimiser until the search ends it, or until it finds nothing more to do."""
    _ALL[search.optimizer][0](search, **search.options)
