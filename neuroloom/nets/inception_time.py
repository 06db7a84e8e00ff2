"""InceptionTime: Ismail Fawaz et al. (2020), InceptionTime: finding AlexNet for time series classification."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar

from neuroloom.core.checks import check_int
from neuroloom.nets.deep_network import DeepNetwork
from neuroloom.nets.deep_roles import DeepClassifier, DeepFeatures, DeepRegressor

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False)
class InceptionTime(DeepNetwork):
    """Ensemble of inception networks of series: kernels of several lengths side by side, residual over three modules.

    A module narrows its input to ``filters`` channels by a convolution of length 1, passes it through a convolution of
    each length, puts the largest of 3 neighbours, narrowed, beside them, and normalises (figure 2).
    Series may end in NaN, in all channels: what is padded is not read.

    Args:
        filters: of each length, at least 1; a module gives (lengths + 1) · filters channels.
        kernels: lengths of the kernels, each at least 1.
        depth: modules, at least 1; every third one ends a residual block.
        members: networks in the ensemble, at least 1; the paper's is 5.

    Attributes:
        weights_: for each member name → array; ``history_`` of the first member; ``n_parameters_``.

    Raises:
        InputError: a parameter is out of range.

    Differences: AdamW under a one-cycle schedule for about 400 steps a member, where the paper runs Adam for 1,500
    epochs in batches of 64, its rate halved when the loss stays, and keeps the weights of the lowest; first weights and
    batch normalisation's constants are torch's, not those of Keras; no narrowing where there are no more channels than
    filters. Close to the paper's training: ``epochs=1500, batch_size=64, optimizer="adam", learning_rate=0.001,
    weight_decay=0.0, schedule="plateau", training_options={"every": 50}``, whose rate has no floor and whose last
    weights are kept.

    Source: Ismail Fawaz et al. (2020), sections 3.1 to 3.3.
    """

    filters: int = 32
    kernels: tuple[int, ...] = (40, 20, 10)
    depth: int = 6
    _: KW_ONLY
    members: int = 5
    learning_rate: float = 0.003

    takes: ClassVar[tuple[int, ...]] = (1,)
    takes_padding: ClassVar[bool] = True

    def _encoder(self, shape: tuple[int, ...]) -> torch.nn.Module:
        from neuroloom.nets._layers.inception import InceptionStack

        kernels = [check_int("kernels", k) for k in self.kernels]
        return InceptionStack(
            shape[0], check_int("filters", self.filters), kernels, check_int("depth", self.depth)
        )


@dataclass(eq=False, repr=False)
class InceptionTimeClassifier(DeepClassifier, InceptionTime):
    """Classifier of series by an ensemble of inception networks (:class:`InceptionTime`)."""


@dataclass(eq=False, repr=False)
class InceptionTimeRegressor(DeepRegressor, InceptionTime):
    """Regressor of series by an ensemble of inception networks (:class:`InceptionTime`)."""


@dataclass(eq=False, repr=False)
class InceptionTimeFeatures(DeepFeatures, InceptionTime):
    """Features of series from the last hidden layers of inception networks (:class:`InceptionTime`)."""
