"""Networks of pictures from timm and torchvision, without their heads."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from neuroloom.core.errors import InputError
from neuroloom.nets._layers.transferred import Pictures


def from_timm(name: str, pretrained: bool, size: int | None) -> Pictures:
    """Return timm's network ``name``.

    Raises:
        InputError: timm is not installed, has no such network, or cannot get its weights.
    """
    try:
        import timm
    except ImportError as error:
        raise InputError(f"'timm:{name}' needs timm ({error}): pip install timm.") from error
    network = _made("timm", name, lambda: timm.create_model(name, pretrained=pretrained, num_classes=0))
    told = getattr(network, "pretrained_cfg", {}).get("input_size")
    return Pictures(network, int(network.num_features), size or (told and int(told[-1])))


def from_torchvision(name: str, pretrained: bool, size: int | None) -> Pictures:
    """Return torchvision's classification network ``name``, its last dense layer replaced by nothing.

    Raises:
        InputError: torchvision is not installed, has no such network, or cannot get its weights.
    """
    try:
        from torchvision import models
    except (ImportError, RuntimeError) as error:  # a build for another torch fails at run time
        raise InputError(
            f"'torchvision:{name}' needs torchvision ({error}): pip install torchvision."
        ) from error
    network = _made(
        "torchvision", name, lambda: models.get_model(name, weights="DEFAULT" if pretrained else None)
    )
    dense = [path for path, part in network.named_modules() if isinstance(part, nn.Linear)]
    if not dense:
        raise InputError(
            f"torchvision's {name} ends in no dense layer, so its head cannot be told; take another."
        )
    parent, _, last = dense[-1].rpartition(".")
    owner = network.get_submodule(parent)
    width = getattr(owner, last).in_features
    setattr(owner, last, nn.Identity())
    return Pictures(network, int(width), size)


def _made(library: str, name: str, make: Any) -> Any:
    try:
        with torch.random.fork_rng(devices=[]):
            return make()
    except Exception as error:  # each library has its own for an unknown name and for weights out of reach
        raise InputError(
            f"{library} does not give {name!r} ({type(error).__name__}: {error}); check the name, and fetch its "
            "weights once where there is a network."
        ) from error
