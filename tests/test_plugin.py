"""A plug-in of somebody else's: installed, its method and task run, its broken part is a warning and no more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parent / "plugin"
CONFIG = """
name = "plugged"
seeds = 1
folds = 3
tasks = ["two-dots", "iris"]
methods = ["nearest-mean", "dummy", "neuroloom_toy.method:Third"]
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Install the toy plug-in into a folder of its own; return the environment that sees it."""
    folder = tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("source") / "plugin"
    subprocess.run(["cp", "-r", PLUGIN, source], check=True)  # a build leaves folders behind
    words = [
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--target",
        str(folder),
        str(source),
    ]
    done = subprocess.run([sys.executable, "-m", "pip", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "80"}


def _neuroloom(environment: dict[str, str], cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "neuroloom", *words], cwd=cwd, env=environment, capture_output=True, text=True
    )


def test_a_plug_ins_method_and_task_run(installed: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(CONFIG)
    done = _neuroloom(installed, tmp_path, "run", "b.toml")
    assert done.returncode == 0, done.stdout + done.stderr
    import pandas as pd

    frame = pd.read_csv(tmp_path / "runs" / "plugged" / "results.csv").query("metric == 'accuracy'")
    means = frame.groupby(["task", "method"])["value"].mean()
    assert means["two-dots", "nearest-mean"] > 0.9 > 0.6 > means["two-dots", "dummy"]
    assert means["iris", "neuroloom_toy.method:Third"] == pytest.approx(1 / 3)


def test_a_broken_plug_in_is_a_row_in_the_list(installed: dict[str, str], tmp_path: Path) -> None:
    done = _neuroloom(installed, tmp_path, "list", "methods")
    assert done.returncode == 0
    text = " ".join(done.stdout.split())
    assert "nearest-mean" in text
    assert "broken-toy" in text
    assert "no_such_thing" in text
    done = _neuroloom(installed, tmp_path, "show", "broken-toy")
    assert done.returncode == 2
    assert "cannot be used" in done.stderr
