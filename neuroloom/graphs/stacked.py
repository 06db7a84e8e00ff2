"""What models share that are layers on top of one another, each reading its neighbours once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.graphs.network import GraphNetwork

if TYPE_CHECKING:
    import torch

NORMS = ("none", "batch", "layer")
JUMPING = ("none", "cat", "max")


@dataclass(eq=False, repr=False, kw_only=True)
class StackedNetwork(GraphNetwork):
    """Base of the models of a few layers that read their neighbours once each.

    Args:
        norm: normalisation after each hidden layer, ``"none"``, ``"batch"`` or ``"layer"``.
        residual: whether a linear map of its input is added to each hidden layer's output.
        jumping: what the head sees: the last layer (``"none"``), all side by side (``"cat"``) or their maximum
            (``"max"``). With any of these three a linear head gives the answers instead of a last layer.
        separate_ego: whether a node is left out of its own neighbours and added by a map of its own (Platonov et al.
            2023); for graphs whose neighbours tend to differ.
    """

    hidden: int = 64
    layers: int = 2
    dropout: float = 0.5
    norm: str = "none"
    residual: bool = False
    jumping: str = "none"
    separate_ego: bool = False

    def _hops(self) -> int | None:
        return check_int("layers", self.layers)

    def _loops(self) -> bool:
        """Return whether a node is among its own neighbours."""
        return not self.separate_ego

    def _share(self, name: str) -> float:
        """Return a parameter that is a share to be dropped, checked."""
        return check_float(name, getattr(self, name), 0, 1, open_high=True)

    def _stack(
        self,
        layer: Callable[[int, bool], torch.nn.Module],
        n_in: int,
        width: int,
        n_out: int | None,
        activation: Callable[[Any], Any],
    ) -> torch.nn.Module:
        """Return the encoder of these layers."""
        from neuroloom.graphs._layers.stack import Stack

        check_choice("norm", self.norm, NORMS)
        check_choice("jumping", self.jumping, JUMPING)
        return Stack(
            layer,
            n_in,
            width,
            n_out,
            layers=check_int("layers", self.layers),
            dropout=self._share("dropout"),
            activation=activation,
            norm=self.norm,
            residual=self.residual or self.separate_ego,
            jumping=self.jumping,
        )
