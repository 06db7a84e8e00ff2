"""The dual tree: inverse and energy, both trees against PyWavelets and each other, shifts, features and denoising."""

from __future__ import annotations

import numpy as np
import pytest
import pywt

from neuroloom.core import InputError
from neuroloom.signal import WaveletFeatures, denoise, dual_tree
from neuroloom.signal.dual_tree_transform import QSHIFT


def noise(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize(("n", "level"), [(8, 1), (8, 3), (96, 5), (64, None), (10, 1)])
@pytest.mark.parametrize("first", ["haar", "sym4", "db6"])
def test_inverse_and_energy(n, level, first):
    x = noise(2, 3, n)
    found = dual_tree(x, level, first=first)
    np.testing.assert_allclose(found.inverse(), x, atol=1e-10)
    np.testing.assert_allclose(found.energy.sum(-1), (x**2).sum(-1), rtol=1e-10)


def test_the_filters_are_orthonormal_with_a_delay_of_a_quarter_and_three_quarters():
    for lag in range(7):
        assert QSHIFT[2 * lag :] @ QSHIFT[: len(QSHIFT) - 2 * lag] == pytest.approx(
            float(lag == 0), abs=1e-14
        )
    assert QSHIFT.sum() == pytest.approx(np.sqrt(2), abs=1e-9)
    # delay at frequency 0: about 6.25 samples, and of the reversed filter 6.75, half a sample more
    delay = (np.arange(14) * QSHIFT).sum() / QSHIFT.sum()
    assert delay == pytest.approx(6.25, abs=0.03)


def test_the_first_level_is_that_of_pywavelets_for_both_trees():
    x = noise(64)
    found = dual_tree(x, 1, first="db3")
    smooth, detail = pywt.dwt(x, "db3", "periodization")
    at = next(k for k in range(32) if np.allclose(np.roll(found.smooth.real, k) * np.sqrt(2), smooth))
    np.testing.assert_allclose(
        np.abs(np.roll(found.details[0].real, at)) * np.sqrt(2), np.abs(detail), atol=1e-10
    )
    later = dual_tree(np.roll(x, 1), 1, first="db3")
    np.testing.assert_allclose(later.smooth.real, found.smooth.imag, atol=1e-12)


def test_wavelets_are_nearly_analytic_from_the_second_level_on():
    basis = dual_tree(np.eye(256), 4)
    for band in basis.details[1:]:
        power = np.abs(np.fft.fft(band[:, band.shape[1] // 2])) ** 2
        sides = sorted([power[1:128].sum(), power[129:].sum()])
        assert sides[0] < 5e-4 * sides[1]


def test_energies_hardly_depend_on_where_a_step_is():
    own, theirs = [], []
    for shift in range(16):
        x = np.zeros(256)
        x[100 + shift : 160 + shift] = 1
        own.append(dual_tree(x, 4).energy[:4])
        bands = pywt.wavedec(x, "sym4", "periodization", level=4)[:0:-1]
        theirs.append([(band**2).sum() for band in bands])
    spread, plain = (np.std(e, 0) / np.mean(e, 0) for e in (own, theirs))
    assert spread.max() < 0.05
    assert plain.min() > 0.2


@pytest.mark.parametrize("threshold", ["ebayes", "universal", "sure", "bayes", "block"])
def test_denoising_lies_between_the_decimated_and_the_stationary_transform(threshold):
    clean = pywt.data.demo_signal("Doppler", 1024)
    clean = 7 * clean / clean.std()
    errors = {}
    for transform in ("stationary", "dual-tree", "decimated"):
        parts = [
            denoise(clean + noise(1024, seed=k), transform=transform, threshold=threshold) for k in range(4)
        ]
        errors[transform] = np.mean([((part.signal - clean) ** 2).mean() for part in parts])
    assert errors["stationary"] < errors["dual-tree"] < 0.9 * errors["decimated"]


@pytest.mark.parametrize("threshold", ["ebayes", "block", "universal", 3.0])
@pytest.mark.parametrize("n", [50, 64])
def test_denoising_knows_the_noise_and_keeps_what_has_none(threshold, n):
    x = noise(4, 2048, seed=1)
    found = denoise(x, transform="dual-tree", threshold=threshold)
    np.testing.assert_allclose(found.noise[:, 0], 1, atol=0.1)
    assert (found.signal**2).mean() < 0.1
    line = np.full((2, n), 3.0)
    np.testing.assert_allclose(
        denoise(line, transform="dual-tree", threshold=threshold).signal, line, atol=1e-9
    )


@pytest.mark.parametrize("boundary", ["symmetric", "periodic"])
@pytest.mark.parametrize("length", [8, 37, 64])
def test_features_of_moduli(boundary, length):
    X = noise(5, 2, length)
    made = WaveletFeatures("sym4", 2, "dual-tree", boundary=boundary).fit(X)
    found = dict(zip(made.get_feature_names_out(), made.transform(X).T, strict=True))
    assert np.isfinite(list(found.values())).all()
    if length == 64 and boundary == "periodic":
        expected = (np.abs(dual_tree(X[:, 0], 2).details[1]) ** 2).mean(-1)
        np.testing.assert_allclose(found["ch0__dual-tree_sym4__d2__energy"], expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: dual_tree(np.ones(9)), "even number of samples"),
        (lambda: dual_tree(np.ones(12), 3), "`level` must be a whole number from 1 to 2"),
        (lambda: dual_tree(np.ones(16), first="bior2.2"), "orthogonal wavelet"),
        (lambda: denoise(np.ones((9, 9)), images=True, transform="dual-tree"), "for signals"),
        (lambda: denoise(np.ones(16), transform="packets"), "`transform` must be one of"),
        (lambda: WaveletFeatures(decomposition="dual-tree").fit(np.ones((2, 1, 8, 8))), "for series"),
    ],
)
def test_bad_input_is_told(call, words):
    with pytest.raises(InputError, match=words):
        call()
