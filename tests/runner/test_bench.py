"""The bench as a whole: killed and resumed it ends as if undisturbed, in every engine it says the same."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import neuroloom
from neuroloom.core import InputError
from neuroloom.runner import load_results

MEASURED = ["fit_seconds", "predict_seconds", "fit_cpu_seconds", "predict_cpu_seconds", "peak_memory_mb"]
CONFIG = {
    "name": "whole",
    "seeds": 2,
    "folds": 2,
    "tasks": ["iris", "xor", "karate"],
    "methods": ["dummy", "knn", "random-forest", "rbfn", "mlp", "prone+logreg"],
    "method": {"random-forest": {"n_estimators": 20}, "mlp": {"epochs": 5}},
}


def _toml(folder: Path) -> Path:
    from neuroloom.runner.config import Config, to_toml

    path = folder / "bench.toml"
    path.write_text(to_toml(Config.model_validate(CONFIG)))
    return path


def _results(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "results.csv").drop(columns=MEASURED)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of a bench that nobody disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    neuroloom.run(CONFIG, out=folder)
    return folder


def _keys(store: Path) -> list[str]:
    if not store.exists():
        return []
    try:
        with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as connection:
            return [row[0] for row in connection.execute("select key from trials")]
    except sqlite3.OperationalError:  # not made yet
        return []


@pytest.mark.parametrize("share", [0.3])
def test_killed_and_run_again_it_ends_as_if_undisturbed(
    share: float, undisturbed: Path, tmp_path: Path
) -> None:
    config, out = _toml(tmp_path), tmp_path / "run"
    words = [sys.executable, "-m", "neuroloom", "run", str(config), "--out", str(out)]
    total = len(_keys(undisturbed / "results.db"))
    driver = subprocess.Popen(
        words, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    end = time.monotonic() + 120
    while len(_keys(out / "results.db")) < share * total and driver.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    kept = set(_keys(out / "results.db"))
    assert kept
    started = {key: at for key, at in _started(out / "results.db").items() if key in kept}
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = _started(out / "results.db")
    assert {key: after[key] for key in started} == started  # none of the finished ones ran again
    pd.testing.assert_frame_equal(_results(out), _results(undisturbed))


def _started(store: Path) -> dict[str, float]:
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as connection:
        return dict(connection.execute("select key, started from trials"))


def test_inline_gives_the_same_rows(undisturbed: Path, tmp_path: Path) -> None:
    neuroloom.run(CONFIG, out=tmp_path, engine="inline")
    pd.testing.assert_frame_equal(_results(tmp_path), _results(undisturbed))


def test_a_smaller_config_reports_its_own_trials_and_runs_nothing(undisturbed: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    subprocess.run(["cp", "-r", undisturbed, out], check=True)
    before = _started(out / "results.db")
    found = neuroloom.run({**CONFIG, "methods": ["dummy", "knn"], "method": {}}, out=out).frame()
    assert set(found["method"]) == {"dummy", "knn"}
    assert _started(out / "results.db") == before
    assert set(load_results(out).frame()["method"]) == {"dummy", "knn"}


def test_two_drivers_on_one_run_are_refused(tmp_path: Path) -> None:
    from neuroloom.runner.store import open_store

    with open_store(tmp_path / "results.db"), pytest.raises(InputError, match=str(os.getpid())):
        neuroloom.run(CONFIG, out=tmp_path)


def test_methods_learn_better_than_chance(undisturbed: Path) -> None:
    frame = pd.read_csv(undisturbed / "results.csv").query("metric == 'accuracy' and status == 'done'")
    means = frame.groupby(["task", "method"])["value"].mean().unstack()
    assert (means.loc["iris", ["knn", "rbfn", "random-forest"]] > 0.9).all()
    assert (means.loc["xor", ["knn", "rbfn", "random-forest"]] > 0.9).all()
    assert means.loc["karate", "prone+logreg"] > means.loc["karate", "dummy"] + 0.2


def test_the_bench_of_a_run_directory_runs_again_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    (home / "data").mkdir(parents=True)
    elsewhere.mkdir()
    rows = "".join(f"{i % 5},{'a' if i % 5 > 2 else 'b'}\n" for i in range(30))
    (home / "data" / "mine.csv").write_text("x,y\n" + rows)
    task = '[[task]]\nname = "mine"\npath = "data/mine.csv"\ntarget = "y"\n'
    (home / "bench.toml").write_text('name = "b"\nseeds = 1\nfolds = 2\nmethods = ["knn"]\n' + task)
    monkeypatch.chdir(home)
    first = neuroloom.run("bench.toml", out="out", engine="inline").frame()
    monkeypatch.chdir(elsewhere)
    again = neuroloom.run(home / "out" / "bench.toml", out=elsewhere / "out", engine="inline").frame()
    assert list(again["key"]) == list(first["key"])
    assert list(again["value"]) == list(first["value"])
