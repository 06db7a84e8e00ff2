"""Visibility graphs: a series as the graph of which values see each other.

Lacasa, Luque, Ballesteros, Luque and Nuño (2008), "From time series to complex networks: the visibility graph"; Luque,
Lacasa, Ballesteros and Luque (2009), "Horizontal visibility graphs: exact results for random time series"; Lan, Mo,
Chen, Liu and Deng (2015), "Fast transformation from time series to visibility graphs" (divide and conquer).
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.errors import InputError
from neuroloom.core.graph import Graph
from neuroloom.core.samples import GraphSet
from neuroloom.core.signals import same_shape, signal_batch

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def visibility_graph(x: Any, horizontal: bool = False) -> Graph:
    """Return the visibility graph of a series: a node for each value, an edge for each pair that sees one another.

    Values at a < b see each other if the straight line between them passes above all values at c between::

        x_c < x_b + (x_a - x_b) (b - c) / (b - a)

    or, in the horizontal graph, if all of these are lower than both, ``x_c < min(x_a, x_b)``.

    Args:
        x: ``(n,)`` finite numbers.
        horizontal: whether to take the horizontal criterion.

    Returns:
        an undirected :class:`~neuroloom.core.Graph` of n nodes in order of time, whose one feature is the value.

    Raises:
        InputError: ``x`` is not one series of finite numbers.

    Source:
        Lacasa et al. (2008), eq. 1; Luque et al. (2009), eq. 1.
    """
    series = np.asarray(x, dtype=np.float64)
    if series.ndim != 1 or not len(series) or not np.isfinite(series).all():
        raise InputError(f"expected one series (n,) of finite numbers, but got shape {series.shape}.")
    return _graph(len(series), _edges(series, horizontal), series[:, None])


class VisibilityGraphs(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turns each series into its visibility graph, which any method of whole graphs can learn from.

    Several channels stand beside each other in one graph, without edges between them. Features of a node: its value,
    less the channel's mean and over its deviation in training, and for several channels which of them it is of.

    Args:
        horizontal: whether values see each other along horizontal lines only.

    Shapes:
        ``(n, channels, length)``, or ``(n, length)`` for one channel, to a ``GraphSet`` of n.

    Raises:
        InputError: a value is missing, unequal lengths, or another shape than in ``fit``.

    Source:
        Lacasa et al. (2008), "From time series to complex networks: the visibility graph".
    """

    def __init__(self, horizontal: bool = False) -> None:
        self.horizontal = horizontal

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the mean and the deviation of each channel of ``X``; ``y`` is not used."""
        X = signal_batch(X, images=False).astype(np.float64)
        self.sample_shape_ = tuple(X.shape[1:])
        self.mean_ = X.mean(axis=(0, 2))
        spread = X.std(axis=(0, 2))
        self.spread_ = np.where(spread > 0, spread, 1.0)
        self.n_parameters_ = 2 * len(self.mean_)
        return self

    def transform(self, X: Any) -> GraphSet:
        """Return a graph for each series."""
        check_is_fitted(self)
        X = same_shape(signal_batch(X, images=False), self.sample_shape_).astype(np.float64)
        channels, length = self.sample_shape_
        which = np.repeat(np.eye(channels), length, axis=0) if channels > 1 else np.empty((length, 0))
        graphs = []
        for sample in X:
            pairs = [_edges(x, self.horizontal) + k * length for k, x in enumerate(sample)]
            values = (sample - self.mean_[:, None]) / self.spread_[:, None]
            features = np.concatenate([values.reshape(-1, 1), which], axis=1)
            graphs.append(_graph(channels * length, np.concatenate(pairs), features))
        return GraphSet(graphs)


def _edges(x: Floats, horizontal: bool) -> Ints:
    from neuroloom.signal import _visibility_kernels as kernels

    x = np.ascontiguousarray(x)
    found: Ints = kernels.horizontal_edges(x) if horizontal else kernels.natural_edges(x)
    return found


def _graph(n: int, pairs: Ints, features: Floats) -> Graph:
    """Return the undirected graph of ``pairs (m, 2)``, each of them once."""
    from scipy.sparse import coo_array

    ends = np.concatenate([pairs, pairs[:, ::-1]])
    matrix = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(n, n)).tocsr()
    matrix.sort_indices()
    return Graph(
        matrix.indptr.astype(np.int64),
        matrix.indices.astype(np.int64),
        matrix.data,
        features=features.astype(np.float32),
    )
