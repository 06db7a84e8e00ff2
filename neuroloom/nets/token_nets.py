"""The nets of series as nets of tokens: an embedding in front of each."""

from __future__ import annotations

from dataclasses import dataclass

from neuroloom.nets.cnn import CNN
from neuroloom.nets.conv_lstm import ConvLSTM
from neuroloom.nets.convnext import ConvNeXt
from neuroloom.nets.deep_roles import DeepClassifier, DeepFeatures, DeepRegressor
from neuroloom.nets.fcn import FCN
from neuroloom.nets.inception_time import InceptionTime
from neuroloom.nets.mcnn import MCNN
from neuroloom.nets.recurrent import GRU, LSTM, MGU, QRNN, RNN, RWA, SRU
from neuroloom.nets.resnet import ResNet
from neuroloom.nets.tcn import TCN
from neuroloom.nets.tokens import TokenNetwork
from neuroloom.nets.transformer import Transformer


@dataclass(eq=False, repr=False)
class CNNTokenClassifier(DeepClassifier, TokenNetwork, CNN):
    """Classifier of tokens by a convolutional network (:class:`CNN`)."""


@dataclass(eq=False, repr=False)
class CNNTokenRegressor(DeepRegressor, TokenNetwork, CNN):
    """Regressor of tokens by a convolutional network (:class:`CNN`)."""


@dataclass(eq=False, repr=False)
class CNNTokenFeatures(DeepFeatures, TokenNetwork, CNN):
    """Features of tokens from a convolutional network (:class:`CNN`)."""


@dataclass(eq=False, repr=False)
class LSTMTokenClassifier(DeepClassifier, TokenNetwork, LSTM):
    """Classifier of tokens by long short-term memory (:class:`LSTM`)."""


@dataclass(eq=False, repr=False)
class LSTMTokenRegressor(DeepRegressor, TokenNetwork, LSTM):
    """Regressor of tokens by long short-term memory (:class:`LSTM`)."""


@dataclass(eq=False, repr=False)
class LSTMTokenFeatures(DeepFeatures, TokenNetwork, LSTM):
    """Features of tokens from long short-term memory (:class:`LSTM`)."""


@dataclass(eq=False, repr=False)
class GRUTokenClassifier(DeepClassifier, TokenNetwork, GRU):
    """Classifier of tokens by gated recurrent units (:class:`GRU`)."""


@dataclass(eq=False, repr=False)
class GRUTokenRegressor(DeepRegressor, TokenNetwork, GRU):
    """Regressor of tokens by gated recurrent units (:class:`GRU`)."""


@dataclass(eq=False, repr=False)
class GRUTokenFeatures(DeepFeatures, TokenNetwork, GRU):
    """Features of tokens from gated recurrent units (:class:`GRU`)."""


@dataclass(eq=False, repr=False)
class RNNTokenClassifier(DeepClassifier, TokenNetwork, RNN):
    """Classifier of tokens by a plain recurrent network (:class:`RNN`)."""


@dataclass(eq=False, repr=False)
class RNNTokenRegressor(DeepRegressor, TokenNetwork, RNN):
    """Regressor of tokens by a plain recurrent network (:class:`RNN`)."""


@dataclass(eq=False, repr=False)
class RNNTokenFeatures(DeepFeatures, TokenNetwork, RNN):
    """Features of tokens from a plain recurrent network (:class:`RNN`)."""


@dataclass(eq=False, repr=False)
class MGUTokenClassifier(DeepClassifier, TokenNetwork, MGU):
    """Classifier of tokens by minimal gated units (:class:`MGU`)."""


@dataclass(eq=False, repr=False)
class MGUTokenRegressor(DeepRegressor, TokenNetwork, MGU):
    """Regressor of tokens by minimal gated units (:class:`MGU`)."""


@dataclass(eq=False, repr=False)
class MGUTokenFeatures(DeepFeatures, TokenNetwork, MGU):
    """Features of tokens from minimal gated units (:class:`MGU`)."""


@dataclass(eq=False, repr=False)
class SRUTokenClassifier(DeepClassifier, TokenNetwork, SRU):
    """Classifier of tokens by simple recurrent units (:class:`SRU`)."""


@dataclass(eq=False, repr=False)
class SRUTokenRegressor(DeepRegressor, TokenNetwork, SRU):
    """Regressor of tokens by simple recurrent units (:class:`SRU`)."""


@dataclass(eq=False, repr=False)
class SRUTokenFeatures(DeepFeatures, TokenNetwork, SRU):
    """Features of tokens from simple recurrent units (:class:`SRU`)."""


@dataclass(eq=False, repr=False)
class QRNNTokenClassifier(DeepClassifier, TokenNetwork, QRNN):
    """Classifier of tokens by a quasi-recurrent network (:class:`QRNN`)."""


@dataclass(eq=False, repr=False)
class QRNNTokenRegressor(DeepRegressor, TokenNetwork, QRNN):
    """Regressor of tokens by a quasi-recurrent network (:class:`QRNN`)."""


@dataclass(eq=False, repr=False)
class QRNNTokenFeatures(DeepFeatures, TokenNetwork, QRNN):
    """Features of tokens from a quasi-recurrent network (:class:`QRNN`)."""


@dataclass(eq=False, repr=False)
class RWATokenClassifier(DeepClassifier, TokenNetwork, RWA):
    """Classifier of tokens by a recurrent weighted average (:class:`RWA`)."""


@dataclass(eq=False, repr=False)
class RWATokenRegressor(DeepRegressor, TokenNetwork, RWA):
    """Regressor of tokens by a recurrent weighted average (:class:`RWA`)."""


