"""Wavelet and Fourier features, and what classifies series by them."""

from __future__ import annotations

from collections.abc import Iterator

from neuroloom.methods.method import LEARNED, TO_GRAPHS, Method, transformer


def methods() -> Iterator[Method]:
    """Yield them in the order in which they are listed."""
    signal = "neuroloom.signal"
    yield Method("wavelets", "signal", "statistics of wavelet bands",
                 transformer(f"{signal}:WaveletFeatures", "series", "image")
                 | {("series", "detection"): f"{signal}:WaveletDetector"})  # fmt: skip
    yield Method("scattering", "signal", "scattering transform: wavelet moduli of wavelet moduli",
                 transformer(f"{signal}:ScatteringFeatures", "series"))  # fmt: skip
    yield Method("cwt", "signal", "continuous wavelet transform: power by scale and time, and its ridge",
                 transformer(f"{signal}:CWTFeatures", "series"))  # fmt: skip
    yield Method("adaptive-wavelet", "signal", "wavelets learned by gradient, their filters orthogonal throughout",
                 transformer(f"{signal}:AdaptiveWaveletFeatures", "series"), offered=False)  # fmt: skip
    yield Method("evolved-wavelet", "signal", "wavelets whose filters evolve, orthogonal throughout",
                 transformer("neuroloom.methods.evolved_wavelet:EvolvedWaveletFeatures", "series"),
                 offered=False)  # fmt: skip
    yield Method("fourier", "signal", "power spectrum in bands",
                 transformer(f"{signal}:FourierFeatures", "series"))  # fmt: skip
    yield Method("visibility-graph", "signal", "visibility graph: a series as the graph of which values see each other",
                 {("series", TO_GRAPHS): f"{signal}:VisibilityGraphs"}, offered=False,
                 warm_up=f"{signal}.warming:warm_up_visibility")  # fmt: skip
    yield Method("wavelet-correlation-graph", "signal", "channels as a graph by wavelet correlation at each scale",
                 {("series", TO_GRAPHS): f"{signal}:WaveletCorrelationGraphs"}, offered=False)  # fmt: skip
    yield Method("wavelet-ppv", "signal", "shares of positive values of wavelet kernels",
                 transformer(f"{signal}:WaveletPPVFeatures", "series"), version=2,
                 warm_up=f"{signal}.warming:warm_up")  # fmt: skip
    yield Method("wavelet-competition", "signal", "wavelet kernels that compete in small groups",
                 transformer(f"{signal}:WaveletCompetitionFeatures", "series"), offered=False,
                 warm_up=f"{signal}.warming:warm_up_competition")  # fmt: skip
    yield Method("wavelet-quantiles", "signal", "quantiles of wavelet bands over dyadic intervals, for a forest",
                 transformer(f"{signal}:WaveletQuantileFeatures", "series"), offered=False)  # fmt: skip
    yield Method("wavelet-ensemble", "signal", "wavelet kernels and quantiles of wavelet bands, four heads together",
                 {("series", LEARNED[0]): f"{signal}:WaveletEnsembleClassifier"}, version=3,
                 warm_up=f"{signal}.warming:warm_up_ensemble")  # fmt: skip
