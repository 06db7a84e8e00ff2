"""A small sample set of each kind, and quick settings for methods whose defaults take seconds."""

from functools import cache
from typing import Any

import networkx as nx
import numpy as np
from sklearn.datasets import load_digits, load_iris

from neuroloom.core import EnvSet, Graph, GraphSet, LinkSet, NodeSet, OriginSet
from neuroloom.core.seeding import stream
from neuroloom.evolve.weight_optimizers import OPTIMIZERS
from neuroloom.methods import recipe, registry
from neuroloom.methods.make import HEADS, Recipe
from neuroloom.methods.method import TO_GRAPHS, TRANSFORM

CODERS = ("autoencoder", "vae", "vq-vae", "deep-svdd", "contrastive", "self-supervised")
QUICK: dict[str, dict[str, Any]] = {
    "neat": {"population": 30, "generations": 8},
    "hyperneat": {"population": 30, "generations": 8},
    "es-hyperneat": {"population": 30, "generations": 8},
    "nsga2": {"population": 40, "generations": 20},
    "cppn-image": {"population": 40, "generations": 20},
    "novelty": {"population": 40, "generations": 20},
    "map-elites": {"population": 40, "generations": 20},
    **{key: {"population": 30, "generations": 10, "hidden": 3} for key in OPTIMIZERS},
    "deepwalk": {"dimensions": 16, "walks": 5, "walk_length": 20},
    "node2vec": {"dimensions": 16, "walks": 5, "walk_length": 20},
    "walklets": {"dimensions": 16, "walks": 5, "walk_length": 20, "scales": 2},
    "graph2vec": {"dimensions": 16, "epochs": 20},
    "struc2vec": {"dimensions": 16, "walks": 5, "walk_length": 20, "epochs": 1},
    "prone": {"dimensions": 16},
    "fastrp": {"dimensions": 16},
    "netmf": {"dimensions": 16},
    "lightne": {"dimensions": 16},
    "grarep": {"dimensions": 16},
    "laplacian-eigenmaps": {"dimensions": 16},
    "ggvec": {"dimensions": 16, "epochs": 2},
    "glove": {"dimensions": 16, "walks": 2, "walk_length": 10, "epochs": 5},
    "splitter": {"dimensions": 16, "walks": 5, "walk_length": 20, "epochs": 1},
    "wavelet-ppv": {"features": 300},
    "wavelet-competition": {"groups": 1, "dilations": 4},
    "wavelet-ensemble": {"features": 300, "groups": 1, "trees": 10},
    "adaptive-wavelet": {"epochs": 3, "wavelets": 2},
    "evolved-wavelet": {"wavelets": 2, "population": 6, "generations": 3},
    "mlp": {"epochs": 8},
    "cnn": {"epochs": 2, "filters": (4, 8)},
    "bayesian-cnn": {"epochs": 2, "filters": (4, 8), "draws": 3},
    "resnet": {"epochs": 2, "filters": (4, 8), "blocks": 1},
    "fcn": {"epochs": 2, "filters": (4, 8, 4)},
    "inceptiontime": {"epochs": 2, "filters": 4, "depth": 3, "members": 2},
    "mcnn": {"epochs": 2, "filters": 4, "width": 8},
    "convlstm": {"epochs": 2, "units": 4, "patch": 8},
    "tcn": {"epochs": 2, "filters": 4},
    "transformer": {"epochs": 2, "width": 8, "heads": 2, "layers": 1},
    **{
        key: {"epochs": 2, "units": 4, "patch": 8}
        for key in ("rnn", "lstm", "gru", "mgu", "sru", "qrnn", "rwa")
    },
    "ngrams": {"features": 50},
    "lenet": {"epochs": 2},
    "alexnet": {"epochs": 2, "scale": 0.03},
    "vgg": {"epochs": 2, "filters": (4, 8), "depths": (1, 1), "dense": (16,)},
    "googlenet": {"epochs": 2, "scale": 0.03},
    "convnext": {"epochs": 2, "filters": (4, 8), "blocks": (1, 1)},
    "capsnet": {"epochs": 2, "filters": 8, "kinds": 2, "reconstruction": 0.1},
    **{key: {"epochs": 8, "draws": 5} for key in ("mc-dropout", "bayes-by-backprop")},
    "deep-ensemble": {"epochs": 8},
    "laplace": {"epochs": 8},
    "swag": {"epochs": 8, "swag_epochs": 5, "rank": 3, "draws": 5},
    **{key: {"epochs": 3, "hidden": (8,), "filters": (4, 8)} for key in CODERS},
    "gan": {"epochs": 2, "hidden": (8,), "filters": (4, 8)},
    "gcn": {"epochs": 30},
    "gat": {"epochs": 30},
    **{
        key: {"epochs": 30, "hidden": 16}
        for key in ("gatv2", "graphsage", "gin", "appnp", "gcnii", "gps", "ncn", "deepsets", "grand")
    },
    "dlinear": {"epochs": 3},
    "nbeats": {"epochs": 2, "blocks": 1, "width": 8},
    "patchtst": {"epochs": 2, "width": 8, "members": 2},
    "encoder-decoder": {"epochs": 2, "units": (6, 4), "hidden": (5,), "draws": 4},
    **{key: {"steps": 600, "evaluations": 1, "hidden": (8,)} for key in ("ppo", "reinforce")},
    "dqn": {"steps": 600, "warm_up": 100, "evaluations": 1, "hidden": (8,)},
    "arima": {"order": (1, 1, 0)},
    "ets": {"form": "AAN"},
    "combination": {"members": ("theta", "ridge")},
    "random-forest": {"n_estimators": 10},
    "extra-trees": {"n_estimators": 10},
    "hist-gradient-boosting": {"max_iter": 10},
}


