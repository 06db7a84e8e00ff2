"""Graph attention as one operation over the edges, forward and backward: fused kernels on the CPU, torch elsewhere."""

# torch is checked as Any, so its classes can be subclassed only untyped
# mypy: disable-error-code="misc, no-any-return"

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from neuroloom.graphs._layers.sparse import Gated, Sparse


class _Attention(torch.autograd.Function):
    """The kernels of ``_attention_kernels`` or of ``_attention_v2_kernels``, which take three tensors of other
    shapes.
    """

    @staticmethod
    def forward(
        ctx: Any, kernels: Any, graph: Sparse, a: Tensor, b: Tensor, c: Tensor, keep: Tensor, slope: float
    ) -> tuple[Tensor, Tensor]:
        arrays = [part.detach().contiguous().numpy() for part in (a, b, c, keep)]
        slope = arrays[0].dtype.type(slope)
        prior = _prior(graph, a.dtype)
        out, alpha = kernels.attend(graph.indptr, graph.indices, *arrays, slope=slope, prior=prior)
        ctx.kernels, ctx.graph, ctx.arrays, ctx.alpha, ctx.slope = kernels, graph, arrays, alpha, slope
        coefficients = torch.from_numpy(alpha)
        ctx.mark_non_differentiable(coefficients)
        return torch.from_numpy(out), coefficients

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Any, ...]:
        g, graph = grad.contiguous().numpy(), ctx.graph
        parts = ctx.kernels.attend_backward(graph.indptr, graph.indices, *ctx.arrays, ctx.slope, ctx.alpha, g)
        return None, None, *(torch.from_numpy(part) for part in parts), None, None


def _prior(graph: Sparse, dtype: torch.dtype) -> Any:
    """Return the entries' weights where any is not 1, else None."""
    return graph.values.to(dtype).numpy() if graph.weighted else None


def attention(
    graph: Sparse, h: Tensor, s: Tensor, t: Tensor, keep: Tensor, slope: float
) -> tuple[Tensor, Tensor]:
    """Return ``out_i = Σ_j keep_ij α_ij h_j`` over the entries j of row i, and ``α (m, H)`` without gradient.

    ``α_ij ∝ w_ij exp(LeakyReLU(s_i + t_j))``, w being the entries' values.

    Args:
        graph: adjacency of n rows over c columns; no value below 0.
        h: ``(c, H, D)``. s, t: ``(c, H)``. keep: ``(m, H)`` dropout factors, or ``(0, H)`` for none.
        slope: of the LeakyReLU below 0.
    """
    if h.device.type == "cpu" and not isinstance(graph, Gated):
        from neuroloom.graphs import _attention_kernels

        return _Attention.apply(_attention_kernels, graph, h, s, t, keep, slope)
    rows, cols = graph.rows, graph.columns
    return _attend(graph, functional.leaky_relu(s[rows] + t[cols], slope), h, keep, rows, cols)


def dynamic_attention(
    graph: Sparse, l: Tensor, r: Tensor, a: Tensor, keep: Tensor, slope: float
) -> tuple[Tensor, Tensor]:
    """Return ``out_i = Σ_j keep_ij α_ij r_j`` and ``α (m, H)``, ``α_ij ∝ w_ij exp(a · LeakyReLU(l_i + r_j))``.

    Args:
        graph: as for :func:`attention`. l, r: ``(c, H, D)``. a: ``(H, D)``. keep, slope: as for :func:`attention`.
    """
    if l.device.type == "cpu" and not isinstance(graph, Gated):
        from neuroloom.graphs import _attention_v2_kernels

        return _Attention.apply(_attention_v2_kernels, graph, l, r, a, keep, slope)
    rows, cols = graph.rows, graph.columns
    return _attend(graph, (functional.leaky_relu(l[rows] + r[cols], slope) * a).sum(-1), r, keep, rows, cols)


def _attend(
    graph: Sparse, e: Tensor, h: Tensor, keep: Tensor, rows: Tensor, cols: Tensor
) -> tuple[Tensor, Tensor]:
    n, heads = graph.shape[0], h.shape[1]
    top = e.new_full((n, heads), -torch.inf).scatter_reduce(0, rows[:, None].expand_as(e), e, "amax")
    prior = graph.ungated if isinstance(graph, Gated) else graph.values
    e = prior[:, None] * torch.exp(e - top[rows].detach())
    alpha = e / e.new_zeros(n, heads).index_add(0, rows, e)[rows]
    kept = alpha * keep if len(keep) else alpha
    if isinstance(graph, Gated):
        kept = kept * graph.gates[:, None]
    return h.new_zeros(n, *h.shape[1:]).index_add(0, rows, kept[:, :, None] * h[cols]), alpha.detach()
