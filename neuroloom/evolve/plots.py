"""Pictures of evolution: a network, the stream of species, the fitness by generation. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neuroloom.core import plotting
from neuroloom.core.errors import InputError

if TYPE_CHECKING:
    from neuroloom.evolve.genome import Connection, Genome

POSITIVE, NEGATIVE, DISABLED = "#2166ac", "#c4452f", "#b8b8b8"
_FILL = {"input": "#eef1f4", "hidden": "#fff6dd", "output": "#e5f1e4"}
_EDGE = {"input": "#5b6770", "hidden": "#a67c00", "output": "#3c7a3a"}
_INCHES = np.array([1.1, 0.8])  # about what a unit of the picture measures
_CLEAR = 0.26  # inches from the middle of a node to an arc that passes it
_NAME = np.array([0.0, -0.25])  # inches from there to the middle of its name


def node_names(genome: Genome, names: Mapping[int, str] | Sequence[str] | None) -> dict[int, str]:
    """Return a name for each input and node.

    Args:
        genome: the network.
        names: names by id, or of the inputs in order and then of the outputs; others are ``x1``, ``y1``, ``h`` + id.

    Raises:
        InputError: there are more names than inputs and outputs, or an id is not in the genome.
    """
    ends = [*range(-1, -genome.inputs - 1, -1), *range(genome.outputs)]
    if names is None:
        given: dict[int, str] = {}
    elif isinstance(names, Mapping):
        given = {int(i): str(name) for i, name in names.items()}
    else:
        if isinstance(names, str) or len(names) > len(ends):
            raise InputError(
                f"`names` must be at most {len(ends)} names, of {genome.inputs} inputs and {genome.outputs} outputs, "
                f"but is {names!r}."
            )
        given = dict(zip(ends, map(str, names), strict=False))
    found = {-i - 1: f"x{i + 1}" for i in range(genome.inputs)}
    found |= {o: "y" if genome.outputs == 1 else f"y{o + 1}" for o in range(genome.outputs)}
    found |= {node.id: f"h{node.id}" for node in genome.nodes if node.id >= genome.outputs}
    strange = sorted(set(given) - set(found))
    if strange:
        raise InputError(f"`names` names the ids {strange}, which the genome does not have.")
    return found | given


def layers(genome: Genome) -> list[list[int]]:
    """Return the ids from left to right: inputs, hidden nodes by their longest path from an input, outputs.

    Connections that close a cycle do not count for a path.

    Hidden nodes that reach no output are left out. Within a layer each node stands near the mean place of its
    neighbours (the barycentre method of Sugiyama, Tagawa and Toda 1981), so that few connections cross.
    """
    order = genome.order()
    entering = genome.entering()
    depth = {-i - 1: 0 for i in range(genome.inputs)}
    for i in order:
        known = (depth[conn.source] for conn in entering.get(i, []) if conn.source in depth)
        depth[i] = 1 + max(known, default=0)  # what is not known yet closes a cycle
    hidden = [i for i in order if i >= genome.outputs]
    heights = sorted({depth[i] for i in hidden})
    found = [[-i - 1 for i in range(genome.inputs)]]
    found += [sorted(i for i in hidden if depth[i] == height) for height in heights]
    found += [list(range(genome.outputs))]
    near: dict[int, list[int]] = {}
    for target in order:
        for conn in entering.get(target, []):
            near.setdefault(target, []).append(conn.source)
            near.setdefault(conn.source, []).append(target)
    for _ in range(4):
        place = _places(found)
        for layer in found[1:-1]:  # the first of a layer stands highest
            layer.sort(key=lambda i: -float(np.mean([place[n][1] for n in near[i]])))
            place = _places(found)
    return found


def _places(rows: list[list[int]]) -> dict[int, tuple[float, float]]:
    """Return where each node stands: layers at 0, 1, …, each centred on height 0, the first node on top."""
    return {
        i: (float(x), (len(layer) - 1) / 2 - k) for x, layer in enumerate(rows) for k, i in enumerate(layer)
    }


def _spread(rows: list[list[int]]) -> dict[int, tuple[float, float]]:
    """Return the places of the picture: every layer spread over the height of the tallest, hidden ones staggered."""
    tallest = max(len(layer) for layer in rows)
    found = {}
    for x, layer in enumerate(rows):
        step = max(1.0, 0.75 * tallest / (len(layer) + 1))
        shift = 0.22 * (-1) ** x if 0 < x < len(rows) - 1 and len(rows) > 2 else 0.0
        for k, i in enumerate(layer):
            found[i] = (1.9 * x, ((len(layer) - 1) / 2 - k) * step + shift)
    return found


def plot_genome(
    genome: Genome,
    ax: Any = None,
    *,
    names: Mapping[int, str] | Sequence[str] | None = None,
    disabled: bool = False,
    title: str | None = None,
) -> Any:
    """Draw a network: layers from left to right, blue connections positive, red negative, wider the larger the weight.

    Weights are the evolved ones; connections whose weight changes while the network runs are dashed.

    Args:
        genome: the network.
        ax: matplotlib axes, or None for a figure of its own.
        names: names by id, or of the inputs in order and then of the outputs.
        disabled: whether to show disabled connections, dotted and grey.
        title: None says how many nodes and connections there are, and how many of these are plastic.

    Returns:
        The axes.

    Raises:
        InputError: matplotlib is not installed, or the names do not fit.
    """
    pyplot = plotting.pyplot()
    from neuroloom.evolve.plot_cycles import bounds

    called, rows = node_names(genome, names), layers(genome)
    at = _spread(rows)
    ys = [y for _, y in at.values()]
    if ax is None:
        size = (max(5.0, 2.1 * len(rows) + 1.6), min(14.0, max(3.0, 0.75 * (max(ys) - min(ys)) + 1.8)))
        _, ax = pyplot.subplots(figsize=size, layout="constrained")
    shown = [c for c in genome.connections if c.source in at and c.target in at and (c.enabled or disabled)]
    largest = max((abs(c.weight) for c in shown if c.enabled), default=1.0) or 1.0
    for conn in sorted(shown, key=lambda c: (c.enabled, abs(c.weight))):
        _draw_connection(ax, conn, at, largest)
    functions = {node.id: node for node in genome.nodes}
    for i, (x, y) in at.items():
        kind = "input" if i < 0 else "output" if i < genome.outputs else "hidden"
        ax.plot(x, y, "o", ms=25, mfc=_FILL[kind], mec=_EDGE[kind], mew=1.4, zorder=3)
        if kind == "input":
            ax.text(x - 0.3, y, called[i], ha="right", va="center", size=10, color=plotting.INK, zorder=4)
            continue
        node = functions[i]
        ax.text(
            x, y, _short(node.activation), ha="center", va="center", size=7.5, color=plotting.INK, zorder=4
        )
        if node.aggregation != "sum":
            ax.annotate(
                node.aggregation, (x, y), (0, 15), textcoords="offset points", ha="center", size=7, color=_EDGE[kind]
            )  # fmt: skip
        if kind == "output":
            ax.text(x + 0.3, y, called[i], ha="left", va="center", size=10, color=plotting.INK, zorder=4)
        else:
            ax.annotate(
                called[i], (x, y), (0, -21), textcoords="offset points", ha="center", size=7.5, color=_EDGE[kind],
                zorder=4, bbox={"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.75},
            )  # fmt: skip
    ax.set_xlim(-1.1, 1.9 * (len(rows) - 1) + 1.1)
    low, high = bounds(shown, at)
    ax.set_ylim(low - 0.9, high + 0.9)
    ax.axis("off")
    hidden, used = sum(len(layer) for layer in rows[1:-1]), sum(c.enabled for c in shown)
    plural = "" if used == 1 else "s"
    said = f"{hidden} hidden, {used} connection{plural}"
    if genome.plasticity != "none":
        said += f", {sum(c.enabled and changes(c) for c in shown)} plastic"
    ax.set_title(said if title is None else title, size=11, color=plotting.INK)
    return ax


def changes(conn: Connection) -> bool:
    """Return whether the weight changes while the network runs: a rule whose eta and some other number are not 0."""
    return conn.plasticity is not None and conn.plasticity[0] != 0 and any(conn.plasticity[1:])


def _short(name: str) -> str:
    return {"sigmoid": "sigm", "identity": "id", "softplus": "softp", "clamped": "clamp"}.get(name, name)


def bend(source: int, target: int, at: Mapping[int, tuple[float, float]]) -> float:
    """Return matplotlib's ``rad`` of the arc between two nodes: outwards where it skips a layer, past nodes between."""
    (x0, y0), (x1, y1) = at[source], at[target]
    if x1 - x0 <= 2:
        return 0.0
    ends, between = np.array([(x0, y0), (x1, y1)]) * _INCHES, []
    for i, (x, y) in at.items():
        if x0 < x < x1 and i not in (source, target):
            between.append((x, y))
    outwards = 1.0 if y0 + y1 < 0 else -1.0
    if not between:
        return 0.16 * outwards
    t = np.linspace(0.05, 0.95, 31)[:, None]
    (dx, dy), nodes = ends[1] - ends[0], np.array(between) * _INCHES
    found = []
    for rad in np.outer((0.16, 0.24, 0.32, 0.4), (outwards, -outwards)).ravel():
        middle = ends.mean(axis=0) + rad * np.array([dy, -dx])
        arc = (1 - t) ** 2 * ends[0] + 2 * t * (1 - t) * middle + t**2 * ends[1]
        away = np.sqrt(((arc[:, None] - nodes) ** 2).sum(axis=2)).min() - _CLEAR
        away_from_names = np.sqrt(((arc[:, None] - nodes - _NAME) ** 2).sum(axis=2)).min() - _CLEAR / 2
        clear = min(away, away_from_names)
        if clear > 0:
            return float(rad)
        found.append((clear, -abs(rad), float(rad)))
    return max(found)[2]


