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
        return self._back(self._member_outputs(inputs).mean(axis=0), levels)

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
        season = self.season_ if 1 < self.season_ <= self.lags_ else 1
        levels = windows[..., -season:].mean(axis=2)
        parts = [windows - levels[..., None]]
        if self.variables_:
            around = origins.outlook(self.lags_, self.horizon_)
            parts += [around[..., : self.lags_], around[..., -self.lags_ :]]
        return np.concatenate(parts, axis=1), levels[:, 0]

    def _back(self, answers: Floats, levels: Floats) -> Floats:
        made: Floats = answers * self.size_ + levels[:, None]
        return np.exp(made) if self.log_ else made

    # -- learning -----------------------------------------------------------------------------------------------

    def _learn(self, origins: OriginSet, values: Floats, seed: int) -> None:
        inputs, levels = self._inputs(origins)
        scaled = self._learn_shape(inputs)
        self._check_training()
        steps = (np.log(values) if self.log_ else values) - levels[:, None]
        self.size_ = float(np.sqrt((steps**2).mean())) or 1.0
        target = (steps / self.size_).astype(np.float32)
        self.weights_: list[dict[str, NDArray[Any]]] = []
        self.history_: list[dict[str, float]] = []
        self.best_epochs_: list[int] = []
        for member in range(self.members):
            self._train(_Steps(self.loss), scaled, target, None, derive(seed, "member", member))
