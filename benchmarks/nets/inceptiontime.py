"""One network of InceptionTime, trained as its authors train it and as the estimator does.

    python -m benchmarks.nets.inceptiontime [SET ...] [--epochs 200] [--draw 0] [--keras-norm] [--test]

Each set gives 36 series of its training part to learn from, drawn by class, and up to 250 others of the same part to be
judged on; nothing of a test part is looked at, so that a recipe can be chosen by it. ``--test`` takes the default split
instead, for the authors' training only. Theirs (Ismail Fawaz et al. 2020, and their code) is written out by hand: Adam
at 0.001, batches of 64, the rate halved, not below 0.0001, after 50 epochs in which the loss did not fall by 0.0001,
the weights of the lowest loss, Glorot's first weights, and 1,500 epochs, of which ``--epochs`` are done.
``--keras-norm``: their averages of batch normalisation, too, which forget a hundredth a step, where torch's forget a
tenth; they need far more than 200 steps to arrive. Sets of the UCR archive, NEUROLOOM_DATA. One thread; CPU seconds of
the process.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

# ruff: noqa: E402 (thread limits count only when they are set before NumPy is imported)
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from torch import nn

from neuroloom.nets import InceptionTimeClassifier
from neuroloom.tasks import open_task

SETS = ("SmoothSubspace", "MelbournePedestrian", "MiddlePhalanxTW", "ProximalPhalanxOutlineCorrect")
KNOWN, JUDGED = 36, 250
HIGHEST, LOWEST, LEAST_FALL, PATIENCE, BATCH = 1e-3, 1e-4, 1e-4, 50, 64


def network(channels: int, classes: int, keras_norm: bool) -> nn.Module:
    """Return the network with first weights as Keras draws them."""
    made: nn.Module = InceptionTimeClassifier()._network((channels, 1), classes)
    for part in made.modules():
        if isinstance(part, nn.Conv1d | nn.Linear):
            nn.init.xavier_uniform_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        if keras_norm and isinstance(part, nn.BatchNorm1d):
            part.eps, part.momentum = 1e-3, 0.01
    return made


def authors(X: torch.Tensor, y: torch.Tensor, classes: int, seed: int, epochs: int, norm: bool) -> nn.Module:
    """Train a network by the authors' recipe and return it."""
    torch.manual_seed(seed)
    net = network(X.shape[1], classes, norm)
    optimizer = torch.optim.Adam(net.parameters(), lr=HIGHEST, eps=1e-7)
    lowest, best, waited, kept = np.inf, np.inf, 0, net.state_dict()
    for _ in range(epochs):
        total = 0.0
        for rows in torch.randperm(len(X)).split(BATCH):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(X[rows]), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows) / len(X)
        if total < best:
            best, kept = total, {name: value.clone() for name, value in net.state_dict().items()}
        waited = 0 if total < lowest - LEAST_FALL else waited + 1
        lowest = total if not waited else lowest
        rate = optimizer.param_groups[0]["lr"]
        if waited >= PATIENCE and rate > LOWEST:
            optimizer.param_groups[0]["lr"], waited = max(rate / 2, LOWEST), 0
    net.load_state_dict(kept)
    return net.eval()


def accuracy(net: nn.Module, X: torch.Tensor, y: torch.Tensor) -> float:
    """Return the share of ``X`` that is answered right."""
    with torch.inference_mode():
        return float((torch.cat([net(part) for part in X.split(64)]).argmax(1) == y).float().mean())


def series(name: str, draw: int, test: bool) -> tuple[Any, Any, Any, Any]:
    """Return series and classes to learn from, and those to be judged on."""
    task = open_task(f"ucr:{name}")
    data = task.load(0)
    split = task.split(data, 0, 0, 5)
    X = np.asarray(data.X, np.float32).reshape(len(data.X), -1, data.X.shape[-1])
    y = np.unique(np.asarray(data.y), return_inverse=True)[1]
    if test:
        return X[split.train], y[split.train], X[split.test], y[split.test]
    X, y = X[split.train], y[split.train]
    known, held = train_test_split(np.arange(len(y)), train_size=KNOWN, stratify=y, random_state=draw)
    held = held[:JUDGED]
    return X[known], y[known], X[held], y[held]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--draw", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--keras-norm", action="store_true")
    parser.add_argument("--test", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(
        f"torch {torch.__version__}, 1 thread, {given.epochs} epochs of the authors' training, draw {given.draw}"
    )
    print(
        "\n| set | judged on | ours, one network (CPU-s) | the authors' training (CPU-s) |\n|---|---|---|---|"
    )
    for name in given.sets:
        X, y, held, truth = series(name, given.draw, given.test)
        cells = ["–"]
        if not given.test:
            began = time.process_time()
            ours = InceptionTimeClassifier(members=1, random_state=given.draw).fit(X, y)
            cells = [f"{ours.score(held, truth):.3f} ({time.process_time() - began:.0f})"]
        began = time.process_time()
        known, others = (torch.from_numpy((part - X.mean()) / X.std()) for part in (X, held))
        classes, right = int(truth.max()) + 1, torch.from_numpy(truth)
        net = authors(known, torch.from_numpy(y), classes, given.draw, given.epochs, given.keras_norm)
        cells.append(f"{accuracy(net, others, right):.3f} ({time.process_time() - began:.0f})")
        print(f"| {name} | {len(truth)} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
