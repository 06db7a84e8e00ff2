"""ES-HyperNEAT: HyperNEAT that also finds where the hidden neurons lie.

Risi and Stanley (2012), "An enhanced hypercube-based encoding for evolving the placement, density, and connectivity of
neurons".
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.evolve.config import NEATConfig
from neuroloom.evolve.functions import activation_code, aggregation_code
from neuroloom.evolve.hyperneat import GENE_ACTIVATIONS, Expression, hyperneat_config
from neuroloom.evolve.population import Genes
from neuroloom.evolve.substrate import Substrate

if TYPE_CHECKING:
    from neuroloom.evolve.phenotypes import Phenotypes

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Ints = NDArray[np.int64]
DEEPEST = 10  # levels of division that places can tell apart
AT_ONCE = 1 << 21  # smallest cells of the trees that are grown together


@dataclass(frozen=True, eq=False)
class EvolvableSubstrate:
    """Inputs and outputs with places; the CPPN says where hidden neurons lie between them.

    From each input the plane of targets is divided as a quadtree wherever the CPPN varies, and a connection is made to
    each square that stands out between its neighbours; its middle is a hidden neuron. From the hidden neurons that
    are new the same is done ``iterations`` times, then the outputs look back in the same way. Neurons without a path to
    an output are dropped.

    Args:
        inputs: ``(n, d)`` places, within [-1, 1]; d of 2 is the paper's, but lines and spaces work, too.
        outputs: ``(m, d)`` places.
        initial_depth: how often the plane is divided in any case: into cells of 2⁻ᵈᵉᵖᵗʰ of its side, 1 to 10.
        max_depth: how often at most, ``initial_depth`` to 10.
        division_threshold: variance of the four cells of a square above which each of them is divided further, ≥ 0.
        variance_threshold: variance within a square above which the connections lie in its parts, ≥ 0.
        band_threshold: how much a square must differ from its neighbours on both sides along one axis, ≥ 0.
        iterations: how often hidden neurons look for further ones, ≥ 0.
        expression: how outputs become weights; ``threshold`` 0 leaves it to the band which connections there are. With
            ``plasticity="hebbian"`` four more outputs write how each weight changes (adaptive ES-HyperNEAT); neurons
            and connections are found by the weight alone.

    Raises:
        InputError: a value is out of its range, or the places have no common d.

    Differences:
        Connections run from neurons found earlier to ones found later, so the network is feed-forward; the paper's may
        turn back where hidden neurons find one another.

    Source:
        Risi and Stanley (2012), "An enhanced hypercube-based encoding for evolving the placement, density, and
        connectivity of neurons", algorithms 1 to 3; Risi and Stanley (2012), "A unified approach to evolving plasticity
        and neural geometry", for networks that learn.
    """

    inputs: Floats
    outputs: Floats
    initial_depth: int = 1
    max_depth: int = 2
    division_threshold: float = 0.03
    variance_threshold: float = 0.03
    band_threshold: float = 0.3
    iterations: int = 1
    expression: Expression = field(default_factory=lambda: Expression(threshold=0.0))

    def __post_init__(self) -> None:
        ends = Substrate((self.inputs, self.outputs))  # checks the places
        object.__setattr__(self, "inputs", ends.sheets[0])
        object.__setattr__(self, "outputs", ends.sheets[1])
        if np.abs(np.concatenate(ends.sheets)).max() > 1:
            raise InputError(
                "`inputs` and `outputs` must lie within [-1, 1], where hidden neurons are looked for."
            )
        check_int("initial_depth", self.initial_depth, 1, DEEPEST)
        check_int("max_depth", self.max_depth, self.initial_depth, DEEPEST)
        check_int("iterations", self.iterations, 0)
        for name in ("division_threshold", "variance_threshold", "band_threshold"):
            check_float(name, getattr(self, name), 0)
        if self.expression.outputs_by_link != 1:
            raise InputError(
                f"`expression.outputs_by_link` must be 1, since links are found, but is "
                f"{self.expression.outputs_by_link}."
            )

    @staticmethod
    def layered(inputs: int, outputs: int, **settings: Any) -> EvolvableSubstrate:
        """Return inputs side by side at the bottom of the plane and outputs at its top."""
        ends = Substrate.layered(inputs, [], outputs)
        return EvolvableSubstrate(ends.sheets[0], ends.sheets[1], **settings)

    @property
    def dimensions(self) -> int:
        """How many coordinates a neuron has."""
        return int(self.inputs.shape[1])

    def config(self, population: int = 150, **settings: Any) -> NEATConfig:
        """Return the settings for evolving CPPNs for this substrate; ``settings`` of ``NEATConfig`` come first."""
        return hyperneat_config(self, self.expression, population, **settings)

    @property
    def dynamics(self) -> NEATConfig | None:
        """Settings that say how plastic networks run, None where they are not."""
        own = self.expression
        if own.plasticity == "none":
            return None
        most, size = float(own.max_weight), (len(self.inputs), len(self.outputs))
        within: dict[str, Any] = {"weight_bound": most, "weight_min_value": -most, "weight_max_value": most}
        return NEATConfig(*size, plasticity=own.plasticity, **within)


class Grown(NamedTuple):
    """The networks that CPPNs wrote.

    Args:
        genes: of the networks, as of evolved ones: hidden neurons in the order they were found.
        places: ``(hidden neurons, d)`` of all networks, one network after another.
        ends: ``(genomes + 1,)`` where each network's hidden neurons begin in ``places``.
    """

    genes: Genes
    places: Floats
    ends: Ints

    def connection_costs(self, substrate: EvolvableSubstrate) -> Floats:
        """Return the sum ``(genomes,)`` of the squared lengths of each network's connections.

        Source:
            Clune, Mouret and Lipson (2013), "The evolutionary origins of modularity".
        """
        genes = self.genes
        source, target = _link_ends(self, substrate)
        owner = np.repeat(np.arange(len(self.ends) - 1), np.diff(genes.conn_ptr))
        # each network's sum by itself: equal networks cost the same to the last bit, wherever they stand
        squares = ((source - target) ** 2).sum(axis=1)
        return np.bincount(owner, squares, len(self.ends) - 1).astype(np.float64)


def _link_ends(grown: Grown, substrate: EvolvableSubstrate) -> tuple[Floats, Floats]:
    """Return the places ``(connections, d)`` of the sources and of the targets, network after network."""
    genes, m = grown.genes, len(substrate.outputs)
    owner = np.repeat(np.arange(len(grown.ends) - 1), np.diff(genes.conn_ptr))
    known = np.concatenate([substrate.inputs[::-1], substrate.outputs, grown.places])
    n, first = len(substrate.inputs), grown.ends[owner]

    def place(node: NDArray[np.int32]) -> Floats:
        return np.asarray(known[np.where(node < m, n + node, n + first + node)])

    return place(genes.source), place(genes.target)


class _Links(NamedTuple):
    """Connections found from trees: the tree, the key of the place found, and the CPPN's weight."""

    tree: Ints
    place: Ints
    weight: Floats32


