"""Wavelet-shaped kernels that compete at each time of a series, for classifying series.

Dempster, Schmidt and Webb, "Hydra: competing convolutional kernels for fast and accurate time series classification"
(2023), with wavelets in place of its random kernels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_int
from neuroloom.core.seeding import as_seed, stream
from neuroloom.core.signals import long_enough, same_shape, signal_batch
from neuroloom.signal.threads import in_threads, slices
from neuroloom.signal.wavelet_ppv import (
    channel_moments,
    channel_subsets,
    dilation_steps,
    kernel_bank,
    standardised,
)

Singles = NDArray[np.float32]


class WaveletCompetitionFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """How often, and how strongly, each wavelet kernel of a small group answers more than the others of it.

    The 22 kernels of ``WaveletPPVFeatures`` that are no low-pass, dilated by d, filter the signal and its difference.
    At each dilation of each of the two, ``groups`` random groups of ``size`` kernels are drawn. With ``z_k(t)`` the
    output of kernel k, two features of each kernel of a group are ::

        sqrt(max(0, sum of z_k(t) over the t at which z_k(t) is the group's largest))
        sqrt(number of t at which z_k(t) is the group's least)

    Dilations, zeros beyond the ends, channels and their normalisation are those of ``WaveletPPVFeatures``.

    Args:
        groups: groups at each dilation of signal and difference, at least 1.
        size: kernels of a group, 2 to 22.
        dilations: number of dilations before equal ones are joined, at least 1.
        n_jobs: threads; the features do not depend on it.
        random_state: draws the groups and the channels.

    Shapes:
        ``(n, channels, length)`` or ``(n, length)``, length at least 2, to ``(n, features)`` float32, at least 0.

    Attributes:
        units_: ``(units, 2)`` dilation and whether the difference is filtered.
        groups_: ``(units, groups, size)`` numbers of the kernels, into ``competing_kernels()``.
        n_parameters_: 0; nothing is learned but the channels' mean and spread.

    Raises:
        InputError: unequal lengths, missing values, a series of one value, another shape than in ``fit``, a parameter
            out of range.

    Source:
        Dempster, Schmidt and Webb (2023), "Hydra: competing convolutional kernels for fast and accurate time series
        classification".

    Differences:
        wavelet kernels, shared by the groups, instead of random ones; log-spaced dilations that are no powers of 2.
    """

    def __init__(
        self, groups: int = 6, size: int = 8, dilations: int = 16, n_jobs: int = 1, random_state: Any = None
    ) -> None:
        self.groups = groups
        self.size = size
        self.dilations = dilations
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> WaveletCompetitionFeatures:
        """Draw the groups and learn mean and spread of the channels.

        Args:
            X: ``(n, channels, length)`` or ``(n, length)`` finite numbers.
            y: ignored.

        Raises:
            InputError: see the class.
        """
        X = long_enough(signal_batch(X, images=False))
        kernels = len(competing_kernels())
        groups, size = check_int("groups", self.groups), check_int("size", self.size, 2, kernels)
        check_int("n_jobs", self.n_jobs)
        self.sample_shape_ = tuple(X.shape[1:])
        self.channel_mean_, self.channel_scale_ = channel_moments(X)
        steps = dilation_steps(X.shape[2], check_int("dilations", self.dilations))
        self.units_ = np.array([(d, i) for i in (0, 1) for d in steps], dtype=np.int32)
        random = stream(as_seed(self.random_state), "wavelet-competition")
        drawn = [[random.choice(kernels, size, replace=False) for _ in range(groups)] for _ in self.units_]
        self.groups_ = np.array(drawn, dtype=np.int32)
        self.channels_, self.channel_start_ = channel_subsets(X.shape[1], len(self.units_), random)
        self.n_parameters_ = 0
        return self

    def transform(self, X: Any) -> Singles:
        """Return the features of every sample.

        Args:
            X: samples of the shape seen in ``fit``.

        Returns:
            ``(n, features)`` float32.

        Raises:
            InputError: values are missing, or the samples have another shape.
        """
        check_is_fitted(self)
        X = same_shape(signal_batch(X, images=False), self.sample_shape_)
        from neuroloom.signal import _competition_kernels

        kernels = np.array(list(competing_kernels().values()), dtype=np.float32)
        scaled = standardised(X, self.channel_mean_, self.channel_scale_)
        out = np.empty((len(X), *self.groups_.shape, 2), dtype=np.float32)

        def fill(rows: slice) -> None:
            _competition_kernels.win_and_lose(
                scaled[rows],
                kernels,
                self.units_,
                self.channels_,
                self.channel_start_,
                self.groups_,
                out[rows],
            )

        in_threads(fill, slices(len(X), check_int("n_jobs", self.n_jobs)))
        return np.sqrt(np.maximum(out, 0.0)).reshape(len(X), -1)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return names as ``db2_high__x7__difference__group3_most``: kernel, dilation, input, group, most or least."""
        check_is_fitted(self)
        kernels = list(competing_kernels())
        names = []
        for u, (dilation, differenced) in enumerate(self.units_):
            own = self.channels_[self.channel_start_[u] : self.channel_start_[u + 1]]
            prefix = "" if self.sample_shape_[0] == 1 else "".join(f"ch{c}_" for c in own) + "_"
            for g, group in enumerate(self.groups_[u]):
                for k in group:
                    stem = f"{prefix}{kernels[k]}__x{dilation}__{'difference' if differenced else 'signal'}"
                    names += [f"{stem}__group{g}_most", f"{stem}__group{g}_least"]
        return np.array(names, dtype=object)


def competing_kernels() -> dict[str, NDArray[np.float64]]:
    """Return the kernels of ``kernel_bank`` that are no low-pass: those would win by the level of a series alone."""
    return {
        name: taps for name, taps in kernel_bank().items() if name != "gauss" and not name.endswith("_low")
    }
