"""Recurrent cells behind one interface, and layers that run them forwards, backwards and over padded series.

A cell first looks at all steps at once (``inputs``: its linear maps, where the time is spent), then goes from state to
state (``step``). LSTM, GRU and the plain unit without dropout or normalisation inside take torch's own fused loops.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

from neuroloom.core.errors import NotSupportedError

State = tuple[torch.Tensor, ...]
CellMaker = Callable[[int, int, bool], "Cell"]  # numbers in a step, units, norm


class Cell(nn.Module):  # type: ignore[misc]
    """One recurrent unit of ``units`` numbers; the first tensor of its state is its output.

    Args:
        units: numbers of the state.
        w_in: linear map of a step to all gates.
        w_state: linear map of the output to all gates; None where the gates do not see it.
        norm: layer normalisation (Ba, Kiros & Hinton 2016) of the input and of the recurrent part of the gates.
    """

    gates = 1  # how many linear maps of the input and of the state
    states = 1
    holding: ClassVar[
        dict[int, int]
    ] = {}  # gates that say whether the state stays, by number, and by which sign

    def __init__(self, units: int, w_in: nn.Module, w_state: nn.Module | None, norm: bool) -> None:
        super().__init__()
        self.units, self.w_in, self.w_state = units, w_in, w_state
        self.norm_in = nn.LayerNorm(self.gates * units) if norm else nn.Identity()
        self.norm_state = nn.LayerNorm(self.gates * units) if norm and w_state is not None else nn.Identity()

    @property
    def work(self) -> int:
        """Multiplications of its linear maps in a step."""
        return sum(p.numel() for p in self.parameters() if p.ndim == 2)

    @property
    def gate_bias(self) -> torch.Tensor:
        """The bias of all gates, one after the other."""
        return self.norm_in.bias if isinstance(self.norm_in, nn.LayerNorm) else self.w_in.bias

    def remember(self, steps: int) -> None:
        """Begin with units that each remember for a time of their own, up to ``steps`` steps.

        The bias of the gate that holds the state is ``b = log u``, ``u`` even in 1 … steps - 1, and that of an LSTM's
        input gate ``-b`` (Tallec and Ollivier 2018, "Can recurrent neural networks warp time?", section 2).

        Raises:
            NotSupportedError: no gate holds the state.
        """
        if not self.holding:
            raise NotSupportedError(
                f"{type(self).__name__} has no gate to hold its state; leave `chrono` out."
            )
        biases = self.gate_bias.view(self.gates, -1)
        with torch.no_grad():
            log = torch.log(1 + (steps - 2) * torch.rand(biases.shape[1]))
            for gate, sign in self.holding.items():
                biases[gate] = sign * log

    def inputs(self, x: torch.Tensor, state: State) -> torch.Tensor:
        """Return what the steps need of ``x (time, b, n_in)``, ``(time, b, …)``; ``state`` is that before the first."""
        return self.norm_in(self.w_in(x))

    def first(self, x: torch.Tensor) -> State:
        """Return the state before the first step of ``x (time, b, n_in)``: zeros."""
        zero = x.new_zeros(x.shape[1], self.units)
        return (zero,) * self.states

    def seen(self, h: torch.Tensor) -> torch.Tensor:
        """Return the recurrent part of all gates, ``(b, gates · units)``."""
        assert self.w_state is not None
        return self.norm_state(self.w_state(h))

    def step(self, given: torch.Tensor, state: State) -> State:
        """Return the state after a step."""
        raise NotImplementedError


class DenseCell(Cell):
    """A cell whose maps are matrices.

    Args:
        n_in: numbers in a step.
        units: numbers of the state.
        norm: as for :class:`Cell`.
    """

    recurrent = True  # whether the gates see the state

    def __init__(self, n_in: int, units: int, norm: bool = False) -> None:
        w_in = nn.Linear(n_in, self.gates * units)
        w_state = nn.Linear(units, self.gates * units, bias=False) if self.recurrent else None
        bound = 1 / math.sqrt(units)
        nn.init.xavier_uniform_(w_in.weight)
        nn.init.uniform_(w_in.bias, -bound, bound)
        if w_state is not None:  # orthogonal maps of the state neither grow nor shrink it
            for block in w_state.weight.split(units):
                nn.init.orthogonal_(block)
        super().__init__(units, w_in, w_state, norm)


class RNNCell(DenseCell):
    """``h' = tanh(W x + U h + b)`` (Elman 1990)."""

    def step(self, given: torch.Tensor, state: State) -> State:
        """Return the state after a step."""
        return (torch.tanh(given + self.seen(state[0])),)


