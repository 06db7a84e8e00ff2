"""The one door to matplotlib, which is optional."""

from __future__ import annotations

from typing import Any

from neuroloom.core.errors import InputError

INK, GRID = "#22292f", "#d9dde1"


def pyplot() -> Any:
    """Return ``matplotlib.pyplot``.

    Raises:
        InputError: matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot as found
    except ImportError as error:
        raise InputError("plots need matplotlib, which is not installed: pip install matplotlib.") from error
    return found


def as_svg(ax: Any) -> str:
    """Return the figure of ``ax`` as an ``<svg>`` element no wider than what it stands in, and close it."""
    import io

    text = io.StringIO()
    ax.figure.savefig(text, format="svg", metadata={"Date": None})
    pyplot().close(ax.figure)
    element = text.getvalue()[text.getvalue().index("<svg") :]
    return element.replace("<svg", '<svg style="max-width: 100%; height: auto"', 1)


def axes(ax: Any = None, size: tuple[float, float] = (7.0, 3.6), rows: int = 1) -> Any:
    """Return ``ax``, or new axes (``rows`` of them, as an array, when more than one), without top and right frame.

    Args:
        ax: matplotlib axes, or None for a figure of its own.
        size: width and height of that figure, in inches.
        rows: how many axes below each other, sharing x.
    """
    if ax is None:
        _, ax = pyplot().subplots(rows, 1, figsize=size, layout="constrained", sharex=rows > 1)
    for one in ax.ravel() if rows > 1 else [ax]:
        one.spines[["top", "right"]].set_visible(False)
    return ax
