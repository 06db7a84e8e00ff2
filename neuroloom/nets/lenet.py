"""LeNet-5: LeCun, Bottou, Bengio and Haffner (1998), Gradient-based learning applied to document recognition."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar

from neuroloom.core.checks import check_choice
from neuroloom.nets.deep_network import DeepNetwork
from neuroloom.nets.deep_roles import DeepClassifier, DeepFeatures, DeepRegressor

if TYPE_CHECKING:
    import torch

FORMS = ("1998", "full")


@dataclass(eq=False, repr=False)
class LeNet(DeepNetwork):
    """LeNet-5 of pictures, as published or as it is usually built.

    Six 5 × 5 convolutions, down-sampling, sixteen, down-sampling, 120 units over all that is left, 84 units. Pictures
    of another size than 32 × 32 are resampled to it bilinearly; channels beyond the first widen the first convolution.

    Args:
        form: ``"1998"`` as published (section II.B): down-sampling is a sum of four times a trainable coefficient plus
            a bias, the second convolution sees only the maps of table I, units are ``1.7159 tanh(2/3 x)``; of one
            channel it has 60,000 trainable parameters before the head. ``"full"``: means of four, every map seen,
            ``tanh``; with a head of 10 classes 61,706.

    Attributes:
        weights_: for each member name → array; ``history_`` of the first member; ``n_parameters_``.

    Raises:
        InputError: a parameter is out of range.

    Differences: a linear head under the cross-entropy in both forms, where the paper has radial units at fixed codes
    of 84 bits, drawn by hand, and a loss of its own; AdamW where the paper has a stochastic Levenberg-Marquardt.

    Source: LeCun, Bottou, Bengio and Haffner (1998), section II.B, figure 2 and table I.
    """

    form: str = "full"
    _: KW_ONLY
    learning_rate: float = 0.003

    takes: ClassVar[tuple[int, ...]] = (2,)

    def _encoder(self, shape: tuple[int, ...]) -> torch.nn.Module:
        from neuroloom.nets._layers.lenet import lenet

        return lenet(shape[0], check_choice("form", self.form, FORMS) == "1998")


@dataclass(eq=False, repr=False)
class LeNetClassifier(DeepClassifier, LeNet):
    """Classifier of pictures by LeNet-5 (:class:`LeNet`)."""


@dataclass(eq=False, repr=False)
class LeNetRegressor(DeepRegressor, LeNet):
    """Regressor of pictures by LeNet-5 (:class:`LeNet`)."""


@dataclass(eq=False, repr=False)
class LeNetFeatures(DeepFeatures, LeNet):
    """Features of pictures from the 84 units of LeNet-5 (:class:`LeNet`)."""
