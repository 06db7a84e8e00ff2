"""The registry: a short name -> an estimator class, kept as text so that listing it imports nothing.

``classes`` maps ``(kind, problem)`` to ``"module:Class"``. The problem of a transformer is ``"transform"``: it turns
its kind into a table, which any table method can follow (``wavelets+ridge``). ``"graphs"`` is that of what turns series
into whole graphs (``visibility-graph+gin``). ``"balance"`` is that of what balances
the classes for the classifier after it (``smote+svm``), ``"correct"`` of what corrects probabilities or answers of the
one before it (``svm+temperature``), ``"tune …"`` of what chooses the parameters of all before it (``svm+tuned``). Third
parties add methods through the entry-point group ``neuroloom.methods``: each
entry is a :class:`Method` or a function that returns one or several.
A config may also name unpackaged code as ``module:Class``.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from neuroloom.core.errors import InputError, unknown
from neuroloom.methods.ranges import RANGES, RESOURCES, Range

TRANSFORM = "transform"
BALANCE = "balance"
CORRECT = "correct"
TO_GRAPHS = "graphs"
FORECAST = "forecast"
KINDS = ("table", "series", "image", "tokens", "nodes", "links", "graphs", "episodes")
LEARNED = ("classification", "regression")
EXPLAINED = ("table", "series", "image")  # kinds whose samples fall into parts


def tuning(problem: str) -> str:
    """Return the problem of what tunes methods that answer ``problem``."""
    return f"tune {problem}"


@dataclass(frozen=True)
class Method:
    """One registry line.

    Args:
        key: the short name.
        room: ``evolve``, ``graphs``, ``signal``, ``nets``, ``baseline`` or ``other``.
        title: what it is, in a few words.
        classes: ``(kind, problem)`` -> ``"module:Class"``.
        version: raised when the same parameters begin to give other results; part of a trial's key.
        scale: whether the runner standardises table columns before it (our own methods do so themselves).
        missing: whether it copes with missing values and categories itself.
        batch: whether many fits of it can be done at once (``core.fitting``).
        fixed: constructor arguments that belong to the name rather than to the class's defaults.
        warm_up: ``"module:function"`` that compiles its kernels, called with kind and problem before a process first
            times it.
        ranges: parameter -> what a search may try of it (``svm+tuned``).
        resource: the parameter, a whole number, that says how long it learns: what Hyperband gives less of.
        offered: whether ``neuroloom try`` runs it; what only a study asks for is run by name.
        actions: of policies, the kind of actions that it is for, ``"discrete"`` or ``"continuous"``; empty for both.
        problem: why it cannot be used, for a plug-in that failed to load.
    """

    key: str
    room: str
    title: str
    classes: Mapping[tuple[str, str], str] = field(default_factory=dict)
    version: int = 1
    scale: bool = False
    missing: bool = False
    batch: bool = False
    fixed: Mapping[str, Any] = field(default_factory=dict)
    warm_up: str | None = None
    ranges: Mapping[str, Range] = field(default_factory=dict)
    resource: str | None = None
    offered: bool = True
    actions: str = ""
    problem: str | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds it accepts as they are, in the order of ``KINDS``."""
        return tuple(kind for kind in KINDS if any(kind == k for k, _ in self.classes))

    @property
    def transformer(self) -> bool:
        """Whether it turns its kind into a table instead of answering."""
        return any(problem == TRANSFORM for _, problem in self.classes)

    @property
    def makes_graphs(self) -> bool:
        """Whether it turns its kind into whole graphs instead of answering."""
        return any(problem == TO_GRAPHS for _, problem in self.classes)

    def load(self, kind: str, problem: str) -> type[Any]:
        """Import and return the class behind ``(kind, problem)``."""
        return load_class(self.classes[kind, problem], self.key)


def load_class(path: str, name: str) -> type[Any]:
    """Import ``"module:Class"``.

    Raises:
        InputError: the module or the class cannot be imported.
    """
    module, _, attribute = path.partition(":")
    try:
        found: type[Any] = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise InputError(f"method {name!r} needs {path}, which cannot be imported: {error}.") from error
    return found


def _classifier_and_regressor(kind: str, module: str, stem: str) -> dict[tuple[str, str], str]:
    return {(kind, LEARNED[0]): f"{module}:{stem}Classifier", (kind, LEARNED[1]): f"{module}:{stem}Regressor"}


def _transformer(path: str, *kinds: str) -> dict[tuple[str, str], str]:
    return {(kind, TRANSFORM): path for kind in kinds}


