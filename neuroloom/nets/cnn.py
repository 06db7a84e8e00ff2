"""CNN: a small convolutional network of pictures and series, the default of its kind.

LeCun, Bottou, Bengio and Haffner (1998), Gradient-based learning applied to document recognition; Simonyan and
Zisserman (2015), Very deep convolutional networks for large-scale image recognition (small kernels); Ioffe and Szegedy
(2015), Batch normalization; Lin, Chen and Yan (2014), Network in network (global average pooling).
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
class CNN(DeepNetwork):
    """Convolutional network: stages of convolutions, each stage at half the size of the one before.

    A stage is ``depth`` times convolution, batch norm and ReLU; between stages the size is halved, and the mean over
    all places ends it. Series may end in NaN, in all channels: what is padded is not read.

    Args:
        filters: of each stage, each at least 1.
        depth: convolutions in a stage, at least 1.
        kernel: length of the kernels, at least 1; None takes 3 of pictures, 7 of series.
        pooling: how the size is halved: ``"max"``, ``"mean"``, ``"stride"`` (a learned convolution), or ``"blur"``
            (max and a binomial blur, which keeps the answer when the sample is shifted; Zhang 2019).
        dropout: share of the last layer's units left out in training, in [0, 1).

    Attributes:
        weights_: for each member name → array; ``history_`` of the first member; ``n_parameters_``.

    Raises:
        InputError: a parameter is out of range.

    Source: LeCun et al. (1998); Simonyan and Zisserman (2015); Ioffe and Szegedy (2015); Lin, Chen and Yan (2014).
    """

    filters: tuple[int, ...] = (32, 64, 128)
    depth: int = 2
    kernel: int | None = None
    pooling: str = "max"
    dropout: float = 0.2
    _: KW_ONLY
    learning_rate: float = 0.005

    takes_padding: ClassVar[bool] = True

    def _encoder(self, shape: tuple[int, ...]) -> torch.nn.Module:
        from torch import nn

        from neuroloom.nets._layers.convolution import POOLS, ConvBlock, GlobalPool, Halve
        from neuroloom.nets._layers.padded import padded_or_not

        dims = len(shape) - 1
        kernel = check_int("kernel", (7, 3)[dims - 1] if self.kernel is None else self.kernel)
        check_choice("pooling", self.pooling, POOLS)
        layers: list[nn.Module] = []
        width = shape[0]
        for stage, wide in enumerate(check_int("filters", f) for f in self.filters):
            if stage:
                layers.append(Halve(dims, width, self.pooling))
            for _ in range(check_int("depth", self.depth)):
                layers.append(ConvBlock(dims, width, wide, kernel))
                width = wide
        drop = nn.Dropout(check_float("dropout", self.dropout, 0, 1, open_high=True))
        return padded_or_not(dims, *layers, GlobalPool(), drop, width=width)


@dataclass(eq=False, repr=False)
class CNNClassifier(DeepClassifier, CNN):
    """Classifier of pictures or series by a convolutional network (:class:`CNN`)."""


@dataclass(eq=False, repr=False)
class CNNRegressor(DeepRegressor, CNN):
    """Regressor of pictures or series by a convolutional network (:class:`CNN`)."""


@dataclass(eq=False, repr=False)
class CNNFeatures(DeepFeatures, CNN):
    """Features of pictures or series from the last hidden layer of a convolutional network (:class:`CNN`)."""
