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

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neuroloom.nets._mlp import DenseNetworks
from neuroloom.nets._targets import ClassNetworks, NumberNetworks

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False, kw_only=True)
class ChosenNetworks(DenseNetworks):
    """Dense networks with every choice by name.

    Args:
        encoding: of each column, beside it: ``piecewise-linear`` in ``bins`` bins, or ``periodic``: sines and cosines
            of ``bins`` learned frequencies that start at ``N(0, frequency_scale²)``.
        frequency_scale: above 0, for the periodic encoding.
        init: of the hidden layers: ``auto`` follows the activation (He for the ReLU family, LeCun for the others);
            ``glorot-``, ``he-``, ``lecun-`` with ``normal`` or ``uniform``; ``orthogonal``. The output layer starts
            small, so that training begins at the prior.
        normalization: of what enters an activation: ``none``, ``batch`` or ``layer``.
        dropout: share of hidden units left out in training, in [0, 1).
        optimizer: one of ``core.training.OPTIMIZERS``.
        weight_decay: at least 0; biases do not decay.
        l1: at least 0, times the sum of the weights' absolute values in the loss.
        max_norm: largest L2 norm of a hidden unit's incoming weights, above 0, or None.
        schedule: one of ``core.training.SCHEDULES``.
        training_options: further fields of ``core.training.TrainConfig`` by name: ``betas``, ``clip_norm``, ``decay``,
            ``every``, ``milestones``, ``min_epochs``, ``momentum``.
        early_stopping: whether members hold out a fold to stop on when there is no ``eval_set`` (and at least 20
            samples); without it they learn from all samples for all epochs.
        validation_fraction: share of the samples in a fold, in (0, 0.5]; None makes as many folds as there are members,
            but 5 to 10, and more than 5 only of ten samples or more.
    """

    encoding: str = "piecewise-linear"
    frequency_scale: float = 0.1
    init: str = "auto"
    normalization: str = "none"
    dropout: float = 0.0
    optimizer: str = "adamw"
    weight_decay: float = 0.01
    l1: float = 0.0
    max_norm: float | None = None
    schedule: str = "none"
    training_options: Mapping[str, Any] | None = None
    early_stopping: bool = True
    validation_fraction: float | None = None


@dataclass(eq=False, repr=False, kw_only=True)
class MLPClassifier(ClassNetworks, ChosenNetworks):
    """Dense networks for classes: an ensemble of small networks, each stopped on its own held-out fold.

    ``p(class | x) = mean over members of softmax(s · f_m(z))`` with ``f_m(z) = W_L a(… a(W_0 z + b_0) …) + b_L``, ``z``
    the sample robustly scaled and piecewise-linearly encoded, and ``s`` the slope (inverse temperature) that is
    likeliest on the samples each member held out. By default there are as many members as folds: every sample is held
    out by one member and learned by the others, so no data is lost to stopping.

    Args:
        loss: ``cross-entropy``, ``focal`` or ``hinge`` (Crammer & Singer's).
        gamma: focal loss's exponent, at least 0.
        label_smoothing: share of each label spread over all classes, in [0, 1), for cross-entropy; None takes 0.1 there
            (Holzmüller et al. 2024).
        class_weight: ``"balanced"`` (all classes weigh the same), class -> weight, or None.

    Attributes:
        weights_: name -> ``(members, …)``: ``weight_l (members, in, out)``, ``bias_l (members, out)`` of layer ``l``;
            ``slope_``; ``best_epochs_``: the epoch each member's weights are from; ``history_``: means over the members
            still training; ``classes_``; ``n_parameters_``.

    Raises:
        InputError: a parameter lies outside its range.

    Source: Lakshminarayanan et al. (2017); Holzmüller et al. (2024) for the scaling; Gorishniy et al. (2022) for the
        encoding; Guo et al. (2017).
    """

    members: int | str = "auto"
    dropout: float = 0.15
    loss: str = "cross-entropy"
    gamma: float = 2.0
    label_smoothing: float | None = None
    class_weight: str | Mapping[Any, float] | None = None

    def answer_module(self) -> torch.nn.Module:
        """Return ``(n, features) -> (n, classes)`` probabilities as a differentiable torch module on the device.

        It is a copy, in evaluation mode, over columns in their own unit.
        """
        return self._answer_module("softmax", self.slope_)


@dataclass(eq=False, repr=False, kw_only=True)
class MLPRegressor(NumberNetworks, ChosenNetworks):
    """Dense networks for numbers: an ensemble of small networks, each stopped on its own held-out fold.

    ``y = mean over members of f_m(z)`` with ``f_m(z) = W_L a(… a(W_0 z + b_0) …) + b_L`` and ``z`` the sample robustly
    scaled and piecewise-linearly encoded; the target is standardised while the squared error is minimised. By default
    there are as many members as folds: every sample is held out by one member and learned by the others, so no data is
    lost to stopping.

    Args:
        loss: ``squared``, ``absolute``, ``huber``, ``quantile`` (the answer is that quantile) or ``gaussian`` (each
            network gives a mean and a variance; see :class:`DeepEnsembleRegressor` for what to do with them).
        quantile: in (0, 1), for the loss of that name.
        delta: above 0, where huber's loss turns from a square to a line, in scales of the target (the interquartile
            range over 1.349).
        output: ``identity``; for answers above 0, ``softplus`` or ``exp``.
        bounds: ``(low, high)`` of the answers, kept by a sigmoid, or None.

    Attributes:
        weights_: name -> ``(members, …)``: ``weight_l (members, in, out)``, ``bias_l (members, out)`` of layer ``l``;
            ``best_epochs_``: the epoch each member's weights are from; ``history_``: means over the members still
            training; ``target_mean_``, ``target_scale_``; ``n_parameters_``.

    Raises:
        InputError: a parameter lies outside its range.

    Source: Lakshminarayanan et al. (2017); Holzmüller et al. (2024) for the scaling; Gorishniy et al. (2022) for the
        encoding.
    """

    members: int | str = "auto"
    loss: str = "squared"
    quantile: float = 0.5
    delta: float = 1.0
    output: str = "identity"
    bounds: tuple[float, float] | None = None

    def answer_module(self) -> torch.nn.Module:
        """Return ``(n, features) -> (n, 1)`` numbers as a differentiable torch module on the device.

        It is a copy, in evaluation mode, over columns in their own unit.
        """
        return self._answer_module(
            self._link(), scale=self.target_scale_, offset=self.target_mean_, outputs=1
        )
