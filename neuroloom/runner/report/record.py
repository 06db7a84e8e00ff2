"""The trials themselves, packed for the page's drill-down: columns instead of rows, each text once."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from neuroloom.runner.report import numbers
from neuroloom.runner.report.model import MethodView, TaskView

if TYPE_CHECKING:
    import pandas as pd

LONGEST_REASON = 300


def trials(main: pd.DataFrame, tasks: Sequence[TaskView], methods: Sequence[MethodView]) -> dict[str, Any]:
    """Return what the page's script reads.

    ``tasks[t].cells`` lists the (seed, fold) of the task's trials; ``tasks[t].methods[m]`` has columns ``v`` (score),
    ``f``, ``p`` (seconds of fitting and predicting), ``m`` (MB), ``n`` (parameters), ``r`` (number of the reason) and,
    where the method lacks some trials, ``c`` (which cells it has); ``tasks[t].pairs["3,1"]`` is the mean difference of
    method 3 from method 1 with its interval and p-value.
    """
    reasons: dict[tuple[str, str], int] = {("done", ""): 0}
    number = {m.name: m.number for m in methods}
    by_task = dict(tuple(main.groupby("task", sort=False)))
    return {
        "methods": [m.name for m in methods],
        "rooms": [m.style.room for m in methods],
        "settings": {m.number: list(m.settings) for m in methods if m.settings},
        "tasks": [_task(by_task[t.name], t, number, reasons) for t in tasks],
        "reasons": [list(pair) for pair in reasons],
    }


def _task(
    rows: pd.DataFrame, view: TaskView, number: dict[str, int], reasons: dict[tuple[str, str], int]
) -> dict[str, Any]:
    ran = rows[rows["status"] != "skipped"]
    cells = sorted(set(zip(ran["seed"].tolist(), ran["fold"].tolist(), strict=True)))
    place = {cell: k for k, cell in enumerate(cells)}
    packed: dict[int, dict[str, list[Any]]] = {}
    for method, part in ran.groupby("method", sort=False):
        part = part.sort_values(["seed", "fold"])
        columns: dict[str, list[Any]] = {
            "c": [place[c] for c in zip(part["seed"].tolist(), part["fold"].tolist(), strict=True)],
            "v": [short(v, 5) for v in part["value"].tolist()],
            "f": [short(v, 3) for v in part["fit_seconds"].tolist()],
            "p": [short(v, 3) for v in part["predict_seconds"].tolist()],
            "m": [short(v, 3) for v in part["peak_memory_mb"].tolist()],
            "n": [None if math.isnan(v) else int(v) for v in part["parameters"].astype("float64").tolist()],
            "r": [
                reasons.setdefault((s, numbers.shorten(r, LONGEST_REASON)), len(reasons))
                for s, r in zip(part["status"], part["reason"], strict=True)
            ],
        }
        if len(part) == len(cells):
            del columns["c"]
        packed[number[str(method)]] = columns
    pairs = {
        f"{m.method},{other}": [short(v, 4) for v in values]
        for m in view.members
        for other, values in m.differences.items()
    }
    return {
        "name": view.name, "metric": view.metric, "digits": view.decimals, "sign": 1 if view.greater else -1,
        "cells": cells,
        "methods": packed,
        "pairs": pairs,
    }  # fmt: skip


def short(value: float, digits: int) -> float | int | None:
    """Return a number rounded to so many significant digits, None where it is missing."""
    if not math.isfinite(value):
        return None
    rounded = float(f"{value:.{digits}g}")
    return int(rounded) if rounded == int(rounded) and abs(rounded) < 1e15 else rounded


def as_script(value: Any) -> str:
    """Return JSON that is safe inside a ``<script>`` element: nothing in it can end the element or open a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in ("<", ">", "&", "\u2028", "\u2029"):
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text
