"""Several networks of one form trained as one: the same graph, the same samples, other seeds."""

# torch is checked as Any, so its classes can be subclassed only untyped
# mypy: disable-error-code="misc, no-any-return"

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


class Members(nn.Module):
    """Networks whose parameters are stacked, each with the random stream that it would have alone.

    Args:
        networks: of one form, without buffers.
        seeds: of each network's dropout.
    """

    def __init__(self, networks: Sequence[nn.Module], seeds: Sequence[int]) -> None:
        super().__init__()
        self._form = [networks[0]]  # in a list, so that its parameters are not taken for ours
        self.names = [name for name, p in networks[0].named_parameters() if p.requires_grad]
        each = [dict(network.named_parameters()) for network in networks]
        self.stacks = nn.ParameterList(
            torch.stack([own[name].detach() for own in each]) for name in self.names
        )
        self._streams = []
        for seed in seeds:
            torch.manual_seed(seed)
            self._streams.append(torch.get_rng_state())

    def keep(self, rows: Tensor) -> None:
        """Let only the members ``rows`` go on."""
        self._streams = [self._streams[i] for i in rows.tolist()]

    def forward(self, *inputs: Any) -> list[Tensor]:
        """Return the output of each member for the same inputs."""
        form, found = self._form[0].train(self.training), []
        for j, own in enumerate(zip(*(stack.unbind(0) for stack in self.stacks), strict=True)):
            if self.training:
                torch.set_rng_state(self._streams[j])
            found.append(torch.func.functional_call(form, dict(zip(self.names, own, strict=True)), inputs))
            if self.training:
                self._streams[j] = torch.get_rng_state()
        return found

    def weights(self, member: int) -> dict[str, Any]:
        """Return a member's parameters by name, as arrays."""
        return {
            name: stack[member].detach().cpu().numpy().copy()
            for name, stack in zip(self.names, self.stacks, strict=True)
        }
