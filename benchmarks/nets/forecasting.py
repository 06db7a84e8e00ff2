"""Forecasts over a rolling origin: MASE and CRPS on 23 series against statsforecast's automatic models.

    python -m benchmarks.nets.forecasting [--methods ridge dlinear …] [--series airline nile …] [--store FILE] [--table]

Series: those of statsmodels, generated ones and those of the data folder (NEUROLOOM_DATA), each with its own horizon
and season. Protocol of ``neuroloom.tasks.rolling``: three splits of the last third, up to 12 origins each; every method
and peer is fitted once to the values before a split's first test origin, and at each origin brought up to date with
the history, its form and parameters kept (statsforecast's ``forward``). The CRPS is divided by the MASE's scale. What
is done already is read from the store. One thread; CPU seconds of fit and forecasts. ``--table`` prints what is there.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from pathlib import Path
from typing import Any

# ruff: noqa: E402 (thread limits count only when they are set before NumPy is imported)
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import numpy as np

from neuroloom.core.forecasting import LEVELS
from neuroloom.methods import build
from neuroloom.tasks import evaluate, open_task
from neuroloom.tasks.forecast import KNOWN, FolderSeries

PEERS = {"AutoARIMA": "AutoARIMA", "AutoETS": "AutoETS", "AutoTheta": "AutoTheta"}
METHODS = ("seasonal-naive", "ridge", "dlinear", "ets", "theta", "arima", "combination", *PEERS)
SERIES = (*KNOWN, *(f"forecast:{name}" for name in FolderSeries.forms if name != "Airline"))


class Peer:
    """One of statsforecast's automatic models, fitted once and then brought forward."""

    def __init__(self, name: str) -> None:
        self.name = name

    def fit(self, X: Any, y: Any) -> Peer:
        import statsforecast.models

        self.horizon = y.shape[1]
        self.model = getattr(statsforecast.models, self.name)(season_length=X.season)
        self.model.fit(X.seen(y))
        return self

    def told(self, X: Any) -> tuple[Any, Any]:
        """Return means and quantiles."""
        levels = [round(200 * abs(level - 0.5)) for level in LEVELS]
        means, quantiles = [], []
        for i in range(len(X)):
            ahead = self.model.forward(y=X.history(i)[0], h=self.horizon, level=sorted(set(levels)))
            means.append(ahead["mean"])
            sides = ["lo" if level < 0.5 else "hi" for level in LEVELS]
            quantiles.append(
                np.stack([ahead[f"{s}-{n}"] for s, n in zip(sides, levels, strict=True)], axis=-1)
            )
        return np.stack(means), np.stack(quantiles)


def _run(series: str, methods: list[str], store: Path, done: set[tuple[str, int, str]]) -> None:
    task = open_task(series)
    data = task.load()
    for k in range(task.published_splits):
        split = task.split(data, 0, k, 5)
        X, y, T, wanted = (
            data.X[split.train],
            data.y[split.train],
            data.X[split.test],
            data.y[split.test],
        )
        for method in methods:
            if (series, k, method) in done:
                continue
            began = time.process_time()
            try:
                if method in PEERS:
                    answers, quantiles = Peer(PEERS[method]).fit(X, y).told(T)
                else:
                    model = build(method, "series", "forecast", {}, random_state=k)[0].fit(X, y)
                    answers, quantiles = model.predict(T), model.predict_quantiles(T)
            except Exception as error:  # a failure is a row, as in a bench
                row: dict[str, Any] = {"error": f"{type(error).__name__}: {error}"[:200]}
            else:
                seconds = time.process_time() - began
                scale = X.naive_error(y)
                row = evaluate(
                    ["mase", "crps", "coverage@95"], wanted, answers, quantiles=quantiles, scale=scale
                )
                row |= {"crps": row["crps"] / scale, "seconds": seconds}
            with store.open("a") as file:
                file.write(json.dumps({"series": series, "split": k, "method": method, **row}) + "\n")


def table(rows: list[dict[str, Any]], chosen: list[str], wanted: list[str]) -> None:
    """Print mean ranks, means and each series, of those wanted series on which all chosen methods were run."""
    from scipy.stats import rankdata

    latest = {(r["series"], r["split"], r["method"]): r for r in rows}
    for key in sorted(k for k, r in latest.items() if "error" in r):
        print("failed:", *key, latest[key]["error"])
    of: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in latest.values():
        if "error" not in row:
            of.setdefault((row["series"], row["method"]), []).append(row)
    whole = {pair: parts for pair, parts in of.items() if len(parts) == 3}
    series = [s for s in wanted if all((s, m) in whole for m in chosen)]
    print(f"{len(series)} series, {len(chosen)} methods\n")
    score = {name: np.array([[np.mean([r[name] for r in whole[s, m]]) for m in chosen] for s in series])
             for name in ("mase", "crps", "coverage@95", "seconds")}  # fmt: skip
    ranks = {name: rankdata(score[name], axis=1).mean(axis=0) for name in ("mase", "crps")}
    print("| method | rank by MASE | rank by CRPS | MASE | CRPS | coverage of 95 % | CPU-s a split |")
    print("|---|---|---|---|---|---|---|")
    for i in np.argsort(ranks["mase"]):
        means = [score[n][:, i].mean() for n in ("mase", "crps", "coverage@95", "seconds")]
        print(f"| {chosen[i]} | {ranks['mase'][i]:.2f} | {ranks['crps'][i]:.2f} | {means[0]:.3f} | {means[1]:.3f} | "
              f"{means[2]:.3f} | {means[3]:.1f} |")  # fmt: skip
    print(f"\n| MASE | {' | '.join(chosen)} |\n|---|{'---|' * len(chosen)}")
    for j, name in enumerate(series):
        print(f"| {name} | {' | '.join(f'{v:.3f}' for v in score['mase'][j])} |")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--series", nargs="*", default=list(SERIES))
    parser.add_argument("--store", type=Path, default=Path("forecasting.jsonl"))
    parser.add_argument("--table", action="store_true")
    given = parser.parse_args()
    rows = [json.loads(line) for line in given.store.read_text().splitlines()] if given.store.exists() else []
    if not given.table:
        done = {(r["series"], r["split"], r["method"]) for r in rows if "error" not in r}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for series in given.series:
                _run(series, given.methods, given.store, done)
                print(series, flush=True)
        rows = [json.loads(line) for line in given.store.read_text().splitlines()]
    table(rows, given.methods, given.series)


if __name__ == "__main__":
    main()
