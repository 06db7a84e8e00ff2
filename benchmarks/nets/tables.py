"""RBFN and MLP at their defaults beside SVM, forests, boosting and other nets: repeated 5-fold on each table.

    OMP_NUM_THREADS=1 python benchmarks/nets/tables.py [--data DIR] [--seeds 1] [--keep FILE] [TABLE …]

Accuracy or R² (mean and standard deviation over the folds), CPU seconds of a fit, the mean rank, and how RBFN and MLP
differ from the peers they are measured by: the mean difference on each table with the interval of Nadeau and Bengio's
corrected t-test. Splits are stratified 5-fold (plain for regression), shuffled by the seed, the same for every method.
Tables come from scikit-learn, or as ``NAME.csv`` with a column ``target`` from the data folder (``--data`` or
``NEUROLOOM_DATA``). With ``--keep`` every fit is written to a file as it ends, and a run goes on from there. CatBoost,
RealMLP-TD (pytabkit) and xRFM are left out where they are not installed. The defaults of RBFN and MLP were chosen by
cross-validation on german, glass, ecoli, ionosphere, horse-colic, airfoil, autompg and phoneme of that folder, on other
splits; those are marked with a star.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import importlib.util
import json
import platform
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sklearn
import torch
from scipy.stats import rankdata
from sklearn import datasets, ensemble
from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold, train_test_split
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier
from sklearn.neural_network import MLPRegressor as SklearnMLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, StandardScaler
from sklearn.svm import SVC, SVR

from neuroloom.methods.prepare import TablePreparation
from neuroloom.nets import MLPClassifier, MLPRegressor, RBFNClassifier, RBFNRegressor
from neuroloom.runner.statistics.corrected_t import corrected_t_test

SKLEARN = {"wine": False, "breast-cancer": False, "digits": False, "diabetes": True}
REGRESSION = {"airfoil", "auto-imports", "autompg", "diabetes", "winequality-white"}
CHOSEN_ON = {"german", "glass", "ecoli", "ionosphere", "horse-colic", "airfoil", "autompg", "phoneme"}
DEFAULT = [*SKLEARN, "sonar", "glass", "ionosphere", "auto-imports", "autompg"]
FOLDS = 5
MEASURED_BY = {
    "rbfn": ("svm, grid", "xrfm"),
    "mlp": ("sklearn mlp", "catboost", "realmlp"),
}  # ours -> the peers the issue names


class Folded(BaseEstimator):  # type: ignore[misc]
    """xRFM at its defaults, which wants samples to validate on: a fifth of those it is given."""

    def __init__(self, regression: bool) -> None:
        self.regression = regression

    def fit(self, X: Any, y: Any) -> Folded:
        from xrfm import xRFM

        self.scale_ = StandardScaler().fit(X)
        X = self.scale_.transform(X).astype(np.float32)
        if self.regression:
            self.middle_, self.size_ = y.mean(), y.std()
            target = ((y - self.middle_) / self.size_).astype(np.float32)[:, None]
        else:
            self.coder_ = LabelEncoder().fit(y)
            target = self.coder_.transform(y)
        A, B, a, b = train_test_split(X, target, test_size=0.2, random_state=0, shuffle=True)
        self.model_ = xRFM(
            tuning_metric="mse" if self.regression else "accuracy",
            random_state=0,
            verbose=False,
            device="cpu",
        )
        self.model_.fit(*(torch.as_tensor(v) for v in (A, a, B, b)))
        return self

    def predict(self, X: Any) -> Any:
        found = self.model_.predict(torch.as_tensor(self.scale_.transform(X).astype(np.float32)))
        found = np.asarray(found).squeeze()
        return (
            found * self.size_ + self.middle_
            if self.regression
            else self.coder_.inverse_transform(found.astype(int))
        )


def methods(regression: bool) -> dict[str, Callable[[], Any]]:
    kind = "Regressor" if regression else "Classifier"

    def scaled(estimator: Any) -> Any:
        pipe = make_pipeline(StandardScaler(), estimator)
        return TransformedTargetRegressor(pipe, transformer=StandardScaler()) if regression else pipe

    def searched() -> Any:
        name = ("regressor__svr" if regression else "svc") + "__"
        grid = {f"{name}C": [0.1, 1, 10, 100], f"{name}gamma": ["scale", 0.001, 0.01, 0.1]}
        return GridSearchCV(scaled(SVR() if regression else SVC()), grid, cv=3)

    def catboost() -> Any:
        import catboost

        return getattr(catboost, f"CatBoost{kind}")(
            random_seed=0, thread_count=1, verbose=False, allow_writing_files=False
        )

    def realmlp() -> Any:
        import pytabkit

        return getattr(pytabkit, f"RealMLP_TD_{kind}")(random_state=0, device="cpu", n_threads=1, verbosity=0)

    found: dict[str, Callable[[], Any]] = {
        "rbfn": lambda: (RBFNRegressor if regression else RBFNClassifier)(random_state=0),
        "mlp": lambda: (MLPRegressor if regression else MLPClassifier)(random_state=0),
        "svm, grid": searched,
        "linear": lambda: scaled(
            RidgeCV(np.logspace(-3, 3, 13)) if regression else LogisticRegression(max_iter=5000)
        ),
        "forest": lambda: getattr(ensemble, f"RandomForest{kind}")(random_state=0),
        "extra trees": lambda: getattr(ensemble, f"ExtraTrees{kind}")(500, random_state=0),
        "boosting": lambda: getattr(ensemble, f"HistGradientBoosting{kind}")(random_state=0),
        "sklearn mlp": lambda: scaled(
            (SklearnMLPRegressor if regression else SklearnMLPClassifier)(random_state=0)
        ),
    }
    for name, module, make in (
        ("catboost", "catboost", catboost),
        ("realmlp", "pytabkit", realmlp),
        ("xrfm", "xrfm", lambda: Folded(regression)),
    ):
        if importlib.util.find_spec(module) is not None:
            found[name] = make
    return found


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


class Kept:
    """Fits that have ended, in memory and, a line each, in a file."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        lines = path.read_text().splitlines() if path is not None and path.exists() else []
        self.found = {tuple(key): tuple(value) for key, value in map(json.loads, lines)}

    def fit(self, key: tuple[Any, ...], make: Callable[[], tuple[float, float]]) -> tuple[float, float]:
        if key not in self.found:
            self.found[key] = make()
            if self.path is not None:
                with self.path.open("a") as file:
                    file.write(json.dumps([key, self.found[key]]) + "\n")
        return self.found[key]


