"""VQ-VAE: an autoencoder whose code is words from a book of vectors.

van den Oord, Vinyals and Kavukcuoglu (2017), Neural discrete representation learning (eq. 3 and appendix A.1, the book
as moving averages); Dhariwal et al. (2020), Jukebox (words that nobody uses begin anew at a sample).
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.nets.coding import CodingNetwork
from neuroloom.nets.detector_role import Detector
from neuroloom.nets.unlabelled import Floats

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False)
class VQVAE(CodingNetwork):
    """Vector-quantised autoencoder of rows, series or pictures: the code is a few words out of a book.

    The encoder's answer is cut into pieces ``z`` of ``width`` numbers, and each becomes the nearest word ``e`` of the
    book. It minimises the mean squared error plus ``β ‖z - e‖²`` over the numbers of the code; the gradient passes from
    the decoder straight to ``z``, and each word follows the mean of the pieces that chose it. The features are the
    words' vectors; ``tokens`` gives their places in the book.

    Args:
        width: numbers in a word, at least 1, which divide ``code``; ``"auto"``: 4, or what divides the code.
        book: words in the book, at least 2.
        commitment: ``β``, at least 0.
        decay: share of the past in the moving averages that are the words, in [0, 1).

    Attributes:
        weights_: name → array, ``quantizer.book (book, width)`` among them; ``history_``; ``best_epoch_``;
        ``n_parameters_``; ``origin_`` and ``scale_`` of each column or channel.

    Raises:
        InputError: a parameter is out of range.

    Source: van den Oord et al. (2017).
    """

    _: KW_ONLY
    width: int | str = "auto"
    book: int = 64
    commitment: float = 0.25
    decay: float = 0.97

    def _build(self) -> torch.nn.Module:
        from neuroloom.nets._layers.quantizer import Quantizer

        code = self._width()
        width = self.width
        if isinstance(width, str):
            if width != "auto":
                raise InputError(f"`width` must be a whole number or 'auto', but got {width!r}.")
            width = next(w for w in (4, 3, 2, 1) if code % w == 0)
        check_int("width", width)
        if code % width:
            raise InputError(
                f"words of {width} numbers do not fill a code of {code}; pass a `code` that {width} divides."
            )
        check_int("book", self.book, 2)
        check_float("commitment", self.commitment, 0)
        check_float("decay", self.decay, 0, 1, open_high=True)
        network = super()._build()
        network.quantizer = Quantizer(self.book, width, self.decay)
        return network

    def _loss(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        z = network.encoder(x)
        words, _ = network.quantizer(z)
        loss: torch.Tensor = (network.decoder(z + (words - z).detach()) - x).square().mean()
        return loss + self.commitment * (z - words).square().mean()

    def _encode(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        words: torch.Tensor = network.quantizer(network.encoder(x))[0]
        return words

    def _keep(self, network: torch.nn.Module) -> None:
        super()._keep(network)
        self.n_parameters_ += self.weights_["quantizer.book"].size

    def tokens(self, X: Any) -> NDArray[np.int64]:
        """Return ``(n, code / width)`` places in the book of each sample's words."""
        found = self._map(lambda net, x: net.quantizer(net.encoder(x))[1].float(), self._read(X))
        return found.astype(np.int64)


@dataclass(eq=False, repr=False)
class VQVAEDetector(Detector, VQVAE):
    """Detector of outliers by the reconstruction error of a vector-quantised autoencoder (:class:`VQVAE`)."""

    def score_samples(self, X: Any) -> Floats:
        """Return ``(n,)`` minus the mean squared error of each sample's reconstruction, scaled as in the fit."""
        return -self.reconstruction_error(X)
