"""Evolved networks: NEAT on arrays of genes, with phenotypes computed as one batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuroloom.evolve.callbacks import Callback, Checkpoint, EarlyStopping, Progress, TensorBoard
    from neuroloom.evolve.config import NEATConfig
    from neuroloom.evolve.cppn import CPPN, cppn_config, render
    from neuroloom.evolve.cppn_estimators import CPPNRegressor
    from neuroloom.evolve.es_hyperneat import EvolvableSubstrate, grow
    from neuroloom.evolve.es_hyperneat_estimators import (
        ESHyperNEATClassifier,
        ESHyperNEATPolicy,
        ESHyperNEATRegressor,
    )
    from neuroloom.evolve.estimators import NEATClassifier, NEATRegressor
    from neuroloom.evolve.evolved_network import EvolvedNetwork
    from neuroloom.evolve.fixed_topology_estimators import (
        FixedTopologyClassifier,
        FixedTopologyPolicy,
        FixedTopologyRegressor,
    )
    from neuroloom.evolve.functions import register_activation, register_aggregation
    from neuroloom.evolve.genome import Connection, Genome, Node
    from neuroloom.evolve.hyperneat import Expression, SubstrateNetwork, SubstrateNetworks, hyperneat_config
    from neuroloom.evolve.hyperneat_estimators import HyperNEATClassifier, HyperNEATPolicy, HyperNEATRegressor
    from neuroloom.evolve.map_elites import MAPElites
    from neuroloom.evolve.map_elites_estimators import (
        MAPElitesClassifier,
        MAPElitesPolicy,
        MAPElitesRegressor,
    )
    from neuroloom.evolve.neat import NEAT
    from neuroloom.evolve.novelty import NoveltySearch
    from neuroloom.evolve.novelty_estimators import NoveltyClassifier, NoveltyPolicy, NoveltyRegressor
    from neuroloom.evolve.nsga2 import NSGA2
    from neuroloom.evolve.nsga2_estimators import NSGA2Classifier, NSGA2Policy, NSGA2Regressor
    from neuroloom.evolve.onnx_export import to_onnx
    from neuroloom.evolve.picture_breeding import PictureBreeding
    from neuroloom.evolve.plastic import PlasticPhenotypes, PlasticState
    from neuroloom.evolve.policy import NEATPolicy
    from neuroloom.evolve.population_net import PopulationNet
    from neuroloom.evolve.recurrent import RecurrentPhenotypes
    from neuroloom.evolve.recurrent_net import RecurrentPopulationNet
    from neuroloom.evolve.series import NEATSeriesClassifier
    from neuroloom.evolve.substrate import Substrate
    from neuroloom.evolve.weights import WeightSearch, WeightSpace

__all__ = [
    "CPPN",
    "NEAT",
    "NSGA2",
    "CPPNRegressor",
    "Callback",
    "Checkpoint",
    "Connection",
    "ESHyperNEATClassifier",
    "ESHyperNEATPolicy",
    "ESHyperNEATRegressor",
    "EarlyStopping",
    "EvolvableSubstrate",
    "EvolvedNetwork",
    "Expression",
    "FixedTopologyClassifier",
    "FixedTopologyPolicy",
    "FixedTopologyRegressor",
    "Genome",
    "HyperNEATClassifier",
    "HyperNEATPolicy",
    "HyperNEATRegressor",
    "MAPElites",
    "MAPElitesClassifier",
    "MAPElitesPolicy",
    "MAPElitesRegressor",
    "NEATClassifier",
    "NEATConfig",
    "NEATPolicy",
    "NEATRegressor",
    "NEATSeriesClassifier",
    "NSGA2Classifier",
    "NSGA2Policy",
    "NSGA2Regressor",
    "Node",
    "NoveltyClassifier",
    "NoveltyPolicy",
    "NoveltyRegressor",
    "NoveltySearch",
    "PictureBreeding",
    "PlasticPhenotypes",
    "PlasticState",
    "PopulationNet",
    "Progress",
    "RecurrentPhenotypes",
    "RecurrentPopulationNet",
    "Substrate",
    "SubstrateNetwork",
    "SubstrateNetworks",
    "TensorBoard",
    "WeightSearch",
    "WeightSpace",
    "cppn_config",
    "grow",
    "hyperneat_config",
    "register_activation",
    "register_aggregation",
    "render",
    "to_onnx",
]

_HOMES = {
    "CPPN": "neuroloom.evolve.cppn",
    "CPPNRegressor": "neuroloom.evolve.cppn_estimators",
    "Callback": "neuroloom.evolve.callbacks",
    "Checkpoint": "neuroloom.evolve.callbacks",
    "Connection": "neuroloom.evolve.genome",
    "ESHyperNEATClassifier": "neuroloom.evolve.es_hyperneat_estimators",
    "ESHyperNEATPolicy": "neuroloom.evolve.es_hyperneat_estimators",
    "ESHyperNEATRegressor": "neuroloom.evolve.es_hyperneat_estimators",
    "EarlyStopping": "neuroloom.evolve.callbacks",
    "EvolvableSubstrate": "neuroloom.evolve.es_hyperneat",
    "EvolvedNetwork": "neuroloom.evolve.evolved_network",
    "Expression": "neuroloom.evolve.hyperneat",
    "FixedTopologyClassifier": "neuroloom.evolve.fixed_topology_estimators",
    "FixedTopologyPolicy": "neuroloom.evolve.fixed_topology_estimators",
    "FixedTopologyRegressor": "neuroloom.evolve.fixed_topology_estimators",
    "Genome": "neuroloom.evolve.genome",
    "HyperNEATClassifier": "neuroloom.evolve.hyperneat_estimators",
    "HyperNEATPolicy": "neuroloom.evolve.hyperneat_estimators",
    "HyperNEATRegressor": "neuroloom.evolve.hyperneat_estimators",
    "MAPElites": "neuroloom.evolve.map_elites",
    "MAPElitesClassifier": "neuroloom.evolve.map_elites_estimators",
    "MAPElitesPolicy": "neuroloom.evolve.map_elites_estimators",
    "MAPElitesRegressor": "neuroloom.evolve.map_elites_estimators",
    "NEAT": "neuroloom.evolve.neat",
    "NEATClassifier": "neuroloom.evolve.estimators",
    "NEATConfig": "neuroloom.evolve.config",
    "NEATPolicy": "neuroloom.evolve.policy",
    "NEATRegressor": "neuroloom.evolve.estimators",
    "NEATSeriesClassifier": "neuroloom.evolve.series",
    "NSGA2": "neuroloom.evolve.nsga2",
    "NSGA2Classifier": "neuroloom.evolve.nsga2_estimators",
    "NSGA2Policy": "neuroloom.evolve.nsga2_estimators",
    "NSGA2Regressor": "neuroloom.evolve.nsga2_estimators",
    "Node": "neuroloom.evolve.genome",
    "NoveltyClassifier": "neuroloom.evolve.novelty_estimators",
    "NoveltyPolicy": "neuroloom.evolve.novelty_estimators",
    "NoveltyRegressor": "neuroloom.evolve.novelty_estimators",
    "NoveltySearch": "neuroloom.evolve.novelty",
    "PictureBreeding": "neuroloom.evolve.picture_breeding",
    "PlasticPhenotypes": "neuroloom.evolve.plastic",
    "PlasticState": "neuroloom.evolve.plastic",
    "PopulationNet": "neuroloom.evolve.population_net",
    "Progress": "neuroloom.evolve.callbacks",
    "RecurrentPhenotypes": "neuroloom.evolve.recurrent",
    "RecurrentPopulationNet": "neuroloom.evolve.recurrent_net",
    "Substrate": "neuroloom.evolve.substrate",
    "SubstrateNetwork": "neuroloom.evolve.hyperneat",
    "SubstrateNetworks": "neuroloom.evolve.hyperneat",
    "TensorBoard": "neuroloom.evolve.callbacks",
    "WeightSearch": "neuroloom.evolve.weights",
    "WeightSpace": "neuroloom.evolve.weights",
    "cppn_config": "neuroloom.evolve.cppn",
    "grow": "neuroloom.evolve.es_hyperneat",
    "hyperneat_config": "neuroloom.evolve.hyperneat",
    "register_activation": "neuroloom.evolve.functions",
    "register_aggregation": "neuroloom.evolve.functions",
    "render": "neuroloom.evolve.cppn",
    "to_onnx": "neuroloom.evolve.onnx_export",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'neuroloom.evolve' has no attribute {name!r}")
