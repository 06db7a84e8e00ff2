"""Wavelet transforms of signals and images as features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuroloom.signal.stationary import imodwt, modwt
    from neuroloom.signal.wavelet_features import WaveletFeatures
    from neuroloom.signal.wavelet_ppv import WaveletPPVFeatures

__all__ = ["WaveletFeatures", "WaveletPPVFeatures", "imodwt", "modwt"]

_HOMES = {
    "WaveletFeatures": "neuroloom.signal.wavelet_features",
    "WaveletPPVFeatures": "neuroloom.signal.wavelet_ppv",
    "imodwt": "neuroloom.signal.stationary",
    "modwt": "neuroloom.signal.stationary",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'neuroloom.signal' has no attribute {name!r}")
