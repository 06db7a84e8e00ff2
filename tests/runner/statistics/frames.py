"""Small results made by hand, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from neuroloom.runner.results import Results


def make_results(
    scores: Mapping[str, Mapping[str, Sequence[float | str | None]]],
    *,
    folds: int = 5,
    metric: str | Mapping[str, str] = "accuracy",
    greater: bool = True,
    bounds: tuple[float, float] = (0.0, 1.0),
    n_train: int = 80,
    n_test: int = 20,
    published_splits: int | None = None,
    seconds: Mapping[str, float] | None = None,
    meta: Mapping[str, Any] | None = None,
) -> Results:
    """Return results from ``{task: {method: scores}}``.

    Score ``k`` is that of ``seed, fold = divmod(k, folds)``; a text stands for that status, None for no trial.
    """
    records = []
    names = {task: metric if isinstance(metric, str) else metric[task] for task in scores}
    for task, methods in scores.items():
        for method, values in methods.items():
            for k, value in enumerate(values):
                if value is None:
                    continue
                seed, fold = (k, 0) if published_splits == 1 else divmod(k, folds)
                status = value if isinstance(value, str) else "done"
                records.append(
                    {
                        "task": task,
                        "method": method,
                        "seed": seed,
                        "fold": fold,
                        "metric": names[task],
                        "value": value if status == "done" else np.nan,
                        "fit_seconds": (seconds or {}).get(method, 1.0),
                        "predict_seconds": 0.1,
                        "fit_cpu_seconds": (seconds or {}).get(method, 1.0),
                        "parameters": 10,
                        "status": status,
                        "reason": "" if status == "done" else f"it was {status}",
                        "n_train": n_train,
                        "n_test": n_test,
                        "split": task if published_splits == 1 else f"{task}-{k}",
                    }
                )
    about = {
        task: {
            "greater_is_better": greater,
            "bounds": bounds,
            "protocol": "folds" if published_splits is None else "published",
            "published_splits": published_splits or 0,
        }
        for task in scores
    }
    return Results(pd.DataFrame(records), None, {"name": "test", "tasks": about, **(meta or {})})


def random_bench(
    seed: int, tasks: int = 8, methods: int = 4, cells: int = 10, effect: float = 0.02
) -> dict[str, dict[str, list[float]]]:
    """Return scores whose methods differ by ``effect`` each, with noise by task and split."""
    rng = np.random.default_rng(seed)
    bench: dict[str, dict[str, list[float]]] = {}
    for t in range(tasks):
        level, shared = rng.uniform(0.5, 0.7), rng.normal(0, 0.03, cells)
        bench[f"t{t}"] = {
            f"m{m}": list(level + effect * m + rng.normal(0, 0.02) + shared + rng.normal(0, 0.01, cells))
            for m in range(methods)
        }
    return bench
