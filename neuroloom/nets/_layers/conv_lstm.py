"""The convolutional LSTM as a recurrent cell over frames (Shi et al. 2015)."""

from __future__ import annotations

from math import prod

import torch
from torch import nn

from neuroloom.nets._layers.convolution import SameConv
from neuroloom.nets._layers.recurrent import Cell, State


class FrameConv(nn.Module):  # type: ignore[misc]
    """Convolution over frames that come and go as vectors, ``(…, channels · places)``.

    Args:
        n_in: numbers in a frame that comes, its channels times its places.
        n_out: numbers in one that goes.
        frame: its places, ``(length,)`` or ``(height, width)``.
        kernel: length of the kernel in each dimension.
        bias: whether each channel adds one.
    """

    def __init__(self, n_in: int, n_out: int, frame: tuple[int, ...], kernel: int, bias: bool = True) -> None:
        super().__init__()
        self.frame, places = frame, prod(frame)
        self.channels = n_in // places
        self.same = SameConv(len(frame), self.channels, n_out // places, kernel, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(…, n_out)`` from ``(…, n_in)``."""
        made = self.same(x.reshape(-1, self.channels, *self.frame))
        return made.reshape(*x.shape[:-1], -1)


class ConvLSTMCell(Cell):
    """LSTM whose maps are convolutions over a frame, with peepholes; forget bias 1 (eq. 3).

    ``i = σ(W_xi ∗ X + W_hi ∗ H + W_ci ∘ C + b_i)``, ``f`` alike, ``C' = f ∘ C + i ∘ tanh(W_xc ∗ X + W_hc ∗ H + b_c)``,
    ``o = σ(W_xo ∗ X + W_ho ∗ H + W_co ∘ C' + b_o)``, ``H' = o ∘ tanh(C')``; gates lie as i, f, g, o.

    Args:
        n_in: numbers in a step: a frame's channels times its places.
        units: numbers of the state: its channels times the same places.
        norm: as for :class:`Cell`.
        frame: places, ``(length,)`` or ``(height, width)``.
        kernel: length of the kernels in each dimension.
    """

    gates, states, holding = 4, 2, {0: -1, 1: 1}

    def __init__(
        self, n_in: int, units: int, norm: bool = False, *, frame: tuple[int, ...], kernel: int
    ) -> None:
        w_in = FrameConv(n_in, 4 * units, frame, kernel)
        super().__init__(units, w_in, FrameConv(units, 4 * units, frame, kernel, bias=False), norm)
        self.peepholes = nn.Parameter(torch.zeros(3, units))
        channels = units // prod(frame)
        with torch.no_grad():
            w_in.same.conv.bias.zero_()
            w_in.same.conv.bias[channels : 2 * channels] = 1.0

    @property
    def gate_bias(self) -> torch.Tensor:
        """The bias of all gates, one after the other: a channel's, or with a norm a place's."""
        return self.norm_in.bias if isinstance(self.norm_in, nn.LayerNorm) else self.w_in.same.conv.bias

    @property
    def work(self) -> int:
        """Multiplications of its convolutions in a step, those with the zeros around a frame included."""
        assert self.w_state is not None
        kernels = (self.w_in.same.conv.weight, self.w_state.same.conv.weight)
        return int(sum(k.numel() for k in kernels) * prod(self.w_in.frame))

    def step(self, given: torch.Tensor, state: State) -> State:
        """Return the state after a step."""
        h, c = state
        i, f, g, o = (given + self.seen(h)).chunk(4, dim=-1)
        w_i, w_f, w_o = self.peepholes
        c = torch.sigmoid(f + w_f * c) * c + torch.sigmoid(i + w_i * c) * torch.tanh(g)
        return torch.sigmoid(o + w_o * c) * torch.tanh(c), c