@cache
def samples(kind: str, problem: str) -> tuple[Any, Any]:
    """Return ``X, y`` of one kind: enough to learn something, small enough to be quick."""
    rng = stream(0, "conformance", kind)
    if kind == "table":
        X, y = load_iris(return_X_y=True)
        rows = np.sort(rng.permutation(150)[:90])
        return (
            (X[rows], np.array(["a", "b", "c"])[y[rows]])
            if problem == "classification"
            else (X[rows, :3], X[rows, 3])
        )
    if kind == "series" and problem == "forecast":
        t = np.arange(60)
        walk = 0.2 * rng.normal(size=60).cumsum()
        X, y = OriginSet.of(20 + 0.1 * t + 3 * np.sin(np.pi * t / 2 + 0.3) + walk, horizon=3, season=4)
        return X[12:], y[12:]
    if kind == "series":
        y = np.repeat(["low", "high"], 30)
        t = np.arange(64) / 64
        pitch = np.where(y == "low", 3, 9) + rng.normal(0, 0.3, 60)
        X = np.sin(2 * np.pi * (pitch[:, None] * t + rng.random((60, 1)))) + rng.normal(0, 0.2, (60, 64))
        return (X[:, None], y) if problem == "classification" else (X[:, None], pitch)
    if kind == "image":
        X, y = load_digits(n_class=3, return_X_y=True)
        return X[:90].reshape(-1, 1, 8, 8), y[:90] if problem == "classification" else y[:90].astype(float)
    if kind == "tokens":
        X = rng.integers(1, 20, (60, 10))
        X[np.arange(10) >= rng.integers(4, 11, 60)[:, None]] = 0
        rare = (X > 0).sum(1) * 0.5 < (X > 10).sum(1)
        return (
            (X, np.where(rare, "high", "low"))
            if problem == "classification"
            else (X, X.sum(1) / (X > 0).sum(1))
        )
    if kind == "nodes":
        club = nx.karate_club_graph()
        y = np.array([club.nodes[i]["club"] for i in club])
        graph = Graph.of(club)
        return NodeSet(graph), y if problem == "classification" else graph.degrees.astype(float)
    if kind == "links":
        return _links(rng, problem)
    if kind == "graphs":
        made = [
            nx.cycle_graph(n) if i % 2 else nx.star_graph(n - 1)
            for i, n in enumerate(rng.integers(6, 14, 40))
        ]
        y = np.array(["cycle" if i % 2 else "star" for i in range(40)])
        return GraphSet(made), y if problem == "classification" else np.array([float(len(g)) for g in made])
    if kind == "episodes":
        return EnvSet("CartPole-v1", np.arange(4)), None
    raise AssertionError(f"no samples of kind {kind}")


def _links(rng: np.random.Generator, problem: str) -> tuple[Any, Any]:
    whole = Graph.of(nx.karate_club_graph())
    edges = whole.edges()[rng.permutation(whole.n_edges)[:30]]
    pairs = rng.integers(0, 34, (400, 2))
    pairs = np.unique(np.sort(pairs[(pairs[:, 0] != pairs[:, 1]) & ~whole.has_edges(pairs)], axis=1), axis=0)
    chosen = pairs[rng.permutation(len(pairs))[:30]]
    y = np.repeat([1, 0], 30)
    X = LinkSet(whole.without_edges(edges), np.concatenate([edges, chosen]))
    order = rng.permutation(60)
    return X[order], y[order] if problem == "classification" else y[order].astype(float)


def quick(key: str) -> dict[str, Any]:
    """Return settings under which the method takes a fraction of a second."""
    return dict(QUICK.get(key, {}))


def pairings() -> list[tuple[str, str, str]]:
    """Return ``(method, kind, problem)`` for all that the registry offers; transformers with the usual heads."""
    found: list[tuple[str, str, str]] = []
    for method in registry().values():
        if method.room == "other":
            continue
        for kind, problem in method.classes:
            wanted = list(HEADS) if problem in (TRANSFORM, TO_GRAPHS) else [problem]
            found += [
                (method.key, kind, p) for p in wanted if isinstance(recipe(method.key, kind, p), Recipe)
            ]
    return list(dict.fromkeys(found))
