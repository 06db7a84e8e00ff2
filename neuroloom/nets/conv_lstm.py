"""ConvLSTM: Shi, Chen, Wang, Yeung, Wong and Woo (2015), Convolutional LSTM network: a machine learning approach for
precipitation nowcasting.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import TYPE_CHECKING

from neuroloom.core.checks import check_int
from neuroloom.nets.deep_roles import DeepClassifier, DeepFeatures, DeepRegressor
from neuroloom.nets.recurrent import RecurrentNetwork

if TYPE_CHECKING:
    from neuroloom.nets._layers.recurrent import CellMaker


@dataclass(eq=False, repr=False)
class ConvLSTM(RecurrentNetwork):
    """Convolutional LSTM of series: windows are read one after the other, and every gate is a convolution over them.

    A window of all channels is a frame; the state is a frame of ``units`` channels, so that what is short is seen by
    the kernels and what is long remembered from window to window. Attributes and what is raised are those of
    :class:`RecurrentNetwork`, and so are the parameters that are not listed.

    Args:
        units: channels of the state, each way, at least 1.
        kernel: length of the kernels over a window, at least 1.
        patch: values in a window, at least 1; ``"auto"``: the square root of the length, up to a whole number.

    Source: Shi et al. (2015), eq. 3.
    """

    units: int = 16
    kernel: int = 5
    _: KW_ONLY

    def _patch(self, length: int) -> int:
        return math.isqrt(length - 1) + 1 if self.patch == "auto" else super()._patch(length)

    def _unit(self, patch: int) -> tuple[CellMaker, int]:
        from neuroloom.nets._layers.conv_lstm import ConvLSTMCell

        kernel = check_int("kernel", self.kernel)
        return partial(ConvLSTMCell, frame=(patch,), kernel=kernel), check_int("units", self.units) * patch


@dataclass(eq=False, repr=False)
class ConvLSTMClassifier(DeepClassifier, ConvLSTM):
    """Classifier of series by a convolutional LSTM (:class:`ConvLSTM`)."""


@dataclass(eq=False, repr=False)
class ConvLSTMRegressor(DeepRegressor, ConvLSTM):
    """Regressor of series by a convolutional LSTM (:class:`ConvLSTM`)."""


@dataclass(eq=False, repr=False)
class ConvLSTMFeatures(DeepFeatures, ConvLSTM):
    """Features of series from the pooled outputs of a convolutional LSTM (:class:`ConvLSTM`)."""
