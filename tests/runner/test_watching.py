"""A run shown live: what the page is told while rows come in, and the page in a real browser."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from neuroloom.core.errors import InputError
from neuroloom.runner.outcome import row_of
from neuroloom.runner.row import Row
from neuroloom.runner.store import Store, open_store
from neuroloom.runner.watching.state import RunState, find_store
from tests.runner.bad_methods import trial

uvicorn = pytest.importorskip("uvicorn")
pytest.importorskip("starlette")

from neuroloom.runner.loopback import listening
from neuroloom.runner.watching.server import Watcher, make_app

HOSTILE = "<img src=x onerror=alert(1)>"
METHODS = ("good", HOSTILE)
KEYS = [trial(m, seed=s).key for s in range(4) for m in METHODS]


def row(method: str, seed: int, score: float | None = 0.5, **changes: Any) -> Row:
    made = row_of(trial(method, seed=seed), "done")
    made.started, made.fit_seconds, made.predict_seconds = time.time() - 2, 1.0, 0.5
    made.scores = {} if score is None else {"accuracy": score}
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def plan(store: Store, keys: list[str] = KEYS) -> None:
    from neuroloom.runner.config import Config, to_toml

    about = {
        "kind": "table", "problem": "classification", "metrics": ["accuracy"], "protocol": "folds", "notes": [],
        "greater_is_better": True, "bounds": [0.0, 1.0], "summary": "", "source": "", "fingerprint": "f",
    }  # fmt: skip
    method = {"room": "nets", "title": "", "params": {}, "notes": []}
    store.plan(keys, {
        "name": "live & well", "command": "neuroloom run b.toml", "seconds": 1.0, "started": "2026-01-01T00:00:00",
        "tasks": {"tiny": about}, "methods": {m: {**method, "expression": m} for m in METHODS}, "planned": len(keys),
        "config": to_toml(Config(name="x")), "directory": "runs/x", "versions": {}, "baseline": None,
    })  # fmt: skip


@contextmanager
def served(file: Path) -> Iterator[int]:
    app = make_app(Watcher(RunState(str(file))))
    with listening("127.0.0.1", 0) as sock:
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        yield sock.getsockname()[1]
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


def get(port: int, path: str, verb: str = "GET", host: str | None = None) -> tuple[int, Any, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(verb, path, headers={} if host is None else {"Host": host})
    got = connection.getresponse()
    found = got.status, got.headers, got.read().decode()
    connection.close()
    return found


def test_the_state_follows_the_store(tmp_path: Path) -> None:
    file = tmp_path / "results.db"
    with open_store(file) as store:
        plan(store)
        watched = RunState(str(file))  # while the run holds the store
        first = watched.read()
        assert (first["name"], first["planned"], first["ended"], first["last_ended"]) == (
            "live & well",
            8,
            0,
            None,
        )
        assert first["cells"] == [[None], [None]]
        store.add(
            [row("good", 0, 0.25), row("good", 1, 0.75), row(HOSTILE, 0, None, status="failed", reason="oh")]
        )
        now = watched.read()
        assert now["counts"] == {"done": 2, "failed": 1}
        assert now["cells"][0] == [{"done": 2, "skipped": 0, "bad": 0, "mean": 0.5, "seconds": 3.0}]
        assert now["cells"][1][0]["bad"] == 1
        assert [line["reason"] for line in now["failed"]] == ["oh"]
        assert len(now["latest"]) == 3
        assert 0 <= now["now"] - now["last_ended"] < 60
        store.add([row(HOSTILE, 0, 1.0), row("good", 2), row("good", 9)])  # tried again; of no plan
        later = watched.read()
        assert later["counts"] == {"done": 4}
        assert later["failed"] == []
        assert later["cells"][1][0]["mean"] == 1.0
        json.dumps(later, allow_nan=False)
        plan(store, KEYS[:2])  # the bench was made smaller
        watched._read_plan_at = 0.0
        assert (watched.read()["planned"], watched.read()["ended"]) == (2, 2)


def test_the_time_left_is_told_from_the_pace(tmp_path: Path, monkeypatch: Any) -> None:
    clock = [100.0]
    monkeypatch.setattr("neuroloom.runner.watching.state.time.monotonic", lambda: clock[0])
    with open_store(tmp_path / "results.db") as store:
        plan(store)
        watched = RunState(str(tmp_path / "results.db"))
        assert watched.read()["left_seconds"] is None
        store.add([row("good", s) for s in range(4)])
        clock[0] += 8.0
        assert watched.read()["left_seconds"] == pytest.approx(8.0)  # four in 8 s, four are left


def test_the_page_is_read_only_and_for_this_machine(tmp_path: Path) -> None:
    file = tmp_path / "results.db"
    with open_store(file) as store:
        plan(store)
        store.add([row("good", 0)])
        with served(file) as port:
            status, headers, text = get(port, "/")
            assert status == 200
            assert "default-src 'none'" in headers["content-security-policy"]
            assert "http://" not in text.replace("http://127", "")
            assert "https://" not in text
            assert json.loads(get(port, "/state.json")[2])["ended"] == 1
            assert "live &amp; well" in get(port, "/report")[2]
            for verb in ("POST", "PUT", "DELETE"):
                assert get(port, "/state.json", verb)[0] == 405
            assert get(port, "/state.json", host="evil.example")[0] == 403
            assert get(port, "/results.db")[0] == 404


def test_a_store_that_goes_away_is_told(tmp_path: Path) -> None:
    file = tmp_path / "results.db"
    with open_store(file) as store:
        plan(store)
    with served(file) as port:
        for path in tmp_path.iterdir():
            path.unlink()
        deadline = time.monotonic() + 20
        while (got := get(port, "/state.json"))[0] == 200 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert got[0] == 503
        assert "does not exist" in json.loads(got[2])["error"]


def test_where_the_run_is(tmp_path: Path) -> None:
    with open_store(tmp_path / "results.db") as store:
        plan(store)
    assert find_store(str(tmp_path), None) == (str(tmp_path / "results.db"), "run")
    assert find_store("postgresql://x/y", "b") == ("postgresql://x/y", "b")
    with pytest.raises(InputError, match="pass --run with the name of the bench"):
        find_store("postgresql://x/y", None)
    with pytest.raises(InputError, match=r"is no run: it has no results\.db"):
        find_store(str(tmp_path / "nothing"), None)


def test_a_password_is_not_shown(monkeypatch: Any) -> None:
    from neuroloom.runner.watching import server

    monkeypatch.setattr(server, "RunState", lambda *where: None)
    monkeypatch.setattr(server, "run_app", lambda app, host, port, begun: begun("http://127.0.0.1:1/"))
    said: list[str] = []
    server.watch("postgresql://me:s3cret@host/db", run="b", show=False, say=said.append)
    assert said == ["watching postgresql://me:***@host/db at http://127.0.0.1:1/ (Ctrl-C ends)"]


def test_the_command_watches_until_it_is_interrupted(tmp_path: Path) -> None:
    with open_store(tmp_path / "results.db") as store:
        plan(store)
    command = [sys.executable, "-m", "neuroloom", "watch", str(tmp_path), "--no-open"]
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline().split("127.0.0.1:")[1].split("/")[0])
        assert json.loads(get(port, "/state.json")[2])["planned"] == 8
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0
    finally:
        server.kill()
        server.wait()
        assert server.stdout is not None
        server.stdout.close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from tests.runner.report.test_browser import FLAGS

    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip(
            "Chromium and its driver are not installed (Debian: apt-get install chromium chromium-driver)"
        )
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield started
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        started.quit()


@pytest.mark.browser
def test_the_page_moves_with_the_run(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    file = tmp_path / "results.db"
    with open_store(file) as store:
        plan(store)
        store.add([row("good", 0, 0.25), row(HOSTILE, 0, None, status="failed", reason=HOSTILE)])
        with served(file) as port:
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
                "width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True})  # fmt: skip
            browser.get(f"http://127.0.0.1:{port}/")

            def text() -> str:
                return str(browser.execute_script("return document.body.innerText"))

            wait = WebDriverWait(browser, 60)
            wait.until(lambda _: "2 of 8" in text())
            assert "live & well" in text()
            assert HOSTILE in text()  # as text, not as a picture
            assert browser.execute_script("return document.images.length") == 0
            assert browser.execute_script("return document.title").startswith("25 %")
            assert not browser.execute_script("return document.getElementById('faults').hidden")
            store.add([row(m, s, 0.5) for s in range(4) for m in METHODS])
            wait.until(lambda _: "All trials have ended." in text())
            assert "8 of 8" in text()
            assert browser.execute_script("return document.getElementById('faults').hidden")
            wide = browser.execute_script("return document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0  # no sideways scroll on a phone
        assert not [entry for entry in browser.get_log("browser") if "ERR_CONNECTION" not in entry["message"]]
