"""PatchTST: a Transformer over patches of the history.

Nie, Nguyen, Sinthong and Kalagnanam (2023), A time series is worth 64 words: long-term forecasting with Transformers.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.nets.deep_forecaster import DeepForecaster
from neuroloom.nets.deep_network import DeepNetwork

if TYPE_CHECKING:
    import torch

PATCHES = 8  # that patch="auto" makes, half overlapping


@dataclass(eq=False, repr=False)
class PatchTST(DeepNetwork):
    """Transformer encoder over overlapping patches, each channel read by the same weights; a linear map of all answers.

    Args:
        width: of the vectors, an even number, at least 2.
        heads: attention heads, a divisor of ``width``, at least 1.
        layers: attention blocks, at least 1.
        patch: values in a patch, at least 1; neighbours share half of them. ``"auto"``: so many as make 8 patches.
        dropout: share of units left out in training, in [0, 1).

    Differences: layer norms before each part rather than batch norms after it; the map to the answers sees all
    channels, since only the first is forecast.

    Raises:
        InputError: a parameter is out of range.

    Source: Nie, Nguyen, Sinthong and Kalagnanam (2023), PatchTST, section 3.
    """

    width: int = 32
    heads: int = 4
    layers: int = 2
    patch: int | str = "auto"
    dropout: float = 0.2
    _: KW_ONLY
    clip_norm: float | None = 1.0

    takes: ClassVar[tuple[int, ...]] = (1,)

    def _network(self, shape: tuple[int, ...], answers: int) -> torch.nn.Module:
        from neuroloom.nets._layers.forecasting import PatchAttention

        width, heads = check_int("width", self.width, 2), check_int("heads", self.heads)
        if width % 2 or width % heads:
            raise InputError(f"`width` must be even and a multiple of `heads`, but got {width} and {heads}.")
        if isinstance(self.patch, str):
            check_choice("patch", self.patch, ("auto",))
            patch = max(2, -(-2 * shape[1] // (PATCHES + 1)))
        else:
            patch = check_int("patch", self.patch)
        return PatchAttention(
            shape[0],
            shape[1],
            min(patch, shape[1]),
            width,
            heads,
            check_int("layers", self.layers),
            check_float("dropout", self.dropout, 0, 1, open_high=True),
            answers,
        )


@dataclass(eq=False, repr=False)
class PatchTSTForecaster(DeepForecaster, PatchTST):
    """Forecaster by attention between the patches of a window (:class:`PatchTST`)."""
