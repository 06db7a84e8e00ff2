"""Which device torch computes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neuroloom.core.errors import InputError

if TYPE_CHECKING:
    import torch


def resolve_device(device: str = "auto") -> torch.device:
    """Return the torch device for ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``, …

    ``"auto"`` takes CUDA where there is one, then Apple's MPS, then the CPU.

    Raises:
        InputError: the name is none of torch's, or this machine lacks that device.
    """
    import torch

    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"`device` is {device!r}, which torch cannot use here ({reason}); pass 'auto' or 'cpu'."
        ) from error
    return chosen
