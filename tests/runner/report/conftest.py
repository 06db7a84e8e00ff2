"""Reports of the made-up runs, rendered once for all tests."""

from __future__ import annotations

import functools

import pytest

from neuroloom.runner import report
from neuroloom.runner.report import html, latex, markdown, terminal
from neuroloom.runner.report.model import ReportData
from neuroloom.runner.report.prepare import prepare
from tests.runner.report import synthetic

QUICK = ("single", "few", "published", "fitness", "hostile", "broken")


@functools.cache
def rendered(case: str, format: str = "html") -> str:
    if format == "csv":
        return report.render(made(case), format)
    return {"html": html, "md": markdown, "latex": latex, "text": terminal}[format].render(prepared(case))


@functools.cache
def made(case: str) -> synthetic.Results:
    return synthetic.CASES[case]()


@functools.cache
def prepared(case: str) -> ReportData:
    return prepare(made(case))


@pytest.fixture(params=QUICK)
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)
