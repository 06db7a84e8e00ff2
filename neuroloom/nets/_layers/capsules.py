"""Capsules: vectors whose length says whether something is there (Sabour, Frosst & Hinton 2017)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

LEAST = 1e-9  # of a squared length, to keep its slope finite


def squash(s: torch.Tensor) -> torch.Tensor:
    """Return vectors along the last axis shrunk to a length below 1: ``‖s‖² / (1 + ‖s‖²) · s / ‖s‖`` (eq. 1)."""
    square = s.square().sum(-1, keepdim=True)
    return s * (square / (1 + square)) / (square + LEAST).sqrt()


def routed(votes: torch.Tensor, rounds: int) -> torch.Tensor:
    """Return the capsules that inputs agree on, before the squash: dynamic routing (procedure 1).

    Args:
        votes: ``(b, inputs, outputs, numbers)`` what each input says of each output, ``û``.
        rounds: of routing. The last one alone carries a gradient, through the votes: the coupling is no parameter.
    """
    agreed = votes.detach()
    logits = votes.new_zeros(votes.shape[:3])
    for _ in range(rounds - 1):
        coupling = torch.softmax(logits, dim=2)
        v = squash(torch.einsum("bio,biod->bod", coupling, agreed))
        logits = logits + torch.einsum("biod,bod->bio", agreed, v)
    return torch.einsum("bio,biod->bod", torch.softmax(logits, dim=2), votes)


class PrimaryCapsules(nn.Module):  # type: ignore[misc]
    """A convolution whose channels are read as vectors, one a place and kind of capsule.

    Args:
        n_in: channels in.
        kinds: of capsules.
        numbers: in a capsule.
        kernel: side of the kernels, which step by 2 and stay within the maps.
    """

    def __init__(self, n_in: int, kinds: int, numbers: int, kernel: int) -> None:
        super().__init__()
        self.numbers = numbers
        self.conv = nn.Conv2d(n_in, kinds * numbers, kernel, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(b, capsules, numbers)``, each of a length below 1."""
        maps = self.conv(x).unflatten(1, (-1, self.numbers))
        return squash(maps.movedim(2, -1).flatten(1, 3))


class ClassCapsules(nn.Module):  # type: ignore[misc]
    """From capsules to one a class, by dynamic routing; gives them before the squash, flat."""

    def __init__(self, capsules: int, numbers: int, classes: int, size: int, rounds: int) -> None:
        super().__init__()
        self.votes = nn.Parameter(torch.randn(capsules, classes, size, numbers) / (numbers * capsules) ** 0.5)
        self.rounds = rounds

    def forward(self, u: torch.Tensor) -> torch.Tensor:
        """Return ``(b, classes · size)`` from ``(b, capsules, numbers)``."""
        return routed(torch.einsum("iodk,bik->biod", self.votes, u), self.rounds).flatten(1)


class InTraining(NamedTuple):
    """What a capsule network gives in training mode, when its loss wants more than answers.

    Args:
        odds: ``(b, classes)`` log-odds of each class.
        capsules: ``(b, classes, size)``.
        pictures: ``(b, …)`` what went in.
        decoder: from capsules of which all but one are 0 to pictures; None without reconstruction.
    """

    odds: torch.Tensor
    capsules: torch.Tensor
    pictures: torch.Tensor
    decoder: nn.Module | None


class CapsuleNetwork(nn.Module):  # type: ignore[misc]
    """Encoder to one capsule a class, and a decoder that learns to draw the picture from the right one.

    In evaluation mode it gives the log-odds ``log(‖v‖ / (1 - ‖v‖)) = log ‖s‖²`` of each class; in training mode
    :class:`InTraining`.
    """

    def __init__(self, encoder: nn.Module, size: int, decoder: nn.Module | None) -> None:
        super().__init__()
        self.encoder, self.size, self.decoder = encoder, size, decoder

    def forward(self, x: torch.Tensor) -> torch.Tensor | InTraining:
        """Return the answers to ``(b, channels, height, width)``."""
        s = self.encoder(x).unflatten(1, (-1, self.size))
        odds = torch.log(s.square().sum(-1) + LEAST)
        return InTraining(odds, squash(s), x, self.decoder) if self.training else odds


def margin_loss(odds: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
    """Return ``(b,)`` losses (eq. 4), 0 for lengths above 0.9 of classes ``there`` (1) and below 0.1 of others."""
    length = torch.sigmoid(odds)
    missing, surplus = (0.9 - length).clamp(min=0).square(), (length - 0.1).clamp(min=0).square()
    return (there * missing + 0.5 * (1 - there) * surplus).sum(1)


def reconstruction_loss(made: InTraining, there: torch.Tensor) -> torch.Tensor:
    """Return the ``(b,)`` mean squared errors of the pictures drawn from the capsules that are ``there``."""
    assert made.decoder is not None
    drawn = made.decoder((made.capsules * there[..., None]).flatten(1))
    return functional.mse_loss(drawn, made.pictures.flatten(1), reduction="none").mean(1)
