"""GCN and GAT on Cora's public split: test accuracy over seeds and CPU seconds a fit.

Early stopping on the 500 validation nodes only; nothing is chosen on the test nodes. ``--peers`` adds PyG's layers in
its usual dense-feature script with the same sizes, epochs, rule of stopping and seeds.

    NEUROLOOM_DATA=... python -m benchmarks.graphs.cora --seeds 5 --peers
"""

from __future__ import annotations

import argparse
import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

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
from neuroloom.core.training import TrainConfig, train
from neuroloom.graphs import GATNodeClassifier, GCNNodeClassifier


def cora():
    """Return PyG's Data, read from a copy, since PyG writes beside what it reads."""
    from torch_geometric.datasets import Planetoid

    with tempfile.TemporaryDirectory() as folder:
        raw = Path(os.environ["NEUROLOOM_DATA"]) / "planetoid" / "Cora" / "raw"
        shutil.copytree(raw, Path(folder) / "Cora" / "raw")
        return Planetoid(folder, "Cora")[0]


class PygNet(torch.nn.Module):
    def __init__(self, kind, n_in, n_out):
        super().__init__()
        from torch_geometric.nn import GATConv, GCNConv

        self.p, self.act = (0.5, torch.relu) if kind == "gcn" else (0.6, functional.elu)
        if kind == "gcn":
            self.layers = torch.nn.ModuleList([GCNConv(n_in, 64), GCNConv(64, n_out)])
        else:
            self.layers = torch.nn.ModuleList(
                [GATConv(n_in, 8, heads=8, dropout=0.6), GATConv(64, n_out, concat=False, dropout=0.6)]
            )

    def forward(self, x, edge_index):
        x = functional.dropout(x, self.p, self.training)
        x = self.act(self.layers[0](x, edge_index))
        return self.layers[1](functional.dropout(x, self.p, self.training), edge_index)


def peer(kind, data, seed, ours):
    """Return the test accuracy of PyG's layers, trained by the same loop."""
    x = data.x / data.x.sum(dim=1, keepdim=True).clamp(min=1)
    torch.manual_seed(seed)
    net = PygNet(kind, x.shape[1], int(data.y.max()) + 1)

    def loss(net, rows):
        return functional.cross_entropy(net(x, data.edge_index)[data.train_mask], data.y[data.train_mask])

    def valid(net):
        logits = net(x, data.edge_index)[data.val_mask]
        y = data.y[data.val_mask]
        return (logits.argmax(1) == y).double().mean() - 1e-4 * functional.cross_entropy(logits, y).double()

    config = TrainConfig(
        epochs=ours.epochs, optimizer="adam", learning_rate=ours.learning_rate, weight_decay=ours.weight_decay,
        patience=ours.patience,
    )  # fmt: skip
    scale = None
    if kind == "gcn":
        scale = {name: float(name == "layers.0.lin.weight") for name, _ in net.named_parameters()}
    result = train(net, loss, config=config, seed=seed, valid=valid, decay_scale=scale)
    net.eval()
    with torch.no_grad():
        guess = net(x, data.edge_index).argmax(1)
    return float((guess == data.y)[data.test_mask].double().mean()), len(result.history)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--methods", nargs="*", default=["gcn", "gat"])
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    data = cora()
    X, y = NodeSet(Graph.of(data)), data.y.numpy()
    rows = [np.flatnonzero(mask.numpy()) for mask in (data.train_mask, data.val_mask, data.test_mask)]
    classes = {"gcn": GCNNodeClassifier, "gat": GATNodeClassifier}
    for name in options.methods:  # kernels are compiled or loaded here
        classes[name](epochs=1).fit(X[rows[0]], y[rows[0]])
    found = {}

    def note(name, accuracy, seconds, epochs):
        for values, value in zip(
            found.setdefault(name, ([], [], [])), (accuracy, seconds, epochs), strict=True
        ):
            values.append(value)

    for seed in range(options.seeds):
        for name in options.methods:
            model = classes[name](random_state=seed, device="cpu")
            began = time.process_time()
            model.fit(X[rows[0]], y[rows[0]], eval_set=(X[rows[1]], y[rows[1]]))
            seconds = time.process_time() - began
            accuracy = float(np.mean(model.predict(X[rows[2]]) == y[rows[2]]))
            note(name, accuracy, seconds, len(model.history_))
            if options.peers:
                began = time.process_time()
                accuracy, epochs = peer(name, data, seed, model)
                note(f"{name} (PyG layers)", accuracy, time.process_time() - began, epochs)
    print("one thread;", ", ".join(f"{p} {version(p)}" for p in ("torch", "torch-geometric", "numba")))
    print(
        f"{'method':<20}{'accuracy %':>12}{'± sd':>7}{'CPU-s a fit':>13}{'epochs':>8}  over {options.seeds} seeds"
    )
    for name, (accuracies, seconds, epochs) in found.items():
        scores = 100 * np.array(accuracies)
        spread = scores.std(ddof=1) if len(scores) > 1 else float("nan")
        print(
            f"{name:<20}{scores.mean():>12.2f}{spread:>7.2f}{np.median(seconds):>13.2f}{np.median(epochs):>8.0f}"
        )


if __name__ == "__main__":
    main()
