"""Calibration of a task's methods, worked out from what is kept of their probabilities on the test samples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.calibration import Reliability, calibration_error, calibration_interval, reliability
from neuroloom.runner.report import numbers
from neuroloom.runner.report.model import Calibration, Cell, Column, MethodView, Table

ERROR_BINS, DIAGRAM_BINS = 15, 10  # at most
LEAST = 20  # samples of a bin, so that its share of right answers means something
RESAMPLES = 200
Trials = Mapping[int, Sequence[NDArray[Any]]]  # by seed


def view(
    task: str, beliefs: Mapping[str, Trials], ran: Sequence[str], methods: Mapping[str, MethodView]
) -> Calibration | None:
    """Return a task's calibration, or None where no method gave probabilities.

    Args:
        task: its name.
        beliefs: method -> seed -> records of its trials with the fields of ``row.BELIEFS``.
        ran: methods with a finished trial.
        methods: label -> method.
    """
    found = [_Held(name, beliefs[name]) for name in ran if name in beliefs]
    if not found:
        return None
    found.sort(key=lambda held: held.loss)
    best = [min(getattr(held, name) for held in found) for name in ("loss", "square")]
    rows = tuple(_row(held, methods[held.name].number, best) for held in found)
    notes = [
        "Log loss and Brier score are proper: only true probabilities make them smallest. The calibration error says "
        "nothing about how much is known: one who always names the shares of the classes has none. It is the root mean "
        f"square over at most {ERROR_BINS} bins of equal mass, its bias taken off (Kumar, Liang & Ma 2019), so 0 is "
        "what a calibrated method gets; the interval is bootstrapped over test samples."
    ]
    without = [name for name in ran if name not in beliefs]
    if without:
        notes.append(f"Not here, since they gave no probabilities: {numbers.listing(without, 30)}.")
    learnt = [
        held for held in found if methods[held.name].expression != "dummy"
    ]  # its one dot would set the axes
    diagrams = tuple((methods[held.name].number, held.diagram) for held in learnt or found)
    lows = [float(min(d.confidence.min(), d.accuracy.min())) for _, d in diagrams]
    table = Table(f"{task}: calibration over all test predictions", _COLUMNS, rows, tuple(notes))
    return Calibration(table, diagrams, max(math.floor(10 * min(lows)) / 10, 0.0))


_COLUMNS = (
    Column("Method", number=False),
    Column("Log loss", "Mean negative log-likelihood of the true class"),
    Column("Brier", "Mean squared error of the probabilities, halved"),
    Column("Sure", "Mean probability of the likeliest class"),
    Column("Right", "Share of samples whose likeliest class is the true one"),
    Column("Too sure by", "Sure less right; below 0 the method was not sure enough"),
    Column("Calibration error", "Root mean square over bins of equal mass, its bias taken off"),
    Column("95 % interval", "Bootstrap over test samples"),
)


class _Held:
    """What one method's records say."""

    def __init__(self, name: str, trials: Trials) -> None:
        self.name = name
        each = [records for seed in sorted(trials) for records in trials[seed]]
        self.loss, self.square, self.sure, self.right = (
            float(np.mean([records[field].mean(dtype=np.float64) for records in each]))
            for field in ("loss", "square", "confidence", "right")
        )
        every = np.concatenate(each)
        seeds = np.concatenate([np.full(len(r), seed) for seed in sorted(trials) for r in trials[seed]])
        one, distinct = int(np.bincount(seeds).max()), len(np.unique(every["sample"]))
        held, truth, who = every["confidence"].astype(np.float64), every["right"], every["sample"]
        bins = _bins(one, ERROR_BINS)
        self.error = calibration_error(held, truth, bins, groups=seeds)
        self.low, self.high = calibration_interval(
            held, truth, bins, groups=seeds, samples=who, resamples=RESAMPLES
        )
        self.diagram: Reliability = reliability(held, truth, _bins(distinct, DIAGRAM_BINS), samples=who)


def _bins(samples: int, most: int) -> int:
    return max(min(samples // LEAST, most), 1)


def _row(held: _Held, number: int, best: Sequence[float]) -> tuple[Cell, ...]:
    gap = held.sure - held.right
    return (
        Cell(held.name, method=number),
        Cell(numbers.fixed(held.loss, 3), held.loss, best=held.loss == best[0]),
        Cell(numbers.fixed(held.square, 4), held.square, best=held.square == best[1]),
        Cell(numbers.fixed(held.sure, 3), held.sure),
        Cell(numbers.fixed(held.right, 3), held.right),
        Cell(numbers.signed(gap, 3), gap),
        Cell(numbers.fixed(held.error, 3), held.error),
        Cell(numbers.interval(held.low, held.high, 3), held.low),
    )
