"""Configs: what they mean, and that each mistake is answered with its line and the nearest name."""

from pathlib import Path

import pytest

from neuroloom.core import InputError
from neuroloom.runner.config import Config, entries, load_config, to_toml
from neuroloom.runner.plan import make_plan

WHOLE = """
name = "whole"
seeds = 2
tasks = ["wine",
  "iris"]
methods = ["neat", "wavelets+neat"]

[limits]
seconds = 60

[method.neat]
population = [100, 200]

[[variant]]
name = "neat-lamarck"
method = "neat"
params = { learning = "lamarckian", population = 50 }

[[task]]
name = "mine"
path = "my data.csv"
target = "bought it"
"""


def _load(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "bench.toml"
    path.write_text(text)
    return load_config(path)[0]


def test_grids_variants_and_parameters_wherever_a_method_appears(tmp_path: Path) -> None:
    found = {entry.label: dict(entry.params) for entry in entries(_load(tmp_path, WHOLE))}
    assert found == {
        "neat[population=100]": {"population": 100},
        "neat[population=200]": {"population": 200},
        "wavelets+neat[neat.population=100]": {"neat": {"population": 100}},
        "wavelets+neat[neat.population=200]": {"neat": {"population": 200}},
        "neat-lamarck": {"learning": "lamarckian", "population": 50},
    }


def test_a_grid_of_one_value_keeps_the_name(tmp_path: Path) -> None:
    text = (
        BENCH + '[[variant]]\nname = "small"\nmethod = "mlp"\nparams = { hidden = [[32]], epochs = [5, 9] }\n'
    )
    found = {entry.label: entry.params for entry in entries(_load(tmp_path, text))}
    assert list(found) == ["dummy", "knn", "small[epochs=5]", "small[epochs=9]"]
    assert found["small[epochs=9]"] == {"hidden": [32], "epochs": 9}


def test_a_config_written_out_reads_back_equal(tmp_path: Path) -> None:
    config = _load(tmp_path, WHOLE)
    assert _load(tmp_path, to_toml(config)) == config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('name = "x"\nsedes = 3\n', r"bench\.toml:2: `sedes` is not known here; did you mean `seeds`"),
        ('name = "x"\n\nseeds = "3"\n', r"bench\.toml:3: `seeds` must be a valid integer, but got '3'"),
        ('name = "x"\nseeds = 0\n', r"bench\.toml:2: `seeds` must be greater than or equal to 1, but got 0"),
        ("seeds = 2\n", r"`name` is missing"),
        ("name = x\n", r"bench\.toml:1: this is no TOML"),
        ('name = "a/b"\n', r"bench\.toml:1: `name` must do as the name of a folder"),
        (
            'name = "x"\n[limits]\n\nsecond = 3\n',
            r"bench\.toml:4: `limits\.second` .* did you mean `seconds`",
        ),
        (
            'name = "x"\nmethods = ["a",\n "b",\n 3]\n',
            r"bench\.toml:4: `methods\[2\]` must be a valid string",
        ),
        (
            'name = "x"\n[[variant]]\nname="a"\nmethod="b"\n[[variant]]\nname="a"\nmetod="b"\n',
            r"bench\.toml:5: `variant\[1\]\.method` is missing",
        ),
    ],
)
def test_a_mistake_is_answered_with_file_line_and_nearest_name(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        _load(tmp_path, text)


BENCH = 'name = "x"\nseeds = 1\ntasks = ["iris"]\nmethods = ["dummy", "knn"]\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            BENCH + "[method.knn]\nn_neighbors = []\n",
            r"bench\.toml:6: `method\.knn\.n_neighbors` is an empty list",
        ),
        (
            BENCH + '[[variant]]\nname = "v"\nmethod = "knn"\nparams = { n_neighbors = [] }\n',
            r"bench\.toml:8: `variant\[0\]\.params\.n_neighbors` is an empty list",
        ),
        (
            BENCH + "[method.knn]\n\nn_neighbors = -3\n",
            r"bench\.toml:7: `method\.knn\.n_neighbors` The 'n_neighbors' parameter .* Got -3",
        ),
        (
            BENCH + '[method.knn]\nn_neighbors = [3, "a"]\n',
            r"bench\.toml:6: `method\.knn\.n_neighbors` The 'n_neighbors' parameter .* Got 'a'",
        ),
        (
            BENCH.replace("iris", "cbf").replace("knn", "wavelets+knn")
            + '[method."wavelets+knn"]\n\nwavelets = { levels = 3 }\n',
            r"bench\.toml:7: `method\.wavelets\+knn\.wavelets\.levels` .* did you mean 'level'",
        ),
        (
            BENCH.replace("iris", "cbf").replace("knn", "wavelets+knn") + "[method.wavelets]\n\nlevels = 3\n",
            r"bench\.toml:7: `method\.wavelets\.levels` .* did you mean 'level'",
        ),
        (
            BENCH.replace('"dummy", "knn"', '"gat", "gcn"'),
            r"leaves nothing to run: gat takes nodes and links and graphs, and the data are a table "
            r"\(1 more pairings? do",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_before_it_runs(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bench.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        make_plan(*load_config(path))


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file"):
        load_config(tmp_path / "none.toml")


def test_a_policy_of_discrete_actions_is_skipped_where_they_are_continuous() -> None:
    config = {"name": "acts", "tasks": ["cartpole", "pendulum"], "methods": ["dqn", "ppo"], "seeds": 2}
    skips = {(t.task_name, t.label): t.skip for t in make_plan(*load_config(config)).trials}
    assert (
        skips.pop(("pendulum", "dqn")) == "dqn is for discrete actions, and those of pendulum are continuous"
    )
    assert list(skips.values()) == [None] * 3


def test_none_is_refused_since_no_bench_toml_can_repeat_it() -> None:
    for given in ({"method": {"knn": {"p": None}}}, {"method": {"knn": {"p": [1, None]}}},
                  {"variant": [{"name": "v", "method": "knn", "params": {"p": None}}]}):  # fmt: skip
        with pytest.raises(InputError, match="must not hold None, which TOML cannot write; leave it out"):
            load_config({"name": "n", "tasks": ["iris"], "methods": ["knn"], **given})
