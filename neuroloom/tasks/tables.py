"""Tables that scikit-learn carries, and three generated ones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuroloom.core.seeding import stream
from neuroloom.tasks.base import DrawnTask, NamedTask
from neuroloom.tasks.metrics import DEFAULTS
from neuroloom.tasks.task import Data


class _Facts(NamedTuple):
    loader: str
    problem: str
    summary: str
    source: str


_BUNDLED = {
    "iris": _Facts("load_iris", "classification", "150 irises of 3 species by 4 lengths and widths",
                   "Fisher 1936, The use of multiple measurements in taxonomic problems; scikit-learn's copy"),
    "wine": _Facts("load_wine", "classification", "178 wines of 3 growers by 13 chemical measurements",
                   "Aeberhard, Coomans and de Vel 1992; UCI; scikit-learn's copy"),
    "breast-cancer": _Facts("load_breast_cancer", "classification",
                            "569 cell samples, malignant or benign, by 30 measurements of their nuclei",
                            "Street, Wolberg and Mangasarian 1993; UCI; scikit-learn's copy"),
    "digits": _Facts("load_digits", "classification", "1,797 handwritten digits as 64 grey values",
                     "Alpaydin and Kaynak 1998; UCI's test part; scikit-learn's copy"),
    "diabetes": _Facts("load_diabetes", "regression",
                       "progression of diabetes in a year for 442 patients by 10 measurements",
                       "Efron, Hastie, Johnstone and Tibshirani 2004, Least angle regression; scikit-learn's copy"),
}  # fmt: skip


class BundledTable(NamedTask):
    """One of the tables that scikit-learn carries."""

    kind = "table"

    def __init__(self, name: str, data: object = None) -> None:
        super().__init__(name)
        self._loader, self.problem, self.summary, self.source = _BUNDLED[name]
        self.metrics = DEFAULTS[self.problem]

    def load(self, seed: int = 0) -> Data:
        """Return ``(n, features)`` float64 and the labels or values."""
        import sklearn.datasets

        bunch = getattr(sklearn.datasets, self._loader)()
        names = [str(name) for name in bunch.feature_names]
        return Data(
            np.asarray(bunch.data, dtype=np.float64), np.asarray(bunch.target), extra={"columns": names}
        )


class TwoSpirals(NamedTask):
    """Two interlocking spirals: rᵢ = 6.5 (104 − i) / 104, φᵢ = i π / 16, i = 0 … 96, and the same turned by π."""

    kind = "table"
    problem = "classification"
    metrics = DEFAULTS["classification"]
    summary = "194 points on two interlocking spirals of three turns"
    source = "Lang and Witbrock 1988, Learning to tell two spirals apart"

    def load(self, seed: int = 0) -> Data:
        """Return ``(194, 2)`` points, the same for every seed."""
        i = np.arange(97)
        radius, angle = 6.5 * (104 - i) / 104, i * np.pi / 16
        first = np.column_stack([radius * np.sin(angle), radius * np.cos(angle)])
        X = np.concatenate([first, -first])
        return Data(X, np.repeat([0, 1], 97), extra={"columns": ["x", "y"]})


class Xor(DrawnTask):
    """The sign of a product: x uniform in [−1, 1]², y = [x₁ x₂ > 0]."""

    kind = "table"
    problem = "classification"
    metrics = DEFAULTS["classification"]
    summary = "400 points of a square; opposite quarters belong together"
    source = "generated: the exclusive or of Minsky and Papert 1969, Perceptrons, with real inputs"

    def load(self, seed: int = 0) -> Data:
        """Return ``(400, 2)`` points drawn for ``seed``."""
        X = stream(seed, "data", self.name).uniform(-1.0, 1.0, size=(400, 2))
        return Data(X, (X[:, 0] * X[:, 1] > 0).astype(np.int64), extra={"columns": ["x1", "x2"]})


class Friedman1(DrawnTask):
    """y = 10 sin(π x₁ x₂) + 20 (x₃ − ½)² + 10 x₄ + 5 x₅ + ε, x uniform in [0, 1]¹⁰, ε normal with deviation 1."""

    kind = "table"
    problem = "regression"
    metrics = DEFAULTS["regression"]
    summary = (
        "a smooth function of 5 of 10 inputs with noise, 500 points; the best reachable r2 is about 0.96"
    )
    source = "generated: Friedman 1991, Multivariate adaptive regression splines"

    def load(self, seed: int = 0) -> Data:
        """Return ``(500, 10)`` points drawn for ``seed``."""
        rng = stream(seed, "data", self.name)
        X = rng.uniform(size=(500, 10))
        y = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2 + 10 * X[:, 3] + 5 * X[:, 4]
        return Data(X, y + rng.standard_normal(500), extra={"columns": [f"x{k + 1}" for k in range(10)]})
