"""Link prediction on five networks: heuristics, embeddings and graph networks, ranked among hard negatives (HeaRT, Li
et al. 2023).

The splits are those of the tasks `usair`, `ns`, …: fold 0 of 5 of each repetition, so a tenth of the edges is tested
and the rest may be known (of `power` a twentieth, since most of its edges keep it connected).
MRR and Hits@k rank each edge among 100 hard negatives of its own, ties at their mean rank; ROC-AUC is over as many
random non-edges as edges. All walk methods have the same walks, all embeddings the same dimensions and the same head.

    NEUROLOOM_DATA=... python -m benchmarks.graphs.links --choose      # head, on repetitions 100 and 101
    NEUROLOOM_DATA=... python -m benchmarks.graphs.links --dimensions 16
"""

from __future__ import annotations

import argparse
import copy
import functools
import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import time
import warnings
from importlib.metadata import version
from itertools import product

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from neuroloom.graphs import (
    DeepWalk,
    LinkHeuristicClassifier,
    LinkHeuristicsFeatures,
    Node2Vec,
    ProNE,
    Splitter,
    Walklets,
)
from neuroloom.graphs.pair_scores import HEURISTICS
from neuroloom.methods.registry import find
from neuroloom.tasks import evaluate, open_task
from neuroloom.tasks.ranking import ranks_of

NETWORKS = ("usair", "ns", "celegans", "yeast", "power")
METRICS = ("mrr", "hits@10", "hits@50", "roc_auc")
WALKS = {"walks": 10, "walk_length": 40, "window": 5}
EMBEDDINGS = {
    "deepwalk": lambda d, seed: DeepWalk(d, **WALKS, random_state=seed),
    "node2vec q=0.5": lambda d, seed: Node2Vec(d, **WALKS, q=0.5, random_state=seed),
    "node2vec q=2": lambda d, seed: Node2Vec(d, **WALKS, q=2.0, random_state=seed),
    "walklets": lambda d, seed: Walklets(d, walks=10, walk_length=40, random_state=seed),
    "prone": lambda d, seed: ProNE(d, random_state=seed),
    "splitter": lambda d, seed: Splitter(d, **WALKS, random_state=seed),
    "splitter cosine": lambda d, seed: Splitter(d, **WALKS, similarity="cosine", random_state=seed),
}
GRAPH_NETWORKS = ("gcn", "gat", "graphsage", "gin", "ncn")
HEADS = {  # operator, C of the logistic regression (None: the product is the score)
    "dot": ("dot", None),
    "hadamard+logreg": ("hadamard", 1.0),
    "hadamard+logreg C=0.01": ("hadamard", 0.01),
    "l2+logreg": ("l2", 1.0),
    "average+logreg": ("average", 1.0),
}


class Scored:
    """A fitted embedding and a head, with what :func:`ranks_of` asks for."""

    def __init__(self, embedding, head, X, y):
        self.operator, C = HEADS[head]
        self.embedding, self.head = embedding, None
        if C is not None:
            self.head = make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=2000))
            self.head.fit(self.features(X), y)

    def features(self, X):
        self.embedding.operator = self.operator
        return self.embedding.transform(X)

    def decision_function(self, X):
        features = self.features(X)
        return features[:, -1] if self.head is None else self.head.decision_function(features)


def parts(network, seed):
    """Return training pairs and labels, test pairs and labels, and the rivals of the test edges."""
    task = open_task(network)
    data = task.load(seed)
    split = task.split(data, seed, 0, 5)
    return data.X[split.train], data.y[split.train], data.X[split.test], data.y[split.test], split.rivals


def values(model, test, truth, rivals):
    """Return the metrics of a model, in the order of METRICS."""
    found = evaluate(
        METRICS,
        truth,
        truth,
        score=model.decision_function(test),
        classes=[0, 1],
        ranks=ranks_of(model, test, rivals),
    )
    return [found[name] for name in METRICS]