def _dummy() -> dict[tuple[str, str], str]:
    answers = {(kind, p): f"neuroloom.methods.dummy:Dummy{'Classifier' if p == LEARNED[0] else 'Regressor'}"
               for kind in KINDS if kind != "episodes" for p in LEARNED}  # fmt: skip
    found = {
        (kind, "detection"): "neuroloom.methods.dummy:DummyDetector" for kind in ("table", "series", "image")
    }
    return {**answers, **found, ("episodes", "control"): "neuroloom.methods.dummy:RandomPolicy"}


def _sklearn(module: str, classifier: str, regressor: str) -> dict[tuple[str, str], str]:
    return {
        ("table", LEARNED[0]): f"sklearn.{module}:{classifier}",
        ("table", LEARNED[1]): f"sklearn.{module}:{regressor}",
    }


_UNCERTAIN = (
    ("mc-dropout", "MCDropout", "MC dropout: a dense network that leaves units out when answering, too"),
    ("deep-ensemble", "DeepEnsemble", "deep ensemble: dense networks that each tell mean and noise"),
    (
        "bayes-by-backprop",
        "BayesByBackprop",
        "Bayes by backprop: a dense network whose every weight is a normal",
    ),
    ("laplace", "Laplace", "last-layer Laplace: a dense network whose output weights are Gaussian"),
    ("swag", "SWAG", "SWAG: a dense network with the Gaussian that gradient descent wanders in"),
)


_CORRECTORS = (
    ("temperature", "temperature scaling: one number that makes probabilities right"),
    ("sigmoid", "Platt scaling: a sigmoid that makes probabilities right"),
    ("isotonic", "isotonic regression that makes probabilities right"),
    ("threshold", "moved threshold: answers that suit rare classes or costs"),
)
_BALANCERS_OF_ALL = ("oversample", "undersample", "weights")
_BALANCERS = (
    ("oversample", "samples of rare classes repeated until all are as many"),
    ("undersample", "samples of common classes left out until all are as many"),
    ("weights", "samples weighted by the inverse share of their class"),
    ("smote", "SMOTE: rows made up between neighbours of a rare class"),
    ("borderline-smote", "borderline SMOTE: rows made up where classes meet"),
    ("adasyn", "ADASYN: rows made up where a rare class is hard to tell"),
    ("smote-tomek", "SMOTE, then pairs of neighbours of different classes removed"),
    ("smote-enn", "SMOTE, then rows removed whose neighbours disagree"),
)


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


