"""Dense networks for tables: a small ensemble whose members stop on held-out folds, fitted as one stacked network.

Sources:
    Rumelhart, Hinton & Williams (1986), "Learning representations by back-propagating errors".
    Lakshminarayanan, Pritzel & Blundell (2017), "Simple and scalable predictive uncertainty estimation using deep
    ensembles".
    Holzmüller, Grinsztajn & Steinwart (2024), "Better by default: strong pre-tuned MLPs and boosted trees on tabular
    data" (scaling).
    Gorishniy, Rubachev & Babenko (2022), "On embeddings for numerical features in tabular deep learning" (encoding).
    Guo, Pleiss, Sun & Weinberger (2017), "On calibration of modern neural networks" (temperature).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from neuroloom.core.errors import InputError
from neuroloom.nets._mlp import DenseNetworks, Prepared

if TYPE_CHECKING:
    from neuroloom.nets._mlp_fit import Fitted

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class MLPClassifier(ClassifierMixin, DenseNetworks):  # type: ignore[misc]
    """Dense networks for classes: an ensemble of small networks, each stopped on its own held-out fold.

    ``p(class | x) = mean over members of softmax(s · f_m(z))`` with ``f_m(z) = W_L a(… a(W_0 z + b_0) …) + b_L``, ``z``
    the sample robustly scaled and piecewise-linearly encoded, and ``s`` the slope (inverse temperature) that is
    likeliest on the samples each member held out. With five members and a fifth held out, every sample is learned by
    four members and judges the fifth, so no data is lost to stopping.

    Args:
        hidden: units of each hidden layer, each from 1 to 8192; ``()`` is a linear model.
        members: networks in the ensemble, at least 1.
        bins: of the piecewise-linear encoding that stands beside each scaled column, at least 0 (none).
        activation: ``elu``, ``gelu``, ``leaky-relu``, ``mish``, ``relu``, ``selu``, ``sigmoid``, ``silu``, ``tanh``;
            initial weights follow it (He for the ReLU family, LeCun for the others).
        dropout: share of hidden units left out in training, in [0, 1).
        label_smoothing: share of each label spread over all classes, in [0, 1).
        optimizer: one of ``core.training.OPTIMIZERS``.
        learning_rate: above 0.
        weight_decay: at least 0; biases do not decay.
        schedule: one of ``core.training.SCHEDULES``.
        epochs: most passes over the data.
        batch_size: at most so many samples a step; ``"auto"``: 64, from 4,000 samples 128, from 16,000 on 256.
        early_stopping: whether members hold out a fold to stop on when there is no ``eval_set`` (and at least 20
            samples); without it they learn from all samples for all epochs.
        validation_fraction: share of the samples in a fold, in (0, 0.5].
        patience: epochs without a better validation loss after which a member stops.
        dtype: ``"float64"``, in which stacked and single fits agree to 1e-5 and better, or ``"float32"``.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``, …
        random_state: of folds, weights, batches and dropout.

    Attributes:
        weights_: name -> ``(members, …)``: ``weight_l (members, in, out)``, ``bias_l (members, out)`` of layer ``l``;
        ``slope_``; ``best_epochs_``: the epoch each member's weights are from; ``history_``: means over the members
        still training; ``classes_``; ``n_parameters_``.

    Raises:
        InputError: a parameter lies outside its range.

    Source: Lakshminarayanan et al. (2017); Holzmüller et al. (2024) for the scaling; Gorishniy et al. (2022) for the
        encoding; Guo et al. (2017).
    """

    def __init__(
        self,
        hidden: Sequence[int] | int = (64, 64),
        *,
        members: int = 5,
        bins: int = 8,
        activation: str = "silu",
        dropout: float = 0.15,
        label_smoothing: float = 0.0,
        optimizer: str = "adamw",
        learning_rate: float = 0.005,
        weight_decay: float = 0.01,
        schedule: str = "none",
        epochs: int = 200,
        batch_size: int | str = "auto",
        early_stopping: bool = True,
        validation_fraction: float = 0.2,
        patience: int = 20,
        dtype: str = "float64",
        device: str = "auto",
        random_state: Any = None,
    ) -> None:
        self.hidden = hidden
        self.members = members
        self.bins = bins
        self.activation = activation
        self.dropout = dropout
        self.label_smoothing = label_smoothing
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.epochs = epochs
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.dtype = dtype
        self.device = device
        self.random_state = random_state

    def _prepare(self, X: Any, y: Any, eval_set: tuple[Any, Any] | None) -> Prepared:
        self._check()
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        prior = np.log(np.bincount(labels) / len(labels))
        evaluation = None
        if eval_set is not None:
            X_val, y_val = validate_data(self, *eval_set, dtype=np.float64, reset=False)
            strange = np.setdiff1d(y_val, self.classes_)
            if len(strange):
                first = strange.tolist()[0]
                raise InputError(
                    f"`eval_set` holds the class {first!r}, which `y` does not; leave its samples out of it."
                )
            evaluation = X_val, np.searchsorted(self.classes_, y_val)
        return self._ready(X, labels, prior, labels, evaluation)

    def _adopt(self, job: Prepared, fitted: Sequence[Fitted]) -> None:
        super()._adopt(job, fitted)
        self.slope_ = 1.0
        held_out = [m.held_out for m in job.members]
        if len(self.classes_) > 1 and any(len(rows) for rows in held_out):
            found = self._outputs(job.sample.X)
            logits = np.concatenate([found[m, rows] for m, rows in enumerate(held_out)])
            self.slope_ = _likeliest_slope(logits, job.sample.target[np.concatenate(held_out)])

    def predict_proba(self, X: Any) -> Floats:
        """Return ``(n, classes)`` probabilities, columns in the order of ``classes_``."""
        logits = self._answers(X) * self.slope_
        p = np.exp(logits - logits.max(axis=2, keepdims=True))
        mean: Floats = (p / p.sum(axis=2, keepdims=True)).mean(axis=0)
        return mean

    def predict(self, X: Any) -> NDArray[Any]:
        """Return ``(n,)`` labels: the likeliest class."""
        p = self.predict_proba(X)
        found: NDArray[Any] = self.classes_[p.argmax(axis=1)]
        return found


class MLPRegressor(RegressorMixin, DenseNetworks):  # type: ignore[misc]
    """Dense networks for numbers: an ensemble of small networks, each stopped on its own held-out fold.

    ``y = mean over members of f_m(z)`` with ``f_m(z) = W_L a(… a(W_0 z + b_0) …) + b_L`` and ``z`` the sample robustly
    scaled and piecewise-linearly encoded; the target is standardised while the squared error is minimised. With five
    members and a fifth held out, every sample is learned by four members and stops the fifth, so no data is lost to
    stopping.

    Args:
        hidden: units of each hidden layer, each from 1 to 8192; ``()`` is a linear model.
        members: networks in the ensemble, at least 1.
        bins: of the piecewise-linear encoding that stands beside each scaled column, at least 0 (none).
        activation: ``elu``, ``gelu``, ``leaky-relu``, ``mish``, ``relu``, ``selu``, ``sigmoid``, ``silu``, ``tanh``;
            initial weights follow it (He for the ReLU family, LeCun for the others).
        dropout: share of hidden units left out in training, in [0, 1).
        optimizer: one of ``core.training.OPTIMIZERS``.
        learning_rate: above 0.
        weight_decay: at least 0; biases do not decay.
        schedule: one of ``core.training.SCHEDULES``.
        epochs: most passes over the data.
        batch_size: at most so many samples a step; ``"auto"``: 64, from 4,000 samples 128, from 16,000 on 256.
        early_stopping: whether members hold out a fold to stop on when there is no ``eval_set`` (and at least 20
            samples); without it they learn from all samples for all epochs.
        validation_fraction: share of the samples in a fold, in (0, 0.5].
        patience: epochs without a better validation loss after which a member stops.
        dtype: ``"float64"``, in which stacked and single fits agree to 1e-5 and better, or ``"float32"``.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``, …
        random_state: of folds, weights, batches and dropout.

    Attributes:
        weights_: name -> ``(members, …)``: ``weight_l (members, in, out)``, ``bias_l (members, out)`` of layer ``l``;
        ``best_epochs_``: the epoch each member's weights are from; ``history_``: means over the members still
        training; ``target_mean_``, ``target_scale_``; ``n_parameters_``.

    Raises:
        InputError: a parameter lies outside its range.

    Source: Lakshminarayanan et al. (2017); Holzmüller et al. (2024) for the scaling; Gorishniy et al. (2022) for the
        encoding.
    """

    def __init__(
        self,
        hidden: Sequence[int] | int = (64, 64),
        *,
        members: int = 5,
        bins: int = 8,
        activation: str = "silu",
        dropout: float = 0.0,
        optimizer: str = "adamw",
        learning_rate: float = 0.005,
        weight_decay: float = 0.01,
        schedule: str = "none",
        epochs: int = 200,
        batch_size: int | str = "auto",
        early_stopping: bool = True,
        validation_fraction: float = 0.2,
        patience: int = 20,
        dtype: str = "float64",
        device: str = "auto",
        random_state: Any = None,
    ) -> None:
        self.hidden = hidden
        self.members = members
        self.bins = bins
        self.activation = activation
        self.dropout = dropout
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.epochs = epochs
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.dtype = dtype
        self.device = device
        self.random_state = random_state

    def _prepare(self, X: Any, y: Any, eval_set: tuple[Any, Any] | None) -> Prepared:
        self._check()
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        y = y.astype(np.float64)
        self.target_mean_, scale = float(y.mean()), float(y.std())
        self.target_scale_ = scale if scale > 0 else 1.0
        evaluation = None
        if eval_set is not None:
            X_val, y_val = validate_data(self, *eval_set, dtype=np.float64, y_numeric=True, reset=False)
            evaluation = X_val, self._standard(y_val)
        return self._ready(X, self._standard(y), np.zeros(1), np.zeros(len(y), np.int64), evaluation)

    def _standard(self, y: NDArray[Any]) -> Floats:
        standard: Floats = ((y.astype(np.float64) - self.target_mean_) / self.target_scale_)[:, None]
        return standard

    def predict(self, X: Any) -> Floats:
        """Return ``(n,)`` numbers."""
        found: Floats = self._answers(X)[:, :, 0].mean(axis=0)
        return found * self.target_scale_ + self.target_mean_


def _likeliest_slope(logits: Floats, labels: Ints) -> float:
    """Return the ``s`` in [1/10, 10] with the least log loss of ``softmax(s · logits)``."""
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    rows = np.arange(len(labels))
    found = minimize_scalar(
        lambda log_s: -log_softmax(np.exp(log_s) * logits, axis=1)[rows, labels].mean(),
        bounds=(-np.log(10), np.log(10)),
        method="bounded",
    )
    return float(np.exp(found.x))
