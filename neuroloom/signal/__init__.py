"""Wavelet transforms of signals and images: as features, and to look into a signal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuroloom.signal.adaptive_wavelet import AdaptiveWaveletFeatures
    from neuroloom.signal.changes import ChangePoints, change_points
    from neuroloom.signal.compression import Compressed, compress
    from neuroloom.signal.continuous_wavelets import DOG, Morlet, Morse, Paul
    from neuroloom.signal.correlation_graph import WaveletCorrelationGraphs
    from neuroloom.signal.cross_wavelet import Coherence, coherence
    from neuroloom.signal.denoising import Denoised, denoise
    from neuroloom.signal.dual_tree_transform import DualTree, dual_tree
    from neuroloom.signal.edge_maxima import Edges, edges
    from neuroloom.signal.events import Transients, transients
    from neuroloom.signal.packet_basis import BestBasis, best_basis
    from neuroloom.signal.ridge_paths import Ridges, ridges
    from neuroloom.signal.scale_statistics import ScaleStatistic, wavelet_correlation, wavelet_variance
    from neuroloom.signal.scattering import ScatteringFeatures
    from neuroloom.signal.spectral_features import CWTFeatures, FourierFeatures
    from neuroloom.signal.stationary import imodwt, modwt
    from neuroloom.signal.synchrosqueezing import Synchrosqueezed, synchrosqueeze
    from neuroloom.signal.transform import CWT, cwt
    from neuroloom.signal.visibility import VisibilityGraphs, visibility_graph
    from neuroloom.signal.wavelet_competition import WaveletCompetitionFeatures
    from neuroloom.signal.wavelet_detector import WaveletDetector, WaveletDetectorStream
    from neuroloom.signal.wavelet_ensemble import WaveletEnsembleClassifier
    from neuroloom.signal.wavelet_features import WaveletFeatures
    from neuroloom.signal.wavelet_ppv import WaveletPPVFeatures
    from neuroloom.signal.wavelet_quantiles import WaveletQuantileFeatures

__all__ = [
    "CWT",
    "DOG",
    "AdaptiveWaveletFeatures",
    "BestBasis",
    "CWTFeatures",
    "ChangePoints",
    "Coherence",
    "Compressed",
    "Denoised",
    "DualTree",
    "Edges",
    "FourierFeatures",
    "Morlet",
    "Morse",
    "Paul",
    "Ridges",
    "ScaleStatistic",
    "ScatteringFeatures",
    "Synchrosqueezed",
    "Transients",
    "VisibilityGraphs",
    "WaveletCompetitionFeatures",
    "WaveletCorrelationGraphs",
    "WaveletDetector",
    "WaveletDetectorStream",
    "WaveletEnsembleClassifier",
    "WaveletFeatures",
    "WaveletPPVFeatures",
    "WaveletQuantileFeatures",
    "best_basis",
    "change_points",
    "coherence",
    "compress",
    "cwt",
    "denoise",
    "dual_tree",
    "edges",
    "imodwt",
    "modwt",
    "ridges",
    "synchrosqueeze",
    "transients",
    "visibility_graph",
    "wavelet_correlation",
    "wavelet_variance",
]

_HOMES = {
    "AdaptiveWaveletFeatures": "neuroloom.signal.adaptive_wavelet",
    "BestBasis": "neuroloom.signal.packet_basis",
    "CWT": "neuroloom.signal.transform",
    "CWTFeatures": "neuroloom.signal.spectral_features",
    "ChangePoints": "neuroloom.signal.changes",
    "Coherence": "neuroloom.signal.cross_wavelet",
    "Compressed": "neuroloom.signal.compression",
    "DOG": "neuroloom.signal.continuous_wavelets",
    "Denoised": "neuroloom.signal.denoising",
    "DualTree": "neuroloom.signal.dual_tree_transform",
    "Edges": "neuroloom.signal.edge_maxima",
    "FourierFeatures": "neuroloom.signal.spectral_features",
    "Morlet": "neuroloom.signal.continuous_wavelets",
    "Morse": "neuroloom.signal.continuous_wavelets",
    "Paul": "neuroloom.signal.continuous_wavelets",
    "Ridges": "neuroloom.signal.ridge_paths",
    "ScaleStatistic": "neuroloom.signal.scale_statistics",
    "ScatteringFeatures": "neuroloom.signal.scattering",
    "Synchrosqueezed": "neuroloom.signal.synchrosqueezing",
    "Transients": "neuroloom.signal.events",
    "VisibilityGraphs": "neuroloom.signal.visibility",
    "WaveletCorrelationGraphs": "neuroloom.signal.correlation_graph",
    "WaveletDetector": "neuroloom.signal.wavelet_detector",
    "WaveletDetectorStream": "neuroloom.signal.wavelet_detector",
    "WaveletCompetitionFeatures": "neuroloom.signal.wavelet_competition",
    "WaveletEnsembleClassifier": "neuroloom.signal.wavelet_ensemble",
    "WaveletFeatures": "neuroloom.signal.wavelet_features",
    "WaveletPPVFeatures": "neuroloom.signal.wavelet_ppv",
    "WaveletQuantileFeatures": "neuroloom.signal.wavelet_quantiles",
    "best_basis": "neuroloom.signal.packet_basis",
    "change_points": "neuroloom.signal.changes",
    "coherence": "neuroloom.signal.cross_wavelet",
    "compress": "neuroloom.signal.compression",
    "cwt": "neuroloom.signal.transform",
    "denoise": "neuroloom.signal.denoising",
    "dual_tree": "neuroloom.signal.dual_tree_transform",
    "edges": "neuroloom.signal.edge_maxima",
    "imodwt": "neuroloom.signal.stationary",
    "modwt": "neuroloom.signal.stationary",
    "ridges": "neuroloom.signal.ridge_paths",
    "synchrosqueeze": "neuroloom.signal.synchrosqueezing",
    "transients": "neuroloom.signal.events",
    "visibility_graph": "neuroloom.signal.visibility",
    "wavelet_correlation": "neuroloom.signal.scale_statistics",
    "wavelet_variance": "neuroloom.signal.scale_statistics",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'neuroloom.signal' has no attribute {name!r}")
