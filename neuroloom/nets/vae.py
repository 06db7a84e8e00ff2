"""VAE: an autoencoder whose code has a distribution, so that new samples can be drawn from it.

Kingma and Welling (2014), Auto-encoding variational Bayes; Rezende, Mohamed and Wierstra (2014), Stochastic
backpropagation and approximate inference in deep generative models; Higgins et al. (2017), beta-VAE; Lucas, Tucker,
Grosse and Norouzi (2019), Don't blame the ELBO (a learned variance and, with linear nets, probabilistic PCA); Rybkin,
Daniilidis and Levine (2021), Simple and effective VAE training with calibrated decoders; Burda, Grosse and
Salakhutdinov (2016), Importance weighted autoencoders (the likelihood's estimate); Ghosh, Sajjadi, Vergari, Black and
Schölkopf (2020), From variational to deterministic autoencoders (the density of the codes, learned afterwards).
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.seeding import as_seed, stream
from neuroloom.nets.class_conditions import ConditionalSampler
from neuroloom.nets.coding import CodingNetwork
from neuroloom.nets.detector_role import Detector
from neuroloom.nets.unlabelled import Floats

if TYPE_CHECKING:
    import torch

_LOOKED_AT = 1024  # training samples that tell which numbers of the code are in use


@dataclass(eq=False, repr=False)
class VAE(ConditionalSampler, CodingNetwork):
    """Variational autoencoder of rows, series or pictures, which draws new samples too.

    ``p(x) = ∫ p(x | z) N(z; 0, I) dz``. It maximises, with ``q(z | x) = N(m(x), diag s²(x))``, the mean over samples of
    ``E_q log p(x | z) - β KL(q(z | x), N(0, I))``, divided by the numbers in a sample. The features are the means
    ``m(x)``. With ``conditional`` the code of a class is the normal of its samples' codes, which is fitted afterwards.

    Args:
        beta: weight ``β`` of the divergence, at least 0; 1 is the evidence's lower bound.
        likelihood: of a number in a sample: ``"gaussian"``, normal around the decoder's answer with one variance, which
            is learned; ``"bernoulli"``, for numbers in 0 … 1 (with ``normalize="range"`` any are).

    Attributes:
        weights_: name → array; ``kl_``: ``(code,)`` mean divergence of each number of the code on training samples
            (near 0: the decoder does without it); ``variance_`` of the Gaussian likelihood in scaled units;
            ``history_``; ``best_epoch_``; ``n_parameters_``; ``origin_`` and ``scale_`` of each column or channel.

    Raises:
        InputError: a parameter is out of range, or numbers outside 0 … 1 meet the Bernoulli likelihood.

    Source: Kingma and Welling (2014); Higgins et al. (2017) for ``beta``; Rybkin et al. (2021) for the variance.
    """

    _: KW_ONLY
    beta: float = 1.0
    likelihood: str = "gaussian"

    def _build(self) -> torch.nn.Module:
        import torch
        from torch import nn

        from neuroloom.nets._layers.coders import decoder, encoder

        check_float("beta", self.beta, 0)
        check_choice("likelihood", self.likelihood, ("bernoulli", "gaussian"))
        plan, width = self._plan(), self._width()
        network = nn.Module()
        network.encoder, network.decoder = encoder(plan, 2 * width), decoder(plan, width)
        if self.likelihood == "gaussian":
            network.log_variance = nn.Parameter(torch.zeros(()))
        return network

    def fit(self, X: Any, y: Any = None, eval_set: tuple[Any, Any] | None = None) -> Self:
        """Learn from samples; with ``conditional`` the codes of each class of ``y (n,)``, too.

        Arguments and errors are those of the other autoencoders.
        """
        kinds = self._learn_classes(y, len(X)) if self.conditional else None
        super().fit(X, y, eval_set)
        if kinds is not None:
            self._learn_codes(X, kinds)
        return self

    def _learn_codes(self, X: Any, kinds: Any) -> None:
        """Fit a normal to the codes of each class: the mean, and a root of the covariance of what ``q`` draws."""
        from sklearn.covariance import ledoit_wolf

        mean, spread = self.posterior(X)
        means, roots = [], []
        for kind in range(len(self.classes_)):
            here = kinds == kind
            between = ledoit_wolf(mean[here])[0] if here.sum() > 1 else np.zeros((mean.shape[1],) * 2)
            means.append(mean[here].mean(axis=0))
            roots.append(np.linalg.cholesky(between + np.diag(np.square(spread[here]).mean(axis=0))))
        self.code_means_: Floats = np.array(means)
        self.code_roots_: Floats = np.array(roots)

    def _learn_more(self, values: Floats) -> None:
        gaussian = self.likelihood == "gaussian"
        self.variance_ = math.exp(float(self.weights_["log_variance"])) if gaussian else None
        each = self._map(lambda net, x: divergences(*posterior(net, x)), values[:_LOOKED_AT])
        self.kl_: Floats = each.mean(axis=0)

    def _learn_shape(self, X: Any) -> Floats:
        values = super()._learn_shape(X)
        self._check_range(values)
        return values

    def _read(self, X: Any) -> Floats:
        values = super()._read(X)
        if self.likelihood == "bernoulli":
            return np.clip(values, 0, 1) if self.normalize == "range" else self._check_range(values)
        return values

    def _check_range(self, values: Floats) -> Floats:
        if self.likelihood == "bernoulli" and not (values.min() >= -1e-6 and values.max() <= 1 + 1e-6):
            raise InputError(
                f"the Bernoulli likelihood is for numbers from 0 to 1, but got {values.min():g} … {values.max():g}; "
                "pass normalize='range' or likelihood='gaussian'."
            )
        return values

    def _rate_scale(self) -> dict[str, float] | None:
        return {"log_variance": 5.0} if self.likelihood == "gaussian" else None

    def _loss(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        import torch

        mean, log_variance = posterior(network, x)
        z = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
        bound = log_density(network, x, z) - self.beta * divergences(mean, log_variance).sum(1)
        return -bound.mean() / x[0].numel()

    def _each_loss(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        noise = balanced_draws(stream(self.seed_, "validation"), 8, self._width())
        return -self._bounds(network, x, noise) / x[0].numel()

    def _bounds(self, network: Any, x: torch.Tensor, noise: Floats) -> torch.Tensor:
        """Return the bound of each sample, ``(b,)``, by the same ``noise (draws, code)`` for all."""
        import torch

        mean, log_variance = posterior(network, x)
        spread = torch.exp(log_variance / 2)
        draws = torch.as_tensor(noise, dtype=x.dtype, device=x.device)
        likely = torch.stack([log_density(network, x, mean + spread * e) for e in draws]).mean(0)
        found: torch.Tensor = likely - self.beta * divergences(mean, log_variance).sum(1)
        return found

    def _encode(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        return posterior(network, x)[0]

    def _decode(self, network: Any, code: torch.Tensor) -> torch.Tensor:
        import torch

        out: torch.Tensor = network.decoder(code)
        return out if self.likelihood == "gaussian" else torch.sigmoid(out)

    # -- what a distribution can do ---------------------------------------------------------------------------

    def posterior(self, X: Any) -> tuple[Floats, Floats]:
        """Return means and standard deviations of ``q(z | x)``, each ``(n, code)``."""
        import torch

        found = self._map(lambda net, x: torch.cat(posterior(net, x), 1), self._read(X))
        mean, log_variance = np.split(found, 2, axis=1)
        return mean, np.exp(log_variance / 2)

    def elbo(self, X: Any, draws: int = 16) -> Floats:
        """Return ``(n,)`` the bound ``E_q log p(x | z) - β KL`` of each sample scaled as in the fit, in nats.

        Args:
            X: samples.
            draws: of ``z``, at least 2, in pairs: the same for every sample, as many above as below the mean and of
                spread 1, so that a few do.
        """
        check_is_fitted(self)
        check_int("draws", draws, 2)
        noise = balanced_draws(stream(self.seed_, "elbo"), draws, self._width())
        return self._map(lambda net, x: self._bounds(net, x, noise), self._read(X))

    def log_likelihood(self, X: Any, draws: int = 200) -> Floats:
        """Return ``(n,)`` estimates of ``log p(x)`` of samples in their own unit, in nats.

        The importance-weighted mean over ``draws`` from ``q(z | x)``: a lower bound that closes as they grow in number
        (Burda et al. 2016).

        Args:
            X: samples.
            draws: of ``z``, the same for every sample, at least 1.
        """
        check_int("draws", draws)
        values = self._read(X)
        noise = stream(self.seed_, "likelihood").standard_normal((draws, self._width()))

        def weigh(network: Any, x: torch.Tensor) -> torch.Tensor:
            import torch

            mean, log_variance = posterior(network, x)
            found = []
            for e in torch.as_tensor(noise, dtype=x.dtype, device=x.device):
                z = mean + torch.exp(log_variance / 2) * e
                prior = -0.5 * z.square().sum(1)
                proposed = -0.5 * (e.square().sum() + log_variance.sum(1))
                found.append(log_density(network, x, z) + prior - proposed)
            return torch.logsumexp(torch.stack(found), dim=0) - math.log(draws)

        found = self._map(weigh, values)
        if self.likelihood == "gaussian":
            found -= float(np.log(self.scale_).sum()) * math.prod(self.shape_[1:])
        return found

    def sample(self, n: int = 1, random_state: Any = None, y: Any = None, *, noise: bool = False) -> Floats:
        """Return ``n`` new samples in the unit and shape of the training samples.

        Args:
            n: how many, at least 1.
            random_state: int, generator or None; None draws by the fit's own seed, so that the same come again.
            y: the class, or ``(n,)`` classes, of the samples, for ``conditional``; None draws codes of no class from
                the prior.
            noise: whether the likelihood's own noise is in them; without it they are what the decoder means.

        Raises:
            InputError: ``y`` names what was not learned.
        """
        check_is_fitted(self)
        check_int("n", n)
        seed = self.seed_ if random_state is None else as_seed(random_state)
        codes = stream(seed, "sample").standard_normal((n, self._width()))
        kinds = None if y is None else self._classes_to_draw(y, n, seed)
        if kinds is not None:
            codes = self.code_means_[kinds] + np.einsum("nij,nj->ni", self.code_roots_[kinds], codes)
        made = self._map(self._decode, codes)
        if noise and self.variance_ is not None:
            made = made + math.sqrt(self.variance_) * stream(seed, "noise").standard_normal(made.shape)
        elif noise:
            made = (stream(seed, "noise").random(made.shape) < made).astype(np.float64)
        return self._unscaled(made)


def posterior(network: Any, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and log variance of ``q(z | x)``, each ``(b, code)``."""
    mean, log_variance = network.encoder(x).chunk(2, dim=1)
    return mean, log_variance.clamp(-20, 20)


