"""Fixtures that every test folder shares."""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before NumPy is imported: two workers must not fight over two cores

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The data folder that NEUROLOOM_DATA names; the test is skipped where it names none."""
    named = os.environ.get("NEUROLOOM_DATA", "")
    if not named:
        pytest.skip("needs the data folder: set NEUROLOOM_DATA to it")
    folder = Path(named).resolve()
    if not folder.is_dir():
        pytest.skip(f"needs the data folder, but NEUROLOOM_DATA is {named!r}, which is no folder")
    return folder


@pytest.fixture
def run_until_killed() -> Callable[..., None]:
    """Run Python source with arguments in a process of its own, which must end itself by SIGKILL."""

    def run(source: str, *arguments: object) -> None:
        paths = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
        ended = subprocess.run(
            [sys.executable, "-c", source, *map(str, arguments)], env={**os.environ, "PYTHONPATH": paths}
        )
        assert ended.returncode == -signal.SIGKILL

    return run
