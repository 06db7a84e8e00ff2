"""First weights of a dense network, by the field's names.

Sources:
    LeCun, Bottou, Orr & Müller (1998), "Efficient backprop"; Glorot & Bengio (2010), "Understanding the difficulty of
    training deep feedforward neural networks"; He, Zhang, Ren & Sun (2015), "Delving deep into rectifiers"; Saxe,
    McClelland & Ganguli (2014), "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks"
    (orthogonal).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.seeding import stream

Floats = NDArray[np.float64]

INITIALISATIONS = (
    "auto",
    "glorot-normal",
    "glorot-uniform",
    "he-normal",
    "he-uniform",
    "lecun-normal",
    "lecun-uniform",
    "orthogonal",
)


def initial_gain(activation: str) -> float:
    """Return ``g`` in the weights' variance ``g / fan_in``: He's 2 for the ReLU family, LeCun's and Glorot's 1."""
    return 1.0 if activation in ("identity", "selu", "sigmoid", "softplus", "tanh") else 2.0


def initial_variance(init: str, into: int, out: int) -> float:
    """Return the variance of a weight of a layer of ``into`` inputs and ``out`` units under a named initialisation."""
    if init.startswith("glorot"):
        return 2.0 / (into + out)
    return (2.0 if init.startswith("he") else 1.0) / into


def _matrix(generator: np.random.Generator, init: str, into: int, out: int, gain: float) -> Floats:
    if init == "orthogonal":
        q, r = np.linalg.qr(generator.normal(size=(max(into, out), min(into, out))))
        q = q * np.sign(np.diag(r))  # uniform over the orthogonal matrices (Mezzadri 2007)
        return np.asarray(math.sqrt(gain) * (q if into >= out else q.T))
    deviation = math.sqrt(initial_variance(init, into, out))
    if init.endswith("uniform"):
        return generator.uniform(-math.sqrt(3) * deviation, math.sqrt(3) * deviation, (into, out))
    return generator.normal(0.0, deviation, (into, out))


def initial_weights(
    widths: Sequence[int], activation: str, seed: int, prior: Floats, init: str = "auto"
) -> dict[str, Floats]:
    """Return one member's first weights, ``weight_l (in, out)`` and ``bias_l (out,)`` of layer ``l``.

    Args:
        widths: features, hidden units of each layer, outputs.
        activation: key of ``ACTIVATION``.
        seed: of the draw.
        prior: ``(outputs,)`` the output biases; the output weights start small, so training begins at the prior.
        init: one of ``INITIALISATIONS``, of the hidden layers; ``auto`` draws biases, too, the others begin with none.
    """
    generator = stream(seed, "weights")
    made: dict[str, Floats] = {}
    last = len(widths) - 2
    for layer, (into, out) in enumerate(itertools.pairwise(widths)):
        gain = 0.01 if layer == last else initial_gain(activation)
        if init == "auto" or layer == last:
            made[f"weight_{layer}"] = generator.normal(0.0, math.sqrt(gain / into), (into, out))
            made[f"bias_{layer}"] = (
                prior if layer == last else generator.uniform(-1, 1, out) / math.sqrt(into)
            )
        else:
            made[f"weight_{layer}"] = _matrix(generator, init, into, out, gain)
            made[f"bias_{layer}"] = np.zeros(out)
    return made


def first_weights(
    features: int,
    hidden: Sequence[int],
    activation: str,
    seed: int,
    prior: Floats,
    *,
    init: str = "auto",
    normalization: str = "none",
    frequencies: int = 0,
    frequency_scale: float = 0.1,
) -> dict[str, Floats]:
    """Return all that one member learns: :func:`initial_weights`, and what its other parts bring.

    ``frequency (features, frequencies)`` of a periodic encoding, drawn from ``N(0, frequency_scale²)``; ``scale_l`` and
    ``shift_l (out,)`` of a normalisation; ``slope_l (out,)`` of PReLU, which begins at a quarter.
    """
    widths = [features * (1 + 2 * frequencies), *hidden, len(prior)]
    made = initial_weights(widths, activation, seed, prior, init)
    for layer, units in enumerate(hidden):
        if normalization != "none":
            made |= {f"scale_{layer}": np.ones(units), f"shift_{layer}": np.zeros(units)}
        if activation == "prelu":
            made[f"slope_{layer}"] = np.full(units, 0.25)
    if frequencies:
        made["frequency"] = stream(seed, "frequencies").normal(0.0, frequency_scale, (features, frequencies))
    return made
