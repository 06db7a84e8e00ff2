"""neuroloom: evolved networks, graph learners, wavelet features and deep nets on one bench."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuroloom.methods import make
    from neuroloom.methods.explain import explain
    from neuroloom.runner import Results, run

__version__ = "0.1.0"
__all__ = ["Results", "__version__", "explain", "make", "run"]

_HOMES = {
    "Results": "neuroloom.runner",
    "explain": "neuroloom.methods.explain",
    "make": "neuroloom.methods",
    "run": "neuroloom.runner",
}


def __getattr__(name: str) -> Any:
    """Import the public names on first use, so that ``import neuroloom`` stays light."""
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'neuroloom' has no attribute {name!r}")
