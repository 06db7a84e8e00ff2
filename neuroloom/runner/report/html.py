"""The page: the template filled with the prepared values and the figures, style and script inside, nothing outside.

The policy in the page's head names the hashes of its one script and one style sheet, so that nothing else may run, and
forbids every connection. All text goes through the template's escaping; figures escape theirs in ``axes.tag``.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from neuroloom.runner.report import (
    axes,
    diagram,
    elites,
    lines,
    networks,
    numbers,
    record,
    reliability,
    scatter,
    strips,
    traces,
)
from neuroloom.runner.report.colours import MARKERS

if TYPE_CHECKING:
    from neuroloom.runner.report.colours import Style
    from neuroloom.runner.report.model import CostPlot, Group, Panel, ReportData, TaskView

_TURNING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
HERE = Path(__file__).parent
Charts = dict[int, tuple[Markup, list[Markup]]]


@dataclass(frozen=True)
class TaskFigures:
    """Figures of a task: chart columns of its table (by the column they follow), costs, curves, scores by size, who is
    in the last two, scores by tuning trials and who is there, reliability diagrams, a chart column for coverage, maps
    of elites with what they come to, evolved networks with what they are, a series and scores over time.
    """

    charts: Charts
    costs: list[Markup]
    panels: list[Markup]
    drawn: list[int]
    fronts: list[Markup]
    sized: list[int]
    budgets: list[Markup]
    searched: list[int]
    reliability: list[Markup]
    coverage: Charts
    elites: list[tuple[Markup, str]]
    networks: list[tuple[Markup, str]]
    traces: list[Markup]


@dataclass(frozen=True)
class GroupFigures:
    """Figures of a group of tasks."""

    costs: list[Markup]
    diagram: Markup | None


def render(data: ReportData) -> str:
    """Return the page."""
    script = (HERE / "page.js").read_text(encoding="utf-8").strip()
    return fill(
        "page.html",
        sheet({m.number: m.style for m in data.methods}),
        data=data,
        script=Markup(script),
        script_hash=_hash(script),
        elite_key=elites.key,
        elite_ends=elites.key_ends,
        rooms=[room for room in MARKERS if any(m.style.room == room for m in data.methods)],
        trials=Markup(record.as_script(data.trials)),
        order=[h.method for h in data.coverage[0]] if data.coverage else [],
        boards=[_board(g, data) for g in data.groups],
        figures=[GroupFigures(_costs(g.costs), _diagram(g)) for g in data.groups],
        pages=[_task(t, data) for t in data.tasks],
    )


def fill(template: str, style: str, **given: object) -> str:
    """Return a page: a template of this folder with its one style sheet, the markers of rooms and what is given."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(str(HERE))
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, finalize=_plain)
    page = made.get_template(template)
    return page.render(style=Markup(style), style_hash=_hash(style), markers=MARKERS, **given)


def _plain(value: object) -> object:
    """Take out the signs that turn the direction of the text around them, which names must not do to a page."""
    return value.translate(_TURNING) if isinstance(value, str) else value


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def sheet(styles: Mapping[int, Style]) -> str:
    """Return the style sheet of a page whose methods have these numbers and styles."""
    common = (HERE / "page.css").read_text(encoding="utf-8").strip()
    colours = [
        f".m{number}{{color:{style.light};color:light-dark({style.light},{style.dark})}}"
        for number, style in styles.items()
    ]
    return common + "\n" + "".join(colours)


def _charts(rows: list[strips.Strip], after: int, css: str = "strip", zero: bool = False) -> Charts:
    """Return one chart column of a table, to follow its column ``after``."""
    more = (0.0,) if zero else ()
    along = strips.scale(rows, *more)
    if along is None:
        return {}
    write = _signed_ticks(along) if zero else None
    head = axes.head_axis(along, write, most=3 if zero else 4, css="ax diffaxis" if zero else "ax")
    return {after: (head, [strips.draw(row, along, zero=zero, css=css) for row in rows])}


