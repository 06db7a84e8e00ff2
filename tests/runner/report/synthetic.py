"""Made-up finished runs for the report's tests: every shape that a real run can have, none of the waiting."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from neuroloom.runner.results import FRONT_COLUMNS, Results

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(2)>",
    "\"quoted\" & 'both' % # $ _ { } ~ ^ \\ | `tick`",
    "a-very-long-name-" + "that-goes-on-and-on-" * 6,
    "日本語 ünïcödé ‮rtl‬ 🧬",
    "{{ 7*7 }}{% raw %}",
    "]]> --> <!-- x",
]
KINDS = [
    ("table", "classification", "accuracy", 8),
    ("table", "regression", "r2", 3),
    ("series", "classification", "accuracy", 4),
    ("nodes", "classification", "accuracy", 3),
    ("episodes", "control", "return", 2),
]
METHODS = [
    ("neat", "evolve", None), ("hyperneat", "evolve", None), ("neat-lamarck", "evolve", None),
    ("gcn", "graphs", {"nodes"}), ("gat", "graphs", {"nodes"}), ("prone+logreg", "composition", {"nodes"}),
    ("wavelets+ridge", "composition", {"series"}), ("wavelets+rbfn", "composition", {"series"}),
    ("rbfn", "nets", None), ("mlp", "nets", None), ("lstm", "nets", {"series"}),
    ("mlp[width=256]", "nets", None), ("bayes-mlp", "nets", None), ("dummy", "baseline", None),
    ("logreg", "baseline", None), ("knn", "baseline", None), ("svm", "baseline", None),
    ("random-forest", "baseline", None), ("extra-trees", "baseline", None),
    ("hist-gradient-boosting", "baseline", None),
]  # fmt: skip
NAMES = {
    "table": ["iris", "wine", "breast-cancer", "digits", "two-spirals", "xor", "german", "oil-spill"],
    "series": ["cbf", "ucr:GunPoint", "ucr:ItalyPowerDemand", "ucr:ArrowHead"],
    "nodes": ["karate", "cora", "minesweeper"],
    "episodes": ["cartpole", "pendulum"],
}
REGRESSION = ["diabetes", "friedman1", "concrete"]


@dataclass
class Shape:
    """What a made-up bench looks like."""

    tasks: list[tuple[str, str, str, str]]
    methods: list[tuple[str, str, set[str] | None]]
    seeds: int = 10
    folds: int = 1
    faults: float = 0.03
    curves: bool = False
    published: bool = False
    seed: int = 0
    extra_metrics: tuple[str, ...] = ()
    config: str = 'name = "made up"\nseeds = 10\ntasks = ["iris"]\nmethods = ["neat"]\n'
    notes: dict[str, list[str]] = field(default_factory=dict)


def big(folds: int = 1) -> Results:
    """Return 20 tasks x 20 methods x 10 seeds with failures, timeouts, skips and curves."""
    tasks = []
    for kind, problem, metric, n in KINDS:
        names = REGRESSION if problem == "regression" else NAMES[kind]
        tasks += [(name, kind, problem, metric) for name in names[:n]]
    return make(
        Shape(tasks, METHODS, folds=folds, curves=True, extra_metrics=("balanced_accuracy", "log_loss"))
    )


def single() -> Results:
    """Return one task, one method, one trial."""
    return make(Shape([("iris", "table", "classification", "accuracy")], METHODS[:1], seeds=1, faults=0))


def few() -> Results:
    """Return three table tasks and six methods, five folds, three seeds: too few tasks for a test across."""
    tasks = [(n, "table", "classification", "accuracy") for n in NAMES["table"][:3]]
    return make(Shape(tasks, [*METHODS[:1], *METHODS[8:10], METHODS[13], *METHODS[16:18]], 3, 5, faults=0))


def published() -> Results:
    """Return one published split with eight seeds of four methods."""
    tasks = [("cora", "nodes", "classification", "accuracy")]
    return make(Shape(tasks, [*METHODS[3:6], METHODS[13]], 8, published=True, curves=True, faults=0))


def fitness() -> Results:
    """Return a bench with learning curves of a few methods on six tasks."""
    tasks = [(n, "table", "classification", "accuracy") for n in NAMES["table"][:6]]
    return make(
        Shape(tasks, [METHODS[0], METHODS[2], *METHODS[8:10], METHODS[13], METHODS[17]], 3, 5, curves=True)
    )


def hostile() -> Results:
    """Return names, reasons, notes, config and parameters that try to break out of the page."""
    tasks = [(n, "table", "classification", "accuracy") for n in HOSTILE]
    methods: list[tuple[str, str, set[str] | None]] = [
        (n, room, None)
        for n, room in zip(HOSTILE, ["evolve", "graphs", "signal", "nets", "baseline"] * 2, strict=False)
    ]
    evil = f'name = "{HOSTILE[1]}"\n# {HOSTILE[0]} {HOSTILE[2]}\n'
    shape = Shape(
        tasks, methods, 2, 3, faults=0.15, config=evil, notes={n: [HOSTILE[0], HOSTILE[1]] for n in HOSTILE}
    )
    return make(shape)


def broken() -> Results:
    """Return a bench in which nothing at all was done."""
    tasks = [("iris", "table", "classification", "accuracy"), ("wine", "table", "classification", "accuracy")]
    return make(Shape(tasks, METHODS[:3], 2, 2, faults=1.0))


CASES = {
    "big": big, "single": single, "few": few, "published": published, "fitness": fitness, "hostile": hostile,
    "broken": broken,
}  # fmt: skip
REASONS = {
    "failed": "ValueError: Input X contains NaN at <input> & 'column'; impute or drop",
    "timeout": "stopped after 60 s of wall time (limit: 60 s)",
    "memory": "stopped at 2,148 MB resident (limit: 2,048 MB)",
    "killed": "the worker died: signal 11 (SIGSEGV)",
}


def make(shape: Shape) -> Results:
    """Return the made-up run of that shape."""
    rng = np.random.default_rng(shape.seed)
    rows: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    hard = {t[0]: rng.uniform(0.0, 0.35) for t in shape.tasks}
    skill = {m[0]: rng.normal(0.0, 0.04) - (0.35 if m[0] == "dummy" else 0.0) for m in shape.methods}
    cost = {m[0]: 10 ** rng.uniform(-2.5, 1.6) for m in shape.methods}
    for t, (task, kind, _, metric) in enumerate(shape.tasks):
        drawn = rng.normal(0, 0.015, (shape.seeds, shape.folds))
        for m, (method, _, kinds) in enumerate(shape.methods):
            fit = skill[method] + rng.normal(0, 0.03)
            for seed in range(shape.seeds):
                for fold in range(shape.folds):
                    head = _head(shape, t, m, seed, fold)
                    if kinds is not None and kind not in kinds:
                        reason = f"`{method}` takes {' or '.join(sorted(kinds))}, not {kind}"
                        rows.append({**head, "status": "skipped", "reason": reason})
                        continue
                    if rng.random() < shape.faults:
                        status = str(rng.choice(list(REASONS)))
                        rows.append(
                            {**head, "status": status, "reason": REASONS[status], "fit_seconds": 60.0}
                        )
                        continue
                    value = 1 - hard[task] + fit + drawn[seed, fold] + rng.normal(0, 0.012)
                    value = min(value, 1.0) if metric != "return" else 500 * min(max(value, 0.02), 1.0)
                    rows += _done(rng, shape, head, metric, value, cost[method])
                    if shape.curves and method not in ("dummy", "knn", "svm", "logreg"):
                        curves += _curve(rng, head, value, cost[method], t)
    columns = [
        "task",
        "method",
        "seed",
        "fold",
        "step",
        "seconds",
        "loss",
        "valid_loss",
        "score",
        "evaluations",
    ]
    return Results(
        pd.DataFrame(rows), pd.DataFrame(curves, columns=columns), _meta(shape, len(rows)), _fronts(shape),
        maps=_maps(shape), networks=_networks(shape),
        confusions=_confusions(shape), attention=_attention(shape), traces=_traces(shape),
    )  # fmt: skip


def _attention(shape: Shape) -> dict[tuple[str, str, int, int], list[Any]]:
    """Return what samples of the first task attend to, by the first method, where there are curves."""
    told = [[f"node {k}", [[HOSTILE[0], 0.5], ["node 7", 0.25]]] for k in range(5)]
    return {(shape.tasks[0][0], shape.methods[0][0], 0, 0): told} if shape.curves else {}


def _traces(shape: Shape) -> dict[tuple[str, str, int, int], dict[str, Any]]:
    """Return scores over time on the first task of a small run, of every method, where there are curves."""
    if not shape.curves or len(shape.tasks) > 10:
        return {}
    x = np.sin(np.arange(400) / 7)
    told = {
        "step": list(range(2000, 6000, 10)),
        "low": (x - 0.2).tolist(),
        "high": (x + 0.2).tolist(),
        "score": np.abs(x).tolist(),
        "marked": [[2500, 2600], [5990, 5999]],
    }
    return {(shape.tasks[0][0], method[0], 0, 0): told for method in shape.methods}


def _confusions(shape: Shape) -> dict[tuple[str, str, int, int], dict[str, Any]]:
    """Return which class was answered for which: ten of them on every second task, three on the others."""
    found = {}
    for t, (task, _, problem, _) in enumerate(shape.tasks):
        if problem != "classification" or shape.faults == 1.0:
            continue
        n = 3 if t % 2 else 10
        told = {"classes": [*map(str, range(n - 1)), HOSTILE[0]], "counts": np.full((n, n), 7).tolist()}
        found |= {(task, method[0], 0, 0): told for method in shape.methods}
    return found


def _networks(shape: Shape) -> dict[tuple[str, str, int, int], dict[str, Any]]:
    """Return an evolved network for the second method on the first task, where there are curves."""
    if not shape.curves:
        return {}
    layers = [[-1, -2, -3], [2], [3, 4], [0, 1]]
    edges = [
        [-1, 2, 0.5],
        [-2, 2, -1.5],
        [-3, 3, 2.0],
        [2, 3, 0.1],
        [2, 4, -0.7],
        [3, 0, 1.0],
        [4, 1, 1.0],
        [1, 4, 0.3],
    ]
    held = {"what": "network", "layers": layers, "edges": edges, "inputs": 3, "hidden": 3, "connections": 8}
    return {(shape.tasks[0][0], shape.methods[1][0], 0, 0): held}


def _maps(shape: Shape) -> dict[tuple[str, str, int, int], dict[str, Any]]:
    """Return a map of elites for the second method on the first task, where there are curves."""
    if not shape.curves:
        return {}
    cells = [[None if j > 2 * i else 0.1 * i - j for j in range(5)] for i in range(7)]
    held = {
        "axes": ["features used", "hidden neurons"],
        "ranges": [[-0.5, 6.5], [-0.5, 4.5]],
        "fitness": cells,
    }
    return {(shape.tasks[0][0], shape.methods[1][0], 0, 0): {**held, "coverage": 0.6, "qd_score": 9.5}}


def _fronts(shape: Shape) -> pd.DataFrame:
    """Return the smaller networks of the first two methods on the first task, where there are curves."""
    made = [
        (shape.tasks[0][0], method[0], seed, fold, "enabled connections", size, 0.9 - 0.5 / (size + seed))
        for method in shape.methods[: 2 * shape.curves]
        for seed in range(shape.seeds)
        for fold in range(shape.folds)
        for size in (1.0, 2.0, 5.0, 9.0 + seed)
    ]
    return pd.DataFrame(made, columns=list(FRONT_COLUMNS))


def _head(shape: Shape, t: int, m: int, seed: int, fold: int) -> dict[str, Any]:
    task, kind, problem, metric = shape.tasks[t]
    method = shape.methods[m][0]
    return {
        "task": task, "method": method, "seed": seed, "fold": fold, "metric": metric, "value": math.nan,
        "fit_seconds": math.nan, "predict_seconds": math.nan, "fit_cpu_seconds": math.nan,
        "predict_cpu_seconds": math.nan, "peak_memory_mb": math.nan, "parameters": math.nan,
        "settings": json.dumps({"random_state": seed, "alpha": 0.1 * m, "note": method}),
        "status": "done", "reason": "",
        "kind": kind, "problem": problem, "main": True, "n_train": 120, "n_test": 30,
        "split": f"{t:04x}{0 if shape.published else seed:04x}{fold:04x}" * 4, "batched": 1, "expression": method,
        "key": f"{t:08x}{m:08x}{seed:08x}{fold:08x}" * 2, "notes": "", "started": 1.76e9 + seed,
    }  # fmt: skip


def _done(
    rng: np.random.Generator, shape: Shape, head: dict[str, Any], metric: str, value: float, cost: float
) -> list[dict[str, Any]]:
    seconds = cost * rng.lognormal(0, 0.15)
    head = {
        **head, "value": value, "fit_seconds": seconds, "fit_cpu_seconds": seconds * 0.97,
        "predict_seconds": seconds / 50, "predict_cpu_seconds": seconds / 51,
        "peak_memory_mb": 5 + 40 * math.sqrt(cost) * rng.lognormal(0, 0.05),
        "parameters": round(30 * (1 + cost) ** 3), "batched": 15 if head["method"] == "mlp" else 1,
    }  # fmt: skip
    more = [
        {**head, "metric": name, "main": False, "value": abs(value - 0.03)} for name in shape.extra_metrics
    ]
    return [head, *(more if head["problem"] == "classification" else [])]


def _curve(
    rng: np.random.Generator, head: dict[str, Any], value: float, cost: float, t: int
) -> list[dict[str, Any]]:
    steps = 20
    out = []
    scale = 500.0 if head["metric"] == "return" else 1.0
    for k in range(1, steps + 1):
        rise = 1 - 0.7 * math.exp(-k / (3 + t % 3))
        out.append({
            "task": head["task"], "method": head["method"], "seed": head["seed"], "fold": head["fold"], "step": k,
            "seconds": cost * k / steps, "loss": 2 * math.exp(-k / 6) + 0.1 + rng.normal(0, 0.01),
            "valid_loss": math.nan, "score": min(scale, value * rise + scale * rng.normal(0, 0.01)),
            "evaluations": float(k * 150) if head["method"].startswith(("neat", "hyper")) else math.nan,
        })  # fmt: skip
    return out


def _meta(shape: Shape, rows: int) -> dict[str, Any]:
    bounds = {"accuracy": (0.0, 1.0), "r2": (-math.inf, 1.0), "return": (-math.inf, math.inf)}
    tasks = {
        name: {
            "kind": kind, "problem": problem, "metrics": [metric, *shape.extra_metrics],
            "protocol": "published" if shape.published else "folds", "greater_is_better": True,
            "bounds": bounds[metric], "summary": f"A made-up {kind} task", "source": "Drawn from a generator.",
            "fingerprint": f"{k:04x}" * 16, "published_splits": 1 if shape.published else 0,
            "notes": shape.notes.get(name, []),
        }
        for k, (name, kind, problem, metric) in enumerate(shape.tasks)
    }  # fmt: skip
    methods = {
        name: {
            "expression": name,
            "room": room,
            "title": name.title(),
            "params": {},
            "notes": shape.notes.get(name, []),
        }
        for name, room, _ in shape.methods
    }
    return {
        "name": "made up", "command": "neuroloom run made-up.toml --workers 2", "config": shape.config,
        "commit": "0123456789abcdef", "version": "0.1.0", "versions": {"numpy": "2.4.0", "scikit-learn": "1.9.1"},
        "cpu": "A processor @ 2.40GHz", "cores": 2, "threads": 1, "workers": 2, "load": 0.42,
        "started": "2026-11-21T05:20:33+00:00", "seconds": 312.0,
        "planned": len(shape.tasks) * len(shape.methods) * shape.seeds * shape.folds,
        "tasks": tasks, "methods": methods, "folds": shape.folds, "seeds": shape.seeds,
    }  # fmt: skip
