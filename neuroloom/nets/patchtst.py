"""PatchTST: a Transformer over patches of the history, which adds to a linear map of it what it proves to know better.

Nie, Nguyen, Sinthong and Kalagnanam (2023), A time series is worth 64 words: long-term forecasting with Transformers;
Toner and Darlow (2024), An analysis of linear time series forecasting models (the linear map in closed form); Haugsdal,
Aune and Ruocco (2023), Persistence Initialization (a network that begins as a simpler forecaster).
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.origins import OriginSet
from neuroloom.nets.deep_forecaster import DeepForecaster, Floats, Floats32
from neuroloom.nets.deep_network import DeepNetwork

if TYPE_CHECKING:
    import torch

PATCHES = 8  # that patch="auto" makes, half overlapping


@dataclass(eq=False, repr=False)
class PatchTST(DeepNetwork):
    """Transformer encoder over overlapping patches, each channel read by the same weights; a linear map of all answers.

    With ``linear_skip`` the network's answer f(x) is added to that of a linear map of the whole window:

        ŷ = W x + b + f(x),

    ``W`` and ``b`` by ridge regression, and f begins as zero (its last weights are) and learns what they leave. Each
    member is stopped on a block of origins of its own, so f stays small where attention proves nothing.

    Args:
        width: of the vectors, an even number, at least 2.
        heads: attention heads, a divisor of ``width``, at least 1.
        layers: attention blocks, at least 1.
        patch: values in a patch, at least 1; neighbours share half of them. ``"auto"``: so many as make 8 patches.
        dropout: share of units left out in training, in [0, 1).
        linear_skip: whether the network adds to a linear map, and the last value of a window is its level; without it
            the network answers alone, which is the published form.

    Differences: layer norms before each part rather than batch norms after it; the map to the answers sees all
    channels, since only the first is forecast; ``linear_skip``, several members and their size, which are for series of
    some hundred values. The published form: ``linear_skip=False, early_stopping=False, members=1``.

    Raises:
        InputError: a parameter is out of range.

    Source: Nie, Nguyen, Sinthong and Kalagnanam (2023), PatchTST, section 3; Toner and Darlow (2024) for the linear map
    in closed form; Haugsdal, Aune and Ruocco (2023) for the network that begins as a simpler forecaster.
    """

    width: int = 16
    heads: int = 4
    layers: int = 1
    patch: int | str = "auto"
    dropout: float = 0.2
    linear_skip: bool = True
    _: KW_ONLY
    clip_norm: float | None = 1.0
    early_stopping: bool = True
    patience: int = 20
    members: int = 5

    takes: ClassVar[tuple[int, ...]] = (1,)

    def _network(self, shape: tuple[int, ...], answers: int) -> torch.nn.Module:
        import torch

        from neuroloom.nets._layers.forecasting import PatchAttention

        width, heads = check_int("width", self.width, 2), check_int("heads", self.heads)
        if width % 2 or width % heads:
            raise InputError(f"`width` must be even and a multiple of `heads`, but got {width} and {heads}.")
        if isinstance(self.patch, str):
            check_choice("patch", self.patch, ("auto",))
            patch = max(2, -(-2 * shape[1] // (PATCHES + 1)))
        else:
            patch = check_int("patch", self.patch)
        network = PatchAttention(
            shape[0],
            shape[1],
            min(patch, shape[1]),
            width,
            heads,
            check_int("layers", self.layers),
            check_float("dropout", self.dropout, 0, 1, open_high=True),
            answers,
        )
        if self.linear_skip:
            torch.nn.init.zeros_(network.head.weight)
            torch.nn.init.zeros_(network.head.bias)
        return network


@dataclass(eq=False, repr=False)
class PatchTSTForecaster(DeepForecaster, PatchTST):
    """Forecaster by attention between the patches of a window, beside a linear map of it (:class:`PatchTST`).

    Attributes:
        coef_: ``(channels · lags, horizon)`` and ``intercept_``: ``(horizon,)``, the linear map of the scaled windows
            in the unit of the series or of its logarithm. ridge_: its penalty a sample. All with ``linear_skip``.
    """

    def _level(self, windows: Floats) -> Floats:
        return windows[..., -1] if self.linear_skip else super()._level(windows)

    def _base(self, inputs: Floats) -> Floats | float:
        if not self.linear_skip:
            return super()._base(inputs)
        found: Floats = _flat(self._read(inputs)) @ self.coef_ + self.intercept_
        return found

    def _unanswered(
        self, scaled: Floats32, steps: Floats, origins: OriginSet, learned: NDArray[np.bool_]
    ) -> Floats:
        """Return what a linear map of the ``learned`` rows leaves; of all rows, the map that answers later."""
        if not self.linear_skip:
            return steps
        from neuroloom.nets._linear_skip import choose_ridge, fit_linear

        windows, everything = _flat(scaled), bool(learned.all())
        if everything:
            self.ridge_ = choose_ridge(windows, steps, origins.origins, self.horizon_)
        (coef,), (intercept,) = fit_linear(windows[learned], steps[learned], np.array([self.ridge_]))
        if everything:
            self.coef_, self.intercept_ = coef, intercept
        found: Floats = steps - windows @ coef - intercept
        return found


def _flat(windows: NDArray[Any]) -> Floats:
    """Return ``(n, channels, lags)`` windows as rows of numbers."""
    return windows.reshape(len(windows), -1).astype(np.float64)
