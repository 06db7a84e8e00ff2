"""Evolved networks, and searches of the weights of fixed ones."""

from __future__ import annotations

from collections.abc import Iterator

from neuroloom.methods.method import LEARNED, Method, classifier_and_regressor

_WEIGHT_OPTIMIZERS = (
    ("cma-es", "CMA-ES on the weights of a fixed network"),
    ("openai-es", "OpenAI's evolution strategy on the weights of a fixed network"),
    ("augmented-random-search", "augmented random search on the weights of a fixed network"),
    ("pgpe", "PGPE with ClipUp on the weights of a fixed network"),
    ("genetic-algorithm", "genetic algorithm on the weights of a fixed network"),
    ("differential-evolution", "differential evolution on the weights of a fixed network"),
    ("particle-swarm", "particle swarm on the weights of a fixed network"),
    ("simulated-annealing", "simulated annealing on the weights of a fixed network"),
    ("hill-climbing", "stochastic hill climbing on the weights of a fixed network"),
    ("nelder-mead", "Nelder-Mead on the weights of a fixed network"),
    ("l-bfgs", "L-BFGS on the weights of a fixed network: what the gradient brings"),
    ("cma-me", "CMA-ME: a map of elites, filled by CMA-ES on the weights of a fixed network"),
    ("cma-mae", "CMA-MAE: CMA-ME whose thresholds follow the elites slowly"),
)


def methods() -> Iterator[Method]:
    """Yield them in the order in which they are listed."""
    evolve = "neuroloom.evolve"
    yield Method(
        "neat",
        "evolve",
        "NEAT: networks whose topology and weights evolve",
        {
            **classifier_and_regressor("table", evolve, "NEAT"),
            ("series", "classification"): f"{evolve}:NEATSeriesClassifier",
            ("episodes", "control"): f"{evolve}:NEATPolicy",
        },
        version=3,
        warm_up=f"{evolve}.warming:warm_up",
    )
    yield Method(
        "hyperneat",
        "evolve",
        "HyperNEAT: an evolved pattern writes the weights of a layered network",
        {
            **classifier_and_regressor("table", evolve, "HyperNEAT"),
            ("episodes", "control"): f"{evolve}:HyperNEATPolicy",
        },
        version=2,
        warm_up=f"{evolve}.warming:warm_up",
    )
    yield Method(
        "es-hyperneat",
        "evolve",
        "ES-HyperNEAT: an evolved pattern writes a network and places its hidden neurons",
        {
            **classifier_and_regressor("table", evolve, "ESHyperNEAT"),
            ("episodes", "control"): f"{evolve}:ESHyperNEATPolicy",
        },
        version=2,
        warm_up=f"{evolve}.warming:warm_up",
    )
    yield Method("nsga2", "evolve", "NSGA-II: networks that evolve to be both fit and small, a Pareto front",
                 {**classifier_and_regressor("table", evolve, "NSGA2"),
                  ("episodes", "control"): f"{evolve}:NSGA2Policy"},
                 version=2, warm_up=f"{evolve}.warming:warm_up")  # fmt: skip
    yield Method("cppn-image", "evolve", "CPPN: a pattern over coordinates that evolves towards a picture",
                 {("table", LEARNED[1]): f"{evolve}:CPPNRegressor"},
                 warm_up=f"{evolve}.warming:warm_up")  # fmt: skip
    for key, stem, warm_up, title in (
        ("novelty", "Novelty", "warm_up", "novelty search: networks selected for doing what no other does"),
        ("map-elites", "MAPElites", "warm_up_map", "MAP-Elites: the fittest network of each kind, on a map"),
    ):
        own = {
            **classifier_and_regressor("table", evolve, stem),
            ("episodes", "control"): f"{evolve}:{stem}Policy",
        }
        yield Method(key, "evolve", title, own, version=2, warm_up=f"{evolve}.warming:{warm_up}")
    for key, title in _WEIGHT_OPTIMIZERS:
        own = classifier_and_regressor("table", evolve, "FixedTopology")
        if key != "l-bfgs":
            own |= {("episodes", "control"): f"{evolve}:FixedTopologyPolicy"}
        yield Method(key, "evolve", title, own, fixed={"optimizer": key}, offered=key == "cma-es",
                     version=2 if key != "l-bfgs" else 1, warm_up=f"{evolve}.warming:warm_up_weights")  # fmt: skip
