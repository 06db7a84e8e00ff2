"""Scales, colours, fronts and curves."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuroloom.runner.report import (
    attention,
    axes,
    colours,
    confusion,
    diagram,
    elites,
    lines,
    networks,
    panels,
    scatter,
    strips,
    traces,
)
from neuroloom.runner.report.model import EliteMap
from tests.runner.report.conftest import prepared

FINITE = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(FINITE, min_size=1, max_size=20), st.integers(2, 7))
def test_linear_scale_shows_every_value_and_ticks_inside(values: list[float], most: int) -> None:
    scale = axes.Scale.over(values)
    assert scale is not None
    assert scale.low < scale.high
    assert all(0 <= scale(v) <= 1 for v in values)
    ticks = scale.ticks(most)
    assert 2 <= len(ticks) <= most + 2
    slack = 1e-6 * (scale.high - scale.low)
    assert all(scale.low - slack <= t <= scale.high + slack for t in ticks)


@given(st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=20), st.integers(3, 6))
def test_logarithmic_scale_keeps_ratios(values: list[float], most: int) -> None:
    scale = axes.Scale.over(values, log=True)
    assert scale is not None
    middle = math.sqrt(scale.low * scale.high)
    assert scale(middle) == pytest.approx(0.5)
    ticks = scale.ticks(most)
    assert 1 <= len(ticks) <= most + 1
    assert all(scale.low * 0.999 <= t <= scale.high * 1.001 for t in ticks)


def test_an_interval_far_wider_than_all_scores_does_not_squeeze_them() -> None:
    along = axes.Scale.around([-87, -112, -500], [-118, -56, -2892, 2301])
    assert along is not None
    assert along(-87) - along(-500) > 0.3  # a third of the width, by what is a tenth of the longest interval
    assert (along(-2892), along(2301)) == (0.0, 1.0)  # at the edges
    near = axes.Scale.around([0.8, 0.9], [0.75, 0.95])
    assert near == axes.Scale.over([0.75, 0.95])
    one = axes.Scale.around([100.0], [50.0, math.nan, None, 150.0])
    assert one is not None
    assert one.low < 90 < 110 < one.high < 112
    assert axes.Scale.around([math.nan], [0.0, 1.0]) == axes.Scale.over([0.0, 1.0])


def test_scale_of_nothing_is_none() -> None:
    assert axes.Scale.over([math.nan, None, math.inf]) is None
    assert axes.Scale.over([0.0, -1.0], log=True) is None


def test_ticks_are_round() -> None:
    assert axes.Scale(0.0, 1.0).ticks(5) == pytest.approx([0, 0.25, 0.5, 0.75, 1.0])
    assert axes.Scale(1e-3, 1e3, True).ticks(7) == pytest.approx([1e-3, 1e-2, 0.1, 1, 10, 100, 1000])


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 900)), min_size=1, max_size=12))
def test_trace_ends_where_its_points_end(points: list[tuple[int, int]]) -> None:
    path = axes.trace(points)
    found = [int(v) for v in re.findall(r"-?\d+", path)]
    if len(points) == 1:
        assert found == [*points[0], 0]
    else:
        assert (sum(found[0::2]), sum(found[1::2])) == points[-1]


def test_text_and_attributes_are_escaped() -> None:
    drawn = axes.tag("text", '</svg><b a="1">', data_t="\"'<&>")
    assert drawn == '<text data-t="&#34;&#39;&lt;&amp;&gt;">&lt;/svg&gt;&lt;b a=&#34;1&#34;&gt;</text>'


def test_rooms_differ_in_marker_and_methods_in_colour() -> None:
    rooms = [room for room in colours.ROOMS for _ in range(4)]
    looks = colours.styles(rooms)
    assert len({s.light for s in looks}) == len(looks)
    assert len({s.dark for s in looks}) == len(looks)
    assert len(set(colours.MARKERS.values())) == len(colours.ROOMS)


@pytest.mark.parametrize("room", colours.ROOMS)
@pytest.mark.parametrize("many", [1, 2, 5, 12])
def test_colours_stand_out_from_the_page(room: str, many: int) -> None:
    for look in colours.styles([room] * many):
        assert colours.contrast(look.light, "#ffffff") >= 3.0
        assert colours.contrast(look.dark, "#14171b") >= 3.0


def test_contrast_of_black_and_white() -> None:
    assert colours.contrast("#000000", "#ffffff") == pytest.approx(21.0)


def test_oklch_known_values() -> None:
    assert colours.oklch(1.0, 0.0, 0.0) == "#ffffff"
    assert colours.oklch(0.627955, 0.257683, 29.2339) in ("#ff0000", "#fe0000")


def point(name: str, x: float, y: float) -> scatter.Point:
    return scatter.Point(name, 0, "nets", x, x, x, y, y, y, "")


def test_front_by_hand() -> None:
    points = [point("cheap", 1, 0.5), point("beaten", 2, 0.4), point("good", 3, 0.9), point("dear", 9, 0.9)]
    assert [p.name for p in scatter.front(points)] == ["cheap", "good"]


@given(st.lists(st.tuples(st.floats(0.1, 10), st.floats(0, 1)), min_size=1, max_size=15))
def test_nothing_beats_the_front(pairs: list[tuple[float, float]]) -> None:
    points = [point(str(k), *pair) for k, pair in enumerate(pairs)]
    for best, other in itertools.product(scatter.front(points), points):
        assert not (other.x <= best.x and other.y >= best.y and (other.x, other.y) != (best.x, best.y))


def test_scatter_needs_two_methods() -> None:
    assert scatter.draw([point("a", 1, 1)], "x", "y", str) == ""
    drawn = scatter.draw([point("a", 1, 1), point("b", 2, 2)], "x", "y", str)
    assert drawn.count("<use") == 2


def test_mean_curve_of_runs_of_unequal_length() -> None:
    a = (np.array([1.0, 3.0]), np.array([0.0, 2.0]))
    b = (np.array([2.0, 5.0]), np.array([1.0, 4.0]))
    curve = lines.average("m", 0, [a, b], 4, log=False)
    assert curve is not None
    np.testing.assert_allclose(curve.x, [2, 3, 4, 5])
    np.testing.assert_allclose(curve.mean, [1.0, 2.0, 2.5, 3.0])
    np.testing.assert_allclose(curve.spread, [0.0, 0.0, 0.5, 1.0])


def test_mean_curve_leaves_out_what_is_missing() -> None:
    assert lines.average("m", 0, [(np.array([np.nan]), np.array([1.0]))], 4, log=False) is None
    curve = lines.average("m", 0, [(np.array([0.0, 1.0, 4.0]), np.array([9.0, 1.0, 3.0]))], 3, log=True)
    assert curve is not None
    np.testing.assert_allclose(curve.x, [1, 2, 4])


def test_scores_by_size_go_on_from_the_smaller_network() -> None:
    rows = [
        ("m", 0, 0, 1, 0.5),
        ("m", 0, 0, 4, 0.9),
        ("m", 0, 1, 2, 0.7),
        ("m", 0, 1, 3, 0.6),
        ("n", 0, 0, 2, 0.1),
    ]
    points = pd.DataFrame(rows, columns=["method", "seed", "fold", "size", "score"]).assign(
        measure="hidden neurons"
    )
    (panel,) = panels.fronts(points, {"m": 3, "n": 1}, "accuracy")
    assert (panel.x_title, panel.y_title) == ("Hidden neurons", "accuracy")
    other, curve = panel.curves
    assert (other.name, curve.name, curve.number, curve.trials) == ("n", "m", 3, 2)
    np.testing.assert_allclose(curve.x, [2, 3, 4])  # from where both have a network
    np.testing.assert_allclose(curve.mean, [0.6, 0.55, 0.75])
    np.testing.assert_allclose(curve.spread, [0.1, 0.05, 0.15])
    assert panels.fronts(points.iloc[:0], {}, "accuracy") == ()


def _map(fitness: list[list[float | None]], **more: Any) -> dict[str, Any]:
    return {"axes": ["inputs", "hidden"], "ranges": [[-0.5, 1.5], [-0.5, 2.5]], "fitness": fitness, **more}


def test_maps_of_elites_are_means_over_the_trials_that_fill_a_cell() -> None:
    maps = {
        "m": [
            _map([[1.0, None, 2.0], [None, None, 4.0]], coverage=0.5, qd_score=10.0),
            _map([[3.0, None, None], [6.0, None, 8.0]], coverage=0.7, qd_score=11.0),
            _map([[9.0]]),  # another map's cells
        ],
        "none": [],
    }
    method = dataclasses.replace(prepared("single").methods[0], number=5, name="m")
    held = elites.view(maps, ["none", "m"], {"m": method})
    assert held is not None
    (one,) = held.maps
    np.testing.assert_array_equal(one.fitness, [[2.0, np.nan, 2.0], [6.0, np.nan, 6.0]])
    assert (one.method, one.trials, held.low, held.high, held.below) == (5, 2, 2.0, 6.0, False)
    assert elites.caption(one) == "60 % of cells filled, QD-score 10.50, mean of 2 trials"
    assert [elites.level(v, held.low, held.high) for v in (0.0, 2.0, 4.0, 6.0)] == [0, 0, 6, 11]
    drawn = str(elites.draw(one, held.low, held.high, "m"))
    # inputs across, hidden neurons up: two pale cells at the left, two strong ones at the right
    assert 'd="M0 587h500v293h-500zM0 0h500v293h-500z"' in drawn
    assert 'd="M500 587h500v293h-500zM500 0h500v293h-500z"' in drawn
    assert elites.view({"m": []}, ["m"], {"m": method}) is None


def test_a_map_of_one_number_is_a_strip() -> None:
    one = EliteMap(0, ("size",), ((0.0, 4.0),), np.array([[1.0], [np.nan]]), 1, np.nan, np.nan)
    drawn = str(elites.draw(one, 1.0, 1.0, "m"))
    assert 'd="M0 0h500v880h-500z"' in drawn
    assert elites.caption(one) == ""


def test_an_evolved_network_is_that_of_the_first_trial_drawn_from_left_to_right() -> None:
    told = {"what": "pattern", "layers": [[-1, -2], [3], [0]], "inputs": 2, "hidden": 1, "connections": 5}
    edges = [[-1, 3, 4.0], [3, 0, -1.0], [0, 0, 0.5], [0, 3, 4.0], [9, 0, 1.0], [-2, 0, float("nan")]]
    held = {"m": {(0, 1): {**told, "edges": []}, (0, 0): {**told, "edges": edges}}, "none": {}}
    method = dataclasses.replace(prepared("single").methods[0], number=5, name="m")
    found = networks.view(held, ["none", "m"], {"m": method})
    assert found is not None
    (one,) = found.networks
    assert one.edges == (
        (-1, 3, 4.0),
        (3, 0, -1.0),
        (0, 0, 0.5),
        (0, 3, 4.0),
    )  # to no node, and of no weight: not
    said = "Pattern of seed 0, fold 0: 2 inputs, 1 hidden, 5 connections, the 4 strongest drawn"
    assert networks.caption(one) == said
    drawn = str(networks.draw(one, "<m>"))
    assert 'class="wp" stroke-width="3.4"' in drawn  # the strongest, onwards and back, in one path
    assert re.search(r'd="M14 73.3L180 101M346 110Q263 67 180 101" class="wp"', drawn)
    assert 'd="M180 101L346 110" class="wn" stroke-width="1.6"' in drawn
    assert drawn.count("<circle") == 4
    assert "&lt;m&gt;: Pattern of seed 0" in drawn
    assert networks.view({"m": {}}, ["m"], {"m": method}) is None


def test_scores_over_time_stand_below_their_series() -> None:
    trace = {
        "step": [10, 20, 30, 40],
        "low": [0.0, -1.0, 0.0, None],
        "high": [1.0, 1.0, 2.0, None],
        "score": [0.0, 3.0, None, 1.0],
        "marked": [[22, 23]],
    }
    method = dataclasses.replace(prepared("single").methods[0], number=0, name="<m>")
    names = ["<m>", *"abcd", "other steps"]
    methods = {name: dataclasses.replace(method, name=name, number=k) for k, name in enumerate(names)}
    held = {name: [trace] for name in names[:-1]} | {"other steps": [{**trace, "step": [1, 2, 3, 4]}]}
    found = traces.view(held, names, methods)
    assert found is not None
    assert [one.method for one in found.methods] == [0, 1, 2, 3]
    assert found.left == "Without their scores here: d."
    assert found.marked == ((22, 23),)
    drawn = traces.draw(found, list(methods.values()))
    assert len(drawn) == 5
    assert all(figure.count('class="an"') == 1 for figure in drawn)
    assert "nan" not in "".join(drawn)
    assert "scores of &lt;m&gt; over time" in drawn[1]
    # from step 10 to the end of the last part, 50: the stretch lies at 12 to 14 of 40 steps
    assert 'd="M300 0h50v360h-50z"' in drawn[0]
    assert traces.view({}, names, methods) is None


def test_confusion_is_summed_over_folds_that_met_other_classes() -> None:
    first = {"classes": ["10", "9"], "counts": [[3, 1], [0, 2]]}
    second = {"classes": ["10", "a <b>"], "counts": [[1, 0], [2, 2]]}
    method = dataclasses.replace(prepared("single").methods[0], number=5, name="m")
    many = {"classes": [str(k) for k in range(13)], "counts": np.eye(13, dtype=int).tolist()}
    methods = {name: dataclasses.replace(method, name=name) for name in ("m", "n", *"abcd")}
    held = {"m": [first, second], "n": [many], **{name: [first] for name in "abcd"}}
    found = confusion.view(held, ["n", "m", *"abcd"], methods)
    assert found is not None
    one = found.matrices[0]
    assert one.classes == ("9", "10", "a <b>")
    assert one.counts == ((2, 0, 0), (1, 4, 0), (0, 2, 2))
    assert one.shades == ((8, 0, 0), (2, 6, 0), (0, 4, 4))
    assert (len(found.matrices), found.left) == (3, "Without their matrices here: c and d.")
    assert confusion.view({"n": [many]}, ["n"], methods) is None


def test_attention_of_the_first_trial_is_shaded_by_its_largest_weight() -> None:
    told = [["n<1>", [["a", 0.5], ["b", 0.25], ["c", 0.031]]], ["n2", []]]
    method = dataclasses.replace(prepared("single").methods[0], number=5, name="m")
    (one,) = attention.view({"m": [told, []], "none": []}, ["none", "m"], {"m": method})
    assert one.rows == (("n<1>", (("a", "50.0", 8), ("b", "25.0", 4), ("c", "3.1", 0))), ("n2", ()))


def test_environment_steps_come_before_evaluations() -> None:
    row = {
        "method": "m",
        "seed": 0,
        "fold": 0,
        **dict.fromkeys(("loss", "valid_loss", "coverage", "qd_score"), np.nan),
    }
    played = [
        {**row, "step": k, "seconds": k, "score": k, "evaluations": 10 * k, "env_steps": 70 * k}
        for k in (1, 2)
    ]
    seconds, steps = panels.panels(pd.DataFrame(played), {"m": 0}, 14)
    assert (seconds.x_title, steps.x_title) == ("Seconds of fitting", "Environment steps")
    assert steps.curves[0].x[-1] == 140


def test_a_map_has_two_curves_more() -> None:
    row = {"method": "m", "seed": 0, "fold": 0, "loss": np.nan, "valid_loss": np.nan, "env_steps": np.nan}
    steps = [
        {
            **row,
            "step": k,
            "seconds": k,
            "score": k,
            "evaluations": 9 * k,
            "coverage": 0.1 * k,
            "qd_score": 5 * k,
        }
        for k in (1, 2)
    ]
    found = panels.panels(pd.DataFrame(steps), {"m": 0}, 14)
    assert [(p.x_title, p.y_title) for p in found] == [
        ("Seconds of fitting", "Score"), ("Evaluations", "Score"), ("Evaluations", "QD-score"),
        ("Evaluations", "Coverage"),
    ]  # fmt: skip


def test_diagram_has_a_bar_for_each_group_of_two_or_more() -> None:
    drawn = diagram.draw(["a", "b", "<c>"], [1.2, 2.0, 2.8], [0, 1, 2], [(0, 1), (1, 2), (0,)])
    assert drawn.count('class="clique"') == 2
    assert "2.80 &lt;c&gt;" in drawn
    places = [float(v) for v in re.findall(r'x1="([\d.]+)%"', drawn)]
    assert len(places) >= 2 + 3 + 6
    assert all(0 <= p <= 100 for p in places)


def test_strip_has_one_dot_a_finished_trial() -> None:
    strip = strips.Strip(3, "nets", 0.5, 0.4, 0.6, (0.4, math.nan, 0.6))
    along = strips.scale([strip])
    assert along is not None
    path = re.search(r'd="([^"]*)" class="dt"', strips.draw(strip, along))
    assert path is not None
    assert path[1].count("M") == 2