def choose(options):
    """Print the MRR of each head, mean over networks, embeddings and two repetitions that are used nowhere else."""
    table = {head: {name: [] for name in EMBEDDINGS} for head in HEADS}
    for network in options.networks:
        for seed in (100, 101):
            X, y, *rest = parts(network, seed)
            for name, make in EMBEDDINGS.items():
                embedding = make(options.dimensions, seed).fit(X, y)
                for head in HEADS:
                    table[head][name].append(values(Scored(embedding, head, X, y), *rest)[0])
    print(
        f"MRR, mean over {', '.join(options.networks)} and repetitions 100, 101; {options.dimensions} dimensions"
    )
    print(f"{'head':<24}" + "".join(f"{name:>16}" for name in EMBEDDINGS) + f"{'mean':>8}")
    for head, row in table.items():
        means = [np.mean(row[name]) for name in EMBEDDINGS]
        print(
            f"{head:<24}" + "".join(f"{mean:>16.3f}" for mean in means) + f"{np.mean(means):>8.3f}",
            flush=True,
        )


def compare(options):
    """Print a table for each network and what Splitter wins over the walk methods."""
    packages = ("numpy", "scipy", "numba", "scikit-learn")
    print("one thread;", ", ".join(f"{p} {version(p)}" for p in packages))
    print(f"{options.dimensions} dimensions, head {options.head}, {options.seeds} repetitions")
    for network in options.networks:
        found = {}
        for seed in range(options.seeds):
            X, y, *rest = parts(network, seed)
            for name, fit in _methods(options, seed):
                began = time.process_time()
                model = fit(X, y)
                seconds = time.process_time() - began
                found.setdefault(name, []).append([*values(model, *rest), seconds])
        _show(network, {name: np.array(rows) for name, rows in found.items()})


def _methods(options, seed):
    """Yield the name of each method that was asked for and a function that fits it."""
    made = {heuristic.replace("_", " "): LinkHeuristicClassifier(heuristic).fit for heuristic in HEURISTICS}
    made["all of these + logreg"] = make_pipeline(
        LinkHeuristicsFeatures("all"), StandardScaler(), LogisticRegression(max_iter=2000)
    ).fit
    fitted = {}

    def embed(name, X, y):
        if name == "splitter cosine" and "splitter" in fitted:  # the same fit, seen otherwise
            fitted[name] = copy.copy(fitted["splitter"]).set_params(similarity="cosine")
        else:
            fitted[name] = EMBEDDINGS[name](options.dimensions, seed).fit(X, y)
        return Scored(fitted[name], options.head, X, y)

    made |= {name: functools.partial(embed, name) for name in EMBEDDINGS}
    for key in GRAPH_NETWORKS:
        made[key] = find(key).load("links", "classification")(random_state=seed).fit
    return ((name, fit) for name, fit in made.items() if not options.methods or name in options.methods)


def _show(network, found):
    print(f"\n{network:<24}" + "".join(f"{name:>16}" for name in METRICS) + f"{'CPU-s':>8}")
    for name, rows in found.items():
        mean, spread = rows.mean(axis=0), rows.std(axis=0, ddof=1)
        cells = "".join(f"{m:>10.3f} ±{s:.3f}" for m, s in zip(mean[:-1], spread[:-1], strict=True))
        print(f"{name:<24}{cells}{np.median(rows[:, -1]):>8.2f}")
    ours = [name for name in found if name.startswith("splitter")]
    for name, other in product(
        ours, [name for name in ("deepwalk", "node2vec q=0.5", "node2vec q=2") if name in found]
    ):
        gain = found[name][:, 0] - found[other][:, 0]
        ahead = f"ahead in {(gain > 0).sum()} of {len(gain)}"
        print(f"{name} - {other}: MRR {gain.mean():+.3f} ±{gain.std(ddof=1):.3f}, {ahead}")
    print(flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--choose", action="store_true", help="compare heads instead, on other repetitions")
    parser.add_argument("--head", choices=HEADS, default="hadamard+logreg C=0.01")
    parser.add_argument("--dimensions", type=int, default=128)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--networks", nargs="*", choices=NETWORKS, default=NETWORKS)
    parser.add_argument("--methods", nargs="*", default=(), help="rows of the table; all unless named")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    X, y, *_ = parts("celegans", 0)
    for make in EMBEDDINGS.values():
        make(8, 0).fit(X, y).transform(X)  # kernels are compiled or loaded here
    LinkHeuristicsFeatures("all").fit(X, y).transform(X)
    (choose if options.choose else compare)(options)


if __name__ == "__main__":
    main()