def grow(cppns: Phenotypes, substrate: EvolvableSubstrate) -> Grown:
    """Return the networks that all CPPNs of a population write.

    The trees of all CPPNs grow level by level, every level's cells asked of all CPPNs as one batch.

    Raises:
        InputError: the CPPNs have other inputs or outputs than the substrate asks for, or its cells are too many.
    """
    d = substrate.dimensions
    if (cppns.inputs, cppns.outputs) != (2 * d + 2, substrate.expression.outputs):
        raise InputError(
            f"this substrate needs CPPNs of {2 * d + 2} inputs and {substrate.expression.outputs} outputs, but got "
            f"{cppns.inputs} and {cppns.outputs}; see EvolvableSubstrate.config()."
        )
    return _Growth(cppns, substrate).grown()


class _Level(NamedTuple):
    """One level of the trees, whose ``p`` squares are divided into ``2ᵈ`` cells each.

    Args:
        tree: ``(p,)`` the tree of each square, ascending.
        centre: ``(p 2ᵈ, d)`` of the cells.
        values: ``(outputs, p, 2ᵈ)`` of the CPPN for a connection to or from each cell.
        divided: ``(p,)`` whether the cells of a square are divided in turn; they are the next level's squares.
    """

    tree: Ints
    centre: Floats
    values: Floats32
    divided: NDArray[np.bool_]


