"""Deep support vector data description: a net that brings normal samples close to one point.

Ruff, Vandermeulen, Görnitz, Deecke, Siddiqui, Binder, Müller and Kloft (2018), Deep one-class classification, ICML.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neuroloom.core.checkpoints import digest
from neuroloom.core.checks import check_float
from neuroloom.core.errors import InputError
from neuroloom.core.seeding import derive
from neuroloom.nets.detector_role import Detector
from neuroloom.nets.encoding import EncodingNetwork
from neuroloom.nets.unlabelled import Floats

if TYPE_CHECKING:
    import torch

_LEAST = 0.1  # of each coordinate of the centre: a net without biases could put everything at 0


@dataclass(eq=False, repr=False)
class DeepSVDDDetector(Detector, EncodingNetwork):
    """Deep SVDD over rows, series or pictures: outliers are far from the point ``c`` that training draws samples to.

    The net ``φ`` minimises the mean of ``‖φ(x) - c‖²``; with ``nu``, ``R² + mean(max(0, ‖φ(x) - c‖² - R²)) / nu``
    instead, ``R²`` being the batch's quantile of order ``1 - nu``. ``c`` is the mean of ``φ`` over the training samples
    before training, no coordinate nearer to 0 than 0.1. ``φ`` has no biases and no bounded activation, since with them
    it could be constant.

    Args:
        nu: share of the training samples that may lie outside the sphere, in (0, 1); None has no sphere.
        pretrain: whether ``φ`` is first the encoder of an autoencoder, trained for as many epochs.
        weight_decay: as of all nets; here it is the paper's only regulariser.

    Attributes:
        weights_: name → array, the centre among them; ``history_``; ``best_epoch_``; ``n_parameters_``; ``offset_``;
            ``origin_`` and ``scale_`` of each column or channel.

    Raises:
        InputError: a parameter is out of range, the activation is bounded, or the form is recurrent.

    Source: Ruff et al. (2018), equations 3 and 4, propositions 1 to 3 for what is left out.
    """

    _: KW_ONLY
    nu: float | None = None
    pretrain: bool = True
    activation: str = "leaky-relu"
    weight_decay: float = 1e-3

    def _steps(self) -> int:
        return 400  # with more, strange samples come to the point, too

    def _build(self) -> torch.nn.Module:
        import torch

        from neuroloom.nets._layers.coders import encoder

        if self.nu is not None:
            check_float("nu", self.nu, 0, 1, open_low=True, open_high=True)
        plan = self._plan()
        if plan.form == "recurrent":
            raise InputError(
                "Deep SVDD needs a net without biases, which a recurrent one has; pass form='conv'."
            )
        if plan.activation in ("hard-sigmoid", "sigmoid", "softsign", "tanh"):
            raise InputError(
                f"`activation` {plan.activation!r} is bounded, so that the net could be constant; pass 'leaky-relu' or "
                "another that is not."
            )
        network = torch.nn.Module()
        network.encoder = encoder(plan, self._width(), bias=False)
        network.register_buffer("centre", torch.zeros(self._width()))
        return network

    def _prepare(self, network: Any, x: torch.Tensor) -> None:
        import torch

        from neuroloom.nets._layers.coders import decoder

        if self.pretrain:
            both = torch.nn.Module()
            both.encoder = network.encoder
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(derive(self.seed_, "decoder"))
                both.decoder = decoder(self._plan(), self._width()).to(x.device)

            def error(net: Any, rows: Any) -> torch.Tensor:
                found: torch.Tensor = (net.decoder(net.encoder(x[rows])) - x[rows]).square().mean()
                return found

            self._trained(both, error, len(x), "pretrain", digest(self, x.cpu().numpy()))
        with torch.no_grad():
            centre = torch.cat([network.encoder(part) for part in x.split(512)]).mean(0)
        sign = torch.where(centre < 0, -1.0, 1.0)
        network.centre.copy_(sign * centre.abs().clamp(min=_LEAST))

    def _each_loss(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = (network.encoder(x) - network.centre).square().sum(1)
        return found

    def _loss(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        import torch

        squares = self._each_loss(network, x)
        if self.nu is None:
            return squares.mean()
        limit = torch.quantile(squares.detach(), 1 - self.nu)
        return limit + (squares - limit).clamp(min=0).mean() / self.nu

    def score_samples(self, X: Any) -> Floats:
        """Return ``(n,)`` negative distances to the centre; lower is stranger."""
        found: Floats = -np.sqrt(self._map(self._each_loss, self._read(X)))
        return found
