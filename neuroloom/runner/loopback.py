"""Web applications that this machine serves, to itself unless it is told otherwise."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from neuroloom.core.errors import InputError

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_BACKLOG = 512  # connections


def need(*packages: str, what: str) -> None:
    """Check that packages of the extra ``serve`` are installed.

    Raises:
        InputError: one is not.
    """
    for name in packages:
        if importlib.util.find_spec(name) is None:
            raise InputError(f'{what} needs {name}, which is not installed: pip install "neuroloom[serve]".')


def host_of(request: Request) -> str:
    """Return the name in the request's Host header, without its port."""
    host = request.headers.get("host", "")
    return re.sub(r":\d*$", "", host).strip("[]")


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Yield a socket that listens.

    Raises:
        InputError: the address cannot be used.
    """
    sock = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, kind, protocol)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(_BACKLOG)  # so requests wait while the server starts, and the port is known to be taken
    except (OSError, UnicodeError) as error:
        if sock is not None:
            sock.close()
        why = error.strerror if isinstance(error, OSError) else "it is no name of a host"
        raise InputError(f"{host}:{port} cannot be used: {why}; pass another --host or --port.") from error
    with sock:
        yield sock


def run_app(app: Starlette, host: str, port: int, begun: Callable[[str], Any]) -> None:
    """Serve an application until Ctrl-C or SIGTERM.

    Args:
        app: the application.
        host: the address to listen on.
        port: the port, 0 for a free one.
        begun: told the address, as ``http://127.0.0.1:8080/``, once requests are taken.

    Raises:
        InputError: the address cannot be used.
    """
    import uvicorn

    with listening(host, port) as sock:
        shown = f"[{host}]" if ":" in host else host
        begun(f"http://{shown}:{sock.getsockname()[1]}/")
        settings = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, lifespan="on"
        )
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(settings).run(sockets=[sock])
