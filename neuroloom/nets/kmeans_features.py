"""Cluster affinities: how near a sample is to each of some prototypes, as features for any head.

Sources:
    Moody & Darken (1989), "Fast learning in networks of locally-tuned processing units", Neural Computation 1.
    Coates & Ng (2012), "Learning feature representations with K-means", in Neural Networks: Tricks of the Trade.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.seeding import as_seed, derive
from neuroloom.nets._radial import KERNELS, neighbour_widths, place_centres, squared_distances
from neuroloom.nets._scaling import robust_scale, smooth_clip

Floats = NDArray[np.float64]
_FADING = ("gaussian", "inverse-multiquadric", "wendland")


class KMeansFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Affinities of samples to k-means prototypes: the hidden layer of a radial basis function network.

    ``φ(‖z − c_i‖ / σ_i)`` with ``z`` the robustly scaled sample and ``σ_i`` = ``width`` · root mean squared distance of
    centre ``i`` to its nearest neighbours.

    Args:
        centres: most prototypes, at least 1; every distinct sample is one where there are no more.
        neighbours: how many nearest centres a width is the distance to, at least 1.
        width: factor on those distances, above 0.
        kernel: ``"gaussian"`` ``exp(−r²/2)``, ``"inverse-multiquadric"`` or ``"wendland"``.
        random_state: of k-means.

    Attributes:
        centres_: ``(m, features)`` prototypes in scaled units; ``widths_``: ``(m,)``; ``n_parameters_``.

    Raises:
        InputError: a parameter lies outside its range.

    Source: Moody & Darken (1989); Coates & Ng (2012).
    """

    def __init__(
        self,
        centres: int = 100,
        *,
        neighbours: int = 5,
        width: float = 1.0,
        kernel: str = "gaussian",
        random_state: Any = None,
    ) -> None:
        self.centres = centres
        self.neighbours = neighbours
        self.width = width
        self.kernel = kernel
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Place the prototypes among ``X (n, features)``; ``y`` is not used."""
        check_int("centres", self.centres)
        check_int("neighbours", self.neighbours)
        check_float("width", self.width, 0, open_low=True)
        check_choice("kernel", self.kernel, _FADING)
        X = validate_data(self, X, dtype=np.float64)
        self.median_, self.inverse_spread_ = robust_scale(X)
        Z = smooth_clip(X, self.median_, self.inverse_spread_)
        self.centres_ = place_centres(Z, self.centres, derive(as_seed(self.random_state), "centres"))
        self.widths_ = self.width * neighbour_widths(self.centres_, self.neighbours)
        self.n_parameters_ = int(self.centres_.size + self.widths_.size)
        return self

    def transform(self, X: Any) -> Floats:
        """Return ``(n, m)`` affinities in [0, 1]."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        Z = smooth_clip(X, self.median_, self.inverse_spread_)
        made: Floats = KERNELS[self.kernel](squared_distances(Z, self.centres_) / self.widths_**2)
        return made

    @property
    def _n_features_out(self) -> int:
        return len(self.centres_)
