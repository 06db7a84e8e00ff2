"""GAN: a generator that learns to draw samples which a critic cannot tell from real ones; of tables and small pictures.

Goodfellow et al. (2014), Generative adversarial nets; Radford, Metz and Chintala (2016), Unsupervised representation
learning with deep convolutional generative adversarial networks (DCGAN); Gulrajani, Ahmed, Arjovsky, Dumoulin and
Courville (2017), Improved training of Wasserstein GANs (WGAN-GP); Huang, Gokaslan, Kuleshov and Tompkin (2024), The
GAN is dead; long live the GAN (relativistic loss with both gradient penalties); Xu et al. (2019), Modeling tabular
data using conditional GAN (the encoding of columns); Mirza and Osindero (2014), Conditional generative adversarial
nets; Naeem et al. (2020), Reliable fidelity and diversity metrics (coverage).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checkpoints import digest, kept_here
from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.seeding import as_seed, derive, stream
from neuroloom.nets._mode_encoding import Column, decode, encode, learn_columns, sizes
from neuroloom.nets.class_conditions import ConditionalSampler
from neuroloom.nets.encoding import whole_numbers
from neuroloom.nets.sample_quality import coverage
from neuroloom.nets.unlabelled import Floats

if TYPE_CHECKING:
    import torch

PENALTY = {"logistic": 0.1, "relativistic": 0.1, "wasserstein": 1.0}
_LOOKED_AT = 1000  # training samples that tell whether the generator has collapsed
_COLLAPSED = 0.7  # share of them that drawn ones must come near


class CollapseWarning(UserWarning):
    """A generator draws samples near a part of the training samples only."""


@dataclass(eq=False, repr=False)
class GAN(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ConditionalSampler):  # type: ignore[misc]
    """Generative adversarial network of tables and small pictures, which draws new samples (``sample``).

    ``G(z)``, ``z ~ N(0, I)``, is a sample; the critic ``D`` tells real from drawn, and the generator learns what
    deceives it. Dense nets for tables, whose columns it draws by their modes; convolutional ones for pictures and
    series. The features (``transform``) are the critic's last hidden layer. The kept generator is the moving average
    over training. With ``conditional`` generator and critic see the class of a sample; a critic that is asked for
    features is told none.

    Args:
        noise: numbers in ``z``, at least 1.
        loss: ``"relativistic"`` with gradient penalties on real and drawn samples; ``"wasserstein"``: WGAN-GP;
            ``"logistic"``: the first one, not saturating, with a penalty on real samples.
        hidden: units of each hidden layer of dense nets, each at least 1.
        filters: of each convolution, each at half the size of the one before, of nets of pictures and series.
        penalty: weight of the gradient penalty, at least 0; None takes 1 for ``"wasserstein"``, else 0.1.
        critic_steps: of the critic before each of the generator, at least 1.
        modes: most modes of a column, which are found by a mixture of normals, at least 2; 0 draws scaled columns as
            they are. A column of no more different values than that is drawn among these. Tables only.
        average: share of the past in the moving average of the generator's weights, in [0, 1).

    Attributes:
        weights_: name → array; ``coverage_``: share of training samples near which a drawn sample falls (nearer than
            the 50th part of the training samples), 1 at best; ``history_`` with the critic's loss; ``columns_``: what
            the columns are made of; ``n_parameters_``; ``origin_`` and ``scale_`` of each column or channel.

    Raises:
        InputError: a parameter is out of range.

    Source: Goodfellow et al. (2014); Gulrajani et al. (2017); Huang et al. (2024); Xu et al. (2019) for the columns.

    Differences:
        No batch normalisation in the pictures' nets, which Radford et al. have in both; the loss needs none.
    """

    noise: int = 16
    loss: str = "relativistic"
    hidden: Sequence[int] | int = (128, 128)
    filters: Sequence[int] | int = (32, 64)
    _: KW_ONLY
    penalty: float | None = None
    critic_steps: int = 1
    modes: int = 10
    average: float = 0.999
    batch_size: int = 256
    learning_rate: float = 0.001

    def _steps(self) -> int:
        return 3000

    def _plan(self, shape: tuple[int, ...], activation: str) -> Any:
        from neuroloom.nets._layers.coders import Plan

        hidden, filters = whole_numbers("hidden", self.hidden), whole_numbers("filters", self.filters)
        form = "conv" if len(shape) > 1 else "dense"
        return Plan(form, shape, hidden, filters, 3 if len(shape) == 3 else 7, 1, 1, activation)

    def _build(self) -> torch.nn.Module:
        from torch import nn

        from neuroloom.nets._layers.adversarial import LOSSES, ModeHead, Told
        from neuroloom.nets._layers.coders import decoder, encoder

        check_int("noise", self.noise)
        check_choice("loss", self.loss, LOSSES)
        check_int("critic_steps", self.critic_steps)
        check_float("average", self.average, 0, 1, open_high=True)
        if self.penalty is not None:
            check_float("penalty", self.penalty, 0)
        shape = self.shape_
        if self.columns_ is not None:
            shape = (sum(modes + offset for modes, offset in sizes(self.columns_)),)
        network, classes = nn.Module(), len(self.classes_) if self.conditional else 0
        network.generator = decoder(self._plan(shape, "relu"), self.noise + classes)
        if self.columns_ is not None:
            network.generator.append(ModeHead(sizes(self.columns_)))
        if classes:
            network.generator = Told(network.generator, classes)
        network.critic = encoder(self._plan((shape[0] + classes, *shape[1:]), "leaky-relu"), 1)
        return network

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from samples, with ``conditional`` together with their classes.

        Args:
            X: ``(n, features)`` rows, ``(n, channels, height, width)`` pictures or ``(n, channels, length)`` series.
            y: ``(n,)`` classes, for ``conditional``.

        Raises:
            InputError: a parameter is out of range, or the samples are not usable.

        Warns:
            CollapseWarning: drawn samples are near a part of the training samples only.
        """
        import torch

        from neuroloom.core.devices import resolve_device
        from neuroloom.nets._layers.adversarial import Terms, learn, with_class

        values = self._learn_shape(X)
        kinds = self._one_hot(self._learn_classes(y, len(values)))
        self._check_common()
        check_int("modes", self.modes, 0)
        self.seed_ = as_seed(self.random_state)
        device = resolve_device(self.device)
        self.columns_: list[Column] | None = None
        given = values
        if len(self.shape_) == 1 and self.modes:
            self.columns_ = learn_columns(
                values, check_int("modes", self.modes, 2), derive(self.seed_, "columns")
            )
            given = encode(values, self.columns_, stream(self.seed_, "encoding"))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(self.seed_, "weights"))
            network = self._build().to(device)
            x = torch.from_numpy(given.astype(np.float32)).to(device)
            if kinds is not None:
                x = with_class(x, torch.from_numpy(kinds).to(device))
            steps = self._steps()
            if not isinstance(self.epochs, str):
                steps = max(1, self.epochs * len(x) // min(self.batch_size, len(x)))
            penalty = PENALTY[self.loss] if self.penalty is None else float(self.penalty)
            terms = Terms(
                self.loss,
                penalty,
                steps,
                self.critic_steps,
                self.batch_size,
                self.learning_rate,
                self.average,
                0 if kinds is None else kinds.shape[1],
            )
            torch.manual_seed(derive(self.seed_, "train"))
            kept = kept_here(f"{digest(self, x.cpu().numpy())} {self.seed_}")
            self.history_ = learn(network, self.noise, x, terms, kept)
        self._keep(network)
        some = values[stream(self.seed_, "coverage").permutation(len(values))[:_LOOKED_AT]]
        drawn = self._draw(len(some), derive(self.seed_, "drawn"), None)
        self.coverage_ = coverage(some, drawn, max(5, len(some) // 50))
        if self.coverage_ < _COLLAPSED:
            warnings.warn(
                f"the generator has collapsed: what it draws comes near only {self.coverage_:.0%} of the training "
                "samples. Train it longer (`epochs`), with a larger `penalty`, or with loss='relativistic'.",
                CollapseWarning,
                stacklevel=2,
            )
        return self

    def _draw(self, n: int, seed: int, y: Any) -> Floats:
        """Return ``n`` scaled samples, of the classes ``y``."""
        import torch

        kinds = self._one_hot(self._classes_to_draw(y, n, seed))
        network = self.torch_module()
        device = next(network.parameters()).device
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            z = torch.randn(n, self.noise)
            if kinds is not None:
                z = torch.cat([z, torch.from_numpy(kinds)], dim=1)
            made: Floats = network.generator(z.to(device)).double().cpu().numpy()
        if kinds is not None:
            made = made[:, : -kinds.shape[1]]
        return made if self.columns_ is None else decode(made, self.columns_)

    def sample(self, n: int = 1, random_state: Any = None, y: Any = None) -> Floats:
        """Return ``n`` new samples in the unit and shape of the training samples.

        Args:
            n: how many, at least 1.
            random_state: int, generator or None; None draws by the fit's own seed, so that the same come again.
            y: the class, or ``(n,)`` classes, of the samples, for ``conditional``; None draws them as often as they
                were met.

        Raises:
            InputError: ``y`` names what was not learned.
        """
        check_is_fitted(self)
        seed = self.seed_ if random_state is None else as_seed(random_state)
        return self._unscaled(self._draw(check_int("n", n), derive(seed, "sample"), y))

    def transform(self, X: Any) -> Floats:
        """Return the critic's last hidden layer for each sample, ``(n, units)``."""
        values = self._read(X)
        if self.columns_ is not None:
            values = encode(values, self.columns_)
        if self.conditional:
            values = np.concatenate(
                [values, np.zeros((len(values), len(self.classes_), *values.shape[2:]))], axis=1
            )
        return self._map(lambda net, x: net.critic[:-1](x), values)

    @property
    def _n_features_out(self) -> int:
        return int(self._build().critic[-1].in_features)
