"""Embeddings, features and networks of nodes, links and whole graphs."""

from __future__ import annotations

from collections.abc import Iterator

from neuroloom.methods.method import LEARNED, Method, classifier_and_regressor, transformer

_LINK_HEURISTICS = (
    ("common-neighbours", "common_neighbours", "number of common neighbours of a pair"),
    ("jaccard", "jaccard", "share of common neighbours of a pair"),
    ("adamic-adar", "adamic_adar", "common neighbours, rare ones counting more"),
    ("resource-allocation", "resource_allocation", "common neighbours, each over its degree"),
    ("preferential-attachment", "preferential_attachment", "product of the degrees of a pair"),
    ("local-path", "local_path", "paths of two and three steps between a pair"),
    ("katz", "katz", "paths of all lengths between a pair, long ones counting less"),
    ("ppr", "personalised_pagerank", "personalised PageRank of each of a pair for the other"),
    ("shortest-path", "shortest_path", "one over the distance of a pair"),
)

_GRAPH_NETWORKS = (
    ("gcn", "GCN", "nodes links graphs", 2, "GCN: graph convolutional network"),
    ("gat", "GAT", "nodes links graphs", 2, "GAT: graph attention network"),
    ("gatv2", "GATv2", "nodes links graphs", 1, "GATv2: graph attention network with dynamic attention"),
    (
        "graphsage",
        "GraphSAGE",
        "nodes links graphs",
        1,
        "GraphSAGE: a node beside what its neighbours have in common",
    ),
    ("gin", "GIN", "nodes links graphs", 1, "GIN: graph isomorphism network"),
    ("appnp", "APPNP", "nodes", 1, "APPNP: a dense net's answers spread by personalised PageRank"),
    ("gcnii", "GCNII", "nodes", 1, "GCNII: deep graph convolutional network"),
    ("gps", "GPS", "nodes graphs", 1, "GPS: graph transformer"),
    ("ncn", "NCN", "links", 1, "NCN: graph network that sees the common neighbours of a pair"),
    ("deepsets", "DeepSets", "graphs", 1, "deep sets: a graph as the set of its nodes, without its edges"),
)


def _roles(module: str, stem: str, kinds: str) -> dict[tuple[str, str], str]:
    """Return the classes of a graph network: regressors for all kinds but links."""
    found: dict[tuple[str, str], str] = {}
    for kind in kinds.split():
        name = f"{stem}{kind.removesuffix('s').capitalize()}"
        found |= classifier_and_regressor(kind, module, name)
    found.pop(("links", LEARNED[1]), None)
    return found


