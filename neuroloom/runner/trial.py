"""A trial: one method on one split of one task, as pure data."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Trial:
    """Everything that decides a trial's result, and so its key.

    Args:
        task: the task's ``spec``; has ``name``.
        task_version: the task's declared version.
        data: fingerprint of the data.
        kind: kind of the sample set.
        problem: ``classification``, ``regression``, ``control``, …
        metrics: metric names, the main one first.
        protocol: ``"folds"`` or ``"published"``.
        label: the variant's unique name, ``"neat[population=300]"``.
        expression: what the registry is asked for, ``"wavelets+ridge"``.
        versions: declared version of each registry key in the expression.
        params: parameters that differ from the defaults; for compositions, by step.
        seed: repetition, from 0.
        fold: fold within the repetition, from 0.
        folds: number of folds in a repetition.
        seconds: wall-clock limit for the trial.
        memory_mb: limit on resident memory above what its process held before, in MB (2**20 bytes).
        confidence: share of test samples that conformal intervals or sets are to cover, None without them.
        explain: whether permutation importance is reported.
        batch: whether it may be fitted together with its like; not part of the key.
        skip: why this pairing is not run; not part of the key.
    """

    task: dict[str, Any]
    task_version: int
    data: str
    kind: str
    problem: str
    metrics: tuple[str, ...]
    protocol: str
    label: str
    expression: str
    versions: dict[str, int]
    params: dict[str, Any]
    seed: int
    fold: int
    folds: int
    seconds: float
    memory_mb: float
    confidence: float | None = None
    explain: bool = False
    batch: bool = field(default=False, compare=False)
    skip: str | None = field(default=None, compare=False)

    @property
    def task_name(self) -> str:
        """The task's name."""
        return str(self.task["name"])

    @cached_property
    def key(self) -> str:
        """SHA-256 of the canonical JSON of all that decides the result."""
        parts = {f.name: getattr(self, f.name) for f in fields(self) if f.compare}
        if self.confidence is None:  # as keys were before there was a confidence
            del parts["confidence"]
        if not self.explain:
            del parts["explain"]
        text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()
