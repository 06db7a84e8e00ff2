"""Role of a detector over any net that can say how well it knows a sample; scikit-learn's convention for outliers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from neuroloom.core.outliers import ScoredDetector

if TYPE_CHECKING:
    from neuroloom.nets.coding import CodingNetwork

    _Model = CodingNetwork
else:
    _Model = object


@dataclass(eq=False, repr=False, kw_only=True)
class Detector(ScoredDetector, _Model):
    """Detector: samples that the net knows less well than all but a share of the training samples are outliers.

    Args:
        contamination: share of the training samples that ``predict`` calls outliers, in (0, 0.5].
    """

    contamination: float = 0.1

    def fit(self, X: Any, y: Any = None, eval_set: tuple[Any, Any] | None = None) -> Self:
        """Learn from samples alone; see the model's own ``fit``."""
        share = self._checked_share()
        super().fit(X, y, eval_set)
        self.offset_ = float(np.quantile(self.score_samples(X), share))
        return self
