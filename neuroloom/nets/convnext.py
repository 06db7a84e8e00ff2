"""ConvNeXt: Liu, Mao, Wu, Feichtenhofer, Darrell and Xie (2022), A ConvNet for the 2020s."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.nets.deep_network import DeepNetwork
from neuroloom.nets.deep_roles import DeepClassifier, DeepFeatures, DeepRegressor

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False)
class ConvNeXt(DeepNetwork):
    """ConvNeXt of pictures and series: wide depthwise kernels and a dense network at each place, with shortcuts.

    Patches that do not overlap are mapped to the first stage's channels; between stages a convolution of 2 steps halves
    the size; each is followed or led by a layer norm over the channels, and the mean over all places ends it. The
    paper's ConvNeXt-T has ``filters=(96, 192, 384, 768)``, ``blocks=(3, 3, 9, 3)``, ``patch=4``, ``layer_scale=1e-6``
    and ``drop_path=0.1``: 28,589,128 parameters with a head of 1,000 classes on three channels.

    Series may end in NaN, in all channels: what is padded is not read.

    Args:
        filters: channels of each stage, each at least 1.
        blocks: in each stage, each at least 1; as many as there are ``filters``.
        patch: side of the first patches, at least 1; ``"auto"``: 4 from 64 steps a side on, 2 from 16, else 1.
        kernel: side of the depthwise kernels, at least 1.
        layer_scale: where the factor of each block's channels begins, at least 0.
        drop_path: share of the samples that pass the last block by in training, in [0, 1); earlier blocks have less, in
            proportion to their place.

    Attributes:
        weights_: for each member name → array; ``history_`` of the first member; ``n_parameters_``.

    Raises:
        InputError: a parameter is out of range, or ``filters`` and ``blocks`` differ in number.

    Differences: three stages, patches of 1 on small pictures and a layer scale of 0.1, for a few hundred steps of
    training instead of hundreds of thousands.

    Source: Liu et al. (2022), section 2 and appendix A; Huang et al. (2016) for stochastic depth.
    """

    filters: tuple[int, ...] = (32, 64, 128)
    blocks: tuple[int, ...] = (2, 2, 2)
    patch: int | str = "auto"
    kernel: int = 7
    layer_scale: float = 0.1
    drop_path: float = 0.0
    _: KW_ONLY
    learning_rate: float = 0.003

    takes_padding: ClassVar[bool] = True

    def _encoder(self, shape: tuple[int, ...]) -> torch.nn.Module:
        from torch import nn

        from neuroloom.nets._layers.convnext import ChannelNorm, ConvNeXtBlock
        from neuroloom.nets._layers.convolution import GlobalPool, SameConv
        from neuroloom.nets._layers.padded import padded_or_not

        dims, kernel = len(shape) - 1, check_int("kernel", self.kernel)
        filters = [check_int("filters", f) for f in self.filters]
        blocks = [check_int("blocks", b) for b in self.blocks]
        if not filters or len(filters) != len(blocks):
            raise InputError(
                f"`filters` and `blocks` must have one number a stage, but got {len(filters)} and {len(blocks)}."
            )
        scale = check_float("layer_scale", self.layer_scale, 0)
        drop = check_float("drop_path", self.drop_path, 0, 1, open_high=True)
        if isinstance(self.patch, str):
            check_choice("patch", self.patch, ("auto",))
            smallest = min(shape[1:])
            patch = 4 if smallest >= 64 else 2 if smallest >= 16 else 1
        else:
            patch = check_int("patch", self.patch)
        width = filters[0]
        layers: list[nn.Module] = [SameConv(dims, shape[0], width, patch, stride=patch), ChannelNorm(width)]
        done, last = 0, max(sum(blocks) - 1, 1)
        for stage, (wide, depth) in enumerate(zip(filters, blocks, strict=True)):
            if stage:
                layers += [ChannelNorm(width), SameConv(dims, width, wide, 2, stride=2)]
                width = wide
            for _ in range(depth):
                layers.append(ConvNeXtBlock(dims, width, kernel, scale, drop * done / last))
                done += 1
        return padded_or_not(dims, *layers, GlobalPool(), nn.LayerNorm(width, eps=1e-6), width=width)


@dataclass(eq=False, repr=False)
class ConvNeXtClassifier(DeepClassifier, ConvNeXt):
    """Classifier of pictures or series by a ConvNeXt (:class:`ConvNeXt`)."""


@dataclass(eq=False, repr=False)
class ConvNeXtRegressor(DeepRegressor, ConvNeXt):
    """Regressor of pictures or series by a ConvNeXt (:class:`ConvNeXt`)."""


@dataclass(eq=False, repr=False)
class ConvNeXtFeatures(DeepFeatures, ConvNeXt):
    """Features of pictures or series from the last hidden layer of a ConvNeXt (:class:`ConvNeXt`)."""
