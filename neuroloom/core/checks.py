"""Checks of parameters, all with one form of message: what was expected, what came, what to do."""

from __future__ import annotations

import math
import numbers
from collections.abc import Collection
from typing import Any

from neuroloom.core.errors import InputError, nearest


def check_int(name: str, value: Any, low: int = 1, high: int | None = None) -> int:
    """Return ``value`` as an int within ``[low, high]``.

    Raises:
        InputError: ``value`` is no whole number or lies outside the range.
    """
    wanted = f"a whole number of at least {low}" if high is None else f"a whole number from {low} to {high}"
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or value < low or (high is not None and value > high):
        raise InputError(f"`{name}` must be {wanted}, but got {value!r}.")
    return int(value)


def check_float(
    name: str,
    value: Any,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    open_low: bool = False,
    open_high: bool = False,
) -> float:
    """Return ``value`` as a float within the interval from ``low`` to ``high``.

    ``open_low`` and ``open_high`` leave the ends out.

    Raises:
        InputError: ``value`` is no finite real number or lies outside the interval.
    """
    real = not isinstance(value, bool) and isinstance(value, numbers.Real) and math.isfinite(float(value))
    inside = (
        real
        and (low < value if open_low else low <= value)
        and (value < high if open_high else value <= high)
    )
    if not inside:
        left = "(" if open_low or low == -math.inf else "["
        right = ")" if open_high or high == math.inf else "]"
        span = f"{left}{low}, {high}{right}"
        raise InputError(f"`{name}` must be a number in {span}, but got {value!r}.")
    return float(value)


def check_choice(name: str, value: Any, options: Collection[str]) -> str:
    """Return ``value`` if it is one of ``options``.

    Raises:
        InputError: it is not; the message names the nearest option.
    """
    if value not in options:
        known, close = ", ".join(sorted(options)), nearest(str(value), options)
        hint = "" if close is None else f"; did you mean {close!r}?"
        raise InputError(f"`{name}` must be one of {known}; value {str(value)!r} is not known{hint or '.'}")
    return str(value)


def check_lengths(X: Any, y: Any) -> None:
    """Check that ``X`` and ``y`` hold as many samples.

    Raises:
        InputError: they do not.
    """
    if len(X) != len(y):
        raise InputError(
            f"X holds {len(X)} samples but y holds {len(y)} values; pass one value for each sample."
        )
