"""`neuroloom try`: what it gives a trial, and what it says of the data."""

import numpy as np
import pytest

from neuroloom.runner import attempt
from neuroloom.tasks import recognise


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
