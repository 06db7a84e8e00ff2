"""Graph networks, one setting each, over graphs of very different kinds: the tasks' own splits, metrics and test nodes.

``gat, deep`` and ``graphsage, deep`` are one recipe: five layers with residual maps, batch normalisation and the node
itself kept apart from its neighbours (Platonov et al. 2023; Luo et al. 2024). Nothing is chosen on a test node; the
published validation parts stop training, elsewhere a share of the training nodes.

    NEUROLOOM_DATA=... python -m benchmarks.graphs.carry_over minesweeper squirrel-filtered --splits 10
"""

from __future__ import annotations

import argparse
import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import time
import warnings

import numpy as np

from neuroloom.methods import build
from neuroloom.tasks import evaluate, open_task

TASKS = ("cora", "karate", "airports-usa", "airports-brazil", "minesweeper", "squirrel-filtered")
DEEP = {
    "layers": 5,
    "norm": "batch",
    "residual": True,
    "separate_ego": True,
    "dropout": 0.2,
    "normalize": "standard",
    "learning_rate": 0.003,
    "epochs": 500,
    "patience": 100,
}
METHODS = {
    "dummy": ("dummy", {}),
    "node-features+mlp": ("node-features+mlp", {}),
    "label-propagation": ("label-propagation", {}),
    "prone+logreg": ("prone+logreg", {}),
    "gcn": ("gcn", {}),
    "gat": ("gat", {}),
    "grand": ("grand", {}),
    "graphsage, deep": ("graphsage", DEEP),
    "gat, deep": ("gat", {**DEEP, "attention_dropout": 0.2, "weight_decay": 0.0}),
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tasks", nargs="*", default=TASKS)
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    for name in options.tasks:
        task = open_task(name)
        metric = task.metrics[0]
        print(f"\n{name}, {metric}, {options.splits} splits, one thread", flush=True)
        for label in options.methods:
            method, params = METHODS[label]
            scores, seconds = [], []
            for seed, fold in task.cells(options.splits, 5)[: options.splits]:
                data = task.load(seed)
                split = task.split(data, seed, fold, 5)
                estimator, _ = build(method, "nodes", "classification", params, X=data.X, random_state=seed)
                parts = {}
                if split.valid is not None and "eval_set" in estimator.fit.__code__.co_varnames:
                    parts["eval_set"] = (data.X[split.valid], data.y[split.valid])
                began = time.process_time()
                estimator.fit(data.X[split.train], data.y[split.train], **parts)
                seconds.append(time.process_time() - began)
                test, truth = data.X[split.test], data.y[split.test]
                found = evaluate(
                    (metric,),
                    truth,
                    estimator.predict(test),
                    classes=estimator.classes_,
                    y_train=data.y[split.train],
                    probability=estimator.predict_proba(test),
                )
                scores.append(100 * found[metric])
            spread = np.std(scores, ddof=1) if len(scores) > 1 else np.nan
            print(
                f"{label:<20}{np.mean(scores):>7.2f} ± {spread:.2f}{np.median(seconds):>9.1f} CPU-s",
                flush=True,
            )


if __name__ == "__main__":
    main()
