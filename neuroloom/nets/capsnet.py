"""CapsNet: Sabour, Frosst and Hinton (2017), Dynamic routing between capsules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.answers import Answers, Classification
from neuroloom.core.checks import check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.nets.deep_network import DeepNetwork
from neuroloom.nets.deep_roles import DeepClassifier, DeepFeatures

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False)
class CapsNet(DeepNetwork):
    """Capsule network of pictures: vectors vote for what they are part of, and those that agree are heard.

    A convolution, a second one whose channels are read as vectors of 8, and a capsule of 16 numbers a class, whose
    length is the probability of the class. A vector's vote for a class counts more the better it agrees with the sum of
    all votes (dynamic routing). A dense network learns to draw the picture from the capsule of the right class, which
    keeps in it what the picture looks like. On 1 × 28 × 28 and 10 classes it has 8,215,568 parameters, 6,804,224
    without the reconstruction.

    Args:
        filters: channels of the first convolution, at least 1.
        kinds: of capsules in the first layer of them, at least 1.
        kernel: side of both kernels, at least 1; None takes the largest of 9 (the paper's), 7, 5, 3 and 1 that fits the
            pictures.
        size: numbers in a class's capsule, at least 1.
        rounds: of routing, at least 1.
        reconstruction: weight of the mean squared error of the drawn pictures beside the margin loss, at least 0; the
            paper's 0.0005 a pixel is 0.392 of 28 × 28.

    Attributes:
        weights_: for each member name → array; ``history_`` of the first member; ``n_parameters_``.

    Raises:
        InputError: a parameter is out of range, or ``kernel`` does not fit the pictures.

    Differences: pictures are standardised, so the decoder ends in a linear layer, not in sigmoids; of one label a
    sample the classes' odds are scaled to sum to 1 as probabilities; AdamW under a one-cycle schedule, where the paper
    decays Adam's rate.

    Source: Sabour, Frosst and Hinton (2017), sections 2 to 4, procedure 1.
    """

    filters: int = 256
    kinds: int = 32
    kernel: int | None = None
    size: int = 16
    rounds: int = 3
    reconstruction: float = 0.392
    _: KW_ONLY
    learning_rate: float = 0.003

    takes: ClassVar[tuple[int, ...]] = (2,)
    _numbers: ClassVar[int] = 8  # in a capsule of the first layer

    def _kernel(self, side: int) -> int:
        if self.kernel is None:
            return next(k for k in (9, 7, 5, 3, 1) if side >= 3 * k - 2)
        kernel = check_int("kernel", self.kernel)
        if side < 2 * kernel - 1:
            raise InputError(
                f"two kernels of {kernel} need pictures of at least {2 * kernel - 1} pixels a side, but got {side}; "
                "leave `kernel` out or lower it."
            )
        return kernel

    def _encoder(self, shape: tuple[int, ...]) -> torch.nn.Module:
        from torch import nn

        from neuroloom.nets._layers.capsules import PrimaryCapsules
        from neuroloom.nets._layers.convolution import Encoder

        filters, kinds = check_int("filters", self.filters), check_int("kinds", self.kinds)
        kernel = self._kernel(min(shape[1:]))
        places = [(side - 2 * kernel + 1) // 2 + 1 for side in shape[1:]]
        primary = PrimaryCapsules(filters, kinds, self._numbers, kernel)
        first = nn.Conv2d(shape[0], filters, kernel)
        return Encoder(first, nn.ReLU(), primary, width=kinds * places[0] * places[1])

    def _network(self, shape: tuple[int, ...], answers: int) -> torch.nn.Module:
        from torch import nn

        from neuroloom.nets._layers.capsules import CapsuleNetwork, ClassCapsules

        size, rounds = check_int("size", self.size), check_int("rounds", self.rounds)
        encoder = self._encoder(shape)
        encoder.append(ClassCapsules(encoder.width, self._numbers, answers, size, rounds))
        encoder.width = answers * size
        decoder = None
        if check_float("reconstruction", self.reconstruction, 0) > 0:
            decoder = nn.Sequential(
                nn.Linear(answers * size, 512), nn.ReLU(), nn.Linear(512, 1024), nn.ReLU(),
                nn.Linear(1024, int(np.prod(shape))),
            )  # fmt: skip
        return CapsuleNetwork(encoder, size, decoder)


@dataclass(eq=False, repr=False, kw_only=True)
class CapsuleClassification(Classification):
    """Classes that are learned by the margin loss of capsules, and by what they say of the picture."""

    reconstruction: float = 0.392

    def _losses(self, target: NDArray[Any], device: torch.device) -> Callable[[Any, Any], torch.Tensor]:
        import torch
        from torch.nn import functional

        from neuroloom.nets._layers.capsules import margin_loss, reconstruction_loss

        wanted = torch.as_tensor(target, device=device)
        if self.multilabel_:
            there, weight = wanted, torch.ones(len(wanted), device=device)
        else:
            there = functional.one_hot(wanted, len(self.classes_)).float()
            counts = there.sum(0).clamp(min=1)
            even = len(wanted) / (len(self.classes_) * counts[wanted])
            weight = even if self.class_weight == "balanced" else torch.ones_like(even)

        def loss(made: Any, rows: Any) -> torch.Tensor:
            at = slice(None) if rows is None else rows
            each = margin_loss(made.odds, there[at])
            if made.decoder is not None:
                each = each + self.reconstruction * reconstruction_loss(made, there[at])
            return (weight[at] * each).mean()

        return loss


@dataclass(eq=False, repr=False)
class CapsNetClassifier(CapsuleClassification, DeepClassifier, CapsNet):
    """Classifier of pictures by a capsule network (:class:`CapsNet`).

    For several labels a sample, the lengths of the capsules are the labels' probabilities.
    """


@dataclass(eq=False, repr=False)
class CapsNetFeatures(DeepFeatures, CapsNet):
    """Features of pictures from the class capsules of a capsule network (:class:`CapsNet`); learns from labels."""

    def _answers_for(self, y: Any) -> Answers:
        made = CapsuleClassification(reconstruction=self.reconstruction)
        made.validation_fraction, made.monitor = self.validation_fraction, self.monitor
        return made
