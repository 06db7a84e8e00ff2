"""``neuroloom try SERIES --normal N``: scores of anomaly at every step of a user's series, and their picture."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.errors import InputError
from neuroloom.methods import Recipe, make, recipe
from neuroloom.tasks.files.own import OwnTask

if TYPE_CHECKING:
    from neuroloom.tasks.task import Data

Floats = NDArray[np.float64]
METHODS = ("wavelets", "matrix-profile", "lof")
_SHOWN = 5


@dataclass(frozen=True)
class Scan:
    """Scores of anomaly by method.

    Args:
        steps: ``(windows,)`` the step in the middle of each window, rising.
        values: ``(channels, windows)`` the series at these steps.
        scores: by method ``(windows,)``, NaN in the normal rows: by how many deviations a window's score lies above
            the median of all after them, the deviation being 1.48 times the median distance from it.
        normal: rows taken as normal.
        window: steps in a window.
        channels: their names.
        marked: ``(windows,)`` 1 where a step is marked as part of an anomaly, or None where nothing says.
    """

    steps: NDArray[np.int64]
    values: Floats
    scores: dict[str, Floats]
    normal: int
    window: int
    channels: list[str]
    marked: NDArray[np.int64] | None = None

    def peaks(self, method: str, count: int = _SHOWN) -> list[tuple[int, float]]:
        """Return step and score of the highest scores after the normal rows, none within two windows of another."""
        left = np.nan_to_num(self.scores[method], nan=-np.inf)
        found: list[tuple[int, float]] = []
        while len(found) < count and np.isfinite(left.max()):
            at = int(left.argmax())
            found.append((int(self.steps[at]), float(left[at])))
            left[np.abs(self.steps - self.steps[at]) < 2 * self.window] = -np.inf
        return found

    def text(self) -> str:
        """Return the highest scores of each method as lines."""
        lines = [f"highest scores after step {self.normal}, in deviations from the median:"]
        for method in self.scores:
            told = ", ".join(f"step {step} ({score:.1f})" for step, score in self.peaks(method))
            lines.append(f"  {method:16} {told}")
        return "\n".join(lines)

    def csv(self) -> str:
        """Return step, values and scores as CSV, a line a window."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["step", *self.channels, *self.scores])
        told = map(_rounded, self.scores.values())
        for row in zip(self.steps.tolist(), *self.values.tolist(), *told, strict=True):
            writer.writerow(row)
        return out.getvalue()

    def plot(self) -> Any:
        """Draw the series and, below it, each method's scores over time; return matplotlib's figure."""
        from neuroloom.core.plotting import axes

        rows = 1 + len(self.scores)
        ax = axes(None, (9.0, 1.7 * rows), rows=rows)
        gap = int((self.steps < self.normal).sum())  # no window's middle lies near the end of the normal rows
        steps = np.insert(self.steps.astype(np.float64), gap, np.nan)
        for k, name in enumerate(self.channels):
            ax[0].plot(steps, np.insert(self.values[k], gap, np.nan), linewidth=0.7, label=name)
        ax[0].set_ylabel(self.channels[0] if len(self.channels) == 1 else "values")
        if 1 < len(self.channels) <= 6:
            ax[0].legend(frameon=False, ncols=len(self.channels), loc="upper right", fontsize="small")
        for one, (method, scores) in zip(ax[1:], self.scores.items(), strict=True):
            one.plot(self.steps, scores, linewidth=0.7, color="#c4452f")
            for step, score in self.peaks(method, 3):
                one.annotate(f"{step}", (step, score), fontsize="small", ha="center", va="bottom")
            one.set_ylabel(method)
            one.margins(y=0.2)
        for one in ax:
            one.axvspan(self.steps[0], self.normal, color="#2166ac", alpha=0.08, linewidth=0)
            for begin, end in self._marks():
                one.axvspan(begin, end, color="#c4452f", alpha=0.15, linewidth=0)
        told = "blue: rows taken as normal" + ("" if self.marked is None else "; red: marked as anomalies")
        ax[0].set_title(told, loc="left", fontsize="small")
        ax[-1].set_xlabel("step")
        return ax[0].figure

    def _marks(self) -> list[tuple[int, int]]:
        """Return first and last step of each marked stretch."""
        if self.marked is None or not self.marked.any():
            return []
        at = self.steps[self.marked == 1]
        parts = np.split(at, np.flatnonzero(np.diff(at) > 1) + 1)
        return [(int(part[0]), int(part[-1])) for part in parts]


def scan(task: OwnTask, methods: Sequence[str] = (), seed: int = 0) -> Scan:
    """Score every window after the normal rows of a series by detectors that learned from them.

    Args:
        task: read with ``normal``.
        methods: detectors of series; none: ``wavelets``, ``matrix-profile`` and ``lof``.
        seed: of detectors that draw.

    Raises:
        InputError: the task is no series with normal rows, or a method finds no anomalies in one.
    """
    data = task.load()
    if not data.extra["schema"].get("anomalies"):
        raise InputError("a scan needs one series and its normal rows; pass `normal`.")
    (split,) = data.extra["splits"]
    scores = {}
    for name in methods or METHODS:
        found = recipe(name, "series", "detection")
        if not isinstance(found, Recipe):
            raise InputError(f"{name} finds no anomalies in series: {found.reason}.")
        model = make(name, "series", "detection")
        drawn = [key for key in model.get_params() if key.split("__")[-1] == "random_state"]
        model.set_params(**dict.fromkeys(drawn, seed)).fit(data.X[split.train])
        told = -np.asarray(model.decision_function(data.X[split.test]), dtype=np.float64)
        apart = told - np.median(told)
        scores[name] = np.full(len(data.X), np.nan)
        scores[name][split.test] = apart / (1.4826 * np.median(np.abs(apart)) or 1.0)
    return _scan_of(task, data, scores)


def _scan_of(task: OwnTask, data: Data, scores: dict[str, Floats]) -> Scan:
    length = data.X.shape[-1]
    assert task.options.normal is not None
    return Scan(
        np.asarray(data.extra["names"]), data.X[:, :, length // 2].T, scores, task.options.normal, length,
        list(data.extra["schema"]["channels"]), data.y,
    )  # fmt: skip


def write_scan(found: Scan, out: Path) -> list[Path]:
    """Write ``scores.csv`` and ``scores.png`` into a folder and return their paths."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"the folder {out} cannot be made: {error.strerror}; pass another --out.") from error
    table, picture = out / "scores.csv", out / "scores.png"
    table.write_text(found.csv(), encoding="utf-8")
    figure = found.plot()
    figure.savefig(picture, dpi=130)
    from neuroloom.core.plotting import pyplot

    pyplot().close(figure)
    return [table, picture]


def _rounded(values: Floats) -> list[str]:
    return ["" if np.isnan(value) else f"{value:.6g}" for value in values]
