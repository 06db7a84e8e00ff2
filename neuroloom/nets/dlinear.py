"""DLinear: a linear map of the trend and one of the rest, the baseline that a Transformer must beat.

Zeng, Chen, Zhang and Xu (2023), Are Transformers effective for time series forecasting?
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar

from neuroloom.core.checks import check_int
from neuroloom.nets.deep_forecaster import DeepForecaster
from neuroloom.nets.deep_network import DeepNetwork

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False)
class DLinear(DeepNetwork):
    """Decomposition and two linear maps: ŷ = W_t · MA(x) + W_s · (x − MA(x)), MA a moving average.

    Args:
        kernel: steps of the moving average, at least 1.

    Raises:
        InputError: a parameter is out of range.

    Source: Zeng, Chen, Zhang and Xu (2023), Are Transformers effective for time series forecasting?, section 4.
    """

    kernel: int = 25
    _: KW_ONLY
    learning_rate: float = 0.005

    takes: ClassVar[tuple[int, ...]] = (1,)

    def _network(self, shape: tuple[int, ...], answers: int) -> torch.nn.Module:
        from neuroloom.nets._layers.forecasting import LinearDecomposition

        return LinearDecomposition(shape[0], shape[1], check_int("kernel", self.kernel), answers)


@dataclass(eq=False, repr=False)
class DLinearForecaster(DeepForecaster, DLinear):
    """Forecaster by linear maps of trend and rest (:class:`DLinear`); further channels are read beside the first."""
