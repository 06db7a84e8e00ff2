"""Small pictures."""

from __future__ import annotations

import numpy as np

from neuroloom.tasks.base import NamedTask
from neuroloom.tasks.metrics import DEFAULTS
from neuroloom.tasks.task import Data


class DigitsImages(NamedTask):
    """scikit-learn's digits as pictures; ``digits`` has the same as a table."""

    kind = "image"
    problem = "classification"
    metrics = DEFAULTS["classification"]
    summary = "1,797 handwritten digits as pictures of 8 × 8 grey values in 0 … 1"
    source = "Alpaydin and Kaynak 1998; UCI's test part; scikit-learn's copy"

    def load(self, seed: int = 0) -> Data:
        """Return ``(1797, 1, 8, 8)`` float32."""
        from sklearn.datasets import load_digits

        bunch = load_digits()
        X = (np.asarray(bunch.images, dtype=np.float32) / 16.0)[:, None]
        return Data(X, np.asarray(bunch.target))
