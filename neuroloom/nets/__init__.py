"""Radial basis function networks, dense networks and the standard deep nets; names are imported on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuroloom.nets.alexnet import AlexNetClassifier, AlexNetFeatures, AlexNetRegressor
    from neuroloom.nets.bayes_by_backprop import BayesByBackpropClassifier, BayesByBackpropRegressor
    from neuroloom.nets.capsnet import CapsNetClassifier, CapsNetFeatures
    from neuroloom.nets.cnn import CNNClassifier, CNNFeatures, CNNRegressor
    from neuroloom.nets.convnext import ConvNeXtClassifier, ConvNeXtFeatures, ConvNeXtRegressor
    from neuroloom.nets.deep_ensemble import DeepEnsembleClassifier, DeepEnsembleRegressor
    from neuroloom.nets.diagnosis import (
        DeadUnitsWarning,
        Diagnosis,
        ExplodingGradientsWarning,
        VanishingGradientsWarning,
    )
    from neuroloom.nets.fcn import FCNClassifier, FCNFeatures, FCNRegressor
    from neuroloom.nets.googlenet import GoogLeNetClassifier, GoogLeNetFeatures, GoogLeNetRegressor
    from neuroloom.nets.inception_time import (
        InceptionTimeClassifier,
        InceptionTimeFeatures,
        InceptionTimeRegressor,
    )
    from neuroloom.nets.kmeans_features import KMeansFeatures
    from neuroloom.nets.laplace import LaplaceClassifier, LaplaceRegressor
    from neuroloom.nets.layer_summary import summary
    from neuroloom.nets.lenet import LeNetClassifier, LeNetFeatures, LeNetRegressor
    from neuroloom.nets.mc_dropout import MCDropoutClassifier, MCDropoutRegressor
    from neuroloom.nets.mlp import MLPClassifier, MLPRegressor
    from neuroloom.nets.rbfn import RBFNClassifier, RBFNRegressor
    from neuroloom.nets.recurrent import (
        GRUClassifier,
        GRUFeatures,
        GRURegressor,
        LSTMClassifier,
        LSTMFeatures,
        LSTMRegressor,
        MGUClassifier,
        MGUFeatures,
        MGURegressor,
        QRNNClassifier,
        QRNNFeatures,
        QRNNRegressor,
        RNNClassifier,
        RNNFeatures,
        RNNRegressor,
        RWAClassifier,
        RWAFeatures,
        RWARegressor,
        SRUClassifier,
        SRUFeatures,
        SRURegressor,
    )
    from neuroloom.nets.resnet import ResNetClassifier, ResNetFeatures, ResNetRegressor
    from neuroloom.nets.swag import SWAGClassifier, SWAGRegressor
    from neuroloom.nets.tcn import TCNClassifier, TCNFeatures, TCNRegressor
    from neuroloom.nets.transfer import TransferClassifier, TransferFeatures, TransferRegressor
    from neuroloom.nets.transformer import TransformerClassifier, TransformerFeatures, TransformerRegressor
    from neuroloom.nets.vgg import VGGClassifier, VGGFeatures, VGGRegressor

__all__ = [
    "AlexNetClassifier",
    "AlexNetFeatures",
    "AlexNetRegressor",
    "BayesByBackpropClassifier",
    "BayesByBackpropRegressor",
    "CNNClassifier",
    "CNNFeatures",
    "CNNRegressor",
    "CapsNetClassifier",
    "CapsNetFeatures",
    "ConvNeXtClassifier",
    "ConvNeXtFeatures",
    "ConvNeXtRegressor",
    "DeadUnitsWarning",
    "DeepEnsembleClassifier",
    "DeepEnsembleRegressor",
    "Diagnosis",
    "ExplodingGradientsWarning",
    "FCNClassifier",
    "FCNFeatures",
    "FCNRegressor",
    "GRUClassifier",
    "GRUFeatures",
    "GRURegressor",
    "GoogLeNetClassifier",
    "GoogLeNetFeatures",
    "GoogLeNetRegressor",
    "InceptionTimeClassifier",
    "InceptionTimeFeatures",
    "InceptionTimeRegressor",
    "KMeansFeatures",
    "LSTMClassifier",
    "LSTMFeatures",
    "LSTMRegressor",
    "LaplaceClassifier",
    "LaplaceRegressor",
    "LeNetClassifier",
    "LeNetFeatures",
    "LeNetRegressor",
    "MCDropoutClassifier",
    "MCDropoutRegressor",
    "MGUClassifier",
    "MGUFeatures",
    "MGURegressor",
    "MLPClassifier",
    "MLPRegressor",
    "QRNNClassifier",
    "QRNNFeatures",
    "QRNNRegressor",
    "RBFNClassifier",
    "RBFNRegressor",
    "RNNClassifier",
    "RNNFeatures",
    "RNNRegressor",
    "RWAClassifier",
    "RWAFeatures",
    "RWARegressor",
    "ResNetClassifier",
    "ResNetFeatures",
    "ResNetRegressor",
    "SRUClassifier",
    "SRUFeatures",
    "SRURegressor",
    "SWAGClassifier",
    "SWAGRegressor",
    "TCNClassifier",
    "TCNFeatures",
    "TCNRegressor",
    "TransferClassifier",
    "TransferFeatures",
    "TransferRegressor",
    "TransformerClassifier",
    "TransformerFeatures",
    "TransformerRegressor",
    "VGGClassifier",
    "VGGFeatures",
    "VGGRegressor",
    "VanishingGradientsWarning",
    "summary",
]

_HOMES = {
    "AlexNetClassifier": "neuroloom.nets.alexnet",
    "AlexNetFeatures": "neuroloom.nets.alexnet",
    "AlexNetRegressor": "neuroloom.nets.alexnet",
    "BayesByBackpropClassifier": "neuroloom.nets.bayes_by_backprop",
    "BayesByBackpropRegressor": "neuroloom.nets.bayes_by_backprop",
    "CNNClassifier": "neuroloom.nets.cnn",
    "CNNFeatures": "neuroloom.nets.cnn",
    "CNNRegressor": "neuroloom.nets.cnn",
    "CapsNetClassifier": "neuroloom.nets.capsnet",
    "CapsNetFeatures": "neuroloom.nets.capsnet",
    "ConvNeXtClassifier": "neuroloom.nets.convnext",
    "ConvNeXtFeatures": "neuroloom.nets.convnext",
    "ConvNeXtRegressor": "neuroloom.nets.convnext",
    "DeadUnitsWarning": "neuroloom.nets.diagnosis",
    "DeepEnsembleClassifier": "neuroloom.nets.deep_ensemble",
    "DeepEnsembleRegressor": "neuroloom.nets.deep_ensemble",
    "Diagnosis": "neuroloom.nets.diagnosis",
    "ExplodingGradientsWarning": "neuroloom.nets.diagnosis",
    "FCNClassifier": "neuroloom.nets.fcn",
    "FCNFeatures": "neuroloom.nets.fcn",
    "FCNRegressor": "neuroloom.nets.fcn",
    "GRUClassifier": "neuroloom.nets.recurrent",
    "GRUFeatures": "neuroloom.nets.recurrent",
    "GRURegressor": "neuroloom.nets.recurrent",
    "GoogLeNetClassifier": "neuroloom.nets.googlenet",
    "GoogLeNetFeatures": "neuroloom.nets.googlenet",
    "GoogLeNetRegressor": "neuroloom.nets.googlenet",
    "InceptionTimeClassifier": "neuroloom.nets.inception_time",
    "InceptionTimeFeatures": "neuroloom.nets.inception_time",
    "InceptionTimeRegressor": "neuroloom.nets.inception_time",
    "KMeansFeatures": "neuroloom.nets.kmeans_features",
    "LSTMClassifier": "neuroloom.nets.recurrent",
    "LSTMFeatures": "neuroloom.nets.recurrent",
    "LSTMRegressor": "neuroloom.nets.recurrent",
    "LaplaceClassifier": "neuroloom.nets.laplace",
    "LaplaceRegressor": "neuroloom.nets.laplace",
    "LeNetClassifier": "neuroloom.nets.lenet",
    "LeNetFeatures": "neuroloom.nets.lenet",
    "LeNetRegressor": "neuroloom.nets.lenet",
    "MCDropoutClassifier": "neuroloom.nets.mc_dropout",
    "MCDropoutRegressor": "neuroloom.nets.mc_dropout",
    "MGUClassifier": "neuroloom.nets.recurrent",
    "MGUFeatures": "neuroloom.nets.recurrent",
    "MGURegressor": "neuroloom.nets.recurrent",
    "MLPClassifier": "neuroloom.nets.mlp",
    "MLPRegressor": "neuroloom.nets.mlp",
    "QRNNClassifier": "neuroloom.nets.recurrent",
    "QRNNFeatures": "neuroloom.nets.recurrent",
    "QRNNRegressor": "neuroloom.nets.recurrent",
    "RBFNClassifier": "neuroloom.nets.rbfn",
    "RBFNRegressor": "neuroloom.nets.rbfn",
    "RNNClassifier": "neuroloom.nets.recurrent",
    "RNNFeatures": "neuroloom.nets.recurrent",
    "RNNRegressor": "neuroloom.nets.recurrent",
    "RWAClassifier": "neuroloom.nets.recurrent",
    "RWAFeatures": "neuroloom.nets.recurrent",
    "RWARegressor": "neuroloom.nets.recurrent",
    "ResNetClassifier": "neuroloom.nets.resnet",
    "ResNetFeatures": "neuroloom.nets.resnet",
    "ResNetRegressor": "neuroloom.nets.resnet",
    "SRUClassifier": "neuroloom.nets.recurrent",
    "SRUFeatures": "neuroloom.nets.recurrent",
    "SRURegressor": "neuroloom.nets.recurrent",
    "SWAGClassifier": "neuroloom.nets.swag",
    "SWAGRegressor": "neuroloom.nets.swag",
    "TCNClassifier": "neuroloom.nets.tcn",
    "TCNFeatures": "neuroloom.nets.tcn",
    "TCNRegressor": "neuroloom.nets.tcn",
    "TransferClassifier": "neuroloom.nets.transfer",
    "TransferFeatures": "neuroloom.nets.transfer",
    "TransferRegressor": "neuroloom.nets.transfer",
    "TransformerClassifier": "neuroloom.nets.transformer",
    "TransformerFeatures": "neuroloom.nets.transformer",
    "TransformerRegressor": "neuroloom.nets.transformer",
    "VGGClassifier": "neuroloom.nets.vgg",
    "VGGFeatures": "neuroloom.nets.vgg",
    "VGGRegressor": "neuroloom.nets.vgg",
    "VanishingGradientsWarning": "neuroloom.nets.diagnosis",
    "summary": "neuroloom.nets.layer_summary",
}


def __getattr__(name: str) -> Any:
    """Import a public name's module on first use."""
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'neuroloom.nets' has no attribute {name!r}")
