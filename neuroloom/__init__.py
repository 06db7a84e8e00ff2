"""neuroloom: evolved networks, graph learners, wavelet features and deep nets on one bench."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuroloom.methods import make
    from neuroloom.runner import Results, run

__version__ = "0.1.0"
__all__ = ["Results", "__version__", "make", "run"]

_HOMES = {"make": "neuroloom.methods", "run": "neuroloom.runner", "Results": "neuroloom.runner"}


def __getattr__(name: str) -> Any:
    """Import the three public names on first use, so that ``import neuroloom`` stays light."""
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'neuroloom' has no attribute {name!r}")
