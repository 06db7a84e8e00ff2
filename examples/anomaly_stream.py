"""A detector that reads a series step by step, in the memory of one window, and says when something is wrong.

python anomaly_stream.py [PICTURE.png]
"""

import sys

import numpy as np
from matplotlib import pyplot

from neuroloom.signal import WaveletDetector

rng, period = np.random.default_rng(0), 50


def machine(steps: int) -> np.ndarray:
    """Return a wave with a second harmonic in noise, its size wandering a little."""
    t = np.arange(steps)
    size = 1 + 0.15 * np.sin(2 * np.pi * t / 900)
    wave = np.sin(2 * np.pi * t / period) + 0.5 * np.sin(4 * np.pi * t / period + 1)
    return size * wave + 0.1 * rng.standard_normal(steps)


usual = machine(2000)
detector = WaveletDetector().fit(np.lib.stride_tricks.sliding_window_view(usual, period))

x = machine(2400)
x[500:575] = x[500:575][::-1]  # runs backwards
x[1100:1115] = x[1100]  # stands still
x[1700:1775] += 0.3 * rng.standard_normal(75)  # is louder
faults = {"backwards": (500, 575), "still": (1100, 1115), "loud": (1700, 1775)}

stream, score = detector.stream(), []
for k in range(0, len(x), 10):  # ten steps come in at a time
    score.extend(-stream.push(x[k : k + 10]))
score = np.concatenate([np.full(period - 1, np.nan), score])  # of the window that ends at each step
for name, (begin, end) in faults.items():
    above = np.flatnonzero(score[begin : end + period] > 0)
    told = f"after {above[0] + 1} steps" if len(above) else "not found"
    print(f"{name:>9}, steps {begin} to {end}: alarm {told}")
calm = np.ones(len(x), bool)
for begin, end in faults.values():
    calm[begin : end + period] = False
print(f"false alarms: {int((score[calm] > 0).sum())} of {int(calm.sum())} steps; 1 % was allowed")

figure, axes = pyplot.subplots(2, 1, figsize=(12, 5), sharex=True, layout="constrained")
axes[0].plot(x, color="#2166ac", linewidth=0.8)
axes[0].set_ylabel("series")
axes[1].plot(score, color="#2166ac", linewidth=1.0)
axes[1].axhline(0, color="#c4452f", linewidth=1.0, linestyle="--", label="alarm")
axes[1].set(xlabel="step", ylabel="score", xlim=(0, len(x)))
axes[1].legend(frameon=False, loc="upper left")
for ax in axes:
    for begin, end in faults.values():
        ax.axvspan(begin, end, color="#c4452f", alpha=0.15, linewidth=0)
picture = sys.argv[1] if len(sys.argv) > 1 else "anomalies.png"
figure.savefig(picture, dpi=110)
