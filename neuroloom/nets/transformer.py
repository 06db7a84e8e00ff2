"""Transformer encoder of series.

Vaswani et al. (2017), Attention is all you need; Zerveas et al. (2021), A transformer-based framework for multivariate
time series representation learning; Nie et al. (2023), A time series is worth 64 words (patches).
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.nets.deep_network import DeepNetwork
from neuroloom.nets.deep_roles import DeepClassifier, DeepFeatures, DeepRegressor

if TYPE_CHECKING:
    import torch

MOST_PATCHES = 64  # that patch="auto" leaves


@dataclass(eq=False, repr=False)
class Transformer(DeepNetwork):
    """Transformer encoder of series: patches attend to each other, layer by layer, and a pool over them answers.

    A patch of neighbouring values is mapped to a vector and gets the sinusoids of its place; a layer is self-attention
    and a dense network, each normalised before and added to its input (eqs. 1 and 2 of Vaswani et al.).

    Series may end in NaN, in all channels: what is padded is not attended to.

    Args:
        width: of the vectors, an even number, at least 2.
        heads: attention heads, a divisor of ``width``, at least 1.
        layers: attention blocks one after the other, at least 1.
        patch: neighbouring values in a patch, at least 1; ``"auto"``: as few as leave 64 patches.
        dropout: share of units left out in training, in [0, 1).
        pooling: what of all patches answers: ``"mean"``, ``"max"``, ``"mean-max"``, ``"last"`` or ``"attention"``.

    Attributes:
        weights_: for each member name → array; ``history_`` of the first member; ``n_parameters_``.

    Raises:
        InputError: a parameter is out of range, or ``heads`` does not divide ``width``.

    Source: Vaswani et al. (2017); Zerveas et al. (2021); Nie et al. (2023); Xiong et al. (2020) for the norm's place.
    """

    width: int = 64
    heads: int = 4
    layers: int = 2
    patch: int | str = "auto"
    dropout: float = 0.1
    pooling: str = "mean"
    _: KW_ONLY
    clip_norm: float | None = 1.0

    takes: ClassVar[tuple[int, ...]] = (1,)
    takes_padding: ClassVar[bool] = True

    def _encoder(self, shape: tuple[int, ...]) -> torch.nn.Module:
        from neuroloom.nets._layers.pooling import POOLS
        from neuroloom.nets._layers.temporal import TransformerEncoder

        width, heads = check_int("width", self.width, 2), check_int("heads", self.heads)
        if width % 2 or width % heads:
            raise InputError(f"`width` must be even and a multiple of `heads`, but got {width} and {heads}.")
        if isinstance(self.patch, str):
            check_choice("patch", self.patch, ("auto",))
            patch = -(-shape[1] // MOST_PATCHES)
        else:
            patch = check_int("patch", self.patch)
        check_choice("pooling", self.pooling, POOLS)
        dropout = check_float("dropout", self.dropout, 0, 1, open_high=True)
        return TransformerEncoder(
            shape[0],
            patch,
            -(-shape[1] // patch),
            width,
            heads,
            check_int("layers", self.layers),
            dropout,
            self.pooling,
        )

    def attention(self, X: Any, member: int = 0) -> NDArray[np.float64]:
        """Return what the patches of each series attend to.

        Args:
            X: ``(n, channels, length)`` series.
            member: which of the ensemble, from 0.

        Returns:
            ``(layers, n, heads, patches, patches)`` weights; those of a row sum to 1.
        """
        import torch

        module = self.torch_module(member)
        with torch.inference_mode():
            x = torch.from_numpy(self._read(X)).to(next(module.parameters()).device)
            found: NDArray[np.float64] = module.encoder.attention(x).double().cpu().numpy()
        return found

    def attended(self, X: Any, samples: int = 5, most: int = 6) -> list[tuple[str, list[tuple[str, float]]]]:
        """Return of the first samples of ``X`` which stretches are attended to most, the mean over all that attend.

        Args:
            X: ``(n, channels, length)`` series.
            samples: of how many, at most.
            most: how many stretches of each.
        """
        rows = np.arange(min(samples, len(X)))
        weights = self.attention(X[rows]).mean(axis=(0, 2, 3))
        found = []
        for row, own in zip(rows, weights, strict=True):
            order = np.argsort(-own, kind="stable")[:most]
            told = [(f"{k * self.patch + 1}–{(k + 1) * self.patch}", float(own[k])) for k in order]
            found.append((f"test sample {row + 1}", told))
        return found


@dataclass(eq=False, repr=False)
class TransformerClassifier(DeepClassifier, Transformer):
    """Classifier of series by a Transformer encoder (:class:`Transformer`)."""


@dataclass(eq=False, repr=False)
class TransformerRegressor(DeepRegressor, Transformer):
    """Regressor of series by a Transformer encoder (:class:`Transformer`)."""


@dataclass(eq=False, repr=False)
class TransformerFeatures(DeepFeatures, Transformer):
    """Features of series from the pooled patches of a Transformer encoder (:class:`Transformer`)."""
