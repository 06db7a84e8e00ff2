"""RBFN and MLP at their defaults beside SVM, forests, boosting and scikit-learn's MLP: 5 folds a table.

    OMP_NUM_THREADS=1 python benchmarks/nets/tables.py [--data DIR] [--seeds 1] [TABLE ...]

Accuracy or R² (mean and standard deviation over the folds), CPU seconds of a fit, and the mean rank. Splits are
stratified 5-fold (plain for regression), shuffled by the seed, the same for every method. Tables come from
scikit-learn, or as ``NAME.csv`` with a column ``target`` from the data folder (``--data`` or ``NEUROLOOM_DATA``).
The defaults of RBFN and MLP were chosen by cross-validation on german, glass, ecoli, ionosphere, horse-colic,
airfoil, autompg and phoneme of that folder, on other splits; those are marked with a star.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import platform
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sklearn
import torch
from scipy.stats import rankdata
from sklearn import datasets, ensemble
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier
from sklearn.neural_network import MLPRegressor as SklearnMLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from neuroloom.methods.prepare import TablePreparation
from neuroloom.nets import MLPClassifier, MLPRegressor, RBFNClassifier, RBFNRegressor

SKLEARN = {"wine": False, "breast-cancer": False, "digits": False, "diabetes": True}
REGRESSION = {"airfoil", "auto-imports", "autompg", "diabetes", "winequality-white"}
CHOSEN_ON = {"german", "glass", "ecoli", "ionosphere", "horse-colic", "airfoil", "autompg", "phoneme"}
DEFAULT = [*SKLEARN, "sonar", "glass", "ionosphere", "auto-imports", "autompg"]


def methods(regression: bool) -> dict[str, Any]:
    def scaled(estimator: Any) -> Any:
        pipe = make_pipeline(StandardScaler(), estimator)
        return TransformedTargetRegressor(pipe, transformer=StandardScaler()) if regression else pipe

    prefix = "regressor__" if regression else ""
    name = "svr" if regression else "svc"
    grid = {f"{prefix}{name}__C": [0.1, 1, 10, 100], f"{prefix}{name}__gamma": ["scale", 0.001, 0.01, 0.1]}
    kind = "Regressor" if regression else "Classifier"
    return {
        "rbfn": (RBFNRegressor if regression else RBFNClassifier)(random_state=0),
        "rbfn, euclidean": (RBFNRegressor if regression else RBFNClassifier)(
            metric="euclidean", random_state=0
        ),
        "mlp": (MLPRegressor if regression else MLPClassifier)(random_state=0),
        "svm, grid": GridSearchCV(scaled(SVR() if regression else SVC()), grid, cv=3),
        "svm": scaled(SVR() if regression else SVC()),
        "forest": getattr(ensemble, f"RandomForest{kind}")(random_state=0),
        "boosting": getattr(ensemble, f"HistGradientBoosting{kind}")(random_state=0),
        "sklearn mlp": scaled((SklearnMLPRegressor if regression else SklearnMLPClassifier)(random_state=0)),
    }


def load(name: str, folder: Path | None) -> tuple[pd.DataFrame, np.ndarray]:
    if name in SKLEARN:
        X, y = getattr(datasets, "load_" + name.replace("-", "_"))(return_X_y=True)
        return pd.DataFrame(X).rename(columns=str), y
    if folder is None:
        raise SystemExit(f"{name} needs the data folder: pass --data DIR or set NEUROLOOM_DATA")
    path = folder / "tables" / f"{name.removeprefix('data:')}.csv"
    frame = pd.read_csv(path)
    frame = frame[frame["target"].notna()]
    return frame.drop(columns="target"), frame["target"].to_numpy()


def compare(name: str, folder: Path | None, seeds: int) -> dict[str, tuple[float, float, float]]:
    X, y = load(name, folder)
    regression = name in REGRESSION
    splitter = KFold if regression else StratifiedKFold
    found: dict[str, list[tuple[float, float]]] = {}
    for seed in range(seeds):
        for train, test in splitter(5, shuffle=True, random_state=seed).split(X, y):
            prepare = TablePreparation().fit(X.iloc[train])
            A, B = prepare.transform(X.iloc[train]), prepare.transform(X.iloc[test])
            for method, estimator in methods(regression).items():
                began = time.process_time()
                fitted = clone(estimator).fit(A, y[train])
                seconds = time.process_time() - began
                found.setdefault(method, []).append((fitted.score(B, y[test]), seconds))
    return {m: (np.mean(v, axis=0)[0], np.std(v, axis=0)[0], np.mean(v, axis=0)[1]) for m, v in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", default=DEFAULT)
    parser.add_argument("--data", type=Path, default=os.environ.get("NEUROLOOM_DATA"))
    parser.add_argument("--seeds", type=int, default=1)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)  # scikit-learn's MLP stops at 200 epochs
    warnings.filterwarnings("ignore", message="The least populated class")
    torch.set_num_threads(1)
    versions = f"torch {torch.__version__}, scikit-learn {sklearn.__version__}"
    print(
        f"{platform.python_version()}, {versions}, 1 thread, load {os.getloadavg()[0]:.1f}, {chosen.seeds} x 5 folds\n"
    )
    names = list(methods(False))
    print("| table | " + " | ".join(names) + " |\n|---" * 1 + "|---" * len(names) + "|")
    scores, seconds = [], []
    for table in chosen.tables:
        row = compare(table, chosen.data and Path(chosen.data), chosen.seeds)
        cells = [f"{row[m][0]:.3f} ± {row[m][1]:.3f} ({row[m][2]:.2g} s)" for m in names]
        print(f"| {table}{'*' if table in CHOSEN_ON else ''} | " + " | ".join(cells) + " |", flush=True)
        scores.append([row[m][0] for m in names])
        seconds.append([row[m][2] for m in names])
    ranks = np.mean([rankdata([-round(s, 4) for s in row]) for row in scores], axis=0)
    print("| mean rank | " + " | ".join(f"{r:.2f}" for r in ranks) + " |")
    print("| CPU-s a fit, sum | " + " | ".join(f"{s:.1f}" for s in np.sum(seconds, axis=0)) + " |")


if __name__ == "__main__":
    main()
