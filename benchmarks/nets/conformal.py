"""Do intervals cover what they promise, and do probabilities: conformal intervals beside MAPIE's, temperature scaling.

    OMP_NUM_THREADS=1 python benchmarks/nets/conformal.py [--data DIR] [--splits 50] [--methods NAME …]

Intervals: ``splits`` random halves (seeds 0, 1, …) of diabetes, concrete and energy, ridge regression on standardised
columns, 90 %. Ours and MAPIE's learn from the same samples; what is held out of them is drawn by each. Printed are the
mean coverage with two standard errors, mean width, mean Winkler score and CPU seconds of a fit; MAPIE only where it is
installed (``pip install mapie``).

Probabilities: 5 stratified folds (seed 0) of digits and breast-cancer; log loss, Brier score and the debiased
calibration error of all test predictions, with and without temperature scaling.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from sklearn import datasets
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from neuroloom.core.calibration import (
    calibration_error,
    calibration_interval,
    interval_covers,
    interval_score,
)
from neuroloom.methods.calibrated import CalibratedClassifier
from neuroloom.methods.conformal import ConformalRegressor
from neuroloom.nets import MLPClassifier, RBFNClassifier
from neuroloom.tasks.metrics import beliefs

CONFIDENCE, HELD = 0.9, 0.25
Table = tuple[np.ndarray, np.ndarray]
Intervals = Callable[[Any, Table, np.ndarray, int], np.ndarray]


def ours(method: str) -> Intervals:
    def intervals(model: Any, train: Table, X: np.ndarray, seed: int) -> np.ndarray:
        made = ConformalRegressor(model, CONFIDENCE, method, calibration=HELD, random_state=seed)
        return made.fit(*train).predict_interval(X)

    return intervals


def mapie_split(model: Any, train: Table, X: np.ndarray, seed: int) -> np.ndarray:
    from mapie.regression import SplitConformalRegressor

    X1, X2, y1, y2 = train_test_split(*train, test_size=HELD, random_state=seed)
    made = SplitConformalRegressor(clone(model), confidence_level=CONFIDENCE, prefit=False)
    return np.asarray(made.fit(X1, y1).conformalize(X2, y2).predict_interval(X)[1])[:, :, 0]


def mapie_cross(model: Any, train: Table, X: np.ndarray, seed: int) -> np.ndarray:
    from mapie.regression import CrossConformalRegressor

    made = CrossConformalRegressor(
        clone(model), confidence_level=CONFIDENCE, method="plus", cv=5, random_state=seed
    )
    return np.asarray(made.fit_conformalize(*train).predict_interval(X)[1])[:, :, 0]


def tables(folder: Path | None) -> dict[str, Table]:
    found = {"diabetes": datasets.load_diabetes(return_X_y=True)}
    for name in ("concrete", "energy"):
        path = None if folder is None else folder / "uci-regression" / name
        if path is None or not path.is_dir():
            print(
                f"{name} is left out: pass --data, or set NEUROLOOM_DATA, to a folder with uci-regression/{name}."
            )
            continue
        values = np.loadtxt(path / "data.txt")
        columns = [int(c) for c in np.atleast_1d(np.loadtxt(path / "index_features.txt"))]
        target = int(np.atleast_1d(np.loadtxt(path / "index_target.txt"))[0])
        found[name] = values[:, columns], values[:, target]
    return found


def show_intervals(folder: Path | None, splits: int) -> None:
    ways: dict[str, Intervals] = {"split": ours("split"), "CV+": ours("cv+")}
    try:
        import mapie

        ways |= {
            f"MAPIE {mapie.__version__}, split": mapie_split,
            f"MAPIE {mapie.__version__}, CV+": mapie_cross,
        }
    except ImportError:
        print("MAPIE is not installed; its rows are left out.")
    print(f"\n| table | intervals | coverage, {splits} splits | width | Winkler score | CPU-ms a fit |")
    print("|---|---|---|---|---|---|")
    for name, (X, y) in tables(folder).items():
        for label, intervals in ways.items():
            rows = []
            for seed in range(splits):
                X1, X2, y1, y2 = train_test_split(X, y, test_size=0.5, random_state=seed)
                model = make_pipeline(StandardScaler(), Ridge())
                began = time.process_time()
                ends = intervals(model, (X1, y1), X2, seed)
                spent = 1000 * (time.process_time() - began)
                score = interval_score(y2, ends, CONFIDENCE).mean()
                rows.append(
                    [interval_covers(y2, ends).mean(), (ends[:, 1] - ends[:, 0]).mean(), score, spent]
                )
            c, w, s, t = np.mean(rows, axis=0)
            error = 2 * np.std([r[0] for r in rows], ddof=1) / np.sqrt(splits)
            print(f"| {name} | {label} | {c:.3f} ± {error:.3f} | {w:.4g} | {s:.4g} | {t:.1f} |")


MODELS = {
    "naive Bayes": GaussianNB(),
    "logreg": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
    "forest": RandomForestClassifier(random_state=0),
    "rbfn": RBFNClassifier(random_state=0),
    "mlp": MLPClassifier(random_state=0, epochs=40),
    "svm": make_pipeline(StandardScaler(), SVC()),
}


def show_probabilities(chosen: list[str]) -> None:
    print("\n| table | method | | log loss | Brier | calibration error, 95 % interval | accuracy |")
    print("|---|---|---|---|---|---|---|")
    for name, load in (("digits", datasets.load_digits), ("breast-cancer", datasets.load_breast_cancer)):
        X, y = load(return_X_y=True)
        folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y))
        for label in chosen:
            model = MODELS[label]
            for how in ("plain", "temperature"):
                if label == "svm" and how == "plain":
                    continue  # it gives no probabilities
                p = np.empty((len(y), len(np.unique(y))))
                for train, test in folds:
                    made = (
                        clone(model) if how == "plain" else CalibratedClassifier(clone(model), random_state=0)
                    )
                    p[test] = made.fit(X[train], y[train]).predict_proba(X[test])
                found = beliefs(y, p)
                error = calibration_error(found.confidence, found.right)
                low, high = calibration_interval(found.confidence, found.right)
                print(
                    f"| {name} | {label} | {how} | {found.loss.mean():.4f} | {found.square.mean():.4f} | "
                    f"{error:.3f} [{low:.3f}, {high:.3f}] | {found.right.mean():.3f} |",
                    flush=True,
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given = os.environ.get("NEUROLOOM_DATA")
    parser.add_argument("--data", type=Path, default=None if given is None else Path(given))
    parser.add_argument("--splits", type=int, default=50, help="of the intervals; 0 leaves them out")
    parser.add_argument(
        "--methods", nargs="*", choices=MODELS, default=list(MODELS), help="whose probabilities are judged"
    )
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"scikit-learn {sklearn.__version__}, 1 thread, load {os.getloadavg()[0]:.1f}")
    if asked.splits:
        show_intervals(asked.data, asked.splits)
    show_probabilities(asked.methods)


if __name__ == "__main__":
    main()
