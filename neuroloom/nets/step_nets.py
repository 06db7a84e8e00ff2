"""The nets of series that answer at every step: the recurrent ones, and the temporal convolutional network."""

from __future__ import annotations

from dataclasses import dataclass, field

from neuroloom.nets.recurrent import GRU, LSTM, MGU, QRNN, RNN, RWA, SRU
from neuroloom.nets.step_roles import StepClassifier, StepRegressor
from neuroloom.nets.tcn import TCN


@dataclass(eq=False, repr=False)
class GRUStepClassifier(StepClassifier, GRU):
    """Classifier of every step of a series by gated recurrent units (:class:`GRU`)."""

    pooling: str = field(default="steps", init=False)
    patch: int | str = field(default=1, init=False)


@dataclass(eq=False, repr=False)
class GRUStepRegressor(StepRegressor, GRU):
    """Regressor of every step of a series by gated recurrent units (:class:`GRU`)."""

    pooling: str = field(default="steps", init=False)
    patch: int | str = field(default=1, init=False)


@dataclass(eq=False, repr=False)
class LSTMStepClassifier(StepClassifier, LSTM):
    """Classifier of every step of a series by long short-term memory (:class:`LSTM`)."""

    pooling: str = field(default="steps", init=False)
    patch: int | str = field(default=1, init=False)


@dataclass(eq=False, repr=False)
class LSTMStepRegressor(StepRegressor, LSTM):
    """Regressor of every step of a series by long short-term memory (:class:`LSTM`)."""

    pooling: str = field(default="steps", init=False)
    patch: int | str = field(default=1, init=False)


@dataclass(eq=False, repr=False)
class MGUStepClassifier(StepClassifier, MGU):
    """Classifier of every step of a series by minimal gated units (:class:`MGU`)."""

    pooling: str = field(default="steps", init=False)
    patch: int | str = field(default=1, init=False)


@dataclass(eq=False, repr=False)
class MGUStepRegressor(StepRegressor, MGU):
    """Regressor of every step of a series by minimal gated units (:class:`MGU`)."""

    pooling: str = field(default="steps", init=False)
    patch: int | str = field(default=1, init=False)


@dataclass(eq=False, repr=False)
class QRNNStepClassifier(StepClassifier, QRNN):
    """Classifier of every step of a series by a quasi-recurrent network (:class:`QRNN`)."""

    pooling: str = field(default="steps", init=False)
    patch: int | str = field(default=1, init=False)


@dataclass(eq=False, repr=False)
class QRNNStepRegressor(StepRegressor, QRNN):
    """Regressor of every step of a series by a quasi-recurrent network (:class:`QRNN`)."""

    pooling: str = field(default="steps", init=False)
    patch: int | str = field(default=1, init=False)


@dataclass(eq=False, repr=False)
class RNNStepClassifier(StepClassifier, RNN):
    """Classifier of every step of a series by a plain recurrent network (:class:`RNN`)."""

    pooling: str = field(default="steps", init=False)
    patch: int | str = field(default=1, init=False)


@dataclass(eq=False, repr=False)
class RNNStepRegressor(StepRegressor, RNN):
    """Regressor of every step of a series by a plain recurrent network (:class:`RNN`)."""

    pooling: str = field(default="steps", init=False)
    patch: int | str = field(default=1, init=False)


@dataclass(eq=False, repr=False)
class RWAStepClassifier(StepClassifier, RWA):
    """Classifier of every step of a series by a recurrent weighted average (:class:`RWA`)."""

    pooling: str = field(default="steps", init=False)
    patch: int | str = field(default=1, init=False)


@dataclass(eq=False, repr=False)
class RWAStepRegressor(StepRegressor, RWA):
    """Regressor of every step of a series by a recurrent weighted average (:class:`RWA`)."""

    pooling: str = field(default="steps", init=False)
    patch: int | str = field(default=1, init=False)


@dataclass(eq=False, repr=False)
class SRUStepClassifier(StepClassifier, SRU):
    """Classifier of every step of a series by simple recurrent units (:class:`SRU`)."""

    pooling: str = field(default="steps", init=False)
    patch: int | str = field(default=1, init=False)


@dataclass(eq=False, repr=False)
class SRUStepRegressor(StepRegressor, SRU):
    """Regressor of every step of a series by simple recurrent units (:class:`SRU`)."""

    pooling: str = field(default="steps", init=False)
    patch: int | str = field(default=1, init=False)


@dataclass(eq=False, repr=False)
class TCNStepClassifier(StepClassifier, TCN):
    """Classifier of every step of a series by a temporal convolutional network (:class:`TCN`)."""

    pooling: str = field(default="steps", init=False)


@dataclass(eq=False, repr=False)
class TCNStepRegressor(StepRegressor, TCN):
    """Regressor of every step of a series by a temporal convolutional network (:class:`TCN`)."""

    pooling: str = field(default="steps", init=False)
