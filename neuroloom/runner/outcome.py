"""What is written into a row when a trial ends: its status from an error, its settings, curve and size."""

from __future__ import annotations

import errno
import math
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.errors import InputError
from neuroloom.runner.row import BELIEFS, Row
from neuroloom.runner.trial import Trial

FRONT_POINTS, FRONT_POLICIES = 24, 8
MAP_CELLS = 40  # along an axis
MOST_CLASSES = 12  # of a confusion matrix that is kept
TRACE_POINTS = 400  # of scores over time that are kept
CURVE_POINTS = 200
_REASON = 500
_TRACEBACK = 20_000
_MEMORY_WORDS = ("can't allocate memory", "not enough memory", "out of memory", "cannot allocate memory")


def row_of(trial: Trial, status: str, reason: str = "") -> Row:
    """Return a trial's row with nothing measured yet."""
    return Row(
        key=trial.key,
        task=trial.task_name,
        kind=trial.kind,
        problem=trial.problem,
        method=trial.label,
        expression=trial.expression,
        seed=trial.seed,
        fold=trial.fold,
        status=status,
        reason=reason,
        metric=trial.metrics[0] if trial.metrics else "",
    )


def describe_error(row: Row, error: BaseException) -> None:
    """Write an exception into its row: status, one line, and the traceback."""
    out_of_memory = any(_is_memory(e) for e in _chain(error))
    row.status = "memory" if out_of_memory else "failed"
    row.reason = one_line(error)
    row.scores = {}
    try:
        text = "".join(traceback.format_exception(error, limit=-30))
    except Exception as second:  # a class whose representation fails
        text = f"{type(error).__name__} (its traceback cannot be shown: {type(second).__name__})"
    row.traceback = text[-_TRACEBACK:]


def one_line(error: BaseException) -> str:
    """Return ``Type: message`` on one line of at most 500 characters."""
    try:
        message = " ".join(str(error).split())
    except Exception as second:
        message = f"(its message cannot be shown: {type(second).__name__})"
    text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return text if len(text) <= _REASON else text[: _REASON - 1] + "…"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _is_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    if not isinstance(error, RuntimeError):
        return False
    try:
        text = str(error).lower()
    except Exception:
        return False
    return any(words in text for words in _MEMORY_WORDS)


def settings_of(estimator: Any) -> dict[str, Any]:
    """Return the estimator's parameters as JSON can hold them; of a pipeline those of its steps."""
    get_params = getattr(estimator, "get_params", None)
    if get_params is None:
        return {}
    found = {}
    for name, value in get_params(deep=True).items():
        parts = value if isinstance(value, (list, tuple)) else ()
        if not any(_is_estimator(part) for pair in parts if isinstance(pair, tuple) for part in pair):
            found[name] = type(value).__name__ if _is_estimator(value) else plain(value)
    return found


def _is_estimator(value: Any) -> bool:
    return hasattr(value, "get_params") and not isinstance(value, type)


def plain(value: Any) -> Any:
    """Return ``value`` as JSON can hold it; what it cannot is named."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(inner) for inner in value), key=str)
    if isinstance(value, np.ndarray) and value.size <= 1000:
        return plain(value.tolist())
    if isinstance(value, np.ndarray):
        return f"array of shape {value.shape}"
    name = getattr(value, "__qualname__", None)
    if name is not None:
        return f"{getattr(value, '__module__', '')}.{name}".lstrip(".")
    return type(value).__name__  # a repr may hold an address, which differs from run to run


def curve_of(estimator: Any) -> list[dict[str, float]]:
    """Return the estimator's ``history_`` in at most 200 points, first and last among them."""
    history: Sequence[Mapping[str, Any]] | None = getattr(_last(estimator), "history_", None)
    if not isinstance(history, (list, tuple)) or not history:
        return []
    count = min(len(history), CURVE_POINTS)
    kept = np.unique(np.linspace(0, len(history) - 1, count).round().astype(int))
    return [_finite(history[i]) for i in kept if isinstance(history[i], Mapping)]


def _finite(point: Mapping[str, Any]) -> dict[str, float]:
    numbers = {
        str(k): float(v)
        for k, v in point.items()
        if isinstance(v, (int, float, np.number)) and math.isfinite(v)
    }
    if "step" in numbers:
        numbers["step"] = int(numbers["step"])
    return numbers


