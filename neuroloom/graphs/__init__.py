"""Graph learners: node, link and whole-graph features and embeddings, and graph neural networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuroloom.graphs.appnp import APPNPNodeClassifier, APPNPNodeRegressor
    from neuroloom.graphs.deepsets import DeepSetsGraphClassifier, DeepSetsGraphRegressor
    from neuroloom.graphs.deepwalk import DeepWalk
    from neuroloom.graphs.ego_splitting import PersonaGraph, ego_split, overlapping_communities
    from neuroloom.graphs.fastrp import FastRP
    from neuroloom.graphs.feather import FEATHERFeatures
    from neuroloom.graphs.gat import (
        GATGraphClassifier,
        GATGraphRegressor,
        GATLinkClassifier,
        GATNodeClassifier,
        GATNodeRegressor,
    )
    from neuroloom.graphs.gatv2 import (
        GATv2GraphClassifier,
        GATv2GraphRegressor,
        GATv2LinkClassifier,
        GATv2NodeClassifier,
        GATv2NodeRegressor,
    )
    from neuroloom.graphs.gcn import (
        GCNGraphClassifier,
        GCNGraphRegressor,
        GCNLinkClassifier,
        GCNNodeClassifier,
        GCNNodeRegressor,
    )
    from neuroloom.graphs.gcnii import GCNIINodeClassifier, GCNIINodeRegressor
    from neuroloom.graphs.ggvec import GGVec
    from neuroloom.graphs.gin import (
        GINGraphClassifier,
        GINGraphRegressor,
        GINLinkClassifier,
        GINNodeClassifier,
        GINNodeRegressor,
    )
    from neuroloom.graphs.glove import GloVe
    from neuroloom.graphs.gps import (
        GPSGraphClassifier,
        GPSGraphRegressor,
        GPSNodeClassifier,
        GPSNodeRegressor,
    )
    from neuroloom.graphs.grand import GRANDNodeClassifier
    from neuroloom.graphs.graph2vec import Graph2Vec
    from neuroloom.graphs.graph_statistics import GraphStatisticsFeatures
    from neuroloom.graphs.graphsage import (
        GraphSAGEGraphClassifier,
        GraphSAGEGraphRegressor,
        GraphSAGELinkClassifier,
        GraphSAGENodeClassifier,
        GraphSAGENodeRegressor,
    )
    from neuroloom.graphs.grarep import GraRep
    from neuroloom.graphs.label_propagation import LabelPropagationNodeClassifier
    from neuroloom.graphs.laplacian_eigenmaps import LaplacianEigenmaps
    from neuroloom.graphs.lightne import LightNE
    from neuroloom.graphs.link_heuristic import LinkHeuristicClassifier
    from neuroloom.graphs.link_heuristics import LinkHeuristicsFeatures
    from neuroloom.graphs.ncn import NCNLinkClassifier
    from neuroloom.graphs.netlsd import NetLSDFeatures
    from neuroloom.graphs.netmf import NetMF
    from neuroloom.graphs.node2vec import Node2Vec
    from neuroloom.graphs.node_features import NodeFeatures
    from neuroloom.graphs.pair_scores import link_scores
    from neuroloom.graphs.plots import plot_embedding, plot_personas
    from neuroloom.graphs.prone import ProNE
    from neuroloom.graphs.refex import ReFeXFeatures
    from neuroloom.graphs.splitter import Splitter
    from neuroloom.graphs.struc2vec import Struc2Vec
    from neuroloom.graphs.walklets import Walklets
    from neuroloom.graphs.wl import WLFeatures

__all__ = [
    "APPNPNodeClassifier",
    "APPNPNodeRegressor",
    "DeepSetsGraphClassifier",
    "DeepSetsGraphRegressor",
    "DeepWalk",
    "FEATHERFeatures",
    "FastRP",
    "GATGraphClassifier",
    "GATGraphRegressor",
    "GATLinkClassifier",
    "GATNodeClassifier",
    "GATNodeRegressor",
    "GATv2GraphClassifier",
    "GATv2GraphRegressor",
    "GATv2LinkClassifier",
    "GATv2NodeClassifier",
    "GATv2NodeRegressor",
    "GCNGraphClassifier",
    "GCNGraphRegressor",
    "GCNIINodeClassifier",
    "GCNIINodeRegressor",
    "GCNLinkClassifier",
    "GCNNodeClassifier",
    "GCNNodeRegressor",
    "GGVec",
    "GINGraphClassifier",
    "GINGraphRegressor",
    "GINLinkClassifier",
    "GINNodeClassifier",
    "GINNodeRegressor",
    "GPSGraphClassifier",
    "GPSGraphRegressor",
    "GPSNodeClassifier",
    "GPSNodeRegressor",
    "GRANDNodeClassifier",
    "GloVe",
    "GraRep",
    "Graph2Vec",
    "GraphSAGEGraphClassifier",
    "GraphSAGEGraphRegressor",
    "GraphSAGELinkClassifier",
    "GraphSAGENodeClassifier",
    "GraphSAGENodeRegressor",
    "GraphStatisticsFeatures",
    "LabelPropagationNodeClassifier",
    "LaplacianEigenmaps",
    "LightNE",
    "LinkHeuristicClassifier",
    "LinkHeuristicsFeatures",
    "NCNLinkClassifier",
    "NetLSDFeatures",
    "NetMF",
    "Node2Vec",
    "NodeFeatures",
    "PersonaGraph",
    "ProNE",
    "ReFeXFeatures",
    "Splitter",
    "Struc2Vec",
    "WLFeatures",
    "Walklets",
    "ego_split",
    "link_scores",
    "overlapping_communities",
    "plot_embedding",
    "plot_personas",
]

_HOMES = {
    "APPNPNodeClassifier": "appnp",
    "APPNPNodeRegressor": "appnp",
    "DeepSetsGraphClassifier": "deepsets",
    "DeepSetsGraphRegressor": "deepsets",
    "DeepWalk": "deepwalk",
    "FEATHERFeatures": "feather",
    "FastRP": "fastrp",
    "GATGraphClassifier": "gat",
    "GATGraphRegressor": "gat",
    "GATLinkClassifier": "gat",
    "GATNodeClassifier": "gat",
    "GATNodeRegressor": "gat",
    "GATv2GraphClassifier": "gatv2",
    "GATv2GraphRegressor": "gatv2",
    "GATv2LinkClassifier": "gatv2",
    "GATv2NodeClassifier": "gatv2",
    "GATv2NodeRegressor": "gatv2",
    "GCNGraphClassifier": "gcn",
    "GCNGraphRegressor": "gcn",
    "GCNIINodeClassifier": "gcnii",
    "GCNIINodeRegressor": "gcnii",
    "GCNLinkClassifier": "gcn",
    "GCNNodeClassifier": "gcn",
    "GCNNodeRegressor": "gcn",
    "GGVec": "ggvec",
    "GINGraphClassifier": "gin",
    "GINGraphRegressor": "gin",
    "GINLinkClassifier": "gin",
    "GINNodeClassifier": "gin",
    "GINNodeRegressor": "gin",
    "GPSGraphClassifier": "gps",
    "GPSGraphRegressor": "gps",
    "GPSNodeClassifier": "gps",
    "GPSNodeRegressor": "gps",
    "GRANDNodeClassifier": "grand",
    "GloVe": "glove",
    "GraRep": "grarep",
    "Graph2Vec": "graph2vec",
    "GraphSAGEGraphClassifier": "graphsage",
    "GraphSAGEGraphRegressor": "graphsage",
    "GraphSAGELinkClassifier": "graphsage",
    "GraphSAGENodeClassifier": "graphsage",
    "GraphSAGENodeRegressor": "graphsage",
    "GraphStatisticsFeatures": "graph_statistics",
    "LabelPropagationNodeClassifier": "label_propagation",
    "LaplacianEigenmaps": "laplacian_eigenmaps",
    "LightNE": "lightne",
    "LinkHeuristicClassifier": "link_heuristic",
    "LinkHeuristicsFeatures": "link_heuristics",
    "NCNLinkClassifier": "ncn",
    "NetLSDFeatures": "netlsd",
    "NetMF": "netmf",
    "Node2Vec": "node2vec",
    "NodeFeatures": "node_features",
    "PersonaGraph": "ego_splitting",
    "ProNE": "prone",
    "ReFeXFeatures": "refex",
    "Splitter": "splitter",
    "Struc2Vec": "struc2vec",
    "WLFeatures": "wl",
    "Walklets": "walklets",
    "ego_split": "ego_splitting",
    "link_scores": "pair_scores",
    "overlapping_communities": "ego_splitting",
    "plot_embedding": "plots",
    "plot_personas": "plots",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its file on first use."""
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(f"neuroloom.graphs.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'neuroloom.graphs' has no attribute {name!r}")