def _draw_connection(
    ax: Any, conn: Connection, at: Mapping[int, tuple[float, float]], largest: float
) -> None:
    from matplotlib.patches import FancyArrowPatch

    from neuroloom.evolve.plot_cycles import Back, goes_back

    (x0, y0), (x1, y1) = at[conn.source], at[conn.target]
    course: Any = f"arc3,rad={bend(conn.source, conn.target, at)}"
    if goes_back(conn.source, conn.target, at):
        course = Back(ax, conn.source, conn.target, at)
    share = abs(conn.weight) / largest
    style: Any = (0, (2.4, 0.7)) if changes(conn) else "-"
    ax.add_patch(
        FancyArrowPatch(
            (x0, y0), (x1, y1), arrowstyle="-|>", mutation_scale=7 + 4 * share, shrinkA=13, shrinkB=13,
            connectionstyle=course, linewidth=0.6 + 3.2 * share if conn.enabled else 0.8,
            color=(POSITIVE if conn.weight >= 0 else NEGATIVE) if conn.enabled else DISABLED,
            alpha=0.35 + 0.6 * share if conn.enabled else 0.7, linestyle=style if conn.enabled else ":",
            zorder=2 if conn.enabled else 1, capstyle="butt", joinstyle="miter",
        )
    )  # fmt: skip


