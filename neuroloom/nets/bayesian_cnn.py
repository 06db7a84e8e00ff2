"""Bayesian CNN: a convolutional network whose every weight is a normal, learned by Bayes by backprop.

Sources:
    Blundell, Cornebise, Kavukcuoglu & Wierstra (2015), "Weight uncertainty in neural networks".
    Shridhar, Laumann & Liwicki (2019), "A comprehensive guide to Bayesian convolutional neural network with variational
    inference".
    Wenzel et al. (2020), "How good is the Bayes posterior in deep neural networks really?" (temperature).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.answers import Regression
from neuroloom.core.checks import check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.seeding import derive
from neuroloom.nets._uncertain import ClassUncertainty, Uncertainty, divided_entropy, gaussian_variance
from neuroloom.nets.cnn import CNN
from neuroloom.nets.deep_roles import DeepClassifier, DeepRegressor

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float64]


@dataclass(eq=False, repr=False)
class BayesianCNN(CNN):
    """Convolutional network with ``q(w) = N(μ, softplus(ρ)²)`` for every weight of its convolutions and its head.

    Minimised is ``temperature · KL(q ‖ prior) / n - mean over samples of E_q log p(y | x, w)`` (Blundell et al., Eq. 2,
    over n), with the prior ``N(0, prior_scale² / fan_in)`` for weights and ``N(0, prior_scale²)`` for biases. Answers
    are means over ``draws`` of the weights. For numbers the variance of the noise is learned with the weights.

    Args:
        filters: of each stage, each at least 1.
        prior_scale: of the weights' prior, above 0.
        temperature: what the divergence counts, above 0; 1 is Bayes' rule, under which a network of many more weights
            than samples stays at its prior and learns little.
        draws: of the weights when answering, at least 1.
        weight_decay: at least 0, beside the prior; of the means and of ``ρ`` alike.

    Attributes:
        weights_: for each member name → array, deviations as ``ρ`` under ``rho_weight``; ``history_`` of the first
            member; ``n_parameters_``.

    Raises:
        InputError: a parameter is out of range.

    Source: Blundell et al. (2015); Shridhar, Laumann & Liwicki (2019); Wenzel et al. (2020) for the temperature.

    Differences:
        One normal as the prior instead of two, so that the divergence is a formula. What a convolution gives is drawn
        for every sample and place instead of the weights (Kingma, Salimans & Welling 2015). Batch normalisation's few
        parameters are plain numbers.
    """

    filters: tuple[int, ...] = (16, 32)
    _: KW_ONLY
    dropout: float = 0.0
    weight_decay: float = 0.0
    prior_scale: float = 1.0
    temperature: float = 0.01
    draws: int = 30

    def _network(self, shape: tuple[int, ...], answers: int) -> torch.nn.Module:
        from neuroloom.nets._layers.variational import VariationalNetwork

        check_int("draws", self.draws)
        return VariationalNetwork(
            super()._network(shape, answers),
            check_float("prior_scale", self.prior_scale, 0, open_low=True),
            check_float("temperature", self.temperature, 0, open_low=True),
            isinstance(self, Regression),
        )


class DrawnWeights:
    """What the roles share: answers by draws of the weights."""

    draws: int
    weights_: list[dict[str, NDArray[Any]]]
    _each_member: Callable[[Any], Iterator[tuple[Any, list[torch.Tensor]]]]
    _restored: Callable[[int], Any]

    def _member_outputs(self, X: Any) -> Floats:
        """Return ``(members · draws, n, answers)``."""
        import torch

        found = []
        with torch.inference_mode():
            for member, (network, parts) in enumerate(self._each_member(X)):
                for draw in range(self.draws):
                    network.draw(_seed(member, draw))
                    found.append(torch.cat([network(part) for part in parts]))
        made: Floats = torch.stack(found).double().cpu().numpy()
        return made

    def _answering(self) -> list[torch.nn.Module]:
        """Return a network for each draw of each member's weights."""
        made = []
        for member in range(len(self.weights_)):
            network = self._restored(member)
            for draw in range(self.draws):
                network.draw(_seed(member, draw))
                made.append(copy.deepcopy(network))
        return made


def _seed(member: int, draw: int) -> int:
    return derive(0, "draw", member, draw)


@dataclass(eq=False, repr=False, kw_only=True)
class GaussianNoise(Regression):
    """Numbers by the likelihood of a normal whose variance stands beside each answer."""

    def _losses(self, target: NDArray[Any], device: torch.device) -> Callable[[Any, Any], torch.Tensor]:
        import torch

        wanted = torch.as_tensor(target, device=device)
        return lambda out, rows: _surprise(out, wanted if rows is None else wanted[rows])

    def _scores(self, target: NDArray[Any], device: torch.device) -> Callable[[Any], torch.Tensor]:
        import torch

        wanted = torch.as_tensor(target, device=device)
        return lambda out: -_surprise(out, wanted).double()


def _surprise(out: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    from neuroloom.nets._losses import Loss

    return Loss("gaussian")(out[None], wanted[None], out.new_zeros(())).mean()


@dataclass(eq=False, repr=False)
class BayesianCNNClassifier(DrawnWeights, DeepClassifier, BayesianCNN):
    """Classifier of pictures or series by a Bayesian convolutional network (:class:`BayesianCNN`)."""

    def predict_uncertainty(self, X: Any) -> ClassUncertainty:
        """Return ``(n, classes)`` probabilities with the model's and the noise's part of their entropy, ``(n,)``.

        Raises:
            InputError: samples have several labels each.
        """
        from scipy.special import softmax

        if self.multilabel_:
            raise InputError("uncertainty is divided for one label a sample, but these samples have several.")
        return divided_entropy(softmax(self._member_outputs(X), axis=2))


@dataclass(eq=False, repr=False)
class BayesianCNNRegressor(DrawnWeights, GaussianNoise, DeepRegressor, BayesianCNN):
    """Regressor of pictures or series by a Bayesian convolutional network (:class:`BayesianCNN`)."""

    def predict_uncertainty(self, X: Any) -> Uncertainty:
        """Return means with the model's part and the noise's part of their standard deviations, each ``(n,)``."""
        found = self._member_outputs(X)
        means = found[..., 0] * self.target_scale_ + self.target_mean_
        variance = gaussian_variance(found[..., 1]) * self.target_scale_**2
        return Uncertainty(means.mean(axis=0), means.std(axis=0), np.sqrt(variance.mean(axis=0)))
