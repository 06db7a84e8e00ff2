"""The same values in every format, and text that no format trips over."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pandas as pd
import pytest

from neuroloom.core.errors import InputError
from neuroloom.runner import report
from neuroloom.runner.report import answer, latex, markdown
from tests.runner.report import synthetic
from tests.runner.report.conftest import made, prepared, rendered


def test_numbers_are_the_same_in_html_markdown_and_latex() -> None:
    data = prepared("fitness")
    html, md, tex = (rendered("fitness", f) for f in ("html", "md", "latex"))
    tables = [data.groups[0].board, *(t.table for t in data.tasks), data.groups[0].pairs]
    for table in tables:
        assert table is not None
        for row in table.rows:
            for cell in row[1:]:
                assert markdown.escape(cell.text) in md
                assert latex.escape(cell.text) in tex
                if table is not data.groups[0].pairs:
                    assert f">{cell.text.replace('<', '&lt;')}</td>" in html


def test_the_terminal_shows_the_leaderboard_in_80_columns(case: str) -> None:
    text = rendered(case, "text")
    assert max(map(len, text.splitlines())) < 80
    for group in prepared(case).groups:
        if len(group.board.rows) < 2:
            continue
        best = group.board.rows[0]
        name = prepared(case).methods[best[0].method].name
        line = next(line for line in text.splitlines() if line.startswith(f"  {name[:40]}"))
        assert best[1].text in line or best[2].text in line


def test_the_terminal_gives_no_score_to_what_never_ended() -> None:
    group = prepared("broken").groups[0]
    never = [row for row in group.board.rows if row[-1].text == "100 %"]
    assert never
    for row in never:
        name = prepared("broken").methods[row[0].method].name
        line = next(line for line in rendered("broken", "text").splitlines() if line.startswith(f"  {name}"))
        assert set(line.removeprefix(f"  {name}").split()) == {"–"}


@pytest.mark.parametrize(
    ("best", "tied", "splits", "said"),
    [
        ("dummy", ("knn",), 5, "so nothing was learned here"),
        ("knn", ("dummy",), 5, "it is open whether anything was learned"),
        ("knn", ("dummy",), 1, ""),
        ("knn", ("svm",), 5, ""),
    ],
)
def test_a_winner_no_better_than_chance_is_said(
    best: str, tied: tuple[str, ...], splits: int, said: str
) -> None:
    text = answer._chance(best, tied, splits)
    assert said in text
    assert bool(said) == bool(text)


def test_one_split_tells_nothing_apart() -> None:
    assert "on one split alone" in answer._tied(("knn", "svm"), 2, single="split")
    assert "no other method can be told from it" in answer._tied(("knn", "svm"), 2, single="")


def test_means_are_those_of_the_csv() -> None:
    frame = pd.read_csv(io.StringIO(rendered("few", "csv")))
    done = frame[frame["main"] & (frame["status"] == "done")]
    means = done.groupby(["task", "method"])["value"].mean()
    data = prepared("few")
    seen = 0
    for task in data.tasks:
        for row in task.table.rows:
            name = data.methods[row[0].method].name
            assert row[1].text == f"{means[task.name, name]:.3f}"
            seen += 1
    assert seen == len(means) == 18


def test_csv_is_the_frame() -> None:
    frame = pd.read_csv(io.StringIO(rendered("hostile", "csv")))
    assert len(frame) == len(made("hostile").frame())
    assert set(frame["method"]) == set(synthetic.HOSTILE)
    first = ["task", "method", "seed", "fold", "metric", "value"]
    assert list(frame.columns[:6]) == first


def test_markdown_tables_hold_together(case: str) -> None:
    width = 0
    for line in rendered(case, "md").split("\n"):
        if not line.startswith("|"):
            width = 0
            continue
        cells = len(re.findall(r"(?<!\\)\|", line))
        assert width in (0, cells), line
        width = cells


def test_markdown_disarms_html_and_marks() -> None:
    text = rendered("hostile", "md").split("```")[0]
    assert "<script" not in text
    assert "<img" not in text
    assert markdown.escape("a|b*c_d`e\nf") == "a\\|b\\*c\\_d\\`e f"
    assert markdown.escape("<b>&") == "&lt;b&gt;&amp;"


def test_markdown_config_cannot_close_its_fence() -> None:
    results = made("single")
    changed = type(results)(results.frame(), results.curves, {**results.meta, "config": "````\n# x\n"})
    assert "`````toml\n````\n# x\n`````" in report.render(changed, "md")


def test_latex_balances_and_escapes(case: str) -> None:
    text = rendered(case, "latex")
    assert text.isascii()
    for name in ("table", "tabular"):
        assert text.count(rf"\begin{{{name}}}") == text.count(rf"\end{{{name}}}") > 0
    body = re.sub(r"\\[\\{}$&#%_]", "", re.sub(r"(?m)^%.*$", "", text).replace("{!}{%", "{!}{"))
    assert body.count("{") == body.count("}")
    assert "#" not in body
    for rows in re.findall(r"\\midrule\n(.*?)\\bottomrule", body, re.S):
        assert len({line.count("&") for line in rows.strip().split("\n") if line}) <= 1


def test_latex_signs() -> None:
    assert latex.escape(r"50%_a&b\c") == r"50\%\_a\&b\textbackslash{}c"
    assert latex.escape("−1 ± 2 é 日") == r"$-$1 $\pm$ 2 e ?"


def test_format_is_read_off_the_ending(tmp_path: Path) -> None:
    for name, start in (
        ("a.html", "<!doctype html>"),
        ("a.md", "# made up"),
        ("a.tex", "% Made by"),
        ("a.csv", "task,"),
    ):
        path = report.write(made("single"), tmp_path / "deep" / name)
        assert path.read_text(encoding="utf-8").startswith(start)
    assert sorted(p.name for p in (tmp_path / "deep").iterdir()) == ["a.csv", "a.html", "a.md", "a.tex"]


def test_unknown_format_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'html'"):
        report.render(made("single"), "htlm")


def test_results_write_their_own_report(tmp_path: Path) -> None:
    made("single").report(tmp_path / "r.html")
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == rendered("single")
