"""``neuroloom fit``, ``predict`` and ``explain``: one method fitted to all of a user's data, and put to use."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from neuroloom.core.checkpoints import checkpoints
from neuroloom.core.errors import InputError, NotSupportedError, blamed_on
from neuroloom.core.parallel import fit_together
from neuroloom.core.samples import take
from neuroloom.core.seeding import derive
from neuroloom.methods import build
from neuroloom.methods.saving import load_estimator, save_estimator
from neuroloom.runner.attempt import ahead_options
from neuroloom.tasks import describe_schema, open_data, read_like

PICTURES = (".png", ".svg", ".pdf")
_FORESTS = "sklearn.ensemble._forest"


def fit_model(
    method: str,
    data: str | Path,
    out: Path,
    *,
    target: str | None = None,
    labels: Path | None = None,
    features: Path | None = None,
    kind: str | None = None,
    problem: str | None = None,
    drop: Sequence[str] = (),
    horizon: int | None = None,
    season: int | None = None,
    known: Sequence[str] = (),
    params: Sequence[str] = (),
    seed: int = 0,
    confidence: float | None = None,
    checkpoint: Path | None = None,
    processes: int = 1,
) -> str:
    """Fit ``method`` to all of ``data``, save the model in the folder ``out``, and say what was done.

    ``data`` is the user's own, or a task's name: of ``gymnasium:ENV`` the model is a policy.
    With a ``confidence`` the model answers with intervals or sets of classes that cover that share of new samples. With
    a ``checkpoint`` a network keeps what it has learned in that folder while it is trained: the same call after the
    process was killed goes on from there, to the same model. Several ``processes`` share every batch of a deep net.

    Raises:
        InputError: the data cannot be read, ``out`` is taken, or a parameter is wrong.
        NotSupportedError: the method does not fit the data.
    """
    import neuroloom

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} exists already; pass another --out, or remove it first.")
    task = open_data(
        data, target=target, labels=labels, features=features, kind=kind, problem=problem, drop=tuple(drop),
        **ahead_options(horizon, season, known),
    )  # fmt: skip
    loaded = task.load()
    if task.problem == "forecast" and "schema" not in loaded.extra:
        raise NotSupportedError(
            f"a forecaster of the task {task.name!r} could be asked for nothing, since no file has its form; fit one "
            "to a file of your own with --horizon."
        )
    given = dict(_parameter(text) for text in params)
    random_state = derive(seed, "method", method)
    estimator, notes = build(method, task.kind, task.problem, given, X=loaded.X, random_state=random_state)
    if confidence is not None and task.problem != "forecast":
        estimator = _conformal(estimator, task.problem, confidence, random_state)
    X, y = loaded.X, loaded.y
    if task.problem == "detection":
        X, y = take(X, np.flatnonzero(y == 0)), None
    remarks = [*loaded.notes, *notes]
    if processes > 1 and checkpoint is not None:
        raise InputError(
            "one net trained by several processes keeps no checkpoint; leave one of the two out."
        )
    with nullcontext() if checkpoint is None else checkpoints(checkpoint) as keeper:
        estimator = fit_together(estimator, X, y, processes=processes)
        if keeper is not None and not keeper.paths:
            remarks.append(f"{method} keeps no checkpoints: killed before its end it would begin anew")
        about = {
            "method": method,
            "params": {name: _plain(value) for name, value in given.items()},
            "kind": task.kind,
            "problem": task.problem,
            "seed": seed,
            "confidence": confidence,
            "samples": len(X),
            "notes": remarks,
            "neuroloom": neuroloom.__version__,
            "schema": describe_schema(task, loaded),
        }
        save_estimator(estimator, out, about)
    if hasattr(estimator, "best_params_"):
        chosen = ", ".join(f"{path}={value}" for path, value in estimator.best_params_.items())
        remarks.append(
            f"of {len(estimator.trials_)} configurations this was best on inner folds: {chosen or 'as it is'}"
        )
    lines = [*remarks, f"{method} learned from {len(X)} samples; the model is in {out}"]
    if confidence is not None and task.problem != "forecast":
        what = "intervals" if task.problem == "regression" else "sets of classes"
        lines.append(f"its {what} are to cover {confidence:.0%} of new samples (conformal, 5 folds)")
    return "\n".join(lines)


def predict_with_model(model: Path, data: str | Path) -> str:
    """Return a CSV text with an answer for each sample of ``data``, and the probabilities of classes.

    A model that was fitted with a confidence also says its interval, or its set of classes, divided by ``|``. One that
    finds outliers says whether a sample is one, and a score that is the higher the stranger it is, above 0 for
    outliers.

    Raises:
        InputError: the model or the data cannot be read, or the data lack what the model learned from.
    """
    estimator, about = load_estimator(model)
    with blamed_on(model, "fit the model again"):
        return _answer(estimator, about, data)


def _answer(estimator: Any, about: dict[str, Any], data: str | Path) -> str:
    import pandas as pd

    if about["problem"] == "forecast":
        return _look_ahead(estimator, about, data)
    X, names = read_like(data, about["schema"])
    frame = pd.DataFrame({"sample": names})
    for name, (values, columns) in answers(estimator, about["problem"], X).items():
        if columns is None:
            frame[name] = values
        elif name == "set":
            frame["set"] = ["|".join(str(columns[i]) for i in np.flatnonzero(row)) for row in values]
        else:
            titles = columns if name == "interval" else [f"p({label})" for label in columns]
            for title, column in zip(titles, values.T, strict=True):
                frame[title] = column
    text: str = frame.to_csv(index=False)
    return text


def answers(estimator: Any, problem: str, X: Any) -> dict[str, tuple[Any, list[Any] | None]]:
    """Return all that a saved model says of samples: name -> values and, where they have columns, these.

    ``prediction (n,)``; of classes ``probability (n, classes)``; with a confidence ``interval (n, 2)`` or
    ``set (n, classes)``; of a detector ``outlier (n,)`` and ``score (n,)``; of a policy ``return (n,)``.
    """
    if problem == "control":
        return {"return": (np.asarray(estimator.predict(X)), None)}
    if isinstance(getattr(estimator, "steps", None), list) and len(estimator.steps) > 1:
        X, estimator = estimator[:-1].transform(X), estimator.steps[-1][1]  # once for all that is asked below
    if problem == "detection":
        score = -np.asarray(estimator.decision_function(X))
        return {"outlier": (np.asarray(estimator.predict(X)) < 0, None), "score": (score, None)}
    if type(estimator).__module__ == _FORESTS and hasattr(estimator, "classes_"):
        probability = np.asarray(estimator.predict_proba(X))
        likeliest = estimator.classes_[
            probability.argmax(axis=1)
        ]  # as its `predict` does, through all trees again
        return {"prediction": (likeliest, None), "probability": (probability, list(estimator.classes_))}
    found: dict[str, tuple[Any, list[Any] | None]] = {"prediction": (np.asarray(estimator.predict(X)), None)}
    if hasattr(estimator, "predict_interval"):
        found["interval"] = np.asarray(estimator.predict_interval(X)), ["low", "high"]
    if hasattr(estimator, "predict_set"):
        found["set"] = np.asarray(estimator.predict_set(X)), list(estimator.classes_)
    if problem == "classification" and hasattr(estimator, "predict_proba"):
        found["probability"] = np.asarray(estimator.predict_proba(X)), list(estimator.classes_)
    return found


def explain_with_model(
    model: Path,
    data: Path,
    *,
    method: str = "shapley",
    background: Path | None = None,
    rows: int = 20,
    out: Path | None = None,
    seed: int = 0,
) -> str:
    """Explain a saved model's answers for the first ``rows`` samples of ``data``.

    Returns a CSV text with a line for each sample, part and output; where ``out`` is a ``.png``, ``.svg`` or ``.pdf``,
    the picture is written there (of a single sample what each part brings, of several the mean sizes) and the text says
    so.

    Args:
        model: a folder that :func:`fit_model` wrote.
        data: samples to explain.
        method: one of ``methods.explain.METHODS`` but ``"permutation"``, which needs the true answers.
        background: samples that stand in for what is taken away; None takes those of ``data``.
        rows: samples at most, at least 1.
        out: a picture to write, or None.
        seed: of the draws.

    Raises:
        InputError: the model or the data cannot be read, or there is no other sample to compare with.
    """
    from neuroloom.core.checks import check_choice, check_int
    from neuroloom.methods.explain import BACKGROUND, METHODS, explain

    check_choice("method", method, tuple(m for m in METHODS if m != "permutation"))
    check_int("rows", rows)
    estimator, about = load_estimator(model)
    if about["problem"] == "forecast":
        raise NotSupportedError(
            "answers of forecasts are not explained; explain a classifier or a regressor."
        )
    X, names = read_like(data, about["schema"])
    others = X if background is None else read_like(background, about["schema"])[0]
    if len(others) < 2:
        raise InputError(
            "an explanation compares samples with others, and there is one alone; pass a file of more as --background."
        )
    chosen = np.sort(np.random.default_rng(seed).permutation(len(others))[:BACKGROUND])
    found = explain(
        estimator, take(X, np.arange(min(rows, len(X)))), method=method, background=take(others, chosen),
        random_state=seed,
    )  # fmt: skip
    if out is not None and out.suffix.lower() in PICTURES:
        ax = found.plot(sample=0 if len(found.values) == 1 else None)
        out.parent.mkdir(parents=True, exist_ok=True)
        ax.figure.savefig(out, dpi=150)
        return f"the picture is {out}"
    frame = found.to_frame()
    frame["sample"] = [names[i] for i in frame["sample"]]
    text: str = frame.to_csv(index=False)
    return text


def _look_ahead(estimator: Any, about: dict[str, Any], data: str | Path) -> str:
    """Return a CSV text with the next values of the series in ``data``, and their intervals."""
    import pandas as pd

    from neuroloom.tasks.files.forecast import answers_ahead, read_like_forecast

    X, dates, when = read_like_forecast(Path(data), about["schema"])
    ahead = estimator.predict(X)[0]
    frame = pd.DataFrame({when or "step": answers_ahead(dates, len(ahead)), "prediction": ahead})
    level = about["confidence"] or 0.95
    frame["low"], frame["high"] = estimator.predict_interval(X, level)[0].T
    text: str = frame.to_csv(index=False)
    return text


def _conformal(estimator: Any, problem: str, confidence: float, random_state: int) -> Any:
    from neuroloom.methods.conformal import ConformalClassifier, ConformalRegressor

    if problem not in ("classification", "regression"):
        raise NotSupportedError(f"a confidence is for classes and numbers, not for {problem}; leave it out.")
    made = ConformalRegressor if problem == "regression" else ConformalClassifier
    return made(estimator, confidence, random_state=random_state)


def _parameter(text: str) -> tuple[str, Any]:
    """Return name and value of ``name=value``; the value as TOML reads it, or else as plain text."""
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise InputError(f"--param takes name=value, but got {text!r}.")
    try:
        return name, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name, value


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))
