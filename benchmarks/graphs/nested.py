"""Graph neural networks on MUTAG and PROTEINS by nested validation, as Errica et al. 2020 ask for.

Outside, stratified 10-fold; within each training part a tenth is held out, on which every setting of a small grid is
judged, the best being fitted again three times on the whole training part (early stopping on a tenth of it) and the
mean of their test accuracies counted. Printed: mean over the ten folds, spread over folds. No test graph chooses
anything.

``--optimistic`` is the protocol of the GIN paper instead (Xu et al. 2019): one setting, the test accuracy of every
epoch, averaged over the ten folds, and the best epoch of that curve: it picks the epoch on the test folds.

    NEUROLOOM_DATA=... python -m benchmarks.graphs.nested mutag proteins --methods deepsets gin gcn gps
"""

from __future__ import annotations

import argparse
import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import itertools
import time
import warnings
from importlib.metadata import version

import numpy as np
from sklearn.model_selection import StratifiedKFold, train_test_split

from neuroloom.methods.registry import find
from neuroloom.tasks import open_task

GRID = {"hidden": (16, 32), "layers": (2, 4), "learning_rate": (0.01, 0.003)}


def made(method, **params):
    return find(method).load("graphs", "classification")(**params)


def accuracy(model, X, y):
    return float(np.mean(model.predict(X) == y))


def nested(method, X, y, seed, grid):
    """Return the test accuracy of each of ten folds and how often each setting was chosen."""
    scores, chosen = [], []
    for train, test in StratifiedKFold(10, shuffle=True, random_state=seed).split(np.zeros(len(y)), y):
        inner, held = train_test_split(train, test_size=0.1, stratify=y[train], random_state=seed)
        judged = []
        for values in itertools.product(*grid.values()):
            setting = dict(zip(grid, values, strict=True))
            model = made(method, random_state=seed, **setting).fit(X[inner], y[inner], (X[held], y[held]))
            judged.append((max(record["score"] for record in model.history_), setting))
        setting = max(judged, key=lambda pair: pair[0])[1]
        chosen.append(setting)
        runs = []
        for repeat in range(3):
            inner, held = train_test_split(train, test_size=0.1, stratify=y[train], random_state=100 + repeat)
            model = made(method, random_state=100 + repeat, **setting).fit(
                X[inner], y[inner], (X[held], y[held])
            )
            runs.append(accuracy(model, X[test], y[test]))
        scores.append(np.mean(runs))
    return np.array(scores), chosen


def optimistic(method, X, y, seed, epochs=200):
    """Return the test accuracies of the ten folds at the epoch that is best for their mean."""
    curves = []
    for train, test in StratifiedKFold(10, shuffle=True, random_state=seed).split(np.zeros(len(y)), y):
        model = made(method, random_state=seed, epochs=epochs, patience=epochs)
        model.fit(X[train], y[train], (X[test], y[test]))  # the record of every epoch is what is wanted
        curves.append([record["score"] for record in model.history_])
    curves = np.array(curves)
    return curves[:, curves.mean(axis=0).argmax()]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tasks", nargs="*", default=["mutag", "proteins"])
    parser.add_argument("--methods", nargs="*", default=["deepsets", "gin", "gcn", "graphsage", "gat", "gps"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--optimistic", action="store_true")
    parser.add_argument("--small", action="store_true", help="a grid of two settings instead of eight")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    grid = {"hidden": (16, 32)} if options.small else GRID
    how = (
        "optimistic: the epoch is picked on the test folds" if options.optimistic else f"nested, grid {grid}"
    )
    print(f"{how}; seed {options.seed}; one thread; torch {version('torch')}", flush=True)
    for name in options.tasks:
        data = open_task(name).load(0)
        for method in options.methods:
            began = time.process_time()
            if options.optimistic:
                scores = optimistic(method, data.X, data.y, options.seed)
            else:
                scores, _ = nested(method, data.X, data.y, options.seed, grid)
            print(
                f"{name:<10}{method:<12}{100 * scores.mean():>6.1f} ± {100 * scores.std():.1f}"
                f"   {time.process_time() - began:>7.0f} CPU-s",
                flush=True,
            )


if __name__ == "__main__":
    main()
