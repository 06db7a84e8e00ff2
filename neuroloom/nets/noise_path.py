"""What diffusion and flow matching share: a net that sees a noisy sample and the time, and leads noise to samples."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_int
from neuroloom.core.seeding import as_seed, derive, stream
from neuroloom.nets.class_conditions import ConditionalSampler
from neuroloom.nets.encoding import whole_numbers
from neuroloom.nets.unlabelled import Floats, UnlabelledNetwork

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False)
class NoisePath(ConditionalSampler, UnlabelledNetwork):
    """Base of the samplers that lead noise to samples step by step; of tables, short series and small pictures.

    The net is dense, so pictures of more than some thousand numbers are not for it. With ``conditional`` it is told the
    class beside the time.

    Args:
        hidden: units of each hidden layer, each at least 1.
        sampler_steps: in which a sample is made out of noise, at least 1.
    """

    hidden: Sequence[int] | int = (256, 256, 256)
    sampler_steps: int = 50
    _: KW_ONLY
    batch_size: int = 256

    def _steps(self) -> int:
        return 4000

    def _build(self) -> torch.nn.Module:
        from neuroloom.nets._layers.time_network import TimeNetwork

        check_int("sampler_steps", self.sampler_steps)
        classes = len(self.classes_) if self.conditional else 0
        return TimeNetwork(self.shape_, whole_numbers("hidden", self.hidden), classes)

    @abstractmethod
    def _loss(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """Return the training loss of scaled samples, a scalar."""

    @abstractmethod
    def _lead(self, network: Any, z: torch.Tensor) -> torch.Tensor:
        """Return scaled samples that the standard normal ``z`` is led to."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from samples, with ``conditional`` together with their classes.

        Args:
            X: ``(n, features)`` rows, ``(n, channels, length)`` series or ``(n, channels, height, width)`` pictures.
            y: ``(n,)`` classes, for ``conditional``.

        Raises:
            InputError: a parameter is out of range, or the samples are not usable.
        """
        values = self._learn_shape(X)
        classes = self._one_hot(self._learn_classes(y, len(values)))
        self.low_, self.high_ = float(values.min()), float(values.max())

        def loss(network: Any, x: torch.Tensor, kind: torch.Tensor | None = None) -> torch.Tensor:
            return self._loss(network if kind is None else partial(network, kind=kind), x)

        self._fit_network(loss, values, target=classes)
        return self

    def sample(self, n: int = 1, random_state: Any = None, y: Any = None) -> Floats:
        """Return ``n`` new samples in the unit and shape of the training samples.

        Args:
            n: how many, at least 1.
            random_state: int, generator or None; None draws by the fit's own seed, so that the same come again.
            y: the class, or ``(n,)`` classes, of the samples, for ``conditional``; None draws them as often as they
                were met.

        Raises:
            InputError: ``y`` names what was not learned.
        """
        import torch

        check_is_fitted(self)
        seed = self.seed_ if random_state is None else as_seed(random_state)
        kinds, size = self._one_hot(self._classes_to_draw(y, n, seed)), prod(self.shape_)
        z = stream(seed, "sample").standard_normal((n, size))

        def lead(network: Any, given: torch.Tensor) -> torch.Tensor:
            start, kind = given[:, :size].unflatten(1, self.shape_), given[:, size:]
            return self._lead(network if kinds is None else partial(network, kind=kind), start)

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(seed, "steps"))
            return self._unscaled(self._map(lead, z if kinds is None else np.hstack([z, kinds])))


def over_samples(values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Return ``values (b,)`` with the dimensions of ``like (b, …)``, to be multiplied with it."""
    return values.view(-1, *[1] * (like.ndim - 1))
