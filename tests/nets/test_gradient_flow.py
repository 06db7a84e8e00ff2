"""A net that does not learn says why: its gradients vanish or explode on their way to the first layer."""

import warnings
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from neuroloom.nets import CNNClassifier, ExplodingGradientsWarning, VanishingGradientsWarning
from neuroloom.nets._layers.gradient_flow import gradient_sizes, warn_of_gradients
from neuroloom.nets.deep_network import DeepNetwork
from neuroloom.nets.deep_roles import DeepClassifier

STALLED = [{"loss": 1.0}] * 6
LEARNED = [{"loss": 1.0 - 0.1 * k} for k in range(6)]


class Chain(nn.Module):
    """Scalars multiplied by one weight after the other: the gradient of each is the product of the others."""

    def __init__(self, *weights: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(1, 1, bias=False) for _ in weights)
        for layer, weight in zip(self.layers, weights, strict=True):
            nn.init.constant_(layer.weight, weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


def chain_loss(net: nn.Module) -> torch.Tensor:
    return net(torch.ones(4, 1))


def test_sizes_are_those_by_hand() -> None:
    sizes = gradient_sizes(Chain(2.0, 3.0, 5.0), chain_loss)
    assert list(sizes.values()) == pytest.approx([15.0, 10.0, 6.0])
    assert list(sizes) == ["layers.0.weight", "layers.1.weight", "layers.2.weight"]


def test_warnings_name_what_is_wrong_and_only_where_nothing_was_learned() -> None:
    vanish, explode = Chain(1e5, 1.0, 1.0), Chain(1e-5, 1.0, 1.0)
    with pytest.warns(VanishingGradientsWarning, match="1e-05 of the last's"):
        warn_of_gradients(vanish, chain_loss, STALLED)
    with pytest.warns(ExplodingGradientsWarning, match=r"1e\+05 times the last's"):
        warn_of_gradients(explode, chain_loss, STALLED)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_gradients(vanish, chain_loss, LEARNED)
        warn_of_gradients(vanish, chain_loss, STALLED[:3])
        warn_of_gradients(Chain(1.0, 2.0), chain_loss, STALLED)
        warn_of_gradients(Chain(1e9), chain_loss, STALLED)


@dataclass(eq=False, repr=False)
class Deep(DeepClassifier, DeepNetwork):
    """Twenty layers of sigmoids, as one built them before 2006."""

    def _encoder(self, shape: tuple[int, ...]) -> nn.Module:
        class Encoder(nn.Sequential):
            width = 8

        layers: list[nn.Module] = [nn.Flatten(), nn.Linear(int(np.prod(shape)), 8), nn.Sigmoid()]
        for _ in range(20):
            layers += [nn.Linear(8, 8), nn.Sigmoid()]
        return Encoder(*layers)


def test_twenty_sigmoids_do_not_learn_and_say_so_and_a_cnn_is_silent() -> None:
    draw = np.random.default_rng(0)
    y = np.arange(60) % 2
    X = draw.normal(size=(60, 1, 16)) + 2.0 * y[:, None, None]
    with pytest.warns(VanishingGradientsWarning, match="Take fewer layers or a residual net"):
        Deep(epochs=8, random_state=0).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CNNClassifier(epochs=8, filters=(4, 8), random_state=0).fit(X, draw.permutation(y))
