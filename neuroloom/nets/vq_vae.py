"""VQ-VAE: an autoencoder whose code is words from a book of vectors.

van den Oord, Vinyals and Kavukcuoglu (2017), Neural discrete representation learning (eq. 3 and appendix A.1, the book
as moving averages; section 3.3, the prior); Dhariwal et al. (2020), Jukebox (words that nobody uses begin anew at a
sample).
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checkpoints import digest
from neuroloom.core.checks import check_float, check_int
from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.seeding import as_seed, derive
from neuroloom.nets.class_conditions import ConditionalSampler
from neuroloom.nets.coding import CodingNetwork
from neuroloom.nets.detector_role import Detector
from neuroloom.nets.unlabelled import Floats

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False)
class VQVAE(ConditionalSampler, CodingNetwork):
    """Vector-quantised autoencoder of rows, series or pictures: the code is a few words out of a book.

    The encoder's answer is cut into pieces ``z`` of ``width`` numbers, and each becomes the nearest word ``e`` of the
    book. It minimises the mean squared error plus ``β ‖z - e‖²`` over the numbers of the code; the gradient passes from
    the decoder straight to ``z``, and each word follows the mean of the pieces that chose it. The features are the
    words' vectors; ``tokens`` gives their places in the book.

    With ``prior`` a recurrent net then learns which words follow which, of each class if ``conditional``, and
    ``sample`` draws codes from it, word by word.

    Args:
        width: numbers in a word, at least 1, which divide ``code``; ``"auto"``: 4, or what divides the code.
        book: words in the book, at least 2.
        commitment: ``β``, at least 0.
        decay: share of the past in the moving averages that are the words, in [0, 1).
        prior: whether to learn how likely codes are, so that new samples can be drawn.

    Attributes:
        weights_: name → array, ``quantizer.book (book, width)`` among them; ``prior_weights_`` and ``prior_history_``
            with ``prior``; ``history_``; ``best_epoch_``; ``n_parameters_``; ``origin_`` and ``scale_`` of each column
            or channel.

    Raises:
        InputError: a parameter is out of range.

    Source: van den Oord et al. (2017).

    Differences:
        The prior is a gated recurrent unit over the words in their order, not a PixelCNN or WaveNet.
    """

    _: KW_ONLY
    width: int | str = "auto"
    book: int = 64
    commitment: float = 0.25
    decay: float = 0.97
    prior: bool = False

    def fit(self, X: Any, y: Any = None, eval_set: tuple[Any, Any] | None = None) -> Self:
        """Learn from samples and, with ``prior``, how likely their codes are, of each class of ``y`` if conditional.

        Arguments and errors are those of the other autoencoders.
        """
        if self.conditional and not self.prior:
            raise InputError("`conditional` is for samples that are drawn; pass prior=True with it.")
        kinds = self._learn_classes(y, len(X)) if self.conditional else None
        super().fit(X, y, eval_set)
        if self.prior:
            words = self.tokens(X)
            self._learn_prior(words, np.zeros(len(words), np.int64) if kinds is None else kinds)
        return self

    def _build_prior(self) -> torch.nn.Module:
        from neuroloom.nets._layers.code_prior import CodePrior

        length = self._width() // self.weights_["quantizer.book"].shape[1]
        return CodePrior(self.book, length, len(self.classes_) if self.conditional else 1)

    def _learn_prior(self, words: NDArray[np.int64], kinds: NDArray[np.int64]) -> None:
        import torch
        from torch.nn import functional

        from neuroloom.core.devices import resolve_device

        device = resolve_device(self.device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(self.seed_, "prior weights"))
            network = self._build_prior().to(device)
        known, of = torch.from_numpy(words).to(device), torch.from_numpy(kinds).to(device)

        def loss(net: Any, rows: Any) -> torch.Tensor:
            return functional.cross_entropy(net(known[rows], of[rows]).flatten(0, 1), known[rows].flatten())

        told = digest(self, words, kinds)
        self.prior_history_ = self._trained(network, loss, len(words), "prior", told).history
        self.prior_weights_ = {k: v.cpu().numpy().copy() for k, v in network.state_dict().items()}
        self.n_parameters_ += sum(w.size for w in self.prior_weights_.values())

    def sample(self, n: int = 1, random_state: Any = None, y: Any = None) -> Floats:
        """Return ``n`` new samples in the unit and shape of the training samples, their codes drawn from the prior.

        Args:
            n: how many, at least 1.
            random_state: int, generator or None; None draws by the fit's own seed, so that the same come again.
            y: the class, or ``(n,)`` classes, of the samples, for ``conditional``; None draws them as often as they
                were met.

        Raises:
            NotSupportedError: no prior was learned.
            InputError: ``y`` names what was not learned.
        """
        import torch

        check_is_fitted(self)
        if not self.prior:
            raise NotSupportedError(
                "how likely codes are was not learned; fit with prior=True to draw samples."
            )
        seed = self.seed_ if random_state is None else as_seed(random_state)
        kinds = self._classes_to_draw(y, n, seed)
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            network = self._build_prior()
            network.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in self.prior_weights_.items()})
            torch.manual_seed(derive(seed, "words"))
            words = network.eval().draw(torch.from_numpy(np.zeros(n, np.int64) if kinds is None else kinds))
        return self.inverse_transform(self.weights_["quantizer.book"][words.numpy()].reshape(n, -1))

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