def to_dot(genome: Genome, names: Mapping[int, str] | Sequence[str] | None = None) -> str:
    """Return the network in Graphviz's DOT language, left to right, with the colours and widths of the plot.

    Args:
        genome: the network; what reaches no output is left out.
        names: names by id, or of the inputs in order and then of the outputs.

    Raises:
        InputError: the names do not fit.
    """
    called, rows = node_names(genome, names), layers(genome)
    there = {i for layer in rows for i in layer}
    functions = {node.id: node for node in genome.nodes}
    lines = [
        "digraph genome {",
        "  rankdir=LR;",
        '  node [shape=circle, style=filled, fontname="Helvetica"];',
    ]
    for layer in (rows[0], *rows[1:-1], rows[-1]):
        kind = "input" if layer is rows[0] else "output" if layer is rows[-1] else "hidden"
        lines.append("  { rank=same;")
        for i in layer:
            label = called[i].replace("\\", "\\\\").replace('"', '\\"')
            if i >= 0:
                label += f"\\n{functions[i].activation}"
            lines.append(f'    "{i}" [label="{label}", fillcolor="{_FILL[kind]}", color="{_EDGE[kind]}"];')
        lines.append("  }")
    shown = [c for c in genome.connections if c.enabled and c.source in there and c.target in there]
    largest = max((abs(c.weight) for c in shown), default=1.0) or 1.0
    lines += [
        f'  "{c.source}" -> "{c.target}" [color="{POSITIVE if c.weight >= 0 else NEGATIVE}", '
        f'penwidth={0.6 + 3.2 * abs(c.weight) / largest:.2f}, tooltip="{c.weight:.6g}"'
        f"{', style=dashed' if changes(c) else ''}];"
        for c in shown
    ]
    return "\n".join([*lines, "}"]) + "\n"


