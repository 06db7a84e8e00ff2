"""Compiling the kernels ahead of the first fit, so that no trial's time holds what an installation pays once."""

from __future__ import annotations

import numpy as np


def warm_up(kind: str, problem: str) -> None:
    """Compile, or read from numba's cache on disk, what ``WaveletPPVFeatures`` runs."""
    from neuroloom.signal.wavelet_ppv import WaveletPPVFeatures

    X = np.random.default_rng(0).normal(size=(6, 1, 40))
    WaveletPPVFeatures(features=300, random_state=0).fit(X).transform(X)


def warm_up_competition(kind: str, problem: str) -> None:
    """Compile, or read from numba's cache on disk, what ``WaveletCompetitionFeatures`` runs."""
    from neuroloom.signal.wavelet_competition import WaveletCompetitionFeatures

    X = np.random.default_rng(0).normal(size=(6, 1, 40))
    WaveletCompetitionFeatures(dilations=2, random_state=0).fit(X).transform(X)


def warm_up_ensemble(kind: str, problem: str) -> None:
    """Compile, or read from numba's cache on disk, what ``WaveletEnsembleClassifier`` runs."""
    from neuroloom.signal.wavelet_ensemble import WaveletEnsembleClassifier

    X, y = np.random.default_rng(0).normal(size=(6, 1, 40)), np.arange(6) % 2
    WaveletEnsembleClassifier(features=300, trees=10, random_state=0).fit(X, y).predict(X)


def warm_up_visibility(kind: str, problem: str) -> None:
    """Compile, or read from numba's cache on disk, what ``VisibilityGraphs`` runs."""
    from neuroloom.signal.visibility import visibility_graph

    for horizontal in (False, True):
        visibility_graph([0.0, 2.0, 1.0], horizontal)
