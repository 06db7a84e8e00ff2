"""The stationary transform: PyWavelets' coefficients, energy, inverse, a slow reference."""

from __future__ import annotations

import numpy as np
import pytest
import pywt

from neuroloom.signal import imodwt, modwt
from tests.reference import wavelet_reference as reference

ORTHOGONAL = ["haar", "db2", "db4", "coif1"]


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("wavelet", ["haar", "db4", "sym5", "coif1"])
@pytest.mark.parametrize("level", [1, 4])
def test_equals_pywavelets_where_it_is_defined(wavelet, level):
    x = noise(3, 48)
    expected = pywt.swt(x, wavelet, level=level, norm=True, trim_approx=True, axis=-1)
    np.testing.assert_allclose(
        modwt(x, wavelet, level), np.stack([*expected[1:][::-1], expected[0]], -2), atol=1e-12
    )


@pytest.mark.parametrize("wavelet", ORTHOGONAL)
@pytest.mark.parametrize("length", [2, 3, 7, 24, 37, 101])
def test_energy_is_conserved_and_the_inverse_reconstructs_at_any_length(wavelet, length):
    x = noise(2, 3, length)
    bands = modwt(x, wavelet)
    assert bands.shape == (2, 3, int(np.log2(length)) + 1, length)
    np.testing.assert_allclose((bands**2).sum((-1, -2)), (x**2).sum(-1), rtol=1e-10)
    np.testing.assert_allclose(imodwt(bands, wavelet), x, atol=1e-10)


def test_biorthogonal_inverse():
    x = noise(2, 29)
    np.testing.assert_allclose(imodwt(modwt(x, "bior2.2"), "bior2.2"), x, atol=1e-12)


@pytest.mark.parametrize("boundary", ["periodic", "symmetric"])
@pytest.mark.parametrize(("length", "level"), [(5, 2), (13, 3)])
def test_slow_reference(boundary, length, level):
    x = noise(length, seed=3)
    wavelet = pywt.Wavelet("db3")
    expected = reference.modwt(x, wavelet.dec_lo, wavelet.dec_hi, level, boundary)
    np.testing.assert_allclose(modwt(x, "db3", level, boundary), expected, atol=1e-12)


def test_haar_by_hand():
    # PyWavelets' Haar: low (1, 1)/sqrt(2), high (-1, 1)/sqrt(2); halved by the second 1/sqrt(2).
    bands = modwt([1.0, 4.0, 2.0], "haar", 1)
    np.testing.assert_allclose(bands, [[(1 - 4) / 2, (4 - 2) / 2, (2 - 1) / 2], [2.5, 3.0, 1.5]], atol=1e-15)


def test_a_shift_of_the_signal_shifts_every_band():
    x = noise(50)
    np.testing.assert_allclose(modwt(np.roll(x, 7)), np.roll(modwt(x), 7, axis=-1), atol=1e-13)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0],), "at least 2 samples"),
        (([1.0, np.nan, 2.0],), "finite"),
        ((noise(8), "db4", 4), "`level` must be a whole number from 1 to 3"),
        ((noise(8), "db44"), "did you mean"),
        ((noise(8), "haar", 1, "perodic"), "did you mean 'periodic'"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        modwt(*arguments)


def test_inverse_needs_two_bands():
    with pytest.raises(ValueError, match=r"level \+ 1, length"):
        imodwt(noise(1, 8))
