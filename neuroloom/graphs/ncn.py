"""NCN: Wang, Yang and Zhang 2024, Neural Common Neighbor with Completion for Link Prediction."""

from __future__ import annotations

from dataclasses import dataclass

from neuroloom.graphs.gcn import GCN
from neuroloom.graphs.link_roles import LinkClassifier


@dataclass(eq=False, repr=False)
class NCNLinkClassifier(LinkClassifier, GCN):
    """Neural common neighbours (NCN): a pair is read by its ends' vectors and by the sum of its common neighbours'.

    ``logit(u, v) = MLP(h_u ⊙ h_v ‖ Σ_{w ∈ N(u) ∩ N(v)} (h_w ‖ 1) / d_w)`` (after eq. 9), h by a graph convolutional
    network; a plain encoder and decoder cannot tell which neighbours two nodes share. Links that are asked for in
    training are taken out of the graph first, as there.

    Raises:
        InputError: a parameter is out of range; there are not two labels; pairs belong to another graph.

    Differences: a common neighbour w counts by one over its degree, and by itself beside its vector, so that the
    resource allocation index is one of the things it can say; links not observed are not completed (the paper's
    NCNC).

    Source: Wang, Yang and Zhang 2024, Neural Common Neighbor with Completion for Link Prediction.
    """

    common_neighbours: bool = True
