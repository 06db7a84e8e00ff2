"""Three views of a series by wavelets, each under the head that suits it, put together by their held-out answers.

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
from neuroloom.signal.wavelet_ppv import WaveletPPVFeatures
from neuroloom.signal.wavelet_quantiles import WaveletQuantileFeatures

Floats = NDArray[np.float64]

_SHARE = 0.1  # of the columns tried at a node
_POWER = 4.0
_LEAST = 1e-3  # of a probability before its logarithm: a forest of 100 trees cannot tell less
_SHARPNESS = (0.1, 30.0)


class WaveletEnsembleClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Wavelet kernels under ridge, quantiles of wavelet details and of envelopes under forests, one answer of all.

    1. ``WaveletPPVFeatures`` under a ridge classifier, whose outputs for left-out samples are known in closed form.
    2. ``WaveletQuantileFeatures(bands="details")`` under extremely randomised trees, which answer for the training
       samples outside their bootstrap draw.
    3. The same with ``bands="envelopes"``.

    With ``z_m`` the outputs of the ridge, or the logarithms of a forest's probabilities, member m says
    ``log p_m = log softmax(β_m z_m)``. Its sharpness β_m makes the log loss of its held-out answers least, its weight
    is the fourth power of their accuracy, and the sharpness β of all together is found as that of a member::

        p = softmax(β Σ_m w_m log p_m),    w_m ∝ accuracy_m⁴

    Args:
        features: of the kernels, about how many, at least 1.
        trees: of each forest, at least 10.
        n_jobs: threads; the answers do not depend on it.
        random_state: of kernels and forests.

    Shapes:
        ``(n, channels, length)`` or ``(n, length)``, length at least 2; at least two classes.

    Attributes:
        classes_: labels.
        kernels_, ridge_, quantiles_, forests_: the fitted parts.
        held_out_accuracy_: ``(3,)`` of each member. weights_: ``(3,)``, adding up to 1. sharpness_: ``(4,)``: β_1, β_2,
            β_3 and β.
        n_parameters_: thresholds, coefficients of the ridge and nodes of the trees.

    Raises:
        InputError: unequal lengths, missing values, a series of one value, a single class, another shape than in
            ``fit``, a parameter out of range.

    Source:
        Large, Lines and Bagnall (2019), "A probabilistic classifier ensemble weighting scheme based on cross-validated
        accuracy estimates"; Dempster, Schmidt and Webb (2021, 2024) for the features. Members, way of pooling and the
        power were compared on resamples of the training parts of 22 sets of the UCR and UEA archives.

    Differences:
        probabilities are pooled by their logarithms; they are brought to one sharpness first; what is held out costs no
        fit of its own.
    """

    def __init__(
        self, features: int = 10_000, trees: int = 100, n_jobs: int = 1, random_state: Any = None
    ) -> None:
        self.features = features
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
        self.kernels_ = WaveletPPVFeatures(
            self.features, n_jobs=self.n_jobs, random_state=derive(seed, "kernels")
        ).fit(X)
        self.ridge_ = LeaveOneOutRidge().fit(self.kernels_.transform(X), labels)
        self.quantiles_ = [
            WaveletQuantileFeatures("details").fit(X),
            WaveletQuantileFeatures("envelopes").fit(X),
        ]
        self.forests_ = [
            OutOfBagTrees(self.trees, _SHARE, self.n_jobs, derive(seed, f.bands)).fit(f.transform(X), labels)
            for f in self.quantiles_
        ]
        held_out = [self.ridge_.left_out_, *(_scores(f.out_of_bag_) for f in self.forests_)]
        accuracy = np.array([np.mean(z.argmax(axis=1) == labels) for z in held_out])
        self.held_out_accuracy_ = accuracy
        weights = np.maximum(accuracy, 1.0 / len(labels)) ** _POWER
        self.weights_ = weights / weights.sum()
        self.sharpness_ = np.array([sharpness(z, labels) for z in held_out])
        pooled = self._pooled(held_out)
        self.sharpness_ = np.append(self.sharpness_, sharpness(pooled, labels))
        nodes = sum(forest.nodes_ for forest in self.forests_)
        self.n_parameters_ = int(self.kernels_.n_parameters_ + self.ridge_.coef_.size + nodes)
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Return ``(n, classes)`` probabilities, columns in the order of ``classes_``.

        Raises:
            InputError: values are missing, or the samples have another shape.
        """
        check_is_fitted(self)
        X = same_shape(signal_batch(X, images=False), self.sample_shape_)
        answers = [self.ridge_.decision_function(self.kernels_.transform(X))]
        for features, forest in zip(self.quantiles_, self.forests_, strict=True):
            answers.append(_scores(forest.predict_proba(features.transform(X))))
        found: Floats = np.exp(log_softmax(self.sharpness_[-1] * self._pooled(answers), axis=-1))
        return found

    def predict(self, X: Any) -> NDArray[Any]:
        """Return ``(n,)`` labels: the class of the largest probability."""
        labels: NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return labels

    def _pooled(self, answers: list[Floats]) -> Floats:
        """Return ``(n, classes)`` weighted sums of the members' logarithms of probabilities."""
        told = [
            log_softmax(b * z, axis=-1) for b, z in zip(self.sharpness_[: len(answers)], answers, strict=True)
        ]
        summed: Floats = np.tensordot(self.weights_, np.stack(told), axes=1)
        return summed


def sharpness(z: Floats, labels: NDArray[Any]) -> float:
    """Return the β from 0.1 to 30 for which ``softmax(β z)`` has the least log loss over ``labels``.

    A share of 1 / (n + 2) of each target is spread over all classes, as in Platt (1999), so that separated classes do
    not ask for certainty.
    """
    from scipy.optimize import minimize_scalar

    rows, spread = np.arange(len(labels)), 1.0 / (len(labels) + 2)

    def loss(log_beta: float) -> float:
        logs = log_softmax(np.exp(log_beta) * z, axis=-1)
        return -float(((1 - spread) * logs[rows, labels] + spread * logs.mean(axis=1)).mean())

    found = minimize_scalar(loss, bounds=tuple(np.log(_SHARPNESS)), method="bounded")
    return float(np.exp(found.x))


def _scores(probability: Floats) -> Floats:
    """Return logarithms of a forest's probabilities; a sample that no tree left out gets equal ones."""
    known = np.where(np.isfinite(probability), probability, 1.0 / probability.shape[1])
    logs: Floats = np.log(np.clip(known, _LEAST, 1.0))
    return logs