class LSTMCell(DenseCell):
    """Long short-term memory (Hochreiter & Schmidhuber 1997; Gers et al. 2000), forget bias 1; gates i, f, g, o."""

    gates, states, holding = 4, 2, {0: -1, 1: 1}

    def __init__(self, n_in: int, units: int, norm: bool = False) -> None:
        super().__init__(n_in, units, norm)
        with torch.no_grad():
            self.w_in.bias.zero_()
            self.w_in.bias[units : 2 * units] = 1.0

    def step(self, given: torch.Tensor, state: State) -> State:
        """Return the state after a step."""
        h, c = state
        i, f, g, o = (given + self.seen(h)).chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class GRUCell(DenseCell):
    """Gated recurrent unit (Cho et al. 2014), the reset after the product as in cuDNN; gates r, z, n."""

    gates, holding = 3, {1: 1}

    def __init__(self, n_in: int, units: int, norm: bool = False) -> None:
        super().__init__(n_in, units, norm)
        self.b_state = nn.Parameter(torch.zeros(units))

    def step(self, given: torch.Tensor, state: State) -> State:
        """Return the state after a step."""
        (h,) = state
        r_in, z_in, n_in = given.chunk(3, dim=-1)
        r_h, z_h, n_h = self.seen(h).chunk(3, dim=-1)
        z = torch.sigmoid(z_in + z_h)
        n = torch.tanh(n_in + torch.sigmoid(r_in + r_h) * (n_h + self.b_state))
        return ((1 - z) * n + z * h,)


class MGUCell(DenseCell):
    """Minimal gated unit (Zhou et al. 2016): one gate ``f`` forgets and updates.

    ``f = σ(W_f x + U_f h)``, ``n = tanh(W x + U (f · h))``, ``h' = (1 - f) · h + f · n``.
    """

    gates, holding = 2, {0: -1}

    def __init__(self, n_in: int, units: int, norm: bool = False) -> None:
        super().__init__(n_in, units, norm)
        if norm:  # the candidate's product waits for the gate, so that each has a norm of its own width
            self.norm_state = nn.LayerNorm(units)

    def step(self, given: torch.Tensor, state: State) -> State:
        """Return the state after a step."""
        assert self.w_state is not None
        (h,) = state
        f_in, n_in = given.chunk(2, dim=-1)
        u_f, u_n = self.w_state.weight.chunk(2)
        f = torch.sigmoid(f_in + self.norm_state(functional.linear(h, u_f)))
        n = torch.tanh(n_in + self.norm_state(functional.linear(f * h, u_n)))
        return ((1 - f) * h + f * n,)


class SRUCell(DenseCell):
    """Simple recurrent unit (Lei et al. 2018): no product with the state, so a step is a few multiplications.

    ``f = σ(W_f x + v_f · c)``, ``c' = f · c + (1 - f) · W x``, ``r = σ(W_r x + v_r · c)``, ``h = r · c' + (1 - r) · x̃``
    with ``x̃`` the input, mapped where it has another width (eqs. 1 to 4).
    """

    gates, states, recurrent, holding = 4, 2, False, {1: 1}

    def __init__(self, n_in: int, units: int, norm: bool = False) -> None:
        super().__init__(n_in, units, norm)
        self.v = nn.Parameter(torch.zeros(2, units))
        with torch.no_grad():  # the highway's gate begins mostly open to the input, the forget gate remembers
            self.w_in.bias.zero_()
            self.w_in.bias[units : 2 * units] = 1.0

    def step(self, given: torch.Tensor, state: State) -> State:
        """Return the state after a step."""
        _, c = state
        x, f_in, r_in, skip = given.chunk(4, dim=-1)
        f, r = torch.sigmoid(f_in + self.v[0] * c), torch.sigmoid(r_in + self.v[1] * c)
        c = f * c + (1 - f) * x
        return r * c + (1 - r) * skip, c


