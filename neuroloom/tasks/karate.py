"""Zachary's karate club."""

from __future__ import annotations

import numpy as np

from neuroloom.core.graph import Graph
from neuroloom.core.samples import NodeSet
from neuroloom.tasks.base import NamedTask
from neuroloom.tasks.metrics import DEFAULTS
from neuroloom.tasks.task import Data


class KarateClub(NamedTask):
    """Which of two clubs each member joined when the karate club broke up."""

    kind = "nodes"
    problem = "classification"
    metrics = DEFAULTS["classification"]
    summary = "34 members of a karate club, 78 weighted ties: whom did each follow when it broke up"
    source = (
        "Zachary 1977, An information flow model for conflict and fission in small groups; networkx's copy"
    )

    def load(self, seed: int = 0) -> Data:
        """Return all 34 nodes and the club of each."""
        import networkx

        club = networkx.karate_club_graph()
        y = np.array([club.nodes[node]["club"] for node in club.nodes])
        return Data(NodeSet(Graph.of(club)), y)
