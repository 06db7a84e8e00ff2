"""Encoders and decoders: from a row, a series or a picture to a code of few numbers, and back.

Rumelhart, Hinton and Williams (1986) and Hinton and Salakhutdinov (2006) for the dense ones; Masci et al. (2011) for
the convolutional, which grow by repeating neighbours before each convolution, so that no checkerboard appears (Odena,
Dumoulin and Olah 2016); Srivastava, Mansimov and Salakhutdinov (2015) for the recurrent, whose decoder sees its code
at every step.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import torch
from torch import nn
from torch.nn import functional

from neuroloom.nets._dense_stack import ACTIVATION
from neuroloom.nets._layers.convolution import SameConv
from neuroloom.nets._layers.recurrent import RecurrentLayer
from neuroloom.nets._layers.recurrent_network import patched

FORMS = ("conv", "dense", "recurrent")


@dataclass(frozen=True)
class Plan:
    """How a coder is built.

    Args:
        form: one of ``FORMS``.
        shape: of a sample, channels (columns) first.
        hidden: units of each hidden layer, of dense coders.
        filters: of each convolution, of convolutional ones.
        kernel: length of the kernels.
        units: of the recurrent layer's state.
        patch: values of a series in a step, of recurrent ones.
        activation: key of ``_dense_stack.ACTIVATION``.
    """

    form: str
    shape: tuple[int, ...]
    hidden: tuple[int, ...]
    filters: tuple[int, ...]
    kernel: int
    units: int
    patch: int
    activation: str

    @property
    def dims(self) -> int:
        """Dimensions of a channel: 1 of series, 2 of pictures."""
        return len(self.shape) - 1

    @property
    def sizes(self) -> list[tuple[int, ...]]:
        """A channel's size before each convolution and after the last, each half the one before."""
        found = [self.shape[1:]]
        for _ in self.filters:
            found.append(tuple(-(-s // 2) for s in found[-1]))
        return found


class Activation(nn.Module):  # type: ignore[misc]
    """One of ``_dense_stack.ACTIVATION`` as a layer."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the activations."""
        return ACTIVATION[self.name](x)


class Grow(nn.Module):  # type: ignore[misc]
    """Repeats neighbours until a channel has the given size."""

    def __init__(self, size: tuple[int, ...]) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(b, channels, *size)``."""
        return functional.interpolate(x, size=self.size, mode="nearest")


class RecurrentCoder(nn.Module):  # type: ignore[misc]
    """Reads a series by a gated recurrent unit; its last state makes the code."""

    def __init__(self, plan: Plan, width: int) -> None:
        super().__init__()
        self.patch = plan.patch
        self.layer = RecurrentLayer("gru", plan.shape[0] * plan.patch, plan.units, False, 0.0, None)
        self.head = nn.Linear(plan.units, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(b, width)`` from ``x (b, channels, length)``."""
        return self.head(self.layer(patched(x, self.patch)[0])[0][-1])


class RecurrentDecoder(nn.Module):  # type: ignore[misc]
    """Writes a series step by step, from a state made of the code and with the code as input to every step."""

    def __init__(self, plan: Plan, width: int) -> None:
        super().__init__()
        self.shape, self.patch = plan.shape, plan.patch
        self.start = nn.Linear(width, plan.units)
        self.layer = RecurrentLayer("gru", width, plan.units, False, 0.0, None)
        self.head = nn.Linear(plan.units, plan.shape[0] * plan.patch)

    def forward(self, code: torch.Tensor) -> torch.Tensor:
        """Return ``(b, channels, length)`` from ``code (b, width)``."""
        channels, length = self.shape
        given = code.expand(-(-length // self.patch), *code.shape)
        out = self.head(self.layer(given, None, [(torch.tanh(self.start(code)),)])[0])
        parts = out.unflatten(2, (channels, self.patch)).permute(1, 2, 0, 3)
        return parts.flatten(2)[..., :length]


def encoder(plan: Plan, width: int, bias: bool = True) -> nn.Module:
    """Return a module from ``(b, *shape)`` to ``(b, width)``; a recurrent one always has biases."""
    if plan.form == "recurrent":
        return RecurrentCoder(plan, width)
    layers: list[nn.Module] = []
    if plan.form == "conv":
        wide = plan.shape[0]
        for filters in plan.filters:
            layers.append(SameConv(plan.dims, wide, filters, plan.kernel, stride=2, bias=bias))
            layers.append(Activation(plan.activation))
            wide = filters
        size = wide * prod(plan.sizes[-1])
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(size, width, bias))
    size = prod(plan.shape)
    layers.append(nn.Flatten())
    for units in plan.hidden:
        layers += [nn.Linear(size, units, bias), Activation(plan.activation)]
        size = units
    return nn.Sequential(*layers, nn.Linear(size, width, bias))


def decoder(plan: Plan, width: int) -> nn.Module:
    """Return a module from ``(b, width)`` to ``(b, *shape)``, the encoder's mirror image."""
    if plan.form == "recurrent":
        return RecurrentDecoder(plan, width)
    layers: list[nn.Module] = []
    if plan.form == "conv":
        wide, size = plan.filters[-1], plan.sizes[-1]
        layers += [
            nn.Linear(width, wide * prod(size)),
            Activation(plan.activation),
            nn.Unflatten(1, (wide, *size)),
        ]
        for narrow, larger in zip([*plan.filters[-2::-1], plan.shape[0]], plan.sizes[-2::-1], strict=True):
            layers += [
                Grow(larger),
                SameConv(plan.dims, wide, narrow, plan.kernel),
                Activation(plan.activation),
            ]
            wide = narrow
        return nn.Sequential(*layers[:-1])
    for units in reversed(plan.hidden):
        layers += [nn.Linear(width, units), Activation(plan.activation)]
        width = units
    return nn.Sequential(*layers, nn.Linear(width, prod(plan.shape)), nn.Unflatten(1, plan.shape))
