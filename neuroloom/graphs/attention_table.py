"""What attention networks attend to, as a table and as a picture of one node among its neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core import plotting
from neuroloom.core.checks import check_int
from neuroloom.core.errors import InputError
from neuroloom.core.samples import NodeSet
from neuroloom.graphs.network import one_thread
from neuroloom.graphs.node_roles import GraphInputs, node_set

if TYPE_CHECKING:
    import pandas as pd


def attention_table(model: Any, X: NodeSet) -> pd.DataFrame:
    """Return the coefficients of a fitted GAT or GATv2 as :meth:`neuroloom.graphs.gat.GAT.attention` describes them."""
    import pandas as pd
    import torch
    from sklearn.utils.validation import check_is_fitted

    from neuroloom.core.devices import resolve_device

    check_is_fitted(model, "weights_")
    X = node_set(X)
    device = resolve_device(model.device)
    network = model._restored(model._encoder(model.n_features_in_, model._n_answers()), device)
    inputs = GraphInputs(model, X.graph, device)
    found: list[Any] = []
    for layer in network.layers:
        layer.attend = _recorded(layer.attend, found)
    with one_thread(), torch.no_grad():
        network(*inputs.whole())
    matrix = inputs.matrix
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    entries = np.flatnonzero(np.isin(rows, X.ids))
    names = np.array(X.graph.names, dtype=object) if X.graph.names is not None else np.arange(X.graph.n_nodes)
    tables = []
    for depth, alpha in enumerate(found, 1):
        for head in range(alpha.shape[1]):
            tables.append(
                pd.DataFrame(
                    {
                        "layer": depth,
                        "head": head + 1,
                        "node": names[rows[entries]],
                        "neighbour": names[matrix.indices[entries]],
                        "coefficient": alpha[entries, head],
                    }
                )
            )
    return pd.concat(tables, ignore_index=True)


def _recorded(attend: Any, found: list[Any]) -> Any:
    def recording(adjacency: Any, x: Any) -> Any:
        out, alpha = attend(adjacency, x)
        found.append(alpha.cpu().numpy())
        return out, alpha

    return recording


def plot_attention(model: Any, X: NodeSet, layer: int, most: int, ax: Any) -> Any:
    """Draw one node among those it attends to: lines as wide as the mean coefficient, and its heads' range in words."""
    check_int("layer", layer)
    check_int("most", most)
    if len(node_set(X)) != 1:
        raise InputError(f"`plot_attention` draws one node, but X holds {len(X)}; pass NodeSet(graph, [id]).")
    table = attention_table(model, X)
    if layer > table["layer"].max():
        raise InputError(f"`layer` must be at most {table['layer'].max()}, but got {layer}.")
    own = table[table["layer"] == layer]
    means = own.groupby("neighbour", sort=False)["coefficient"].agg(["mean", "min", "max"])
    means = means.sort_values("mean", ascending=False, kind="stable")
    centre = own["node"].iloc[0]
    others = means.drop(index=centre, errors="ignore")
    itself = f"itself {means.loc[centre, 'mean']:.0%}, " if centre in means.index else ""
    left = others.iloc[most:]["mean"].sum()
    others = others.iloc[:most]
    if ax is None:
        _, ax = plotting.pyplot().subplots(figsize=(6.4, 6.4), layout="constrained")
    _draw_star(
        ax, str(centre), others.index.astype(str).to_numpy(), others["mean"].to_numpy(), means["mean"].max()
    )
    rest = f", {len(means) - len(others) - bool(itself)} more {left:.0%}" if left else ""
    heads = own["head"].nunique()
    ax.set_title(
        f"What {centre} attends to, layer {layer}\n{itself}{len(others)} neighbours "
        f"{others['mean'].sum():.0%}{rest}; mean of {heads} head{'s' if heads > 1 else ''}",
        fontsize=10,
        color=plotting.INK,
    )
    return ax


def _draw_star(ax: Any, centre: str, names: NDArray[Any], weights: NDArray[Any], largest: float) -> None:
    angles = np.pi / 2 - 2 * np.pi * np.arange(len(names)) / max(len(names), 1)
    places = np.column_stack([np.cos(angles), np.sin(angles)])
    for (x, y), name, weight in zip(places, names, weights, strict=True):
        share = weight / largest
        ax.plot(
            [0, x], [0, y], color="#0072b2", linewidth=0.6 + 7 * share, alpha=0.25 + 0.7 * share, zorder=1
        )
        ax.text(
            1.1 * x,
            1.1 * y,
            f"{name}\n{weight:.1%}",
            ha="center",
            va="center",
            fontsize=8,
            color=plotting.INK,
        )
    ax.scatter(*places.T, s=70, color="#e69f00", edgecolors="white", zorder=2)
    ax.scatter([0], [0], s=420, color="#0072b2", edgecolors="white", zorder=3)
    ax.text(0, 0, centre, ha="center", va="center", fontsize=8, color="white", zorder=4)
    ax.set_xlim(-1.45, 1.45)
    ax.set_ylim(-1.45, 1.45)
    ax.set_aspect("equal")
    ax.axis("off")
