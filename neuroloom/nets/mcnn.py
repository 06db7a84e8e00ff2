"""MCNN: Cui, Chen and Chen (2016), Multi-scale convolutional neural networks for time series classification."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar

from neuroloom.core.checks import check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.nets.deep_network import DeepNetwork
from neuroloom.nets.deep_roles import DeepClassifier, DeepFeatures, DeepRegressor

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False)
class MCNN(DeepNetwork):
    """Multi-scale convolutional network of series: several heads see it as it is, at lower rates and smoothed.

    Each head is a convolution and the maximum over each of a few equal parts of the series, so that all are equally
    long; put side by side they are convolved together, and a dense layer reads the whole (figure 1). Series may end in
    NaN, in all channels: what is padded is not read.

    Args:
        filters: of every convolution, at least 1; the paper's are 256.
        kernel: length of every kernel, at least 1.
        rates: of the heads that take every 2nd, 4th, … value, each at least 2.
        windows: of the heads that are moving averages, odd numbers of steps, each at least 3.
        pieces: parts whose maxima a head gives, at least 1; the paper chooses among 2, 3 and 5.
        width: of the dense layer, at least 1.
        dropout: share of its units left out in training, in [0, 1).

    Attributes:
        weights_: for each member name → array; ``history_`` of the first member; ``n_parameters_``.

    Raises:
        InputError: a parameter is out of range.

    Differences: batch norm and ReLU where the paper has sigmoids; whole series where it learns from slices of 0.9 of
    their length and lets those vote (``augment=["shift"]`` comes closest); nothing is chosen by a grid.

    Source: Cui, Chen and Chen (2016), section 3.
    """

    filters: int = 64
    kernel: int = 9
    rates: tuple[int, ...] = (2, 4)
    windows: tuple[int, ...] = (5, 11)
    pieces: int = 5
    width: int = 128
    dropout: float = 0.2
    _: KW_ONLY
    learning_rate: float = 0.003

    takes: ClassVar[tuple[int, ...]] = (1,)
    takes_padding: ClassVar[bool] = True

    def _encoder(self, shape: tuple[int, ...]) -> torch.nn.Module:
        from neuroloom.nets._layers.multi_scale import MultiScaleEncoder

        windows = [check_int("windows", w, 3) for w in self.windows]
        if any(w % 2 == 0 for w in windows):
            raise InputError(f"`windows` must be odd, so that an average has a middle, but got {windows}.")
        return MultiScaleEncoder(
            shape[0],
            check_int("filters", self.filters),
            check_int("kernel", self.kernel),
            [check_int("rates", r, 2) for r in self.rates],
            windows,
            check_int("pieces", self.pieces),
            check_int("width", self.width),
            check_float("dropout", self.dropout, 0, 1, open_high=True),
        )


@dataclass(eq=False, repr=False)
class MCNNClassifier(DeepClassifier, MCNN):
    """Classifier of series by a multi-scale convolutional network (:class:`MCNN`)."""


@dataclass(eq=False, repr=False)
class MCNNRegressor(DeepRegressor, MCNN):
    """Regressor of series by a multi-scale convolutional network (:class:`MCNN`)."""


@dataclass(eq=False, repr=False)
class MCNNFeatures(DeepFeatures, MCNN):
    """Features of series from the dense layer of a multi-scale convolutional network (:class:`MCNN`)."""
