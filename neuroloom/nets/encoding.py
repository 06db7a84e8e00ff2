"""What the nets share that turn a row, a series or a picture into few numbers: the encoder, the fit, the code.

A model is a dataclass over :class:`EncodingNetwork`, one a file; what it says is its network and its loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from neuroloom.core.answers import some
from neuroloom.core.checks import check_choice, check_float, check_int, check_lengths
from neuroloom.core.errors import InputError
from neuroloom.core.seeding import as_seed, stream
from neuroloom.nets.unlabelled import AT_ONCE, Floats, UnlabelledNetwork

if TYPE_CHECKING:
    import torch

    from neuroloom.nets._layers.coders import Plan

MOST_STEPS = 64  # that a recurrent coder reads where patch is "auto"


@dataclass(eq=False, repr=False)
class EncodingNetwork(ClassNamePrefixFeaturesOutMixin, TransformerMixin, UnlabelledNetwork):  # type: ignore[misc]
    """Base of the nets that encode rows of a table, series and pictures.

    Args:
        code: numbers in the code, at least 1; ``"auto"``: a quarter of a sample's, from 2 to 32.
        hidden: units of each hidden layer of a dense coder, each at least 1; ``()`` makes it linear. A decoder, where
            there is one, is the mirror image.
        form: ``"dense"``, ``"conv"``, ``"recurrent"`` (series), or ``"auto"``: dense for tables, convolutional for
            series and pictures.
        filters: of each convolution, each at half the size of the one before; None takes (32, 64) of pictures and
            (16, 32, 64) of series.
        kernel: length of the kernels, at least 1; None takes 3 of pictures, 7 of series.
        units: of a recurrent coder's state, at least 1.
        patch: values of a series that a recurrent coder reads in one step; ``"auto"``: so many that it takes at most
            64.
        activation: of hidden layers: ``celu``, ``elu``, ``gelu``, ``hard-sigmoid``, ``hard-swish``, ``identity``,
            ``leaky-relu``, ``mish``, ``relu``, ``selu``, ``sigmoid``, ``silu``, ``softplus``, ``softsign`` or ``tanh``.
        early_stopping: whether to hold out samples to stop on when there is no ``eval_set``.
        patience: epochs without a smaller error on the held-out samples after which training stops, at least 1.
        validation_fraction: share of the samples held out for early stopping, in (0, 1).
    """

    code: int | str = "auto"
    hidden: Sequence[int] | int = (128, 64)
    form: str = "auto"
    filters: Sequence[int] | int | None = None
    kernel: int | None = None
    units: int = 64
    patch: int | str = "auto"
    activation: str = "silu"
    early_stopping: bool = False
    patience: int = 50
    validation_fraction: float = 0.2

    # -- what a model says ------------------------------------------------------------------------------------

    def _loss(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """Return the training loss of scaled samples ``x (b, *shape)``, a scalar."""
        raise NotImplementedError

    def _batch_loss(self, network: Any, x: torch.Tensor, target: torch.Tensor | None = None) -> torch.Tensor:
        """Return the training loss of samples of which ``target`` is known, as ``_read_target`` gave it."""
        return self._loss(network, x)

    def _read_target(self, y: Any, n: int) -> NDArray[Any] | None:
        """Return what the loss needs to know of each of ``n`` samples beside itself; None: nothing."""
        if y is not None:
            check_lengths(range(n), np.asarray(y))
        return None

    def _prepare(self, network: Any, x: torch.Tensor) -> None:
        """Make the new network ready for its training on the scaled samples ``x``."""

    def _steps(self) -> int:
        return 2000 if self._plan().form == "dense" else 1000

    def _rate_scale(self) -> dict[str, float] | None:
        """Return factors on the learning rate by parameter name."""
        return None

    def _encode(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """Return the code of scaled samples, ``(b, numbers)``."""
        found: torch.Tensor = network.encoder(x)
        return found

    # -- parameters -------------------------------------------------------------------------------------------

    def _width(self) -> int:
        if isinstance(self.code, str):
            check_choice("code", self.code, ("auto",))
            return min(max(prod(self.shape_) // 4, 2), 32)
        return check_int("code", self.code)

    def _plan(self) -> Plan:
        from neuroloom.nets._dense_stack import ACTIVATION
        from neuroloom.nets._layers.coders import FORMS, Plan

        dims = len(self.shape_) - 1
        form = check_choice("form", self.form, (*FORMS, "auto"))
        if form == "auto":
            form = "conv" if dims else "dense"
        if (form == "conv" and not dims) or (form == "recurrent" and dims != 1):
            takes = "series" if form == "recurrent" else "series and pictures"
            raise InputError(
                f"form {form!r} is for {takes}; pass 'auto', or samples with a dimension for each axis."
            )
        filters = self.filters if self.filters is not None else ((16, 32, 64) if dims == 1 else (32, 64))
        kernel = self.kernel if self.kernel is not None else (7 if dims == 1 else 3)
        steps = self.shape_[-1]
        if isinstance(self.patch, str):
            check_choice("patch", self.patch, ("auto",))
        patch = -(-steps // MOST_STEPS) if isinstance(self.patch, str) else check_int("patch", self.patch)
        check_choice("activation", self.activation, sorted(set(ACTIVATION) - {"prelu"}))
        if form == "conv" and isinstance(filters, Sequence) and not filters:
            raise InputError("`filters` must name one convolution at least; pass form='dense' for none.")
        return Plan(
            form, self.shape_, whole_numbers("hidden", self.hidden),
            whole_numbers("filters", filters), check_int("kernel", kernel),
            check_int("units", self.units), patch, self.activation,
        )  # fmt: skip

    def _build(self) -> torch.nn.Module:
        from torch import nn

        from neuroloom.nets._layers.coders import encoder

        network = nn.Module()
        network.encoder = encoder(self._plan(), self._width())
        return network

    # -- fit --------------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None, eval_set: tuple[Any, Any] | None = None) -> Self:
        """Learn from samples.

        Args:
            X: ``(n, features)`` rows, ``(n, channels, length)`` series or ``(n, channels, height, width)`` pictures.
            y: not used.
            eval_set: ``(X_val, anything)`` to choose the epoch by and to stop early on.

        Raises:
            InputError: a parameter is out of range, or the samples are not usable.
        """
        values = self._learn_shape(X)
        target = self._read_target(y, len(values))
        check_int("patience", self.patience)
        check_float("validation_fraction", self.validation_fraction, 0, 1, open_low=True, open_high=True)
        held = wanted = None
        if eval_set is not None:
            held = self._read(eval_set[0])
            wanted = self._read_target(eval_set[1], len(held))
        elif self.early_stopping:
            chosen = some(
                len(values), self.validation_fraction, stream(as_seed(self.random_state), "held out")
            )
            if not chosen.all():
                held, values = values[chosen], values[~chosen]
                if target is not None:
                    wanted, target = target[chosen], target[~chosen]
        valid = None
        if held is not None:
            import torch

            apart = torch.from_numpy(held.astype(np.float32))
            known = None if wanted is None else torch.from_numpy(wanted)

            def valid(network: Any) -> torch.Tensor:
                return -self._held_error(network, apart, known)

        self._fit_network(
            self._batch_loss,
            values,
            valid,
            None if valid is None else self.patience,
            self._rate_scale(),
            target=target,
            prepare=self._prepare,
        )
        self._learn_more(values)
        return self

    def _learn_more(self, values: Floats) -> None:
        """Take over what the fitted network tells of the scaled training samples."""

    def _held_error(self, network: Any, held: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        """Return what validation minimises over scaled samples, a scalar: the mean of ``_each_loss``."""
        import torch

        device = next(network.parameters()).device
        parts = [self._each_loss(network, part.to(device)) for part in held.split(AT_ONCE)]
        return torch.cat(parts).double().mean()

    def _each_loss(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """Return what validation minimises, for each of the scaled samples ``x``."""
        raise NotImplementedError

    # -- answers ----------------------------------------------------------------------------------------------

    def transform(self, X: Any) -> Floats:
        """Return the code of each sample, ``(n, code)``."""
        return self._map(self._encode, self._read(X))

    @property
    def _n_features_out(self) -> int:
        return self._width()


def whole_numbers(name: str, values: Sequence[int] | int) -> tuple[int, ...]:
    """Return one or several whole numbers of at least 1, as a tuple."""
    given = list(values) if isinstance(values, Sequence | np.ndarray) else [values]
    return tuple(check_int(name, value) for value in given)
