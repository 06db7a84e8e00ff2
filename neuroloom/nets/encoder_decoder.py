"""LSTM encoder-decoder with MC dropout and prediction intervals in three parts.

Zhu and Laptev (2017), Deep and confident prediction for time series at Uber; Gal and Ghahramani (2016), Dropout as a
Bayesian approximation, and A theoretically grounded application of dropout in recurrent neural networks.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.answers import Judged
from neuroloom.core.checkpoints import digest
from neuroloom.core.checks import check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.forecasting import LEVELS, normal_quantiles
from neuroloom.core.origins import OriginSet
from neuroloom.core.seeding import derive, stream
from neuroloom.nets.deep_forecaster import DeepForecaster
from neuroloom.nets.deep_network import DeepNetwork, Floats32

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float64]


@dataclass(eq=False, repr=False)
class EncoderDecoder(DeepNetwork):
    """LSTM encoder whose last state a decoder unrolls into the steps ahead, and a dense network upon that state.

    Encoder and decoder learn first; then the dense network learns to answer from the encoder's state and from the
    outside variables of the steps ahead, the encoder standing still. Units are left out in both, also when answering.

    Args:
        units: of the encoder's two layers, each at least 1.
        hidden: units of the dense network's layers, each at least 1.
        dropout: share of units left out, in [0, 1).
        draws: thinned networks that answer, at least 2.

    Differences: the paper's 128 and 32 units, and dense layers of 128, 64 and 16, are for series by the thousand; the
    defaults here are smaller.

    Raises:
        InputError: a parameter is out of range.

    Source: Zhu and Laptev (2017), Deep and confident prediction for time series at Uber, section 3 and algorithm 2.
    """

    units: tuple[int, int] | list[int] = (32, 16)
    hidden: tuple[int, ...] | list[int] = (32, 16)
    dropout: float = 0.05
    draws: int = 50
    _: KW_ONLY
    learning_rate: float = 0.005
    clip_norm: float | None = 1.0

    takes: ClassVar[tuple[int, ...]] = (1,)


@dataclass(eq=False, repr=False)
class EncoderDecoderForecaster(DeepForecaster, EncoderDecoder):
    """Forecaster by an LSTM encoder-decoder (:class:`EncoderDecoder`) whose intervals have three parts.

    The variance of a forecast is that of the answers of thinned networks, η₁², and that of the noise, η₂², the mean
    squared error at the latest origins, which a first fit does not see (algorithm 2). Of η₁² that which thinning of the
    dense network alone makes is the model's uncertainty; what thinning of the encoder adds is the misspecification,
    which the paper means to grow where a history is unlike those of training.

    Attributes:
        noise_: ``(horizon,)`` η₂, in the unit of the series or of its logarithm.
    """

    def _network(self, shape: tuple[int, ...], answers: int) -> torch.nn.Module:
        from neuroloom.nets._layers.encoder_decoder import EncoderDecoderNetwork

        units = tuple(check_int("units", u) for u in self.units)
        if len(units) != 2:
            raise InputError(f"`units` must be two numbers, one a layer, but got {self.units!r}.")
        check_int("draws", self.draws, 2)
        hidden = tuple(check_int("hidden", h) for h in self.hidden)
        dropout = check_float("dropout", self.dropout, 0, 1, open_high=True)
        if self.variables_ and shape[1] < answers:
            raise InputError(
                f"with variables known in advance `lags` must be at least the horizon {answers}, but is {shape[1]}."
            )
        return EncoderDecoderNetwork(shape[0], units, hidden, self.variables_, answers, dropout)

    def _parts(self, origins: OriginSet, member: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Hold nothing out: the two phases of training have no epoch in common to choose."""
        none = np.zeros(len(origins), dtype=bool)
        return ~none, none

    def _train(
        self,
        answers: Judged,
        values: Floats32,
        target: NDArray[Any],
        valid: tuple[Floats32, NDArray[Any]] | None,
        seed: int,
    ) -> None:
        """Train encoder and decoder, then the network that answers."""
        import torch

        from neuroloom.core.devices import resolve_device
        from neuroloom.core.training import train

        device = resolve_device(self.device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(seed, "weights"))
            network = self._network(self.shape_, self.n_answers_).to(device)
        x = torch.from_numpy(values).to(device)
        losses = answers._losses(target, device)
        config = self._config(len(values), False)
        trained = 0
        history: list[dict[str, float]] = []
        for phase in ("decoder", "predict"):
            for name, weight in network.named_parameters():
                weight.requires_grad_(name.startswith("predict") == (phase == "predict"))

            def loss(net: Any, rows: Any, decoding: bool = phase == "decoder") -> torch.Tensor:
                return losses(net.decoded(x[rows]) if decoding else net(x[rows]), rows)

            still = {n: 0.0 for n, p in network.named_parameters() if p.requires_grad and p.ndim < 2}
            result = train(network, loss, config=config, n_samples=len(values), seed=derive(seed, phase),
                           decay_scale=still, samples=digest(self, values, target))  # fmt: skip
            past = history[-1] if history else {"step": 0, "seconds": 0.0}
            history += [
                {**point, "step": point["step"] + past["step"], "seconds": point["seconds"] + past["seconds"]}
                for point in result.history
            ]
            trained += sum(p.numel() for p in network.parameters() if p.requires_grad)
        self.weights_.append({k: v.detach().cpu().numpy().copy() for k, v in network.state_dict().items()})
        self.history_ = self.history_ or history
        self.best_epochs_.append(config.epochs)
        self.n_parameters_ = trained * self.members
        self.seed_ = derive(seed, "masks")

    def _draw(self, inputs: Floats, encoder: bool) -> Floats:
        """Return ``(members · draws, n, horizon)`` answers of thinned networks, in units of ``size_``.

        A mask is the same for every sample, so that a sample's answer does not depend on its neighbours.

        Args:
            inputs: windows as :meth:`_inputs` gives them.
            encoder: whether units of the encoder are left out, too.
        """
        import torch

        made = []
        for member, (network, batches) in enumerate(self._each_member(inputs)):
            for draw in range(self.draws):
                for part in (True, False):
                    rng = stream(self.seed_, "mask", member, draw, part)
                    for layer in network.drops(part):
                        kept = rng.random(layer.width) >= layer.share
                        mask = torch.as_tensor(kept / (1 - layer.share), dtype=torch.float32)
                        layer.mask = mask.to(batches[0].device) if encoder or not part else None
                with torch.inference_mode():
                    made.append(torch.cat([network(batch) for batch in batches]).double().cpu().numpy())
        return np.stack(made)

    def _calibrate(self, origins: OriginSet, values: Floats) -> None:
        inputs, levels = self._inputs(origins)
        steady = (np.log(values) if self.log_ else values) - levels[:, None]
        missed = steady - self.size_ * self._draw(inputs, encoder=True).mean(axis=0)
        self.noise_ = np.sqrt((missed**2).mean(axis=0))

    def predict(self, X: Any) -> Floats:
        """Return ``(n, horizon)`` values: the mean of the thinned networks' answers."""
        inputs, levels = self._inputs(self._read_origins(X))
        return self._back(self._draw(inputs, encoder=True).mean(axis=0), levels)

    def uncertainty(self, X: Any) -> dict[str, Floats]:
        """Return ``(n, horizon)`` standard deviations ``model``, ``misspecification``, ``noise`` and their ``total``.

        They are in the unit of the series, or of its logarithm where that is learned; squares add up.
        """
        inputs, _ = self._inputs(self._read_origins(X))
        whole = self._draw(inputs, encoder=True).var(axis=0)
        model = np.minimum(self._draw(inputs, encoder=False).var(axis=0), whole)
        return {
            "model": self.size_ * np.sqrt(model),
            "misspecification": self.size_ * np.sqrt(whole - model),
            "noise": np.broadcast_to(self.noise_, whole.shape).copy(),
            "total": np.sqrt(self.size_**2 * whole + self.noise_**2),
        }

    def predict_quantiles(self, X: Any, levels: Any = LEVELS) -> Floats:
        """Return ``(n, horizon, levels)`` quantiles of normals with the variance η₁² + η₂²."""
        inputs, base = self._inputs(self._read_origins(X))
        drawn = self.size_ * self._draw(inputs, encoder=True)
        spread = np.sqrt(drawn.var(axis=0) + self.noise_**2)
        steady = drawn.mean(axis=0) + base[:, None]
        found = normal_quantiles(steady, spread, levels)
        return np.exp(found) if self.log_ else found
