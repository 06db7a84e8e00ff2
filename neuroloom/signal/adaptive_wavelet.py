"""Wavelets learned by gradient: their filters stay orthogonal, as rotations make them.

Vaidyanathan and Hoang (1988), "Lattice structures for optimal design and robust implementation of two-channel
perfect-reconstruction QMF banks" (the rotations); Recoskie and Mann (2018), "Learning sparse wavelet representations"
(filters learned by gradient for sparsity); the features for a task are ours.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_choice, check_float, check_int, check_lengths
from neuroloom.core.errors import InputError
from neuroloom.core.seeding import as_seed, derive, stream
from neuroloom.core.signals import same_shape, signal_batch
from neuroloom.core.training import TrainConfig, train
from neuroloom.signal.lattice import filters_of, lattice_angles, wavelet_of
from neuroloom.signal.stationary import max_level, stationary_bands

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float64]
OBJECTIVES = ("auto", "task", "sparsity")
_BLOCK = 1 << 16  # numbers in a block of signals


class AdaptiveWaveletFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Log-energies of the bands of wavelets that are learned, by place.

    Each wavelet has ``taps / 2 - 1`` free angles, from which its orthogonal filters follow exactly, whatever the
    gradient does; it begins as Daubechies' of that length, with its angles moved a little. Its stationary transform of
    a series gives the logarithm of each band's energy in each of ``segments`` stretches. What is learned: a linear
    model of the answers on these features, together with the angles (``"task"``), or the least ``Σ |c| / ‖x‖`` over the
    coefficients (``"sparsity"``).

    Args:
        wavelets: how many are learned side by side, at least 1.
        taps: of each filter, an even number of at least 4.
        level: number of levels J, 1 to floor(log2(length)); None for floor(log2(length)) - 2, at least 1 and at most 6.
        segments: stretches of a band, at least 1 and at most the length.
        objective: ``"task"``, ``"sparsity"``, or ``"auto"``: the task where there are answers.
        epochs: passes over the training samples, at least 1.
        batch_size: samples a step, at least 2.
        learning_rate: of Adam, above 0.
        spread: deviation of the first angles about Daubechies', radians, at least 0.
        random_state: seed.

    Shapes:
        ``(n, channels, length)``, or ``(n, length)`` for one channel, to ``(n, wavelets · channels · (J + 1) ·
        segments)`` float64.

    Attributes:
        level_: the number of levels used. angles_: ``(wavelets, taps / 2 - 1)`` radians. filters_: ``(wavelets, 2,
        taps)``, low and high. history_: loss of each epoch.

    Raises:
        InputError: a value is missing, unequal lengths, a parameter out of its range, or another shape than in ``fit``.

    Source:
        Vaidyanathan and Hoang (1988); Recoskie and Mann (2018).
    """

    def __init__(
        self,
        wavelets: int = 4,
        taps: int = 8,
        level: int | None = None,
        segments: int = 4,
        objective: str = "auto",
        epochs: int = 40,
        batch_size: int = 32,
        learning_rate: float = 0.02,
        spread: float = 0.3,
        random_state: int | None = None,
    ) -> None:
        self.wavelets = wavelets
        self.taps = taps
        self.level = level
        self.segments = segments
        self.objective = objective
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.spread = spread
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the angles from series ``X`` and, unless it is None, the ``(n,)`` labels or numbers ``y``."""
        import torch

        samples = signal_batch(X, images=False).astype(np.float64)
        self._check(samples)
        seed = as_seed(self.random_state)
        start = lattice_angles(f"db{self.taps // 2}")
        drawn = stream(seed, "angles").normal(0, 1, (self.wavelets, len(start)))
        angles = start + check_float("spread", self.spread, 0) * drawn
        goal = self._goal(samples, y)
        torch_seed = derive(seed, "head")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(torch_seed)
            network = _network(angles, self, goal)
        x = torch.as_tensor(samples)
        targets = None if goal is None else torch.as_tensor(goal)

        def loss(net: Any, rows: torch.Tensor | None) -> torch.Tensor:
            chosen = slice(None) if rows is None else rows
            found: torch.Tensor = net(x[chosen], None if targets is None else targets[chosen])
            return found

        batch = check_int("batch_size", self.batch_size, 2)
        config = TrainConfig(
            epochs=check_int("epochs", self.epochs),
            batch_size=None if len(x) <= batch else batch,
            optimizer="adam",
            learning_rate=check_float("learning_rate", self.learning_rate, 0, open_low=True),
            schedule="cosine",
        )
        self.history_ = train(
            network, loss, config=config, n_samples=len(x), seed=derive(seed, "train")
        ).history
        with torch.no_grad():
            low, high = filters_of(network.angles)
        self.angles_: Floats = network.angles.detach().numpy().copy()
        self.filters_: Floats = torch.stack([low, high], 1).numpy()
        self.n_parameters_ = int(self.angles_.size)
        return self

    def transform(self, X: Any) -> Floats:
        """Return ``(n, features)`` log-energies, for each wavelet, channel, band and segment in turn."""
        check_is_fitted(self)
        X = same_shape(signal_batch(X, images=False), self.sample_shape_)
        channels, length = self.sample_shape_
        starts = np.arange(self.segments) * length // self.segments
        sizes = np.diff(np.append(starts, length))
        banks = [wavelet_of(low, high) for low, high in self.filters_]
        out = np.empty((len(X), len(banks), channels, self.level_ + 1, self.segments))
        size = max(1, _BLOCK // (channels * length))
        for begin in range(0, len(X), size):
            part = X[begin : begin + size].astype(np.float64)
            for k, bank in enumerate(banks):
                for j, band in enumerate(stationary_bands(part, bank, self.level_, "symmetric")):
                    energy = np.add.reduceat(band**2, starts, axis=-1) / sizes
                    out[begin : begin + size, k, :, j] = np.log(energy + self.floor_)
        return out.reshape(len(X), -1)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the features, as ``wavelet0__ch0__d3__part2of4``; ``input_features`` is ignored."""
        check_is_fitted(self)
        bands = [*(f"d{j}" for j in range(1, self.level_ + 1)), f"a{self.level_}"]
        names = [
            f"wavelet{k}__ch{channel}__{band}__part{part + 1}of{self.segments}"
            for k in range(self.wavelets)
            for channel in range(self.sample_shape_[0])
            for band in bands
            for part in range(self.segments)
        ]
        return np.array(names, dtype=object)

    def _check(self, X: Floats) -> None:
        self.sample_shape_ = tuple(X.shape[1:])
        length, deepest = X.shape[-1], max_level(X.shape[-1])
        check_int("wavelets", self.wavelets)
        if check_int("taps", self.taps, 4) % 2:
            raise InputError(f"`taps` must be an even number of at least 4, but got {self.taps}.")
        if deepest < 1:
            raise InputError("wavelets need at least 2 values, but the series have 1.")
        self.level_ = (
            max(1, min(deepest - 2, 6)) if self.level is None else check_int("level", self.level, 1, deepest)
        )
        check_int("segments", self.segments, 1, length)
        check_choice("objective", self.objective, OBJECTIVES)
        energy = float((X**2).mean())
        self.floor_ = max(1e-6 * energy, float(np.finfo(np.float64).tiny))

    def _goal(self, X: Floats, y: Any) -> NDArray[Any] | None:
        """Return class numbers (int64), standardised numbers (float64), or None for sparsity.

        Raises:
            InputError: the task is to be learned, and there are no answers, they are not one a sample, one is missing,
                or there is but one sample.
        """
        if y is not None:
            check_lengths(X, y)
        if self.objective == "sparsity" or (y is None and self.objective == "auto"):
            return None
        if y is None:
            raise InputError("objective='task' needs answers `y`; pass them, or objective='sparsity'.")
        values = np.asarray(y)
        if values.ndim != 1:
            raise InputError(f"answers `y` must be (n,), one a sample, but have shape {values.shape}.")
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise InputError("answers `y` hold a missing or infinite value; leave its sample out.")
        if len(values) < 2:
            raise InputError(
                "a task needs at least 2 samples, but got 1; pass more, or objective='sparsity'."
            )
        if values.dtype.kind == "f" and len(np.unique(values)) > 20:
            spread = float(values.std())
            return np.asarray((values - values.mean()) / (spread or 1.0), dtype=np.float64)
        return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _network(angles: Floats, made: AdaptiveWaveletFeatures, goal: NDArray[Any] | None) -> Any:
    """Return the module whose call gives the loss of a batch."""
    import torch
    from torch import nn

    level, segments, floor = made.level_, made.segments, made.floor_
    channels, length = made.sample_shape_
    width = made.wavelets * channels * (level + 1) * segments
    outputs = 0 if goal is None else int(goal.max()) + 1 if goal.dtype == np.int64 else 1
    place = torch.as_tensor(
        np.searchsorted(np.arange(segments) * length // segments, np.arange(length), "right") - 1
    )
    member = nn.functional.one_hot(place, segments).double()
    member = member / member.sum(0)

    class Learner(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.angles = nn.Parameter(torch.as_tensor(angles))
            if outputs:
                self.scale = nn.BatchNorm1d(width, affine=False, dtype=torch.float64)
                self.head = nn.Linear(width, outputs, dtype=torch.float64)

        def bands(self, x: torch.Tensor) -> list[torch.Tensor]:
            low, high = filters_of(self.angles)
            smooth = x.expand(len(low), *x.shape)
            found = []
            for j in range(1, level + 1):
                found.append(filtered(smooth, high, 2 ** (j - 1)))
                smooth = filtered(smooth, low, 2 ** (j - 1))
            return [*found, smooth]

        def forward(self, x: torch.Tensor, y: torch.Tensor | None) -> torch.Tensor:
            bands = self.bands(x)
            if y is None:
                norm = x.pow(2).sum(-1).sqrt().clamp_min(1e-300)
                return torch.stack([(band.abs().sum(-1) / norm).mean() for band in bands]).sum()
            energies = torch.stack(
                [band.pow(2) @ member for band in bands], 3
            )  # wavelet, n, channel, band, part
            table = torch.log(energies + floor).transpose(0, 1).reshape(len(x), -1)
            answers = self.head(self.scale(table))
            if y.dtype == torch.int64:
                return nn.functional.cross_entropy(answers, y)
            return nn.functional.mse_loss(answers[:, 0], y)

    return Learner()


def filtered(x: torch.Tensor, taps: torch.Tensor, step: int) -> torch.Tensor:
    """Return ``x (wavelets, ..., length)`` filtered by ``taps (wavelets, F)`` as ``stationary_step`` does, mirrored.

    Differentiable in both; the same numbers on any device.
    """
    import torch

    length, count = x.shape[-1], taps.shape[-1]
    offsets = [step * (count // 2 - k) for k in range(count)]
    first = min(offsets)
    index = torch.arange(first, length + max(offsets), device=x.device) % (2 * length)
    padded = x.index_select(-1, torch.minimum(index, 2 * length - 1 - index))
    shape = (-1, *[1] * (x.ndim - 1))
    parts = [
        taps[:, k].reshape(shape) * padded[..., offset - first : offset - first + length]
        for k, offset in enumerate(offsets)
    ]
    return torch.stack(parts).sum(0) / math.sqrt(2)
