"""A small training, alone or shared: ``torchrun -m tests.core.shared_training FOLDER OPTIMIZER``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neuroloom.core.parallel import data_parallel
from neuroloom.core.training import TrainConfig, train


def curve(optimizer: str) -> np.ndarray:
    """Return the loss of each of 50 steps of a dense net in float64, 17 rows a step."""
    generator = torch.Generator().manual_seed(5)
    X = torch.randn(85, 6, generator=generator, dtype=torch.float64)
    y = torch.sin(X[:, :1] * 2) + X[:, 1:2] ** 2
    torch.manual_seed(7)
    network = torch.nn.Sequential(torch.nn.Linear(6, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1)).double()
    steps: list[float] = []

    def loss(net: Any, rows: Any) -> torch.Tensor:
        return torch.nn.functional.mse_loss(net(X[rows]), y[rows])

    config = TrainConfig(epochs=10, batch_size=17, optimizer=optimizer, learning_rate=0.01, clip_norm=1.0)
    from neuroloom.core._training import Optimizing

    step = Optimizing.step

    def noted(self: Any, *given: Any) -> None:
        before = float(self.losses)
        step(self, *given)
        steps.append(float(self.losses) - before)

    Optimizing.step = noted  # type: ignore[method-assign]
    try:
        train(network, loss, config=config, n_samples=85, seed=11)
    finally:
        Optimizing.step = step  # type: ignore[method-assign]
    return np.array(steps)


if __name__ == "__main__":
    folder, which = sys.argv[1:]
    with data_parallel() as rank:
        np.save(Path(folder) / f"{which}-{rank}.npy", curve(which))
