"""The bridge to neat-python (https://neat-python.readthedocs.io): its config files and its genomes."""

from __future__ import annotations

import configparser
import inspect
import tempfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.errors import InputError, NotSupportedError, unknown
from neuroloom.evolve.config import NEATConfig, refuse_plastic
from neuroloom.evolve.genome import Connection, Genome, Node

Floats = NDArray[np.float64]

_RENAMED = {
    "pop_size": "population",
    "num_inputs": "inputs",
    "num_outputs": "outputs",
    "num_hidden": "hidden",
}
ELSEWHERE = {  # items of neat-python's files that are no field of NEATConfig, and what stands for them
    "seed": "`random_state` of NEAT and the estimators; `neat_compat.Population` takes the file's",
    "no_fitness_termination": "`fitness_threshold=None`",
}
_FIXED: dict[str, Any] = {
    "distance": "neat-python",
    "crossover_rate": 1.0,
    "interspecies_rate": 0.0,
    "genome_mutate_rate": 1.0,
    "refocus_after": None,
    "elite_species_size": 0,
    "recurrent_outputs": False,
    "initial_self_connections": True,
}
_DEFAULTS: dict[str, Any] = {  # what neat-python takes for an item that its file leaves out
    "activation_default": "random",
    "aggregation_default": "random",
    "elitism": 0,
    "initial_connection": "unconnected",
    "max_stagnation": 15,
    "min_species_size": 1,
    "single_structural_mutation": False,
    "species_elitism": 0,
    "species_fitness_func": "mean",
    "survival_threshold": 0.2,
    "time_constant_min_value": 0.01,
}
_ENABLED = {
    **dict.fromkeys(("1", "on", "yes", "true"), "true"),
    **dict.fromkeys(("0", "off", "no", "false"), "false"),
    **dict.fromkeys(("random", "none"), "random"),
}
_SECTIONS = {
    "NEAT": ("fitness_criterion", "fitness_threshold", "population", "reset_on_extinction"),
    "DefaultSpeciesSet": ("compatibility_threshold",),
    "DefaultStagnation": ("species_fitness_func", "max_stagnation", "species_elitism"),
    "DefaultReproduction": ("elitism", "survival_threshold", "min_species_size"),
}
_OURS = [
    "output_activation",
    "connection_fraction",
    "compatibility_excess_coefficient",
    "fitness_sharing",
    "species_target",
    "disable_rate",
    "network",
    "advance_time",
    "time_step",
    "integrator",
    "plasticity",
    "weight_bound",
    "compatibility_plasticity_coefficient",
    "plasticity_init_mean",
    "plasticity_init_stdev",
    "plasticity_init_type",
    "plasticity_mutate_rate",
    "plasticity_replace_rate",
    "plasticity_mutate_power",
    "plasticity_min_value",
    "plasticity_max_value",
]


