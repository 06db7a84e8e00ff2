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

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from neuroloom.nets._targets import ClassNetworks, NumberNetworks

if TYPE_CHECKING:
    import torch


class MLPClassifier(ClassNetworks):
    """Dense networks for classes: an ensemble of small networks, each stopped on its own held-out fold.

    ``p(class | x) = mean over members of softmax(s · f_m(z))`` with ``f_m(z) = W_L a(… a(W_0 z + b_0) …) + b_L``, ``z``
    the sample robustly scaled and piecewise-linearly encoded, and ``s`` the slope (inverse temperature) that is
    likeliest on the samples each member held out. With five members and a fifth held out, every sample is learned by
    four members and judges the fifth, so no data is lost to stopping.

    Args:
        hidden: units of each hidden layer, each from 1 to 8192; ``()`` is a linear model.
        members: networks in the ensemble, at least 1.
        bins: of the encoding that stands beside each scaled column, at least 0 (none).
        encoding: of each column, beside it: ``piecewise-linear`` in ``bins`` bins, or ``periodic``: sines and cosines
            of ``bins`` learned frequencies that start at ``N(0, frequency_scale²)``.
        frequency_scale: above 0, for the periodic encoding.
        activation: ``celu``, ``elu``, ``gelu``, ``hard-sigmoid``, ``hard-swish``, ``identity``, ``leaky-relu``,
            ``mish``, ``prelu`` (its slopes learned), ``relu``, ``selu``, ``sigmoid``, ``silu``, ``softplus``,
            ``softsign`` or ``tanh``.
        init: of the hidden layers: ``auto`` follows the activation (He for the ReLU family, LeCun for the others);
            ``glorot-``, ``he-``, ``lecun-`` with ``normal`` or ``uniform``; ``orthogonal``. The output layer starts
            small, so that training begins at the prior.
        normalization: of what enters an activation: ``none``, ``batch`` or ``layer``.
        dropout: share of hidden units left out in training, in [0, 1).
        loss: ``cross-entropy``, ``focal`` or ``hinge`` (Crammer & Singer's).
        gamma: focal loss's exponent, at least 0.
        label_smoothing: share of each label spread over all classes, in [0, 1), for cross-entropy.
        class_weight: ``"balanced"`` (all classes weigh the same), class -> weight, or None.
        optimizer: one of ``core.training.OPTIMIZERS``.
        learning_rate: above 0.
        weight_decay: at least 0; biases do not decay.
        l1: at least 0, times the sum of the weights' absolute values in the loss.
        max_norm: largest L2 norm of a hidden unit's incoming weights, above 0, or None.
        schedule: one of ``core.training.SCHEDULES``.
        training_options: further fields of ``core.training.TrainConfig`` by name: ``betas``, ``clip_norm``, ``decay``,
            ``every``, ``milestones``, ``min_epochs``, ``momentum``.
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
        encoding: str = "piecewise-linear",
        frequency_scale: float = 0.1,
        activation: str = "silu",
        init: str = "auto",
        normalization: str = "none",
        dropout: float = 0.15,
        loss: str = "cross-entropy",
        gamma: float = 2.0,
        label_smoothing: float = 0.0,
        class_weight: str | Mapping[Any, float] | None = None,
        optimizer: str = "adamw",
        learning_rate: float = 0.005,
        weight_decay: float = 0.01,
        l1: float = 0.0,
        max_norm: float | None = None,
        schedule: str = "none",
        training_options: Mapping[str, Any] | None = None,
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
        self.encoding = encoding
        self.frequency_scale = frequency_scale
        self.activation = activation
        self.init = init
        self.normalization = normalization
        self.dropout = dropout
        self.loss = loss
        self.gamma = gamma
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.l1 = l1
        self.max_norm = max_norm
        self.schedule = schedule
        self.training_options = training_options
        self.epochs = epochs
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.dtype = dtype
        self.device = device
        self.random_state = random_state

    def answer_module(self) -> torch.nn.Module:
        """Return ``(n, features) -> (n, classes)`` probabilities as a differentiable torch module on the device.

        It is a copy, in evaluation mode, over columns in their own unit.
        """
        return self._answer_module("softmax", self.slope_)


class MLPRegressor(NumberNetworks):
    """Dense networks for numbers: an ensemble of small networks, each stopped on its own held-out fold.

    ``y = mean over members of f_m(z)`` with ``f_m(z) = W_L a(… a(W_0 z + b_0) …) + b_L`` and ``z`` the sample robustly
    scaled and piecewise-linearly encoded; the target is standardised while the squared error is minimised. With five
    members and a fifth held out, every sample is learned by four members and stops the fifth, so no data is lost to
    stopping.

    Args:
        hidden: units of each hidden layer, each from 1 to 8192; ``()`` is a linear model.
        members: networks in the ensemble, at least 1.
        bins: of the encoding that stands beside each scaled column, at least 0 (none).
        encoding: of each column, beside it: ``piecewise-linear`` in ``bins`` bins, or ``periodic``: sines and cosines
            of ``bins`` learned frequencies that start at ``N(0, frequency_scale²)``.
        frequency_scale: above 0, for the periodic encoding.
        activation: ``celu``, ``elu``, ``gelu``, ``hard-sigmoid``, ``hard-swish``, ``identity``, ``leaky-relu``,
            ``mish``, ``prelu`` (its slopes learned), ``relu``, ``selu``, ``sigmoid``, ``silu``, ``softplus``,
            ``softsign`` or ``tanh``.
        init: of the hidden layers: ``auto`` follows the activation (He for the ReLU family, LeCun for the others);
            ``glorot-``, ``he-``, ``lecun-`` with ``normal`` or ``uniform``; ``orthogonal``. The output layer starts
            small, so that training begins at the prior.
        normalization: of what enters an activation: ``none``, ``batch`` or ``layer``.
        dropout: share of hidden units left out in training, in [0, 1).
        loss: ``squared``, ``absolute``, ``huber``, ``quantile`` (the answer is that quantile) or ``gaussian`` (each
            network gives a mean and a variance; see :class:`DeepEnsembleRegressor` for what to do with them).
        quantile: in (0, 1), for the loss of that name.
        delta: above 0, where huber's loss turns from a square to a line, in scales of the target (the interquartile
            range over 1.349).
        output: ``identity``; for answers above 0, ``softplus`` or ``exp``.
        bounds: ``(low, high)`` of the answers, kept by a sigmoid, or None.
        optimizer: one of ``core.training.OPTIMIZERS``.
        learning_rate: above 0.
        weight_decay: at least 0; biases do not decay.
        l1: at least 0, times the sum of the weights' absolute values in the loss.
        max_norm: largest L2 norm of a hidden unit's incoming weights, above 0, or None.
        schedule: one of ``core.training.SCHEDULES``.
        training_options: further fields of ``core.training.TrainConfig`` by name: ``betas``, ``clip_norm``, ``decay``,
            ``every``, ``milestones``, ``min_epochs``, ``momentum``.
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
        encoding: str = "piecewise-linear",
        frequency_scale: float = 0.1,
        activation: str = "silu",
        init: str = "auto",
        normalization: str = "none",
        dropout: float = 0.0,
        loss: str = "squared",
        quantile: float = 0.5,
        delta: float = 1.0,
        output: str = "identity",
        bounds: tuple[float, float] | None = None,
        optimizer: str = "adamw",
        learning_rate: float = 0.005,
        weight_decay: float = 0.01,
        l1: float = 0.0,
        max_norm: float | None = None,
        schedule: str = "none",
        training_options: Mapping[str, Any] | None = None,
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
        self.encoding = encoding
        self.frequency_scale = frequency_scale
        self.activation = activation
        self.init = init
        self.normalization = normalization
        self.dropout = dropout
        self.loss = loss
        self.quantile = quantile
        self.delta = delta
        self.output = output
        self.bounds = bounds
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.l1 = l1
        self.max_norm = max_norm
        self.schedule = schedule
        self.training_options = training_options
        self.epochs = epochs
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.dtype = dtype
        self.device = device
        self.random_state = random_state

    def answer_module(self) -> torch.nn.Module:
        """Return ``(n, features) -> (n, 1)`` numbers as a differentiable torch module on the device.

        It is a copy, in evaluation mode, over columns in their own unit.
        """
        return self._answer_module(
            self._link(), scale=self.target_scale_, offset=self.target_mean_, outputs=1
        )
