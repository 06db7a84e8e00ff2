"""N-BEATS: blocks of dense layers that explain the history bit by bit and add up their forecasts.

Oreshkin, Carpov, Chapados and Bengio (2020), N-BEATS: neural basis expansion analysis for interpretable time series
forecasting.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_choice, check_int
from neuroloom.core.errors import NotSupportedError
from neuroloom.nets.deep_forecaster import DeepForecaster
from neuroloom.nets.deep_network import DeepNetwork

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False)
class NBEATS(DeepNetwork):
    """Doubly residual stacks: each block takes what it explains from the history and adds to the forecast.

    A block is four dense layers and, from their output, coefficients θ of a basis over the history and over the steps
    ahead. The bases are learned (``"generic"``) or, for ``"interpretable"``, polynomials of time in a first stack
    and sines and cosines in a second, whose parts :meth:`NBEATSForecaster.parts` gives.

    Args:
        form: ``"generic"`` or ``"interpretable"``.
        blocks: in a stack (``"generic"``: in all), at least 1.
        width: units of the dense layers, at least 1.
        coefficients: of a learned basis, at least 1.
        degree: of the trend's polynomials, at least 0.

    Differences: by default blocks are fewer and narrower than the paper's 30 of 512, which is for thousands of series,
    and members are one rather than 180.

    Raises:
        InputError: a parameter is out of range.

    Source: Oreshkin, Carpov, Chapados and Bengio (2020), N-BEATS, sections 3.1 to 3.3.
    """

    form: str = "generic"
    blocks: int = 3
    width: int = 64
    coefficients: int = 16
    degree: int = 2
    _: KW_ONLY
    clip_norm: float | None = 1.0

    takes: ClassVar[tuple[int, ...]] = (1,)

    def _network(self, shape: tuple[int, ...], answers: int) -> torch.nn.Module:
        from neuroloom.nets._layers.forecasting import ResidualStacks

        return ResidualStacks(
            shape[0],
            shape[1],
            answers,
            check_choice("form", self.form, ("generic", "interpretable")) == "interpretable",
            check_int("blocks", self.blocks),
            check_int("width", self.width),
            check_int("coefficients", self.coefficients),
            check_int("degree", self.degree, 0),
        )


@dataclass(eq=False, repr=False)
class NBEATSForecaster(DeepForecaster, NBEATS):
    """Forecaster by doubly residual stacks (:class:`NBEATS`); further channels are read beside the first."""

    def parts(self, X: Any) -> NDArray[np.float64]:
        """Return ``(n, 2, horizon)``: trend and season of each forecast, of the first member.

        Their sum is the forecast, or, where the logarithm is learned, its logarithm; the window's level is in the
        trend.

        Raises:
            NotSupportedError: the form is not ``"interpretable"``.
        """
        import torch

        if self.form != "interpretable":
            raise NotSupportedError("only form='interpretable' has a trend and a season; fit with it.")
        inputs, levels = self._inputs(self._read_origins(X))
        network, batches = next(iter(self._each_member(inputs)))
        with torch.inference_mode():
            made = torch.cat([torch.stack(network.parts(batch), 1) for batch in batches])
        found: NDArray[np.float64] = made.double().cpu().numpy() * self.size_
        found[:, 0] += levels[:, None]
        return found
