"""Compositional pattern producing networks: Stanley (2007), "Compositional pattern producing networks: A novel
abstraction of development". Pictures as in Secretan et al. (2011), "Picbreeder: A case study in collaborative
evolutionary exploration of design space".
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_choice, check_int
from neuroloom.core.errors import InputError
from neuroloom.evolve.config import NEATConfig, refuse_plastic
from neuroloom.evolve.genome import Genome

if TYPE_CHECKING:
    from neuroloom.evolve.phenotypes import Phenotypes

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
ACTIVATIONS = (
    "sin",
    "cos",
    "gauss",
    "signed_gauss",
    "signed_sigmoid",
    "sigmoid",
    "abs",
    "identity",
    "step",
    "square",
)
COLOURS = {"grey": 1, "hsv": 3, "rgb": 3}


def cppn_config(dimensions: int = 2, outputs: int = 1, population: int = 150, **settings: Any) -> NEATConfig:
    """Return the settings for evolving patterns over points of so many ``dimensions``.

    Inputs are the coordinates, the distance to the centre and a constant 1; every node may have any of the functions of
    the literature.

    Args:
        dimensions: coordinates of a point, at least 1.
        outputs: what the pattern has at a point, at least 1: 1 for grey, 3 for colour.
        population: number of genomes, at least 2.
        settings: further settings of :class:`NEATConfig`, which come first.
    """
    check_int("dimensions", dimensions)
    refuse_plastic(settings.get("plasticity", "none"), "a pattern that is asked point by point")
    given = {
        "activation_default": "random",
        "activation_options": ACTIVATIONS,
        "activation_mutate_rate": 0.05,
        "initial_connection": "full",
        "node_add_prob": 0.2,
        "conn_add_prob": 0.3,
        "weight_init_stdev": 1.0,
        **settings,
    }
    return NEATConfig(dimensions + 2, outputs, population=population, **given)


def with_distance(points: Any) -> Floats:
    """Return ``(n, d + 2)``: the ``points (n, d)``, their distance to the origin, and 1."""
    at = np.asarray(points, dtype=np.float64)
    if at.ndim != 2:
        raise InputError(f"`points` must have shape (n, d), but has {at.shape}.")
    return np.column_stack([at, np.sqrt((at**2).sum(axis=1)), np.ones(len(at))])


def grid(*sizes: int) -> Floats:
    """Return the points of a regular grid, ``(product of sizes, d)``, the last coordinate running fastest.

    The longest side runs from -1 to 1, centres of cells, the others as far as their share of it: a cell is square.
    """
    for size in sizes:
        check_int("sizes", size)
    step = 2 / max(sizes)
    axes = [(np.arange(n) - (n - 1) / 2) * step for n in sizes]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(sizes))


@dataclass(frozen=True)
class CPPN:
    """A genome as a pattern over space: what it says at a point, and its picture.

    Args:
        genome: a feed-forward genome of ``d + 2`` inputs, see :func:`cppn_config`.
        colour: what its outputs mean in a picture: ``"grey"``, the size of the first is the brightness; ``"hsv"``, hue,
            saturation and brightness; ``"rgb"``, the sizes are red, green and blue.

    Raises:
        InputError: the genome has a state, fewer than 3 inputs, or too few outputs for the colour.

    Source:
        Stanley (2007), "Compositional pattern producing networks: A novel abstraction of development".
    """

    genome: Genome
    colour: str = "grey"

    def __post_init__(self) -> None:
        check_choice("colour", self.colour, tuple(COLOURS))
        refuse_plastic(self.genome.plasticity, "a CPPN")
        if self.genome.network != "feed-forward" or self.genome.inputs < 3:
            raise InputError(
                "a CPPN needs a feed-forward genome whose inputs are coordinates, the distance to the centre and 1, "
                "but "
                f"got a {self.genome.network} one of {self.genome.inputs} inputs; see cppn_config()."
            )
        if self.genome.outputs < COLOURS[self.colour]:
            raise InputError(
                f"colour={self.colour!r} needs {COLOURS[self.colour]} outputs, but the genome has "
                f"{self.genome.outputs}."
            )

    @property
    def dimensions(self) -> int:
        """How many coordinates a point has."""
        return self.genome.inputs - 2

    def __call__(self, points: Any) -> Floats:
        """Return ``(n, outputs)`` for ``points (n, dimensions)``, usually within [-1, 1]."""
        return self.genome.activate(with_distance(points))

    def render(self, height: int = 256, width: int | None = None) -> Bytes:
        """Return the picture ``(height, width)``, or ``(height, width, 3)`` in colour, at any resolution.

        Raises:
            InputError: the pattern is not one of the plane.
        """
        picture: Bytes = render([self.genome], height, width, self.colour)[0]
        return picture

    def save(self, path: str | Path, height: int = 512, width: int | None = None) -> Path:
        """Write the picture as a file of any form that Pillow knows by the ending, and return its path."""
        from PIL import Image

        path = Path(path)
        Image.fromarray(self.render(height, width)).save(path)
        return path

    def _repr_png_(self) -> bytes:
        """Return the picture for notebooks."""
        import io

        from PIL import Image

        held = io.BytesIO()
        Image.fromarray(self.render(192)).save(held, "png")
        return held.getvalue()


def render(population: Any, height: int = 64, width: int | None = None, colour: str = "grey") -> Bytes:
    """Return the pictures ``(genomes, height, width)``, or with 3 channels, of a whole population as one batch.

    Args:
        population: genomes, a :class:`~neuroloom.evolve.NEAT` run, or its compiled :class:`Phenotypes`.
        height, width: pixels, at least 1; None is a square.
        colour: as for :class:`CPPN`.

    Raises:
        InputError: the genomes are no patterns of the plane.
    """
    from neuroloom.evolve.phenotypes import as_samples

    check_choice("colour", colour, tuple(COLOURS))
    height, width = check_int("height", height), check_int("width", height if width is None else width)
    nets = _compiled(population)
    if nets.inputs != 4:
        raise InputError(
            f"a picture needs patterns of 2 coordinates (4 inputs), but these have {nets.inputs} inputs."
        )
    if nets.outputs < COLOURS[colour]:
        raise InputError(
            f"colour={colour!r} needs {COLOURS[colour]} outputs, but the genomes have {nets.outputs}."
        )
    found = nets.activate(as_samples(with_distance(grid(height, width)), 4))
    values = np.nan_to_num(found[:, : COLOURS[colour]], posinf=1.0, neginf=-1.0)
    shape = (len(values), height, width)
    if colour == "grey":
        return _bytes(np.abs(values[:, 0])).reshape(shape)
    if colour == "hsv":
        values = _from_hsv(values)
    return _bytes(np.abs(values)).transpose(0, 2, 1).reshape(*shape, 3)


def _compiled(population: Any) -> Phenotypes:
    from neuroloom.evolve.neat import NEAT
    from neuroloom.evolve.phenotypes import Phenotypes
    from neuroloom.evolve.population import pack_genomes

    if isinstance(population, Phenotypes):
        return population
    if isinstance(population, NEAT):
        nets: Phenotypes = population.phenotypes()
        return nets
    genomes = list(population)
    if not genomes or len({(one.inputs, one.outputs) for one in genomes}) > 1:
        raise InputError("`population` must hold genomes of as many inputs and outputs, at least one.")
    return Phenotypes(pack_genomes(genomes), genomes[0].inputs, genomes[0].outputs)


def _bytes(values: NDArray[np.floating[Any]]) -> Bytes:
    made: Bytes = np.rint(255 * np.clip(values, 0, 1)).astype(np.uint8)
    return made


def _from_hsv(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return red, green and blue ``(g, 3, n)`` of hue (round the circle), saturation and brightness in [0, 1]."""
    hue, saturation = values[:, 0] % 1, np.clip(np.abs(values[:, 1]), 0, 1)
    brightness = np.clip(np.abs(values[:, 2]), 0, 1)
    turn = (
        hue[:, None] * 6 + np.array([5, 3, 1])[None, :, None]
    ) % 6  # the formula of all six sectors at once
    share = np.clip(np.minimum(turn, 4 - turn), 0, 1)
    made: NDArray[np.float32] = brightness[:, None] * (1 - saturation[:, None] * share)
    return made