def plot_fitness(history: Sequence[Mapping[str, float]], ax: Any = None, *, against: str = "step") -> Any:
    """Draw the fitness: the best so far, each generation's best, and the mean.

    Args:
        history: ``history_`` of a :class:`~neuroloom.evolve.NEAT` or of an estimator.
        ax: matplotlib axes, or None for a figure of its own.
        against: ``"step"`` (generations), ``"seconds"`` or ``"evaluations"``.

    Returns:
        The axes.

    Raises:
        InputError: matplotlib is not installed, the history is empty, or ``against`` is another.
    """
    pyplot = plotting.pyplot()
    titles = {"step": "generation", "seconds": "seconds", "evaluations": "evaluations"}
    if against not in titles:
        raise InputError(f"`against` must be 'step', 'seconds' or 'evaluations', but got {against!r}.")
    if not history:
        raise InputError("there is no history to draw; run at least one generation first.")
    if ax is None:
        _, ax = pyplot.subplots(figsize=(7, 3.6), layout="constrained")
    x = [entry[against] for entry in history]
    styles = {
        "mean_fitness": ("mean", "#8a8f94", 1.0, "-"),
        "generation_score": ("generation's best", "#7aa9d2", 0.9, "-"),
        "score": ("best so far", POSITIVE, 2.2, "-"),
    }
    for key, (label, colour, width, line) in styles.items():
        if key in history[0]:
            ax.plot(x, [entry[key] for entry in history], line, color=colour, lw=width, label=label)
    best = np.array([entry["score"] for entry in history])
    lower = min(best.min(), np.percentile([entry.get("mean_fitness", best.min()) for entry in history], 5))
    room = 0.05 * (best.max() - lower or 1.0)
    ax.set_ylim(lower - room, best.max() + room)  # a few disasters in the mean do not flatten the rest
    _plain(ax, titles[against], "fitness")
    ax.legend(frameon=False, fontsize=9, loc="lower right")
    return ax


def plot_species(species: Sequence[Mapping[int, int]], ax: Any = None) -> Any:
    """Draw the stream of species: the members of each, stacked in the order in which the species arose.

    Args:
        species: the members of each living species by its number, for each generation: ``species_sizes_`` of a
            :class:`~neuroloom.evolve.NEAT`.
        ax: matplotlib axes, or None for a figure of its own.

    Returns:
        The axes.

    Raises:
        InputError: matplotlib is not installed, or there are no generations.
    """
    pyplot = plotting.pyplot()
    if not species:
        raise InputError("there are no generations to draw; run at least one first.")
    if ax is None:
        _, ax = pyplot.subplots(figsize=(7, 3.6), layout="constrained")
    keys = sorted({key for sizes in species for key in sizes})
    counts = np.array([[sizes.get(key, 0) for sizes in species] for key in keys], float)
    steps = np.arange(1, len(species) + 1)
    if len(steps) == 1:
        counts, steps = np.repeat(counts, 2, axis=1), np.array([1, 2])
    palette = pyplot.get_cmap("tab20").colors
    order = [*range(0, 20, 2), *range(1, 20, 2)]
    colours = [palette[order[k % 20]] for k in range(len(keys))]
    ax.stackplot(steps, counts, colors=colours, linewidth=0.4, edgecolor="white", alpha=0.85)
    base = np.cumsum(counts, axis=0) - counts
    for k, key in enumerate(keys):
        widest = int(counts[k].argmax())
        if counts[k, widest] >= 0.12 * counts.sum(axis=0)[widest] and (counts[k] > 0).sum() > len(steps) / 20:
            inside = min(max(widest, len(steps) // 40), len(steps) - 1 - len(steps) // 40)
            y = base[k, inside] + counts[k, inside] / 2
            ax.text(steps[inside], y, str(key), ha="center", va="center", size=8, color=plotting.INK)
    ax.set_xlim(steps[0], steps[-1])
    ax.set_ylim(0, counts.sum(axis=0).max())
    _plain(ax, "generation", "genomes by species")
    return ax


def _plain(ax: Any, x: str, y: str) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.set_xlabel(x)
    ax.set_ylabel(y)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    if x == "generation":
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
