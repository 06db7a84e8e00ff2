"""What the dense networks for classes and for numbers share: checks, held-out folds, grouping of jobs, the record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.fitting import Job
from neuroloom.core.seeding import as_seed, derive, stream
from neuroloom.core.training import OPTIMIZERS, SCHEDULES, TrainConfig
from neuroloom.nets._scaling import Encoding, robust_scale, smooth_clip

if TYPE_CHECKING:
    from neuroloom.nets._mlp_fit import Fitted, Member, Plan, Sample

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ACTIVATIONS = ("elu", "gelu", "leaky-relu", "mish", "relu", "selu", "sigmoid", "silu", "tanh")
DTYPES = ("float32", "float64")
_FEWEST = 20  # samples under which nothing is held out


class Prepared(NamedTuple):
    """A job made ready: its samples, its members, the rows held out for each, and what its stack must share."""

    estimator: Any
    sample: Sample
    members: list[Member]
    key: tuple[Any, ...]


class DenseNetworks(BaseEstimator):  # type: ignore[misc]
    """What classifier and regressor share: checks, held-out folds, the grouping of jobs, the record."""

    hidden: Sequence[int] | int
    members: int
    bins: int
    activation: str
    dropout: float
    label_smoothing: float = 0.0
    optimizer: str
    learning_rate: float
    weight_decay: float
    schedule: str
    epochs: int
    batch_size: int | str
    early_stopping: bool
    validation_fraction: float
    patience: int
    dtype: str
    device: str
    random_state: Any

    def fit(self, X: Any, y: Any, eval_set: tuple[Any, Any] | None = None) -> Self:
        """Fit on ``X (n, features)`` and ``y (n,)``.

        Args:
            X: samples.
            y: targets.
            eval_set: ``(X_val, y_val)`` to stop early on; every member then learns from all of ``X``.
        """
        self.fit_many([Job(self, X, y, eval_set)])
        return self

    @staticmethod
    def fit_many(jobs: Sequence[Job]) -> list[Any]:
        """Fit many estimators at once and return them in order.

        Jobs may differ in everything; those that agree in architecture, number of features and outputs and in every
        parameter that is not a number of the update (learning rate, weight decay, dropout, label smoothing,
        random_state) become one stack. Nothing of a job's result depends on the jobs beside it.

        Raises:
            InputError: a job's parameters or data are not usable, or one estimator stands in two jobs.
        """
        if len({id(job.estimator) for job in jobs}) < len(jobs):
            raise InputError("every job needs an estimator of its own; pass sklearn.base.clone(estimator).")
        from neuroloom.nets._mlp_fit import fit_members

        ready = [job.estimator._prepare(job.X, job.y, job.eval_set) for job in jobs]
        groups: dict[Any, list[Prepared]] = defaultdict(list)
        for job in ready:
            groups[job.key].append(job)
        for group in groups.values():
            members = [m._replace(sample=i) for i, job in enumerate(group) for m in job.members]
            fitted = fit_members(
                [job.sample for job in group], members, group[0].estimator._plan(group[0].key[2])
            )
            for job in group:
                count = len(job.members)
                job.estimator._adopt(job, fitted[:count])
                fitted = fitted[count:]
        return [job.estimator for job in jobs]

    # -- before the fit -----------------------------------------------------------------------------------

    def _check(self) -> None:
        self._widths()
        check_int("members", self.members)
        check_int("bins", self.bins, low=0)
        check_choice("activation", self.activation, ACTIVATIONS)
        check_float("dropout", self.dropout, 0, 1, open_high=True)
        check_float("label_smoothing", self.label_smoothing, 0, 1, open_high=True)
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_float("learning_rate", self.learning_rate, 0, open_low=True)
        check_float("weight_decay", self.weight_decay, 0)
        check_choice("schedule", self.schedule, SCHEDULES)
        check_int("epochs", self.epochs)
        if self.batch_size != "auto":
            check_int("batch_size", self.batch_size)
        check_float("validation_fraction", self.validation_fraction, 0, 0.5, open_low=True)
        check_int("patience", self.patience)
        check_choice("dtype", self.dtype, DTYPES)

    def _widths(self) -> tuple[int, ...]:
        widths = list(self.hidden) if isinstance(self.hidden, Sequence | np.ndarray) else [self.hidden]
        return tuple(check_int("hidden", width, 1, 8192) for width in widths)

    def _scaled(self, X: Floats) -> Floats:
        return Encoding(**self.encoding_)(smooth_clip(X, self.median_, self.inverse_spread_))

    def _members(self, n: int, n_eval: int, strata: Ints) -> list[Member]:
        """Return the members' rows: all of them with an ``eval_set``, else all but a held-out fold each."""
        from neuroloom.nets._mlp_fit import Member

        seed = as_seed(self.random_state)
        folds = max(2, round(1 / self.validation_fraction))
        rows, made = np.arange(n), []
        hold = self.early_stopping and not n_eval and n >= _FEWEST
        for m in range(self.members):
            learned, held_out = rows, np.arange(n, n + n_eval)
            if hold:
                mine = deal_folds(strata, folds, derive(seed, "folds", m // folds)) == m % folds
                learned, held_out = rows[~mine], rows[mine]
            made.append(Member(0, learned, held_out, derive(seed, "member", m), float(self.learning_rate),
                               float(self.weight_decay), float(self.dropout), float(self.label_smoothing)))  # fmt: skip
        return made

    def _ready(
        self,
        X: Floats,
        target: NDArray[Any],
        prior: Floats,
        strata: Ints,
        evaluation: tuple[Floats, Any] | None,
    ) -> Prepared:
        from neuroloom.nets._mlp_fit import Sample

        self.median_, self.inverse_spread_ = robust_scale(X)
        self.encoding_ = vars(Encoding.of(smooth_clip(X, self.median_, self.inverse_spread_), self.bins))
        members = self._members(len(X), 0 if evaluation is None else len(evaluation[0]), strata)
        inputs = self._scaled(X)
        if evaluation is not None:
            inputs = np.vstack([inputs, self._scaled(evaluation[0])])
            target = np.concatenate([target, evaluation[1]])
        names = ("activation", "optimizer", "schedule", "epochs", "patience", "dtype", "device")
        static = tuple(getattr(self, name) for name in names)
        key = (static, self._widths(), self._batch_size(len(X)), inputs.shape[1], len(prior), target.ndim)
        return Prepared(self, Sample(inputs, target, prior), members, key)

    def _batch_size(self, n: int) -> int:
        if self.batch_size != "auto":
            return int(self.batch_size)
        return 64 if n < 4000 else 128 if n < 16000 else 256

    def _plan(self, batch_size: int) -> Plan:
        from neuroloom.nets._mlp_fit import Plan

        def config(rates: list[float], decays: list[float], stops: bool) -> TrainConfig:
            return TrainConfig(self.epochs, batch_size, self.optimizer, rates, decays, schedule=self.schedule,
                               patience=self.patience if stops else None)  # fmt: skip

        return Plan(self._widths(), self.activation, self.dtype, self.device, config, batch_size)

    # -- after it -----------------------------------------------------------------------------------------

    def _adopt(self, job: Prepared, fitted: Sequence[Fitted]) -> None:
        """Take over what was learned."""
        self.weights_ = {name: np.stack([f.weights[name] for f in fitted]) for name in fitted[0].weights}
        self.n_parameters_ = sum(w.size for w in self.weights_.values())
        self.best_epochs_ = [f.kept for f in fitted]
        self.history_ = _mean_history([f.history for f in fitted])

    def _outputs(self, Z: Floats) -> Floats:
        """Return ``(members, n, outputs)`` for scaled inputs ``Z (n, features)``."""
        from neuroloom.nets._mlp_fit import outputs

        return outputs(self.weights_, self.activation, Z, self.dtype, self.device)

    def _answers(self, X: Any) -> Floats:
        check_is_fitted(self)
        return self._outputs(self._scaled(validate_data(self, X, dtype=np.float64, reset=False)))


def deal_folds(strata: Ints, folds: int, seed: int) -> Ints:
    """Return each sample's fold, ``(n,)``: the samples of a stratum, shuffled, are dealt out one after the other."""
    order = stream(seed, "folds").permutation(len(strata))
    order = order[np.argsort(strata[order], kind="stable")]
    found = np.empty(len(strata), dtype=np.int64)
    found[order] = np.arange(len(strata)) % folds
    return found


def _mean_history(histories: Sequence[Sequence[dict[str, float]]]) -> list[dict[str, float]]:
    """Return one record an epoch, means over the members still training; ``valid_loss`` is minus the score."""
    merged: list[dict[str, float]] = []
    for epoch in range(max(len(h) for h in histories)):
        records = [h[epoch] for h in histories if len(h) > epoch]
        record = {"step": epoch + 1, "seconds": max(r["seconds"] for r in records),
                  "loss": float(np.mean([r["loss"] for r in records]))}  # fmt: skip
        if "score" in records[0]:
            record["valid_loss"] = -float(np.mean([r["score"] for r in records]))
        merged.append(record)
    return merged
