"""Recurrent networks of series: plain, LSTM, GRU, MGU, SRU, QRNN and recurrent weighted average.

Elman (1990), Finding structure in time; Hochreiter and Schmidhuber (1997), Long short-term memory; Cho et al. (2014),
Learning phrase representations using RNN encoder-decoder for statistical machine translation; Zhou, Wu, Zhang and Zhou
(2016), Minimal gated unit for recurrent neural networks; Lei, Zhang, Wang, Dai and Artzi (2018), Simple recurrent units
for highly parallelizable recurrence; Bradbury, Merity, Xiong and Socher (2017), Quasi-recurrent neural networks;
Ostmeyer and Cowell (2019), Machine learning on sequential data using a recurrent weighted average.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.nets.deep_network import DeepNetwork
from neuroloom.nets.deep_roles import DeepClassifier, DeepFeatures, DeepRegressor

if TYPE_CHECKING:
    import torch

    from neuroloom.nets._layers.recurrent import CellMaker
    from neuroloom.nets._layers.recurrent_network import RecurrentStream

MOST_STEPS = 256  # that patch="auto" leaves


@dataclass(eq=False, repr=False)
class RecurrentNetwork(DeepNetwork):
    """What the recurrent networks share; ``cell`` names the unit.

    Series may end in NaN, in all channels: what is padded is not read.

    Args:
        units: numbers of the state, each way, at least 1.
        layers: how many lie one over the other, at least 1.
        bidirectional: ``"none"`` reads forwards; ``"concatenate"``, ``"sum"``, ``"average"`` or ``"product"`` reads
            both ways and puts them together so (Schuster and Paliwal 1997).
        pooling: what of all outputs answers: the ``"last"``, their ``"mean"``, ``"max"``, both (``"mean-max"``), or
            their ``"attention"``, a learned weighted mean.
        patch: neighbouring values that are read as one step, at least 1; ``"auto"``: as few as leave 256 steps.
        dropout: share of a layer's outputs left out in training, in [0, 1).
        recurrent_dropout: share of the state hidden from the gates in training, the same units at every step, in
            [0, 1) (Gal and Ghahramani 2016).
        layer_norm: whether gates are normalised over their units (Ba, Kiros and Hinton 2016).
        chrono: steps up to which units remember from the first on, each for a time of its own, at least 2 (Tallec and
            Ollivier 2018); None: all as long as a forget bias of 1 lets them. Not for ``rnn`` and ``rwa``.

    Attributes:
        weights_: for each member name → array; ``history_`` of the first member; ``n_parameters_``.

    Raises:
        InputError: a parameter is out of range.
        NotSupportedError: ``chrono`` is given, and no gate holds the state.
    """

    units: int = 64
    layers: int = 1
    bidirectional: str = "none"
    pooling: str = "mean-max"
    patch: int | str = "auto"
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    layer_norm: bool = False
    chrono: int | None = None
    _: KW_ONLY
    learning_rate: float = 0.005
    clip_norm: float | None = 1.0

    takes: ClassVar[tuple[int, ...]] = (1,)
    takes_padding: ClassVar[bool] = True
    cell: ClassVar[str] = "lstm"

    def _patch(self, length: int) -> int:
        if isinstance(self.patch, str):
            check_choice("patch", self.patch, ("auto",))
            return -(-length // MOST_STEPS)
        return check_int("patch", self.patch)

    def _unit(self, patch: int) -> tuple[str | CellMaker, int]:
        """Return the cell for patches of so many values, and the numbers of its state."""
        return self.cell, check_int("units", self.units)

    def _encoder(self, shape: tuple[int, ...]) -> torch.nn.Module:
        from neuroloom.nets._layers.pooling import POOLS
        from neuroloom.nets._layers.recurrent import MERGES
        from neuroloom.nets._layers.recurrent_network import RecurrentEncoder

        check_choice("bidirectional", self.bidirectional, ("none", *MERGES))
        check_choice("pooling", self.pooling, ("steps",) if self.per_step else POOLS)
        patch = self._patch(shape[1])
        cell, units = self._unit(patch)
        encoder = RecurrentEncoder(
            cell,
            shape[0],
            patch,
            units,
            check_int("layers", self.layers),
            None if self.bidirectional == "none" else self.bidirectional,
            self.pooling,
            check_float("dropout", self.dropout, 0, 1, open_high=True),
            check_float("recurrent_dropout", self.recurrent_dropout, 0, 1, open_high=True),
            bool(self.layer_norm),
        )
        if self.chrono is not None:
            encoder.remember(check_int("chrono", self.chrono, 2))
        return encoder

    def stream(self, member: int = 0) -> RecurrentStream:
        """Return a reader of one long stream that keeps its state from part to part.

        ``push(values)`` takes the next ``(channels, steps)`` values and gives the answers after each step, as raw as
        the network's head gives them: ``(steps, answers)``. They equal those of the whole stream at once.

        Args:
            member: which of the ensemble, from 0.

        Raises:
            NotSupportedError: the network reads backwards too, or pools by attention.
            InputError: it normalises each sample, reads patches, or has no such member.
        """
        from neuroloom.nets._layers.recurrent_network import RecurrentStream

        if self.bidirectional != "none" or self.pooling == "attention":
            raise NotSupportedError(
                f"a stream has no end to read back from; fit {type(self).__name__} with bidirectional='none' and a "
                "pooling other than 'attention'."
            )
        if self.normalize == "sample":
            raise InputError(
                "a stream is scaled before its end is known; fit with normalize='channel' or 'none'."
            )
        network = self.torch_module(member)
        if network.encoder.patch > 1:
            raise InputError(
                f"a stream is read step by step; fit with patch=1 (now {network.encoder.patch})."
            )
        return RecurrentStream(network, self._scaled)


@dataclass(eq=False, repr=False)
class RNN(RecurrentNetwork):
    """Plain recurrent network: ``h' = tanh(W x + U h + b)``.

    Parameters and attributes are those of :class:`RecurrentNetwork`.

    Source: Elman (1990), Finding structure in time.
    """

    cell: ClassVar[str] = "rnn"


@dataclass(eq=False, repr=False)
class LSTM(RecurrentNetwork):
    """Long short-term memory: gates decide what the cell forgets, takes in and shows; the forget bias begins at 1.

    Parameters and attributes are those of :class:`RecurrentNetwork`.

    Source: Hochreiter and Schmidhuber (1997), Long short-term memory; Gers, Schmidhuber and Cummins (2000), Learning to
    forget.
    """

    cell: ClassVar[str] = "lstm"


@dataclass(eq=False, repr=False)
class GRU(RecurrentNetwork):
    """Gated recurrent unit: a reset and an update gate, no cell beside the state.

    Parameters and attributes are those of :class:`RecurrentNetwork`.

    Source: Cho et al. (2014), Learning phrase representations using RNN encoder-decoder.
    """

    cell: ClassVar[str] = "gru"


@dataclass(eq=False, repr=False)
class MGU(RecurrentNetwork):
    """Minimal gated unit: one gate both forgets and updates, a third fewer weights than a GRU.

    Parameters and attributes are those of :class:`RecurrentNetwork`.

    Source: Zhou, Wu, Zhang and Zhou (2016), Minimal gated unit for recurrent neural networks, eqs. 6 to 8.
    """

    cell: ClassVar[str] = "mgu"


@dataclass(eq=False, repr=False)
class SRU(RecurrentNetwork):
    """Simple recurrent unit: gates see the input and the state unit by unit, so that no step waits for a product.

    Parameters and attributes are those of :class:`RecurrentNetwork`.

    Source: Lei, Zhang, Wang, Dai and Artzi (2018), Simple recurrent units for highly parallelizable recurrence.
    """

    layers: int = 2

    cell: ClassVar[str] = "sru"


@dataclass(eq=False, repr=False)
class QRNN(RecurrentNetwork):
    """Quasi-recurrent network: convolutions over two steps give the gates of a cheap recurrence (fo-pooling).

    Parameters and attributes are those of :class:`RecurrentNetwork`.

    Source: Bradbury, Merity, Xiong and Socher (2017), Quasi-recurrent neural networks, eqs. 3 and 5.
    """

    layers: int = 2

    cell: ClassVar[str] = "qrnn"


@dataclass(eq=False, repr=False)
class RWA(RecurrentNetwork):
    """Recurrent weighted average: the state is an attention-weighted mean of all steps so far.

    Parameters and attributes are those of :class:`RecurrentNetwork`.

    Source: Ostmeyer and Cowell (2019), Machine learning on sequential data using a recurrent weighted average.
    """

    cell: ClassVar[str] = "rwa"


@dataclass(eq=False, repr=False)
class RNNClassifier(DeepClassifier, RNN):
    """Classifier of series by a plain recurrent network (:class:`RNN`)."""


@dataclass(eq=False, repr=False)
class RNNRegressor(DeepRegressor, RNN):
    """Regressor of series by a plain recurrent network (:class:`RNN`)."""


@dataclass(eq=False, repr=False)
class RNNFeatures(DeepFeatures, RNN):
    """Features of series from the pooled outputs of a plain recurrent network (:class:`RNN`)."""


@dataclass(eq=False, repr=False)
class LSTMClassifier(DeepClassifier, LSTM):
    """Classifier of series by a long short-term memory network (:class:`LSTM`)."""


@dataclass(eq=False, repr=False)
class LSTMRegressor(DeepRegressor, LSTM):
    """Regressor of series by a long short-term memory network (:class:`LSTM`)."""


@dataclass(eq=False, repr=False)
class LSTMFeatures(DeepFeatures, LSTM):
    """Features of series from the pooled outputs of a long short-term memory network (:class:`LSTM`)."""


@dataclass(eq=False, repr=False)
class GRUClassifier(DeepClassifier, GRU):
    """Classifier of series by a gated recurrent unit network (:class:`GRU`)."""


@dataclass(eq=False, repr=False)
class GRURegressor(DeepRegressor, GRU):
    """Regressor of series by a gated recurrent unit network (:class:`GRU`)."""


@dataclass(eq=False, repr=False)
class GRUFeatures(DeepFeatures, GRU):
    """Features of series from the pooled outputs of a gated recurrent unit network (:class:`GRU`)."""


@dataclass(eq=False, repr=False)
class MGUClassifier(DeepClassifier, MGU):
    """Classifier of series by a minimal gated unit network (:class:`MGU`)."""


@dataclass(eq=False, repr=False)
class MGURegressor(DeepRegressor, MGU):
    """Regressor of series by a minimal gated unit network (:class:`MGU`)."""


@dataclass(eq=False, repr=False)
class MGUFeatures(DeepFeatures, MGU):
    """Features of series from the pooled outputs of a minimal gated unit network (:class:`MGU`)."""


@dataclass(eq=False, repr=False)
class SRUClassifier(DeepClassifier, SRU):
    """Classifier of series by a simple recurrent unit network (:class:`SRU`)."""


@dataclass(eq=False, repr=False)
class SRURegressor(DeepRegressor, SRU):
    """Regressor of series by a simple recurrent unit network (:class:`SRU`)."""


@dataclass(eq=False, repr=False)
class SRUFeatures(DeepFeatures, SRU):
    """Features of series from the pooled outputs of a simple recurrent unit network (:class:`SRU`)."""


@dataclass(eq=False, repr=False)
class QRNNClassifier(DeepClassifier, QRNN):
    """Classifier of series by a quasi-recurrent network (:class:`QRNN`)."""


@dataclass(eq=False, repr=False)
class QRNNRegressor(DeepRegressor, QRNN):
    """Regressor of series by a quasi-recurrent network (:class:`QRNN`)."""


@dataclass(eq=False, repr=False)
class QRNNFeatures(DeepFeatures, QRNN):
    """Features of series from the pooled outputs of a quasi-recurrent network (:class:`QRNN`)."""


@dataclass(eq=False, repr=False)
class RWAClassifier(DeepClassifier, RWA):
    """Classifier of series by a recurrent weighted average network (:class:`RWA`)."""


@dataclass(eq=False, repr=False)
class RWARegressor(DeepRegressor, RWA):
    """Regressor of series by a recurrent weighted average network (:class:`RWA`)."""


@dataclass(eq=False, repr=False)
class RWAFeatures(DeepFeatures, RWA):
    """Features of series from the pooled outputs of a recurrent weighted average network (:class:`RWA`)."""