class _Growth:
    """One population's networks on the way."""

    def __init__(self, cppns: Phenotypes, substrate: EvolvableSubstrate) -> None:
        self.cppns, self.substrate = cppns, substrate
        self.d, self.count = substrate.dimensions, len(cppns)
        self.base = (1 << (substrate.max_depth + 1)) + 1  # steps of half a smallest cell
        if self.count * self.base**self.d > np.iinfo(np.int64).max:
            raise InputError(
                f"places of {self.d} coordinates at `max_depth` {substrate.max_depth} are too many to number for "
                f"{self.count} networks; lower `max_depth` or grow fewer at once."
            )
        self.corners = np.stack(np.meshgrid(*[[-1.0, 1.0]] * self.d, indexing="ij"), -1).reshape(-1, self.d)

    # -- places as numbers ----------------------------------------------------------------------------------

    def _key(self, places: Floats) -> Ints:
        """Return a number for each place ``(n, d)``, the same for the same place."""
        steps = np.rint((places + 1) * (self.base - 1) / 2).astype(np.int64)
        key = steps[:, 0]
        for axis in range(1, self.d):
            key = key * self.base + steps[:, axis]
        return key

    def _place(self, key: Ints) -> Floats:
        made = np.empty((len(key), self.d))
        for axis in range(self.d - 1, -1, -1):
            key, steps = np.divmod(key, self.base)
            made[:, axis] = steps
        return made * (2 / (self.base - 1)) - 1

    # -- the CPPN -------------------------------------------------------------------------------------------

    def _ask(self, own: Ints, a: Floats, b: Floats, outgoing: bool) -> Floats32:
        """Return the CPPN's outputs ``(outputs, n)``, within [-1, 1], for connections between ``a`` and ``b``.

        ``own`` is the genome that each is asked of, ascending; ``outgoing`` says whether ``a`` is the source.
        """
        samples = np.empty((2 * self.d + 2, len(own)), np.float32)
        source, target = (a, b) if outgoing else (b, a)
        samples[: self.d], samples[self.d : -2] = source.T, target.T
        gap = source - target
        samples[-2], samples[-1] = np.sqrt(np.einsum("nd,nd->n", gap, gap)), 1
        values = self.cppns.activate_own(samples, np.searchsorted(own, np.arange(self.count + 1)))
        found: Floats32 = np.clip(np.nan_to_num(values, copy=False, posinf=1.0, neginf=-1.0), -1, 1)
        return found

    # -- trees ----------------------------------------------------------------------------------------------

    def _explore(self, own: Ints, roots: Floats, outgoing: bool) -> _Links:
        """Return the connections of neurons at ``roots (trees, d)`` of the genomes ``own``, ascending."""
        step = max(1, AT_ONCE >> (self.d * self.substrate.max_depth))
        parts = [
            self._explore_some(own[k : k + step], roots[k : k + step], outgoing, k)
            for k in range(0, len(own), step)
        ]
        tree, place, weight = (np.concatenate(columns) for columns in zip(*parts, strict=True)) if parts else (
            np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))  # fmt: skip
        order = np.lexsort((place, tree))
        return _Links(tree[order], place[order], weight[order])

    def _explore_some(self, own: Ints, roots: Floats, outgoing: bool, first: int) -> _Links:
        levels = self._divide(own, roots, outgoing)
        found, reached = [], np.ones(len(own), np.bool_)
        below = _variances(levels)
        for k, (tree, centre, values, divided) in enumerate(levels):
            # cells whose connections lie in their parts
            spread = below[k] > self.substrate.variance_threshold
            if k + 1 < len(levels):  # the parents of the next level are the cells of divided ones, in order
                following = (reached[:, None] & spread)[divided].ravel()
            candidate = reached[:, None] & ~spread
            if self.substrate.expression.leo:
                candidate &= values[-1] > 0
            candidate &= values[0] != 0
            rows = np.flatnonzero(candidate.ravel())
            own_tree, weight = np.repeat(tree, 2**self.d)[rows], values[0].ravel()[rows]
            at = centre[rows]
            stands_out = self._stands_out(own[own_tree], roots[own_tree], at, weight, 2.0**-k, outgoing)
            found.append((own_tree[stands_out] + first, self._key(at[stands_out]), weight[stands_out]))
            if k + 1 < len(levels):
                reached = following
        return _Links(*(np.concatenate(columns) for columns in zip(*found, strict=True)))

    def _divide(self, own: Ints, roots: Floats, outgoing: bool) -> list[_Level]:
        """Return the levels of all trees."""
        sub, cells = self.substrate, 2**self.d
        tree, middle = np.arange(len(own)), np.zeros((len(own), self.d))
        levels = []
        for level in range(1, sub.max_depth + 1):
            width = 2.0**-level  # half a cell's side
            centre = (middle[:, None] + width * self.corners).reshape(-1, self.d)
            of = np.repeat(tree, cells)
            values = self._ask(own[of], roots[of], centre, outgoing).reshape(-1, len(tree), cells)
            if level == sub.max_depth:
                divided = np.zeros(len(tree), np.bool_)
            elif level < sub.initial_depth:
                divided = np.ones(len(tree), np.bool_)
            else:
                divided = _variance(values[0].astype(np.float64)) > sub.division_threshold
            levels.append(_Level(tree, centre, values, divided))
            if not divided.any():
                break
            tree = np.repeat(tree[divided], cells)
            middle = centre.reshape(-1, cells, self.d)[divided].reshape(-1, self.d)
        return levels

    def _stands_out(
        self, own: Ints, roots: Floats, at: Floats, weight: Floats32, step: float, outgoing: bool
    ) -> NDArray[np.bool_]:
        """Return whether each square differs along one axis from both its neighbours, ``step`` · 2 of its half."""
        sides = np.concatenate([np.eye(self.d), -np.eye(self.d)]) * step
        beside = (at[:, None] + sides).reshape(-1, self.d)
        of = np.repeat(np.arange(len(own)), len(sides))
        gap = np.abs(
            self._ask(own[of], roots[of], beside, outgoing)[0].reshape(-1, 2 * self.d) - weight[:, None]
        )
        both = [np.minimum(gap[:, axis], gap[:, axis + self.d]) for axis in range(self.d)]
        return np.asarray(functools.reduce(np.maximum, both) > self.substrate.band_threshold)

    # -- networks -------------------------------------------------------------------------------------------

    def grown(self) -> Grown:
        """Return the networks."""
        sub, every = self.substrate, np.arange(self.count)
        n, m = len(sub.inputs), len(sub.outputs)
        span = self.base**self.d
        own = np.repeat(every, n)
        links = self._explore(own, np.tile(sub.inputs, (self.count, 1)), outgoing=True)
        source, target = -1 - links.tree % n, own[links.tree] * span + links.place
        layers = [(own[links.tree], source, target, links.weight)]  # sources that are inputs are below 0
        known = new = np.unique(target)
        for _ in range(sub.iterations):
            if not len(new):
                break
            links = self._explore(new // span, self._place(new % span), outgoing=True)
            target = (new // span)[links.tree] * span + links.place
            fresh = ~np.isin(target, known)  # only to what was found later: no way back
            source, target = new[links.tree][fresh], target[fresh]
            layers.append((source // span, source, target, links.weight[fresh]))
            new = np.unique(target)
            known = np.union1d(known, new)
        own = np.repeat(every, m)
        links = self._explore(own, np.tile(sub.outputs, (self.count, 1)), outgoing=False)
        source = own[links.tree] * span + links.place
        there = np.isin(source, known)
        last = (own[links.tree][there], source[there], links.tree[there] % m, links.weight[there])
        return self._network(layers, last, span)

    def _network(self, layers: list[Any], last: Any, span: int) -> Grown:
        """Return networks of what leads to an output: ``layers`` in the order they were found, and their last links."""
        useful = np.unique(last[1])
        kept = []
        for own, source, target, weight in reversed(layers):
            on = np.isin(target, useful)
            kept.append((own[on], source[on], target[on], weight[on]))
            useful = np.union1d(useful, source[on][source[on] >= 0])
        kept.reverse()
        m = len(self.substrate.outputs)
        hidden_of = useful // span
        ends = np.searchsorted(hidden_of, np.arange(self.count + 1))
        number = np.arange(len(useful)) - ends[hidden_of] + m

        def node(key: Ints) -> Ints:
            found = np.searchsorted(useful, key).clip(max=max(len(useful) - 1, 0))
            return np.where(key < 0, key, number[found] if len(useful) else key)

        own, source, target, weight = (
            np.concatenate([part[k] for part in kept] + [last[k]]) for k in range(4)
        )
        into = len(own) - len(last[0])
        source, target = node(source), np.concatenate([node(target[:into]), target[into:]])
        order = np.argsort(own, kind="stable")
        conn_ptr = np.searchsorted(own[order], np.arange(self.count + 1))
        places = self._place(useful % span)
        genes = self._genes(ends, places, conn_ptr, source[order], target[order], weight[order])
        return self._with_rules(Grown(genes, places, ends))

    def _with_rules(self, grown: Grown) -> Grown:
        """Return plastic networks with the rules by which their weights change: eta, A, B and C, and no D."""
        expression, genes = self.substrate.expression, grown.genes
        if expression.plasticity == "none":
            return grown
        owner = np.repeat(np.arange(self.count), np.diff(genes.conn_ptr))
        values = self._ask(owner, *_link_ends(grown, self.substrate), outgoing=True)
        first = expression.outputs_by_link + expression.bias
        rules = np.zeros((len(owner), 5))
        rules[:, :4] = values[first : first + 4].T
        most = expression.max_weight
        return grown._replace(genes=genes._replace(weight=genes.weight.clip(-most, most), plasticity=rules))

    def _genes(
        self,
        ends: Ints,
        places: Floats,
        conn_ptr: Ints,
        source: Ints,
        target: Ints,
        weight: Floats32,
    ) -> Genes:
        """Return the genes of networks whose hidden neurons and connections are known."""
        sub, m = self.substrate, len(self.substrate.outputs)
        node_ptr = ends + m * np.arange(self.count + 1)
        node_id = np.arange(node_ptr[-1]) - np.repeat(node_ptr[:-1], np.diff(node_ptr))
        output = node_id < m
        own = np.repeat(np.arange(self.count), np.diff(node_ptr))
        at = np.empty((len(own), self.d))
        at[output], at[~output] = np.tile(sub.outputs, (self.count, 1)), places
        if sub.expression.bias:
            values = self._ask(own, np.zeros_like(at), at, outgoing=True)[1]
            bias = sub.expression.weights(values, None).astype(np.float64)
        else:
            bias = np.zeros(len(own))
        name, slope = GENE_ACTIVATIONS[sub.expression.activation]
        hidden, outer = activation_code(name), activation_code("identity")
        response = np.where(output, 1.0, slope)
        conns = int(conn_ptr[-1])
        return Genes(
            node_ptr,
            node_id.astype(np.int32),
            bias * response,  # a node's bias stands outside its response
            response,
            np.where(output, outer, hidden).astype(np.uint8),
            np.full(len(own), aggregation_code("sum"), np.uint8),
            conn_ptr.astype(np.int64),
            (np.arange(conns) - np.repeat(conn_ptr[:-1], np.diff(conn_ptr))).astype(np.int32),
            source.astype(np.int32),
            target.astype(np.int32),
            sub.expression.weights(weight, None).astype(np.float64),
            np.ones(conns, np.bool_),
            np.empty(0),
        )


def _variances(levels: Sequence[_Level]) -> list[Floats]:
    """Return for each level ``(p, 2ᵈ)`` the variance of the undivided cells within each cell; 0 for those."""
    made: list[Floats] = [np.empty(0)] * len(levels)
    below: tuple[Floats, Floats, Floats] | None = None
    for k in range(len(levels) - 1, -1, -1):
        _, _, values, divided = levels[k]
        total = values[0].astype(np.float64)
        squares, leaves = total**2, np.ones_like(total)
        if below is not None:
            for mine, theirs in zip((total, squares, leaves), below, strict=True):
                mine[divided] = theirs.reshape(-1, total.shape[1])
        made[k] = np.where(leaves > 1, squares / leaves - (total / leaves) ** 2, 0.0)
        below = _total(total), _total(squares), _total(leaves)
    return made


def _total(cells: Floats) -> Floats:
    """Return the sums ``(p,)`` of few ``cells (p, k)``, in a tenth of the time that a reduction takes."""
    total: Floats = functools.reduce(np.add, [cells[:, k] for k in range(cells.shape[1])])
    return total


def _variance(cells: Floats) -> Floats:
    """Return the variances ``(p,)`` of ``cells (p, k)``."""
    far = cells - _total(cells)[:, None] / cells.shape[1]
    return np.asarray(_total(far**2) / cells.shape[1])