def divergences(mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
    """Return ``KL(N(m, s²), N(0, 1)) = (m² + s² - log s² - 1) / 2`` of each number of the code."""
    found: torch.Tensor = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1)
    return found


def log_density(network: Any, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """Return ``log p(x | z)`` of each sample, ``(b,)``."""
    from torch.nn import functional

    out = network.decoder(z)
    if hasattr(network, "log_variance"):
        v = network.log_variance
        each = -0.5 * ((out - x).square() * (-v).exp() + v + math.log(2 * math.pi))
    else:
        each = -functional.binary_cross_entropy_with_logits(out, x, reduction="none")
    found: torch.Tensor = each.flatten(1).sum(1)
    return found


def balanced_draws(rng: np.random.Generator, draws: int, width: int) -> Floats:
    """Return ``(draws, width)`` normal numbers, half of them minus the others, of mean square 1 in each column."""
    half = rng.standard_normal((draws // 2, width))
    half /= np.sqrt(np.mean(half**2, axis=0))
    return np.concatenate([half, -half])


@dataclass(eq=False, repr=False)
class VAEDetector(Detector, VAE):
    """Detector of outliers by the evidence's lower bound of a variational autoencoder (:class:`VAE`)."""

    def score_samples(self, X: Any) -> Floats:
        """Return ``(n,)`` bounds on the log-likelihood of each sample, scaled as in the fit."""
        return self.elbo(X)
