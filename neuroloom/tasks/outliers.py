"""Outliers to be found by methods that learn without labels: label 1 is an outlier, 0 a normal sample.

A repetition is a stratified k-fold. Where a task keeps outliers out of training, the training part holds the normal
samples of its folds only; where it does not, the method meets them there, too, and is not told.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.seeding import stream
from neuroloom.tasks.base import NamedTask
from neuroloom.tasks.folder import hash_files, locate
from neuroloom.tasks.metrics import DEFAULTS
from neuroloom.tasks.series import beats
from neuroloom.tasks.splits import normal_only
from neuroloom.tasks.task import Data, Split


class OutlierTask(NamedTask):
    """What the tasks share: the problem, the metrics, and outliers kept out of training."""

    problem = "detection"
    metrics = DEFAULTS["detection"]
    polluted = False
    """Whether outliers stay in the training part."""

    def split(self, data: Data, seed: int, fold: int, folds: int) -> Split:
        """Return split ``fold`` of repetition ``seed``; the training part holds normal samples, unless polluted."""
        made = super().split(data, seed, fold, folds)
        if self.polluted or self.protocol == "published":
            return made
        return normal_only(made, data.y)


class DrawnOutliers(OutlierTask):
    """Outliers of data drawn anew for each seed."""

    @property
    def drawn(self) -> bool:
        """True: each repetition has data of its own."""
        return True


class BreastCancerOutliers(OutlierTask):
    """Malignant samples among benign ones."""

    kind = "table"
    summary = "malignant cell samples (212) among benign ones (357), of which alone is learned"
    source = "Street, Wolberg and Mangasarian 1993; UCI; scikit-learn's copy"

    def load(self, seed: int = 0) -> Data:
        """Return ``(569, 30)`` float64."""
        from sklearn.datasets import load_breast_cancer

        bunch = load_breast_cancer()
        X = np.asarray(bunch.data, dtype=np.float64)
        columns = [str(name) for name in bunch.feature_names]
        return Data(X, (bunch.target == 0).astype(np.int64), extra={"columns": columns})


class DigitsOutliers(DrawnOutliers):
    """One digit among the nine others: repetition ``seed`` hides digit ``seed mod 10``."""

    summary = "40 of a digit never seen among all samples of the nine other digits"
    source = "Alpaydin and Kaynak 1998; UCI's test part; scikit-learn's copy"

    def __init__(self, name: str, data: Path | None = None) -> None:
        super().__init__(name, data)
        self.kind = "image" if name == "digits-images-outliers" else "table"

    def load(self, seed: int = 0) -> Data:
        """Return ``(n, 1, 8, 8)`` float32, or ``(n, 64)`` float64, values in 0 … 1."""
        from sklearn.datasets import load_digits

        bunch = load_digits()
        strange = np.flatnonzero(bunch.target == seed % 10)
        kept = stream(seed, "data", self.name).permutation(strange)[:40]
        rows = np.sort(np.concatenate([np.flatnonzero(bunch.target != seed % 10), kept]))
        X = bunch.images[rows] / 16.0
        y = (bunch.target[rows] == seed % 10).astype(np.int64)
        return Data(X[:, None].astype(np.float32) if self.kind == "image" else X.reshape(len(X), -1), y)


class CurveOutliers(DrawnOutliers):
    """Points near a closed curve, and points whose every column is as theirs but which lie elsewhere.

    ``x = (cos t, sin t, cos 2t, sin 2t, cos 3t, sin 3t)`` with ``t`` uniform and normal noise of deviation 0.1; an
    outlier takes each of its columns from another point.
    """

    kind = "table"
    summary = "40 points whose columns do not belong together among 400 near a closed curve in six dimensions"
    source = (
        "generated: the first three harmonics of a turn, and the same with columns exchanged between points"
    )

    def load(self, seed: int = 0) -> Data:
        """Return ``(440, 6)`` float64."""
        rng = stream(seed, "data", self.name)
        turn = rng.uniform(0, 2 * np.pi, (440, 1)) * np.array([1.0, 2.0, 3.0])
        X = np.stack([np.cos(turn), np.sin(turn)], axis=2).reshape(440, 6)
        for column in range(6):
            X[400:, column] = X[400 + rng.permutation(40), column]
        return Data(X + 0.1 * rng.standard_normal(X.shape), np.repeat([0, 1], [400, 40]))


class HeartBeatOutliers(DrawnOutliers):
    """Beats of other kinds among normal ones, all modelled as those of the task ``ecg``."""

    kind = "series"
    summary = "ventricular, atrial and ischaemic beats, 10 each, among 300 normal ones; series of 128 points"
    source = "generated: McSharry, Clifford, Tarassenko and Smith 2003, A dynamical model for synthetic ECG signals"

    def load(self, seed: int = 0) -> Data:
        """Return ``(330, 1, 128)`` float64."""
        names = np.repeat(["normal", "ventricular", "atrial", "ischaemic"], [300, 10, 10, 10])
        return Data(beats(names, stream(seed, "data", self.name)), (names != "normal").astype(np.int64))


class OilSpillOutliers(OutlierTask):
    """Oil spills among look-alikes in radar pictures; the training part holds both, unmarked."""

    kind = "table"
    needs = "data folder"
    polluted = True
    summary = (
        "41 oil spills among 896 look-alikes in radar pictures; they are in the training part, too, unmarked"
    )
    source = (
        "Kubat, Holte and Matwin 1998, Machine learning for the detection of oil spills; jbrownlee/Datasets"
    )

    def _table(self) -> Any:
        from neuroloom.tasks.foldertables import FolderTable

        return FolderTable("table:oil-spill", self.data)

    def fingerprint(self) -> str:
        """Return the hash of the file."""
        return hash_files(
            [locate(self.data, "tables/oil-spill.csv", f"task {self.name!r}", "jbrownlee/Datasets")]
        )

    def load(self, seed: int = 0) -> Data:
        """Return a DataFrame of 48 columns."""
        made = self._table().load(seed)
        return Data(made.X, (made.y.astype(str) == "1").astype(np.int64), made.notes, made.extra)


class BleedingOutliers(OutlierTask):
    """Windows of one long series of the UCR anomaly archive: a blood pressure under internal bleeding.

    A window is one period long (183 steps); one begins every 4 steps of the normal part to learn from (the first 1,200)
    and every 8 of the rest. It is an outlier if it holds any of the 12 steps that the archive marks.
    """

    kind = "series"
    needs = "data folder"
    protocol = "published"
    published_splits = 1
    summary = "windows of 183 steps that hold the anomaly of a blood pressure, after 1,200 normal steps"
    source = (
        "Wu and Keogh 2021, Current time series anomaly detection benchmarks; UCR anomaly archive, number 135"
    )
    length, learned, apart = 183, 4, 8

    def _paths(self) -> list[Path]:
        stem = "anomaly/135_UCR_Anomaly_InternalBleeding16"
        what = f"task {self.name!r}"
        return [
            locate(self.data, f"{stem}_{part}.csv", what, "aeon-toolkit/aeon") for part in ("TRAIN", "TEST")
        ]

    def fingerprint(self) -> str:
        """Return the hash of both files."""
        return hash_files(self._paths(), self.length, self.learned, self.apart)

    def load(self, seed: int = 0) -> Data:
        """Return ``(n, 1, 183)`` windows in the order of time and the archive's split."""
        first, whole = (np.loadtxt(path, delimiter=",", skiprows=1) for path in self._paths())
        end = len(first)  # the second file holds the first again
        starts = [np.arange(0, end - self.length + 1, self.learned),
                  np.arange(end, len(whole) - self.length + 1, self.apart)]  # fmt: skip
        rows: NDArray[np.int64] = np.concatenate(starts)[:, None] + np.arange(self.length)
        train, test = np.split(np.arange(len(rows)), [len(starts[0])])
        marked = whole[:, 2][rows].max(axis=1).astype(np.int64)
        return Data(whole[:, 1][rows][:, None], marked, extra={"splits": [Split(train=train, test=test)]})
