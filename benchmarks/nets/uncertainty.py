"""Dense nets with uncertainty on the published splits of five regression tables, beside MC dropout's own figures.

    OMP_NUM_THREADS=1 python benchmarks/nets/uncertainty.py [--data DIR] [--splits 20] [--methods NAME …] [TABLE …]

Test RMSE and log likelihood a sample, mean ± standard error over the first splits. The likelihood is that of the
mixture that ``predict_mixture`` gives, ``log 1/S Σ_s N(y; mean_s, std_s²)``. Every method runs at its defaults, which
were chosen on other tables. Tables and splits are those of Hernández-Lobato & Adams (2015), as Gal & Ghahramani (2016)
used them; the data folder holds them as ``uci-regression/NAME``.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import platform
import time
from pathlib import Path

import numpy as np
import sklearn
import torch
from scipy.special import logsumexp

from neuroloom import nets

METHODS = ("MCDropout", "DeepEnsemble", "Laplace", "SWAG", "BayesByBackprop")
PUBLISHED = {
    "concrete": ("4.82 ± 0.16", "-2.93 ± 0.02"),
    "energy": ("0.54 ± 0.06", "-1.21 ± 0.01"),
    "power-plant": ("4.01 ± 0.04", "-2.80 ± 0.01"),
    "wine-quality-red": ("0.62 ± 0.01", "-0.93 ± 0.01"),
    "yacht": ("0.67 ± 0.05", "-1.25 ± 0.01"),
}


def split(folder: Path, number: int) -> tuple[np.ndarray, ...]:
    """Return ``X, y`` of the training part and of the test part of one published split."""
    table = np.loadtxt(folder / "data.txt")
    features = np.loadtxt(folder / "index_features.txt").astype(int)
    target = int(np.loadtxt(folder / "index_target.txt"))
    rows = [np.loadtxt(folder / f"index_{part}_{number}.txt").astype(int) for part in ("train", "test")]
    return tuple(part for r in rows for part in (table[r][:, features], table[r, target]))


def judge(estimator: object, X: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return RMSE and mean log likelihood."""
    means, std = estimator.predict_mixture(X)
    log_density = -0.5 * ((y - means) / std) ** 2 - np.log(std) - 0.5 * np.log(2 * np.pi)
    likelihood = logsumexp(log_density, axis=0) - np.log(len(means))
    return float(np.sqrt(((means.mean(axis=0) - y) ** 2).mean())), float(likelihood.mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", default=list(PUBLISHED))
    parser.add_argument("--data", type=Path, default=os.environ.get("NEUROLOOM_DATA"))
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--methods", nargs="+", default=METHODS)
    chosen = parser.parse_args()
    if chosen.data is None:
        raise SystemExit("the tables are in the data folder: pass --data DIR or set NEUROLOOM_DATA")
    torch.set_num_threads(1)
    versions = f"torch {torch.__version__}, scikit-learn {sklearn.__version__}"
    print(f"{platform.python_version()}, {versions}, 1 thread, load {os.getloadavg()[0]:.1f}\n")
    print("| table | method | splits | RMSE | log likelihood | CPU-s a fit |\n|---|---|---|---|---|---|")
    for table in chosen.tables:
        rmse, likelihood = PUBLISHED[table]
        print(f"| {table} | published MC dropout | 20 | {rmse} | {likelihood} | |", flush=True)
        for method in chosen.methods:
            found, began = [], time.process_time()
            for number in range(chosen.splits):
                X, y, X_test, y_test = split(Path(chosen.data) / "uci-regression" / table, number)
                estimator = getattr(nets, f"{method}Regressor")(random_state=number)
                found.append(judge(estimator.fit(X, y), X_test, y_test))
            mean = np.mean(found, axis=0)
            error = np.std(found, axis=0, ddof=1) / np.sqrt(len(found)) if len(found) > 1 else (np.nan,) * 2
            cells = [f"{m:.{d}f} ± {e:.{d}f}" for m, e, d in zip(mean, error, (3, 3), strict=True)]
            seconds = (time.process_time() - began) / chosen.splits
            print(
                f"| {table} | {method} | {chosen.splits} | {cells[0]} | {cells[1]} | {seconds:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
