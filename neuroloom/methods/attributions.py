"""What an answer rests on by the gradients of the network that gives it, through captum.

Sources:
    Sundararajan, Taly & Yan (2017), "Axiomatic attribution for deep networks", Eq. (1): integrated gradients.
    Erion, Janizek, Sturmfels, Lundberg & Lee (2021), "Improving performance of deep learning models with axiomatic
    attribution priors and expected gradients": the mean over baselines from the data.
    Selvaraju et al. (2017), "Grad-CAM: visual explanations from deep networks via gradient-based localization", Eq. (1)
    and (2), of the score before the softmax, without the rectifier, so that what speaks against an answer is negative.
    Kokhlikyan et al. (2020), "Captum: a unified and generic model interpretability library for PyTorch".
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.methods.parts import Parts

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float64]
_QUADRATURES = (("gausslegendre", 64), ("riemann_middle", 512), ("riemann_middle", 4096))  # along a path
_OFF = 0.01  # of the largest rise from a baseline, how far a path's values may sum to something else
_AT_ONCE = 2048  # samples in one gradient


class Network:
    """The network at the end of a fitted estimator, and what stands between it and the samples.

    Args:
        estimator: with ``answer_module()``, or a pipeline that ends in one and otherwise prepares, scales or flattens
            columns.

    Raises:
        NotSupportedError: there is no such network, or a step before it that gradients are not followed through.
    """

    def __init__(self, estimator: Any) -> None:
        from sklearn.pipeline import Pipeline

        steps = [step for _, step in estimator.steps] if isinstance(estimator, Pipeline) else [estimator]
        *self.before, last = [step for step in steps if step != "passthrough"]
        if not hasattr(last, "answer_module"):
            raise NotSupportedError(
                f"{type(last).__name__} has no gradient to follow; take method 'shapley' or 'lime', or a deep net, an "
                "mlp or an rbfn."
            )
        for step in self.before:
            if not _columnwise(step):
                raise NotSupportedError(
                    f"gradients are not followed through {type(step).__name__}; take method 'shapley' or 'lime'."
                )
        self.module = last.answer_module()
        self.device = next(self.module.parameters()).device

    def inputs(self, X: Any) -> torch.Tensor:
        """Return samples as the network takes them.

        Raises:
            InputError: values are missing.
        """
        import torch

        for step in self.before:
            X = step.transform(X)
        values = np.asarray(X, dtype=np.float64)
        if not np.isfinite(values).all():
            raise InputError(
                "gradients need samples without missing values (NaN) or padding; fill or cut them, or take method "
                "'shapley'."
            )
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device)

    def belongs(self, parts: Parts) -> torch.Tensor:
        """Return ``(values of an input, parts)``: 1 where a value belongs to a part, else 0."""
        import torch

        place = parts.place
        for step in self.before:
            if hasattr(step, "sources"):
                place = place[step.sources()]
            elif hasattr(step, "shape_"):
                place = place.ravel()
        found = torch.nn.functional.one_hot(torch.tensor(place.ravel()), len(parts.names))
        return found.double().to(self.device)


def integrated_gradients(
    network: Network, X: Any, background: Any, parts: Parts
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return values, their standard errors, base and answers as of :class:`~neuroloom.methods.explain.Explanation`.

    The path integral runs from each sample of the background to each of ``X``; values are means over the background.
    It is taken in more steps where the values of a path are far from summing to the rise of the answer, as where an
    encoding has narrow bins.
    """
    from captum.attr import IntegratedGradients

    x, baselines, belongs = network.inputs(X), network.inputs(background), network.belongs(parts)
    method = IntegratedGradients(network.module)
    answers, base = network.module(x).detach(), network.module(baselines).detach()
    values = np.empty((len(x), len(parts.names), answers.shape[1]))
    errors, off = np.full(values.shape, np.nan), 0.0
    for i, one in enumerate(x):
        repeated = one.expand(len(baselines), *one.shape).contiguous()
        for k in range(answers.shape[1]):
            rise = (answers[i, k] - base[:, k]).double()
            for quadrature, steps in _QUADRATURES:
                found = method.attribute(
                    repeated,
                    baselines,
                    target=k,
                    n_steps=steps,
                    method=quadrature,
                    internal_batch_size=_AT_ONCE,
                )
                each = found.flatten(1).double() @ belongs
                gap, largest = float((each.sum(dim=1) - rise).abs().max()), float(rise.abs().max())
                if gap <= _OFF * largest:
                    break
            else:
                off = max(off, gap / largest)
            values[i, :, k] = each.mean(dim=0).cpu()
            if len(each) > 1:
                errors[i, :, k] = each.std(dim=0).cpu() / np.sqrt(len(each))
    if off:
        warnings.warn(
            f"integrated gradients add up to the rise of an answer only within {off:.1%} of it: the network turns too "
            "sharply for sums along a line; method 'shapley' needs no gradient.",
            UserWarning,
            stacklevel=4,
        )
    mean = base.double().mean(dim=0).cpu().numpy()
    return values, errors, np.tile(mean, (len(x), 1)), answers.double().cpu().numpy()


def grad_cam(network: Network, X: Any, parts: Parts) -> tuple[Floats, Floats, Floats, Floats]:
    """Return values, errors, base (both NaN) and answers: a part's value is the mean height of the map over it.

    The map is that of the last convolution; of an ensemble the sum over its networks.

    Raises:
        NotSupportedError: the network has no convolution over series or pictures.
    """
    from captum.attr import LayerAttribution, LayerGradCam

    layers = _last_convolutions(network.module)
    if not layers or network.before:
        raise NotSupportedError(
            "Grad-CAM needs a network with convolutions over series or pictures, such as fcn, resnet or cnn; take "
            "method 'integrated-gradients' or 'shapley'."
        )
    x, belongs = network.inputs(X), network.belongs(parts)
    belongs = belongs / belongs.sum(dim=0)
    answers = network.module(x)
    values = np.zeros((len(x), len(parts.names), answers.shape[1]))
    for layer in layers:
        method = LayerGradCam(network.module.scores, layer)
        for k in range(answers.shape[1]):
            found = method.attribute(x, target=k)
            wide = LayerAttribution.interpolate(
                found, tuple(x.shape[2:]), "linear" if x.ndim == 3 else "bilinear"
            )
            values[:, :, k] += (wide.expand(x.shape).flatten(1).double() @ belongs).detach().cpu().numpy()
    nothing = np.full((len(x), answers.shape[1]), np.nan)
    return values, np.full(values.shape, np.nan), nothing, answers.double().detach().cpu().numpy()


def _columnwise(step: Any) -> bool:
    """Whether each value that a transformer gives comes from one value of a sample."""
    from sklearn.preprocessing import StandardScaler

    from neuroloom.methods.prepare import Flatten, TablePreparation

    return isinstance(step, StandardScaler | Flatten) or (
        isinstance(step, TablePreparation) and not step.native
    )


def _last_convolutions(module: torch.nn.Module) -> list[torch.nn.Module]:
    """Return the last convolution of each network."""
    import torch

    convolutions = (torch.nn.Conv1d, torch.nn.Conv2d)
    found = []
    for network in getattr(module, "networks", ()):
        own = [layer for layer in network.modules() if isinstance(layer, convolutions)]
        found += own[-1:]
    return found
