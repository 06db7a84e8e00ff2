"""GraphSAGE on generated graphs of 10⁴, 10⁵ and 10⁶ nodes, ten edges a node, from drawn neighbours: seconds and memory.

The graph is that of ``scale.py``; its hundred communities are ten classes, and 32 features a node say little of them
alone (a net on the features is beside it). A tenth of the nodes train, 10,000 test. Each fit runs in a process of its
own, on one thread, after its kernels were compiled. ``--whole`` adds the same network on whole graphs.

    python -m benchmarks.graphs.sampling --nodes 10000 100000 1000000
"""

from __future__ import annotations

import argparse
import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import json
import resource
import subprocess
import sys
import time
import warnings

import numpy as np

from benchmarks.graphs.scale import generated
from neuroloom.core import NodeSet
from neuroloom.core.seeding import stream

EPOCHS, STEPS = 3, 60  # at least so many epochs, and so many steps


def task(n):
    """Return nodes, classes, training and test nodes."""
    graph, community = generated(n)
    draws = stream(0, "sampling", n)
    y = community % 10
    centres = draws.normal(size=(10, 32))
    x = (0.4 * centres[y] + draws.normal(size=(n, 32))).astype(np.float32)
    order = draws.permutation(n)
    return NodeSet(graph.with_features(x)), y, order[: n // 10], order[n // 10 :][:10_000]


def one(n, how):
    """Fit, and print what it took as JSON."""
    from neuroloom.graphs import GraphSAGENodeClassifier
    from neuroloom.nets import MLPClassifier

    warnings.filterwarnings("ignore")
    batches = {} if how == "whole" else {"batch_size": 1024, "neighbours": (10, 10)}
    settings = {
        "hidden": 64,
        "dropout": 0.2,
        "learning_rate": 0.01,
        "normalize": "standard",
        "random_state": 0,
    }
    X, y, train, test = task(1000)
    GraphSAGENodeClassifier(epochs=1, **settings, **batches).fit(X[train], y[train])
    X, y, train, test = task(n)
    valid, train = train[: len(train) // 50], train[len(train) // 50 :]
    built = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if how == "features":
        model = MLPClassifier(random_state=0)
        began = time.process_time()
        features = X.graph.features
        model.fit(features[train[:20_000]], y[train[:20_000]])
        accuracy = np.mean(model.predict(features[test]) == y[test])
    else:
        epochs = max(EPOCHS, STEPS * 1024 // len(train)) if how == "drawn" else STEPS
        model = GraphSAGENodeClassifier(epochs=epochs, patience=epochs, **settings, **batches)
        began = time.process_time()
        model.fit(X[train], y[train], eval_set=(X[valid], y[valid]))
        accuracy = np.mean(model.predict(X[test]) == y[test])
    print(
        json.dumps(
            {
                "edges": X.graph.n_edges,
                "fit": time.process_time() - began,
                "epoch": np.median(
                    np.diff([0.0, *(r["seconds"] for r in getattr(model, "history_", [])[:EPOCHS])])
                )
                if how != "features"
                else float("nan"),
                "accuracy": float(accuracy),
                "built": built,
                "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodes", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--one", nargs=2)
    options = parser.parse_args()
    if options.one:
        one(int(options.one[0]), options.one[1])
        return
    ways = ["features", "drawn", *(["whole"] if options.whole else [])]
    print(
        f"one thread, load {os.getloadavg()[0]:.1f}; at least {EPOCHS} epochs and {STEPS} steps of 1,024 "
        f"nodes, 10 and 10 neighbours"
    )
    heads = "nodes", "edges", "wall-s/epoch", "CPU-s in all", "accuracy", "graph MB", "peak MB"
    print(" " * 10 + "".join(f"{head:>14}" for head in heads), flush=True)
    for n in options.nodes:
        for how in ways:
            command = [sys.executable, "-m", "benchmarks.graphs.sampling", "--one", str(n), how]
            shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            found = json.loads(shown.splitlines()[-1])
            print(
                f"{how:<10}{n:>14,}{found['edges']:>14,}{found['epoch']:>14.2f}{found['fit']:>14.1f}"
                f"{found['accuracy']:>14.3f}{found['built']:>14,.0f}{found['peak']:>14,.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
