"""One genome as a readable value: nodes and connections, and what it computes."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.evolve.config import INTEGRATORS, NETWORKS, PLASTICITY, refuse_plastic
from neuroloom.evolve.functions import activate, activation_code, aggregate, aggregation_code

if TYPE_CHECKING:
    from pathlib import Path

    import networkx
    import torch

    from neuroloom.evolve.plastic import PlasticState
    from neuroloom.evolve.recurrent import GenomeState

Floats = NDArray[np.float64]
_MOST = 2**31 - 1
_DRAWN = 80  # nodes of a network that a notebook draws
DYNAMICS = (
    "network",
    "advance_time",
    "time_step",
    "integrator",
    "plasticity",
    "weight_bound",
)  # what a network's course in time depends on


@dataclass(frozen=True)
class Node:
    """A node gene: it computes ``activation(bias + response * aggregation(weighted inputs))``.

    In a continuous-time network its value moves towards that with ``time_constant``, above 0.
    """

    id: int
    bias: float = 0.0
    response: float = 1.0
    activation: str = "sigmoid"
    aggregation: str = "sum"
    time_constant: float = 1.0


@dataclass(frozen=True)
class Connection:
    """A connection gene from node ``source`` to node ``target``.

    In a plastic network ``plasticity`` is (eta, A, B, C, D), by which its weight changes after each input; None is five
    zeros, a weight that stays.
    """

    innovation: int
    source: int
    target: int
    weight: float
    enabled: bool = True
    plasticity: tuple[float, float, float, float, float] | None = None


def _connection(plasticity: Iterable[float] | None = None, **fields: Any) -> Connection:
    """Return the connection that ``asdict`` took apart, from JSON or not."""
    rule: Any = None if plasticity is None else tuple(map(float, plasticity))
    return Connection(**fields, plasticity=rule)


def _check_gene(gene: Node | Connection) -> None:
    """Check the types of a gene that was read: ids are whole, numbers finite, names text.

    Raises:
        InputError: one is of another type.
    """
    for name, value in vars(gene).items():
        where = f"{name} of {type(gene).__name__.lower()}"
        if name in ("id", "innovation", "source", "target"):
            check_int(where, value, -_MOST, _MOST)
        elif name in ("bias", "response", "time_constant", "weight"):
            check_float(where, value)
        elif name in ("activation", "aggregation") and not isinstance(value, str):
            raise InputError(f"`{where}` must be a name, but got {value!r}.")
        elif name == "enabled" and not isinstance(value, bool):
            raise InputError(f"`{where}` must be true or false, but got {value!r}.")


@dataclass
class Genome:
    """A network as plain data.

    Args:
        inputs: number of inputs; their ids are -1, -2, …, and they have no node gene.
        outputs: number of outputs; their ids are 0, 1, …
        nodes: output and hidden nodes, sorted by id.
        connections: sorted by innovation.
        fitness: what it scored, or None.
        network: ``"feed-forward"``, ``"recurrent"`` or ``"ctrnn"``, as in ``NEATConfig``; so are the next three.
        advance_time: time that a continuous-time network runs on each input.
        time_step: longest step of its integration.
        integrator: ``"euler"`` or ``"neat-python"``.
        plasticity: ``"none"`` or ``"hebbian"``, as in ``NEATConfig``.
        weight_bound: a weight that changes stays within -``weight_bound`` … ``weight_bound``.

    Raises:
        InputError: an output has no node, a connection hangs in the air, an id stands twice, a time constant is not
            above 0, there is a cycle in a feed-forward network, a rule of plasticity is not five numbers or stands in a
            network that is not plastic, or a weight of a plastic one is beyond the bound.
    """

    inputs: int
    outputs: int
    nodes: tuple[Node, ...]
    connections: tuple[Connection, ...]
    fitness: float | None = None
    network: str = "feed-forward"
    advance_time: float = 1.0
    time_step: float = 0.1
    integrator: str = "euler"
    plasticity: str = "none"
    weight_bound: float = 30.0

    def __post_init__(self) -> None:
        check_choice("network", self.network, NETWORKS)
        check_choice("integrator", self.integrator, INTEGRATORS)
        self.advance_time = check_float("advance_time", self.advance_time, 0.0, open_low=True)
        self.time_step = check_float("time_step", self.time_step, 0.0, open_low=True)
        self.nodes = tuple(sorted(self.nodes, key=lambda node: node.id))
        self.connections = tuple(sorted(self.connections, key=lambda conn: conn.innovation))
        ids = [node.id for node in self.nodes]
        if len(set(ids)) != len(ids) or ids[: self.outputs] != list(range(self.outputs)):
            raise InputError(
                f"a genome of {self.outputs} outputs needs nodes 0 … {self.outputs - 1} and each id once, but has "
                f"{ids}."
            )
        known = {*ids, *range(-self.inputs, 0)}
        for conn in self.connections:
            if conn.source not in known or conn.target not in known or conn.target < 0:
                raise InputError(
                    f"connection {conn.source} -> {conn.target} must run from an input or a node to a node, but the "
                    f"genome has inputs -1 … {-self.inputs} and nodes {ids}."
                )
        for node in self.nodes:
            check_float(f"time_constant of node {node.id}", node.time_constant, 0.0, open_low=True)
        self._check_plasticity()
        self.order()

    def _check_plasticity(self) -> None:
        check_choice("plasticity", self.plasticity, PLASTICITY)
        self.weight_bound = check_float("weight_bound", self.weight_bound, 0.0, open_low=True)
        if self.plasticity == "none":
            if any(conn.plasticity is not None for conn in self.connections):
                raise InputError(
                    "a connection has a rule of `plasticity`, but the genome is not plastic; give it "
                    'plasticity="hebbian".'
                )
            return
        if self.network == "ctrnn":
            raise InputError(
                "plasticity is for networks in discrete time, but `network` is 'ctrnn'; use \"feed-forward\" or "
                '"recurrent".'
            )
        for conn in self.connections:
            rule = conn.plasticity
            if rule is not None and (np.shape(rule) != (5,) or not np.isfinite(rule).all()):
                raise InputError(
                    f"`plasticity` of connection {conn.source} -> {conn.target} must be five finite numbers, eta, A, "
                    f"B, C and D, but is {rule!r}."
                )
            if abs(conn.weight) > self.weight_bound:
                raise InputError(
                    f"the weight {conn.weight} of connection {conn.source} -> {conn.target} is beyond `weight_bound`, "
                    f"{self.weight_bound}; raise the bound or lower the weight."
                )

    @property
    def stateful(self) -> bool:
        """Whether it goes through inputs one after another: recurrent, in continuous time, or plastic."""
        return self.network != "feed-forward" or self.plasticity != "none"

    # -- what it computes -----------------------------------------------------------------------------------

    def activate(self, X: Any) -> Floats:
        """Return the outputs ``(n, outputs)`` for ``X (n, inputs)``, or ``(outputs,)`` for one sample ``(inputs,)``.

        Computed in double precision, row by row the same whatever stands in the other rows.

        Raises:
            InputError: ``X`` has another number of columns, or the network has a state.
        """
        if self.plasticity != "none":
            raise InputError(
                "the weights of a plastic network change from one input to the next, so order matters; call "
                "activate_sequence(X) with X of shape (n, time, inputs), or start(lanes)."
            )
        if self.network != "feed-forward":
            raise InputError(
                f"a {self.network} network has a state from one input to the next, so order matters; call "
                "activate_sequence(X) with X of shape (n, time, inputs)."
            )
        rows = np.asarray(X, dtype=np.float64)
        single = rows.ndim == 1
        rows = np.atleast_2d(rows)
        if rows.ndim != 2 or rows.shape[1] != self.inputs:
            raise InputError(f"X must have shape (n, {self.inputs}), but has {np.shape(X)}.")
        values: dict[int, Floats] = {-i - 1: rows[:, i] for i in range(self.inputs)}
        nodes = {node.id: node for node in self.nodes}
        entering = self.entering()
        for i in self.order():
            node = nodes[i]
            terms = [conn.weight * values[conn.source] for conn in entering.get(i, [])]
            sums = aggregate(node.aggregation, terms, (len(rows),))
            values[i] = activate(node.activation, node.bias + node.response * sums)
        outputs = np.stack([values[o] for o in range(self.outputs)], axis=1)
        return outputs[0] if single else outputs

    def activate_sequence(self, X: Any) -> Floats:
        """Return the outputs ``(n, time, outputs)`` for sequences ``X (n, time, inputs)``, each from a state of 0.

        One sequence may be ``(time, inputs)``; its outputs are ``(time, outputs)``. Computed in double precision. A
        feed-forward network, which has no state, takes each step by itself.

        Raises:
            InputError: ``X`` has another shape.
        """
        from neuroloom.evolve.recurrent import activate_sequence

        return activate_sequence(self, X)

    def start(self, lanes: int = 1) -> GenomeState | PlasticState:
        """Return the network with a state of 0, to be stepped: ``state.step(inputs (lanes, inputs))``.

        A plastic one begins with its evolved weights, and ``state.weights`` are those it has come to.

        Args:
            lanes: copies that run side by side, each with a state of its own, at least 1.

        Raises:
            InputError: a feed-forward network that is not plastic has no state.
        """
        from neuroloom.evolve.recurrent import start

        if not self.stateful:
            raise InputError("a feed-forward network has no state; call activate(X).")
        return start(self, check_int("lanes", lanes))

    def frozen(self) -> Genome:
        """Return the network that does not learn: the evolved weights, which stay."""
        conns = tuple(replace(conn, plasticity=None) for conn in self.connections)
        return replace(self, plasticity="none", connections=conns)

    def entering(self) -> dict[int, list[Connection]]:
        """Return the enabled connections by target, in order of innovation."""
        entering: dict[int, list[Connection]] = {}
        for conn in self.connections:
            if conn.enabled:
                entering.setdefault(conn.target, []).append(conn)
        return entering

    def order(self) -> list[int]:
        """Return the nodes that some output needs, each after all that it needs itself as far as cycles let it."""
        entering = self.entering()
        done: dict[int, bool] = {}
        order: list[int] = []
        for output in range(self.outputs):
            stack = [(output, False)]
            while stack:
                node, complete = stack.pop()
                if complete:
                    done[node] = True
                    order.append(node)
                elif node >= 0 and node not in done:
                    done[node] = False
                    stack.append((node, True))
                    stack.extend((conn.source, False) for conn in reversed(entering.get(node, [])))
                elif node >= 0 and not done[node] and self.network == "feed-forward":
                    raise InputError(f"the enabled connections run in a cycle through node {node}.")
        return order

    @property
    def n_parameters(self) -> int:
        """Number of fitted numbers in the network as it is computed: its weights, and a bias and response a node.

        In continuous time, nodes have a time constant as well; in a plastic network, each weight has five numbers more.
        """
        order = set(self.order())
        used = sum(conn.enabled and conn.target in order for conn in self.connections)
        used *= 1 if self.plasticity == "none" else 6
        return used + (3 if self.network == "ctrnn" else 2) * len(order)

    @property
    def n_enabled(self) -> int:
        """Number of enabled connections."""
        return sum(c.enabled for c in self.connections)

    @property
    def n_hidden(self) -> int:
        """Number of hidden nodes."""
        return len(self.nodes) - self.outputs

    def __repr__(self) -> str:
        enabled = sum(c.enabled for c in self.connections)
        kind = "" if self.plasticity == "none" else f"{self.plasticity} "
        kind += self.network if self.stateful else ""
        kind += ", " if kind else ""
        fitness = "" if self.fitness is None else f", fitness {self.fitness:.6g}"
        return (
            f"Genome({kind}{self.inputs} inputs, {self.n_hidden} hidden, {self.outputs} outputs, {enabled} of "
            f"{len(self.connections)} connections enabled{fitness})"
        )

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the drawn network up to 80 nodes, where matplotlib is installed."""
        from html import escape

        told = f"<p>{escape(repr(self))}</p>"
        if importlib.util.find_spec("matplotlib") is None or len(self.nodes) + self.inputs > _DRAWN:
            return told
        from neuroloom.core.plotting import as_svg
        from neuroloom.evolve.plots import plot_genome

        return told + as_svg(plot_genome(self))

    def drawing(self, most: int = 60) -> dict[str, Any]:
        """Return what a report draws, as JSON holds it: ``layers`` of ids, ``edges`` [source, target, weight].

        ``inputs``, ``hidden`` and ``connections`` count all that reach an output. Of more than ``most`` connections the
        strongest are drawn, and of the nodes those at their ends.
        """
        from neuroloom.evolve.plots import layers

        rows = layers(self)
        there = {i for row in rows for i in row}
        used = [c for c in self.connections if c.enabled and c.source in there and c.target in there]
        used.sort(key=lambda c: -abs(c.weight))
        ends = {i for c in used[:most] for i in (c.source, c.target)}
        inputs = [i for i in rows[0] if i in ends]
        hidden = [kept for row in rows[1:-1] if (kept := [i for i in row if i in ends])]
        return {
            "layers": [inputs, *hidden, rows[-1]],
            "edges": [[c.source, c.target, float(f"{c.weight:.4g}")] for c in used[:most]],
            "inputs": self.inputs,
            "hidden": sum(len(row) for row in rows[1:-1]),
            "connections": len(used),
        }

    # -- other forms ----------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return the genome as dicts, lists and numbers."""
        conns = [asdict(conn) for conn in self.connections]
        for conn in conns:
            if conn["plasticity"] is None:
                del conn["plasticity"]
        return {
            "inputs": self.inputs,
            "outputs": self.outputs,
            "fitness": self.fitness,
            **self._dynamics(),
            "nodes": [asdict(node) for node in self.nodes],
            "connections": conns,
        }

    def _dynamics(self) -> dict[str, Any]:
        """Return what the course in time depends on, by name; nothing for a plain feed-forward network."""
        last = len(DYNAMICS) if self.plasticity != "none" else -2
        return {name: getattr(self, name) for name in DYNAMICS[:last]} if self.stateful else {}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Genome:
        """Return the genome that :meth:`to_dict` wrote.

        Raises:
            InputError: something is missing, or no function has that name.
        """
        try:
            nodes = tuple(Node(**node) for node in data["nodes"])
            conns = tuple(_connection(**conn) for conn in data["connections"])
            own = {name: data[name] for name in DYNAMICS if name in data}
            inputs, outputs = (check_int(name, data[name], 0, _MOST) for name in ("inputs", "outputs"))
            genes: tuple[Node | Connection, ...] = (*nodes, *conns)
            for gene in genes:
                _check_gene(gene)
            for node in nodes:
                activation_code(node.activation)
                aggregation_code(node.aggregation)
            fitness = data.get("fitness")
            return cls(inputs, outputs, nodes, conns, None if fitness is None else float(fitness), **own)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"this is no genome as Genome.to_dict writes it: {error}.") from error

    def to_json(self) -> str:
        """Return the genome as JSON; numbers come back exactly."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> Genome:
        """Return the genome that :meth:`to_json` wrote.

        Raises:
            InputError: the text is no such JSON.
        """
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"this is no JSON: {error}.") from error
        return cls.from_dict(data)

    def to_networkx(self) -> networkx.DiGraph:
        """Return a directed graph; nodes carry ``kind``, ``bias``, …, edges ``weight``, ``enabled``, ``innovation``.

        Edges of a plastic network carry ``plasticity``, too.
        """
        import networkx

        graph = networkx.DiGraph(inputs=self.inputs, outputs=self.outputs, **self._dynamics())
        for i in range(self.inputs):
            graph.add_node(-i - 1, kind="input")
        for node in self.nodes:
            kind = "output" if node.id < self.outputs else "hidden"
            data = asdict(node)
            if self.network == "feed-forward":
                del data["time_constant"]
            graph.add_node(data.pop("id"), kind=kind, **data)
        for conn in self.connections:
            graph.add_edge(
                conn.source,
                conn.target,
                weight=conn.weight,
                enabled=conn.enabled,
                innovation=conn.innovation,
                **({} if conn.plasticity is None else {"plasticity": conn.plasticity}),
            )
        return graph

    def to_torch(self) -> torch.nn.Module:
        """Return the network as a plain ``torch.nn.Module``: ``(n, inputs)`` -> ``(n, outputs)``, trainable.

        One with a state maps ``(n, time, inputs)`` to ``(n, time, outputs)``.

        Raises:
            InputError: the network is plastic.
        """
        refuse_plastic(self.plasticity, "to_torch()")
        if self.network != "feed-forward":
            from neuroloom.evolve.recurrent_net import RecurrentGenomeNet

            return RecurrentGenomeNet(self)
        from neuroloom.evolve.population_net import GenomeNet

        return GenomeNet(self)

    def to_onnx(self, path: str | Path | None = None) -> Any:
        """Return a feed-forward network as an ``onnx.ModelProto``, written to ``path`` if that is given.

        Raises:
            InputError: onnx is not installed, or the network is plastic.
            NotSupportedError: the network has a state, or uses a function of one's own.
        """
        refuse_plastic(self.plasticity, "to_onnx()")
        from neuroloom.evolve.onnx_export import to_onnx

        return to_onnx(self, path)

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw the network and return the matplotlib axes; ``options`` are those of :func:`plots.plot_genome`.

        Args:
            ax: matplotlib axes, or None for a figure of its own.
            options: ``names`` (by id, or of inputs and then outputs), ``disabled``, ``title``.

        Raises:
            InputError: matplotlib is not installed, or the names do not fit.
        """
        from neuroloom.evolve.plots import plot_genome

        return plot_genome(self, ax, **options)

    def to_dot(self, names: Any = None) -> str:
        """Return the network in Graphviz's DOT language; ``names`` by id, or of inputs and then outputs."""
        from neuroloom.evolve.plots import to_dot

        return to_dot(self, names)