@dataclass(eq=False, repr=False)
class RWATokenFeatures(DeepFeatures, TokenNetwork, RWA):
    """Features of tokens from a recurrent weighted average (:class:`RWA`)."""


@dataclass(eq=False, repr=False)
class TCNTokenClassifier(DeepClassifier, TokenNetwork, TCN):
    """Classifier of tokens by a temporal convolutional network (:class:`TCN`), pooled over all tokens."""

    pooling: str = "mean-max"


@dataclass(eq=False, repr=False)
class TCNTokenRegressor(DeepRegressor, TokenNetwork, TCN):
    """Regressor of tokens by a temporal convolutional network (:class:`TCN`), pooled over all tokens."""

    pooling: str = "mean-max"


@dataclass(eq=False, repr=False)
class TCNTokenFeatures(DeepFeatures, TokenNetwork, TCN):
    """Features of tokens from a temporal convolutional network (:class:`TCN`), pooled over all tokens."""

    pooling: str = "mean-max"


@dataclass(eq=False, repr=False)
class TransformerTokenClassifier(DeepClassifier, TokenNetwork, Transformer):
    """Classifier of tokens by a Transformer encoder (:class:`Transformer`)."""


@dataclass(eq=False, repr=False)
class TransformerTokenRegressor(DeepRegressor, TokenNetwork, Transformer):
    """Regressor of tokens by a Transformer encoder (:class:`Transformer`)."""


@dataclass(eq=False, repr=False)
class TransformerTokenFeatures(DeepFeatures, TokenNetwork, Transformer):
    """Features of tokens from a Transformer encoder (:class:`Transformer`)."""


@dataclass(eq=False, repr=False)
class ConvLSTMTokenClassifier(DeepClassifier, TokenNetwork, ConvLSTM):
    """Classifier of tokens by a convolutional LSTM (:class:`ConvLSTM`)."""


@dataclass(eq=False, repr=False)
class ConvLSTMTokenRegressor(DeepRegressor, TokenNetwork, ConvLSTM):
    """Regressor of tokens by a convolutional LSTM (:class:`ConvLSTM`)."""


@dataclass(eq=False, repr=False)
class ConvLSTMTokenFeatures(DeepFeatures, TokenNetwork, ConvLSTM):
    """Features of tokens from a convolutional LSTM (:class:`ConvLSTM`)."""


@dataclass(eq=False, repr=False)
class ConvNeXtTokenClassifier(DeepClassifier, TokenNetwork, ConvNeXt):
    """Classifier of tokens by a ConvNeXt (:class:`ConvNeXt`)."""


@dataclass(eq=False, repr=False)
class ConvNeXtTokenRegressor(DeepRegressor, TokenNetwork, ConvNeXt):
    """Regressor of tokens by a ConvNeXt (:class:`ConvNeXt`)."""


@dataclass(eq=False, repr=False)
class ConvNeXtTokenFeatures(DeepFeatures, TokenNetwork, ConvNeXt):
    """Features of tokens from a ConvNeXt (:class:`ConvNeXt`)."""


@dataclass(eq=False, repr=False)
class FCNTokenClassifier(DeepClassifier, TokenNetwork, FCN):
    """Classifier of tokens by a fully convolutional network (:class:`FCN`)."""


@dataclass(eq=False, repr=False)
class FCNTokenRegressor(DeepRegressor, TokenNetwork, FCN):
    """Regressor of tokens by a fully convolutional network (:class:`FCN`)."""


@dataclass(eq=False, repr=False)
class FCNTokenFeatures(DeepFeatures, TokenNetwork, FCN):
    """Features of tokens from a fully convolutional network (:class:`FCN`)."""


@dataclass(eq=False, repr=False)
class InceptionTimeTokenClassifier(DeepClassifier, TokenNetwork, InceptionTime):
    """Classifier of tokens by an ensemble of inception networks (:class:`InceptionTime`)."""


@dataclass(eq=False, repr=False)
class InceptionTimeTokenRegressor(DeepRegressor, TokenNetwork, InceptionTime):
    """Regressor of tokens by an ensemble of inception networks (:class:`InceptionTime`)."""


@dataclass(eq=False, repr=False)
class InceptionTimeTokenFeatures(DeepFeatures, TokenNetwork, InceptionTime):
    """Features of tokens from an ensemble of inception networks (:class:`InceptionTime`)."""


@dataclass(eq=False, repr=False)
class MCNNTokenClassifier(DeepClassifier, TokenNetwork, MCNN):
    """Classifier of tokens by a multi-scale convolutional network (:class:`MCNN`)."""


@dataclass(eq=False, repr=False)
class MCNNTokenRegressor(DeepRegressor, TokenNetwork, MCNN):
    """Regressor of tokens by a multi-scale convolutional network (:class:`MCNN`)."""


@dataclass(eq=False, repr=False)
class MCNNTokenFeatures(DeepFeatures, TokenNetwork, MCNN):
    """Features of tokens from a multi-scale convolutional network (:class:`MCNN`)."""


@dataclass(eq=False, repr=False)
class ResNetTokenClassifier(DeepClassifier, TokenNetwork, ResNet):
    """Classifier of tokens by a residual network (:class:`ResNet`)."""


@dataclass(eq=False, repr=False)
class ResNetTokenRegressor(DeepRegressor, TokenNetwork, ResNet):
    """Regressor of tokens by a residual network (:class:`ResNet`)."""


@dataclass(eq=False, repr=False)
class ResNetTokenFeatures(DeepFeatures, TokenNetwork, ResNet):
    """Features of tokens from a residual network (:class:`ResNet`)."""
