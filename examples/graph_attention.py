"""What a graph attention network looks at, and why it answers as it does: Zachary's karate club.

python graph_attention.py [PICTURE.png]
"""

import sys

import networkx as nx
import numpy as np
from matplotlib import pyplot

from neuroloom.core import Graph, NodeSet
from neuroloom.graphs import GATNodeClassifier

club = nx.karate_club_graph()
members = NodeSet(Graph.of(club))
side = np.array([club.nodes[m]["club"] for m in club])
known = np.array([0, 33, 5, 16, 23, 29])  # the two leaders and two members of each side
network = GATNodeClassifier(heads=4, epochs=200, random_state=0).fit(members[known], side[known])
print(f"{np.mean(network.predict(members) == side):.0%} of 34 members on the right side, 6 of them given")

table = network.attention(members)
print(table.query("layer == 1 and node == 8").groupby("neighbour")["coefficient"].mean().round(3).to_string())

member = members[[8]]  # he knew both leaders
explanation = network.explain(member)
print(explanation.edges.head(5).round(2).to_string(index=False))

figure, (left, right) = pyplot.subplots(1, 2, figsize=(12.4, 6.2), layout="constrained")
network.plot_attention(member, ax=left)
explanation.plot(most=20, ax=right)
picture = sys.argv[1] if len(sys.argv) > 1 else "graph_attention.png"
figure.savefig(picture, dpi=110)
print(f"picture in {picture}")
