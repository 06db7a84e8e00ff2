"""Many runs beside one another: the scores of each pairing of task and method from run to run, and what changed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from neuroloom.core.errors import InputError
from neuroloom.runner.report import axes, numbers
from neuroloom.runner.report.colours import Style, styles
from neuroloom.runner.report.html import fill, sheet

if TYPE_CHECKING:
    from neuroloom.runner.compare import Comparison
    from neuroloom.runner.results import Results

HEIGHT = 190.0
DRAWN = 8  # methods in a figure, the best of the last run
_MARKS = {"better": "▲", "worse": "▼"}
_STYLE = """
td small{display:block;color:var(--soft);font-size:11.5px;white-space:nowrap}
.better .mark{color:var(--plus)}.worse .mark{color:var(--minus)}
.runs td{white-space:nowrap}
.scores th:first-child{position:sticky;left:0;background:var(--page);z-index:1;box-shadow:inset 0 -1px var(--grid)}
.scores td{vertical-align:top}
.legend.lines{display:flex;flex-wrap:wrap;gap:4px 18px;list-style:none;margin:8px 0;padding:0}
"""


@dataclass(frozen=True)
class Run:
    """A line of the table of runs."""

    number: int
    name: str
    started: str
    version: str
    machine: str
    trials: int
    failed: int
    time: str
    changes: str


@dataclass(frozen=True)
class Cell:
    """What a method scored in a run: ``verdict`` is that against the run before that has the pairing."""

    text: str
    change: str = ""
    verdict: str = ""
    mark: str = ""


@dataclass
class Line:
    """A method on a task: cells in the order of the runs, and the points that are drawn ``(run, mean, low, high)``."""

    method: str
    number: int
    room: str
    cells: list[Cell] = field(default_factory=list)
    points: list[tuple[int, float, float, float]] = field(default_factory=list)
    last: str = ""


@dataclass(frozen=True)
class TaskHistory:
    """A task: its methods, the best of the last run first, and their figure."""

    name: str
    lead: str
    lines: list[Line]
    figure: Markup


@dataclass(frozen=True)
class Page:
    """All that the page shows."""

    title: str
    answer: str
    span: str
    runs: list[Run]
    tasks: list[TaskHistory]
    notes: list[str]
    styles: list[Style]


def render(runs: Sequence[Results]) -> str:
    """Return the page of several runs, in the order in which they started.

    Args:
        runs: two at least, of the same or of overlapping benches.

    Raises:
        InputError: there are fewer than two.
    """
    page = prepare(runs)
    return fill("history.html", sheet(dict(enumerate(page.styles))) + _STYLE, page=page)


def prepare(runs: Sequence[Results]) -> Page:
    """Return what the page shows.

    Raises:
        InputError: there are fewer than two runs.
    """
    from neuroloom.runner.compare import compare

    ordered = sorted(runs, key=lambda run: str(run.meta.get("started") or ""))
    if len(ordered) < 2:
        raise InputError(f"a history needs two runs at least, but got {len(ordered)}; name more.")
    methods = list(dict.fromkeys(m for run in ordered for m in run.main()["method"]))
    rooms = [_room(method, ordered) for method in methods]
    against: dict[tuple[int, int], Comparison] = {}

    def compared(i: int, j: int) -> Comparison:
        if (i, j) not in against:
            against[i, j] = compare(ordered[i], ordered[j])
        return against[i, j]

    tasks = list(dict.fromkeys(t for run in ordered for t in run.main()["task"]))
    made = [_task(task, ordered, methods, rooms, compared) for task in tasks]
    lines = [_run(i, run, compared(i - 1, i) if i else None) for i, run in enumerate(ordered)]
    names = list(dict.fromkeys(line.name for line in lines))
    last = compared(len(ordered) - 2, len(ordered) - 1)
    verdicts = last.cells["verdict"].value_counts()
    better, worse = int(verdicts.get("better", 0)), int(verdicts.get("worse", 0))
    answer = f"The last run is {_counts(better, worse)} of {numbers.plural(len(last.cells), 'pairing')}"
    return Page(
        title=numbers.listing(names, 3),
        answer=answer,
        span=f"{numbers.plural(len(lines), 'run')}, {lines[0].started} to {lines[-1].started}",
        runs=lines,
        tasks=[one for one in made if one.lines],
        notes=[f"last run: {note}" for note in last.notes],
        styles=styles(rooms),
    )


def _counts(better: int, worse: int) -> str:
    if not better and not worse:
        return "not told from the one before in any"
    return f"better than the one before in {better} and worse in {worse}"


def _room(method: str, runs: Sequence[Results]) -> str:
    found: dict[str, Any] = next(
        (r.meta["methods"][method] for r in runs if method in r.meta.get("methods", {})), {}
    )
    return str(found.get("room", "other"))


def _run(index: int, run: Results, since: Comparison | None) -> Run:
    meta, rows = run.meta, run.main()
    commit = meta.get("commit")
    version = str(meta.get("version", "?")) + (f" ({commit})" if commit else "")
    cores = meta.get("cores")
    changes = "–"
    if since is not None:
        verdicts = since.cells["verdict"].value_counts()
        counted = [
            f"{verdicts.get(name, 0)} {name}"
            for name in ("better", "worse", "same", "untested")
            if verdicts.get(name)
        ]
        counted += [
            f"{len(pairs)} {word}" for pairs, word in ((since.new, "new"), (since.missing, "gone")) if pairs
        ]
        changes = ", ".join(counted) or "nothing to compare"
    return Run(
        number=index + 1,
        name=str(meta.get("name", "?")),
        started=str(meta.get("started") or "?").replace("T", " ")[:16],
        version=version,
        machine=f"{meta.get('cpu') or '?'}" + (f", {numbers.plural(int(cores), 'core')}" if cores else ""),
        trials=len(rows),
        failed=int((~rows["status"].isin(["done", "skipped"])).sum()),
        time=numbers.seconds(float(meta.get("seconds") or 0.0)),
        changes=changes,
    )


def _task(
    task: str, runs: Sequence[Results], methods: Sequence[str], rooms: Sequence[str], compared: Any
) -> TaskHistory:
    from neuroloom.runner.statistics.within import within_task

    held: list[dict[str, Any]] = []
    metrics, up = [], True
    for run in runs:
        rows = run.main_of(task) if task in set(run.main()["task"]) else None
        if rows is None or not (rows["status"] == "done").any():
            held.append({})
            continue
        found = within_task(run, task)
        metrics.append(found.metric)
        up = bool(run.meta.get("tasks", {}).get(task, {}).get("greater_is_better", True))
        held.append({r["method"]: r for r in found.methods.to_dict("records") if not math.isnan(r["mean"])})
    spans = [
        abs(r["high"] - r["low"]) for one in held for r in one.values() if math.isfinite(r["high"] - r["low"])
    ]
    digits = numbers.decimals_for(
        max([*spans, *(abs(r["mean"]) for one in held for r in one.values())], default=1.0)
    )
    lines = [
        _line(method, i, rooms[i], task, held, compared, digits)
        for i, method in enumerate(methods)
        if any(method in one for one in held)
    ]
    lines.sort(key=lambda line: _place(line, len(runs), up))
    metric = ", then ".join(dict.fromkeys(metrics)) or "score"
    lead = f"{metric}, {'higher' if up else 'lower'} is better; {numbers.plural(len(lines), 'method')}"
    if len(lines) > DRAWN:
        lead += f", of which the {DRAWN} best are drawn"
    return TaskHistory(task, lead, lines, _figure(lines[:DRAWN], len(runs), metric))


def _place(line: Line, count: int, up: bool) -> tuple[int, float]:
    """Return where a line stands: those of the last run first, the best of them before the others."""
    run, mean = line.points[-1][:2]
    return count - run, -mean if up else mean


def _line(
    method: str, number: int, room: str, task: str, held: Sequence[dict[str, Any]], compared: Any, digits: int
) -> Line:
    line = Line(method, number, room)
    before: int | None = None
    for i, one in enumerate(held):
        found = one.get(method)
        if found is None:
            line.cells.append(Cell("–"))
            continue
        text = numbers.fixed(found["mean"], digits)
        cell = Cell(text)
        if before is not None:
            cells = compared(before, i).cells
            row = cells[(cells["task"] == task) & (cells["method"] == method)].to_dict("records")
            if row:
                cell = _changed(text, row[0], digits)
                line.last = f"run {i + 1}: {row[0]['verdict']}" if cell.mark else line.last
        line.cells.append(cell)
        line.points.append((i + 1, found["mean"], found["low"], found["high"]))
        before = i
    line.last = line.last or "–"
    return line


def _changed(text: str, row: dict[str, Any], digits: int) -> Cell:
    if math.isnan(row["gain"]):
        return Cell(text, row["why"] or "", row["verdict"])
    change = numbers.signed(row["gain"], digits)
    if math.isfinite(row["low"]) and math.isfinite(row["high"]):
        change += f" ({numbers.signed(row['low'], digits)} … {numbers.signed(row['high'], digits)})"
    return Cell(text, change, row["verdict"], _MARKS.get(row["verdict"], ""))


def _figure(lines: Sequence[Line], count: int, metric: str) -> Markup:
    ends = [v for line in lines for _, mean, low, high in line.points for v in (mean, low, high)]
    y = axes.Scale.over(ends, least=1e-6)
    if y is None:
        return Markup()
    x = _Runs(0.7, count + 0.3)
    frame = axes.Frame(x, y, HEIGHT, "run", metric, lambda run: f"{run:g}")
    paths, marks = [], []
    for k, line in enumerate(lines):
        shift = (
            0.16 * (k - (len(lines) - 1) / 2) / max(len(lines), 1)
        )  # so that intervals do not hide each other
        places = [(x(run + shift), frame.up(mean)) for run, mean, _, _ in line.points]
        whiskers = [
            (x(run + shift), frame.up(high), x(run + shift), frame.up(low))
            for run, _, low, high in line.points
            if math.isfinite(low) and math.isfinite(high)
        ]
        trace = axes.trace([(1000 * px, 4 * py) for px, py in places])
        paths.append(axes.tag("path", d=trace, class_=f"ln m{line.number}"))
        paths.append(axes.whiskers(whiskers, f"ci thin m{line.number}"))
        for (px, py), (run, mean, _, _) in zip(places, line.points, strict=True):
            tip = f"{line.method}, run {run}: {mean:.4g}"
            marks.append(axes.marker(line.room, axes.pc(px), py, f"mk m{line.number}", tip))
    said = f"{metric} against run of {', '.join(line.method for line in lines)}"
    return frame.draw(axes.stretched(HEIGHT, axes.joined(paths)) + axes.joined(marks), said)


class _Runs(axes.Scale):
    """A scale of runs, whose ticks are runs: each of a dozen, else every so many."""

    def ticks(self, most: int = 5) -> list[float]:
        """Return the numbers of the runs that are named."""
        last = math.floor(self.high)
        return [float(run) for run in range(1, last + 1, math.ceil(last / 12))]
