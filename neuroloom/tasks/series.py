"""Generated time series: cylinder-bell-funnel and heart beats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.seeding import stream
from neuroloom.tasks.base import DrawnTask
from neuroloom.tasks.metrics import DEFAULTS
from neuroloom.tasks.task import Data

Floats = NDArray[np.float64]


class CylinderBellFunnel(DrawnTask):
    """A plateau, a rising ramp or a falling ramp of random start, length and height, in noise.

    With χ the indicator of a ≤ t ≤ b, a uniform in 16 … 32, b − a uniform in 32 … 96, η and ε(t) standard normal:
    cylinder (6 + η) χ + ε, bell (6 + η) χ (t − a) / (b − a) + ε, funnel (6 + η) χ (b − t) / (b − a) + ε.
    """

    kind = "series"
    problem = "classification"
    metrics = DEFAULTS["classification"]
    summary = "cylinder, bell or funnel: 150 noisy signals of 128 points"
    source = "generated: Saito 1994, Local feature extraction and its applications"

    def load(self, seed: int = 0) -> Data:
        """Return ``(150, 1, 128)`` signals, 50 a class."""
        rng = stream(seed, "data", self.name)
        n, t = 150, np.arange(1, 129, dtype=np.float64)
        y = np.repeat([0, 1, 2], n // 3)
        a = rng.integers(16, 33, size=(n, 1)).astype(np.float64)
        b = a + rng.integers(32, 97, size=(n, 1))
        ramp = (t - a) / (b - a)
        shape = np.select([y[:, None] == 0, y[:, None] == 1], [np.ones_like(ramp), ramp], 1.0 - ramp)
        X = (6 + rng.standard_normal((n, 1))) * ((t >= a) & (t <= b)) * shape + rng.standard_normal((n, 128))
        names = np.array(["cylinder", "bell", "funnel"])
        return Data(X[:, None, :], names[y])


# Events of a beat by McSharry et al. 2003, Table I: angle (rad), height, width (rad); P, Q, R, S, T.
_ANGLE = np.array([-np.pi / 3, -np.pi / 12, 0.0, np.pi / 12, np.pi / 2])
_HEIGHT = np.array([1.2, -5.0, 30.0, -7.5, 0.75])
_WIDTH = np.array([0.25, 0.1, 0.1, 0.1, 0.4])
_BEATS: dict[str, tuple[Floats, Floats, Floats]] = {
    "normal": (_ANGLE, _HEIGHT, _WIDTH),
    # no P wave, a broad QRS complex and a T wave of the other sign
    "ventricular": (
        np.array([-np.pi / 3, -np.pi / 6, 0.0, np.pi / 5, np.pi / 2 + 0.2]),
        np.array([0.0, -1.2, 8.0, -3.0, -0.8]),
        _WIDTH * np.array([1.0, 2.2, 2.4, 2.4, 1.1]),
    ),
    # a P wave early and flat, the QRS complex as usual
    "atrial": (_ANGLE + np.array([-0.35, 0.0, 0.0, 0.0, -0.1]), _HEIGHT * [-0.6, 1.0, 1.0, 1.0, 0.9], _WIDTH),
    # the same as normal but for a T wave turned over
    "ischaemic": (_ANGLE, _HEIGHT * [1.0, 1.0, 1.0, 1.2, -0.8], _WIDTH),
}


class HeartBeats(DrawnTask):
    """Single beats of the dynamical model of the electrocardiogram, of four kinds.

    z(φ) = Σ aᵢ bᵢ² exp(−Δφᵢ² / 2 bᵢ²), the model's ż = −Σ aᵢ Δφᵢ exp(−Δφᵢ² / 2 bᵢ²) (its eq. 1) integrated over one
    turn φ = −π … π. Each beat varies in place, height and width of its events (5, 15 and 10 %), in rate (8 %), in
    offset of the window, in a wandering baseline and in noise of deviation 0.03; a normal R wave is 0.3 high. The one
    record that PyWavelets carries (1,024 points) holds too few beats to learn from.
    """

    kind = "series"
    problem = "classification"
    metrics = DEFAULTS["classification"]
    summary = "normal, ventricular, atrial or ischaemic: 240 modelled heart beats of 128 points"
    source = "generated: McSharry, Clifford, Tarassenko and Smith 2003, A dynamical model for synthetic ECG signals"

    def load(self, seed: int = 0) -> Data:
        """Return ``(240, 1, 128)`` beats, 60 a class."""
        y = np.repeat(list(_BEATS), 60)
        return Data(beats(y, stream(seed, "data", self.name)), y)


def beats(kinds: NDArray[np.str_], rng: np.random.Generator) -> Floats:
    """Return ``(n, 1, 128)`` beats of the ``kinds (n,)``, varied as :class:`HeartBeats` says."""
    n, points = len(kinds), 128
    angle, height, width = (np.stack([_BEATS[label][part] for label in kinds]) for part in range(3))
    angle = angle + 0.05 * rng.standard_normal(angle.shape)
    height = height * (1 + 0.15 * rng.standard_normal(height.shape))
    width = width * (1 + 0.10 * rng.standard_normal(width.shape)).clip(0.5)
    rate = 1 + 0.08 * rng.standard_normal((n, 1))
    phase = np.linspace(-np.pi, np.pi, points) * rate + rng.uniform(-0.3, 0.3, size=(n, 1))
    turn = phase[:, :, None] - angle[:, None, :]
    waves = height[:, None, :] * width[:, None, :] ** 2 * np.exp(-(turn**2) / (2 * width[:, None, :] ** 2))
    t = np.linspace(0.0, 1.0, points)
    wander = 0.05 * rng.standard_normal((n, 1)) * np.sin(2 * np.pi * (0.5 * t + rng.uniform(size=(n, 1))))
    X: Floats = waves.sum(axis=2) + wander + 0.03 * rng.standard_normal((n, points))
    return X[:, None, :]