def compare(
    name: str, folder: Path | None, seeds: int, chosen: list[str], kept: Kept
) -> dict[str, np.ndarray]:
    """Return for each method ``(splits, 2)``: score and CPU seconds of a fit."""
    X, y = load(name, folder)
    regression = name in REGRESSION
    makers = methods(regression)
    score = r2_score if regression else accuracy_score
    splitter = KFold if regression else StratifiedKFold
    found: dict[str, list[tuple[float, float]]] = {m: [] for m in chosen}
    for seed in range(seeds):
        for fold, (train, test) in enumerate(splitter(FOLDS, shuffle=True, random_state=seed).split(X, y)):
            prepare = TablePreparation().fit(X.iloc[train])
            A, B = prepare.transform(X.iloc[train]), prepare.transform(X.iloc[test])
            for method in chosen:

                def fit(
                    method: str = method, A: Any = A, B: Any = B, train: Any = train, test: Any = test
                ) -> Any:
                    model, began = makers[method](), time.process_time()
                    model.fit(A, y[train])
                    seconds = time.process_time() - began
                    return float(score(y[test], np.ravel(model.predict(B)))), seconds

                found[method].append(kept.fit((name, seed, fold, method), fit))
    return {method: np.array(rows) for method, rows in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", default=DEFAULT)
    parser.add_argument("--data", type=Path, default=os.environ.get("NEUROLOOM_DATA"))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--methods", nargs="*", default=list(methods(False)))
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")  # scikit-learn's MLP stops at 200 epochs; classes of fewer than 3 samples
    torch.set_num_threads(1)
    names, kept = chosen.methods, Kept(chosen.keep)
    print(
        f"{platform.python_version()}, torch {torch.__version__}, scikit-learn {sklearn.__version__}, 1 thread, "
        f"{chosen.seeds} x {FOLDS} folds\n"
    )
    print("| table | " + " | ".join(names) + " |\n|---" + "|---" * len(names) + "|")
    results: dict[str, dict[str, np.ndarray]] = {}
    for table in chosen.tables:
        row = compare(table, chosen.data and Path(chosen.data), chosen.seeds, names, kept)
        cells = [f"{row[m][:, 0].mean():.3f} ± {row[m][:, 0].std():.3f}" for m in names]
        print(f"| {table}{'*' if table in CHOSEN_ON else ''} | " + " | ".join(cells) + " |", flush=True)
        results[table] = row
    means = np.array([[row[m][:, 0].mean() for m in names] for row in results.values()])
    ranks = np.mean([rankdata(-row.round(4)) for row in means], axis=0)
    seconds = [sum(row[m][:, 1].mean() for row in results.values()) for m in names]
    print("| mean rank | " + " | ".join(f"{r:.2f}" for r in ranks) + " |")
    print("| CPU-s a fit, sum | " + " | ".join(f"{s:.1f}" for s in seconds) + " |\n")
    for ours, peers in MEASURED_BY.items():
        for peer in peers:
            if ours in names and peer in names:
                print(versus(ours, peer, results))


def versus(ours: str, peer: str, results: dict[str, dict[str, np.ndarray]]) -> str:
    """Return where ours is ahead of a peer, level with it and behind, by the interval on each table."""
    sorted_: dict[str, list[str]] = {"ahead": [], "level": [], "behind": []}
    for table, row in results.items():
        gap = row[ours][:, 0] - row[peer][:, 0]
        test = corrected_t_test(gap, 1 / (FOLDS - 1))
        low, high = (float(end[0]) for end in test.interval())
        place = "level" if low <= 0 <= high or not low < high else "ahead" if low > 0 else "behind"
        sorted_[place].append(f"{table} {test.mean[0]:+.3f}")
    return f"- {ours} against {peer}: " + "; ".join(
        f"{place} on {len(tables)}" + (f" ({', '.join(tables)})" if place != "level" and tables else "")
        for place, tables in sorted_.items()
    )


if __name__ == "__main__":
    main()