def beliefs_of(rows: Any, y: Any, probability: Any, classes: Any) -> NDArray[Any] | None:
    """Return how probabilities did on the test samples ``rows (n,)``: a row's ``beliefs``.

    None where the probabilities do not fit ``classes``; a metric that needs them says so.
    """
    from neuroloom.tasks.metrics import beliefs

    try:
        found = beliefs(y, probability, classes)
    except InputError:
        return None
    made = np.zeros(len(rows), dtype=BELIEFS)
    made["sample"] = rows
    for name in ("confidence", "right", "loss", "square"):
        made[name] = getattr(found, name)
    return made


def _last(estimator: Any) -> Any:
    steps = getattr(estimator, "steps", None)
    return steps[-1][1] if isinstance(steps, list) and steps else estimator


def beside_of(
    estimator: Any, X: Any, score: Callable[[Any, Any], float], most: int = FRONT_POINTS
) -> dict[str, Any]:
    """Return what a fitted estimator has beside its answer: a row's ``front``.

    Args:
        estimator: fitted. If it has ``alternatives()``, that gives what the size of smaller networks counts and pairs
            of a size and a fitted estimator, from the smallest to the largest; if it has ``elite_map()``, that gives
            names, ranges and the best fitness for each kind of behaviour; if its ``best_genome_`` has ``drawing()``,
            that gives the network. Of a pipeline, the last step is asked.
        X: the test part.
        score: from a fitted estimator and its samples to the score on the test part.
        most: how many of the smaller networks are scored at most.
    """
    last = _last(estimator)
    return _front_of(estimator, last, X, score, most) | _map_of(last) | _network_of(last)


def _front_of(
    estimator: Any, last: Any, X: Any, score: Callable[[Any, Any], float], most: int
) -> dict[str, Any]:
    if not hasattr(last, "alternatives"):
        return {}
    measure, found = last.alternatives()
    kept = np.unique(np.linspace(0, len(found) - 1, min(len(found), most)).round().astype(int))
    if last is not estimator:
        X = estimator[:-1].transform(X)
    points = [[float(found[i][0]), float(score(found[i][1], X))] for i in kept]
    return {"measure": str(measure), "points": points} if points else {}


