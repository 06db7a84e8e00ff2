"""Transfer: a net that has learned elsewhere learns on.

Yosinski, Clune, Bengio and Lipson (2014), How transferable are features in deep neural networks?; Howard and Ruder
(2018), Universal language model fine-tuning for text classification (discriminative rates).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.nets.deep_network import DeepNetwork
from neuroloom.nets.deep_roles import DeepClassifier, DeepFeatures, DeepRegressor

if TYPE_CHECKING:
    import torch

LIBRARIES = ("timm", "torchvision")


@dataclass(eq=False, repr=False)
class Transfer(DeepNetwork):
    """A net taken over with its weights and a new head: fixed as a feature extractor, or fine-tuned, whole or in part.

    Args:
        base: what is taken over: a fitted deep net of this package, the folder of a saved one (in a config, on the
            command line and through ``neuroloom.make``), or ``"timm:NAME"`` or ``"torchvision:NAME"``, a network of
            pictures with the weights that the library has for it, which fetches them where it has not got them yet.
        tune: ``"all"`` lets every weight learn on; ``"head"`` only the new head; a number lets that many of the last
            blocks learn and the head, at least 1. What is fixed keeps its batch statistics, too.
        keep: how many of the first blocks are taken over, at least 1; later ones begin anew, as first layers serve many
            purposes and last ones the purpose they were learned for (Yosinski et al.). None takes all.
        rate_decay: factor on the learning rate from each block to the one before it, in (0, 1]; the last block has it
            once, the head has the full rate. Howard and Ruder took 1 / 2.6.
        size: pixels a side that pictures are resampled to for a library's network, at least 1; None takes what its
            weights were learned at, or leaves the pictures as they are where that is not told.

    Attributes:
        weights_: for each member name → array; ``history_`` of the first member; ``n_parameters_`` those that learned.
        blocks_: names of the base's blocks, in the order of a sample's way.

    Raises:
        InputError: a parameter is out of range, the base is not fitted, takes other samples or cannot be had.

    Differences: no gradual unfreezing; samples of a base of ours are scaled as it scaled its own.

    Source: Yosinski et al. (2014); Howard and Ruder (2018), section 3.2.
    """

    base: Any = None
    tune: str | int = "all"
    keep: int | None = None
    rate_decay: float = 0.8
    size: int | None = None
    _: KW_ONLY
    learning_rate: float = 0.005

    kinds: ClassVar[tuple[str, ...]] = ("series", "image", "tokens")
    takes_fitted: ClassVar[tuple[str, ...]] = ("base",)  # parameters that may name a saved model

    # -- the base -------------------------------------------------------------------------------------------

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; those of the base are its own affair."""
        found: dict[str, Any] = super().get_params(deep=False)
        return found

    def __sklearn_clone__(self) -> Self:
        """Return an unfitted copy that keeps the base fitted."""
        return type(self)(**self.get_params())

    def _library(self) -> tuple[str, str] | None:
        """Return library and name of the base; None for one of ours.

        Raises:
            InputError: the base is neither.
        """
        if isinstance(self.base, DeepNetwork):
            check_is_fitted(self.base)
            return None
        library, _, name = self.base.partition(":") if isinstance(self.base, str) else ("", "", "")
        if library in LIBRARIES and name:
            return library, name
        hint = (
            "; load the folder first: neuroloom.methods.saving.load_estimator(Path(folder))[0]"
            if isinstance(self.base, str)
            else ""
        )
        raise InputError(
            "`base` must be a fitted deep net, 'timm:NAME' or 'torchvision:NAME', but got "
            f"{self.base if isinstance(self.base, str | None) else type(self.base).__name__}{hint}."
        )

    def _learn_shape(self, X: Any) -> NDArray[Any]:
        self.base_: Any = None
        if self._library() is None:
            self.base_ = copy.copy(
                self.base
            )  # how it reads samples and what it is made of, without its weights
            del self.base_.weights_, self.base_.history_
        return super()._learn_shape(X)

    def _values(self, X: Any) -> NDArray[Any]:
        if self.base_ is not None:
            found: NDArray[Any] = self.base_._values(X)
            if found.shape[1] != self.base_.shape_[0]:
                raise InputError(
                    f"the base has learned from {self.base_.shape_[0]} channels, but got samples of shape "
                    f"{found.shape[1:]}."
                )
            return found
        found = super()._values(X)
        if found.ndim != 4 or found.shape[1] not in (1, 3):
            raise InputError(
                f"{self.base} takes pictures of 1 or 3 channels, but got samples of shape {found.shape[1:]}."
            )
        return found

    def _scaled(self, values: NDArray[Any]) -> NDArray[Any]:
        scaled: NDArray[Any] = super()._scaled(values) if self.base_ is None else self.base_._scaled(values)
        return scaled

    # -- the network ----------------------------------------------------------------------------------------

    def _encoder(self, shape: tuple[int, ...]) -> torch.nn.Module:
        from neuroloom.nets._layers.transferred import Transferred, blocks_of

        check_float("rate_decay", self.rate_decay, 0, 1, open_low=True)
        if self.base_ is not None:
            inner = self.base_._network(shape, self.base_.n_answers_).encoder
        else:
            inner = self._from_library(pretrained=False)
        self.blocks_ = [name for name, _ in blocks_of(inner)]
        if self.keep is not None:
            check_int("keep", self.keep, 1, len(self.blocks_))
        if isinstance(self.tune, str):
            check_choice("tune", self.tune, ("all", "head"))
            learning = len(self.blocks_) if self.tune == "all" else 0
        else:
            learning = check_int("tune", self.tune, 1, len(self.blocks_))
        return Transferred(inner, learning)

    def _from_library(self, pretrained: bool) -> torch.nn.Module:
        """Return the library's network without its head, with its weights or without."""
        from neuroloom.nets._layers.model_libraries import from_timm, from_torchvision

        found = self._library()
        assert found is not None
        size = None if self.size is None else check_int("size", self.size)
        return (from_timm if found[0] == "timm" else from_torchvision)(found[1], pretrained, size)

    def _take_over(self, network: torch.nn.Module, member: int) -> None:
        import torch

        inner = network.encoder.inner
        wanted = inner.state_dict()
        if self.base_ is None:
            state = dict(self._from_library(pretrained=True).state_dict())
        else:
            weights = self.base.weights_[member % len(self.base.weights_)]
            state = {
                name.removeprefix("encoder."): torch.from_numpy(np.array(value))
                for name, value in weights.items()
                if name.startswith("encoder.")
            }
        if self.keep is not None:
            anew = tuple(f"{block}." for block in self.blocks_[self.keep :])
            state |= {name: value for name, value in wanted.items() if name.startswith(anew)}
        for name, value in state.items():
            if wanted[name].shape != value.shape:
                raise InputError(
                    f"the base's weights {name} of shape {tuple(value.shape)} do not fit samples of shape "
                    f"{self.shape_}, since it has learned from {self.base_.shape_}; resample them to its size."
                )
        inner.load_state_dict(state)

    def _rates(self, network: torch.nn.Module) -> Mapping[str, float]:
        from neuroloom.nets._layers.transferred import blocks_of

        scales = {}
        for above, (block, module) in enumerate(reversed(blocks_of(network.encoder.inner))):
            for name, p in module.named_parameters():
                if p.requires_grad:
                    scales[f"encoder.inner.{block}.{name}"] = self.rate_decay ** (above + 1)
        known = {name for name, _ in network.named_parameters()}
        return {name: scale for name, scale in scales.items() if name in known}


@dataclass(eq=False, repr=False)
class TransferClassifier(DeepClassifier, Transfer):
    """Classifier from a net that has learned elsewhere (:class:`Transfer`)."""


@dataclass(eq=False, repr=False)
class TransferRegressor(DeepRegressor, Transfer):
    """Regressor from a net that has learned elsewhere (:class:`Transfer`)."""


@dataclass(eq=False, repr=False)
class TransferFeatures(DeepFeatures, Transfer):
    """Features from a net that has learned elsewhere and learns on (:class:`Transfer`)."""
