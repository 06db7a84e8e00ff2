"""A page in the browser to breed pictures on, served by this machine to itself alone."""

from __future__ import annotations

import io
import json
import re
import secrets
import signal
import sys
import threading
import webbrowser
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from neuroloom.core.errors import InputError
from neuroloom.evolve.genome import Genome
from neuroloom.evolve.picture_breeding import PictureBreeding
from neuroloom.evolve.population import pack_genomes

_PAGE = Path(__file__).with_name("breed.html")
_LARGEST, _LONGEST = 2048, 10_000  # pixels of a side, bytes of a request
_POLICY = "; ".join(
    [
        "default-src 'none'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "style-src 'unsafe-inline'",
        "script-src 'unsafe-inline'",
    ]
)


class BreedServer(ThreadingHTTPServer):
    """Serves one session of pictures on the loopback address.

    Pages of other origins can neither read it, as their requests bear another host, nor change it, as a step needs the
    token that is in the page.

    Args:
        breeding: the session.
        port: the port, 0 for a free one.

    Attributes:
        url: where the page is. token: what a step must bear.
    """

    daemon_threads = True

    def __init__(self, breeding: PictureBreeding, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.breeding, self.lock, self.token = breeding, threading.Lock(), secrets.token_urlsafe(18)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"
        self.hosts = {f"{name}:{self.server_address[1]}" for name in ("127.0.0.1", "localhost")}
        self.png = lru_cache(maxsize=400)(self._png)

    def state(self) -> dict[str, Any]:
        """Return what the page shows."""
        own = self.breeding
        return {
            "generation": own.generation,
            "shown": own.shown,
            "file": None if own.path is None else own.path.name,
        }

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that went away before its answer came."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def _png(self, id: int, size: int) -> bytes:
        from PIL import Image

        held = io.BytesIO()
        Image.fromarray(self.breeding.cppn(id).render(size)).save(held, "png")
        return held.getvalue()


class _Refused(Exception):
    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    server: BreedServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _answer(self, work: Any) -> None:
        try:
            if self.headers.get("Host") not in self.server.hosts:
                raise _Refused(HTTPStatus.FORBIDDEN, "this page is served to this machine alone.")
            kind, body = work(urlsplit(self.path))
            status = HTTPStatus.OK
        except _Refused as refused:
            kind, body, status = "application/json", _json({"error": str(refused)}), refused.status
        except InputError as error:
            kind, body, status = "application/json", _json({"error": str(error)}), HTTPStatus.BAD_REQUEST
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")  # another session may come to this port
        if status != HTTPStatus.OK:
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def _get(self, url: Any) -> tuple[str, bytes]:
        own = self.server
        if url.path == "/":
            page = _PAGE.read_text(encoding="utf-8").replace("@TOKEN@", own.token)
            return "text/html; charset=utf-8", page.encode()
        if url.path == "/state.json":
            return "application/json", _json(own.state())
        asked = re.fullmatch(r"/(picture|genome|lineage)/(\d{1,9})\.(png|json)", url.path)
        if asked is None or (asked[1] == "picture") != (asked[3] == "png"):
            raise _Refused(HTTPStatus.NOT_FOUND, f"there is nothing at {url.path}.")
        with own.lock:
            picture = own.breeding[int(asked[2])]
            if asked[1] == "picture":
                size = parse_qs(url.query).get("size", ["256"])[0]
                if not size.isascii() or not size.isdigit() or not 1 <= int(size) <= _LARGEST:
                    raise InputError(f"`size` must be 1 … {_LARGEST} pixels, but got {size!r}.")
                return "image/png", own.png(picture.id, int(size))
            if asked[1] == "genome":
                return "application/json", _json(picture.genome.to_dict())
            line = [own.breeding[id] for id in own.breeding.lineage(picture.id)]
            return "application/json", _json(
                {"line": [{"id": p.id, "generation": p.generation} for p in line]}
            )

    def _post(self, url: Any) -> tuple[str, bytes]:
        own = self.server
        if not secrets.compare_digest(self.headers.get("X-Token", "").encode(), own.token.encode()):
            raise _Refused(HTTPStatus.FORBIDDEN, "this page is from another session; load it anew.")
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch("[0-9]{1,9}", length) or int(length) > _LONGEST:
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a step has at most {_LONGEST} bytes.")
        try:
            given = json.loads(self.rfile.read(int(length)))
            selected, mutation = given.get("selected", []), given.get("mutation", 1.0)
            if type(mutation) is int:
                mutation = float(mutation)
            if not isinstance(selected, list) or not all(type(id) is int for id in selected):
                raise ValueError("`selected` must be a list of numbers")
        except (ValueError, AttributeError, OverflowError, RecursionError) as error:
            raise InputError(f"a step must be JSON with `selected` and `mutation`: {error}.") from error
        with own.lock:
            if url.path == "/breed":
                own.breeding.breed(selected, mutation)
            elif url.path == "/back":
                own.breeding.back()
            else:
                raise _Refused(HTTPStatus.NOT_FOUND, f"there is nothing at {url.path}.")
            return "application/json", _json(own.state())

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing of requests."""


def _read_genome(path: Path) -> Genome:
    try:
        genome = Genome.from_dict(json.loads(path.read_text(encoding="utf-8")))
        pack_genomes([genome])  # whose numbers are numbers
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as a genome: {error}.") from error
    return genome


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def serve(
    session: Path,
    colour: str | None = None,
    size: int | None = None,
    seed: int | None = None,
    founder: Path | None = None,
    port: int = 0,
    show: bool = True,
    say: Callable[[str], Any] = print,
) -> None:
    """Serve a session, begun or gone on with, until Ctrl-C or SIGTERM.

    Args:
        session: its file.
        colour, size, seed, founder: for one that begins; None for ``"hsv"``, 20, 0 and random pictures.
        port: the port, 0 for a free one.
        show: whether to open the browser.
        say: where lines for the user go.

    Raises:
        InputError: a session that exists was begun otherwise, a file cannot be read, or the port is taken.
    """
    begins = not session.exists()
    if not begins:
        own = PictureBreeding.open(session)
        asked = {"colour": (colour, own.colour), "size": (size, own.size), "seed": (seed, own.seed)}
        for name, (wanted, held) in asked.items():
            if wanted is not None and wanted != held:
                raise InputError(f"{session} was begun with {name} {held}, not {wanted}; name another file.")
        if founder is not None:
            raise InputError(f"{session} has begun already; name another file to begin from a genome.")
    else:
        begin = None if founder is None else _read_genome(founder)
        own = PictureBreeding(
            "hsv" if colour is None else colour, 20 if size is None else size, seed or 0, begin, session
        )
    try:
        server = BreedServer(own, port)
    except OSError as error:
        if begins:
            session.unlink(missing_ok=True)
        raise InputError(
            f"port {port} cannot be used: {error.strerror}; pass another --port, or 0."
        ) from error
    with server:
        say(f"breeding pictures at {server.url} (Ctrl-C ends)")
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.default_int_handler)
        if show:
            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            say(f"\nstopped; all is kept in {session}: neuroloom breed {session}")
