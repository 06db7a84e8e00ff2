"""Fitted node networks as modules of plain torch operations over one graph."""

# torch is checked as Any, so its classes can be subclassed only untyped
# mypy: disable-error-code="misc, no-any-return"

from __future__ import annotations

from typing import Any

import numpy as np

from neuroloom.core.graph import Graph
from neuroloom.graphs.encodings import encoded
from neuroloom.graphs.node_roles import GraphInputs


def exported(model: Any, graph: Graph) -> Any:
    """Return the module that :meth:`neuroloom.graphs.node_roles.NodeRole.to_torch` describes."""
    import torch

    from neuroloom.graphs._layers.sparse import Gated, Sparse

    device = torch.device("cpu")
    inputs = GraphInputs(model, graph, device)
    adjacency = Gated(Sparse(inputs.matrix, device), torch.ones(inputs.matrix.nnz))
    adjacency.fix()
    network = model._restored(model._encoder(model.n_features_in_, model._n_answers()), device)
    shift = np.zeros(model.n_features_in_) if model.mean_ is None else model.mean_
    scale = np.ones(model.n_features_in_) if model.scale_ is None else model.scale_

    beside = np.empty((graph.n_nodes, 0), dtype=np.float32)
    if model.encoding != "none":
        beside = encoded(model.encoding, graph)

    class GraphModule(torch.nn.Module):
        """Features in, outputs out, over a graph that is part of it."""

        def __init__(self) -> None:
            super().__init__()
            self.network, self.adjacencies = network, [adjacency] * (inputs.hops or 1)
            self.by_row = model.normalize == "row" and model.mean_ is None
            self.register_buffer("shift", torch.tensor(shift, dtype=torch.float32))
            self.register_buffer("scale", torch.tensor(scale, dtype=torch.float32))

            self.register_buffer("encoding", torch.from_numpy(beside))

        def forward(self, x: Any) -> Any:
            x = torch.cat([x, self.encoding], dim=1)
            x = (x - self.shift) / self.scale
            if self.by_row:
                total = x.abs().sum(dim=1, keepdim=True)
                x = x / torch.where(total > 0, total, torch.ones_like(total))
            return self.network(self.adjacencies, x)

    return GraphModule().eval()
