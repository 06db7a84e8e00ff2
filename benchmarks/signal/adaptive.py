"""Learned and evolved wavelets against the best fixed one: test accuracy of log-energies under a ridge classifier.

    NEUROLOOM_DATA=DATA python -m benchmarks.signal.adaptive [--sets GunPoint ECG200] [--seeds 3]

The fixed wavelet is, of eight orthogonal ones, the one with the least leave-one-out error on the training part; its
features hold the series' own energies too. All see the default split, stretches and levels; one thread.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

FIXED = ("haar", "db2", "db3", "db4", "db6", "sym4", "sym6", "coif2")
SETS = ("Coffee", "GunPoint", "ECG200", "Plane", "SonyAIBORobotSurface1", "ToeSegmentation1")


def best_fixed(X: Any, y: Any, seed: int) -> Any:
    """Return the features by the fixed wavelet that the training part likes best."""
    from neuroloom.signal import WaveletFeatures
    from neuroloom.signal.leave_one_out import LeaveOneOutRidge

    del seed
    targets = np.where(y[:, None] == np.unique(y), 1.0, -1.0)
    errors, made = [], []
    for name in FIXED:
        made.append(
            WaveletFeatures(name, statistics=[], segment_statistics=["log_energy"], boundary="symmetric").fit(
                X
            )
        )
        left_out = LeaveOneOutRidge().fit(made[-1].transform(X), y).left_out_
        errors.append(float(((left_out - targets) ** 2).mean()))
    return made[int(np.argmin(errors))]


def learned(X: Any, y: Any, seed: int) -> Any:
    """Return the features by wavelets learned by gradient."""
    from neuroloom.signal import AdaptiveWaveletFeatures

    return AdaptiveWaveletFeatures(random_state=seed).fit(X, y)


def evolved(X: Any, y: Any, seed: int) -> Any:
    """Return the features by wavelets that evolved."""
    from neuroloom.methods.evolved_wavelet import EvolvedWaveletFeatures

    return EvolvedWaveletFeatures(random_state=seed).fit(X, y)


WAYS = {"best fixed wavelet": best_fixed, "adaptive-wavelet": learned, "evolved-wavelet": evolved}


def main() -> None:
    """Print a line for each set."""
    from benchmarks.signal.ucr import archive_sets
    from neuroloom.signal.leave_one_out import LeaveOneOutRidge

    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", nargs="*", default=SETS)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    print("| set | " + " | ".join(WAYS) + " |\n|---|" + "--:|" * len(WAYS), flush=True)
    for name, (X, y, X_test, y_test) in archive_sets(Path(os.environ["NEUROLOOM_DATA"]), given.sets):
        cells = []
        for make in WAYS.values():
            start, scores = time.process_time(), []
            for seed in range(1 if make is best_fixed else given.seeds):
                features = make(X, y, seed)
                head = LeaveOneOutRidge().fit(features.transform(X), y)
                scores.append(np.mean(head.predict(features.transform(X_test)) == y_test))
            seconds = (time.process_time() - start) / len(scores)
            cells.append(f"{np.mean(scores):.3f} ± {np.std(scores):.3f}, {seconds:.1f} s")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
