"""`neuroloom try`: what it gives a trial, and what it says of the data."""

import numpy as np
import pytest

from neuroloom.core.errors import InputError
from neuroloom.core.samples import EnvSet
from neuroloom.runner import attempt, budget
from neuroloom.runner.config import load_config
from neuroloom.runner.plan import make_plan
from neuroloom.tasks import open_task, recognise


@pytest.mark.parametrize(
    ("minutes", "workers", "methods", "seconds"),
    [(5, 2, 11, 81.8), (5, 16, 11, 150.0), (0.3, 2, 11, 10.0), (60, 4, 12, 1800.0)],
)
def test_a_round_of_slow_methods_ends_near_its_time(minutes, workers, methods, seconds):
    limit = attempt._limit(minutes, workers, methods)
    assert limit == seconds
    assert limit * methods / workers <= max(1.5 * 60 * minutes + 0.5, 10 * methods / workers)


def test_what_was_recognised_is_said(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("id,a,y\n" + "".join(f"{i},{i % 7},{'uv'[i % 2]}\n" for i in range(40)))
    said = attempt._recognised(recognise(path))
    assert said[0] == "d.csv, read as table: 40 rows, 1 column to learn from"
    assert any("'id'" in line for line in said)
    assert max(map(len, said)) < 80
    np.savez(tmp_path / "s.npz", X=np.random.default_rng(0).normal(size=(30, 2, 20)), y=np.arange(30) % 2)
    assert attempt._recognised(recognise(tmp_path / "s.npz"))[0].endswith("30 samples of shape 2 × 20")


def test_a_control_task_is_tried_by_its_name_at_equal_steps(tmp_path, monkeypatch):
    monkeypatch.setattr(attempt, "_limit", lambda *_: 120.0)  # who is slow on a busy machine is not left out
    results = attempt.attempt(
        "gymnasium:CartPole-v1", minutes=0.2, workers=1, methods=["cma-es", "ppo"], out=tmp_path / "run"
    )
    config = load_config(tmp_path / "run" / "bench.toml")[0]
    steps = {given["steps"] for given in config.method.values()}
    assert len(steps) == 1
    assert min(steps) >= budget.LEAST
    assert "population" in config.method["cma-es"]
    assert "population" not in config.method["ppo"]
    assert [*config.tasks, *(own.name for own in config.task)] == ["gymnasium:CartPole-v1"]
    assert set(results.frame().status) == {"done"}
    assert set(results.frame().method) == {"cma-es", "ppo"}


def test_a_named_task_takes_nothing_of_own_data(tmp_path):
    with pytest.raises(InputError, match=r"wine is the name of a task, .* `target` cannot be said"):
        attempt.attempt("wine", target="y", out=tmp_path / "run")


def test_a_file_comes_before_a_task_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wine").write_text("nothing that can be read")
    with pytest.raises(InputError, match="wine"):
        attempt.attempt("wine", out=tmp_path / "run")
    (tmp_path / "wine").unlink()
    results = attempt.attempt("wine", minutes=0.05, workers=1, methods=["logreg"], out=tmp_path / "run")
    assert set(results.frame().task) == {"wine"}
    assert set(results.frame().status) == {"done"}


@pytest.mark.parametrize(("pace", "limit"), [(100.0, 60.0), (30_000.0, 60.0), (30_000.0, 5.0)])
def test_the_budget_follows_the_pace(monkeypatch, pace, limit):
    monkeypatch.setattr(budget, "measure_pace", lambda X: (pace, 200.0))
    names = ["neat", "ppo", "dummy", "neat+tuned"][: 3 if limit > 9 else 4]
    task, found = budget.plan_control(open_task("gymnasium:CartPole-v1"), 600, names, limit)
    share = budget.SPENT * min(600 / (len(names) * budget.ROUNDS), limit)
    exact = max(budget.LEAST, share / (1 / pace + budget.LEARNING))
    assert 0.9 * exact <= found.steps <= exact
    assert found.scarce == (exact == budget.LEAST)
    assert any("more --minutes" in line for line in budget.budget_lines(found)) == found.scarce
    assert set(found.params) == {"neat", "ppo"}
    low, high = budget.POPULATION
    assert low <= found.population <= high
    assert budget.TEST[0] <= task.test <= budget.TEST[1]
    fixed, _ = budget.plan_control(open_task("cartpole"), 600, ["neat"], limit)
    assert fixed.test == 100


def test_the_pace_counts_what_was_played():
    pace, length = budget.measure_pace(EnvSet("Pendulum-v1", np.arange(90)))
    assert length == 200  # Pendulum's own limit
    assert 100 < pace < 1e7


def test_a_bench_that_repeats_leaves_out_what_was_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(budget, "LEAST", 300)  # below the warm-up of dqn, which then fails
    monkeypatch.setattr(budget, "measure_pace", lambda X: (20.0, 200.0))
    attempt.attempt(
        "gymnasium:CartPole-v1", minutes=0.05, workers=1, methods=["cma-es", "dqn"], out=tmp_path / "run"
    )
    config = load_config(tmp_path / "run" / "bench.toml")[0]
    assert config.methods == ["cma-es"]
    assert set(config.method) == {"cma-es"}
    make_plan(*load_config(tmp_path / "run" / "bench.toml"))


def test_what_is_neither_a_file_nor_a_task_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        InputError, match="no file cartpol here and no such task; did you mean the task 'cartpole'"
    ):
        attempt.attempt("cartpol", out=tmp_path / "run")
    with pytest.raises(InputError, match="not for control"):
        attempt.attempt("cartpole", confidence=0.9, out=tmp_path / "run")