def methods() -> Iterator[Method]:
    """Yield them in the order in which they are listed."""
    graphs = "neuroloom.graphs"
    walks, networks = f"{graphs}.warming:warm_up_walks", f"{graphs}.warming:warm_up_networks"
    pairs = f"{graphs}.warming:warm_up_pairs"
    matrices, contrasts = f"{graphs}.warming:warm_up_matrices", f"{graphs}.warming:warm_up_contrasts"
    yield Method("prone", "graphs", "ProNE: spectral node embedding by sparse factorisation",
                 transformer(f"{graphs}:ProNE", "nodes", "links"), version=2, warm_up=matrices)  # fmt: skip
    yield Method("fastrp", "graphs", "FastRP: node embedding by very sparse random projections",
                 transformer(f"{graphs}:FastRP", "nodes", "links"), warm_up=matrices)  # fmt: skip
    yield Method("netmf", "graphs", "NetMF: node embedding by factorising DeepWalk's matrix",
                 transformer(f"{graphs}:NetMF", "nodes", "links"), warm_up=matrices)  # fmt: skip
    yield Method("lightne", "graphs", "LightNE: NetMF sampled and smoothed, for large graphs",
                 transformer(f"{graphs}:LightNE", "nodes", "links"), warm_up=matrices)  # fmt: skip
    yield Method("grarep", "graphs", "GraRep: node embedding by factorising each power of the walk",
                 transformer(f"{graphs}:GraRep", "nodes", "links"), warm_up=matrices)  # fmt: skip
    yield Method("laplacian-eigenmaps", "graphs", "Laplacian eigenmaps: spectral node embedding",
                 transformer(f"{graphs}:LaplacianEigenmaps", "nodes", "links"))  # fmt: skip
    yield Method("ggvec", "graphs", "GGVec: node embedding that tells edges from random pairs",
                 transformer(f"{graphs}:GGVec", "nodes", "links"), warm_up=contrasts)  # fmt: skip
    yield Method("glove", "graphs", "GloVe: node embedding from co-occurrences on random walks",
                 transformer(f"{graphs}:GloVe", "nodes", "links"), warm_up=contrasts)  # fmt: skip
    yield Method("deepwalk", "graphs", "DeepWalk: node embedding from random walks",
                 transformer(f"{graphs}:DeepWalk", "nodes", "links"), version=2, warm_up=walks)  # fmt: skip
    yield Method("node2vec", "graphs", "node2vec: node embedding from biased random walks",
                 transformer(f"{graphs}:Node2Vec", "nodes", "links"), version=2, warm_up=walks)  # fmt: skip
    yield Method("walklets", "graphs", "Walklets: node embedding from walks, a part for each distance",
                 transformer(f"{graphs}:Walklets", "nodes", "links"), warm_up=walks)  # fmt: skip
    yield Method("struc2vec", "graphs", "struc2vec: node embedding of structural roles",
                 transformer(f"{graphs}:Struc2Vec", "nodes", "links"),
                 warm_up=f"{graphs}.warming:warm_up_roles")  # fmt: skip
    yield Method("refex", "graphs", "ReFeX: recursive structural features of nodes",
                 transformer(f"{graphs}:ReFeXFeatures", "nodes"),
                 warm_up=f"{graphs}.warming:warm_up_roles")  # fmt: skip
    yield Method("splitter", "graphs", "Splitter: several vectors a node, one for each social circle",
                 transformer(f"{graphs}:Splitter", "nodes", "links"),
                 warm_up=f"{graphs}.warming:warm_up_personas")  # fmt: skip
    for key, stem, roles, version, title in _GRAPH_NETWORKS:
        yield Method(key, "graphs", title, _roles(graphs, stem, roles), version=version, warm_up=networks)
    yield Method("grand", "graphs", "GRAND: graph random network, for few labelled nodes",
                 {("nodes", LEARNED[0]): f"{graphs}:GRANDNodeClassifier"}, warm_up=networks)  # fmt: skip
    yield Method("label-propagation", "graphs", "labels that run along the edges, no features: a baseline",
                 {("nodes", LEARNED[0]): f"{graphs}:LabelPropagationNodeClassifier"})  # fmt: skip
    yield Method("node-features", "graphs", "features and degree statistics of each node",
                 transformer(f"{graphs}:NodeFeatures", "nodes"))  # fmt: skip
    yield Method("link-heuristics", "graphs", "common neighbours, Adamic-Adar and their like",
                 transformer(f"{graphs}:LinkHeuristicsFeatures", "links"), version=2, warm_up=pairs)  # fmt: skip
    for key, heuristic, title in _LINK_HEURISTICS:
        yield Method(key, "graphs", title, {("links", LEARNED[0]): f"{graphs}:LinkHeuristicClassifier"},
                     fixed={"heuristic": heuristic}, warm_up=pairs)  # fmt: skip
    yield Method("wl", "graphs", "Weisfeiler-Lehman subtree features of whole graphs",
                 transformer(f"{graphs}:WLFeatures", "graphs"))  # fmt: skip
    yield Method("graph2vec", "graphs", "graph2vec: whole graphs embedded as documents of subtrees",
                 transformer(f"{graphs}:Graph2Vec", "graphs"),
                 warm_up=f"{graphs}.warming:warm_up_whole_graphs")  # fmt: skip
    yield Method("feather", "graphs", "FEATHER: characteristic functions of node features of whole graphs",
                 transformer(f"{graphs}:FEATHERFeatures", "graphs"),
                 warm_up=f"{graphs}.warming:warm_up_whole_graphs")  # fmt: skip
    yield Method("netlsd", "graphs", "NetLSD: heat traces of whole graphs",
                 transformer(f"{graphs}:NetLSDFeatures", "graphs"))  # fmt: skip
    yield Method("node-label-histogram", "graphs", "counts of node labels (degrees) of whole graphs, no structure",
                 transformer(f"{graphs}:GraphStatisticsFeatures", "graphs"),
                 fixed={"structure": False})  # fmt: skip
    yield Method("graph-statistics", "graphs", "sizes, degrees and features of whole graphs",
                 transformer(f"{graphs}:GraphStatisticsFeatures", "graphs"))  # fmt: skip