_WEIGHT_OPTIMIZERS = (
    ("cma-es", "CMA-ES on the weights of a fixed network"),
    ("openai-es", "OpenAI's evolution strategy on the weights of a fixed network"),
    ("augmented-random-search", "augmented random search on the weights of a fixed network"),
    ("pgpe", "PGPE with ClipUp on the weights of a fixed network"),
    ("genetic-algorithm", "genetic algorithm on the weights of a fixed network"),
    ("differential-evolution", "differential evolution on the weights of a fixed network"),
    ("particle-swarm", "particle swarm on the weights of a fixed network"),
    ("simulated-annealing", "simulated annealing on the weights of a fixed network"),
    ("hill-climbing", "stochastic hill climbing on the weights of a fixed network"),
    ("nelder-mead", "Nelder-Mead on the weights of a fixed network"),
    ("l-bfgs", "L-BFGS on the weights of a fixed network: what the gradient brings"),
    ("cma-me", "CMA-ME: a map of elites, filled by CMA-ES on the weights of a fixed network"),
    ("cma-mae", "CMA-MAE: CMA-ME whose thresholds follow the elites slowly"),
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
        found |= _classifier_and_regressor(kind, module, name)
    found.pop(("links", LEARNED[1]), None)
    return found


_DEEP_NETS = (
    ("cnn", "CNN", "series image", "CNN: convolutional network"),
    ("lstm", "LSTM", "series", "LSTM: recurrent network with long short-term memory"),
    ("resnet", "ResNet", "series image", "ResNet: residual convolutional network"),
    ("fcn", "FCN", "series", "FCN: fully convolutional network of series"),
    ("inceptiontime", "InceptionTime", "series", "InceptionTime: ensemble of networks with kernels of many lengths"),
    ("mcnn", "MCNN", "series", "MCNN: convolutions over a series as it is, at lower rates and smoothed"),
    ("tcn", "TCN", "series", "TCN: causal convolutions, ever further apart"),
    ("transformer", "Transformer", "series", "Transformer encoder: attention between the patches of a series"),
    ("gru", "GRU", "series", "GRU: recurrent network of gated units"),
    ("rnn", "RNN", "series", "plain recurrent network"),
    ("mgu", "MGU", "series", "MGU: recurrent network of minimal gated units"),
    ("sru", "SRU", "series", "SRU: recurrent network of simple units"),
    ("qrnn", "QRNN", "series", "QRNN: convolutions that gate a cheap recurrence"),
    ("convlstm", "ConvLSTM", "series", "ConvLSTM: recurrent network whose gates are convolutions over windows"),
    ("rwa", "RWA", "series", "RWA: recurrent weighted average"),
    ("lenet", "LeNet", "image", "LeNet-5: the convolutional network of 1998"),
    ("alexnet", "AlexNet", "image", "AlexNet: the convolutional network of 2012"),
    ("vgg", "VGG", "image", "VGG: small kernels one after the other, dense layers on top"),
    ("googlenet", "GoogLeNet", "image", "GoogLeNet: inception modules, kernels of three sizes side by side"),
    ("convnext", "ConvNeXt", "series image", "ConvNeXt: wide depthwise kernels and a dense net at each place"),
    ("capsnet", "CapsNet", "image", "CapsNet: capsules that vote for what they are part of"),
)  # fmt: skip

_GATED = ("rnn", "lstm", "gru", "mgu", "sru", "qrnn", "rwa", "convlstm")
_OF_TOKENS = tuple(key for key, _, kinds, _ in _DEEP_NETS if "series" in kinds)


_FORECASTERS = (
    ("dlinear", "DLinear", "DLinear: linear maps of trend and rest, what a Transformer must beat"),
    ("nbeats", "NBEATS", "N-BEATS: blocks that explain the history bit by bit and add up their forecasts"),
    ("patchtst", "PatchTST", "PatchTST: Transformer over patches of the history, beside a linear map of it"),
    (
        "encoder-decoder",
        "EncoderDecoder",
        "LSTM encoder-decoder whose intervals have three parts, by MC dropout",
    ),
)

_POLICIES = (
    ("ppo", "PPO", "PPO: actor and critic that learn by gradient, several clipped passes over what was met"),
    ("reinforce", "REINFORCE", "REINFORCE with a baseline: the plain policy gradient of whole episodes"),
    (
        "dqn",
        "DQN",
        "DQN: values of discrete actions, double, from a memory of steps and a network that stands still",
    ),
)

_CODERS = (
    ("autoencoder", "Autoencoder", "autoencoder: plain, deep, sparse, contractive, denoising"),
    ("vae", "VAE", "VAE: variational autoencoder, which draws new samples"),
    ("vq-vae", "VQVAE", "VQ-VAE: autoencoder whose code is words from a book of vectors"),
)


def _built_in() -> Iterable[Method]:
    evolve, graphs, signal, nets = (f"neuroloom.{room}" for room in ("evolve", "graphs", "signal", "nets"))
    walks, networks = f"{graphs}.warming:warm_up_walks", f"{graphs}.warming:warm_up_networks"
    pairs = f"{graphs}.warming:warm_up_pairs"
    yield Method(
        "neat",
        "evolve",
        "NEAT: networks whose topology and weights evolve",
        {
            **_classifier_and_regressor("table", evolve, "NEAT"),
            ("series", "classification"): f"{evolve}:NEATSeriesClassifier",
            ("episodes", "control"): f"{evolve}:NEATPolicy",
        },
        version=3,
        warm_up=f"{evolve}.warming:warm_up",
    )
    yield Method(
        "hyperneat",
        "evolve",
        "HyperNEAT: an evolved pattern writes the weights of a layered network",
        {
            **_classifier_and_regressor("table", evolve, "HyperNEAT"),
            ("episodes", "control"): f"{evolve}:HyperNEATPolicy",
        },
        version=2,
        warm_up=f"{evolve}.warming:warm_up",
    )
    yield Method(
        "es-hyperneat",
        "evolve",
        "ES-HyperNEAT: an evolved pattern writes a network and places its hidden neurons",
        {
            **_classifier_and_regressor("table", evolve, "ESHyperNEAT"),
            ("episodes", "control"): f"{evolve}:ESHyperNEATPolicy",
        },
        version=2,
        warm_up=f"{evolve}.warming:warm_up",
    )
    yield Method("nsga2", "evolve", "NSGA-II: networks that evolve to be both fit and small, a Pareto front",
                 {**_classifier_and_regressor("table", evolve, "NSGA2"),
                  ("episodes", "control"): f"{evolve}:NSGA2Policy"},
                 version=2, warm_up=f"{evolve}.warming:warm_up")  # fmt: skip
    yield Method("cppn-image", "evolve", "CPPN: a pattern over coordinates that evolves towards a picture",
                 {("table", LEARNED[1]): f"{evolve}:CPPNRegressor"},
                 warm_up=f"{evolve}.warming:warm_up")  # fmt: skip
    for key, stem, warm_up, title in (
        ("novelty", "Novelty", "warm_up", "novelty search: networks selected for doing what no other does"),
        ("map-elites", "MAPElites", "warm_up_map", "MAP-Elites: the fittest network of each kind, on a map"),
    ):
        own = {
            **_classifier_and_regressor("table", evolve, stem),
            ("episodes", "control"): f"{evolve}:{stem}Policy",
        }
        yield Method(key, "evolve", title, own, version=2, warm_up=f"{evolve}.warming:{warm_up}")
    for key, title in _WEIGHT_OPTIMIZERS:
        own = _classifier_and_regressor("table", evolve, "FixedTopology")
        if key != "l-bfgs":
            own |= {("episodes", "control"): f"{evolve}:FixedTopologyPolicy"}
        yield Method(key, "evolve", title, own, fixed={"optimizer": key}, offered=key == "cma-es",
                     version=2 if key != "l-bfgs" else 1, warm_up=f"{evolve}.warming:warm_up_weights")  # fmt: skip
    matrices, contrasts = f"{graphs}.warming:warm_up_matrices", f"{graphs}.warming:warm_up_contrasts"
    yield Method("prone", "graphs", "ProNE: spectral node embedding by sparse factorisation",
                 _transformer(f"{graphs}:ProNE", "nodes", "links"), version=2, warm_up=matrices)  # fmt: skip
    yield Method("fastrp", "graphs", "FastRP: node embedding by very sparse random projections",
                 _transformer(f"{graphs}:FastRP", "nodes", "links"), warm_up=matrices)  # fmt: skip
    yield Method("netmf", "graphs", "NetMF: node embedding by factorising DeepWalk's matrix",
                 _transformer(f"{graphs}:NetMF", "nodes", "links"), warm_up=matrices)  # fmt: skip
    yield Method("lightne", "graphs", "LightNE: NetMF sampled and smoothed, for large graphs",
                 _transformer(f"{graphs}:LightNE", "nodes", "links"), warm_up=matrices)  # fmt: skip
    yield Method("grarep", "graphs", "GraRep: node embedding by factorising each power of the walk",
                 _transformer(f"{graphs}:GraRep", "nodes", "links"), warm_up=matrices)  # fmt: skip
    yield Method("laplacian-eigenmaps", "graphs", "Laplacian eigenmaps: spectral node embedding",
                 _transformer(f"{graphs}:LaplacianEigenmaps", "nodes", "links"))  # fmt: skip
    yield Method("ggvec", "graphs", "GGVec: node embedding that tells edges from random pairs",
                 _transformer(f"{graphs}:GGVec", "nodes", "links"), warm_up=contrasts)  # fmt: skip
    yield Method("glove", "graphs", "GloVe: node embedding from co-occurrences on random walks",
                 _transformer(f"{graphs}:GloVe", "nodes", "links"), warm_up=contrasts)  # fmt: skip
    yield Method("deepwalk", "graphs", "DeepWalk: node embedding from random walks",
                 _transformer(f"{graphs}:DeepWalk", "nodes", "links"), version=2, warm_up=walks)  # fmt: skip
    yield Method("node2vec", "graphs", "node2vec: node embedding from biased random walks",
                 _transformer(f"{graphs}:Node2Vec", "nodes", "links"), version=2, warm_up=walks)  # fmt: skip
    yield Method("walklets", "graphs", "Walklets: node embedding from walks, a part for each distance",
                 _transformer(f"{graphs}:Walklets", "nodes", "links"), warm_up=walks)  # fmt: skip
    yield Method("struc2vec", "graphs", "struc2vec: node embedding of structural roles",
                 _transformer(f"{graphs}:Struc2Vec", "nodes", "links"),
                 warm_up=f"{graphs}.warming:warm_up_roles")  # fmt: skip
    yield Method("refex", "graphs", "ReFeX: recursive structural features of nodes",
                 _transformer(f"{graphs}:ReFeXFeatures", "nodes"),
                 warm_up=f"{graphs}.warming:warm_up_roles")  # fmt: skip
    yield Method("splitter", "graphs", "Splitter: several vectors a node, one for each social circle",
                 _transformer(f"{graphs}:Splitter", "nodes", "links"),
                 warm_up=f"{graphs}.warming:warm_up_personas")  # fmt: skip
    for key, stem, roles, version, title in _GRAPH_NETWORKS:
        yield Method(key, "graphs", title, _roles(graphs, stem, roles), version=version, warm_up=networks)
    yield Method("grand", "graphs", "GRAND: graph random network, for few labelled nodes",
                 {("nodes", LEARNED[0]): f"{graphs}:GRANDNodeClassifier"}, warm_up=networks)  # fmt: skip
    yield Method("label-propagation", "graphs", "labels that run along the edges, no features: a baseline",
                 {("nodes", LEARNED[0]): f"{graphs}:LabelPropagationNodeClassifier"})  # fmt: skip
    yield Method("wavelets", "signal", "statistics of wavelet bands",
                 _transformer(f"{signal}:WaveletFeatures", "series", "image")
                 | {("series", "detection"): f"{signal}:WaveletDetector"})  # fmt: skip
    yield Method("scattering", "signal", "scattering transform: wavelet moduli of wavelet moduli",
                 _transformer(f"{signal}:ScatteringFeatures", "series"))  # fmt: skip
    yield Method("cwt", "signal", "continuous wavelet transform: power by scale and time, and its ridge",
                 _transformer(f"{signal}:CWTFeatures", "series"))  # fmt: skip
    yield Method("adaptive-wavelet", "signal", "wavelets learned by gradient, their filters orthogonal throughout",
                 _transformer(f"{signal}:AdaptiveWaveletFeatures", "series"), offered=False)  # fmt: skip
    yield Method("evolved-wavelet", "signal", "wavelets whose filters evolve, orthogonal throughout",
                 _transformer("neuroloom.methods.evolved_wavelet:EvolvedWaveletFeatures", "series"),
                 offered=False)  # fmt: skip
    yield Method("fourier", "signal", "power spectrum in bands",
                 _transformer(f"{signal}:FourierFeatures", "series"))  # fmt: skip
    yield Method("visibility-graph", "signal", "visibility graph: a series as the graph of which values see each other",
                 {("series", TO_GRAPHS): f"{signal}:VisibilityGraphs"}, offered=False,
                 warm_up=f"{signal}.warming:warm_up_visibility")  # fmt: skip
    yield Method("wavelet-correlation-graph", "signal", "channels as a graph by wavelet correlation at each scale",
                 {("series", TO_GRAPHS): f"{signal}:WaveletCorrelationGraphs"}, offered=False)  # fmt: skip
    yield Method("node-features", "graphs", "features and degree statistics of each node",
                 _transformer(f"{graphs}:NodeFeatures", "nodes"))  # fmt: skip
    yield Method("link-heuristics", "graphs", "common neighbours, Adamic-Adar and their like",
                 _transformer(f"{graphs}:LinkHeuristicsFeatures", "links"), version=2, warm_up=pairs)  # fmt: skip
    for key, heuristic, title in _LINK_HEURISTICS:
        yield Method(key, "graphs", title, {("links", LEARNED[0]): f"{graphs}:LinkHeuristicClassifier"},
                     fixed={"heuristic": heuristic}, warm_up=pairs)  # fmt: skip
    yield Method("wl", "graphs", "Weisfeiler-Lehman subtree features of whole graphs",
                 _transformer(f"{graphs}:WLFeatures", "graphs"))  # fmt: skip
    yield Method("graph2vec", "graphs", "graph2vec: whole graphs embedded as documents of subtrees",
                 _transformer(f"{graphs}:Graph2Vec", "graphs"),
                 warm_up=f"{graphs}.warming:warm_up_whole_graphs")  # fmt: skip
    yield Method("feather", "graphs", "FEATHER: characteristic functions of node features of whole graphs",
                 _transformer(f"{graphs}:FEATHERFeatures", "graphs"),
                 warm_up=f"{graphs}.warming:warm_up_whole_graphs")  # fmt: skip
    yield Method("netlsd", "graphs", "NetLSD: heat traces of whole graphs",
                 _transformer(f"{graphs}:NetLSDFeatures", "graphs"))  # fmt: skip
    yield Method("node-label-histogram", "graphs", "counts of node labels (degrees) of whole graphs, no structure",
                 _transformer(f"{graphs}:GraphStatisticsFeatures", "graphs"),
                 fixed={"structure": False})  # fmt: skip
    yield Method("graph-statistics", "graphs", "sizes, degrees and features of whole graphs",
                 _transformer(f"{graphs}:GraphStatisticsFeatures", "graphs"))  # fmt: skip
    yield Method("wavelet-ppv", "signal", "shares of positive values of wavelet kernels",
                 _transformer(f"{signal}:WaveletPPVFeatures", "series"), version=2,
                 warm_up=f"{signal}.warming:warm_up")  # fmt: skip
    yield Method("wavelet-competition", "signal", "wavelet kernels that compete in small groups",
                 _transformer(f"{signal}:WaveletCompetitionFeatures", "series"), offered=False,
                 warm_up=f"{signal}.warming:warm_up_competition")  # fmt: skip
    yield Method("wavelet-quantiles", "signal", "quantiles of wavelet bands over dyadic intervals, for a forest",
                 _transformer(f"{signal}:WaveletQuantileFeatures", "series"), offered=False)  # fmt: skip
    yield Method("wavelet-ensemble", "signal", "wavelet kernels and quantiles of wavelet bands, four heads together",
                 {("series", LEARNED[0]): f"{signal}:WaveletEnsembleClassifier"}, version=3,
                 warm_up=f"{signal}.warming:warm_up_ensemble")  # fmt: skip
    yield Method("kmeans-features", "nets", "affinities to k-means prototypes, features for any head",
                 _transformer(f"{nets}:KMeansFeatures", "table"), offered=False)  # fmt: skip
    yield Method("rbfn", "nets", "RBFN: radial basis function network",
                 _classifier_and_regressor("table", nets, "RBFN"), version=3)  # fmt: skip
    yield Method("resource-allocating-network", "nets", "RBFN that grows, one sample after another",
                 _classifier_and_regressor("table", nets, "ResourceAllocating"), offered=False)  # fmt: skip
    yield Method(
        "mlp",
        "nets",
        "MLP: dense network",
        _classifier_and_regressor("table", nets, "MLP"),
        batch=True,
        version=2,
    )
    for key, stem, kinds, title in _DEEP_NETS:
        own = {}
        for kind in kinds.split():
            own |= _classifier_and_regressor(kind, nets, stem) | _transformer(f"{nets}:{stem}Features", kind)
            if key == "capsnet":
                del own[kind, LEARNED[1]]  # a capsule stands for a class
        if key in _OF_TOKENS:
            own |= _classifier_and_regressor("tokens", nets, f"{stem}Token")
            own |= _transformer(f"{nets}:{stem}TokenFeatures", "tokens")
        yield Method(key, "nets", title, own, version=2 + (key in _GATED), offered=key in ("cnn", "lstm"))
    yield Method("bayesian-cnn", "nets", "Bayesian CNN: a convolutional network whose every weight is a normal",
                 {case: cls for kind in ("series", "image")
                  for case, cls in _classifier_and_regressor(kind, nets, "BayesianCNN").items()},
                 offered=False)  # fmt: skip
    for key, stem, title in _FORECASTERS:
        yield Method(key, "nets", title, {("series", FORECAST): f"{nets}:{stem}Forecaster"}, version=2)
    for key, stem, title in _CODERS:
        own = {}
        for kind in ("table", "series", "image"):
            own |= _transformer(f"{nets}:{stem}", kind) | {(kind, "detection"): f"{nets}:{stem}Detector"}
        yield Method(key, "nets", title, own, offered=False)
    yield Method("deep-svdd", "nets", "Deep SVDD: a net that brings normal samples close to one point",
                 {(kind, "detection"): f"{nets}:DeepSVDDDetector" for kind in ("table", "image")},
                 offered=False)  # fmt: skip
    yield Method("contrastive", "nets", "embedding in which samples of one class are near each other",
                 _transformer(f"{nets}:ContrastiveFeatures", "table", "series", "image"), offered=False)  # fmt: skip
    yield Method("self-supervised", "nets", "embedding in which two views of one sample are near each other",
                 _transformer(f"{nets}:ContrastiveFeatures", "table", "series", "image"), fixed={"loss": "self"},
                 offered=False)  # fmt: skip
    yield Method("gan", "nets", "GAN: generator and critic; draws new samples, and what its critic sees are features",
                 _transformer(f"{nets}:GAN", "table", "image"), offered=False)  # fmt: skip
    for key, stem, title in _POLICIES:
        actions = "discrete" if key == "dqn" else ""
        yield Method(key, "nets", title, {("episodes", "control"): f"{nets}:{stem}Policy"}, actions=actions,
                     version=2 if key in ("ppo", "dqn") else 1)  # fmt: skip
    for key, stem, title in _UNCERTAIN:
        own = _classifier_and_regressor("table", nets, stem)
        yield Method(key, "nets", title, own, batch=True, offered=False)
    yield Method("ngrams", "baseline", "counts of words or letters and their neighbours, rare ones counting more",
                 _transformer("neuroloom.methods.ngrams:NGramFeatures", "tokens"))  # fmt: skip
    yield Method("seasonal-naive", "baseline", "seasonal naive: the last season again",
                 {("series", FORECAST): "neuroloom.methods.seasonal_naive:SeasonalNaiveForecaster"})  # fmt: skip
    yield Method("ets", "baseline", "exponential smoothing of the form with the least AICc",
                 {("series", FORECAST): "neuroloom.methods.exponential_smoothing:ETSForecaster"})  # fmt: skip
    yield Method("theta", "baseline", "theta method: a trend line and exponential smoothing",
                 {("series", FORECAST): "neuroloom.methods.theta:ThetaForecaster"})  # fmt: skip
    yield Method("arima", "baseline", "seasonal ARIMA, its orders found step by step",
                 {("series", FORECAST): "neuroloom.methods.arima:ARIMAForecaster"})  # fmt: skip
    yield Method("combination", "baseline", "ets, theta, arima and ridge, weighted by what each missed last",
                 {("series", FORECAST): "neuroloom.methods.combination:CombinationForecaster"}, version=2)  # fmt: skip
    yield Method("windows", "baseline", "the next value from the window before it, by any regressor",
                 {("series", FORECAST): "neuroloom.methods.windows:WindowForecaster"}, offered=False)  # fmt: skip
    yield Method("dummy", "baseline", "the most frequent class, the mean, or random actions", _dummy())
    yield Method("logreg", "baseline", "logistic regression",
                 {("table", LEARNED[0]): "sklearn.linear_model:LogisticRegression"},
                 scale=True, fixed={"max_iter": 2000})  # fmt: skip
    yield Method("ridge", "baseline", "ridge regression, or a ridge classifier on classes",
                 {("table", LEARNED[0]): "neuroloom.methods.ridge:RidgeClassifier",
                  ("table", LEARNED[1]): "neuroloom.methods.ridge:Ridge"}, scale=True)  # fmt: skip
    for key, title in _CORRECTORS:
        name = "thresholds:Threshold" if key == "threshold" else "calibrated:Calibrated"
        yield Method(key, "baseline", title,
                     {(kind, CORRECT): f"neuroloom.methods.{name}Classifier" for kind in KINDS if kind != "episodes"},
                     fixed={} if key == "threshold" else {"method": key})  # fmt: skip
    stems = dict(zip(LEARNED, ("Classifier", "Regressor"), strict=True))
    yield Method("tuned", "baseline", "the parameters of what stands before it, chosen on folds of the training part",
                 {(kind, tuning(problem)): f"neuroloom.methods.tuned:Tuned{stem}"
                  for kind in KINDS if kind != "episodes" for problem, stem in stems.items()
                  if (kind, problem) != ("links", LEARNED[1])}
                 | {(kind, tuning("detection")): "neuroloom.methods.tuned:TunedDetector"
                    for kind in ("table", "series", "image")}
                 | {("series", tuning("forecast")): "neuroloom.methods.tuned:TunedForecaster",
                    ("episodes", tuning("control")): "neuroloom.methods.tuned:TunedPolicy"})  # fmt: skip
    for key, title in _BALANCERS:
        any_kind = key in _BALANCERS_OF_ALL
        fits = [k for k in KINDS if k == "table" or (any_kind and k not in ("links", "episodes"))]
        yield Method(key if key != "weights" else "class-weights", "baseline", title,
                     {(kind, BALANCE): "neuroloom.methods.resampled:ResampledClassifier" for kind in fits},
                     fixed={"sampler": key})  # fmt: skip
    yield Method("pca", "baseline", "principal components that hold 95 % of the variance",
                 {("table", TRANSFORM): "sklearn.decomposition:PCA",
                  ("table", "detection"): "neuroloom.methods.pca_detector:PCADetector"}, scale=True,
                  fixed={"n_components": 0.95},
                 offered=False)  # fmt: skip
    yield Method("kernel-pca", "baseline", "32 principal components of an RBF kernel",
                 _transformer("sklearn.decomposition:KernelPCA", "table"), scale=True,
                 fixed={"kernel": "rbf", "n_components": 32}, offered=False)  # fmt: skip
    yield Method("knn", "baseline", "k nearest neighbours",
                 _sklearn("neighbors", "KNeighborsClassifier", "KNeighborsRegressor"), scale=True)  # fmt: skip
    yield Method("svm", "baseline", "support vector machine with an RBF kernel",
                 {("table", LEARNED[0]): "sklearn.svm:SVC",
                  ("table", LEARNED[1]): "neuroloom.methods.svm:StandardisedSVR"}, scale=True)  # fmt: skip
    yield Method("isolation-forest", "baseline", "isolation forest: how few random cuts set a sample apart",
                 {("table", "detection"): "sklearn.ensemble:IsolationForest"})  # fmt: skip
    yield Method("one-class-svm", "baseline", "one-class support vector machine with an RBF kernel",
                 {("table", "detection"): "sklearn.svm:OneClassSVM"}, scale=True)  # fmt: skip
    yield Method("lof", "baseline", "local outlier factor: density beside that of the nearest neighbours",
                 {("table", "detection"): "sklearn.neighbors:LocalOutlierFactor"}, scale=True,
                 fixed={"novelty": True})  # fmt: skip
    yield Method("matrix-profile", "baseline", "matrix profile: distance of a window to the nearest usual one",
                 {("series", "detection"): "neuroloom.methods.matrix_profile:MatrixProfileDetector"})  # fmt: skip
    yield Method("moving-deviation", "baseline", "moving deviation: how far a window's spread is from the usual one",
                 {("series", "detection"): "neuroloom.methods.moving_deviation:MovingDeviationDetector"})  # fmt: skip
    yield Method("random-forest", "baseline", "random forest",
                 _sklearn("ensemble", "RandomForestClassifier", "RandomForestRegressor"))  # fmt: skip
    yield Method("extra-trees", "baseline", "extremely randomised trees",
                 _sklearn("ensemble", "ExtraTreesClassifier", "ExtraTreesRegressor"))  # fmt: skip
    yield Method("hist-gradient-boosting", "baseline", "histogram gradient boosting",
                 _sklearn("ensemble", "HistGradientBoostingClassifier", "HistGradientBoostingRegressor"),
                 missing=True)  # fmt: skip


@functools.cache
def registry() -> Mapping[str, Method]:
    """Return all methods by key: built in, then plug-ins; a plug-in that fails is there with its ``problem``."""
    found = {method.key: method for method in map(_with_ranges, _built_in())}
    for entry in _entry_points("neuroloom.methods"):
        try:
            loaded = entry.load()
            made = loaded if isinstance(loaded, Method) else loaded()
            methods = [made] if isinstance(made, Method) else list(made)
            for method in methods:
                if not isinstance(method, Method):
                    raise TypeError(f"expected a neuroloom.methods.Method, got {type(method).__name__}")
                if method.key in found:
                    raise ValueError(f"the name {method.key!r} is taken")
                found[method.key] = method
        except Exception as error:
            reason = f"plug-in {entry.value} failed: {type(error).__name__}: {error}"
            found.setdefault(entry.name, Method(entry.name, "other", "broken plug-in", problem=reason))
    return found


def _with_ranges(method: Method) -> Method:
    return replace(method, ranges=RANGES.get(method.key, {}), resource=RESOURCES.get(method.key))


def _entry_points(group: str) -> Iterable[Any]:
    from importlib.metadata import entry_points

    return sorted(entry_points(group=group), key=lambda entry: (entry.name, entry.value))


def find(key: str) -> Method:
    """Return the method called ``key``, or one made of the class that ``module:Class`` names.

    Raises:
        InputError: there is none; the message names the nearest.
    """
    if ":" in key:
        return _unpackaged(key)
    methods = registry()
    if key not in methods:
        raise unknown("method", key, methods, "`neuroloom list methods` shows them all.")
    problem = methods[key].problem
    if problem is not None:
        raise InputError(f"method {key!r} cannot be used: {problem}.")
    return methods[key]


def _unpackaged(path: str) -> Method:
    from sklearn.base import is_classifier, is_regressor

    cls = load_class(path, path)
    kinds = getattr(cls, "kinds", ("table",))
    classes: dict[tuple[str, str], str] = {}
    for kind in kinds:
        if hasattr(cls, "act"):
            classes[kind, "control"] = path
        elif hasattr(cls, "predict"):
            made = cls()
            takes = (
                [LEARNED[0]] if is_classifier(made) else [LEARNED[1]] if is_regressor(made) else list(LEARNED)
            )
            classes.update({(kind, problem): path for problem in takes})
        elif hasattr(cls, "transform"):
            classes[kind, TRANSFORM] = path
    if not classes:
        raise InputError(f"{path} is no estimator: it needs `fit` and `predict`, `transform` or `act`.")
    version = int(getattr(cls, "version", 1))
    return Method(path, "other", (cls.__doc__ or path).strip().splitlines()[0], classes, version)