def _signed_ticks(along: axes.Scale) -> Callable[[float], str]:
    decimals = axes.tick_decimals(along.ticks(3))
    return lambda value: numbers.signed(value, decimals)


def _board(group: Group, data: ReportData) -> Charts:
    rows = []
    for bar, row in zip(group.bars, group.board.rows, strict=True):
        method = data.methods[row[0].method]
        rows.append(strips.Strip(method.number, method.style.room, *bar))
    return _charts(rows, after=group.bar_column)


def _costs(plots: tuple[CostPlot, ...]) -> list[Markup]:
    drawn = [scatter.draw(p.points, p.x_title, p.y_title, p.write_x, p.greater) for p in plots]
    return [figure for figure in drawn if figure]


def _diagram(group: Group) -> Markup | None:
    d = group.diagram
    return None if d is None else diagram.draw(d.names, d.ranks, d.colours, d.groups)


def _task(task: TaskView, data: ReportData) -> TaskFigures:
    if not task.members:
        return TaskFigures({}, [], [], [], [], [], [], [], [], {}, [], [], [])
    sign = 1.0 if task.greater else -1.0
    own = {m.method: m for m in task.members}
    base = own[task.baseline].values if task.baseline in own else ()
    scores, differences = [], []
    for m in task.members:
        method = data.methods[m.method]
        room = method.style.room
        scores.append(strips.Strip(m.method, room, m.mean, m.low, m.high, m.values))
        if m.method == task.baseline or task.baseline not in m.differences:
            differences.append(strips.Strip(m.method, room, math.nan, math.nan, math.nan))
            continue
        mean, low, high, _ = m.differences[task.baseline]
        paired = [sign * (v - b) for v, b in zip(m.values, base, strict=True)]
        differences.append(strips.Strip(m.method, room, mean, low, high, paired))
    charts = _charts(scores, after=task.score_column)
    if len(task.members) > 1:
        charts |= _charts(differences, after=task.difference_column, css="strip diff", zero=True)
    dashes = [m.style.dash for m in data.methods]
    drawn = (task.panels, task.fronts, task.budgets)
    figures = [[_panel(p, dashes) for p in part] for part in drawn]
    who = [sorted({c.number for p in part for c in p.curves}) for part in drawn]
    held = task.calibration
    diagrams = [reliability.draw(number, found, held.low) for number, found in held.diagrams] if held else []
    maps = [] if task.elites is None else [
        (elites.draw(one, task.elites.low, task.elites.high, data.methods[one.method].name), elites.caption(one))
        for one in task.elites.maps
    ]  # fmt: skip
    evolved = [] if task.networks is None else [
        (networks.draw(one, data.methods[one.method].name), networks.caption(one))
        for one in task.networks.networks
    ]  # fmt: skip
    return TaskFigures(
        charts, _costs(task.costs), figures[0], who[0], figures[1], who[1], figures[2], who[2], diagrams,
        _coverage(task, data), maps, evolved, [] if task.traces is None else traces.draw(task.traces, data.methods),
    )  # fmt: skip


def _coverage(task: TaskView, data: ReportData) -> Charts:
    """Return how far coverage lies from what was asked for, a strip for each method."""
    if task.coverage is None:
        return {}
    rows = []
    for row, off in zip(task.coverage.table.rows, task.coverage.off, strict=True):
        rows.append(strips.Strip(row[0].method, data.methods[row[0].method].style.room, *off))
    along = strips.scale(rows, 0.0)
    if along is None:
        return {}
    head = axes.head_axis(along, _signed_ticks(along), most=3)
    return {task.coverage.column: (head, [strips.draw(row, along, zero=True) for row in rows])}


def _panel(panel: Panel, dashes: list[str]) -> Markup:
    write = numbers.seconds if panel.seconds else numbers.count
    return lines.draw(panel.curves, panel.x_title, panel.y_title, write, panel.log_x, dashes)
