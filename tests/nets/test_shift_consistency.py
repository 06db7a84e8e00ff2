"""Shifts change the answers of what sees places, and not of what does not."""

import numpy as np
import pytest
import torch

from neuroloom.core import InputError
from neuroloom.nets import shift_consistency
from neuroloom.nets._layers.convolution import Halve


class Sees:
    def __init__(self, answer):
        self.predict = answer


def test_consistency_of_what_is_known():
    X = np.random.default_rng(0).normal(size=(400, 1, 6, 8))
    assert shift_consistency(Sees(lambda X: X.sum((1, 2, 3)) > 0), X + 1e-9) == pytest.approx(1, abs=0.01)
    series = np.zeros((3000, 1, 4))
    series[:, 0, 0] = 1
    place = Sees(lambda X: X[:, 0].argmax(1))
    assert shift_consistency(place, series) == pytest.approx(1 / 4, abs=0.02)
    assert shift_consistency(place, series, shift=1) == pytest.approx(1 / 2, abs=0.02)
    pictures = np.zeros((3000, 1, 3, 5))
    pictures[:, 0, 0, 0] = 1
    row = Sees(lambda X: X[:, 0].sum(2).argmax(1))
    assert shift_consistency(row, pictures) == pytest.approx(1 / 3, abs=0.02)
    assert shift_consistency(row, pictures) == shift_consistency(row, pictures)


def test_nothing_is_lost_by_a_shift():
    X, seen = np.arange(24.0).reshape(2, 1, 3, 4), []
    shift_consistency(Sees(lambda X: seen.append(X) or X[:, 0, 0, 0]), X, draws=2)
    assert len(seen) == 4
    for moved in seen:
        for sample, original in zip(moved, X, strict=True):
            rolls = [np.roll(original, (i, j), (1, 2)) for i in range(3) for j in range(4)]
            assert any((sample == roll).all() for roll in rolls)


@pytest.mark.parametrize("dims", [1, 2])
def test_blurred_pools_change_less_when_the_input_moves(dims):
    x = torch.randn(20, 3, *[32] * dims, generator=torch.Generator().manual_seed(0))
    changes = {}
    for how in ("max", "blur"):
        pool = Halve(dims, 3, how)
        inner = (slice(None), slice(None), *[slice(2, -2)] * dims)  # borders see another side
        still, moved = (pool(v)[inner].mean(tuple(range(2, 2 + dims))) for v in (x, x.roll(1, -1)))
        changes[how] = float((still - moved).abs().mean())
    assert changes["blur"] < 0.8 * changes["max"]


def test_what_does_not_fit_is_named():
    place = Sees(lambda X: X[:, 0, 0])
    with pytest.raises(InputError, match="at least one sample"):
        shift_consistency(place, np.zeros((0, 1, 4)))
    with pytest.raises(InputError, match="`shift` must be a whole number from 1 to 3"):
        shift_consistency(place, np.zeros((1, 1, 4)), shift=4)
