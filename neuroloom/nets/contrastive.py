"""Contrastive embeddings: nets that put samples of one class, or two views of one sample, near each other.

Schroff, Kalenichenko and Philbin (2015), FaceNet: a unified embedding for face recognition and clustering; Hermans,
Beyer and Leibe (2017), In defense of the triplet loss for person re-identification; Khosla, Teterwak, Wang, Sarna,
Tian, Isola, Maschinot, Liu and Krishnan (2020), Supervised contrastive learning; Chen, Kornblith, Norouzi and Hinton
(2020), A simple framework for contrastive learning of visual representations; Bahri, Jiang, Tay and Metzler (2022),
SCARF: self-supervised contrastive learning using random feature corruption.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_choice, check_float, check_lengths
from neuroloom.core.errors import InputError
from neuroloom.nets.encoding import EncodingNetwork
from neuroloom.nets.unlabelled import AT_ONCE

if TYPE_CHECKING:
    import torch

LOSSES = ("supervised", "triplet", "self")
_BINS = 5  # groups that numbers are cut into
# dimensions of a sample -> what is done to it
_VIEWS = {1: (), 2: ("shift", "scale", "noise"), 3: ("affine", "cutout", "noise")}


@dataclass(eq=False, repr=False)
class ContrastiveFeatures(EncodingNetwork):
    """Embedding of rows, series or pictures in which near means alike; the features of any head.

    Args:
        loss: ``"supervised"``: with ``u`` the code over its length and ``P`` the others of a sample's class in the
            batch, the mean over samples of ``-mean_P log(exp(u·u_p/τ) / Σ_{a≠i} exp(u·u_a/τ))``. ``"triplet"``: the
            mean of ``softplus(d_p - d_n)``, or ``max(0, d_p - d_n + margin)``, with the distance to the farthest of its
            class in the batch and to the nearest of another (batch-hard). ``"self"`` needs no classes: the supervised
            loss of two views of each sample, made by ``corruption`` of a row's columns, and of series and pictures by
            what ``neuroloom.nets._layers.augmentation`` knows (shift, scale and noise; affine, cutout and noise).
        temperature: ``τ``, above 0.
        margin: of the triplet loss, at least 0; None takes the soft one.
        corruption: share of a row's columns that a view takes from other rows of the batch, in (0, 1).
        batch_size: at most so many samples a step; more of them give more to compare with.

    Attributes:
        weights_: name → array; ``history_``; ``best_epoch_``; ``n_parameters_``; ``origin_`` and ``scale_`` of each
            column or channel.

    Raises:
        InputError: a parameter is out of range, or there is no ``y`` though the loss needs one.

    Source: Khosla et al. (2020), equation 2; Hermans et al. (2017), equation 5; Chen et al. (2020); Bahri et al.
    (2022).

    Differences:
        There is no projection head that is thrown away. Where ``y`` are numbers, the classes are fifths of them, by
        size.
    """

    _: KW_ONLY
    loss: str = "supervised"
    temperature: float = 0.1
    margin: float | None = None
    corruption: float = 0.6
    batch_size: int = 128
    weight_decay: float = 1e-2

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self.loss != "self"
        return tags

    def _build(self) -> torch.nn.Module:
        check_choice("loss", self.loss, LOSSES)
        check_float("temperature", self.temperature, 0, open_low=True)
        if self.margin is not None:
            check_float("margin", self.margin, 0)
        check_float("corruption", self.corruption, 0, 1, open_low=True, open_high=True)
        return super()._build()

    def _read_target(self, y: Any, n: int) -> NDArray[np.int64] | None:
        from sklearn.utils.multiclass import type_of_target

        check_choice("loss", self.loss, LOSSES)
        if self.loss == "self":
            return None
        if y is None:
            raise InputError(
                f"loss {self.loss!r} requires y to be passed, but the target y is None; pass it, or loss='self'."
            )
        labels = np.asarray(y)
        check_lengths(range(n), labels)
        if labels.ndim != 1:
            raise InputError(f"expected one label a sample, (n,), but got `y` of shape {labels.shape}.")
        if type_of_target(labels).startswith("continuous"):
            edges = np.unique(np.quantile(labels.astype(np.float64), np.linspace(0, 1, _BINS + 1)[1:-1]))
            return np.searchsorted(edges, labels.astype(np.float64)).astype(np.int64)
        return np.unique(labels, return_inverse=True)[1].astype(np.int64)

    def _batch_loss(self, network: Any, x: torch.Tensor, target: torch.Tensor | None = None) -> torch.Tensor:
        import torch

        if target is None:
            codes = torch.cat([network.encoder(self._view(x)) for _ in range(2)])
            return contrast(codes, torch.arange(len(x), device=x.device).repeat(2), self.temperature)
        codes = network.encoder(x)
        if self.loss == "triplet":
            return hardest_triplets(codes, target, self.margin)
        return contrast(codes, target, self.temperature)

    def _view(self, x: torch.Tensor) -> torch.Tensor:
        """Return the samples, each changed at random."""
        import torch

        from neuroloom.nets._layers.augmentation import CHANGES

        for name in _VIEWS[x.ndim - 1]:
            x = CHANGES[name](x)
        if x.ndim == 2:
            others = x.gather(0, torch.rand_like(x).argsort(0))
            x = torch.where(torch.rand_like(x) < self.corruption, others, x)
        return x

    def _held_error(self, network: Any, held: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        import torch

        device = next(network.parameters()).device
        parts = held.split(AT_ONCE)
        known = [None] * len(parts) if target is None else target.split(AT_ONCE)
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(0)  # the same views each time
            losses = [
                self._batch_loss(network, part.to(device), None if t is None else t.to(device))
                for part, t in zip(parts, known, strict=True)
            ]
        return torch.stack(losses).double().mean()


def contrast(codes: torch.Tensor, labels: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return the supervised contrastive loss of codes ``(b, k)``; samples alone in their class do not count.

    Source: Khosla et al. (2020), equation 2 (the sum over positives outside the logarithm).
    """
    import torch
    from torch.nn import functional

    u = functional.normalize(codes, dim=1)
    itself = torch.eye(len(u), dtype=torch.bool, device=u.device)
    logits = (u @ u.T / temperature).masked_fill(itself, -torch.inf)
    log_p = (logits - logits.logsumexp(1, keepdim=True)).masked_fill(itself, 0.0)
    alike = (labels[:, None] == labels) & ~itself
    count = alike.sum(1)
    each = -(log_p * alike).sum(1) / count.clamp(min=1)
    return each.sum() / (count > 0).sum().clamp(min=1)


def hardest_triplets(codes: torch.Tensor, labels: torch.Tensor, margin: float | None) -> torch.Tensor:
    """Return the batch-hard triplet loss of codes ``(b, k)``; samples without a like or an unlike one do not count.

    Source: Hermans et al. (2017), equation 5, and the soft margin of their section 3.
    """
    import torch
    from torch.nn import functional

    squares = (codes.square().sum(1)[:, None] + codes.square().sum(1) - 2 * codes @ codes.T).clamp(min=0)
    distance = torch.sqrt(squares + 1e-12)
    alike = labels[:, None] == labels
    itself = torch.eye(len(codes), dtype=torch.bool, device=codes.device)
    far = distance.masked_fill(~alike | itself, -torch.inf).max(1).values
    near = distance.masked_fill(alike, torch.inf).min(1).values
    usable = torch.isfinite(far) & torch.isfinite(near)
    gap = torch.where(usable, far - near, torch.zeros_like(far))
    each = functional.softplus(gap) if margin is None else (gap + margin).clamp(min=0)
    return (each * usable).sum() / usable.sum().clamp(min=1)
