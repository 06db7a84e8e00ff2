"""Role of a detector over any net that can say how well it knows a sample; scikit-learn's convention for outliers."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import OutlierMixin

from neuroloom.core.checks import check_float
from neuroloom.nets.unlabelled import Floats

if TYPE_CHECKING:
    from neuroloom.nets.coding import CodingNetwork

    _Model = CodingNetwork
else:
    _Model = object


@dataclass(eq=False, repr=False, kw_only=True)
class Detector(OutlierMixin, _Model):  # type: ignore[misc]
    """Detector: samples that the net knows less well than all but a share of the training samples are outliers.

    Args:
        contamination: share of the training samples that ``predict`` calls outliers, in (0, 0.5].
    """

    contamination: float = 0.1

    def fit(self, X: Any, y: Any = None, eval_set: tuple[Any, Any] | None = None) -> Self:
        """Learn from samples alone; see the model's own ``fit``."""
        share = check_float("contamination", self.contamination, 0, 0.5, open_low=True)
        super().fit(X, y, eval_set)
        self.offset_ = float(np.quantile(self.score_samples(X), share))
        return self

    @abstractmethod
    def score_samples(self, X: Any) -> Floats:
        """Return ``(n,)`` how well each sample is known; lower is stranger."""

    def decision_function(self, X: Any) -> Floats:
        """Return ``(n,)`` scores less the limit: below 0 is an outlier."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Return ``(n,)`` 1 for samples like those learned from, -1 for outliers."""
        return np.where(self.decision_function(X) < 0, -1, 1).astype(np.int64)
