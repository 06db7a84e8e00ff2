"""Four views of a series by wavelets, each under the head that suits it, put together by their held-out answers.

Large, Lines and Bagnall (2019), "A probabilistic classifier ensemble weighting scheme based on cross-validated accuracy
estimates" (CAWPE); Guo et al. (2017), "On calibration of modern neural networks" (temperature scaling).
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_int, check_lengths
from neuroloom.core.errors import InputError
from neuroloom.core.seeding import as_seed, derive
from neuroloom.core.signals import same_shape, signal_batch
from neuroloom.signal.leave_one_out import LeaveOneOutRidge
from neuroloom.signal.out_of_bag_trees import OutOfBagTrees
from neuroloom.signal.wavelet_competition import WaveletCompetitionFeatures
from neuroloom.signal.wavelet_ppv import WaveletPPVFeatures
from neuroloom.signal.wavelet_quantiles import WaveletQuantileFeatures

Floats = NDArray[np.float64]

_SHARE, _COLUMNS = 0.1, 500  # of the columns tried at a node, and how many at most
_POWER = 5.0
_LEAST = 1e-3  # of a probability before its logarithm: a forest of 100 trees cannot tell less
_SHARPNESS = (0.1, 30.0)


class WaveletEnsembleClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Wavelet kernels under ridge, quantiles of wavelet details and of envelopes under forests, one answer of all.

    1. ``WaveletPPVFeatures`` under a ridge classifier, whose outputs for left-out samples are known in closed form.
    2. ``WaveletCompetitionFeatures`` under another.
    3. ``WaveletQuantileFeatures(bands="details")`` under extremely randomised trees, which answer for the training
       samples outside their bootstrap draw. A node tries a tenth of the columns, at most 500.
    4. The same with ``bands="envelopes"``.

    With ``z_m`` the outputs of the ridge, or the logarithms of a forest's probabilities, member m says
    ``log p_m = log softmax(β_m z_m)``. Its sharpness β_m makes the log loss ℓ_m of its held-out answers least, its
    weight is the fifth power of the probability, in the geometric mean, that they gave the true class, and the
    sharpness β of all together is found as that of a member::

        p = softmax(β Σ_m w_m log p_m),    w_m ∝ exp(-5 ℓ_m)

    Args:
        features: of the kernels, about how many, at least 1.
        groups: of competing kernels at each dilation, at least 1.
        trees: of each forest, at least 10.
        n_jobs: threads; the answers do not depend on it.
        random_state: of kernels, groups and forests.

    Shapes:
        ``(n, channels, length)`` or ``(n, length)``, length at least 2; at least two classes.

    Attributes:
        classes_: labels.
        kernels_, ridges_, quantiles_, forests_: the fitted parts, two of each.
        held_out_loss_: ``(4,)`` ℓ_m in nats a sample. weights_: ``(4,)``, adding up to 1. sharpness_: ``(5,)``: β_1 to
            β_4 and β.
        n_parameters_: thresholds, coefficients of the ridges and nodes of the trees.

    Raises:
        InputError: unequal lengths, missing values, a series of one value, a single class, another shape than in
            ``fit``, a parameter out of range.

    Source:
        Large, Lines and Bagnall (2019), "A probabilistic classifier ensemble weighting scheme based on cross-validated
        accuracy estimates"; Dempster, Schmidt and Webb (2021, 2023, 2024) for the features. Members, way of pooling and
        the power were compared on resamples of the training parts of 41 sets of the UCR and UEA archives.

    Differences:
        weights come of log losses in place of accuracies; probabilities are pooled by their logarithms and brought to
        one sharpness first; what is held out costs no fit of its own.
    """

    def __init__(
        self,
        features: int = 10_000,
        groups: int = 12,
        trees: int = 200,
        n_jobs: int = 1,
        random_state: Any = None,
    ) -> None:
        self.features = features
        self.groups = groups
        self.trees = trees
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Fit all members to series ``X`` and labels ``y (n,)``.

        Raises:
            InputError: see the class.
        """
        X = signal_batch(X, images=False)
        check_lengths(X, y)
        self.classes_, labels = np.unique(np.asarray(y), return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(
                f"a classifier needs at least two classes, but all samples are {self.classes_.tolist()[0]!r}."
            )
        check_int("trees", self.trees, 10)
        seed = as_seed(self.random_state)
        self.sample_shape_ = tuple(X.shape[1:])
        held_out = self._fit_members(X, labels, seed)
        self._weigh(held_out, labels)
        nodes = sum(forest.nodes_ for forest in self.forests_)
        linear = sum(ridge.coef_.size for ridge in self.ridges_)
        self.n_parameters_ = int(self.kernels_[0].n_parameters_ + linear + nodes)
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Return ``(n, classes)`` probabilities, columns in the order of ``classes_``.

        Raises:
            InputError: values are missing, or the samples have another shape.
        """
        check_is_fitted(self)
        X = same_shape(signal_batch(X, images=False), self.sample_shape_)
        answers = self._answers(X)
        found: Floats = np.exp(log_softmax(self.sharpness_[-1] * self._pooled(answers), axis=-1))
        return found

    def predict(self, X: Any) -> NDArray[Any]:
        """Return ``(n,)`` labels: the class of the largest probability."""
        labels: NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return labels

    def _fit_members(self, X: NDArray[Any], labels: NDArray[Any], seed: int) -> list[Floats]:
        """Fit all members; return what each says, ``(n, classes)``, of training samples that it had not seen."""
        jobs, seeds = self.n_jobs, (derive(seed, "kernels"), derive(seed, "competition"))
        self.kernels_: list[Any] = [
            WaveletPPVFeatures(self.features, n_jobs=jobs, random_state=seeds[0]),
            WaveletCompetitionFeatures(self.groups, n_jobs=jobs, random_state=seeds[1]),
        ]
        self.ridges_ = [LeaveOneOutRidge().fit(f.fit(X).transform(X), labels) for f in self.kernels_]
        self.quantiles_ = [WaveletQuantileFeatures("details"), WaveletQuantileFeatures("envelopes")]
        self.forests_ = [
            OutOfBagTrees(self.trees, _SHARE, _COLUMNS, jobs, derive(seed, f.bands)).fit(
                f.fit(X).transform(X), labels
            )
            for f in self.quantiles_
        ]
        linear = [ridge.left_out_ for ridge in self.ridges_]
        return [*linear, *(_scores(forest.out_of_bag_) for forest in self.forests_)]

    def _answers(self, X: NDArray[Any]) -> list[Floats]:
        """Return what each member says of ``X``, ``(n, classes)``."""
        linear = [
            ridge.decision_function(features.transform(X))
            for features, ridge in zip(self.kernels_, self.ridges_, strict=True)
        ]
        forests = [
            _scores(forest.predict_proba(features.transform(X)))
            for features, forest in zip(self.quantiles_, self.forests_, strict=True)
        ]
        return [*linear, *forests]

    def _weigh(self, held_out: list[Floats], labels: NDArray[Any]) -> None:
        """Find sharpness and weight of each member, and the sharpness of all together."""
        self.sharpness_ = np.array([sharpness(z, labels) for z in held_out])
        self.held_out_loss_ = np.array(
            [smoothed_loss(b * z, labels) for b, z in zip(self.sharpness_, held_out, strict=True)]
        )
        weights = np.exp(-_POWER * (self.held_out_loss_ - self.held_out_loss_.min()))
        self.weights_ = weights / weights.sum()
        self.sharpness_ = np.append(self.sharpness_, sharpness(self._pooled(held_out), labels))

    def _pooled(self, answers: list[Floats]) -> Floats:
        """Return ``(n, classes)`` weighted sums of the members' logarithms of probabilities."""
        told = [
            log_softmax(b * z, axis=-1) for b, z in zip(self.sharpness_[: len(answers)], answers, strict=True)
        ]
        summed: Floats = np.tensordot(self.weights_, np.stack(told), axes=1)
        return summed


def smoothed_loss(z: Floats, labels: NDArray[Any]) -> float:
    """Return the log loss of ``softmax(z)`` over ``labels``, in nats a sample.

    A share of 1 / (n + 2) of each target is spread over all classes, as in Platt (1999), so that separated classes do
    not ask for certainty.
    """
    rows, spread = np.arange(len(labels)), 1.0 / (len(labels) + 2)
    logs = log_softmax(z, axis=-1)
    return -float(((1 - spread) * logs[rows, labels] + spread * logs.mean(axis=1)).mean())


def sharpness(z: Floats, labels: NDArray[Any]) -> float:
    """Return the β from 0.1 to 30 for which ``smoothed_loss(β z)`` is least."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda log_beta: smoothed_loss(np.exp(log_beta) * z, labels),
        bounds=tuple(np.log(_SHARPNESS)),
        method="bounded",
    )
    return float(np.exp(found.x))


def _scores(probability: Floats) -> Floats:
    """Return logarithms of a forest's probabilities; a sample that no tree left out gets equal ones."""
    known = np.where(np.isfinite(probability), probability, 1.0 / probability.shape[1])
    logs: Floats = np.log(np.clip(known, _LEAST, 1.0))
    return logs
