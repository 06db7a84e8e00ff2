"""Constant sparse matrices in torch: products, maxima over rows, and the linear layer that takes sparse features."""

# torch is checked as Any, so its classes can be subclassed only untyped
# mypy: disable-error-code="misc, no-any-return"

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neuroloom.graphs._layers.dropout import dropout


class Sparse:
    """A constant CSR matrix ``(n, m)`` with its transpose, ready for products with dense tensors on one device.

    As the adjacency of one layer its rows are the nodes that the layer answers for, its columns those that it reads
    from; the first ``n`` columns are the rows. A whole graph is square.

    Args:
        matrix: a SciPy sparse matrix.
        device: where the products run: numba on the CPU, torch's sparse kernels elsewhere.
    """

    def __init__(self, matrix: Any, device: torch.device) -> None:
        import scipy.sparse

        csr = scipy.sparse.csr_array(matrix, dtype=np.float32)
        csr.sort_indices()
        numbered = scipy.sparse.csr_array((np.arange(csr.nnz), csr.indices, csr.indptr), shape=csr.shape)
        turned = numbered.T.tocsr()
        self.shape = csr.shape
        self.device = device
        self.indptr, self.indices = csr.indptr.astype(np.int64), csr.indices.astype(np.int32)
        self.turned = (turned.indptr.astype(np.int64), turned.indices.astype(np.int32))
        self.order = torch.from_numpy(turned.data.astype(np.int64)).to(device)
        self.values = torch.from_numpy(csr.data.astype(np.float32)).to(device)
        self.weighted = bool((csr.data != 1).any())
        self._fixed: tuple[Tensor, Tensor] | None = None
        self.lengths: list[int] | None = None  # nodes of each graph, where it is several side by side
        if device.type != "cpu":
            self.torch_parts = [torch.from_numpy(a).long().to(device) for a in (self.indptr, self.indices)]
            self.torch_turned = [torch.from_numpy(a).long().to(device) for a in self.turned]

    def fix(self) -> None:
        """Make the tensors of rows and columns for good, so that an exported network need not."""
        self._fixed = (self.rows, self.columns)

    @property
    def rows(self) -> Tensor:
        """``(entries,)`` row of each entry, on the device."""
        if self._fixed is not None:
            return self._fixed[0]
        counts = torch.from_numpy(np.diff(self.indptr)).to(self.device)
        return torch.repeat_interleave(torch.arange(self.shape[0], device=self.device), counts)

    @property
    def columns(self) -> Tensor:
        """``(entries,)`` column of each entry, on the device."""
        if self._fixed is not None:
            return self._fixed[1]
        return torch.from_numpy(self.indices).long().to(self.device)

    def product(self, values: Tensor, x: Tensor, transposed: bool) -> Tensor:
        """Return ``S x`` or ``Sᵀ x`` where S holds ``values`` instead of its own."""
        if transposed:
            values = values[self.order]
        if self.device.type == "cpu":
            from neuroloom.graphs._kernels_csr import csr_dot

            parts = self.turned if transposed else (self.indptr, self.indices)
            dense = x.detach().contiguous().numpy()
            return torch.from_numpy(csr_dot(*parts, values.to(x.dtype).numpy(), dense))
        on_device = self.torch_turned if transposed else self.torch_parts
        shape = self.shape[::-1] if transposed else self.shape
        return torch.sparse_csr_tensor(*on_device, values.to(x.dtype), size=shape) @ x

    def __matmul__(self, x: Tensor) -> Tensor:
        return _Product.apply(self, self.values, x)

    def dropped(self, x: Tensor, p: float, training: bool) -> Tensor:
        """Return ``dropout(S) x``: entries of S are dropped with probability ``p`` in training."""
        return _Product.apply(self, dropout(self.values, p, training), x)

    def top(self, n: int) -> Sparse:
        """Return the first ``n`` rows."""
        if n == self.shape[0]:
            return self
        import scipy.sparse

        end = self.indptr[n]
        parts = (self.values[:end].cpu().numpy(), self.indices[:end], self.indptr[: n + 1])
        return Sparse(scipy.sparse.csr_array(parts, shape=(n, self.shape[1])), self.device)

    def maximum(self, x: Tensor) -> Tensor:
        """Return ``(n, d)``, the largest of the rows of ``x (m, d)`` that each row of S has entries for; 0 for none."""
        if self.device.type == "cpu":
            return _Maximum.apply(self, x)
        index = self.rows[:, None].expand(-1, x.shape[1])
        out = x.new_zeros(self.shape[0], x.shape[1])
        return out.scatter_reduce(0, index, x[self.columns], "amax", include_self=False)


class Gated(Sparse):
    """A matrix whose entries are multiplied by ``gates (entries,)``, with gradients for these; for explanations.

    Slow, and read by all operations as a :class:`Sparse` is.
    """

    def __init__(self, matrix: Sparse, gates: Tensor) -> None:
        self.__dict__.update(matrix.__dict__)
        self.ungated, self.gates = matrix.values, gates  # attention is shared out before gates close
        self.values, self.weighted = matrix.values * gates, True

    def __matmul__(self, x: Tensor) -> Tensor:
        spread = self.values[:, None] * x[self.columns]
        return x.new_zeros(self.shape[0], x.shape[1]).index_add(0, self.rows, spread)

    def dropped(self, x: Tensor, p: float, training: bool) -> Tensor:
        """Return ``S x``; nothing is dropped."""
        return self @ x

    def maximum(self, x: Tensor) -> Tensor:
        """Return the largest of the neighbours' numbers, which are multiplied by their gates first."""
        index = self.rows[:, None].expand(-1, x.shape[1])
        out = x.new_zeros(self.shape[0], x.shape[1])
        return out.scatter_reduce(
            0, index, x[self.columns] * self.values[:, None], "amax", include_self=False
        )


class _Product(torch.autograd.Function):
    """``S x`` with the gradient ``Sᵀ g`` for x; S is constant."""

    @staticmethod
    def forward(ctx: Any, sparse: Sparse, values: Tensor, x: Tensor) -> Tensor:
        ctx.sparse, ctx.values = sparse, values
        return sparse.product(values, x, transposed=False)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, None, Tensor | None]:
        if not ctx.needs_input_grad[2]:
            return None, None, None
        return None, None, ctx.sparse.product(ctx.values, grad, transposed=True)


class _Maximum(torch.autograd.Function):
    """The largest neighbour, number by number; its gradient goes to the neighbour that it came from."""

    @staticmethod
    def forward(ctx: Any, sparse: Sparse, x: Tensor) -> Tensor:
        from neuroloom.graphs._kernels_csr import csr_max

        out, ctx.at = csr_max(sparse.indptr, sparse.indices, x.detach().contiguous().numpy())
        ctx.count = len(x)
        return torch.from_numpy(out)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor]:
        from neuroloom.graphs._kernels_csr import csr_max_backward

        return None, torch.from_numpy(csr_max_backward(ctx.at, grad.contiguous().numpy(), ctx.count))


class Linear(nn.Module):
    """``dropout(x) W`` without bias for a dense or sparse ``x (n, F)``; Glorot-uniform W ``(F, D)``."""

    def __init__(self, n_in: int, n_out: int, dropout: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_in, n_out))
        self.dropout = dropout
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x: Tensor | Sparse) -> Tensor:
        """Return ``dropout(x) W``."""
        if isinstance(x, Sparse):
            return x.dropped(self.weight, self.dropout, self.training)
        return dropout(x, self.dropout, self.training) @ self.weight
