"""Members of ``wavelet-ensemble`` and ways to pool them, judged on draws of the training parts alone.

    NEUROLOOM_DATA=DATA python -m benchmarks.signal.members [--draws 6] [--sets Trace]

Of each training part of ``DATA/ucr`` two thirds of each class learn and one third is judged, anew in every draw.
Weights and sharpness come of the learning part's held-out answers, as in the classifier.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from benchmarks.signal.ucr import archive_sets
from neuroloom.signal import WaveletEnsembleClassifier
from neuroloom.signal.wavelet_ensemble import sharpness, smoothed_loss

Floats = NDArray[np.float64]
Rule = Callable[[Floats, Floats], Floats]  # accuracies and log losses of the members to weights

MEMBERS = ("kernels", "competition", "details", "envelopes")
RULES: dict[str, Rule] = {
    "equal": lambda accuracy, loss: np.ones(len(loss)),
    "accuracy^4": lambda accuracy, loss: np.asarray(np.maximum(accuracy, 1e-3) ** 4),
    "exp(-5 loss)": lambda accuracy, loss: np.asarray(np.exp(-5 * loss)),
    "exp(-10 loss)": lambda accuracy, loss: np.asarray(np.exp(-10 * loss)),
}
CHOSEN = "exp(-5 loss)"


def thirds(labels: NDArray[Any], draw: int) -> NDArray[np.bool_]:
    """Return which samples learn: two thirds of each class, rounded up."""
    random, learn = np.random.default_rng([draw, len(labels)]), np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        own = random.permutation(np.flatnonzero(labels == label))
        learn[own[: -(-2 * len(own) // 3)]] = True
    return learn


def pooled(held_out: list[Floats], answers: list[Floats], labels: NDArray[Any], rule: Rule) -> Floats:
    """Return ``(n, classes)`` logarithms of probabilities of all members together for the judged samples."""
    betas = [sharpness(z, labels) for z in held_out]
    loss = np.array([smoothed_loss(b * z, labels) for b, z in zip(betas, held_out, strict=True)])
    accuracy = np.array([np.mean(z.argmax(axis=1) == labels) for z in held_out])
    weights = rule(accuracy, loss)
    weights = weights / weights.sum()

    def together(told: list[Floats]) -> Floats:
        logs = [log_softmax(b * z, axis=-1) for b, z in zip(betas, told, strict=True)]
        return np.asarray(np.tensordot(weights, np.stack(logs), axes=1))

    beta = sharpness(together(held_out), labels)
    return np.asarray(log_softmax(beta * together(answers), axis=-1))


def trials() -> Iterator[tuple[str, tuple[int, ...], str]]:
    """Yield name, members and rule of what is compared."""
    for m, name in enumerate(MEMBERS):
        yield name, (m,), CHOSEN
    for left in range(4):
        yield f"all but {MEMBERS[left]}", tuple(m for m in range(4) if m != left), CHOSEN
    for rule in RULES:
        yield f"all four, {rule}", (0, 1, 2, 3), rule


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--draws", type=int, default=6)
    parser.add_argument("--sets", nargs="*")
    given = parser.parse_args()
    if "NEUROLOOM_DATA" not in os.environ:
        parser.error("set NEUROLOOM_DATA to a folder that holds ucr/NAME/NAME_TRAIN.ts or .tsv")
    found: dict[str, list[list[tuple[float, float]]]] = {name: [] for name, _, _ in trials()}
    for _, (X, y, _, _) in archive_sets(Path(os.environ["NEUROLOOM_DATA"]), given.sets):
        y = np.unique(y, return_inverse=True)[1]
        X = X if X.ndim == 3 else X[:, None]
        for name in found:
            found[name].append([])
        for draw in range(given.draws):
            learn = thirds(y, draw)
            model = WaveletEnsembleClassifier(random_state=draw)
            held_out = model._fit_members(X[learn], y[learn], draw)
            answers = model._answers(X[~learn])
            for name, members, rule in trials():
                parts = [held_out[m] for m in members], [answers[m] for m in members]
                logs = pooled(*parts, y[learn], RULES[rule])
                right = float(np.mean(logs.argmax(axis=1) == y[~learn]))
                found[name][-1].append((right, smoothed_loss(logs, y[~learn])))
    print("| members and weights | accuracy | log loss |\n|---|--:|--:|")
    for name, values in found.items():
        accuracy, loss = np.mean([np.mean(own, axis=0) for own in values], axis=0)
        print(f"| {name} | {accuracy:.4f} | {loss:.4f} |")


if __name__ == "__main__":
    main()
