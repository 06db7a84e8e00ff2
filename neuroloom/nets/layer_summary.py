"""What a deep net is made of: its layers, their shapes, parameters and multiply-adds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from sklearn.utils.validation import check_is_fitted

from neuroloom.core.errors import InputError
from neuroloom.nets.deep_network import DeepNetwork

if TYPE_CHECKING:
    import pandas as pd
    import torch


def summary(estimator: DeepNetwork) -> pd.DataFrame:
    """Return the layers of a fitted deep net in the order in which a sample passes through them.

    Args:
        estimator: any fitted deep net over series or pictures; of an ensemble the first member is shown.

    Returns:
        A row a layer: ``layer`` (its name in the torch module), ``kind``, ``shape`` of its output for one sample,
        ``parameters`` that are trained, and ``multiply_adds`` for one sample: of convolutions, dense and recurrent
        layers and of attention. Element-wise steps count none. Sums are in ``frame.attrs["parameters"]`` and
        ``frame.attrs["multiply_adds"]``.

    Raises:
        InputError: ``estimator`` is no deep net.
        NotFittedError: it is not fitted.
    """
    import pandas as pd
    import torch

    from neuroloom.nets._layers.recurrent import RecurrentLayer

    if not isinstance(estimator, DeepNetwork):
        raise InputError(f"expected a deep net over series or pictures, but got {type(estimator).__name__}.")
    check_is_fitted(estimator)
    network = estimator.torch_module().cpu()
    rows: list[dict[str, Any]] = []
    within = {
        m for layer in network.modules() if isinstance(layer, RecurrentLayer) for m in layer.cells.modules()
    }
    hooks = [
        module.register_forward_hook(_recorder(name, rows))
        for name, module in network.named_modules()
        if _shown(module) and module not in within
    ]
    with torch.inference_mode():
        network(estimator._example())
    for hook in hooks:
        hook.remove()
    frame = pd.DataFrame(rows, columns=["layer", "kind", "shape", "parameters", "multiply_adds"])
    frame.attrs = {
        "parameters": sum(p.numel() for p in network.parameters()),
        "multiply_adds": int(frame.multiply_adds.sum()),
    }
    return frame


def _shown(module: torch.nn.Module) -> bool:
    """Return whether a module is a row: it has parameters of its own, or is a layer of cells or of attention."""
    from torch import nn
    from torch.nn.utils.parametrize import ParametrizationList

    from neuroloom.nets._layers.recurrent import RecurrentLayer
    from neuroloom.nets._layers.temporal import AttentionBlock

    if isinstance(module, RecurrentLayer | AttentionBlock | nn.Conv1d | nn.Conv2d):
        return True
    if isinstance(module, ParametrizationList):
        return False
    return not any(True for _ in module.children()) and any(True for _ in module.parameters())


def _recorder(name: str, rows: list[dict[str, Any]]) -> Any:
    from torch.nn.utils.parametrize import type_before_parametrizations

    from neuroloom.nets._layers.recurrent import RecurrentLayer
    from neuroloom.nets._layers.temporal import AttentionBlock

    def record(module: torch.nn.Module, given: tuple[Any, ...], made: Any) -> None:
        out = made[0] if isinstance(made, tuple) else made
        inside = tuple(out.shape[1:])
        if isinstance(module, RecurrentLayer):  # time comes first
            inside = (out.shape[0], *out.shape[2:])
        own = sum(p.numel() for p in module.parameters())
        if isinstance(module, AttentionBlock):
            own = 0  # its dense layers are rows of their own; this one is the steps' meeting
        kind, work = type_before_parametrizations(module).__name__, _multiply_adds(module, given[0], out)
        rows.append({"layer": name, "kind": kind, "shape": inside, "parameters": own, "multiply_adds": work})

    return record


def _multiply_adds(module: torch.nn.Module, given: torch.Tensor, out: torch.Tensor) -> int:
    from torch import nn

    from neuroloom.nets._layers.capsules import ClassCapsules
    from neuroloom.nets._layers.lenet import SEEN, PartialConv
    from neuroloom.nets._layers.recurrent import RecurrentLayer
    from neuroloom.nets._layers.temporal import AttentionBlock

    if isinstance(module, nn.Conv1d | nn.Conv2d):
        return int(out.numel() * math.prod(module.kernel_size) * module.in_channels // module.groups)
    if isinstance(module, nn.Linear):
        return int(out.numel() * module.in_features)
    if isinstance(
        module, ClassCapsules
    ):  # the votes, and a sum and (but in the last round) a comparison of them
        return int(module.votes.numel() + (2 * module.rounds - 1) * module.votes[..., 0].numel())
    if isinstance(module, PartialConv):
        return int(out[0, 0].numel() * 25 * sum(len(maps) for maps in SEEN))
    if isinstance(module, RecurrentLayer):
        return int(len(given) * sum(cell.work for cell in module.cells))
    if isinstance(module, AttentionBlock):  # each step's query with all keys, and the weights with all values
        return int(2 * given.shape[1] ** 2 * given.shape[2])
    return 0
