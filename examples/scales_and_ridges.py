"""Variance by scale, a signal's waves at each instant, its transients, and the edges of a picture.

python scales_and_ridges.py [PICTURE.png]
"""

import sys

import numpy as np
import pywt
from matplotlib import pyplot

from neuroloom import signal

rng = np.random.default_rng(0)
variance = signal.wavelet_variance(pywt.data.nino()[1], "haar", fs=4)  # sea surface temperature by quarter
low, high = variance.periods[np.argmax(variance.values)]
print(f"the eastern Pacific: most variance at periods of {low:.1f} to {high:.1f} years")

slow = np.convolve(rng.standard_normal(1100), np.ones(16) / 4)[:1024]  # what two noisy series share
pair = signal.wavelet_correlation(*(slow + rng.standard_normal((2, 1024))))
print(f"two series: correlation {pair.values[0]:.2f} at the finest scale, {pair.values[4]:.2f} at the fifth")

t = np.arange(1600) / 200
waves = 1.5 * np.cos(2 * np.pi * (5 * t + t**2)) + 0.6 * np.cos(2 * np.pi * (50 * t - 0.75 * t**2))
found = signal.ridges(signal.cwt(waves, fs=200), 2)
error = np.abs(found.frequencies[:, 200:-200] / [5 + 2 * t[200:-200], 50 - 1.5 * t[200:-200]] - 1).max()
print(f"two chirps: their frequencies are told to {error:.1%}")
tiles = signal.best_basis(waves)
print(f"the basis that suits them: {len(tiles.paths)} packets of {tiles.wavelet}")
squeezed = signal.synchrosqueeze(waves + 0.3 * rng.standard_normal(1600), fs=200)

noisy, at = rng.standard_normal(2048), np.arange(2048)
for place, period, size in ((300, 8, 6), (900, 30, 4), (1500, 60, 4)):
    away = at - place
    noisy += size * np.exp(-2 * (away / period) ** 2) * np.cos(2 * np.pi * away / period)
events = signal.transients(noisy)
print(f"transients at {events.positions.tolist()}; they were put at [300, 900, 1500]")

photograph = pywt.data.camera()[::2, ::2] / 255.0
outline = signal.edges(photograph, (1.5, 4.0), noise=0.05)
print(f"a photograph: {outline}")

figure, axes = pyplot.subplots(3, 3, figsize=(16, 11), layout="constrained")
titles = (
    "temperature: variance by scale",
    "correlation by scale",
    "transients",
    "ridges",
    "synchrosqueezed",
    "tiles",
)
for ax, one, title in zip(axes.flat, (variance, pair, events, found, squeezed, tiles), titles, strict=False):
    one.plot(ax)
    ax.set_title(title)
outline.plot(axes[2])
figure.savefig(sys.argv[1] if len(sys.argv) > 1 else "scales.png", dpi=110)
