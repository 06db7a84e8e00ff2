"""A picture as a function of place, to be painted: each pixel is a sample."""

from __future__ import annotations

import numpy as np

from neuroloom.tasks.base import NamedTask
from neuroloom.tasks.metrics import DEFAULTS
from neuroloom.tasks.task import Data

_SIDE = 32  # pixels


class CameraPicture(NamedTask):
    """Paint the cameraman: the grey value of a pixel from its row and column.

    As the picture of a CPPN (Stanley 2007) that is asked for (Woolley and Stanley 2011); the pixels of the test part
    are scattered over the picture.
    """

    kind = "table"
    problem = "regression"
    metrics = DEFAULTS["regression"]
    summary = "a man with a camera in 32 × 32 pixels: the grey value, 0 … 1, from row and column"
    source = "Lav Varshney's picture by PyWavelets, means of 16 × 16 pixels; the task after Woolley and Stanley 2011"

    def load(self, seed: int = 0) -> Data:
        """Return ``(1024, 2)`` rows and columns, from 0, and the grey values ``(1024,)``."""
        import pywt.data

        fine = np.asarray(pywt.data.camera(), dtype=np.float64) / 255
        wide = len(fine) // _SIDE
        grey = fine.reshape(_SIDE, wide, _SIDE, wide).mean(axis=(1, 3))
        places = np.indices(grey.shape).reshape(2, -1).T.astype(np.float64)
        return Data(places, grey.ravel(), extra={"columns": ["row", "column"]})
