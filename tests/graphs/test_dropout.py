"""Dropout: the shares, the scale, the gradient, and that seed and place alone decide."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from neuroloom.graphs._kernels_dropout import drop
from neuroloom.graphs._layers.dropout import dropout


def _mask(n: int, first: int, second: int, p: float) -> np.ndarray:
    out = np.empty(n)
    drop(np.ones(n), first, second, round(p * 2**32), out)
    return out > 0


def _mixed(place: int, first: int, second: int) -> int:
    """The mix in Python's whole numbers, cut to 32 bits after every step."""
    h = (place + first) % 2**32
    h ^= h >> 16
    h = (h * 0x21F0AAAD) % 2**32
    h ^= second
    h ^= h >> 15
    h = (h * 0xD35A2D97) % 2**32
    return h ^ (h >> 15)


@pytest.mark.parametrize("n", [0, 1, 7, 1000])
def test_the_kernel_drops_what_the_mix_says(n: int) -> None:
    wanted = [_mixed(i, 0xFFFFFFF0, 0x89ABCDEF) >= round(0.3 * 2**32) for i in range(n)]
    assert _mask(n, 0xFFFFFFF0, 0x89ABCDEF, 0.3).tolist() == wanted


def test_shares_are_right_and_neighbours_and_draws_uncorrelated() -> None:
    rng = np.random.default_rng(0)
    masks = np.stack([_mask(4000, *rng.integers(2**32, size=2).tolist(), 0.6) for _ in range(600)])
    spread = np.sqrt(0.4 * 0.6)
    assert abs(masks.mean() - 0.4) < 4 * spread / np.sqrt(masks.size)
    assert abs(masks.mean(0) - 0.4).max() < 5 * spread / np.sqrt(len(masks))
    assert abs(masks.mean(1) - 0.4).max() < 5 * spread / np.sqrt(4000)
    unit = (masks - 0.4) / spread
    for lag in (1, 2, 3, 16, 64):  # along an array, and from one draw to the next
        assert abs((unit[:, lag:] * unit[:, :-lag]).mean()) < 5 / np.sqrt(masks.size)
    assert abs((unit[1:] * unit[:-1]).mean()) < 5 / np.sqrt(masks.size)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_gradient_and_seed(dtype: torch.dtype) -> None:
    x = torch.randn(40, 50, dtype=dtype, requires_grad=True)
    torch.manual_seed(3)
    out = dropout(x, 0.25)
    kept = out != 0
    torch.testing.assert_close(out[kept], x[kept] / 0.75)
    weight = torch.randn(40, 50, dtype=dtype)
    (gradient,) = torch.autograd.grad((out * weight).sum(), x)
    torch.testing.assert_close(gradient, weight * kept / 0.75)
    torch.manual_seed(3)
    assert torch.equal(dropout(x, 0.25), out)
    assert not torch.equal(dropout(x, 0.25), out)


def test_columns_of_a_transposed_tensor_are_dropped_in_place() -> None:
    x = torch.ones(30, 20).t().requires_grad_()
    out = dropout(x, 0.5)
    out.sum().backward()
    assert torch.equal(x.grad, out.detach())


def test_nothing_is_dropped_when_not_training_and_other_types_are_torchs() -> None:
    x = torch.ones(5)
    assert dropout(x, 0.5, training=False) is x
    assert dropout(x, 0.0) is x
    half = torch.ones(200, dtype=torch.bfloat16)
    torch.manual_seed(0)
    ours = dropout(half, 0.5)
    torch.manual_seed(0)
    assert torch.equal(ours, functional.dropout(half, 0.5, True))
