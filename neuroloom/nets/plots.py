"""Pictures of deep nets: first filters, what an answer hangs on, what a written token looked at. Needs matplotlib."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from neuroloom.core import plotting
from neuroloom.core.checks import check_int
from neuroloom.core.errors import InputError
from neuroloom.nets.deep_network import DeepNetwork

if TYPE_CHECKING:
    from neuroloom.core.tokens import Alphabet
    from neuroloom.nets.seq2seq import Seq2Seq

Floats = NDArray[np.float64]


def first_filters(estimator: DeepNetwork) -> Floats:
    """Return the kernels of the first convolution that a sample meets, ``(filters, channels, …)``.

    Args:
        estimator: a fitted deep net of series or pictures.

    Raises:
        InputError: it is none, or has no convolution.
    """
    from torch import nn

    if not isinstance(estimator, DeepNetwork):
        raise InputError(f"expected a deep net, but got {type(estimator).__name__}.")
    check_is_fitted(estimator)
    for module in estimator.torch_module().modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d):
            found: Floats = module.weight.detach().double().cpu().numpy()
            return found
    raise InputError(f"{type(estimator).__name__} has no convolution, so it has no filters to show.")


def plot_filters(estimator: DeepNetwork, channel: int = 0, most: int = 64, ax: Any = None) -> Any:
    """Draw the first filters of a net, and return the axes.

    Of pictures each is a square of its own, red where it adds and blue where it takes, all on one scale; of series a
    line.

    Args:
        estimator: a fitted deep net with convolutions.
        channel: of the samples, from 0.
        most: filters that are drawn, the first ones, at least 1.
        ax: matplotlib axes, or None for a figure of its own.

    Raises:
        InputError: there are no filters, or no such channel, or matplotlib is missing.
    """
    kernels = first_filters(estimator)
    shown = kernels[: check_int("most", most), check_int("channel", channel, 0, kernels.shape[1] - 1)]
    across = math.ceil(math.sqrt(len(shown)))
    down = -(-len(shown) // across)
    side = shown.shape[1:]
    limit = float(np.abs(shown).max()) or 1.0
    if ax is None:
        ax = plotting.axes(None, (0.9 * across + 0.6, 0.9 * down + 0.6))
    if shown.ndim == 3:
        sheet = np.full((down * (side[0] + 1) - 1, across * (side[1] + 1) - 1), np.nan)
        for i, kernel in enumerate(shown):
            top, left = (i // across) * (side[0] + 1), (i % across) * (side[1] + 1)
            sheet[top : top + side[0], left : left + side[1]] = kernel
        ax.imshow(sheet, cmap="RdBu_r", vmin=-limit, vmax=limit)
    else:
        steps = np.linspace(0, 0.9, side[0])
        for i, kernel in enumerate(shown):
            ax.plot(
                i % across + steps, -(i // across) + 0.42 * kernel / limit, color=plotting.INK, linewidth=1
            )
            ax.plot(
                [i % across, i % across + 0.9],
                [-(i // across)] * 2,
                color=plotting.GRID,
                linewidth=0.8,
                zorder=0,
            )
    ax.set_axis_off()
    ax.set_title(f"first filters, {len(shown)} of {len(kernels)}", fontsize=10)
    return ax


def saliency(estimator: DeepNetwork, X: Any, answer: int | None = None) -> Floats:
    """Return how strongly each value of samples moves an answer: the size of its gradient.

    Args:
        estimator: a fitted deep net of series or pictures; of an ensemble the first member is asked.
        X: samples without padding.
        answer: which output, from 0; None takes each sample's greatest.

    Returns:
        ``(n, channels, …)`` of at least 0, by a value in the samples' own unit.

    Raises:
        InputError: the estimator is no deep net of series or pictures, or there is no such output.

    Source: Simonyan, Vedaldi and Zisserman (2014), Deep inside convolutional networks: visualising image classification
    models and saliency maps, section 3.
    """
    import torch

    if not isinstance(estimator, DeepNetwork) or hasattr(estimator, "vocabulary_"):
        raise InputError(f"expected a deep net of series or pictures, but got {type(estimator).__name__}.")
    check_is_fitted(estimator)
    values = estimator._read(X)
    if not np.isfinite(values).all():
        raise InputError("saliency is of samples without padding (NaN); cut them.")
    network = estimator.torch_module()
    x = torch.from_numpy(values).to(next(network.parameters()).device).requires_grad_()
    out = network(x)
    asked = out.amax(dim=1) if answer is None else out[:, check_int("answer", answer, 0, out.shape[1] - 1)]
    (slope,) = torch.autograd.grad(asked.sum(), x)
    size: Floats = slope.abs().double().cpu().numpy()
    scale = getattr(estimator, "scale_", None)
    if scale is not None:  # one a channel
        size /= np.reshape(scale, (-1, *[1] * (size.ndim - 2)))
    return size


def plot_saliency(estimator: DeepNetwork, sample: Any, answer: int | None = None, ax: Any = None) -> Any:
    """Draw one sample with what an answer hangs on in orange, darker for more, and return the axes.

    Args:
        estimator: a fitted deep net of series or pictures.
        sample: ``(channels, length)`` or ``(channels, height, width)``; channels are added up.
        answer: which output, from 0; None takes the greatest.
        ax: matplotlib axes, or None for a figure of its own.

    Raises:
        InputError: as of :func:`saliency`, or matplotlib is missing.
    """
    values = np.asarray(sample, dtype=np.float64)
    weight = saliency(estimator, values[None], answer)[0].sum(0)
    ax = plotting.axes(ax, (4.2, 4.0) if weight.ndim == 2 else (7.0, 3.0))
    if weight.ndim == 2:
        ax.imshow(values.mean(0), cmap="Greys")
        ax.imshow(weight, cmap="Oranges", alpha=0.75 * weight / (weight.max() or 1.0))
        ax.set_axis_off()
        return ax
    low, high = float(values.min()), float(values.max())
    edge = 0.05 * (high - low or 1.0)
    extent = (-0.5, len(weight) - 0.5, low - edge, high + edge)
    ax.imshow(weight[None], cmap="Oranges", aspect="auto", alpha=0.8, extent=extent)
    for line in values:
        ax.plot(line, color=plotting.INK, linewidth=1.2)
    ax.set(xlim=extent[:2], ylim=extent[2:], xlabel="step")
    return ax


def plot_attention(estimator: Seq2Seq, text: str, alphabets: Sequence[Alphabet], ax: Any = None) -> Any:
    """Draw which letters of a text each written letter looked at, and return the axes.

    Args:
        estimator: a fitted :class:`~neuroloom.nets.Seq2Seq` of letters.
        text: what is read.
        alphabets: of what is read and of what is written.
        ax: matplotlib axes, or None for a figure of its own.

    Raises:
        InputError: the text is empty, or matplotlib is missing.
    """
    if not text:
        raise InputError("there is no letter in the text; pass at least one.")
    tokens = alphabets[0].encode([text])
    weights, written = estimator.attend(tokens)[0], alphabets[1].decode(estimator.predict(tokens))[0]
    ax = plotting.axes(ax, (0.8 + 0.3 * len(text), 0.8 + 0.3 * len(weights)))
    ax.imshow(weights, cmap="Oranges", vmin=0, vmax=1)
    ax.set_xticks(range(len(text)), text.replace(" ", "␣"))
    ax.set_yticks(range(len(weights)), [*written.replace(" ", "␣"), "end"][: len(weights)])
    ax.set(xlabel="read", ylabel="written")
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.tick_params(length=0)
    return ax
