"""What the dense networks for classes and for numbers share: checks, held-out folds, grouping of jobs, the record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.fitting import Job
from neuroloom.core.seeding import as_seed, derive, stream
from neuroloom.core.training import OPTIMIZERS, SCHEDULES, TrainConfig, training_options
from neuroloom.nets._dense_init import INITIALISATIONS
from neuroloom.nets._scaling import Encoding, robust_scale, smooth_clip

if TYPE_CHECKING:
    import torch

    from neuroloom.nets._losses import Loss
    from neuroloom.nets._mlp_fit import Fitted, Member, Plan, Sample
    from neuroloom.nets.diagnosis import Diagnosis

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ACTIVATIONS = ("celu", "elu", "gelu", "hard-sigmoid", "hard-swish", "identity", "leaky-relu", "mish", "prelu", "relu",
               "selu", "sigmoid", "silu", "softplus", "softsign", "tanh")  # fmt: skip
DTYPES = ("float32", "float64")
ENCODINGS = ("periodic", "piecewise-linear")
NORMALIZATIONS = ("batch", "layer", "none")
_LOOKED_AT = 128  # about so many samples tell after a fit whether units are dead
_SMOOTHING = 0.1
_FEWEST = 20  # samples under which nothing is held out
_FEW = 1000  # samples under which an ensemble may be twice as large


class Prepared(NamedTuple):
    """A job made ready: its samples, its members, the rows held out for each, and what its stack must share."""

    estimator: Any
    sample: Sample
    members: list[Member]
    key: tuple[Any, ...]
    batch_size: int


class Unasked:
    """Values of what only some dense networks have as a parameter."""

    dropout: float = 0.0
    label_smoothing: float | None = 0.0
    loss: str
    losses: ClassVar[tuple[str, ...]]
    normalization: str = "none"
    init: str = "auto"
    encoding: str = "piecewise-linear"
    frequency_scale: float = 0.1
    l1: float = 0.0
    max_norm: float | None = None
    optimizer: str = "adamw"
    weight_decay: float = 0.0
    schedule: str = "none"
    training_options: Mapping[str, Any] | None = None
    early_stopping: bool = True
    validation_fraction: float | None = None


@dataclass(eq=False, repr=False, kw_only=True)
class DenseNetworks(Unasked, BaseEstimator):  # type: ignore[misc]
    """What classifier and regressor share: checks, held-out folds, the grouping of jobs, the record.

    Args:
        hidden: units of each hidden layer, each from 1 to 8192; ``()`` is a linear model.
        members: networks in the ensemble, at least 1, or ``"auto"``: ten for fewer than 1,000 samples, else five.
        bins: of the encoding that stands beside each scaled column, at least 0 (none).
        activation: ``celu``, ``elu``, ``gelu``, ``hard-sigmoid``, ``hard-swish``, ``identity``, ``leaky-relu``,
            ``mish``, ``prelu`` (its slopes learned), ``relu``, ``selu``, ``sigmoid``, ``silu``, ``softplus``,
            ``softsign`` or ``tanh``.
        learning_rate: above 0.
        epochs: most passes over the data.
        batch_size: at most so many samples a step; ``"auto"``: 64, from 4,000 samples 128, from 16,000 on 256.
        patience: epochs without a better validation loss after which a member stops.
        dtype: ``"float64"``, in which stacked and single fits agree to 1e-5 and better, or ``"float32"``.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``, …
        random_state: of folds, weights, batches and whatever else is drawn.
    """

    hidden: Sequence[int] | int = field(default=(64, 64), kw_only=False)
    members: int | str = 5
    bins: int = 8
    activation: str = "silu"
    learning_rate: float = 0.005
    epochs: int = 200
    batch_size: int | str = "auto"
    patience: int = 20
    dtype: str = "float64"
    device: str = "auto"
    random_state: Any = None

    def fit(self, X: Any, y: Any, eval_set: tuple[Any, Any] | None = None, sample_weight: Any = None) -> Self:
        """Fit on ``X (n, features)`` and ``y (n,)``.

        Args:
            X: samples.
            y: targets.
            eval_set: ``(X_val, y_val)`` to stop early on; every member then learns from all of ``X``.
            sample_weight: ``(n,)`` weights of at least 0 of the samples' losses; those of weight 0 are left out.
        """
        _fit_jobs([Job(self, X, y, eval_set)], [sample_weight])
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
        return _fit_jobs(jobs, [None] * len(jobs))

    # -- before the fit -----------------------------------------------------------------------------------

    def _check(self) -> None:
        self._widths()
        if self.members != "auto":
            check_int("members", self.members)
        check_int("bins", self.bins, low=0)
        check_choice("activation", self.activation, ACTIVATIONS)
        check_float("dropout", self.dropout, 0, 1, open_high=True)
        self._smoothing()
        check_choice("loss", self.loss, self.losses)
        check_choice("normalization", self.normalization, NORMALIZATIONS)
        check_choice("init", self.init, INITIALISATIONS)
        check_choice("encoding", self.encoding, ENCODINGS)
        check_float("frequency_scale", self.frequency_scale, 0, open_low=True)
        check_float("l1", self.l1, 0)
        if self.max_norm is not None:
            check_float("max_norm", self.max_norm, 0, open_low=True)
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_float("learning_rate", self.learning_rate, 0, open_low=True)
        check_float("weight_decay", self.weight_decay, 0)
        check_choice("schedule", self.schedule, SCHEDULES)
        check_int("epochs", self.epochs)
        if self.batch_size != "auto":
            check_int("batch_size", self.batch_size)
        if self.validation_fraction is not None:
            check_float("validation_fraction", self.validation_fraction, 0, 0.5, open_low=True)
        check_int("patience", self.patience)
        check_choice("dtype", self.dtype, DTYPES)
        training_options(self.training_options)

    def _smoothing(self) -> float:
        """Return the share of each label that is spread over all classes."""
        if self.label_smoothing is None:
            return _SMOOTHING if self.loss == "cross-entropy" else 0.0
        return check_float("label_smoothing", self.label_smoothing, 0, 1, open_high=True)

    def _widths(self) -> tuple[int, ...]:
        widths = list(self.hidden) if isinstance(self.hidden, Sequence | np.ndarray) else [self.hidden]
        return tuple(check_int("hidden", width, 1, 8192) for width in widths)

    def _scaled(self, X: Floats) -> Floats:
        return Encoding(**self.encoding_)(smooth_clip(X, self.median_, self.inverse_spread_))

    def _members(self, n: int, n_eval: int, strata: Ints) -> list[Member]:
        """Return the members' rows: all of them with an ``eval_set``, else all but a held-out fold each."""
        from neuroloom.nets._mlp_fit import Member

        seed = as_seed(self.random_state)
        count, folds = self._ensemble(n)
        rows, made = np.arange(n), []
        hold = self.early_stopping and not n_eval and n >= _FEWEST
        for m in range(count):
            learned, held_out = rows, np.arange(n, n + n_eval)
            if hold:
                mine = deal_folds(strata, folds, derive(seed, "folds", m // folds)) == m % folds
                learned, held_out = rows[~mine], rows[mine]
            made.append(Member(0, learned, held_out, derive(seed, "member", m), float(self.learning_rate),
                               float(self.weight_decay), float(self.dropout), self._smoothing(),
                               float(self.l1)))  # fmt: skip
        return made

    def _ensemble(self, n: int) -> tuple[int, int]:
        """Return how many members ``n`` samples get, and into how many folds these are dealt for them to stop on."""
        count = (10 if n < _FEW else 5) if self.members == "auto" else int(self.members)
        if self.validation_fraction is None:
            return count, max(5, min(count, 10, n // 10))
        return count, max(2, round(1 / self.validation_fraction))

    def _ready(
        self,
        X: Floats,
        target: NDArray[Any],
        prior: Floats,
        strata: Ints,
        evaluation: tuple[Floats, Any] | None,
        weight: Floats | None,
    ) -> Prepared:
        from neuroloom.nets._mlp_fit import Sample

        self.median_, self.inverse_spread_ = robust_scale(X)
        bins = self.bins if self.encoding == "piecewise-linear" else 0
        self.encoding_ = vars(Encoding.of(smooth_clip(X, self.median_, self.inverse_spread_), bins))
        members = self._members(len(X), 0 if evaluation is None else len(evaluation[0]), strata)
        inputs = self._scaled(X)
        if evaluation is not None:
            inputs = np.vstack([inputs, self._scaled(evaluation[0])])
            target = np.concatenate([target, evaluation[1]])
            if weight is not None:
                weight = np.concatenate([weight, np.ones(len(evaluation[0]))])
        batch_size = self._batch_size(len(X))
        plan = self._plan(batch_size)
        # what a stack shares: all of the plan but the functions in it, which the class and the schedule stand for
        shared = replace(plan, config=_nothing, network=_nothing, after=None)
        key = (self._shares(), self.optimizer, self.schedule, self.epochs,
               self.patience, repr(sorted((self.training_options or {}).items())), shared,
               inputs.shape[1], len(prior), target.ndim, weight is None)  # fmt: skip
        return Prepared(self, Sample(inputs, target, prior, weight), members, key, batch_size)

    def _shares(self) -> tuple[Any, ...]:
        """Return what jobs must agree in to be trained as one, beyond the plan and the update."""
        return ()

    def _batch_size(self, n: int) -> int:
        if self.batch_size != "auto":
            return int(self.batch_size)
        return 64 if n < 4000 else 128 if n < 16000 else 256

    def _plan(self, batch_size: int) -> Plan:
        from neuroloom.nets._mlp_fit import Plan

        options = training_options(self.training_options)

        def config(rates: list[float], decays: list[float], stops: bool) -> TrainConfig:
            return TrainConfig(self.epochs, batch_size, self.optimizer, rates, decays, schedule=self.schedule,
                               patience=self.patience if stops else None, **options)  # fmt: skip

        config([1.0], [0.0], False)  # a wrong option is answered before anything is trained
        frequencies = self.bins if self.encoding == "periodic" else 0
        return Plan(self._widths(), self.activation, self.dtype, self.device, config, batch_size, self._loss(),
                    self.init, self.normalization, frequencies, float(self.frequency_scale), self.max_norm)  # fmt: skip

    def _loss(self) -> Loss:
        from neuroloom.nets._losses import Loss

        return Loss(self.loss)

    # -- after it -----------------------------------------------------------------------------------------

    def _adopt(self, job: Prepared, fitted: Sequence[Fitted]) -> None:
        """Take over what was learned."""
        self.weights_ = {name: np.stack([f.weights[name] for f in fitted]) for name in fitted[0].weights}
        self.n_parameters_ = sum(w.size for w in self.weights_.values())
        self.best_epochs_ = [f.kept for f in fitted]
        self.history_ = _mean_history([f.history for f in fitted])
        if self._widths():
            from neuroloom.nets.diagnosis import diagnose, warn

            rows = job.members[0].rows
            some = job.sample.X[rows[:: max(1, len(rows) // _LOOKED_AT)]]
            names = {n: w for n, w in self.weights_.items() if not n.startswith("rho") and n != "noise"}
            warn(diagnose(names, self.activation, some, self._kept_normalization()), self.activation)

    def diagnose(self, X: Any) -> Diagnosis:
        """Return what each hidden layer does on ``X (n, features)``: dead units, size of the signal, sensitivity."""
        from neuroloom.nets.diagnosis import diagnose

        check_is_fitted(self)
        Z = self._scaled(validate_data(self, X, dtype=np.float64, reset=False))
        return diagnose(self.weights_, self.activation, Z, self._kept_normalization())

    def _learn_posterior(self, job: Prepared, fitted: Sequence[Fitted]) -> None:
        """Take over what a network learned beside its weights; a plain one learned nothing else."""

    def _held_out_outputs(self, job: Prepared) -> tuple[Floats, NDArray[Any], Floats | None]:
        """Return each held-out sample's outputs by the member that did not learn it, ``(draws, N, outputs)``, and the
        targets and weights of those samples.
        """
        found = self._outputs(job.sample.X)
        outputs = np.concatenate([found[i, m.held_out] for i, m in enumerate(job.members)])
        return outputs[None], *self._held_out_targets(job)

    def _held_out_targets(self, job: Prepared) -> tuple[NDArray[Any], Floats | None]:
        rows = np.concatenate([m.held_out for m in job.members])
        return job.sample.target[rows], None if job.sample.weight is None else job.sample.weight[rows]

    def _outputs(self, Z: Floats) -> Floats:
        """Return ``(members, n, outputs)`` for scaled inputs ``Z (n, features)``."""
        from neuroloom.nets._mlp_fit import outputs

        return outputs(self.weights_, self.activation, Z, self.dtype, self.device, self._kept_normalization())

    def _kept_normalization(self) -> str:
        """Return the normalisation that is still there after the fit; that over batches went into the weights."""
        return "layer" if self.normalization == "layer" else "none"

    def _answer_module(
        self,
        link: str,
        slope: float = 1.0,
        scale: float = 1.0,
        offset: float = 0.0,
        outputs: int | None = None,
    ) -> torch.nn.Module:
        """Return the fitted networks as a module over columns in their own unit, whose outputs go through ``link``."""
        from neuroloom.nets._answering import DenseAnswers, Link, ScaledColumns
        from neuroloom.nets._mlp_fit import fitted_stack

        check_is_fitted(self)
        stack, where, _ = fitted_stack(
            self.weights_, self.activation, self.dtype, self.device, self._kept_normalization()
        )
        columns = ScaledColumns(self.median_, self.inverse_spread_, Encoding(**self.encoding_))
        return DenseAnswers(columns, stack, Link(link, slope, scale, offset), outputs).to(where).eval()

    def _answers(self, X: Any) -> Floats:
        check_is_fitted(self)
        return self._outputs(self._scaled(validate_data(self, X, dtype=np.float64, reset=False)))


def _fit_jobs(jobs: Sequence[Job], weights: Sequence[Any]) -> list[Any]:
    """Fit the jobs, each with its samples' weights or None, and return their estimators."""
    if len({id(job.estimator) for job in jobs}) < len(jobs):
        raise InputError("every job needs an estimator of its own; pass sklearn.base.clone(estimator).")
    from neuroloom.nets._mlp_fit import fit_members

    ready = [
        job.estimator._prepare(job.X, job.y, job.eval_set, weight)
        for job, weight in zip(jobs, weights, strict=True)
    ]
    groups: dict[Any, list[Prepared]] = defaultdict(list)
    for job in ready:
        groups[job.key].append(job)
    for group in groups.values():
        members = [m._replace(sample=i) for i, job in enumerate(group) for m in job.members]
        plan = group[0].estimator._plan(group[0].batch_size)
        fitted = fit_members([job.sample for job in group], members, plan)
        for job in group:
            count = len(job.members)
            job.estimator._adopt(job, fitted[:count])
            fitted = fitted[count:]
    return [job.estimator for job in jobs]


def _nothing(*_: Any) -> Any:
    """Stand in a key for what it does not tell apart."""


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
