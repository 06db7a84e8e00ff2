"""TCN: Bai, Kolter and Koltun (2018), An empirical evaluation of generic convolutional and recurrent networks for
sequence modeling.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.nets.deep_network import DeepNetwork
from neuroloom.nets.deep_roles import DeepClassifier, DeepFeatures, DeepRegressor

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False)
class TCN(DeepNetwork):
    """Temporal convolutional network of series: residual blocks of causal convolutions, twice as far apart in each.

    A block is twice a causal convolution with weight norm, ReLU and dropout; block ``i`` has dilation ``2^i``, so that
    the last step sees ``1 + 2 (kernel - 1) (2^levels - 1)`` steps (section 3 and figure 1).

    Series may end in NaN, in all channels: what is padded is not read.

    Args:
        filters: channels of every block, at least 1.
        levels: blocks, at least 1; None takes as many as it needs to see the whole series.
        kernel: length of the kernels, at least 2.
        dropout: share of units left out in training after each convolution, in [0, 1).
        pooling: ``"last"`` answers from the last step as the paper does; ``"mean"``, ``"max"``, ``"mean-max"`` and
            ``"attention"`` from all.

    Attributes:
        weights_: for each member name → array; ``history_`` of the first member; ``n_parameters_``.

    Raises:
        InputError: a parameter is out of range.

    Source: Bai, Kolter and Koltun (2018), section 3.
    """

    filters: int = 32
    levels: int | None = None
    kernel: int = 7
    dropout: float = 0.05
    pooling: str = "last"
    _: KW_ONLY
    learning_rate: float = 0.004
    clip_norm: float | None = 1.0

    takes: ClassVar[tuple[int, ...]] = (1,)
    takes_padding: ClassVar[bool] = True

    def _encoder(self, shape: tuple[int, ...]) -> torch.nn.Module:
        from torch import nn

        from neuroloom.nets._layers.padded import PaddedEncoder
        from neuroloom.nets._layers.pooling import POOLS
        from neuroloom.nets._layers.temporal import CausalBlock, PoolChannels

        kernel, filters = check_int("kernel", self.kernel, 2), check_int("filters", self.filters)
        dropout = check_float("dropout", self.dropout, 0, 1, open_high=True)
        check_choice("pooling", self.pooling, ("steps",) if self.per_step else POOLS)
        if self.levels is None:
            levels = 1
            while 1 + 2 * (kernel - 1) * (2**levels - 1) < shape[1]:
                levels += 1
        else:
            levels = check_int("levels", self.levels)
        blocks: list[nn.Module] = [
            CausalBlock(filters if i else shape[0], filters, kernel, 2**i, dropout) for i in range(levels)
        ]
        pool = PoolChannels(self.pooling, filters)
        return PaddedEncoder(*blocks, pool, width=pool.width)


@dataclass(eq=False, repr=False)
class TCNClassifier(DeepClassifier, TCN):
    """Classifier of series by a temporal convolutional network (:class:`TCN`)."""


@dataclass(eq=False, repr=False)
class TCNRegressor(DeepRegressor, TCN):
    """Regressor of series by a temporal convolutional network (:class:`TCN`)."""


@dataclass(eq=False, repr=False)
class TCNFeatures(DeepFeatures, TCN):
    """Features of series from the last hidden layer of a temporal convolutional network (:class:`TCN`)."""
