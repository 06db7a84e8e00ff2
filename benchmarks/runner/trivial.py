"""The most trivial trial: 40 rows in memory, a method that answers the first class it saw."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuroloom.runner.trial import Trial
from neuroloom.runner.workbench import Workbench
from neuroloom.tasks.task import Data, Split, Task

WORKBENCH_NAME = "benchmarks.runner.trivial:WORKBENCH"
FOLDS = 5


ROWS = np.arange(40)
SPLITS = [Split(ROWS[ROWS % FOLDS != fold], ROWS[ROWS % FOLDS == fold]) for fold in range(FOLDS)]


class TrivialTask(Task):
    name, kind, problem, metrics = "trivial", "table", "classification", ("accuracy",)
    spec = {"name": "trivial"}  # noqa: RUF012

    def fingerprint(self) -> str:
        return "0" * 64

    def load(self, seed: int = 0) -> Data:
        return Data(np.arange(120.0).reshape(40, 3), np.arange(40) % 2)

    def split(self, data: Data, seed: int, fold: int, folds: int) -> Split:
        return SPLITS[fold]


class First:
    """Answers the first label of the training part."""

    def __init__(self, random_state: int) -> None:
        self.random_state = random_state

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {"random_state": self.random_state}

    def fit(self, X: Any, y: Any) -> First:
        self.answer_ = y[0]
        return self

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.answer_)


class TrivialWorkbench(Workbench):
    def open_task(self, spec: Any, data_dir: str | None) -> Task:
        return TrivialTask()

    def warm_up(self, expression: str, kind: str, problem: str) -> None:
        """Nothing here is compiled."""

    def build(
        self, expression: str, kind: str, problem: str, params: Any, X: Any, random_state: int
    ) -> tuple[Any, list[str]]:
        return First(random_state), []

    def needs(self, metric: str) -> str:
        return "prediction"

    def evaluate(self, names: Any, y_true: Any, prediction: Any, **given: Any) -> dict[str, float]:
        return {"accuracy": float(np.mean(y_true == prediction))}


WORKBENCH = TrivialWorkbench()


def trials(count: int) -> list[Trial]:
    """Return that many different trials."""
    return [
        Trial(
            task=TrivialTask.spec,
            task_version=1,
            data="0" * 64,
            kind="table",
            problem="classification",
            metrics=("accuracy",),
            protocol="folds",
            label="first",
            expression="first",
            versions={"first": 1},
            params={},
            seed=i // FOLDS,
            fold=i % FOLDS,
            folds=FOLDS,
            seconds=60.0,
            memory_mb=2000.0,
        )
        for i in range(count)
    ]
