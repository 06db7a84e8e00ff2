"""The page in headless Chromium: no error, no request, tables that sort, plots that are there, no sideways scroll."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.runner.report.conftest import QUICK, rendered

pytestmark = pytest.mark.browser
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--no-first-run", "--disable-component-update", "--disable-sync", "--disable-quic",
)  # fmt: skip
WIDE, PHONE = (1280, 900), (390, 844)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip(
            "Chromium and its driver are not installed (Debian: apt-get install chromium chromium-driver)"
        )
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield started
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        started.quit()


class Tab:
    """One page in the browser."""

    def __init__(self, browser: Any, path: Path, size: tuple[int, int] = WIDE, dark: bool = False) -> None:
        self.browser, self.path = browser, path
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        browser.get_log("browser")
        browser.get_log("performance")
        browser.get(path.as_uri())
        from selenium.webdriver.support.ui import WebDriverWait  # where a test got here, it is installed

        WebDriverWait(browser, 60).until(lambda _: self("return document.readyState") == "complete")

    def __call__(self, script: str, *arguments: Any) -> Any:
        return self.browser.execute_script(script, *arguments)

    def open_all(self) -> None:
        self("document.querySelectorAll('.task:not([open]) > summary').forEach((s) => s.click())")
        self("document.querySelectorAll('details').forEach((d) => (d.open = true))")
        # Asynchronous script: answers once the browser has drawn two frames.
        self.browser.execute_async_script(
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()))"
        )

    def errors(self) -> list[Any]:
        return [entry["message"] for entry in self.browser.get_log("browser")]

    def requests(self) -> list[str]:
        messages = (json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance"))
        asked = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        own = self.path.as_uri()  # the browser's own first page asks for things, too
        return [p["request"]["url"] for p in asked if p["documentURL"].partition("#")[0] == own]


@pytest.fixture
def page(tmp_path: Path) -> Any:
    def write(case: str) -> Path:
        path = tmp_path / f"{case}.html"
        path.write_text(rendered(case), encoding="utf-8")
        return path

    return write


DRAWN = """
return [...document.querySelectorAll('svg.pa, svg.strip, svg.cd, svg.ax')].filter((svg) => {
  if (svg.closest('[hidden]')) return false;
  const { width, height } = svg.getBoundingClientRect();
  return width < 40 || height < 8;
}).map((svg) => svg.outerHTML.slice(0, 120));
"""
INVISIBLE = """
return [...document.querySelectorAll('svg.pa .ln, svg.pa .mk, svg.strip .mk')].filter((mark) => {
  if (mark.closest('[hidden]')) return false;
  const box = mark.getBoundingClientRect();
  return box.width + box.height === 0 || getComputedStyle(mark).color === 'rgba(0, 0, 0, 0)';
}).length;
"""


@pytest.mark.parametrize("case", QUICK)
def test_no_error_no_request_and_every_plot_is_there(browser: Any, page: Any, case: str) -> None:
    tab = Tab(browser, page(case))
    tab.open_all()
    assert tab("return document.querySelectorAll('noscript').length") == 0
    assert tab(DRAWN) == []
    assert tab(INVISIBLE) == 0
    assert tab.errors() == []
    assert tab.requests() == [tab.path.as_uri()]


@pytest.mark.parametrize("case", QUICK)
def test_phone_has_no_sideways_scroll(browser: Any, page: Any, case: str) -> None:
    tab = Tab(browser, page(case), PHONE)
    tab.open_all()
    assert tab("return [document.documentElement.scrollWidth, innerWidth]") == [390, 390]


def test_number_of_plots(browser: Any, page: Any) -> None:
    tab = Tab(browser, page("fitness"))
    tab.open_all()
    count = "return document.querySelectorAll(arguments[0]).length"
    assert tab(count, "#results .panels svg.pa") == 3
    assert tab(count, "#results svg.cd") == 1
    assert tab(count, "#task-0 .panels.three svg.pa") == 4  # costs, and a map of elites
    assert tab(count, "#task-0 svg.net") == 1
    assert tab(count, "#task-0 .panels.two svg.pa") == 5  # scores by size, and four of curves
    assert tab(count, "#task-0 table.trials svg.strip") == 12
    assert tab("return document.querySelectorAll('.matrix tbody tr').length") == 6


def test_tables_sort_on_click(browser: Any, page: Any) -> None:
    tab = Tab(browser, page("few"))
    column = """
      const table = document.querySelector('.board');
      const head = [...table.tHead.rows[0].cells].find((th) => th.textContent.startsWith(arguments[0]));
      head.querySelector('button').click();
      const cells = [...table.tBodies[0].rows].map((row) => row.cells[head.cellIndex]);
      return [head.getAttribute('aria-sort'), cells.map((cell) => cell.dataset.v ?? cell.textContent)];
    """
    for name in ("Fit", "Score"):
        for direction in ("ascending", "descending"):
            said, values = tab(column, name)
            numbers = [float(v) for v in values]
            assert said == direction
            assert numbers == sorted(numbers, reverse=direction == "descending")
            assert len(set(numbers)) > 2
    said, names = tab(column, "Method")
    assert said == "ascending"
    assert names == sorted(names)
    assert tab("return document.querySelectorAll('.board [aria-sort=ascending]').length") == 1


def test_another_baseline_moves_the_differences(browser: Any, page: Any) -> None:
    tab = Tab(browser, page("few"))
    tab.open_all()
    read = """
      return Object.fromEntries([...document.querySelectorAll('#task-0 table.trials tbody tr')].map((row) =>
        [row.cells[0].textContent.trim(), [row.cells[1].textContent, row.querySelector('.dx').textContent]]));
    """
    before = tab(read)
    tab("""
      const select = document.querySelector('#task-0 select');
      select.value = [...select.options].find((o) => o.textContent === 'dummy').value;
      select.dispatchEvent(new Event('change'));
    """)
    after = tab(read)
    assert before != after
    assert after["dummy"][1] == "–"
    for name, (mean, gap) in after.items():
        if name != "dummy":
            assert float(gap.replace("−", "-")) == pytest.approx(
                float(mean) - float(after["dummy"][0]), abs=0.0011
            )
    drawn = tab(
        "return [...document.querySelectorAll('#task-0 .diff .mk')].map((m) => m.getBoundingClientRect().width)"
    )
    assert len(drawn) == len(after) - 1
    assert min(drawn) > 4
    assert tab.errors() == []


def test_a_cell_opens_its_trials(browser: Any, page: Any) -> None:
    tab = Tab(browser, page("hostile"))
    tab("document.querySelector('[data-c=\"0,0\"]').click()")
    assert tab("return document.getElementById('drill').open")
    assert tab("return document.querySelectorAll('#drill tbody tr').length") == 6
    assert "<script>alert(1)</script> on " in tab("return document.getElementById('drill-title').textContent")
    assert tab("return document.querySelectorAll('#drill script, #drill img').length") == 0
    tab("document.querySelector('#drill form button').click()")
    assert not tab("return document.getElementById('drill').open")
    assert tab.errors() == []


def test_charts_follow_the_colour_scheme(browser: Any, page: Any) -> None:
    look = """
      const mark = getComputedStyle(document.querySelector('.pa .mk'));
      return [getComputedStyle(document.body).backgroundColor, mark.fill];
    """
    light = Tab(browser, page("few"))(look)
    tab = Tab(browser, page("few"), dark=True)
    dark = tab(look)
    assert light[0] == "rgb(255, 255, 255)"
    assert dark[0] == "rgb(20, 23, 27)"
    assert light[1] != dark[1]
    tab("document.getElementById('theme').click()")
    assert tab(look) == light


def test_what_was_injected_does_not_run(browser: Any, page: Any) -> None:
    tab = Tab(browser, page("few"))
    tab("""
      const script = document.createElement('script');
      script.textContent = 'window.ran = true';
      document.body.append(script);
    """)
    assert tab("return window.ran === undefined")
    assert any("Content Security Policy" in message for message in tab.errors())


@pytest.mark.slow
def test_big_report_opens_fast_and_shows_one_kind_at_a_time(browser: Any, page: Any) -> None:
    tab = Tab(browser, page("big"))
    shown = (
        "return [...document.querySelectorAll('.group')].filter((g) => g.offsetHeight > 0).map((g) => g.id)"
    )
    assert tab(shown) == ["g-table-classification"]
    tab(
        "document.getElementById('t-g-series')?.click() ?? document.querySelectorAll('[role=tab]')[1].click()"
    )
    assert tab(shown) == ["g-series-classification"]
    assert tab("return document.querySelectorAll('*').length") < 10_000
    tab.open_all()
    assert tab(DRAWN) == []
    assert tab.errors() == []
    assert tab.requests() == [tab.path.as_uri()]
    tab = Tab(browser, tab.path, PHONE)
    assert tab("return document.documentElement.scrollWidth") == 390
