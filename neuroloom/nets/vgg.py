"""VGG: Simonyan and Zisserman (2015), Very deep convolutional networks for large-scale image recognition."""

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
class VGG(DeepNetwork):
    """VGG of pictures: stages of 3 × 3 convolutions, each ended by a maximum over 2 × 2, then dense layers.

    Published are, on 3 × 224 × 224 with ``dense=(4096, 4096)``, ``batch_norm=False`` and 1,000 classes, with filters
    (64, 128, 256, 512, 512): A, ``depths=(1, 1, 2, 2, 2)``, 132,863,336 parameters; B, (2, 2, 2, 2, 2), 133,047,848; D
    ("VGG-16"), (2, 2, 3, 3, 3), 138,357,544; E ("VGG-19"), (2, 2, 4, 4, 4), 143,667,240.

    Args:
        filters: channels of each stage, each at least 1.
        depths: convolutions in each stage, each at least 1; as many as there are ``filters``.
        dense: units of each dense layer, at least one, each at least 1.
        dropout: share of the dense units left out in training, in [0, 1).
        batch_norm: whether each convolution is normalised, which the paper does not do (Ioffe and Szegedy 2015).

    Attributes:
        weights_: for each member name → array; ``history_`` of the first member; ``n_parameters_``.

    Raises:
        InputError: a parameter is out of range, or ``filters`` and ``depths`` differ in number.

    Differences: three small stages by default; weights begin as He et al. (2015) draw them; a side of 1 is not halved.

    Source: Simonyan and Zisserman (2015), section 2.1 and table 1.
    """

    filters: tuple[int, ...] = (32, 64, 128)
    depths: tuple[int, ...] = (2, 2, 2)
    dense: tuple[int, ...] = (256, 256)
    dropout: float = 0.5
    batch_norm: bool = True
    _: KW_ONLY
    learning_rate: float = 0.003

    takes: ClassVar[tuple[int, ...]] = (2,)

    def _encoder(self, shape: tuple[int, ...]) -> torch.nn.Module:
        from torch import nn

        from neuroloom.nets._layers.convolution import ConvBlock, Encoder, Halve, SameConv, he_normal

        filters = [check_int("filters", f) for f in self.filters]
        depths = [check_int("depths", d) for d in self.depths]
        dense = [check_int("dense", units) for units in self.dense]
        if not filters or len(filters) != len(depths):
            raise InputError(
                f"`filters` and `depths` must have one number a stage, but got {len(filters)} and {len(depths)}."
            )
        if not dense:
            raise InputError("`dense` must name at least one layer; for none, take the method cnn.")
        dropout = check_float("dropout", self.dropout, 0, 1, open_high=True)
        (width, height, across), layers = shape, list[nn.Module]()
        for wide, depth in zip(filters, depths, strict=True):
            for _ in range(depth):
                if self.batch_norm:
                    layers.append(ConvBlock(2, width, wide, 3))
                else:
                    layers += [SameConv(2, width, wide, 3), nn.ReLU()]
                width = wide
            layers.append(Halve(2, width, "max"))
            if min(height, across) > 1:
                height, across = -(-height // 2), -(-across // 2)
        layers.append(nn.Flatten())
        width *= height * across
        for units in dense:
            layers += [nn.Linear(width, units), nn.ReLU(), nn.Dropout(dropout)]
            width = units
        return he_normal(Encoder(*layers, width=width))


@dataclass(eq=False, repr=False)
class VGGClassifier(DeepClassifier, VGG):
    """Classifier of pictures by a VGG network (:class:`VGG`)."""


@dataclass(eq=False, repr=False)
class VGGRegressor(DeepRegressor, VGG):
    """Regressor of pictures by a VGG network (:class:`VGG`)."""


@dataclass(eq=False, repr=False)
class VGGFeatures(DeepFeatures, VGG):
    """Features of pictures from the last dense layer of a VGG network (:class:`VGG`)."""
