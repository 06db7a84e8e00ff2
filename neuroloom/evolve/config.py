"""The settings of NEAT: frozen, validated, with the defaults of the paper."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.evolve.functions import activation_code, aggregation_code

CONNECTIONS = (
    "unconnected",
    "fs_neat",
    "fs_neat_nohidden",
    "fs_neat_hidden",
    "full",
    "full_nodirect",
    "full_direct",
    "partial",
    "partial_nodirect",
    "partial_direct",
)
NETWORKS = ("feed-forward", "recurrent", "ctrnn")
INTEGRATORS = ("euler", "neat-python")
PLASTICITY = ("none", "hebbian")
_NUMBERS = ("weight", "bias", "response", "time_constant", "plasticity")
DISTANCES = ("neat-python", "paper", "unscaled")
_RATES = [
    "conn_add_prob",
    "conn_delete_prob",
    "node_add_prob",
    "node_delete_prob",
    "connection_fraction",
    "enabled_mutate_rate",
    "enabled_rate_to_true_add",
    "enabled_rate_to_false_add",
    "activation_mutate_rate",
    "aggregation_mutate_rate",
    "weight_mutate_rate",
    "weight_replace_rate",
    "bias_mutate_rate",
    "bias_replace_rate",
    "response_mutate_rate",
    "response_replace_rate",
    "time_constant_mutate_rate",
    "time_constant_replace_rate",
    "plasticity_mutate_rate",
    "plasticity_replace_rate",
    "survival_threshold",
    "crossover_rate",
    "interspecies_rate",
    "disable_rate",
    "genome_mutate_rate",
]
_NOT_NEGATIVE = [
    "weight_init_stdev",
    "weight_mutate_power",
    "bias_init_stdev",
    "bias_mutate_power",
    "response_init_stdev",
    "response_mutate_power",
    "time_constant_init_stdev",
    "time_constant_mutate_power",
    "plasticity_init_stdev",
    "plasticity_mutate_power",
    "compatibility_disjoint_coefficient",
    "compatibility_excess_coefficient",
    "compatibility_weight_coefficient",
    "compatibility_plasticity_coefficient",
    "compatibility_threshold",
]
_COUNTS = ["hidden", "elitism", "elite_species_size", "species_elitism", "min_species_size"]


@dataclass(frozen=True)
class NEATConfig:
    """The settings of a NEAT run; names are neat-python's where it has them.

    The defaults are those of the paper for a population of 150, with a bias and a slope for every node instead of a
    bias input, as in neat-python. Two rules of the paper are off, since a few runs in a hundred of its own XOR get
    stuck for good with each of them: dividing the distance by the genome's size (``distance="paper"``), and refocusing
    (``refocus_after=20``).

    Args:
        inputs: number of inputs, at least 1. Their ids are -1, -2, …
        outputs: number of outputs, at least 1. Their ids are 0, 1, …
        population: number of genomes, at least 2.
        hidden: hidden nodes at the start, the same ids in every genome.
        initial_connection: ``"full"`` (each input to each hidden node, those to each output; inputs to outputs when
            there are none), ``"full_direct"`` (inputs to outputs too), ``"partial"``, ``"partial_direct"`` (a random
            ``connection_fraction`` of these), ``"fs_neat"`` (one random input to all outputs), ``"fs_neat_hidden"``
            (to hidden nodes too), ``"unconnected"``; ``…_nodirect`` and ``…_nohidden`` are the plain forms.
        connection_fraction: share in [0, 1] for the partial forms.
        initial_self_connections: whether the full and partial forms hold a connection from each node to itself where
            cycles may be, as in neat-python.
        network: what genomes are computed as: ``"feed-forward"``; ``"recurrent"``, all nodes at once from the values
            of the step before; ``"ctrnn"``, nodes whose values follow theirs with a time constant, in continuous time;
            ``"auto"`` is feed-forward or recurrent, as ``feed_forward`` says.
        feed_forward: whether no connection may close a cycle; None for yes in feed-forward networks and no in others.
        recurrent_outputs: whether an added connection may begin at an output, where cycles may be; neat-python's do
            not.
        advance_time: time that a continuous-time network runs on each input, above 0.
        time_step: longest step of its integration, above 0 and at most twice the smallest time constant.
        integrator: ``"euler"``, Euler's method, or ``"neat-python"``, what neat-python 2.0 does in its place: each step
            starts from the values two steps back and outputs are read a step late, so time runs at half its speed.
        activation_default: activation of a new node, or ``"random"`` for one of the options.
        activation_options: what mutation may choose from.
        activation_mutate_rate: chance in [0, 1] for each node and generation.
        output_activation: activation of the outputs, which then never mutates; None treats them as hidden nodes.
        aggregation_default: aggregation of a new node, or ``"random"``.
        aggregation_options: what mutation may choose from.
        aggregation_mutate_rate: chance for each node and generation.
        weight_init_mean: mean of a new weight.
        weight_init_stdev: its standard deviation.
        weight_init_type: ``"gaussian"`` or ``"uniform"`` (two standard deviations to either side).
        weight_mutate_rate: chance that a weight is perturbed.
        weight_replace_rate: chance that it is drawn anew.
        weight_mutate_power: standard deviation of a perturbation.
        weight_min_value: smallest weight.
        weight_max_value: largest weight.
        bias_init_mean: as for weights.
        bias_init_stdev: as for weights.
        bias_init_type: as for weights.
        bias_mutate_rate: as for weights.
        bias_replace_rate: as for weights.
        bias_mutate_power: as for weights.
        bias_min_value: as for weights.
        bias_max_value: as for weights.
        response_init_mean: as for weights; the response multiplies a node's aggregated input.
        response_init_stdev: as for weights.
        response_init_type: as for weights.
        response_mutate_rate: as for weights.
        response_replace_rate: as for weights.
        response_mutate_power: as for weights.
        response_min_value: as for weights.
        response_max_value: as for weights.
        time_constant_init_mean: as for weights; time that a node of a continuous-time network takes, above 0.
        time_constant_init_stdev: as for weights.
        time_constant_init_type: as for weights.
        time_constant_mutate_rate: as for weights.
        time_constant_replace_rate: as for weights.
        time_constant_mutate_power: as for weights.
        time_constant_min_value: as for weights; above 0.
        time_constant_max_value: as for weights.
        plasticity: ``"none"``, or ``"hebbian"``: after each input every weight w changes by
            eta (A pre post + B pre + C post + D), from the evolved weight on in each episode; every connection has its
            own eta, A, B, C and D. For feed-forward and recurrent networks; see :mod:`~neuroloom.evolve.plastic`.
        weight_bound: a weight that changes stays within -``weight_bound`` … ``weight_bound``; above 0.
        plasticity_init_mean: as for weights; so are the next for each of eta, A, B, C and D.
        plasticity_init_stdev: as for weights.
        plasticity_init_type: as for weights.
        plasticity_mutate_rate: as for weights.
        plasticity_replace_rate: as for weights.
        plasticity_mutate_power: as for weights.
        plasticity_min_value: as for weights.
        plasticity_max_value: as for weights.
        enabled_default: whether connections of founders and added ones are enabled: ``"true"``, ``"false"`` or
            ``"random"``.
        enabled_mutate_rate: chance that a connection is enabled or disabled by a coin.
        enabled_rate_to_true_add: added to it for a disabled connection.
        enabled_rate_to_false_add: added to it for an enabled one.
        genome_mutate_rate: chance that a genome's weights, biases, responses, time constants and rules of plasticity
            mutate at all.
        conn_add_prob: chance that a genome gains a connection.
        conn_delete_prob: chance that it loses one.
        node_add_prob: chance that a node splits one of its connections.
        node_delete_prob: chance that it loses a hidden node with its connections.
        single_structural_mutation: whether at most one of these four happens to a genome.
        structural_mutation_surer: whether a connection that is to be added but exists is enabled instead.
        crossover_rate: chance that a child has two parents; else it is a mutated copy of one.
        interspecies_rate: chance that the second parent comes from another species.
        disable_rate: chance that a matching gene is disabled when it is disabled in a parent; enabled otherwise.
        distance: ``"unscaled"``, c1 E + c2 D + c3 W over connections, as in NEAT's published program; ``"paper"``, (c1
            E + c2 D) / N + c3 W with N = 1 below 20 genes, under which species melt into one as genomes grow; or
            ``"neat-python"``, which also counts nodes and divides by the larger genome.
        compatibility_excess_coefficient: c1; neat-python has none and uses c2.
        compatibility_disjoint_coefficient: c2.
        compatibility_weight_coefficient: c3.
        compatibility_plasticity_coefficient: of the mean difference of the rules of plasticity, which is added where
            there are any.
        compatibility_threshold: genomes nearer than this are of one species.
        species_target: number of species (within a quarter) that the threshold is set for in each generation, or None
            to leave it.
        species_fitness_func: ``"max"``, ``"mean"``, ``"median"`` or ``"min"`` of its members: a species' own fitness.
        max_stagnation: generations without a better fitness after which a species has no offspring.
        species_elitism: so many of the best species never stagnate.
        refocus_after: generations without a better genome after which only the two best species have offspring; None
            leaves this out.
        fitness_sharing: a species' offspring are in proportion to its members' mean fitness; ``"shifted"`` takes the
            population's lowest fitness as 0, ``"canonical"`` is the paper's and needs fitnesses of at least 0,
            ``"rank"`` takes the rank in the population instead of the fitness.
        elitism: so many of a species' best pass on unchanged.
        elite_species_size: in species with at least so many members.
        survival_threshold: share of a species, the fittest, who become parents.
        min_species_size: a species that has offspring at all has at least so many; the weakest go when there is no
            room.
        fitness_criterion: ``"max"``, ``"mean"`` or ``"min"`` of the population is compared with the threshold.
        fitness_threshold: :meth:`NEAT.run` stops when it is reached; None never does.
        reset_on_extinction: whether a new population starts when every species has died out; else an error.

    Raises:
        InputError: a value is out of its range.

    Source:
        Stanley and Miikkulainen (2002), "Evolving neural networks through augmenting topologies".
    """

    inputs: int
    outputs: int
    population: int = 150
    hidden: int = 0
    initial_connection: str = "full"
    connection_fraction: float = 0.5
    initial_self_connections: bool = True
    network: str = "auto"
    feed_forward: bool | None = None
    recurrent_outputs: bool = True
    advance_time: float = 1.0
    time_step: float = 0.1
    integrator: str = "euler"
    activation_default: str = "sigmoid"
    activation_options: tuple[str, ...] = ("sigmoid",)
    activation_mutate_rate: float = 0.0
    output_activation: str | None = None
    aggregation_default: str = "sum"
    aggregation_options: tuple[str, ...] = ("sum",)
    aggregation_mutate_rate: float = 0.0
    weight_init_mean: float = 0.0
    weight_init_stdev: float = 1.0
    weight_init_type: str = "gaussian"
    weight_mutate_rate: float = 0.9
    weight_replace_rate: float = 0.1
    weight_mutate_power: float = 0.5
    weight_min_value: float = -30.0
    weight_max_value: float = 30.0
    bias_init_mean: float = 0.0
    bias_init_stdev: float = 1.0
    bias_init_type: str = "gaussian"
    bias_mutate_rate: float = 0.9
    bias_replace_rate: float = 0.1
    bias_mutate_power: float = 0.5
    bias_min_value: float = -30.0
    bias_max_value: float = 30.0
    response_init_mean: float = 1.0
    response_init_stdev: float = 0.0
    response_init_type: str = "gaussian"
    response_mutate_rate: float = 0.0
    response_replace_rate: float = 0.0
    response_mutate_power: float = 0.0
    response_min_value: float = -30.0
    response_max_value: float = 30.0
    time_constant_init_mean: float = 1.0
    time_constant_init_stdev: float = 0.0
    time_constant_init_type: str = "gaussian"
    time_constant_mutate_rate: float = 0.0
    time_constant_replace_rate: float = 0.0
    time_constant_mutate_power: float = 0.0
    time_constant_min_value: float = 0.1
    time_constant_max_value: float = 10.0
    plasticity: str = "none"
    weight_bound: float = 30.0
    plasticity_init_mean: float = 0.0
    plasticity_init_stdev: float = 0.5
    plasticity_init_type: str = "gaussian"
    plasticity_mutate_rate: float = 0.3
    plasticity_replace_rate: float = 0.05
    plasticity_mutate_power: float = 0.2
    plasticity_min_value: float = -1.0
    plasticity_max_value: float = 1.0
    enabled_default: str = "true"
    enabled_mutate_rate: float = 0.0
    enabled_rate_to_true_add: float = 0.0
    enabled_rate_to_false_add: float = 0.0
    genome_mutate_rate: float = 0.8
    conn_add_prob: float = 0.05
    conn_delete_prob: float = 0.0
    node_add_prob: float = 0.03
    node_delete_prob: float = 0.0
    single_structural_mutation: bool = False
    structural_mutation_surer: bool = False
    crossover_rate: float = 0.75
    interspecies_rate: float = 0.001
    disable_rate: float = 0.75
    distance: str = "unscaled"
    compatibility_excess_coefficient: float = 1.0
    compatibility_disjoint_coefficient: float = 1.0
    compatibility_weight_coefficient: float = 0.4
    compatibility_plasticity_coefficient: float = 0.4
    compatibility_threshold: float = 3.0
    species_target: int | None = None
    species_fitness_func: str = "max"
    max_stagnation: int = 15
    species_elitism: int = 1
    refocus_after: int | None = None
    fitness_sharing: str = "shifted"
    elitism: int = 1
    elite_species_size: int = 5
    survival_threshold: float = 0.2
    min_species_size: int = 1
    fitness_criterion: str = "max"
    fitness_threshold: float | None = None
    reset_on_extinction: bool = True

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        for name, low in (("inputs", 1), ("outputs", 1), ("population", 2), ("max_stagnation", 1)):
            set_(self, name, check_int(name, getattr(self, name), low))
        for name in _COUNTS:
            set_(self, name, check_int(name, getattr(self, name), 0))
        for name in ("species_target", "refocus_after"):
            if getattr(self, name) is not None:
                set_(self, name, check_int(name, getattr(self, name), 1))
        for name in _RATES:
            set_(self, name, check_float(name, getattr(self, name), 0.0, 1.0))
        for name in _NOT_NEGATIVE:
            set_(self, name, check_float(name, getattr(self, name), 0.0))
        self._check_functions()
        self._check_ranges()
        check_choice("initial_connection", self.initial_connection, CONNECTIONS)
        check_choice("distance", self.distance, DISTANCES)
        check_choice("species_fitness_func", self.species_fitness_func, ("max", "mean", "median", "min"))
        check_choice("fitness_sharing", self.fitness_sharing, ("shifted", "canonical", "rank"))
        check_choice("fitness_criterion", self.fitness_criterion, ("max", "mean", "min"))
        if self.fitness_threshold is not None:
            set_(self, "fitness_threshold", check_float("fitness_threshold", self.fitness_threshold))
        if self.min_species_size > self.population:
            raise InputError(
                f"`min_species_size` is {self.min_species_size}, which leaves no room for one species in a population "
                f"of {self.population}; lower it or raise `population`."
            )
        self._check_network()
        self._check_plasticity()

    def _check_network(self) -> None:
        set_ = object.__setattr__
        check_choice("network", self.network, ("auto", *NETWORKS))
        acyclic = self.feed_forward
        if acyclic is None:
            acyclic = self.network in ("auto", "feed-forward")
        if self.network == "auto":
            set_(self, "network", "feed-forward" if acyclic else "recurrent")
        if self.network == "feed-forward" and not acyclic:
            raise InputError(
                '`feed_forward=False` lets connections close cycles, which network="feed-forward" cannot compute; use '
                'network="recurrent" or "ctrnn".'
            )
        set_(self, "feed_forward", bool(acyclic))
        check_choice("integrator", self.integrator, INTEGRATORS)
        check_choice("enabled_default", self.enabled_default, ("true", "false", "random"))
        for name in ("advance_time", "time_step", "time_constant_min_value"):
            set_(self, name, check_float(name, getattr(self, name), 0.0, open_low=True))
        shortest = self.time_constant_min_value if self._times_vary else self.time_constant_init_mean
        if self.network == "ctrnn" and self.time_step > 2 * shortest:
            raise InputError(
                f"`time_step` is {self.time_step}, but Euler's method diverges at steps above twice a time constant, "
                f"which may be {shortest} here; lower it to {shortest} or less, or raise `time_constant_min_value`."
            )

    def _check_plasticity(self) -> None:
        check_choice("plasticity", self.plasticity, PLASTICITY)
        bound = check_float("weight_bound", self.weight_bound, 0.0, open_low=True)
        object.__setattr__(self, "weight_bound", bound)
        if self.plasticity == "none":
            return
        if self.network == "ctrnn":
            raise InputError(
                f"plasticity={self.plasticity!r} is for networks in discrete time, but `network` is 'ctrnn'; use "
                'network="feed-forward" or "recurrent".'
            )
        if max(abs(self.weight_min_value), abs(self.weight_max_value)) > bound:
            raise InputError(
                f"a weight that changes stays within `weight_bound`, {bound}, but may begin anywhere from "
                f"{self.weight_min_value} to {self.weight_max_value}; bring `weight_min_value` and `weight_max_value` "
                "within the bound, or raise it."
            )

    @property
    def stateful(self) -> bool:
        """Whether networks go through inputs one after another: recurrent, in continuous time, or plastic."""
        return self.network != "feed-forward" or self.plasticity != "none"

    @property
    def _times_vary(self) -> bool:
        rates = self.time_constant_init_stdev, self.time_constant_mutate_rate, self.time_constant_replace_rate
        return any(rates)

    @property
    def has_time_constants(self) -> bool:
        """Whether nodes have time constants of their own: any that is not 1 or may come to differ."""
        low, high = self.time_constant_min_value, self.time_constant_max_value
        return self._times_vary or min(max(self.time_constant_init_mean, low), high) != 1.0

    def _check_functions(self) -> None:
        for role, code in (("activation", activation_code), ("aggregation", aggregation_code)):
            options = getattr(self, f"{role}_options")
            options = (options,) if isinstance(options, str) else tuple(options)
            object.__setattr__(self, f"{role}_options", options)
            if not options:
                raise InputError(f"`{role}_options` must name at least one {role}.")
            default = getattr(self, f"{role}_default")
            for name in options if default == "random" else (*options, default):
                code(name)
        if self.output_activation is not None:
            activation_code(self.output_activation)

    def _check_ranges(self) -> None:
        for role in _NUMBERS:
            low, high = getattr(self, f"{role}_min_value"), getattr(self, f"{role}_max_value")
            if not low <= high:
                raise InputError(
                    f"`{role}_min_value <= {role}_max_value` must hold, but got {low} and {high}."
                )
            mutate, anew = getattr(self, f"{role}_mutate_rate"), getattr(self, f"{role}_replace_rate")
            if mutate + anew > 1 + 1e-9:
                raise InputError(
                    f"`{role}_mutate_rate` and `{role}_replace_rate` must add up to at most 1, but got {mutate} and "
                    f"{anew}."
                )
            check_float(f"{role}_init_mean", getattr(self, f"{role}_init_mean"))
            check_choice(f"{role}_init_type", getattr(self, f"{role}_init_type"), ("gaussian", "uniform"))

    def replace(self, **changes: Any) -> NEATConfig:
        """Return these settings with some changed."""
        names = {f.name for f in fields(self)}
        for name in changes:
            if name not in names:
                from neuroloom.core.errors import unknown

                raise unknown("setting", name, names)
        if "network" in changes:
            changes.setdefault("feed_forward", None)
        elif changes.get("feed_forward", self.feed_forward) != self.feed_forward:
            changes["network"] = "auto"
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain data."""
        return asdict(self)

    @classmethod
    def from_neat_python(cls, path: str | Path) -> NEATConfig:
        """Read a config file of neat-python.

        What only neat-python's way of doing things fixes is set to match: its distance, mean fitness shifted to 0,
        every child from two parents, no mating between species, champions of species of any size.

        Args:
            path: the INI file.

        Raises:
            InputError: it cannot be read, or asks for something that is not supported.
        """
        from neuroloom.evolve.neat_python import read_config

        return cls(**read_config(path))

    def to_neat_python(self, path: str | Path) -> None:
        """Write these settings as a config file of neat-python; what it has no word for is left out."""
        from neuroloom.evolve.neat_python import write_config

        write_config(self, path)

    @property
    def threshold(self) -> float:
        """The fitness to reach, infinite where there is none."""
        return math.inf if self.fitness_threshold is None else self.fitness_threshold


def refuse_plastic(plasticity: str, what: str) -> None:
    """Raise where ``what`` meets a plastic network, which it cannot compute or keep.

    Raises:
        InputError: ``plasticity`` is not ``"none"``.
    """
    if plasticity != "none":
        raise InputError(
            f"{what} has no form of a network whose weights change while it runs, but plasticity is {plasticity!r}; "
            'step it with Genome.start(lanes), evolve it with NEATPolicy, or set plasticity="none".'
        )
