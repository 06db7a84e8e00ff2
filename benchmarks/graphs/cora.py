"""Graph neural networks on Cora's public split beside PyTorch Geometric's layers: CPU seconds a fit and accuracy.

Three ways take turns, seed by seed, on one thread, each with the same sizes, epochs, rule of stopping and seeds:

- ours: the estimator;
- ``PyG dense``: PyG's usual script, dense features and an edge list, the layers' own defaults;
- ``PyG sparse``: PyG's layers given what helps them most: sparse features and, where the layer can use it, the
  normalised adjacency as a CSR tensor made once.

    NEUROLOOM_DATA=... python -m benchmarks.graphs.cora gcn gat gatv2 --seeds 10
    NEUROLOOM_DATA=... python -m benchmarks.graphs.cora gcn gat gcnii appnp grand --seeds 100 --peer-seeds 0

Peers exist for gcn, gat and gatv2; any method over nodes runs without.
"""

from __future__ import annotations

import argparse
import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import copy
import shutil
import tempfile
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from neuroloom.core import Graph, NodeSet
from neuroloom.methods.registry import find


def cora():
    """Return PyG's Data, read from a copy, since PyG writes beside what it reads."""
    from torch_geometric.datasets import Planetoid

    with tempfile.TemporaryDirectory() as folder:
        raw = Path(os.environ["NEUROLOOM_DATA"]) / "planetoid" / "Cora" / "raw"
        shutil.copytree(raw, Path(folder) / "Cora" / "raw")
        return Planetoid(folder, "Cora")[0]


class PygNet(torch.nn.Module):
    """Two of PyG's layers with the sizes of the papers, by their usual script or with all that makes them fast."""

    def __init__(self, kind, data, sparse):
        super().__init__()
        from torch_geometric import nn

        n_in, n_out = data.x.shape[1], int(data.y.max()) + 1
        self.p, self.act = (0.5, torch.relu) if kind == "gcn" else (0.6, functional.elu)
        if kind == "gcn":
            pair = [nn.GCNConv(n_in, 64, cached=sparse), nn.GCNConv(64, n_out, cached=sparse)]
        else:
            layer = nn.GATConv if kind == "gat" else nn.GATv2Conv
            pair = [layer(n_in, 8, heads=8, dropout=0.6), layer(64, n_out, concat=False, dropout=0.6)]
        self.layers = torch.nn.ModuleList(pair)
        self.edges, self.x = data.edge_index, data.x / data.x.sum(dim=1, keepdim=True).clamp(min=1)
        if sparse:
            self._make_sparse(kind, data)

    def _make_sparse(self, kind, data):
        from torch_geometric.utils import to_torch_csr_tensor

        self.x = self.x.to_sparse_csr()
        if kind == "gcn":  # message passing becomes one product with the cached normalised adjacency
            self.edges = to_torch_csr_tensor(data.edge_index, size=(data.num_nodes, data.num_nodes))

    def forward(self):
        x = self.x
        if x.layout == torch.sparse_csr:
            kept = functional.dropout(x.values(), self.p, self.training)
            x = torch.sparse_csr_tensor(x.crow_indices(), x.col_indices(), kept, size=x.shape)
        else:
            x = functional.dropout(x, self.p, self.training)
        x = self.act(self.layers[0](x, self.edges))
        return self.layers[1](functional.dropout(x, self.p, self.training), self.edges)


def peer(kind, data, seed, ours, sparse):
    """Return the test accuracy and the epochs of PyG's layers, trained by a loop written by hand."""
    torch.manual_seed(seed)
    net = PygNet(kind, data, sparse)
    decayed = net.layers[0].parameters() if kind == "gcn" else net.parameters()
    rest = net.layers[1].parameters() if kind == "gcn" else []
    groups = [{"params": list(decayed), "weight_decay": ours.weight_decay}, {"params": list(rest)}]
    optimizer = torch.optim.Adam([g for g in groups if g["params"]], lr=ours.learning_rate)
    best, since, kept = (-np.inf,), 0, None
    for epoch in range(1, ours.epochs + 1):  # noqa: B007
        net.train()
        optimizer.zero_grad()
        functional.cross_entropy(net()[data.train_mask], data.y[data.train_mask]).backward()
        optimizer.step()
        net.eval()
        with torch.no_grad():
            logits, y = net()[data.val_mask], data.y[data.val_mask]
        score = float((logits.argmax(1) == y).double().mean()), -float(functional.cross_entropy(logits, y))
        score = score if ours.monitor == "score" else score[1:]
        since += 1
        if score > best:
            best, since, kept = score, 0, copy.deepcopy(net.state_dict())
        if since >= ours.patience:
            break
    net.load_state_dict(kept)
    with torch.no_grad():
        guess = net().argmax(1)
    return float((guess == data.y)[data.test_mask].double().mean()), epoch


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("methods", nargs="*", default=["gcn", "gat"])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument(
        "--peer-seeds", type=int, default=None, help="PyG's part runs on the first so many seeds"
    )
    options = parser.parse_args()
    peers = options.seeds if options.peer_seeds is None else options.peer_seeds
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    data = cora()
    X, y = NodeSet(Graph.of(data)), data.y.numpy()
    train, valid, test = (
        np.flatnonzero(mask.numpy()) for mask in (data.train_mask, data.val_mask, data.test_mask)
    )
    found = {}

    def note(name, work):
        began = time.process_time(), time.perf_counter()
        accuracy, epochs = work()
        cpu, wall = time.process_time() - began[0], time.perf_counter() - began[1]
        found.setdefault(name, []).append((100 * accuracy, epochs, cpu, wall))

    def fit(name, seed, **more):
        model = find(name).load("nodes", "classification")(random_state=seed, device="cpu", **more)
        model.fit(X[train], y[train], eval_set=(X[valid], y[valid]))
        return model, (float(np.mean(model.predict(X[test]) == y[test])), len(model.history_))

    for name in options.methods:
        model, _ = fit(name, 0, epochs=2)  # kernels are compiled or loaded here
        model = type(model)()
        for seed in range(options.seeds):
            note(name, lambda name=name, seed=seed: fit(name, seed)[1])
            for sparse in (False, True) if seed < peers else ():
                label = f"{name}, PyG {'sparse' if sparse else 'dense'}"
                note(label, lambda a=(name, data, seed, model, sparse): peer(*a))
    packages = ", ".join(f"{p} {version(p)}" for p in ("torch", "torch-geometric", "numba"))
    print(f"one thread, load {os.getloadavg()[0]:.1f}; {packages}")
    heads = "seeds", "accuracy %", "± sd", "epochs", "CPU-s a fit", "wall-s", "ms an epoch", "ratio"
    print(" " * 18 + "".join(f"{head:>12}" for head in heads))
    for name, rows in found.items():
        scores, epochs, cpu, wall = np.array(rows).T
        own = np.array(found[name.split(",")[0]])[: len(rows)]
        spread = scores.std(ddof=1) if len(rows) > 1 else np.nan
        each = np.median(cpu / epochs)
        ratio = each / np.median(own[:, 2] / own[:, 1])
        print(
            f"{name:<18}{len(rows):>12}{scores.mean():>12.2f}{spread:>12.2f}{np.median(epochs):>12.0f}"
            f"{np.median(cpu):>12.2f}{np.median(wall):>12.2f}{1000 * each:>12.2f}{ratio:>12.1f}"
        )


if __name__ == "__main__":
    main()
