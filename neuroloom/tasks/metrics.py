"""The table of metrics: how answers are scored, on scikit-learn's functions.

A test fold may lack a class, or hold one that training never saw: every metric is given the full list of classes, and
one that is undefined on such a fold (ROC-AUC with a single class) is NaN, never an exception.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.calibration import calibration_error, interval_covers, interval_score
from neuroloom.core.errors import InputError, unknown

Needs = Literal["prediction", "probability", "score", "ranks", "quantiles", "interval", "set"]
Function = Callable[..., float]


@dataclass(frozen=True)
class Metric:
    """One way to score answers.

    Args:
        name: what tasks and users write.
        title: what it is, in a few words.
        greater_is_better: the direction.
        bounds: lowest and highest value it can take.
        needs: what it scores: ``prediction`` (labels or numbers), ``probability`` (rows sum to 1), ``score`` (any
            number that grows with belief in a class; probabilities serve), ``ranks`` (where a sample stands among
            its own rivals, as :func:`neuroloom.tasks.ranking.ranks_of` tells), ``quantiles`` (of forecasts, at
            ``core.forecasting.LEVELS``), ``interval`` (lower and upper ends) or ``set`` (which classes a sample may
            have); the last two only where a confidence is asked for.
        function: ``function(y_true, answer, classes=None, y_train=None, scale=None, buffer=None) -> float``. ``answer``
            is ``(n,)``, or ``(n, len(classes))`` with columns in the order of ``classes`` (sorted); of two classes the
            later is the positive one. Of forecasts it is ``(n, horizon)``, or ``(n, horizon, levels)``.
    """

    name: str
    title: str
    greater_is_better: bool
    bounds: tuple[float, float]
    needs: Needs
    function: Function


def evaluate(
    names: Sequence[str],
    y_true: Any,
    prediction: Any,
    probability: Any = None,
    classes: Any = None,
    y_train: Any = None,
    score: Any = None,
    ranks: Any = None,
    interval: Any = None,
    sets: Any = None,
    confidence: float | None = None,
    quantiles: Any = None,
    scale: float | None = None,
    buffer: int | None = None,
) -> dict[str, float]:
    """Return ``{name: value}`` for each metric of ``names``.

    Args:
        names: names from :data:`METRICS`.
        y_true: ``(n,)`` true labels or values; None for control.
        prediction: ``(n,)`` predicted labels or values, ``(n, horizon)`` of forecasts; for control the return of each
            episode.
        probability: ``(n, len(classes))``, columns in the order of ``classes``; for two classes also ``(n,)``, that of
            the later one. None where the method gives none.
        classes: the classes behind the columns (an estimator's ``classes_``); None takes those of ``y_train`` or
            ``y_true``.
        y_train: ``(m,)`` training labels or values; ``mase`` scales by them.
        score: ``(n,)`` or ``(n, len(classes))`` decision values for the metrics that need a ``score``; None takes
            ``probability``.
        ranks: ``(n,)`` rank from 1 of each sample among its rivals, NaN for samples that are not ranked; None where
            nothing is.
        interval: ``(n, 2)`` lower and upper ends for numbers.
        sets: ``(n, len(classes))`` which classes each sample's set holds.
        confidence: share of samples that ``interval`` or ``sets`` are to cover, in (0, 1).
        quantiles: ``(n, horizon, 20)`` quantiles of forecasts at ``core.forecasting.LEVELS``; None where the method
            gives none.
        scale: what ``mase`` divides by, where ``y_train`` does not tell it: the seasonal naive forecast's mean
            absolute error in training.
        buffer: steps in a window, where the samples are windows around the steps of one series; ``vus_pr`` is NaN
            without it.

    Returns:
        A float for each name; NaN where the metric is undefined here or the method gave no probabilities.

    Raises:
        InputError: a name is no metric, or shapes do not fit.
    """
    truth = None if y_true is None else np.asarray(y_true)
    guess = None if prediction is None else np.asarray(prediction)
    answers: dict[str, NDArray[Any] | None] = {
        "prediction": guess,
        "probability": None if probability is None else np.asarray(probability, dtype=np.float64),
    }
    answers["score"] = answers["probability"] if score is None else np.asarray(score, dtype=np.float64)
    answers["interval"] = None if interval is None else np.asarray(interval, dtype=np.float64)
    answers["set"] = None if sets is None else np.asarray(sets, dtype=bool)
    answers["ranks"] = None if ranks is None else np.asarray(ranks, dtype=np.float64)
    answers["quantiles"] = None if quantiles is None else np.asarray(quantiles, dtype=np.float64)
    for what, answer in answers.items():
        if answer is not None and truth is not None and len(answer) != len(truth):
            raise InputError(f"expected {len(truth)} values of {what}, one a sample, but got {len(answer)}.")
    if truth is not None and truth.ndim == 2 and guess is not None and guess.shape != truth.shape:
        raise InputError(f"expected forecasts of shape {truth.shape}, but got {guess.shape}.")
    if classes is None and y_train is not None and answers["score"] is not None:
        classes = np.unique(np.asarray(y_train))
    values: dict[str, float] = {}
    for name in names:
        metric = find(name)
        answer = answers[metric.needs]
        values[name] = (
            math.nan
            if answer is None
            else float(
                metric.function(
                    truth,
                    answer,
                    classes=classes,
                    y_train=y_train,
                    confidence=confidence,
                    scale=scale,
                    buffer=buffer,
                )
            )
        )
    return values


def find(name: str) -> Metric:
    """Return the metric called ``name``.

    Raises:
        InputError: there is none; the message names the nearest.
    """
    if name not in METRICS:
        raise unknown("metric", name, METRICS)
    return METRICS[name]


# -- labels ---------------------------------------------------------------------------------------------------


def _accuracy(y: Any, answer: Any, **_: Any) -> float:
    y, answer = _comparable(y, answer)
    return float(np.mean(y == answer)) if len(y) else math.nan


def _balanced_accuracy(y: Any, answer: Any, **_: Any) -> float:
    """Mean recall over the classes that the test part holds."""
    y, answer = _comparable(y, answer)
    recalls = [float(np.mean(answer[y == label] == label)) for label in np.unique(y)]
    return float(np.mean(recalls)) if recalls else math.nan


def _f1(average: str) -> Function:
    def function(y: Any, answer: Any, **_: Any) -> float:
        from sklearn.metrics import f1_score

        y, answer = _comparable(y, answer)
        labels = np.unique(np.concatenate([y, answer]))
        return float(f1_score(y, answer, labels=labels, average=average, zero_division=0.0))

    return function


def _mcc(y: Any, answer: Any, **_: Any) -> float:
    from sklearn.metrics import matthews_corrcoef

    y, answer = _comparable(y, answer)
    if len(np.unique(np.concatenate([y, answer]))) < 2:
        return math.nan
    return float(matthews_corrcoef(y, answer))


# -- probabilities and scores ---------------------------------------------------------------------------------


def _over_classes(y: Any, answer: Any, classes: Any, binary: Callable[[Any, Any], float]) -> float:
    """Return ``binary(truth, score)`` of the positive class, or its mean over classes one against the rest.

    A class that the test part lacks, or that fills it, has no value and stays out of the mean.
    """
    y, labels, scores = _columns(y, answer, classes)
    if len(labels) == 2:
        truth = y == labels[1]
        return binary(truth, scores[:, 1] - scores[:, 0]) if 0 < truth.sum() < len(truth) else math.nan
    found = [
        binary(y == label, scores[:, k])
        for k, label in enumerate(labels)
        if 0 < np.count_nonzero(y == label) < len(y)
    ]
    return float(np.mean(found)) if found else math.nan


def _roc_auc(y: Any, answer: Any, classes: Any = None, **_: Any) -> float:
    from sklearn.metrics import roc_auc_score

    return _over_classes(y, answer, classes, lambda t, s: float(roc_auc_score(t, s)))


def _average_precision(y: Any, answer: Any, classes: Any = None, **_: Any) -> float:
    from sklearn.metrics import average_precision_score

    return _over_classes(y, answer, classes, lambda t, s: float(average_precision_score(t, s)))


@dataclass(frozen=True)
class Beliefs:
    """How probabilities did, sample by sample.

    Args:
        confidence: ``(n,)`` probability of the likeliest class.
        right: ``(n,)`` whether that class is the true one.
        loss: ``(n,)`` −ln p(true class), p clipped to 1e-15 … 1.
        square: ``(n,)`` ½ Σₖ (pₖ − [y = k])² (Brier 1950, halved), so that two classes give the usual (p − y)².
    """

    confidence: NDArray[np.float64]
    right: NDArray[np.bool_]
    loss: NDArray[np.float64]
    square: NDArray[np.float64]


def beliefs(y_true: Any, probability: Any, classes: Any = None) -> Beliefs:
    """Return how probabilities did, sample by sample, their rows being made to sum to 1 first.

    Args:
        y_true: ``(n,)`` true labels.
        probability: ``(n, len(classes))``, columns in the order of ``classes``; for two classes also ``(n,)``, that of
            the later one.
        classes: the classes behind the columns; None takes those of ``y_true``.

    Raises:
        InputError: there are not as many columns as classes.
    """
    y, labels, columns = _columns(y_true, np.asarray(probability, dtype=np.float64), classes)
    p, rows, place = _proper(columns), np.arange(len(columns)), np.searchsorted(labels, y)
    best = p.argmax(axis=1) if p.shape[1] else place
    square = 0.5 * ((p - (place[:, None] == np.arange(p.shape[1]))) ** 2).sum(axis=1)
    return Beliefs(p[rows, best], best == place, -np.log(np.clip(p[rows, place], 1e-15, 1.0)), square)


def _log_loss(y: Any, answer: Any, classes: Any = None, **_: Any) -> float:
    return float(beliefs(y, answer, classes).loss.mean()) if len(answer) else math.nan


def _brier(y: Any, answer: Any, classes: Any = None, **_: Any) -> float:
    return float(beliefs(y, answer, classes).square.mean()) if len(answer) else math.nan


def _ece(y: Any, answer: Any, classes: Any = None, **_: Any) -> float:
    """The debiased root-mean-square error over 15 bins of equal mass (Kumar et al. 2019)."""
    found = beliefs(y, answer, classes)
    return calibration_error(found.confidence, found.right) if len(answer) else math.nan


def _columns(y: Any, answer: Any, classes: Any) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float64]]:
    """Return the truth, all labels (sorted) and a column for each; classes unseen in training get the lowest score.

    Raises:
        InputError: there are not as many columns as classes.
    """
    y, own = _comparable(y, np.unique(_plain(y)) if classes is None else classes)
    if answer.ndim == 1:
        probable = bool(len(answer)) and answer.min() >= 0.0 and answer.max() <= 1.0
        answer = np.column_stack([1.0 - answer if probable else -answer, answer])
        if len(own) < 2 and own.dtype.kind in "biu":
            own = np.array([0, 1])  # detection: a part without a positive
    if answer.ndim != 2 or answer.shape[1] != len(own):
        raise InputError(
            f"expected a column for each of {len(own)} classes, but got an array of shape {answer.shape}."
        )
    labels = np.union1d(own, y)
    low = 0.0 if not answer.size or answer.min() >= 0.0 else float(answer.min())
    full = np.full((len(answer), len(labels)), low)
    full[:, np.searchsorted(labels, own)] = answer
    return y, labels, full


def _proper(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rows that sum to 1; a row without mass is even over the classes."""
    total = p.sum(axis=1, keepdims=True)
    return np.where(total > 0, p / np.where(total > 0, total, 1.0), 1.0 / max(p.shape[1], 1))


def _plain(labels: Any) -> NDArray[Any]:
    """Return labels as an array of numbers or of text, never of objects."""
    array = np.asarray(labels)
    if array.dtype == object:
        values = array.tolist()
        array = np.asarray(
            values if all(not isinstance(v, str) for v in values) else [str(v) for v in values]
        )
        array = array if array.dtype != object else np.asarray([str(v) for v in values])
    return array


def _comparable(a: Any, b: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return both label arrays in one form, so that equal labels are equal: as text when only one of them is."""
    a, b = _plain(a), _plain(b)
    return (a, b) if (a.dtype.kind in "US") == (b.dtype.kind in "US") else (a.astype(str), b.astype(str))


# -- numbers --------------------------------------------------------------------------------------------------


def _r2(y: Any, answer: Any, **_: Any) -> float:
    """1 − Σ(y − ŷ)² / Σ(y − ȳ)²; NaN where the test part does not vary."""
    spread = float(((y - np.mean(y)) ** 2).sum()) if len(y) else 0.0
    return 1.0 - float(((y - answer) ** 2).sum()) / spread if spread > 0 else math.nan


def _rmse(y: Any, answer: Any, **_: Any) -> float:
    return float(np.sqrt(np.mean((y - answer) ** 2)))


def _mae(y: Any, answer: Any, **_: Any) -> float:
    return float(np.mean(np.abs(y - answer)))


def _mase(y: Any, answer: Any, y_train: Any = None, scale: float | None = None, **_: Any) -> float:
    """Mean |y − ŷ| over that of the naive forecast in training (Hyndman and Koehler 2006).

    That is ``scale`` where it is given, of the seasonal naive forecast; else that of one step, from ``y_train``.
    """
    if scale is None:
        if y_train is None or len(y_train) < 2:
            return math.nan
        scale = float(np.mean(np.abs(np.diff(np.asarray(y_train, dtype=np.float64)))))
    return _mae(y, answer) / scale if scale > 0 else math.nan


def _smape(y: Any, answer: Any, **_: Any) -> float:
    """200 · mean |y − ŷ| / (|y| + |ŷ|), in per cent; 0 where both are 0 (Makridakis 1993)."""
    size = np.abs(y) + np.abs(answer)
    return float(200.0 * np.mean(np.where(size > 0, np.abs(y - answer) / np.where(size > 0, size, 1.0), 0.0)))


# -- intervals and sets ---------------------------------------------------------------------------------------


def _coverage(y: Any, answer: Any, **_: Any) -> float:
    return float(interval_covers(y, answer).mean()) if len(y) else math.nan


def _width(y: Any, answer: Any, **_: Any) -> float:
    return float(np.mean(answer[:, 1] - answer[:, 0])) if len(y) else math.nan


def _winkler(y: Any, answer: Any, confidence: float | None = None, **_: Any) -> float:
    """Mean width, plus 2/α of the distance of a value outside (Winkler 1972)."""
    return float(interval_score(y, answer, confidence).mean()) if len(y) and confidence else math.nan


def _set_coverage(y: Any, answer: Any, classes: Any = None, **_: Any) -> float:
    """Share of sets that hold the true class; one never seen in training is in none."""
    y, labels, held = _columns(y, answer.astype(np.float64), classes)
    return float(held[np.arange(len(y)), np.searchsorted(labels, y)].mean()) if len(y) else math.nan


def _set_size(y: Any, answer: Any, **_: Any) -> float:
    return float(answer.sum(axis=1).mean()) if len(y) else math.nan


# -- quantiles of forecasts -----------------------------------------------------------------------------------


def _crps(y: Any, answer: Any, **_: Any) -> float:
    """Continuous ranked probability score, in the unit of the series (Gneiting and Ranjan 2011)."""
    from neuroloom.core.forecasting import LEVELS, crps

    if answer.shape != (*y.shape, len(LEVELS)):
        raise InputError(f"expected quantiles of shape {(*y.shape, len(LEVELS))}, but got {answer.shape}.")
    return crps(y, answer)


def _coverage_95(y: Any, answer: Any, **_: Any) -> float:
    """Share of values between the outermost quantiles, at 0.025 and 0.975."""
    return float(np.mean((answer[..., 0] <= y) & (y <= answer[..., -1])))


# -- anomalies of a series -------------------------------------------------------------------------------------


def _vus_pr(y: Any, answer: Any, buffer: int | None = None, **_: Any) -> float:
    from neuroloom.tasks.anomaly_scores import vus_pr

    return math.nan if buffer is None or answer.ndim > 1 else vus_pr(y, answer, buffer)


def _ucr_hit(y: Any, answer: Any, **_: Any) -> float:
    from neuroloom.tasks.anomaly_scores import ucr_hit

    return math.nan if answer.ndim > 1 else ucr_hit(y, answer)


# -- ranks ----------------------------------------------------------------------------------------------------


def _mrr(y: Any, answer: Any, **_: Any) -> float:
    """Mean of 1 / rank over the samples that are ranked."""
    there = answer[~np.isnan(answer)]
    return float(np.mean(1.0 / there)) if len(there) else math.nan


def _hits(k: int) -> Function:
    def function(y: Any, answer: Any, **_: Any) -> float:
        there = answer[~np.isnan(answer)]
        return float(np.mean(there <= k)) if len(there) else math.nan

    return function


def _return(y: Any, answer: Any, **_: Any) -> float:
    return float(np.mean(answer))


_INF = math.inf
_ALL: tuple[Metric, ...] = (
    Metric("accuracy", "share of right labels", True, (0.0, 1.0), "prediction", _accuracy),
    Metric("balanced_accuracy", "mean recall over classes", True, (0.0, 1.0), "prediction", _balanced_accuracy),
    Metric("f1_macro", "F1, mean over classes", True, (0.0, 1.0), "prediction", _f1("macro")),
    Metric("f1_micro", "F1 over all decisions", True, (0.0, 1.0), "prediction", _f1("micro")),
    Metric("mcc", "Matthews correlation coefficient", True, (-1.0, 1.0), "prediction", _mcc),
    Metric("roc_auc", "area under the ROC curve, one class against the rest", True, (0.0, 1.0), "score", _roc_auc),
    Metric("average_precision", "average precision, one class against the rest", True, (0.0, 1.0), "score",
           _average_precision),
    Metric("vus_pr", "volume under precision and recall around the anomalies of one series", True, (0.0, 1.0), "score",
           _vus_pr),
    Metric("ucr_hit", "whether the highest score of one series lies at its anomaly", True, (0.0, 1.0), "score",
           _ucr_hit),
    Metric("mrr", "mean reciprocal rank of an edge among its own hard negatives", True, (0.0, 1.0), "ranks", _mrr),
    Metric("hits@10", "share of edges among the first 10 of their rivals", True, (0.0, 1.0), "ranks", _hits(10)),
    Metric("hits@50", "share of edges among the first 50 of their rivals", True, (0.0, 1.0), "ranks", _hits(50)),
    Metric("log_loss", "negative log-likelihood of the true class", False, (0.0, _INF), "probability", _log_loss),
    Metric("brier", "Brier score", False, (0.0, 1.0), "probability", _brier),
    Metric("ece", "calibration error of the likeliest class, root mean square, debiased", False, (0.0, 1.0),
           "probability", _ece),
    Metric("r2", "coefficient of determination", True, (-_INF, 1.0), "prediction", _r2),
    Metric("rmse", "root mean squared error", False, (0.0, _INF), "prediction", _rmse),
    Metric("mae", "mean absolute error", False, (0.0, _INF), "prediction", _mae),
    Metric("mase", "mean absolute scaled error", False, (0.0, _INF), "prediction", _mase),
    Metric("smape", "symmetric mean absolute percentage error", False, (0.0, 200.0), "prediction", _smape),
    Metric("interval_coverage", "share of values inside their conformal interval", True, (0.0, 1.0), "interval",
           _coverage),
    Metric("interval_width", "mean width of the conformal intervals", False, (0.0, _INF), "interval", _width),
    Metric("winkler", "mean interval score: width, and a penalty for each miss", False, (0.0, _INF), "interval",
           _winkler),
    Metric("set_coverage", "share of conformal sets that hold the true class", True, (0.0, 1.0), "set", _set_coverage),
    Metric("set_size", "mean number of classes in a conformal set", False, (0.0, _INF), "set", _set_size),
    Metric("crps", "continuous ranked probability score", False, (0.0, _INF), "quantiles", _crps),
    Metric("coverage@95", "share of values in the 95 % interval", True, (0.0, 1.0), "quantiles", _coverage_95),
    Metric("return", "mean return over the test episodes", True, (-_INF, _INF), "prediction", _return),
)  # fmt: skip
METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}

DEFAULTS: dict[str, tuple[str, ...]] = {
    "classification": ("accuracy", "balanced_accuracy", "f1_macro", "roc_auc", "log_loss"),
    "regression": ("r2", "rmse", "mae"),
    "control": ("return",),
    "detection": ("roc_auc", "average_precision"),
    "forecast": ("mase", "crps", "smape", "rmse", "coverage@95"),
}
ANOMALIES = ("vus_pr", "ucr_hit", "roc_auc", "average_precision")
"""Of windows around the steps of one series, in order of time."""
UNEVEN = ("balanced_accuracy", "roc_auc", "average_precision", "mcc", "accuracy", "log_loss")
"""Of classes of which one holds nearly all samples: always naming it must not look good."""
COVERAGE = {
    "classification": ("set_coverage", "set_size"),
    "regression": ("interval_coverage", "interval_width", "winkler"),
}
"""What a trial with a confidence reports besides, coverage first."""
LINKS = ("mrr", "hits@10", "hits@50", "roc_auc", "average_precision", "accuracy", "log_loss")
"""Of link prediction: ranks among hard negatives first, what is measured on random negatives after."""
