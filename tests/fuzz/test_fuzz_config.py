"""Spoilt benches: as text, as trees, by the library's door. A plan, or an error that says where."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuroloom.runner.bench import part_of
from neuroloom.runner.config import Config, Source, load_config, to_toml
from neuroloom.runner.plan import Plan, make_plan
from neuroloom.runner.tuning import read_budget
from tests.fuzz.doors import JUNK, fuzz, spoilt_bytes, spoilt_tree, told

TEXT = """\
name = "a bench"      # with a remark
seeds = 2
folds = 3
rounds = 4
tasks = ["iris", "xor"]
methods = ["knn", "rbfn", "svm", "wavelets+ridge"]
workers = 1
keep_predictions = true
confidence = 0.9
explain = false
baseline = "rbfn"

[limits]
seconds = 10.0
memory_mb = 500.0

[method.knn]
n_neighbors = [3, 5]

[method.rbfn]
centres = 12

[[variant]]
name = "rbfn-small"
method = "rbfn"
params = { centres = 5 }

[tune]
trials = 3
folds = 2
methods = ["svm"]

[tune.ranges.svm]
C = { low = 0.1, high = 10.0, log = true }
kernel = ["rbf", "linear"]
"""
TREE = tomllib.loads(TEXT)


def _planned(source: Any) -> tuple[Config, Source, Plan]:
    config, where = load_config(source)
    return config, where, make_plan(config, where)


def _sound(found: tuple[Config, Source, Plan] | None) -> None:
    """A plan that is taken is a whole one, and its config is the same when it is written and read again."""
    if found is None:
        return
    config, _, plan = found
    assert plan.trials
    assert len({trial.key for trial in plan.trials}) == len(plan.trials)
    assert {trial.task_name for trial in plan.trials} == set(plan.tasks)
    assert {trial.label for trial in plan.trials} == set(plan.methods)
    again = Config.model_validate(tomllib.loads(to_toml(config)))
    assert again == config


def test_the_bench_that_is_spoilt_is_right() -> None:
    _, _, plan = _planned(TREE)
    assert len(plan.trials) > 20
    assert "svm+tuned" in plan.methods


@fuzz(60)
@given(spoilt_bytes(TEXT.encode()))
def test_spoilt_text(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = _file(tmp_path_factory, data)
    _sound(told(lambda: _planned(path)))


@fuzz(80)
@given(spoilt_tree(TREE))
def test_spoilt_trees(tree: Any) -> None:
    if isinstance(tree, dict):
        _sound(told(lambda: _planned(tree)))


@fuzz(60)
@given(st.text(max_size=40))
def test_any_text_at_all(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = _file(tmp_path_factory, text.encode("utf-8", "surrogatepass"))
    assert told(lambda: _planned(path)) is None


@fuzz(60)
@given(st.sampled_from(["knn", "rbfn", "svm", "ridge"]), st.text(max_size=12), JUNK)
def test_any_parameter(method: str, name: str, value: Any) -> None:
    bench = {"name": "b", "tasks": ["iris"], "methods": [method], "method": {method: {name: value}}}
    _sound(told(lambda: _planned(bench)))


@fuzz(60)
@given(st.text(max_size=12))
def test_small_texts_of_the_command_line(text: str) -> None:
    part = told(lambda: part_of([], text))
    assert part in (None, [])
    budget = told(lambda: read_budget(text))
    assert budget is None or (budget.trials or 1) > 0


def _file(factory: pytest.TempPathFactory, data: bytes) -> Path:
    path = factory.getbasetemp() / "fuzzed.toml"
    path.write_bytes(data)
    return path
