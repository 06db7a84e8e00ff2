"""One network trained by two processes over gloo: the numbers of one process, and what cannot be shared."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neuroloom.core.errors import InputError
from neuroloom.core.parallel import SharedBatches, data_parallel, fit_together
from neuroloom.nets import LSTMClassifier, MLPClassifier
from tests.core.shared_training import curve

ROOT = Path(__file__).resolve().parents[2]


def _by_torchrun(tmp_path: Path, what: str, processes: int = 2) -> list[np.ndarray]:
    """Return what each of several processes got."""
    words = [
        sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes), "--rdzv-backend", "c10d",
        "--rdzv-endpoint", "127.0.0.1:0", "-m", "tests.core.shared_training", str(tmp_path), what,
    ]  # fmt: skip
    done = subprocess.run(
        words, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [np.load(tmp_path / f"{what}-{rank}.npy") for rank in range(processes)]


def test_two_processes_have_the_curve_of_one(tmp_path: Path) -> None:
    """50 steps in float64, batches of 17 rows: 9 and 8; momentum, as Adam would hide a gradient of another length."""
    alone = curve("momentum")
    assert alone.shape == (50,)
    assert alone[-1] < 0.5 * alone[0]
    first, second = _by_torchrun(tmp_path, "momentum")
    np.testing.assert_allclose(first, alone, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(first, second)


def _waves() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 60)
    X = 0.3 * rng.normal(size=(60, 1, 12)).astype(np.float32)
    X[y == 1] += np.linspace(-1, 1, 12, dtype=np.float32)
    return X, y


def test_a_deep_net_fitted_together_is_the_net_fitted_alone() -> None:
    X, y = _waves()
    settings = {"epochs": 4, "batch_size": 16, "dropout": 0.0, "random_state": 3}
    alone = LSTMClassifier(**settings).fit(X, y)
    together = fit_together(LSTMClassifier(**settings), X, y, processes=2)
    np.testing.assert_allclose(together.predict_proba(X), alone.predict_proba(X), atol=1e-4)
    losses = [[record["loss"] for record in fitted.history_] for fitted in (alone, together)]
    assert len(losses[0]) == 4
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)
    assert losses[0][-1] < losses[0][0]


def test_what_cannot_be_shared_is_said() -> None:
    X, y = _waves()
    batches = SharedBatches.__new__(SharedBatches)
    batches.size = 2
    with pytest.raises(InputError, match="2 processes cannot share a batch of 1; pass a larger `batch_size`"):
        batches.gradients(np.arange(1))
    with pytest.raises(InputError, match="trained as a stack are not shared"):
        fit_together(MLPClassifier(epochs=1, random_state=0), X.reshape(60, -1), y)
    with pytest.raises(InputError, match="torchrun --nproc-per-node 2"), data_parallel():
        pass
    with pytest.raises(InputError, match="`processes` must be a whole number of at least 1"):
        fit_together(LSTMClassifier(), X, y, processes=0)