class QRNNCell(DenseCell):
    """Quasi-recurrent unit (Bradbury et al. 2017) with fo-pooling: gates are convolutions over this and the last step.

    ``z = tanh(W_z ∗ x)``, ``f = σ(W_f ∗ x)``, ``o = σ(W_o ∗ x)``, ``c' = f · c + (1 - f) · z``, ``h = o · c'``.
    """

    gates, states, recurrent, holding = 3, 3, False, {1: 1}

    def __init__(self, n_in: int, units: int, norm: bool = False) -> None:
        super().__init__(2 * n_in, units, norm)
        with torch.no_grad():
            self.w_in.bias.zero_()
            self.w_in.bias[units : 2 * units] = 1.0

    def first(self, x: torch.Tensor) -> State:
        """Return the state before the first step: output, memory, and the input before it."""
        zero = x.new_zeros(x.shape[1], self.units)
        return zero, zero, torch.zeros_like(x[0])

    def inputs(self, x: torch.Tensor, state: State) -> torch.Tensor:
        """Return the gates' maps of each step and the one before it, and the step itself beside them."""
        before = torch.cat([state[2][None], x[:-1]])
        return torch.cat([super().inputs(torch.cat([x, before], dim=-1), state), x], dim=-1)

    def step(self, given: torch.Tensor, state: State) -> State:
        """Return the state after a step."""
        z, f, o, x = given.split([self.units] * 3 + [given.shape[-1] - 3 * self.units], dim=-1)
        f = torch.sigmoid(f)
        c = f * state[1] + (1 - f) * torch.tanh(z)
        return torch.sigmoid(o) * c, c, x


class RWACell(DenseCell):
    """Recurrent weighted average (Ostmeyer & Cowell 2019): attention over all steps so far, kept as running sums.

    ``z = u(x) · tanh(g(x, h))``, ``a`` a linear map of x and h, ``h' = tanh(Σ z e^a / Σ e^a)`` (eqs. 2 to 5); the sums
    are kept with the largest ``a`` taken off, so that nothing overflows. The state begins at ``tanh`` of a learned
    vector.
    """

    gates, states = 3, 4

    def __init__(self, n_in: int, units: int, norm: bool = False) -> None:
        super().__init__(n_in, units, norm)
        assert self.w_state is not None
        self.begin = nn.Parameter(torch.zeros(units))
        with torch.no_grad():
            self.w_state.weight[:units] = 0.0

    def first(self, x: torch.Tensor) -> State:
        """Return the state before the first step."""
        h = torch.tanh(self.begin).expand(x.shape[1], self.units)
        return h, torch.zeros_like(h), torch.zeros_like(h), torch.full_like(h, -1e30)

    def step(self, given: torch.Tensor, state: State) -> State:
        """Return the state after a step."""
        h, total, weight, largest = state
        u = given[..., : self.units]
        _, g_h, a_h = self.seen(h).chunk(3, dim=-1)
        _, g_in, a_in = given.chunk(3, dim=-1)
        a = a_in + a_h
        top = torch.maximum(largest, a)
        old, new = torch.exp(largest - top), torch.exp(a - top)
        total = total * old + u * torch.tanh(g_in + g_h) * new
        weight = weight * old + new
        return torch.tanh(total / weight), total, weight, top


CELLS: dict[str, type[DenseCell]] = {
    "gru": GRUCell,
    "lstm": LSTMCell,
    "mgu": MGUCell,
    "qrnn": QRNNCell,
    "rnn": RNNCell,
    "rwa": RWACell,
    "sru": SRUCell,
}


def run(
    cell: Cell, x: torch.Tensor, keep: torch.Tensor | None, state: State | None, drop: float
) -> tuple[torch.Tensor, State]:
    """Run a cell over ``x (time, b, n_in)``.

    Args:
        cell: the unit.
        x: its inputs.
        keep: ``(time, b, 1)`` 1 where a step is to be read and 0 where it is padding, over which the state stays; None
            reads all.
        state: to begin with, or None.
        drop: share of the state's units hidden from the gates, the same ones at every step (Gal & Ghahramani 2016).

    Returns:
        Outputs ``(time, b, units)`` and the last state.
    """
    now = cell.first(x) if state is None else state
    given = cell.inputs(x, now)
    mask = None
    if drop > 0:
        mask = torch.empty_like(now[0]).bernoulli_(1 - drop) / (1 - drop)
    outputs = []
    for t in range(len(x)):
        shown = now if mask is None else (now[0] * mask, *now[1:])
        after = cell.step(given[t], shown)
        if keep is not None:
            after = tuple(torch.where(keep[t] > 0, a, b) for a, b in zip(after, now, strict=True))
        now = after
        outputs.append(now[0])
    return torch.stack(outputs), now


