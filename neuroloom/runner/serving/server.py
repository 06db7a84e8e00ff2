"""``neuroloom serve``: a saved model over HTTP, by the Open Inference Protocol (version 2, REST).

Health, metadata and inference live under ``/v2``; tensors are JSON. One model is served, under the name of its folder.
Requests are checked as ``neuroloom predict`` checks a file, and answered in batches (:mod:`.batches`).

Source:
    Open Inference Protocol, version 2, "Inference Protocol: REST".
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuroloom.core.checks import check_float, check_int
from neuroloom.core.errors import InputError, NotSupportedError, unknown
from neuroloom.methods.saving import load_estimator
from neuroloom.runner.loopback import LOOPBACK, host_of, need, run_app
from neuroloom.runner.models import answers
from neuroloom.runner.serving.batches import Batches, BusyError, ModelError
from neuroloom.runner.serving.tensors import describe_inputs, read_inputs, write_output
from neuroloom.tasks import arrays_like, graph_of

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

PLATFORM = "neuroloom"
_VERSION = "1"


class _Refused(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class ServedModel:
    """A saved model and what is said of it.

    Args:
        folder: that ``neuroloom fit`` wrote.
        name: what it is called in addresses; None takes the folder's name.

    Raises:
        InputError: the folder holds no model.
        NotSupportedError: its samples are no tensors.
    """

    def __init__(self, folder: Path, name: str | None = None) -> None:
        self.estimator, self.about = load_estimator(folder)
        self.name = folder.resolve().name if name is None else name
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,200}", self.name):
            raise InputError(
                f"the name {self.name!r} does not do in an address; pass --name with letters, digits, '.', '_' and '-'."
            )
        schema = self.about["schema"]
        self.inputs = describe_inputs(schema)
        self.graph = graph_of(schema) if schema["kind"] == "nodes" else None

    def read(self, request: dict[str, Any]) -> tuple[Any, int]:
        """Return the samples of an inference request and how many they are.

        Raises:
            InputError: they are not as in training.
        """
        ahead = self.about["problem"] == "forecast"
        arrays, n = read_inputs(request.get("inputs"), self.inputs, even=not ahead)
        return arrays_like(arrays, self.about["schema"], self.graph), 1 if ahead else n

    def answer(self, X: Any) -> dict[str, tuple[Any, list[Any] | None]]:
        """Return what the model says of samples; of a series what comes next, and in which interval."""
        if self.about["problem"] == "forecast":
            level = self.about.get("confidence") or 0.95
            ahead, interval = self.estimator.predict(X), self.estimator.predict_interval(X, level)
            return {"prediction": (ahead, None), "interval": (interval, None)}
        return answers(self.estimator, self.about["problem"], X)

    @property
    def outputs(self) -> list[dict[str, Any]]:
        """Name, type and shape of the answers."""
        if self.about["problem"] == "forecast":
            steps = int(self.estimator.horizon_)
            return [_output("prediction", "FP64", steps), _output("interval", "FP64", steps, 2)]
        classes = [str(label) for label in getattr(self.estimator, "classes_", ())]
        if self.about["problem"] == "detection":
            return [_output("outlier", "BOOL"), _output("score", "FP64")]
        labels = getattr(self.estimator, "classes_", None)
        kind = "FP64" if labels is None else write_output("", labels[:0], None)["datatype"]
        found = [_output("prediction", kind)]
        if hasattr(self.estimator, "predict_interval"):
            found.append(_output("interval", "FP64", 2))
        if hasattr(self.estimator, "predict_set"):
            found.append(_output("set", "BOOL", len(classes)))
        if self.about["problem"] == "classification" and hasattr(self.estimator, "predict_proba"):
            found.append(_output("probability", "FP64", len(classes)))
        return found

    def metadata(self) -> dict[str, Any]:
        """Return the protocol's model metadata."""
        return {"name": self.name, "versions": [_VERSION], "platform": PLATFORM, "inputs": self.inputs,
                "outputs": self.outputs}  # fmt: skip


def _output(name: str, datatype: str, *columns: int) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [-1, *columns]}


