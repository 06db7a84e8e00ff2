"""AlexNet: Krizhevsky, Sutskever and Hinton (2012), ImageNet classification with deep convolutional neural networks;
Krizhevsky (2014), One weird trick for parallelizing convolutional neural networks.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar

from neuroloom.core.checks import check_choice, check_float
from neuroloom.nets.deep_network import DeepNetwork
from neuroloom.nets.deep_roles import DeepClassifier, DeepFeatures, DeepRegressor

if TYPE_CHECKING:
    import torch

_WIDTHS = {
    "2012": (96, 256, 384, 384, 256),
    "one-group": (96, 256, 384, 384, 256),
    "2014": (64, 192, 384, 256, 256),
}
FORMS = tuple(_WIDTHS)
_LARGE = 63  # pixels a side from which on the first kernels are 11 × 11, every fourth pixel


@dataclass(eq=False, repr=False)
class AlexNet(DeepNetwork):
    """AlexNet of pictures: five convolutions, three of them followed by an overlapping maximum, two dense layers.

    On 3 × 227 × 227 with ``scale=1`` and 1,000 classes the forms have 60,965,224 (2012), 62,378,344 (one-group) and
    61,100,840 (2014) parameters. Pictures of less than 63 pixels a side are read by 5 × 5 kernels at every pixel
    instead of 11 × 11 ones at every fourth, and their maxima reach one pixel over the edge.

    Args:
        form: ``"2012"`` as published: the second, fourth and fifth convolution in two groups, one a graphics card, that
            do not see each other, and a local response norm after the first two; ``"one-group"``: the same without
            groups; ``"2014"``: no groups, no norm, fewer channels, as torchvision has it.
        scale: share of the published channels and dense units, in (0, 1].
        dropout: share of the inputs of both dense layers left out in training, in [0, 1).

    Attributes:
        weights_: for each member name → array; ``history_`` of the first member; ``n_parameters_``.

    Raises:
        InputError: a parameter is out of range.

    Differences: a quarter of the width by default; weights begin as He et al. (2015) draw them, where the paper draws
    all from a normal of deviation 0.01 and sets biases to 1; AdamW under a one-cycle schedule.

    Source: Krizhevsky, Sutskever and Hinton (2012), section 3 and figure 2; Krizhevsky (2014), section 5.
    """

    form: str = "2012"
    scale: float = 0.25
    dropout: float = 0.5
    _: KW_ONLY
    learning_rate: float = 0.002

    takes: ClassVar[tuple[int, ...]] = (2,)

    def _encoder(self, shape: tuple[int, ...]) -> torch.nn.Module:
        from torch import nn

        from neuroloom.nets._layers.convolution import Encoder, he_normal

        form = check_choice("form", self.form, FORMS)
        scale = check_float("scale", self.scale, 0, 1, open_low=True)
        dropout = check_float("dropout", self.dropout, 0, 1, open_high=True)
        groups = 2 if form == "2012" else 1
        a, b, c, d, e = (2 * max(1, round(scale * w / 2)) for w in _WIDTHS[form])
        norm = [
            nn.Identity() if form == "2014" else nn.LocalResponseNorm(5, 5 * 1e-4, 0.75, 2.0) for _ in "ab"
        ]
        large = min(shape[1:]) >= _LARGE
        first = nn.Conv2d(shape[0], a, 11, 4) if large else nn.Conv2d(shape[0], a, 5, padding=2)
        sides = [(side - 11) // 4 + 1 if large else side for side in shape[1:]]

        def pool() -> nn.Module:
            nonlocal sides
            edge = 0 if large else 1
            if min(sides) < 3 - edge:
                return nn.Identity()
            sides = [(side + 2 * edge - 3) // 2 + 1 for side in sides]
            return nn.MaxPool2d(3, 2, edge)

        layers: list[nn.Module] = [first, nn.ReLU(), norm[0], pool()]
        layers += [nn.Conv2d(a, b, 5, padding=2, groups=groups), nn.ReLU(), norm[1], pool()]
        layers += [nn.Conv2d(b, c, 3, padding=1), nn.ReLU()]
        layers += [nn.Conv2d(c, d, 3, padding=1, groups=groups), nn.ReLU()]
        layers += [nn.Conv2d(d, e, 3, padding=1, groups=groups), nn.ReLU(), pool(), nn.Flatten()]
        width = e * sides[0] * sides[1]
        for _ in range(2):
            units = max(1, round(scale * 4096))
            layers += [nn.Dropout(dropout), nn.Linear(width, units), nn.ReLU()]
            width = units
        return he_normal(Encoder(*layers, width=width))


@dataclass(eq=False, repr=False)
class AlexNetClassifier(DeepClassifier, AlexNet):
    """Classifier of pictures by AlexNet (:class:`AlexNet`)."""


@dataclass(eq=False, repr=False)
class AlexNetRegressor(DeepRegressor, AlexNet):
    """Regressor of pictures by AlexNet (:class:`AlexNet`)."""


@dataclass(eq=False, repr=False)
class AlexNetFeatures(DeepFeatures, AlexNet):
    """Features of pictures from the last dense layer of AlexNet (:class:`AlexNet`)."""
