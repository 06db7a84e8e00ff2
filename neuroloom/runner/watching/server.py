"""``neuroloom watch``: a page that follows a run while it goes on; it reads the store and never writes."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuroloom.core.errors import InputError, without_password
from neuroloom.runner.loopback import LOOPBACK, host_of, need, run_app
from neuroloom.runner.watching.state import RunState, find_store

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

_PAGE = Path(__file__).with_name("watch.html")
_LEAST_SECONDS = 0.5  # between two readings of the store, however many pages are open


class Watcher:
    """The state of a run, read at most twice a second and never by two at a time.

    Args:
        state: of the run.
    """

    def __init__(self, state: RunState) -> None:
        self._state, self._lock = state, threading.Lock()
        self._seen = b""
        self._due = 0.0

    def json(self) -> bytes:
        """Return the state as JSON.

        Raises:
            InputError: the store cannot be read.
        """
        with self._lock:
            began = time.monotonic()
            if began >= self._due:
                self._seen = json.dumps(self._state.read(), allow_nan=False).encode()
                took = time.monotonic() - began
                self._due = time.monotonic() + max(_LEAST_SECONDS, 5 * took)
            return self._seen

    def report(self) -> str:
        """Return the report of what has ended so far."""
        from neuroloom.runner.bench import read_results
        from neuroloom.runner.report import render
        from neuroloom.runner.store import open_store

        with open_store(self._state.where, run=self._state.run, read=True) as store:
            return render(read_results(store, *store.read_plan()), "html")


def make_app(watcher: Watcher) -> Starlette:
    """Return the application: ``/``, ``/state.json`` and ``/report``, for this machine by its own names."""
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import Response as Plain
    from starlette.routing import Route

    page = _PAGE.read_text(encoding="utf-8")
    policy = "; ".join(
        [
            "default-src 'none'",
            "connect-src 'self'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
        + [f"{tag}-src 'sha256-{_hash(page, tag)}'" for tag in ("style", "script")]
    )
    secured = {
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }

    def guarded(kind: str, work: Callable[[], str | bytes], own: dict[str, str]) -> Callable[[Request], Any]:
        async def handler(request: Request) -> Response:
            if host_of(request) not in LOOPBACK:
                return Plain("this page is served to this machine alone.", 403, secured, "text/plain")
            try:
                return Plain(await run_in_threadpool(work), 200, {**secured, **own}, kind)
            except InputError as error:
                text = json.dumps({"error": str(error)})
                return Plain(text, 503, secured, "application/json")

        return handler

    return Starlette(routes=[
        Route("/", guarded("text/html", lambda: page, {"Content-Security-Policy": policy})),
        Route("/state.json", guarded("application/json", watcher.json, {})),
        Route("/report", guarded("text/html", watcher.report, {})),  # its policy is in its head
    ])  # fmt: skip


def _hash(page: str, tag: str) -> str:
    found = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    assert found is not None
    return base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()


def watch(
    where: str, *, run: str | None = None, port: int = 0, show: bool = True, say: Callable[[str], Any] = print
) -> None:
    """Show a run live on the loopback address until Ctrl-C or SIGTERM.

    Args:
        where: run directory, ``results.db``, or a database URL.
        run: the bench's name in a database.
        port: the port, 0 for a free one.
        show: whether to open the browser.
        say: where lines for the user go.

    Raises:
        InputError: there is no such run, or the port is taken.
    """
    need("starlette", "uvicorn", what="watching")
    state = RunState(*find_store(where, run))

    def begun(address: str) -> None:
        say(f"watching {without_password(where)} at {address} (Ctrl-C ends)")
        if show:
            webbrowser.open(address)

    run_app(make_app(Watcher(state)), "127.0.0.1", port, begun)
