"""Explanations of a node's answer by PyTorch Geometric's explainers, over networks that are not PyG's.

:class:`Explained` shows a network of ours to ``torch_geometric.explain`` as one of its own: features and an edge list
in, answers out. A gate on each edge is a message-passing layer, so that every algorithm that masks edges can mask
ours.

GNNExplainer: Ying, Bourgeois, You, Zitnik and Leskovec 2019, GNNExplainer: Generating Explanations for Graph Neural
Networks.
"""

# torch and PyG are checked as Any, so their classes can be subclassed only untyped
# mypy: disable-error-code="misc, no-any-return"

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core import plotting
from neuroloom.core.errors import InputError
from neuroloom.core.samples import NodeSet
from neuroloom.core.seeding import as_seed, derive
from neuroloom.graphs.network import one_thread
from neuroloom.graphs.node_roles import GraphInputs

if TYPE_CHECKING:
    import pandas as pd

STEPS = 300  # with less weight on entropy, which keeps idle edges where they began, and more on size than by default


@dataclass(frozen=True, eq=False)
class NodeExplanation:
    """Where the answer for a node comes from.

    Args:
        node: its name, or its id where there are none.
        answer: the label, or the number.
        edges: ``source``, ``target`` and ``importance`` in [0, 1] of the edges that its answer can hang on, the most
            important first; of an edge's two directions the larger.
        features: ``(d,)`` importance of each feature of the node's surroundings, in [0, 1].
    """

    node: Any
    answer: Any
    edges: pd.DataFrame
    features: NDArray[np.float64]

    def plot(self, *, most: int = 30, ax: Any = None) -> Any:
        """Draw the ``most`` important edges, the wider the more important, and return matplotlib's axes."""
        import networkx as nx

        shown = self.edges.head(most)
        graph = nx.Graph()
        graph.add_node(self.node)
        for source, target, weight in shown.itertuples(index=False):
            graph.add_edge(source, target, weight=float(weight))
        if ax is None:
            _, ax = plotting.pyplot().subplots(figsize=(7.0, 5.6), layout="constrained")
        places = nx.spring_layout(
            graph, seed=0, iterations=200, weight=None, k=1.6 / max(len(graph), 2) ** 0.5
        )
        weights = np.array([graph.edges[edge]["weight"] for edge in graph.edges])
        top = weights.max() if len(weights) else 1.0
        nx.draw_networkx_edges(
            graph,
            places,
            ax=ax,
            width=0.5 + 5 * weights / top,
            edge_color=weights,
            edge_cmap=_blues(),
            edge_vmin=-0.3 * top,
        )
        colours = ["#d55e00" if node == self.node else "#e3e6ea" for node in graph]
        nx.draw_networkx_nodes(graph, places, ax=ax, node_color=colours, node_size=260, edgecolors="white")
        nx.draw_networkx_labels(graph, places, ax=ax, font_size=7, font_color=plotting.INK)
        few = (
            f"the {len(shown)} most important of {len(self.edges)} edges"
            if most < len(self.edges)
            else "all its edges"
        )
        ax.set_title(f"Why {self.node} is {self.answer}: {few}", fontsize=10, color=plotting.INK)
        ax.margins(0.12)
        ax.axis("off")
        return ax


def _blues() -> Any:
    return plotting.pyplot().get_cmap("Blues")


def _explained(network: Any, adjacency: Any, hops: int) -> Any:
    """Return ``network`` as a module of PyG's form over the entries of one square ``adjacency``."""
    import torch
    from torch_geometric.nn import MessagePassing

    from neuroloom.graphs._layers.sparse import Gated

    class Gates(MessagePassing):
        """Gives each edge its gate: 1, or what an explainer makes of it."""

        def forward(self, edge_index: Any) -> Any:
            ones = torch.ones(edge_index.shape[1], 1)
            return self.propagate(edge_index, gate=ones, size=adjacency.shape)[:, 0]

        def message(self, gate: Any) -> Any:
            return gate

        def aggregate(self, inputs: Any) -> Any:
            return inputs

    class Explained(torch.nn.Module):
        """Features and edges in, answers out."""

        def __init__(self) -> None:
            super().__init__()
            self.gates, self.network = Gates(), network

        def forward(self, x: Any, edge_index: Any) -> Any:
            return self.network([Gated(adjacency, self.gates(edge_index))] * hops, x)

    return Explained()


def explain_node(model: Any, X: NodeSet, algorithm: Any = None) -> NodeExplanation:
    """Return the explanation that :meth:`neuroloom.graphs.node_roles.NodeRole.explain` describes."""
    import pandas as pd
    import torch
    from torch_geometric.explain import Explainer, GNNExplainer

    from neuroloom.graphs._layers.sparse import Sparse

    if len(X) != 1:
        raise InputError(f"`explain` takes one node, but X holds {len(X)}; pass NodeSet(graph, [id]).")
    inputs, device = GraphInputs(model, X.graph, torch.device("cpu")), torch.device("cpu")
    nodes = np.arange(X.graph.n_nodes) if inputs.hops is None else inputs.nodes_read(X.ids)
    adjacency = Sparse(inputs.matrix[nodes][:, nodes], device)
    network = model._restored(model._encoder(model.n_features_in_, model._n_answers()), device)
    wrapped = _explained(network, adjacency, inputs.hops or 1).eval()
    edge_index = torch.stack([adjacency.columns, adjacency.rows])
    classes = hasattr(model, "classes_") and not getattr(model, "multilabel_", False)
    explainer = Explainer(
        wrapped,
        algorithm=algorithm or GNNExplainer(epochs=STEPS, edge_size=0.02, edge_ent=0.1),
        explanation_type="model",
        node_mask_type="attributes",
        edge_mask_type="object",
        model_config={
            "mode": "multiclass_classification" if classes else "regression",
            "task_level": "node",
            "return_type": "raw",
        },
    )
    at = int(np.flatnonzero(nodes == X.ids[0])[0])
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(as_seed(model.random_state), "explain"))
        found = explainer(torch.from_numpy(inputs.features[nodes]), edge_index, index=at)
    names = np.array(X.graph.names, dtype=object) if X.graph.names is not None else np.arange(X.graph.n_nodes)
    ends = np.sort(nodes[edge_index.numpy()], axis=0)
    table = pd.DataFrame({"source": ends[0], "target": ends[1], "importance": found.edge_mask.numpy()})
    table = table[table["source"] != table["target"]].groupby(["source", "target"], as_index=False).max()
    table = table[table["importance"] > 0].sort_values("importance", ascending=False, kind="stable")
    table["source"], table["target"] = names[table["source"]], names[table["target"]]
    importance = found.node_mask.numpy().max(axis=0).astype(np.float64)
    return NodeExplanation(names[X.ids[0]], model.predict(X)[0], table.reset_index(drop=True), importance)