def make_app(model: ServedModel, most_bytes: int, hosts: tuple[str, ...] | None = LOOPBACK) -> Starlette:
    """Return the application.

    Args:
        model: what is served.
        most_bytes: of a request's body.
        hosts: names that a request may ask for this machine by, so that no page of elsewhere gets at it through a name
            of its own; None takes any.
    """
    from starlette.applications import Starlette
    from starlette.requests import ClientDisconnect
    from starlette.responses import Response as Plain
    from starlette.routing import Route

    import neuroloom

    batches = Batches(model.answer)

    def answered(value: Any, status: int = 200) -> Response:
        text = json.dumps(
            value, allow_nan=False, separators=(",", ":")
        )  # ASCII, since a name may be no Unicode
        return Plain(text, status, media_type="application/json")

    def told(status: int, why: str) -> Response:
        return answered({"error": why}, status)

    def guarded(work: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def handler(request: Request) -> Response:
            try:
                if hosts is not None and host_of(request) not in hosts:
                    raise _Refused(
                        403, "this model is served to this machine alone; start it with --host for others."
                    )
                return answered(await work(request))
            except _Refused as error:
                return told(error.status, str(error))
            except (InputError, NotSupportedError) as error:
                return told(400, str(error))
            except ModelError as error:
                return told(500, f"the model failed on these samples: {error}")
            except ClientDisconnect:  # nobody hears this answer
                return told(400, "the connection ended before the request did.")
            except BusyError:
                return told(503, "too many requests are waiting; try again in a moment.")

        return handler

    async def live(request: Request) -> Any:
        return {"live": True}

    async def ready(request: Request) -> Any:
        return {"ready": True}

    async def server(request: Request) -> Any:
        return {"name": PLATFORM, "version": neuroloom.__version__, "extensions": []}

    def check_name(request: Request) -> None:
        name, version = request.path_params["name"], request.path_params.get("version", _VERSION)
        if name != model.name:
            raise _Refused(404, str(unknown("model", str(name)[:200], [model.name])))
        if version != _VERSION:
            raise _Refused(404, f"there is version {_VERSION} of {model.name}, not {str(version)[:50]!r}.")

    async def metadata(request: Request) -> Any:
        check_name(request)
        return model.metadata()

    async def model_ready(request: Request) -> Any:
        check_name(request)
        return {"name": model.name, "ready": True}

    async def infer(request: Request) -> Any:
        check_name(request)
        asked = await _read_json(request, most_bytes)
        wanted = _wanted(asked, [str(one["name"]) for one in model.outputs])
        X, n = model.read(asked)
        found = await batches.ask(X, n)
        made = {"model_name": model.name, "model_version": _VERSION}
        if "id" in asked:
            made["id"] = asked["id"]
        return {**made, "outputs": [write_output(name, *found[name]) for name in wanted]}

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        batches.close()

    async def no_such_page(request: Request, error: Exception) -> Response:
        return told(404, "there is nothing here; the protocol's addresses begin with /v2.")

    async def wrong_verb(request: Request, error: Exception) -> Response:
        return told(405, f"{request.method} is not for this address.")

    async def broken(request: Request, error: Exception) -> Response:
        return told(500, f"the server failed: {type(error).__name__}.")  # its log has the rest

    one = "/v2/models/{name}"
    routes = [Route("/v2/health/live", guarded(live)), Route("/v2/health/ready", guarded(ready)),
              Route("/v2", guarded(server)), Route("/v2/", guarded(server))]  # fmt: skip
    for path in (one, one + "/versions/{version}"):
        routes += [
            Route(path, guarded(metadata)),
            Route(path + "/ready", guarded(model_ready)),
            Route(path + "/infer", guarded(infer), methods=["POST"]),
        ]
    handlers = {404: no_such_page, 405: wrong_verb, 500: broken}
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers)
    app.router.redirect_slashes = False
    app.state.batches = batches
    return app


async def _read_json(request: Request, most: int) -> dict[str, Any]:
    """Return the request's body.

    Raises:
        _Refused: it is too long.
        InputError: it is no JSON object of the protocol.
    """
    too_long = _Refused(413, f"a request has at most {most} bytes; send fewer samples at once.")
    if "inference-header-content-length" in request.headers:
        raise InputError("tensors must be JSON; the extension for binary ones is not offered.")
    length = request.headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and int(length[:20]) > most:
        raise too_long
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            raise too_long
    try:
        asked = json.loads(bytes(body), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the request is no JSON: {' '.join(str(error).split())[:200]}.") from error
    if not isinstance(asked, dict):
        raise InputError("the request must be a JSON object with `inputs`.")
    if "id" in asked and not isinstance(asked["id"], str):
        raise InputError("`id` must be a string.")
    return asked


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON; a missing number is null")


def _wanted(asked: dict[str, Any], known: list[str]) -> list[str]:
    """Return the outputs that a request asks for, all where it names none."""
    given = asked.get("outputs")
    if given is None:
        return known
    if not isinstance(given, list) or not all(
        isinstance(one, dict) and isinstance(one.get("name"), str) for one in given
    ):
        raise InputError("`outputs` must be a list of objects with a name.")
    names = [one["name"] for one in given]
    for name in names:
        if name not in known:
            raise unknown("output", name[:200], known)
    return list(dict.fromkeys(names)) or known


def serve(
    folder: Path,
    *,
    name: str | None = None,
    host: str = "127.0.0.1",
    port: int = 8080,
    body_mb: float = 16.0,
    say: Callable[[str], Any] = print,
) -> None:
    """Serve a saved model until Ctrl-C or SIGTERM.

    Args:
        folder: that ``neuroloom fit`` wrote.
        name: what the model is called in addresses; None takes the folder's name.
        host: the address to listen on.
        port: the port, 0 for a free one.
        body_mb: the longest request, in MB (2**20 bytes).
        say: where lines for the user go.

    Raises:
        InputError: the folder holds no model, or the address cannot be used.
        NotSupportedError: models of this kind are not served.
    """
    check_int("port", port, 0, 65535)
    check_float("body_mb", body_mb, 0, open_low=True)
    need("starlette", "uvicorn", what="serving")
    model = ServedModel(folder, name)
    hosts = LOOPBACK if host in LOOPBACK else None
    app = make_app(model, int(body_mb * 2**20), hosts)

    def begun(address: str) -> None:
        say(f"serving {model.name} at {address}v2/models/{model.name} (Ctrl-C ends)")
        if hosts is None:
            say("anyone who reaches this address can ask the model; there is no password")

    run_app(app, host, port, begun)
