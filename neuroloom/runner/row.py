"""The record of one finished trial, whichever engine ran it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

BELIEFS = np.dtype(
    [("sample", "<i4"), ("confidence", "<f4"), ("right", "?"), ("loss", "<f4"), ("square", "<f4")]
)
"""What is kept of a test sample's probabilities: its row in the task's data, and what ``metrics.Beliefs`` holds."""
STATUSES = ("done", "failed", "timeout", "memory", "killed", "skipped")


@dataclass
class Row:
    """What is known of a trial once it has ended.

    Args:
        key: the trial's key.
        task: the task's name.
        kind: kind of the sample set.
        problem: the task's problem.
        method: the variant's unique label.
        expression: the registry expression behind it.
        seed: repetition.
        fold: fold within it.
        status: one of ``STATUSES``.
        reason: why it is not done, or what a user should know of one that is; one line.
        metric: the task's main metric.
        scores: metric -> value; empty unless done.
        fit_seconds: wall-clock seconds of ``fit``; of a batch, this member's share.
        predict_seconds: wall-clock seconds of predicting the test part.
        fit_cpu_seconds: CPU seconds of ``fit``, its child processes included.
        predict_cpu_seconds: CPU seconds of predicting.
        peak_memory_mb: highest resident memory above what the process held before the trial, in MB (2**20 bytes).
        parameters: number of fitted numbers.
        batched: how many trials were fitted together (1: alone).
        settings: the estimator's parameters, resolved, JSON-safe.
        n_train: training samples.
        n_test: test samples.
        split: fingerprint of the split.
        notes: one-line remarks for the report.
        curve: the estimator's ``history_``, thinned.
        front: what the estimator has beside its answer. With smaller networks (``alternatives()``), what their size
            counts and how each of them scores on the test part: ``{"measure": "connections", "points": [[size, score],
            …]}``; with a map of elites (``elite_map()``), ``{"map": {"axes": [...], "ranges": [[low, high], …],
            "fitness": [[…], …], "coverage": …, "qd_score": …}}``, of training, None in empty cells; with an evolved
            network, ``{"network": {"what": …, "layers": [[id, …], …], "edges": [[source, target, weight], …], "inputs":
            …, "hidden": …, "connections": …}}``; of classes in the first repetition, ``{"confusion": {"classes":
            [label], "counts": [[…], …]}}``, a row for each true class; of the first trial of a net with attention,
            ``{"attention": [[sample, [[part, weight], …]], …]}``, the largest weights first; of the first trial on
            windows of one series, ``{"trace": {"step": [...], "low": [...], "high": [...], "score": [...], "marked":
            [[first, last], …]}}``, the series and the scores over time.
        importance: on request, how far the score falls when a part of the test samples (a column, a stretch, a patch)
            is shuffled among them: ``{"names": [...], "drops": [...]}``, the largest first.
        beliefs: where the method gives probabilities of classes, how they did on the test part: a record for each test
            sample with the fields of ``BELIEFS``; None elsewhere.
        predictions: on request, ``{"test": rows, "y": ..., "prediction": ..., "probability": ...}``.
        started: Unix time of the start.
        traceback: where it failed or crashed, for those who ask (``--verbose``).
    """

    key: str
    task: str
    kind: str
    problem: str
    method: str
    expression: str
    seed: int
    fold: int
    status: str
    reason: str = ""
    metric: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    fit_seconds: float | None = None
    predict_seconds: float | None = None
    fit_cpu_seconds: float | None = None
    predict_cpu_seconds: float | None = None
    peak_memory_mb: float | None = None
    parameters: int | None = None
    batched: int = 1
    settings: dict[str, Any] = field(default_factory=dict)
    n_train: int | None = None
    n_test: int | None = None
    split: str = ""
    notes: list[str] = field(default_factory=list)
    curve: list[dict[str, float]] = field(default_factory=list)
    front: dict[str, Any] = field(default_factory=dict)
    importance: dict[str, Any] = field(default_factory=dict)
    beliefs: NDArray[Any] | None = field(default=None, compare=False)
    predictions: dict[str, Any] | None = None
    started: float = math.nan
    traceback: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as a plain dict."""
        return asdict(self)
