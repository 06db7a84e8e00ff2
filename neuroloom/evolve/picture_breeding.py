"""Breeding pictures by taste: the user selects, CPPNs evolve. Secretan, Beato, D'Ambrosio, Rodriguez, Campbell,
Folsom-Kovarik and Stanley (2011), "Picbreeder: A case study in collaborative evolutionary exploration of design space".
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core import plotting
from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.seeding import as_seed, derive, stream
from neuroloom.evolve import population
from neuroloom.evolve.breeding import Breeder, Innovations
from neuroloom.evolve.cppn import COLOURS, CPPN, cppn_config, render
from neuroloom.evolve.founders import as_founder, found
from neuroloom.evolve.genome import Genome
from neuroloom.evolve.phenotypes import Phenotypes
from neuroloom.evolve.saving import replace

if TYPE_CHECKING:
    from neuroloom.evolve.config import NEATConfig

FORMAT = 1
_FIRST_MUTATIONS = 3  # rounds before the first pictures, which would be plain otherwise
_FLAT = 12  # of 255 shades
_DRAWS = 4  # children of which a place takes the first whose picture is not one flat shade


@dataclass(frozen=True)
class Picture:
    """A picture that was shown.

    Args:
        id: its number in the session, from 0.
        genome: the CPPN behind it.
        parents: the numbers of the pictures that it descends from, none for those of the first generation.
        generation: in which it came, from 0.
    """

    id: int
    genome: Genome
    parents: tuple[int, ...]
    generation: int


class PictureBreeding:
    """A session: generations of pictures, each bred from those that were selected.

    The selected pictures stay, first in the next generation; the others of it are children of them in turn, mutated,
    and half of the time crossed with another of the selected.

    Args:
        colour: ``"grey"``, ``"hsv"`` or ``"rgb"``, as for :class:`~neuroloom.evolve.CPPN`.
        size: pictures of a generation, 4 to 100.
        random_state: seed, generator or None; with the same selections the same pictures come.
        founder: a genome that the first pictures are mutations of, beside itself; None for random ones.
        path: a file that every step is appended to, one line of JSON each, so that nothing is lost; None for none.

    Attributes:
        generation: the generation that is shown, from 0.

    Raises:
        InputError: a setting is out of its range, the founder is no picture of that colour, or the file exists.

    Example:
        >>> breeding = PictureBreeding("grey", 9, random_state=0)
        >>> breeding.breed(breeding.shown[:2])
        >>> breeding.generation
        1
    """

    def __init__(
        self,
        colour: str = "hsv",
        size: int = 20,
        random_state: Any = None,
        founder: Genome | None = None,
        path: str | Path | None = None,
    ) -> None:
        self.colour = check_choice("colour", colour, tuple(COLOURS))
        self.size = check_int("size", size, 4, 100)
        self.seed = as_seed(random_state)
        self.path = None if path is None else Path(path)
        self._pictures: list[Picture] = []
        self._shown: list[list[int]] = []
        self._config = cppn_config(outputs=COLOURS[colour], population=size)
        self.generation, self._bytes = 0, 0
        if founder is not None:
            CPPN(founder, colour)
            founder = as_founder(founder, self._config)
        if self.path is not None and self.path.exists():
            raise InputError(
                f"{self.path} exists already; open it with PictureBreeding.open, or name another file."
            )
        self._show(self._first(founder), [()] * size, [None] * size)

    # -- what there is --------------------------------------------------------------------------------------

    @property
    def shown(self) -> list[int]:
        """The numbers of the pictures of the present generation."""
        return list(self._shown[self.generation])

    def __getitem__(self, id: int) -> Picture:
        """Return a picture that was shown in this session."""
        if not 0 <= id < len(self._pictures):
            raise InputError(f"there is no picture {id}; the session has 0 … {len(self._pictures) - 1}.")
        return self._pictures[id]

    def cppn(self, id: int) -> CPPN:
        """Return the pattern behind a picture, which renders it at any size."""
        return CPPN(self[id].genome, self.colour)

    def lineage(self, id: int) -> list[int]:
        """Return a picture's line, from the first ancestor to itself, by the first parent of each."""
        line = [self[id]]
        while line[-1].parents:
            line.append(self[line[-1].parents[0]])
        return [picture.id for picture in reversed(line)]

    def plot_lineage(self, id: int, axes: Any = None) -> Any:
        """Draw a picture's line, oldest first; return matplotlib's axes."""
        line = self.lineage(id)
        if axes is None:
            shape = {"figsize": (1.5 * len(line) + 0.2, 1.9), "layout": "constrained", "squeeze": False}
            axes = plotting.pyplot().subplots(1, len(line), **shape)[1][0]
        for ax, one in zip(np.ravel(axes), line, strict=True):
            ax.imshow(self.cppn(one).render(128), cmap="gray", vmin=0, vmax=255)
            ax.set_title(f"{one} (generation {self[one].generation})", fontsize=7)
            ax.axis("off")
        return axes

    # -- breeding -------------------------------------------------------------------------------------------

    def breed(self, selected: Iterable[int], mutation: float = 1.0) -> None:
        """Show the next generation, bred from the ``selected`` ones of those that are shown.

        Args:
            selected: numbers of pictures, at least one.
            mutation: how much children differ, in [0.1, 5]: a factor on steps and chances of mutation.

        Raises:
            InputError: nothing is selected, or what is not shown; or the step cannot be written to the file.
        """
        chosen = list(dict.fromkeys(selected))
        check_float("mutation", mutation, 0.1, 5)
        strange = [id for id in chosen if id not in self._shown[self.generation]]
        if not chosen or strange:
            raise InputError(
                f"select at least one of the pictures shown, {self.shown[0]} … {self.shown[-1]}, but got "
                f"{strange or 'none'}."
            )
        genes = population.pack_genomes([self[id].genome for id in chosen])
        step = len(self._pictures)  # after going back the same selection brings other children
        draw = stream(self.seed, "breed", step)
        first = np.arange(self.size) % len(chosen)
        other = draw.integers(len(chosen), size=self.size)
        second = np.where(draw.random(self.size) < 0.5, other, first)
        keep = np.arange(self.size) < len(chosen)
        second[keep] = first[keep]
        made = self._children(genes, first, second, keep, step, _mutated(self._config, mutation))
        parents = [tuple(dict.fromkeys((chosen[a], chosen[b]))) for a, b in zip(first, second, strict=True)]
        self._show(made, parents, [chosen[k] if k < len(chosen) else None for k in range(self.size)])

    def back(self) -> None:
        """Show the generation before again; what comes next is bred from it, and nothing is forgotten.

        Raises:
            InputError: this is the first; or the step cannot be written to the file.
        """
        if self.generation == 0:
            raise InputError("this is the first generation; there is none before it.")
        self._write([{"back": self.generation - 1}])
        self.generation -= 1

    def _first(self, founder: Genome | None) -> list[Genome]:
        rows, none = np.arange(self.size), np.zeros(self.size, np.bool_)
        seed = derive(self.seed, "breed", "first")
        if founder is None:
            genes = found(self._config, seed)
        else:
            none[0] = True
            genes = population.pack_genomes([founder] * self.size)
        for step in range(_FIRST_MUTATIONS if founder is None else 1):
            made = self._children(genes, rows, rows, none, -1 - step, self._config)
            genes = population.pack_genomes(made)
        return made

    def _children(
        self,
        genes: population.Genes,
        first: NDArray[np.int64],
        second: NDArray[np.int64],
        keep: NDArray[np.bool_],
        step: int,
        config: NEATConfig,
    ) -> list[Genome]:
        """Return children of the genomes ``genes``, whose connections are numbered anew from 0."""
        pairs = np.stack([genes.source, genes.target], axis=1).astype(np.int64)
        known, at = np.unique(genes.innovation, return_index=True)
        genes = genes._replace(innovation=np.searchsorted(known, genes.innovation).astype(np.int32))
        numbers = Innovations.of(int(genes.node_id.max()) + 1, pairs[at])
        config = config.replace(population=_DRAWS * self.size)
        breeder = Breeder(config, derive(self.seed, "breed", "children", step), 1)
        many = np.tile(first, _DRAWS), np.tile(second, _DRAWS), np.tile(keep, _DRAWS)
        made = breeder.offspring(genes, many[0], many[1], 0, numbers, many[2])
        small = render(Phenotypes(made, config.inputs, config.outputs), 16, colour=self.colour)
        shades = small.reshape(_DRAWS, self.size, 256, -1).astype(np.int64)
        flat = np.ptp(shades, axis=2).max(axis=2) < _FLAT
        draw = np.where(keep, 0, flat.argmin(axis=0))
        rows = draw * self.size + np.arange(self.size)
        return [population.genome(made, k, config.inputs, config.outputs) for k in rows.tolist()]

    def _show(
        self, genomes: Sequence[Genome], parents: Sequence[tuple[int, ...]], stays: Sequence[int | None]
    ) -> None:
        """Make ``genomes`` the present generation; ``stays`` are the numbers of those that were there before."""
        generation = self.generation + 1 if self._shown else 0
        ids: list[int] = []
        new: list[Picture] = []
        for genome, line, old in zip(genomes, parents, stays, strict=True):
            if old is None:
                new.append(Picture(len(self._pictures) + len(new), genome, line, generation))
            ids.append(new[-1].id if old is None else old)
        written = [{"id": p.id, "parents": p.parents, "genome": p.genome.to_dict()} for p in new]
        entry = {"generation": generation, "shown": ids, "pictures": written}
        head = {"format": FORMAT, "colour": self.colour, "size": self.size, "seed": self.seed}
        self._write([entry] if self._shown else [head, entry])
        self._enter(generation, ids, new)

    def _enter(self, generation: int, ids: list[int], new: list[Picture]) -> None:
        self._pictures += new
        del self._shown[generation:]
        self._shown.append(ids)
        self.generation = generation

    # -- the file -------------------------------------------------------------------------------------------

    def _write(self, entries: Sequence[dict[str, Any]]) -> None:
        """Append a line for each of ``entries``, all or none; the first ones make the file."""
        if self.path is None:
            return
        lines = "".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in entries).encode()
        try:
            if not self._shown:
                replace(self.path, lines)
            elif self.path.stat().st_size != self._bytes:
                raise InputError(
                    f"{self.path} was changed by another program; stop this one and open the session again."
                )
            else:
                self._add(self.path, lines)
            self._bytes += len(lines)
        except OSError as error:
            raise InputError(
                f"{self.path} cannot be written: {error.strerror}; name another file."
            ) from error

    def _add(self, path: Path, lines: bytes) -> None:
        try:
            with path.open("ab") as file:
                file.write(lines)
        except OSError:  # of a step that did not fit nothing stays, or the next would stand behind its half
            os.truncate(path, self._bytes)
            raise

    @classmethod
    def open(cls, path: str | Path) -> PictureBreeding:
        """Return the session that a file holds, as it was after its last step; further steps are appended.

        Raises:
            InputError: there is no such file, or it holds something else.
        """
        path = Path(path)
        try:
            text = path.read_bytes().decode()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path} cannot be read as a session: {error}.") from error
        whole, _, torn = text.rpartition("\n")  # a step that was cut off while it was written never happened
        own = cls.__new__(cls)
        number = 0
        try:
            for number, line in enumerate(whole.split("\n"), 1):
                own._read(json.loads(line), number == 1)
            if not own._shown:
                raise ValueError("it shows no pictures")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InputError(f"{path} is no session of pictures: line {number}: {error!r}.") from error
        own.path, own._bytes = path, len(whole.encode()) + 1
        if torn:
            try:
                os.truncate(path, own._bytes)
            except OSError as error:
                raise InputError(f"{path} cannot be written: {error.strerror}; copy it elsewhere.") from error
        return own

    def _read(self, entry: dict[str, Any], first: bool) -> None:
        if first:
            if entry["format"] != FORMAT:
                raise ValueError(f"format {entry['format']!r} instead of {FORMAT}")
            self.path = None
            self.colour, self.size = entry["colour"], check_int("size", entry["size"], 4, 100)
            self.seed = check_int("seed", entry["seed"], 0)
            self._config = cppn_config(outputs=COLOURS[self.colour], population=self.size)
            self._pictures, self._shown, self.generation = [], [], 0
        elif "back" in entry:
            self.generation = check_int("back", entry["back"], 0, len(self._shown) - 1)
        else:
            generation = check_int("generation", entry["generation"], 0, self.generation + 1)
            new = [
                Picture(one["id"], Genome.from_dict(one["genome"]), tuple(one["parents"]), generation)
                for one in entry["pictures"]
            ]
            count = len(self._pictures)
            for one in new:
                self._check(one, count)
            ids = [check_int("shown", id, 0, count + len(new) - 1) for id in entry["shown"]]
            if [one.id for one in new] != list(range(count, count + len(new))) or len(set(ids)) != self.size:
                raise ValueError("the pictures' numbers do not follow each other")
            self._enter(generation, ids, new)

    def _check(self, picture: Picture, count: int) -> None:
        genome, config = picture.genome, self._config
        CPPN(genome, self.colour)
        population.pack_genomes([genome])
        if (genome.inputs, genome.outputs) != (config.inputs, config.outputs):
            raise ValueError(f"picture {picture.id} has other inputs or outputs than its session")
        for parent in picture.parents:  # before it, so that every line has an end
            check_int("parents", parent, 0, count - 1)


def _mutated(config: NEATConfig, factor: float) -> NEATConfig:
    """Return settings by which children differ more, or less."""
    chances = ("node_add_prob", "conn_add_prob", "activation_mutate_rate")
    steps = ("weight_mutate_power", "bias_mutate_power")
    changed = {name: min(factor * getattr(config, name), 1.0) for name in chances}
    most = 1.0 - config.weight_replace_rate
    changed["weight_mutate_rate"] = min(factor * config.weight_mutate_rate, most)
    return config.replace(**changed, **{name: factor * getattr(config, name) for name in steps})
