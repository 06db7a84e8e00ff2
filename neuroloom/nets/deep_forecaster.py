"""Role of the deep nets that forecast: windows of the history in, all steps ahead out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_choice, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.origins import OriginSet
from neuroloom.core.residuals import LearnedForecaster
from neuroloom.core.seeding import as_seed, derive
from neuroloom.nets.deep_roles import DeepTraining

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
LOSSES = ("absolute", "squared", "huber")
FEWEST_LAGS, MOST_LAGS = 16, 96  # of lags="auto"
FEWEST_LEARNED = 4  # origins that a member learns from, if others are held out


class _Steps:
    """All steps ahead at once."""

    def __init__(self, loss: str) -> None:
        self.loss = loss

    def _losses(self, target: NDArray[Any], device: torch.device) -> Callable[[Any, Any], torch.Tensor]:
        import torch
        from torch.nn import functional

        wanted = torch.as_tensor(target, device=device)
        of: dict[str, Any] = {
            "absolute": functional.l1_loss,
            "squared": functional.mse_loss,
            "huber": functional.huber_loss,
        }
        return lambda out, rows: of[self.loss](out, wanted if rows is None else wanted[rows])

    def _scores(self, target: NDArray[Any], device: torch.device) -> Callable[[Any], torch.Tensor]:
        losses = self._losses(target, device)
        return lambda out: -losses(out, None).double()


@dataclass(eq=False, repr=False, kw_only=True)
class DeepForecaster(LearnedForecaster, DeepTraining):
    """Role of a forecaster: one network answers all steps ahead.

    The level of each window, the mean of its last season (its last value without one), is taken from it and from its
    answers, and given back in the end; of a positive series whose swing grows with its level the logarithm is learned.
    Further channels are windows with their own levels taken out, variables known in advance windows up to the origin
    and windows up to the last step ahead. Intervals come from the errors at the latest origins, which a first fit does
    not see; the second learns from all.

    With ``early_stopping`` the origins are cut into blocks of about ``validation_fraction`` of them, one after the
    other in time. A member does not see a block of its own, nor origins less than a horizon from it (where the series
    is long enough for that), and keeps the weights of the epoch that answers the block best.

    Args:
        lags: values in a window, at least 1; ``"auto"``: two seasons, from 16 to 96, and at most a third of the series.
        log: ``"always"`` learns the logarithm of a positive series, ``"never"``; ``"auto"``, where its swing grows with
            its level.
        loss: ``"absolute"`` (answers are medians), ``"squared"`` (means) or ``"huber"``.
        calibration: share of the origins, the latest, whose errors give the intervals, in (0, 1).

    Attributes:
        lags_; log_: whether the logarithm is learned. spread_ and errors_: of the errors; ``weights_`` of each
            member, ``history_`` of the first; ``n_parameters_``.

    Raises:
        InputError: a parameter is out of range, or the series is too short.
    """

    lags: int | str = "auto"
    log: str = "auto"
    loss: str = "absolute"
    calibration: float = 0.25

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from origins ``X`` and the ``(n, horizon)`` values after each."""
        origins, values = self._learn_form(X, y)
        self._choose(origins, values)
        order = np.argsort(origins.origins, kind="stable")
        whole = order[origins.origins[order] >= self.lags_]
        rows = whole if len(whole) > 3 else order
        origins, values = origins[rows], values[rows]
        self.n_answers_ = self.horizon_
        seed = as_seed(self.random_state)
        self._learn_twice(origins, values, lambda some, wanted: self._learn(some, wanted, seed))
        return self

    def predict(self, X: Any) -> Floats:
        """Return ``(n, horizon)`` values; of several members, their mean."""
        origins = self._read_origins(X)
        inputs, levels = self._inputs(origins)
        return self._back(self._member_outputs(inputs).mean(axis=0), levels, self._base(inputs))

    # -- windows ------------------------------------------------------------------------------------------------

    def _choose(self, origins: OriginSet, values: Floats) -> None:
        check_choice("loss", self.loss, LOSSES)
        if len(origins) < 4:
            raise InputError(f"a deep forecaster needs at least 4 origins, but got {len(origins)}.")
        series, season = origins.seen(values), origins.season
        self._choose_log(series)
        if isinstance(self.lags, str):
            check_choice("lags", self.lags, ("auto",))
            wanted = min(max(2 * season, FEWEST_LAGS), MOST_LAGS)
            self.lags_ = max(1, min(wanted, (len(series) - self.horizon_) // 3))
        else:
            self.lags_ = check_int("lags", self.lags)

    def _inputs(self, origins: OriginSet) -> tuple[Floats, Floats]:
        """Return windows ``(n, channels, lags)`` without their levels, and the levels of the first, ``(n,)``."""
        windows = origins.windows(self.lags_)
        self._check_positive(windows[:, 0])
        if self.log_:
            windows[:, 0] = np.log(windows[:, 0])
        levels = self._level(windows)
        parts = [windows - levels[..., None]]
        if self.variables_:
            around = origins.outlook(self.lags_, self.horizon_)
            parts += [around[..., : self.lags_], around[..., -self.lags_ :]]
        return np.concatenate(parts, axis=1), levels[:, 0]

    def _back(self, answers: Floats, levels: Floats, base: Floats | float = 0.0) -> Floats:
        made: Floats = answers * self.size_ + base + levels[:, None]
        return np.exp(made) if self.log_ else made

    def _base(self, inputs: Floats) -> Floats | float:
        """Return ``(n, horizon)``: what answers beside the networks, without the level."""
        return 0.0

    def _level(self, windows: Floats) -> Floats:
        """Return ``(n, channels)``: the level of each window."""
        season = self.season_ if 1 < self.season_ <= self.lags_ else 1
        found: Floats = windows[..., -season:].mean(axis=2)
        return found

    # -- learning -----------------------------------------------------------------------------------------------

    def _learn(self, origins: OriginSet, values: Floats, seed: int) -> None:
        inputs, levels = self._inputs(origins)
        scaled = self._learn_shape(inputs)
        self._check_training()
        steps = (np.log(values) if self.log_ else values) - levels[:, None]
        everything = np.ones(len(steps), dtype=bool)
        self.size_ = float(np.sqrt((self._unanswered(scaled, steps, origins, everything) ** 2).mean())) or 1.0
        self.weights_: list[dict[str, NDArray[Any]]] = []
        self.history_: list[dict[str, float]] = []
        self.best_epochs_: list[int] = []
        for member in range(self.members):
            learned, held = self._parts(origins, member)
            target = self._unanswered(scaled, steps, origins, learned) / self.size_
            target = target.astype(np.float32)
            valid = (scaled[held], target[held]) if held.any() else None
            self._train(
                _Steps(self.loss), scaled[learned], target[learned], valid, derive(seed, "member", member)
            )

    def _unanswered(
        self, scaled: Floats32, steps: Floats, origins: OriginSet, learned: NDArray[np.bool_]
    ) -> Floats:
        """Return ``(n, horizon)``: what of the steps ahead is left to the network that sees the ``learned`` rows."""
        return steps

    def _parts(self, origins: OriginSet, member: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return which of the rising origins a member learns from, and which choose its epoch."""
        n, held = len(origins), np.zeros(len(origins), dtype=bool)
        if not self.early_stopping:
            return ~held, held
        blocks = np.array_split(np.arange(n), min(max(2, round(1 / self.validation_fraction)), n))
        block = blocks[member % len(blocks)]
        for gap in (self.horizon_, 1):  # a short series leaves no room for a gap
            learned = ~around(origins.origins, block, gap)
            if learned.sum() >= FEWEST_LEARNED:
                held[block] = True
                return learned, held
        return ~held, held


def around(origins: NDArray[np.int64], block: NDArray[np.int64], gap: int) -> NDArray[np.bool_]:
    """Return which of the rising origins lie in a block of them (rows) or less than ``gap`` steps from it.

    With a gap of the horizon no answer of the others shares a value with the block's (h-block cross-validation: Burman,
    Chow and Nolan 1994).
    """
    first, last = origins[block[0]], origins[block[-1]]
    found: NDArray[np.bool_] = (origins > first - gap) & (origins < last + gap)
    return found