def _map_of(last: Any) -> dict[str, Any]:
    """Return the map of elites as JSON can hold it, at most ``MAP_CELLS`` wide, of larger cells if need be."""
    held = last.elite_map() if hasattr(last, "elite_map") else None
    if held is None:
        return {}
    best = np.asarray(held.fitness, dtype=np.float64)
    for axis in (0, 1):
        step = -(-best.shape[axis] // MAP_CELLS)
        starts = np.arange(0, best.shape[axis], step)
        low = np.where(np.isfinite(best), best, -np.inf)
        best = np.maximum.reduceat(low, starts, axis=axis)
    rows = [[float(f"{v:.6g}") if math.isfinite(v) else None for v in row] for row in best.tolist()]
    history = getattr(last, "history_", None) or [{}]
    about = {name: history[-1][name] for name in ("coverage", "qd_score") if name in history[-1]}
    ranges = [[float(low), float(high)] for low, high in held.ranges]
    return {"map": {"axes": [str(n) for n in held.names], "ranges": ranges, "fitness": rows, **about}}


def _network_of(last: Any) -> dict[str, Any]:
    genome: Any = getattr(last, "best_genome_", None)
    if not hasattr(genome, "drawing"):
        return {}
    return {"network": {"what": str(getattr(last, "drawn_as", "network")), **genome.drawing()}}


def attention_of(estimator: Any, X: Any) -> dict[str, Any]:
    """Return what a few samples of ``X`` attend to, ``{"attention": [[sample, [[part, weight], …]], …]}``.

    Nothing where the estimator, or a pipeline's last step, has no ``attended(X)`` or ``X`` is of another kind.
    """
    last = _last(estimator)
    if not hasattr(last, "attended") or getattr(X, "graphs", None) is not None or hasattr(X, "pairs"):
        return {}
    if last is not estimator:
        X = estimator[:-1].transform(X)
    told = [[name, [[part, float(f"{w:.3g}")] for part, w in parts]] for name, parts in last.attended(X)]
    return {"attention": told} if told else {}


def trace_of(X: NDArray[Any], y: Any, score: Any, moments: NDArray[Any]) -> dict[str, Any]:
    """Return a detector's scores over time, ``{"trace": {"step": …, "low": …, "high": …, "score": …, "marked": …}}``.

    In at most ``TRACE_POINTS`` parts of equal length: the first step, the least and the largest value of the first
    channel at the windows' middles, and the highest score; ``marked`` holds first and last step of each stretch that is
    an anomaly.

    Args:
        X: ``(n, channels, length)`` windows in order of time.
        y: ``(n,)`` 1 for windows whose middle is part of an anomaly, or None.
        score: ``(n,)`` scores, higher is stranger.
        moments: ``(n,)`` steps of the windows' middles.
    """
    values, told = np.asarray(X)[:, 0, X.shape[-1] // 2], np.asarray(score, dtype=np.float64)
    told = np.where(np.isfinite(told), told, -np.inf)
    n = len(values)
    starts = np.unique(np.linspace(0, n, min(n, TRACE_POINTS), endpoint=False).astype(np.int64))
    marks = np.flatnonzero(np.asarray(y) == 1) if y is not None else np.empty(0, np.int64)
    stretches = np.split(marks, np.flatnonzero(np.diff(marks) > 1) + 1) if len(marks) else []

    def short(found: NDArray[Any]) -> list[float | None]:
        return [float(f"{v:.4g}") if math.isfinite(v) else None for v in found.tolist()]

    return {
        "trace": {
            "step": np.asarray(moments)[starts].astype(int).tolist(),
            "low": short(np.minimum.reduceat(values, starts)),
            "high": short(np.maximum.reduceat(values, starts)),
            "score": short(np.maximum.reduceat(told, starts)),
            "marked": [[int(moments[part[0]]), int(moments[part[-1]])] for part in stretches],
        }
    }


def confusion_of(y: Any, prediction: Any) -> dict[str, Any]:
    """Return which class was answered for which, ``{"classes": [label], "counts": [[…], …]}``: a row a true class.

    Nothing where there are more than ``MOST_CLASSES`` of them.
    """
    labels = np.concatenate([np.asarray(values).astype(str) for values in (y, prediction)])
    classes, codes = np.unique(labels, return_inverse=True)
    n = len(classes)
    if n > MOST_CLASSES:
        return {}
    true, answered = np.split(codes, [len(np.asarray(y))])
    counts = np.bincount(true * n + answered, minlength=n * n).reshape(n, n)
    return {"classes": classes.tolist(), "counts": counts.tolist()}


def parameters_of(estimator: Any) -> int | None:
    """Return how many numbers a fitted estimator holds, or None where that cannot be told.

    ``n_parameters_`` where there is one; of a pipeline the sum over its steps; of what wraps a classifier those
    inside it; of scikit-learn's linear models the coefficients and intercepts, of its trees the nodes,
    of its machines the support vectors and their weights, of nearest neighbours the rows they keep.
    """
    own = getattr(estimator, "n_parameters_", None)
    if own is not None:
        return int(own)
    steps = getattr(estimator, "steps", None)
    if isinstance(steps, list) and steps:
        counts = [parameters_of(step) for _, step in steps]
        return None if counts[-1] is None else sum(count or 0 for count in counts)
    if hasattr(estimator, "estimator_") and type(estimator).__module__.startswith("neuroloom.methods."):
        return parameters_of(estimator.estimator_)
    if hasattr(estimator, "support_vectors_"):
        return _size(estimator, "support_vectors_", "dual_coef_", "intercept_")
    if hasattr(estimator, "coef_"):
        return _size(estimator, "coef_", "intercept_")
    if hasattr(estimator, "tree_"):
        return int(estimator.tree_.node_count)
    if hasattr(estimator, "_predictors"):  # gradient boosting's trees
        return sum(len(tree.nodes) for stage in estimator._predictors for tree in stage)
    if hasattr(estimator, "_fit_X"):
        return _size(estimator, "_fit_X")
    members = getattr(estimator, "estimators_", None)
    if members is not None and len(members):
        flat = members if isinstance(members, list) else np.ravel(np.asarray(members, dtype=object))
        counts = [parameters_of(member) for member in flat]
        return None if None in counts else sum(count or 0 for count in counts)
    return None


def _size(estimator: Any, *names: str) -> int:
    total = 0
    for name in names:
        value = getattr(estimator, name, None)
        total += int(value.size if hasattr(value, "size") else np.size(value)) if value is not None else 0
    return total