def _read(path: str | Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
    except (OSError, configparser.Error) as error:
        raise InputError(f"{path} cannot be read as a config file of neat-python: {error}") from error
    return parser


def read_seed(path: str | Path) -> int | None:
    """Return the seed that a config file of neat-python names, or None.

    Raises:
        InputError: the file cannot be read, or the seed is no whole number.
    """
    text = _read(path).get("NEAT", "seed", fallback=None)
    try:
        return None if text is None else int(text)
    except ValueError as error:
        raise InputError(f"`seed` in {path} must be of type int, but is {text!r}.") from error


def read_config(path: str | Path) -> dict[str, Any]:
    """Return the arguments of ``NEATConfig`` that a config file of neat-python stands for.

    Raises:
        InputError: the file cannot be read, lacks a section, or has an item that is not known.
        NotSupportedError: it is of spiking networks.
    """
    parser = _read(path)
    if "IZGenome" in parser:
        raise NotSupportedError(
            f"{path} is of spiking networks (IZGenome), which are not there; feed-forward, recurrent and "
            "continuous-time networks are: keep neat-python for it."
        )
    if "NEAT" not in parser or "DefaultGenome" not in parser:
        raise InputError(
            f"{path} needs the sections [NEAT] and [DefaultGenome], but has {parser.sections()}."
        )
    kinds = {field.name: str(field.type) for field in fields(NEATConfig)}
    found = _DEFAULTS | _FIXED
    for section in ("NEAT", "DefaultGenome", *list(_SECTIONS)[1:]):
        for item, text in parser.items(section) if section in parser else ():
            name = _RENAMED.get(item, item)
            if item in ELSEWHERE:
                continue
            if name not in kinds:
                raise unknown(f"item in [{section}] of {path}", item, [*kinds, *_RENAMED])
            found[name] = _value(name, text.strip(), kinds[name], path)
    for name, item in (("inputs", "num_inputs"), ("outputs", "num_outputs")):
        if name not in found:
            raise InputError(f"{path} lacks the item {item} in [DefaultGenome]; add it.")
    found["compatibility_excess_coefficient"] = found.get("compatibility_disjoint_coefficient", 1.0)
    if parser["NEAT"].get("no_fitness_termination", "false").strip().lower() in ("1", "yes", "true", "on"):
        found["fitness_threshold"] = None
    if found.get("structural_mutation_surer", "default") == "default":
        found["structural_mutation_surer"] = found["single_structural_mutation"]
    rule, *fraction = str(found["initial_connection"]).split()
    found["initial_connection"] = rule
    if fraction:
        found["connection_fraction"] = float(fraction[0])
    return found


def _value(name: str, text: str, kind: str, path: str | Path) -> Any:
    if name == "structural_mutation_surer" and text.lower() == "default":
        return "default"
    if name == "enabled_default":
        return _ENABLED.get(text.lower(), text)
    if name in ("activation_default", "aggregation_default") and text.lower() in ("none", "random"):
        return "random"
    if name.endswith("_init_type"):
        return "uniform" if "uniform" in text.lower() else "gaussian"
    try:
        if kind.startswith("bool"):
            return {"true": True, "false": False}[_ENABLED[text.lower()]]
        if kind.startswith("tuple"):
            return tuple(text.split())
        return int(text) if kind.startswith("int") else float(text) if kind.startswith("float") else text
    except (KeyError, ValueError) as error:
        raise InputError(f"`{name}` in {path} must be of type {kind}, but is {text!r}.") from error


def write_config(config: NEATConfig, path: str | Path) -> None:
    """Write ``config`` as a config file of neat-python.

    Raises:
        InputError: the networks are plastic.
    """
    refuse_plastic(config.plasticity, "neat-python's config file")
    back = {ours: theirs for theirs, ours in _RENAMED.items()}
    data = config.to_dict()
    for name in (*_FIXED, *_OURS):
        data.pop(name, None)
    threshold = data["fitness_threshold"]
    data["fitness_threshold"] = 1e300 if threshold is None else threshold
    if config.initial_connection.startswith("partial"):
        data["initial_connection"] = f"{config.initial_connection} {config.connection_fraction}"
    lines = []
    placed: set[str] = set()
    for section, names in _SECTIONS.items():
        lines.append(f"[{section}]")
        lines += [f"{back.get(name, name)} = {_text(data[name])}" for name in names]
        lines += [f"no_fitness_termination = {threshold is None}"] if section == "NEAT" else []
        lines.append("")
        placed.update(names)
    lines += ["[DefaultGenome]"]
    lines += [
        f"{back.get(name, name)} = {_text(value)}" for name, value in data.items() if name not in placed
    ]
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _text(value: Any) -> str:
    return " ".join(value) if isinstance(value, tuple) else str(value)


def load_config(config: NEATConfig) -> Any:
    """Return neat-python's own ``Config`` for these settings."""
    import neat

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "neat.ini"
        write_config(config, path)
        return neat.Config(
            neat.DefaultGenome,
            neat.DefaultReproduction,
            neat.DefaultSpeciesSet,
            neat.DefaultStagnation,
            str(path),
        )


def from_neat_genome(genome: Any, config: Any, network: str | None = None) -> Genome:
    """Return a genome of neat-python as ours.

    Args:
        genome: a ``neat.DefaultGenome``.
        config: the ``neat.Config`` it lives under.
        network: what it is computed as, which neat-python's settings do not tell; None for ``"feed-forward"`` or
            ``"recurrent"``, as their ``feed_forward`` says.
    """
    nodes = (
        Node(i, g.bias, g.response, g.activation, g.aggregation, g.time_constant)
        for i, g in genome.nodes.items()
    )
    conns = (
        Connection(g.innovation, source, target, g.weight, g.enabled)
        for (source, target), g in genome.connections.items()
    )
    own = config.genome_config
    found = network or ("feed-forward" if own.feed_forward else "recurrent")
    return Genome(own.num_inputs, own.num_outputs, tuple(nodes), tuple(conns), genome.fitness, found)


def to_neat_genome(genome: Genome, config: Any, key: int = 0) -> Any:
    """Return a genome as neat-python's ``DefaultGenome``.

    Args:
        genome: ours.
        config: the ``neat.Config`` it is to live under.
        key: its number there.

    Raises:
        InputError: the genome is plastic.
    """
    refuse_plastic(genome.plasticity, "neat-python's genome")
    from neat.genes import DefaultConnectionGene, DefaultNodeGene
    from neat.genome import DefaultGenome

    found = DefaultGenome(key)
    found.fitness = genome.fitness
    for node in genome.nodes:
        gene = DefaultNodeGene(node.id)
        gene.bias, gene.response, gene.time_constant = node.bias, node.response, node.time_constant
        gene.activation, gene.aggregation = node.activation, node.aggregation
        found.nodes[node.id] = gene
    for conn in genome.connections:
        gene = DefaultConnectionGene((conn.source, conn.target), innovation=conn.innovation)
        gene.weight, gene.enabled = conn.weight, conn.enabled
        found.connections[gene.key] = gene
    return found


def takes_genomes(fitness: Callable[..., Any]) -> bool:
    """Return whether ``fitness`` is of neat-python's form ``eval_genomes(genomes, config)``."""
    try:
        parameters = inspect.signature(fitness).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in positional and p.default is inspect.Parameter.empty for p in parameters) == 2


def call_eval_genomes(fitness: Callable[..., Any], genomes: list[Genome], config: NEATConfig) -> Floats:
    """Call ``fitness(genomes, config)`` as neat-python does and return what it set.

    Raises:
        InputError: a genome was left without a fitness.
    """
    fitness(list(enumerate(genomes, start=1)), config)
    missing = [i for i, genome in enumerate(genomes, start=1) if genome.fitness is None]
    if missing:
        raise InputError(
            f"eval_genomes must set `fitness` of every genome, but left out {len(missing)} of {len(genomes)}, the "
            f"first {missing[0]}."
        )
    return np.array([genome.fitness for genome in genomes], dtype=np.float64)
