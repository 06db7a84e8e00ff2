"""The page without a browser: nothing from outside, nothing breaks out, everything is named, every size is kept."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from neuroloom.runner.report.prepare import prepare
from neuroloom.runner.results import Results
from tests.runner.report import synthetic
from tests.runner.report.conftest import made, prepared, rendered

ALLOWED = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "script",
        "noscript",
        "header",
        "main",
        "section",
        "nav",
    ),
    *(
        "svg",
        "defs",
        "path",
        "circle",
        "use",
        "line",
        "text",
        "div",
        "p",
        "span",
        "b",
        "i",
        "em",
        "small",
        "code",
        "pre",
        "a",
    ),
    *("ul", "li", "dl", "dt", "dd", "h1", "h2", "h3", "table", "caption", "thead", "tbody", "tr", "th", "td"),
    *("details", "summary", "figure", "figcaption", "button", "label", "select", "option", "dialog", "form"),
}
VOID = {"meta"}


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_every_element_is_ours_and_closed(case: str) -> None:
    page = Page(rendered(case))
    assert page.open == []
    assert {tag for tag, _ in page.elements} <= ALLOWED
    handlers = [
        name for _, attrs in page.elements for name in attrs if name.startswith("on") or name == "style"
    ]
    assert handlers == []


def test_nothing_points_outside(case: str) -> None:
    page = Page(rendered(case))
    links = [
        v
        for _, attrs in page.elements
        for k, v in attrs.items()
        if k in ("src", "href", "srcset", "action", "data")
    ]
    assert links
    assert all(link is not None and link.startswith("#") for link in links)
    style = re.search(r"<style>(.*?)</style>", rendered(case), re.S)
    assert style is not None
    assert not re.search(r"@import|url\(|@font-face", style[1])


def test_anchors_lead_somewhere(case: str) -> None:
    page = Page(rendered(case))
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {v[1:] for _, attrs in page.elements if (v := attrs.get("href"))} <= set(ids)


def test_policy_names_the_hashes_of_what_is_there(case: str) -> None:
    text = rendered(case)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    for name, rule in (("script", "script-src"), ("style", "style-src")):
        inner = re.findall(rf"<{name}>(.*?)</{name}>", text, re.S)
        assert len(inner) == 1
        digest = base64.b64encode(hashlib.sha256(inner[0].encode()).digest()).decode()
        assert f"{rule} 'sha256-{digest}';" in policy[1].replace("&#39;", "'")
    assert policy[1].startswith("default-src 'none';")
    assert "connect-src 'none'" in policy[1]
    assert "unsafe" not in policy[1]


def test_hostile_names_stand_as_text() -> None:
    text = rendered("hostile")
    page = Page(text)
    shown = "".join(page.words)
    for name in synthetic.HOSTILE[:4]:
        assert name in shown
    assert "{{ 7*7 }}" in shown
    assert "{{ 49" not in shown
    assert "<img" not in text
    assert "<script>alert" not in text
    assert "\u202e" not in text


def test_hostile_data_stay_inside_their_script() -> None:
    inner = re.findall(
        r'<script type="application/json" id="trials">(.*?)</script>', rendered("hostile"), re.S
    )
    assert len(inner) == 1
    assert not re.search("[<>&]", inner[0])
    assert json.loads(inner[0])["methods"][:3] == synthetic.HOSTILE[:3]


def test_every_task_and_method_is_named(case: str) -> None:
    shown = "".join(Page(rendered(case)).words)
    results = made(case)
    turning = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
    for name in (*results.tasks, *results.methods):
        assert name.translate(turning) in shown


def test_scores_by_size_stand_with_their_task_alone() -> None:
    shown = rendered("big").split('id="task-')
    assert ["What size brings" in part for part in shown[1:3]] == [True, False]
    assert "Enabled connections" in shown[1]


def test_answer_and_health_come_first() -> None:
    text = rendered("fitness")
    assert (
        text.index("<h1>neat is best over 6 tasks")
        < text.index("524 of 540 trials ok")
        < text.index("<table")
    )


def test_reasons_of_failures_are_told() -> None:
    shown = "".join(Page(rendered("broken")).words)
    for reason in synthetic.REASONS.values():
        assert reason in shown
    assert "0 of 24 trials ok" in shown


def test_no_p_value_across_few_tasks_and_the_page_says_why() -> None:
    group = prepared("few").groups[0]
    assert group.diagram is None
    assert group.pairs is None
    assert any("6 are needed" in line and "0.25" in line for line in group.statements)


def test_statistics_stand_from_six_tasks() -> None:
    group = prepared("fitness").groups[0]
    assert group.diagram is not None
    assert len(group.matrix) == 6
    assert all(row[k] is None for k, row in enumerate(group.matrix))
    assert any("Friedman" in line for line in group.statements)
    assert any("smallest p-value" in line for line in group.statements)
    assert group.sensitivity is not None
    assert len(group.sensitivity.rows) == 7


def test_kinds_are_not_mixed_in_one_leaderboard() -> None:
    tasks = [("iris", "table", "classification", "accuracy"), ("cora", "nodes", "classification", "accuracy")]
    from neuroloom.runner.report.prepare import prepare

    data = prepare(synthetic.make(synthetic.Shape(tasks, synthetic.METHODS[:5], seeds=3, faults=0)))
    assert [g.title for g in data.groups] == ["Tables", "Nodes"]
    named = [{data.methods[row[0].method].name for row in g.board.rows} for g in data.groups]
    assert named == [
        {"neat", "hyperneat", "neat-lamarck"},
        {"neat", "hyperneat", "neat-lamarck", "gcn", "gat"},
    ]
    assert any("gcn" in line for line in data.groups[0].absent)
    assert "on tables" in data.answer
    assert "on nodes" in data.answer
    skipped = [h for h in data.coverage[0] if h.state == "skipped"]
    assert [h.tip.endswith("takes nodes, not table") for h in skipped] == [True, True]


def test_published_split_says_what_its_interval_means() -> None:
    assert "vary the methods&#39; seeds only" in rendered("published")


def test_every_trial_is_in_the_drill_down() -> None:
    trials = prepared("fitness").trials
    frame = made("fitness").main()
    packed = sum(len(columns["v"]) for task in trials["tasks"] for columns in task["methods"].values())
    assert packed == len(frame)
    task = trials["tasks"][0]
    first = frame[
        (frame["task"] == task["name"]) & (frame["method"] == "neat") & (frame["status"] == "done")
    ].iloc[0]
    column = task["methods"][trials["methods"].index("neat")]
    place = task["cells"].index((first["seed"], first["fold"]))
    assert column["v"][place] == pytest.approx(first["value"], rel=1e-4)
    assert column["f"][place] == pytest.approx(first["fit_seconds"], rel=1e-2)


def test_differences_are_antisymmetric_and_match_the_trials() -> None:
    data = prepared("few")
    for task in data.tasks:
        means = {m.method: m.mean for m in task.members}
        for m in task.members:
            for other, (gap, low, high, _) in m.differences.items():
                assert gap == pytest.approx(means[m.method] - means[other])
                assert low < gap < high


def test_how_to_run_it_again_is_complete() -> None:
    told = dict(prepared("few").reproduce)
    assert told["Command"] == "neuroloom run made-up.toml --workers 2"
    assert told["Commit"] == "0123456789abcdef"
    assert told["Machine"] == "A processor @ 2.40GHz, 2 cores"
    assert told["Workers"] == "2 workers, 1 thread a trial"
    assert told["Load at start"] == "0.42"
    assert "name = &#34;made up&#34;" in rendered("few")


@pytest.mark.slow
def test_big_report_is_below_two_megabytes() -> None:
    assert len(rendered("big").encode()) < 2_000_000
    Page(rendered("big"))


@pytest.mark.slow
def test_big_report_separates_every_kind_and_problem() -> None:
    titles = [g.title for g in prepared("big").groups]
    assert titles == ["Tables · classification", "Series", "Tables · regression", "Nodes", "Episodes"]


def test_fits_in_batches_are_told_beside_single_ones() -> None:
    few = synthetic.few()
    frame = few.frame()
    task, method = few.tasks[0], few.methods[0]
    mine = frame.index[(frame["task"] == task) & (frame["method"] == method) & (frame["status"] == "done")]
    frame.loc[mine, "fit_seconds"] = [8.0, *[0.5] * (len(mine) - 1)]
    frame.loc[mine[1:], "batched"] = 7
    notes = {m.name: m.notes for m in prepare(Results(frame, None, few.meta)).methods}
    assert notes[method][-1].startswith("Up to 7 fits at a time")
    assert f"{task} 500 ms (8.00 s alone)" in notes[method][-1]
    assert not any("at a time" in note for name, told in notes.items() if name != method for note in told)
