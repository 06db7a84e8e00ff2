"""Bands of signals and images against PyWavelets' own transforms."""

from __future__ import annotations

import numpy as np
import pytest
import pywt

from neuroloom.signal.bands import decompose

WAVELET = pywt.Wavelet("db2")


def noise(*shape):
    return np.random.default_rng(1).normal(size=shape)


@pytest.mark.parametrize(("boundary", "mode"), [("periodic", "periodization"), ("symmetric", "symmetric")])
def test_decimated_signal(boundary, mode):
    x = noise(4, 37)
    bands = decompose(x, "dwt", WAVELET, 3, boundary)
    expected = pywt.wavedec(x, WAVELET, mode=mode, level=3)[::-1]
    assert [name for name, _ in bands] == ["d1", "d2", "d3", "a3"]
    for (_, band), other in zip(bands, [*expected[:3], expected[3]], strict=True):
        np.testing.assert_allclose(band, other, atol=1e-13)


def test_packets_of_a_signal():
    x = noise(2, 40)
    bands = decompose(x, "wp", WAVELET, 3, "symmetric")
    tree = pywt.WaveletPacket(x, WAVELET, mode="symmetric", maxlevel=3)
    assert [name for name, _ in bands] == [node.path for node in tree.get_level(3, "natural")]
    for name, band in bands:
        np.testing.assert_allclose(band, tree[name].data, atol=1e-13)


@pytest.mark.parametrize("shape", [(16, 24), (13, 14)])
def test_decimated_image(shape):
    x = noise(2, *shape)
    bands = dict(decompose(x, "dwt", WAVELET, 2, "symmetric"))
    smooth, deep, fine = pywt.wavedec2(x, WAVELET, level=2, mode="symmetric")
    for name, other in zip(
        ["a2", "d2h", "d2v", "d2d", "d1h", "d1v", "d1d"], [smooth, *deep, *fine], strict=True
    ):
        np.testing.assert_allclose(bands[name], other, atol=1e-13)


def test_packets_of_an_image():
    x = noise(2, 12, 16)
    bands = decompose(x, "wp", WAVELET, 2, "periodic")
    assert len(bands) == 16
    for row in range(2):
        tree = pywt.WaveletPacket2D(x[row], WAVELET, mode="periodization", maxlevel=2)
        for name, band in bands:
            np.testing.assert_allclose(band[row], tree[name].data, atol=1e-13)


def test_stationary_image():
    x = noise(2, 16, 8)
    bands = dict(decompose(x, "swt", WAVELET, 2, "periodic"))
    expected = pywt.swt2(x, WAVELET, level=2, norm=True, trim_approx=True, axes=(-2, -1))
    names = ["a2", "d2h", "d2v", "d2d", "d1h", "d1v", "d1d"]
    for name, other in zip(names, [expected[0], *expected[1], *expected[2]], strict=True):
        np.testing.assert_allclose(bands[name], other, atol=1e-13)


def test_stationary_image_of_odd_size_keeps_energy():
    x = noise(3, 11, 7)
    bands = decompose(x, "swt", WAVELET, 2, "periodic")
    np.testing.assert_allclose(sum((b**2).sum((1, 2)) for _, b in bands), (x**2).sum((1, 2)), rtol=1e-10)
