"""What a report says, prepared once: every renderer formats these values and works out nothing of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.calibration import Reliability
from neuroloom.runner.report.colours import Style
from neuroloom.runner.report.lines import Curve
from neuroloom.runner.report.scatter import Point


@dataclass(frozen=True)
class Cell:
    """One entry of a table.

    Args:
        text: as every format writes it.
        value: what it is sorted by, where that is not the text.
        tip: more about it, where there is room for that.
        best: whether to set it off as the best of its column.
        method: number of the method that it names, -1 if none.
    """

    text: str
    value: float | None = None
    tip: str = ""
    best: bool = False
    method: int = -1


@dataclass(frozen=True)
class Column:
    """A column: its title, what it means, whether it holds numbers, and a name that the page's script knows it by."""

    title: str
    help: str = ""
    number: bool = True
    role: str = ""


@dataclass(frozen=True)
class Table:
    """A captioned table, with remarks below it."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class MethodView:
    """A method: its number (which fixes its colour), room and what was set.

    Args:
        number: its place in the run, from 0.
        name: the variant's label.
        expression: the registry expression.
        room: its room.
        title: what it is.
        settings: the parameters of its trials, as JSON; several where trials differ by more than their seed.
        notes: remarks.
        base: the method that it is the tuned form of, empty otherwise.
        style: colours, marker and dash.
    """

    number: int
    name: str
    expression: str
    room: str
    title: str
    settings: tuple[str, ...]
    notes: tuple[str, ...]
    base: str
    style: Style


@dataclass(frozen=True)
class Heat:
    """A cell of the coverage map.

    Args:
        method: number of the method.
        text: mean score, or a sign.
        shade: 0 (worst on the task) to 8 (best), -1 without a score.
        state: ``done``, ``partial`` (some trials were not), ``none`` (no trial was), ``skipped`` or ``absent``.
        tip: what is behind it.
        count: trials done of trials planned where they differ, ``"8/10"``.
    """

    method: int
    text: str
    shade: int
    state: str
    tip: str
    count: str = ""


@dataclass(frozen=True)
class Member:
    """One method on one task.

    Args:
        method: its number.
        values: its trials' scores on the main metric, in the order of the task's trials; NaN where not done.
        mean: their mean.
        low, high: the interval of the mean; NaN when there is none.
        difference: mean difference from each other method, by number: mean, low, high, p after Holm.
    """

    method: int
    values: tuple[float, ...]
    mean: float
    low: float
    high: float
    differences: dict[int, tuple[float, float, float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Panel:
    """Curves of one quantity against one other."""

    x_title: str
    y_title: str
    curves: tuple[Curve, ...]
    log_x: bool
    seconds: bool


@dataclass(frozen=True)
class Calibration:
    """How far the probabilities of a task's methods hold what they promise.

    Args:
        table: a row for each method that gives probabilities, the best log loss first.
        diagrams: number of the method, and its reliability over all its trials, in the table's order.
        low: where the diagrams' axes begin.
    """

    table: Table
    diagrams: tuple[tuple[int, Reliability], ...]
    low: float


@dataclass(frozen=True)
class Coverage:
    """How conformal intervals or sets of a task's methods did.

    Args:
        table: a row for each method that has any, the best first.
        off: for each row, mean, low and high end of coverage less what was asked for, and that of each trial.
        column: the column of ``table`` that the chart of ``off`` follows.
        lead: what they are, in a sentence.
    """

    table: Table
    off: tuple[tuple[float, float, float, tuple[float, ...]], ...]
    column: int
    lead: str


@dataclass(frozen=True, eq=False)
class EliteMap:
    """How fit a method's networks are for each kind of behaviour.

    Args:
        method: its number.
        names: what the one or two numbers of a behaviour are.
        ranges: ``(low, high)`` of each.
        fitness: ``(a, b)`` mean over the trials that fill the cell, NaN where none does; ``(a, 1)`` of one number.
        trials: how many trials there are.
        coverage: share of the cells that a trial fills, the mean; NaN where that is not known.
        qd_score: mean sum of fitness over a trial's elites; NaN where that is not known.
    """

    method: int
    names: tuple[str, ...]
    ranges: tuple[tuple[float, float], ...]
    fitness: NDArray[np.float64]
    trials: int
    coverage: float
    qd_score: float


@dataclass(frozen=True)
class Confusion:
    """Which class a method answered for which.

    Args:
        method: its number.
        classes: their labels.
        counts: for each true class, how often each was answered.
        shades: the share of the true class likewise, from 0 to 8.
    """

    method: int
    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    shades: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Confusions:
    """Confusion matrices of a task's methods.

    Args:
        matrices: one for each method, the best first.
        left: which methods' matrices are left out, or nothing.
    """

    matrices: tuple[Confusion, ...]
    left: str


@dataclass(frozen=True)
class Attention:
    """What a few test samples attend to.

    Args:
        method: the method's number.
        rows: sample, and what it attends to most: part, weight, and shade from 0 to 8.
    """

    method: int
    rows: tuple[tuple[str, tuple[tuple[str, str, int], ...]], ...]


@dataclass(frozen=True)
class Trace:
    """A detector's scores over time.

    Args:
        method: the method's number.
        score: the highest in each part.
    """

    method: int
    score: tuple[float, ...]


@dataclass(frozen=True)
class Traces:
    """A series in parts of equal length, and its detectors' scores.

    Args:
        steps: the first step of each part.
        low, high: the least and the largest value in each.
        marked: first and last step of each stretch that is an anomaly.
        methods: scores, the best method's first.
        left: whose scores are left out, or nothing.
    """

    steps: tuple[int, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    marked: tuple[tuple[int, int], ...]
    methods: tuple[Trace, ...]
    left: str


@dataclass(frozen=True)
class EvolvedNetwork:
    """A network that a method evolved.

    Args:
        method: its number.
        what: ``"network"``, or what else the genome is.
        layers: ids of the nodes from the inputs to the outputs, those that are drawn.
        edges: (source, target, weight) of the connections that are drawn.
        counts: how many inputs, hidden nodes and connections there are in all.
        trial: its seed and fold.
    """

    method: int
    what: str
    layers: tuple[tuple[int, ...], ...]
    edges: tuple[tuple[int, int, float], ...]
    counts: tuple[int, int, int]
    trial: tuple[int, int]


@dataclass(frozen=True)
class EvolvedNetworks:
    """Networks of a task's methods.

    Args:
        networks: one for each method that evolves any, the best first.
        left: which methods' networks are left out, or nothing.
    """

    networks: tuple[EvolvedNetwork, ...]
    left: str


@dataclass(frozen=True)
class EliteMaps:
    """The maps of a task's methods, on one scale of colours.

    Args:
        maps: one for each method that keeps one, the best first.
        low, high: fitness of the palest and of the strongest colour.
        below: whether there are cells below ``low``.
        left: which methods' maps are left out, or nothing.
    """

    maps: tuple[EliteMap, ...]
    low: float
    high: float
    below: bool
    left: str


@dataclass(frozen=True)
class CostPlot:
    """Score against one cost: titles of its axes, the metric's direction, how a cost is written, the points.

    The points' ``y`` is turned so that greater is better.
    """

    x_title: str
    y_title: str
    greater: bool
    write_x: Callable[[float], str]
    points: tuple[Point, ...]


@dataclass(frozen=True)
class TaskView:
    """A task's page: what it is, its table, its trials, its curves.

    Args:
        number: its place in the run, from 0.
        name, kind, problem, metric: what it is.
        greater: whether a larger score is better.
        facts: lines about it: samples, protocol, source.
        notes: what was noticed in its data and trials.
        table: its methods, best first.
        score_column, difference_column: the columns of ``table`` that the charts of scores and differences follow.
        members: methods with at least one finished trial, in the table's order.
        baseline: the method that differences are shown from at first, -1 if none.
        metrics: costs and the other metrics.
        costs: score against each cost.
        panels: learning curves.
        fronts: score against the size or cost of the networks that a method offers.
        budgets: score against the trials of tuning.
        tuned: methods as they are against their tuned forms, None without any.
        elites: maps of elites, None where no method keeps one.
        networks: evolved networks, None where no method evolves one.
        attention: what methods with attention look at.
        traces: a series and its detectors' scores over time, None where windows are not of one series.
        confusions: confusion matrices, None where there are no classes, or too many.
        calibration: how far probabilities hold, None where no method gave any.
        coverage: how conformal intervals or sets did, None without any.
        rests: what the methods' scores rest on, a row for each method, None where that was not asked for.
        missing: why methods are not in the table.
    """

    number: int
    name: str
    kind: str
    problem: str
    metric: str
    greater: bool
    decimals: int
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    table: Table
    score_column: int
    difference_column: int
    members: tuple[Member, ...]
    baseline: int
    metrics: Table
    costs: tuple[CostPlot, ...]
    panels: tuple[Panel, ...]
    fronts: tuple[Panel, ...]
    budgets: tuple[Panel, ...]
    tuned: Table | None
    elites: EliteMaps | None
    networks: EvolvedNetworks | None
    confusions: Confusions | None
    attention: tuple[Attention, ...]
    traces: Traces | None
    calibration: Calibration | None
    coverage: Coverage | None
    rests: Table | None
    missing: tuple[str, ...]
    answer: str


@dataclass(frozen=True)
class Diagram:
    """What the critical-difference diagram shows."""

    names: tuple[str, ...]
    ranks: tuple[float, ...]
    colours: tuple[int, ...]
    groups: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Versus:
    """One entry of the pairwise matrix, row against column."""

    difference: str
    tally: str
    p: str
    significant: bool
    shade: int
    tip: str


@dataclass(frozen=True)
class Group:
    """Tasks whose methods may be ranked together: one kind and one problem.

    Args:
        key: name for links, ``table-classification``.
        title: ``Tables · classification``.
        noun: the same inside a sentence, ``table classification``.
        tasks: numbers of its tasks.
        answer: who is best, in a sentence.
        leader: the best by mean rank, empty when nothing was done.
        board: the leaderboard.
        bars: score and interval of each row of ``board`` for its chart, in units of the score; NaN where unknown.
        bar_column: the column of ``board`` that the chart follows.
        statements: what the statistics across tasks say, or why there are none.
        diagram: for the critical-difference diagram, None below six tasks.
        names: methods of the matrix and their numbers.
        matrix: pairwise comparisons, None below six tasks; the diagonal is None.
        pairs: the same as a table.
        bayes: Bayesian signed-rank probabilities, None below six tasks.
        costs: score against each cost.
        sensitivity: ranks with one task left out, None with fewer than three tasks.
        policy: conclusions that depend on how failed trials count, None where none does.
        absent: methods that have no rank here, with the reason.
    """

    key: str
    title: str
    noun: str
    tasks: tuple[int, ...]
    answer: str
    leader: str
    board: Table
    bars: tuple[tuple[float, float, float], ...]
    bar_column: int
    statements: tuple[str, ...]
    diagram: Diagram | None
    names: tuple[int, ...]
    matrix: tuple[tuple[Versus | None, ...], ...]
    pairs: Table | None
    bayes: Table | None
    costs: tuple[CostPlot, ...]
    sensitivity: Table | None
    policy: Table | None
    absent: tuple[str, ...]


@dataclass(frozen=True)
class ReportData:
    """A whole report.

    Args:
        title: the run's name.
        answer: the answer in a sentence.
        health: how many trials were done, in a sentence.
        facts: figures for the head of the page.
        methods: all methods, in the run's order.
        groups: one for each kind and problem.
        coverage: a row for each task.
        tasks: their pages.
        failures: trials that did not end as done, by reason; None when all did.
        skips: pairings that were not run, by reason.
        reproduce: how to run it again, label and text.
        config: the TOML text.
        policy: how trials that were not done count.
        versions: packages and their versions.
        splits: data and split fingerprints of each task.
        trials: for the drill-down: per task and method, the trials' columns.
        frame: the frame itself (for CSV).
    """

    title: str
    answer: str
    health: str
    facts: tuple[tuple[str, str], ...]
    methods: tuple[MethodView, ...]
    groups: tuple[Group, ...]
    coverage: tuple[tuple[Heat, ...], ...]
    tasks: tuple[TaskView, ...]
    failures: Table | None
    skips: Table | None
    reproduce: tuple[tuple[str, str], ...]
    config: str
    policy: tuple[str, ...]
    versions: Table
    splits: Table
    trials: dict[str, Any]
    frame: Any