def run_fused(cell: Cell, x: torch.Tensor, state: State | None) -> tuple[torch.Tensor, State]:
    """Run an LSTM, GRU or plain unit over ``x (time, b, n_in)`` by torch's own loop, as :func:`run` would."""
    assert cell.w_state is not None
    units = cell.units
    begin = cell.first(x) if state is None else state
    zeros = torch.zeros_like(cell.w_in.bias)
    b_state = zeros if not isinstance(cell, GRUCell) else torch.cat([zeros[: 2 * units], cell.b_state])
    weights = [cell.w_in.weight, cell.w_state.weight, cell.w_in.bias, b_state]
    rest = (True, 1, 0.0, cell.training, False, False)
    if isinstance(cell, LSTMCell):
        out, h, c = torch.lstm(x, [s[None] for s in begin], weights, *rest)
        return out, (h[0], c[0])
    fused = torch.gru if isinstance(cell, GRUCell) else torch.rnn_tanh
    out, h = fused(x, begin[0][None], weights, *rest)
    return out, (h[0],)


MERGES = ("average", "concatenate", "product", "sum")


class RecurrentLayer(nn.Module):  # type: ignore[misc]
    """A cell over series, one way or both.

    Args:
        kind: one of ``CELLS``, or what makes a cell.
        n_in: numbers in a step.
        units: of the state, each way.
        norm: layer normalisation in the cell.
        drop: share of the state hidden from the gates in training, the same units at every step.
        merge: how both ways are put together, one of ``MERGES``; None runs forwards only.
    """

    def __init__(
        self, kind: str | CellMaker, n_in: int, units: int, norm: bool, drop: float, merge: str | None
    ) -> None:
        super().__init__()
        ways = 1 if merge is None else 2
        make = CELLS[kind] if isinstance(kind, str) else kind
        self.cells = nn.ModuleList([make(n_in, units, norm) for _ in range(ways)])
        self.drop, self.merge = drop, merge
        self.width = 2 * units if merge == "concatenate" else units
        self.fusible = not norm and kind in ("gru", "lstm", "rnn")

    def _way(
        self, way: int, x: torch.Tensor, keep: torch.Tensor | None, state: State | None
    ) -> tuple[torch.Tensor, State]:
        drop = self.drop if self.training else 0.0
        if self.fusible and keep is None and not drop:
            return run_fused(self.cells[way], x, state)
        return run(self.cells[way], x, keep, state, drop)

    def forward(
        self, x: torch.Tensor, lengths: torch.Tensor | None = None, states: Sequence[State] | None = None
    ) -> tuple[torch.Tensor, list[State]]:
        """Return ``(time, b, width)`` and the last state of each way.

        Args:
            x: ``(time, b, n_in)``.
            lengths: ``(b,)`` steps to read of each series; None reads all.
            states: to begin with, one a way.
        """
        keep = None
        if lengths is not None:
            keep = (torch.arange(len(x), device=x.device)[:, None] < lengths)[..., None]
        out, last = self._way(0, x, keep, None if states is None else states[0])
        if self.merge is None:
            return out, [last]
        back, first = self._way(1, _reversed(x, lengths), keep, None if states is None else states[1])
        back = _reversed(back, lengths)
        match self.merge:
            case "sum":
                out = out + back
            case "average":
                out = (out + back) / 2
            case "product":
                out = out * back
            case _:
                out = torch.cat([out, back], dim=-1)
        return out, [last, first]


def _reversed(x: torch.Tensor, lengths: torch.Tensor | None) -> torch.Tensor:
    """Return each series backwards, what is after its end staying there."""
    if lengths is None:
        return x.flip(0)
    t = torch.arange(len(x), device=x.device)[:, None]
    at = torch.where(t < lengths, lengths - 1 - t, t)
    return x.gather(0, at[..., None].expand_as(x))
