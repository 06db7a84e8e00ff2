"""ResNet, of pictures and of series.

He, Zhang, Ren and Sun (2016), Deep residual learning for image recognition; Wang, Yan and Oates (2017), Time series
classification from scratch with deep neural networks.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar

from neuroloom.core.checks import check_int
from neuroloom.nets.deep_network import DeepNetwork
from neuroloom.nets.deep_roles import DeepClassifier, DeepFeatures, DeepRegressor

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False)
class ResNet(DeepNetwork):
    """Residual network: stages of blocks ``relu(body(x) + shortcut(x))``, then the mean over all places.

    Of pictures as He et al. (section 4.2): a 3 × 3 convolution, three stages of blocks of two 3 × 3 convolutions, the
    second and third stage at half the size of the one before; with ``blocks=3`` it is their ResNet-20. Of series as
    Wang et al. (figure 1c): three stages of one block of three convolutions of lengths 8, 5 and 3, all at full length.
    Series may end in NaN, in all channels: what is padded is not read.

    Args:
        filters: of each stage, each at least 1; None takes the papers' (16, 32, 64) of pictures, (64, 128, 128) of
            series.
        blocks: in each stage, at least 1; None takes 3 of pictures, 1 of series.

    Attributes:
        weights_: for each member name → array; ``history_`` of the first member; ``n_parameters_``.

    Raises:
        InputError: a parameter is out of range.

    Differences: where the size changes, the shortcut is a 1 × 1 convolution (He et al.'s option B; on CIFAR they used
    zeros, option A); AdamW under a one-cycle schedule.

    Source: He, Zhang, Ren and Sun (2016); Wang, Yan and Oates (2017).
    """

    filters: tuple[int, ...] | None = None
    blocks: int | None = None
    _: KW_ONLY
    learning_rate: float = 0.003

    takes_padding: ClassVar[bool] = True

    def _encoder(self, shape: tuple[int, ...]) -> torch.nn.Module:
        from torch import nn

        from neuroloom.nets._layers.convolution import ConvBlock, GlobalPool, Residual
        from neuroloom.nets._layers.padded import padded_or_not

        dims = len(shape) - 1
        given = self.filters if self.filters is not None else ((64, 128, 128), (16, 32, 64))[dims - 1]
        filters = [check_int("filters", f) for f in given]
        blocks = check_int("blocks", (1, 3)[dims - 1] if self.blocks is None else self.blocks)
        layers: list[nn.Module] = []
        width = shape[0]
        if dims == 2:
            layers.append(ConvBlock(2, width, filters[0], 3))
            width = filters[0]
        for stage, wide in enumerate(filters):
            for block in range(blocks):
                stride = 2 if dims == 2 and stage and not block else 1
                kernels = (3, 3) if dims == 2 else (8, 5, 3)
                body = nn.Sequential(
                    *[
                        ConvBlock(dims, wide if i else width, wide, k, stride=1 if i else stride,
                                  activation=None if i == len(kernels) - 1 else nn.ReLU)
                        for i, k in enumerate(kernels)
                    ]
                )  # fmt: skip
                layers.append(Residual(dims, width, wide, body, stride, norm=dims == 1))
                width = wide
        return padded_or_not(dims, *layers, GlobalPool(), width=width)


@dataclass(eq=False, repr=False)
class ResNetClassifier(DeepClassifier, ResNet):
    """Classifier of pictures or series by a residual network (:class:`ResNet`)."""


@dataclass(eq=False, repr=False)
class ResNetRegressor(DeepRegressor, ResNet):
    """Regressor of pictures or series by a residual network (:class:`ResNet`)."""


@dataclass(eq=False, repr=False)
class ResNetFeatures(DeepFeatures, ResNet):
    """Features of pictures or series from the last hidden layer of a residual network (:class:`ResNet`)."""
