"""GoogLeNet: Szegedy et al. (2015), Going deeper with convolutions; Ioffe and Szegedy (2015), Batch normalization."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar

from neuroloom.core.checks import check_float
from neuroloom.nets.deep_network import DeepNetwork
from neuroloom.nets.deep_roles import DeepClassifier, DeepFeatures, DeepRegressor

if TYPE_CHECKING:
    import torch

_LARGE = 64  # pixels a side from which on the first layers bring the size to an eighth


@dataclass(eq=False, repr=False)
class GoogLeNet(DeepNetwork):
    """GoogLeNet of pictures: nine inception modules, each with kernels of 1, 3 and 5 and a maximum side by side.

    A module narrows its input by 1 × 1 convolutions before the larger kernels (figure 2b); the modules stand in stages
    of two, five and two, each at half the size of the one before, and the mean over all places ends it. On
    3 × 224 × 224 with ``scale=1``, ``batch_norm=False`` and 1,000 classes it has 6,998,552 parameters. Pictures of less
    than 64 pixels a side are read by one 3 × 3 convolution at every pixel instead of layers that shrink them to an
    eighth.

    Args:
        scale: share of the published channels, in (0, 1].
        dropout: share of the last layer's units left out in training, in [0, 1).
        batch_norm: whether each convolution is normalised (Ioffe and Szegedy 2015), where the paper normalises
            responses twice, near the input.

    Attributes:
        weights_: for each member name → array; ``history_`` of the first member; ``n_parameters_``.

    Raises:
        InputError: a parameter is out of range.

    Differences: a quarter of the width by default; no auxiliary classifiers; no local response norm.

    Source: Szegedy et al. (2015), sections 4 and 5, table 1.
    """

    scale: float = 0.25
    dropout: float = 0.4
    batch_norm: bool = True
    _: KW_ONLY
    learning_rate: float = 0.003

    takes: ClassVar[tuple[int, ...]] = (2,)

    def _encoder(self, shape: tuple[int, ...]) -> torch.nn.Module:
        from torch import nn

        from neuroloom.nets._layers.convolution import Encoder, GlobalPool, he_normal
        from neuroloom.nets._layers.googlenet import STAGES, Conv, Inception, Shrink

        scale = check_float("scale", self.scale, 0, 1, open_low=True)
        dropout = check_float("dropout", self.dropout, 0, 1, open_high=True)
        norm = bool(self.batch_norm)

        def some(channels: int) -> int:
            return max(1, round(scale * channels))

        width = some(192)
        if min(shape[1:]) >= _LARGE:
            small = some(64)
            layers: list[nn.Module] = [
                Conv(shape[0], small, 7, norm, stride=2), Shrink(), Conv(small, small, 1, norm),
                Conv(small, width, 3, norm), Shrink(),
            ]  # fmt: skip
        else:
            layers = [Conv(shape[0], width, 3, norm)]
        for number, stage in enumerate(STAGES):
            if number:
                layers.append(Shrink())
            for row in stage:
                layers.append(Inception(width, [some(channels) for channels in row], norm))
                width = layers[-1].width
        encoder = Encoder(*layers, GlobalPool(), nn.Dropout(dropout), width=width)
        return encoder if norm else he_normal(encoder)


@dataclass(eq=False, repr=False)
class GoogLeNetClassifier(DeepClassifier, GoogLeNet):
    """Classifier of pictures by GoogLeNet (:class:`GoogLeNet`)."""


@dataclass(eq=False, repr=False)
class GoogLeNetRegressor(DeepRegressor, GoogLeNet):
    """Regressor of pictures by GoogLeNet (:class:`GoogLeNet`)."""


@dataclass(eq=False, repr=False)
class GoogLeNetFeatures(DeepFeatures, GoogLeNet):
    """Features of pictures from the last hidden layer of GoogLeNet (:class:`GoogLeNet`)."""
