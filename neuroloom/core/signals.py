"""What a batch of signals or images may look like when it comes in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.errors import InputError

Floats = NDArray[np.floating[Any]]


def signal_batch(X: Any, images: bool = True) -> Floats:
    """Return ``X`` as ``(n, channels, length)`` or, for images, ``(n, channels, height, width)``.

    Args:
        X: an array (or nested list) of finite numbers; ``(n, length)`` becomes one channel.
        images: whether 4 dimensions are allowed.

    Returns:
        A float32 array if ``X`` is float32 (or float16), else float64.

    Raises:
        InputError: unequal lengths, missing or infinite values, no samples or a wrong number of dimensions.
    """
    wanted = "(n, channels, length) or (n, length)" + (
        " or, for images, (n, channels, height, width)" if images else ""
    )
    if not hasattr(X, "dtype") and hasattr(X, "to_numpy"):
        X = X.to_numpy()
    try:
        array = np.asarray(X)
        if array.dtype == object or array.dtype.kind not in "fiub":
            array = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"expected numbers of shape {wanted}, all series of one length, but they do not form such an array "
            f"({error}); cut or resample unequal series to one length."
        ) from error
    if array.ndim not in ((2, 3, 4) if images else (2, 3)):
        raise InputError(f"expected an array of shape {wanted}, but got shape {array.shape}.")
    if 0 in array.shape:
        raise InputError(f"expected at least one sample, channel and value, but got shape {array.shape}.")
    if array.dtype == np.float16:
        array = array.astype(np.float32)
    elif array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    missing = int(array.size - np.isfinite(array).sum())
    if missing:
        raise InputError(
            f"{missing} of {array.size} values are missing (NaN) or infinite; fill them, for example by interpolation, "
            "or drop those samples."
        )
    return array[:, None, :] if array.ndim == 2 else array


def long_enough(X: Floats) -> Floats:
    """Return series ``(n, channels, length)`` as they are.

    Raises:
        InputError: they are of one value.
    """
    if X.shape[2] < 2:
        raise InputError("a series must have at least 2 values, but these have 1; treat them as a table.")
    return X


def same_shape(X: Floats, shape: tuple[int, ...]) -> Floats:
    """Return ``X`` if its samples have the ``shape`` that the transformer was fitted on.

    Raises:
        InputError: they do not.
    """
    if X.shape[1:] != shape:
        raise InputError(
            f"fitted on samples of shape {shape}, but got samples of shape {X.shape[1:]}; "
            "bring them to one length and number of channels."
        )
    return X
