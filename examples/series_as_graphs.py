"""Series as graphs: who sees whom tells chaos from noise, and channels joined by scale show who moves with whom.

python series_as_graphs.py [PICTURE.png]
"""

import sys

import networkx as nx
import numpy as np
from matplotlib import pyplot

import neuroloom
from neuroloom.signal import WaveletCorrelationGraphs, visibility_graph

rng = np.random.default_rng(0)
chaos = [0.4]
for _ in range(9999):
    chaos.append(4 * chaos[-1] * (1 - chaos[-1]))
slopes = {}
for name, series in (("noise", rng.random(10_000)), ("chaos", np.array(chaos))):
    degrees = visibility_graph(series, horizontal=True).degrees
    shares = np.bincount(degrees)[3:12] / len(degrees)
    slopes[name] = -np.polyfit(np.arange(3, 12), np.log(shares), 1)[0]
    print(f"{name}: degrees fall off at {slopes[name]:.2f}; noise at 0.41 by theory, chaos more slowly")

# Six channels: the first three share what is slow, the last three what is quick.
y = np.repeat(["together", "apart"], 40)
slow = np.lib.stride_tricks.sliding_window_view(rng.standard_normal((80, 1, 135)), 8, axis=-1).sum(-1)
quick = np.diff(rng.standard_normal((80, 1, 129)), axis=-1)
X = rng.standard_normal((80, 6, 128))
X[:40, :3] += 0.6 * slow[:40]
X[:40, 3:] += 1.2 * quick[:40]
model = neuroloom.make(
    "wavelet-correlation-graph+gat", "series", "classification", gat={"epochs": 40, "random_state": 0}
)
right = (model.fit(X[::2], y[::2]).predict(X[1::2]) == y[1::2]).mean()
print(f"a graph attention network tells 'together' from 'apart' on {right:.0%} of new samples")
graph = WaveletCorrelationGraphs().fit(X).transform(X[:1]).graphs[0]

figure, axes = pyplot.subplots(1, 3, figsize=(15, 4.4), layout="constrained")
shown = np.array(chaos[100:140])
for a, b in visibility_graph(shown).edges():
    axes[0].plot([a, b], shown[[a, b]], color="#b4bcc4", linewidth=0.7)
axes[0].plot(shown, "o", color="#2166ac", markersize=4)
axes[0].set(title="the logistic map: who sees whom", xlabel="step")
ring = nx.circular_layout(range(6))
for ax, level, name in ((axes[1], 0, "finest"), (axes[2], 3, "fourth")):
    dense = graph.to_scipy().toarray()[6 * level : 6 * level + 6, 6 * level : 6 * level + 6]
    net = nx.from_numpy_array(dense)
    widths = [7 * data["weight"] for *_, data in net.edges(data=True)]
    nx.draw_networkx(net, ring, ax=ax, width=widths, node_color="#a6c8e4", edge_color="#2166ac")
    ax.set_title(f"correlation of six channels at the {name} scale")
    ax.set_axis_off()
figure.savefig(sys.argv[1] if len(sys.argv) > 1 else "graphs.png", dpi=110)
