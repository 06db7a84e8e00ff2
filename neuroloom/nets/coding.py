"""What the autoencoders share: coder and decoder, the code as features, the way back.

A model is a dataclass over :class:`CodingNetwork`, one a file; what it says is its network and its loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.errors import InputError
from neuroloom.nets.encoding import EncodingNetwork
from neuroloom.nets.unlabelled import Floats

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False)
class CodingNetwork(EncodingNetwork):
    """Base of the autoencoders over rows of a table, series and pictures; see :class:`EncodingNetwork`."""

    def _decode(self, network: Any, code: torch.Tensor) -> torch.Tensor:
        """Return scaled samples from their code."""
        found: torch.Tensor = network.decoder(code)
        return found

    def _build(self) -> torch.nn.Module:
        from neuroloom.nets._layers.coders import decoder

        network = super()._build()
        network.decoder = decoder(self._plan(), self._width())
        return network

    def _squared_error(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """Return the mean squared error of the reconstruction of each of the scaled samples ``x``."""
        gap = self._decode(network, self._encode(network, x)) - x
        found: torch.Tensor = gap.square().flatten(1).mean(1)
        return found

    def _each_loss(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        return self._squared_error(network, x)

    def inverse_transform(self, codes: Any) -> Floats:
        """Return the samples that codes ``(n, code)`` stand for, in the unit and shape of the training samples."""
        check_is_fitted(self)
        given = np.asarray(codes, dtype=np.float64)
        if given.ndim != 2 or given.shape[1] != self._n_features_out:
            raise InputError(f"expected codes of shape (n, {self._n_features_out}), but got {given.shape}.")
        return self._unscaled(self._map(self._decode, given))

    def reconstruct(self, X: Any) -> Floats:
        """Return each sample after coding and decoding, in its own unit and shape."""
        return self.inverse_transform(self.transform(X))

    def reconstruction_error(self, X: Any) -> Floats:
        """Return ``(n,)`` mean squared differences between samples and reconstructions, both scaled as in the fit."""
        return self._map(self._squared_error, self._read(X))
