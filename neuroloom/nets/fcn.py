"""FCN: Wang, Yan and Oates (2017), Time series classification from scratch with deep neural networks."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar

from neuroloom.core.checks import check_int
from neuroloom.core.errors import InputError
from neuroloom.nets.deep_network import DeepNetwork
from neuroloom.nets.deep_roles import DeepClassifier, DeepFeatures, DeepRegressor

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False)
class FCN(DeepNetwork):
    """Fully convolutional network of series: convolution, batch norm, ReLU, three times, then the mean over time.

    Series may end in NaN, in all channels: what is padded is not read.

    Args:
        filters: of each block, each at least 1; the paper's are 128, 256, 128.
        kernels: length of each block's kernels, each at least 1; the paper's are 8, 5, 3.

    Attributes:
        weights_: for each member name → array; ``history_`` of the first member; ``n_parameters_``.

    Raises:
        InputError: a parameter is out of range, or there are not as many kernels as filters.

    Differences: AdamW under a one-cycle schedule for about 400 steps, where the paper runs Adam for 2,000 epochs and
    keeps the weights of the least training loss.

    Source: Wang, Yan and Oates (2017), eq. 2 and figure 1b.
    """

    filters: tuple[int, ...] = (128, 256, 128)
    kernels: tuple[int, ...] = (8, 5, 3)
    _: KW_ONLY
    learning_rate: float = 0.003

    takes: ClassVar[tuple[int, ...]] = (1,)
    takes_padding: ClassVar[bool] = True

    def _encoder(self, shape: tuple[int, ...]) -> torch.nn.Module:
        from neuroloom.nets._layers.convolution import ConvBlock, GlobalPool
        from neuroloom.nets._layers.padded import padded_or_not

        filters = [check_int("filters", f) for f in self.filters]
        kernels = [check_int("kernels", k) for k in self.kernels]
        if len(filters) != len(kernels) or not filters:
            raise InputError(
                f"`filters` and `kernels` must be as many, but got {len(filters)} and {len(kernels)}."
            )
        widths = [shape[0], *filters]
        blocks = [ConvBlock(1, widths[i], widths[i + 1], kernels[i]) for i in range(len(filters))]
        return padded_or_not(1, *blocks, GlobalPool(), width=widths[-1])


@dataclass(eq=False, repr=False)
class FCNClassifier(DeepClassifier, FCN):
    """Classifier of series by a fully convolutional network (:class:`FCN`)."""


@dataclass(eq=False, repr=False)
class FCNRegressor(DeepRegressor, FCN):
    """Regressor of series by a fully convolutional network (:class:`FCN`)."""


@dataclass(eq=False, repr=False)
class FCNFeatures(DeepFeatures, FCN):
    """Features of series from the last hidden layer of a fully convolutional network (:class:`FCN`)."""
