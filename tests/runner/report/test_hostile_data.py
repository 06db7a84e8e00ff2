"""A user's data whose names are HTML: they stand in the report as text, and make no element and no attribute."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import neuroloom
from neuroloom.runner.report.history import render as render_history
from tests.runner.report.synthetic import HOSTILE

COLUMNS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "' onmouseover='alert(3)",
    "{{ 7*7 }}",
]
CLASSES = ["<b>yes</b>", "</script><script>alert(4)</script>"]


class Elements(HTMLParser):
    """Counts the elements of a page, and gathers their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: dict[str, int] = {}
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.attributes |= {name for name, _ in attrs}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> neuroloom.Results:
    folder = tmp_path_factory.mktemp("hostile")
    rows = {name: [float((i * (k + 2)) % 7) for i in range(60)] for k, name in enumerate(COLUMNS)}
    target = [CLASSES[i % 7 > 3] for i in range(60)]
    pd.DataFrame({**rows, "<i>y</i>": target}).to_csv(folder / "mine.csv", index=False)
    bench = {
        "name": "hostile", "seeds": 1, "folds": 3, "explain": True, "confidence": 0.8, "keep_predictions": True,
        "methods": ["knn", "dummy"], "variant": [{"name": COLUMNS[1], "method": "knn", "params": {"n_neighbors": 3}}],
        "task": [{"name": HOSTILE[0], "path": str(folder / "mine.csv"), "target": "<i>y</i>", "kind": "table"}],
    }  # fmt: skip
    return neuroloom.run(bench, folder / "run", engine="inline")


def test_no_name_of_the_users_becomes_part_of_the_page(run: neuroloom.Results) -> None:
    assert set(run.frame()["status"]) == {"done"}
    folder = Path(str(run.meta["directory"]))
    for text, scripts in (((folder / "report.html").read_text(), 2), (render_history([run, run]), 0)):
        found = Elements(text)
        assert found.tags.get("script", 0) == scripts
        assert not {"img", "b onerror", "i"} & set(found.tags)
        assert not {name for name in found.attributes if name.startswith("on")}
        assert "<b>yes" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "49" not in (folder / "report.html").read_text().split("{{ 7*7 }}")[0][-20:]
